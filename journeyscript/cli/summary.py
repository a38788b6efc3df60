"""What happened, as tables: journeys, messages, and what was not sent and why. The same for `run` and `status`."""

from typing import TYPE_CHECKING

import click

from journeyscript.cli.shared import console

if TYPE_CHECKING:
    from rich.table import Table

    from journeyscript.runtime.report import JourneyReport, Report

_SHOWN = 3


def print_report(report: "Report") -> None:
    """Print the tables of a report to standard output."""
    out = console()
    if not report.journeys:
        click.echo("Nobody has entered a journey yet.")
    else:
        out.print(_journeys(report))
    if report.messages:
        out.print(_messages(report))
    if report.not_sent:
        out.print(_not_sent(report))


def _table(title: str, *columns: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        numeric = column in ("entered", "active", "completed", "exited", "failed", "sent", "pending", "count")
        table.add_column(column, justify="right" if numeric else "left")
    return table


def _journeys(report: "Report") -> "Table":
    table = _table(
        "Journeys", "journey", "entered", "active", "completed", "exited", "failed", "where they stand, why they left"
    )
    for j in report.journeys:
        numbers = (j.entered, j.active, j.completed, j.exited, j.failed)
        table.add_row(j.journey, *(f"{n:,}" for n in numbers), _where(j))
    return table


def _where(journey: "JourneyReport") -> str:
    parts = [f"{s.count:,} at {s.name}" for s in journey.standing] + [f"{s.count:,} {s.name}" for s in journey.reasons]
    more = f", and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return ", ".join(parts[:_SHOWN]) + more


def _messages(report: "Report") -> "Table":
    table = _table("Messages", "journey", "message", "channel", "sent", "pending", "failed")
    for m in report.messages:
        table.add_row(m.journey, m.message, m.channel, *(f"{n:,}" for n in (m.sent, m.pending, m.failed)))
    return table


def _not_sent(report: "Report") -> "Table":
    table = _table("Not sent", "journey", "message", "reason", "count")
    for n in report.not_sent:
        table.add_row(
            n.journey, n.message, n.reason if n.status == "skipped" else f"failed: {n.reason}", f"{n.count:,}"
        )
    return table
