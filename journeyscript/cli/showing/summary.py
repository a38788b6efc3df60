"""What happened, as tables: journeys, messages, and what was not sent and why. The same for `run` and `status`."""

from typing import TYPE_CHECKING

import click

from journeyscript.cli.showing.terminal import console

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from rich.table import Table

    from journeyscript.runtime.reporting.report import JourneyReport, Report

    Part: TypeAlias = str | Table

_SHOWN = 3


def print_report(report: "Report") -> None:
    """Print the tables of a report to standard output."""
    print_parts(parts_of(report))


def print_parts(parts: "Sequence[Part]") -> None:
    """Print lines and tables to standard output."""
    out = console()
    for part in parts:
        if isinstance(part, str):
            click.echo(part)
        else:
            out.print(part)


def parts_of(report: "Report") -> "list[Part]":
    """Return a report as lines and tables, in order."""
    parts: list[Part] = [_journeys(report) if report.journeys else "Nobody has entered a journey yet."]
    if any(one.journey for one in report.refused):
        parts.append(_refused(report))
    parts += [
        f"{ahead.count:,} events had a time that lay ahead; they count as of when they came.\n"
        for ahead in report.refused
        if not ahead.journey
    ]
    if report.messages:
        parts.append(_messages(report))
    if report.not_sent:
        parts.append(_not_sent(report))
    if report.test_customers.journeys:
        parts.append(_tests(report))
    return parts


def _tests(report: "Report") -> str:
    """Return what is in none of the numbers."""
    journeys, messages = report.test_customers.journeys, report.test_customers.messages
    entered, active = sum(one.entered for one in journeys), sum(one.active for one in journeys)
    sent = sum(one.sent for one in messages)
    names = ", ".join(f"`{one.journey}`" for one in journeys)
    return (
        f"Not counted: {entered:,} {'entry' if entered == 1 else 'entries'} of test customers into {names} "
        f"({active:,} active), {sent:,} {'message' if sent == 1 else 'messages'} sent to them."
    )


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


def _refused(report: "Report") -> "Table":
    from journeyscript.machine.wording import refusal_in_words

    table = _table("Not entered", "journey", "reason", "count")
    for one in report.refused:
        if one.journey:
            table.add_row(one.journey, refusal_in_words(one.reason), f"{one.count:,}")
    return table


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
