"""A backtest shown: for people, for programs, and for a comment on a pull request."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from journeyscript.engine.calendar import local_text
from journeyscript.runtime.backtest.comparison import Example, Kind, MessageChange
from journeyscript.semantics.types import Instant

if TYPE_CHECKING:
    from rich.table import Table

    from journeyscript.cli.showing.summary import Part

_COLUMNS = ("journey", "message", "before", "now", "only now", "only before", "moved")
_WORDS: dict[Kind, str] = {"only_now": "only now", "only_before": "only before", "moved": "moved"}
_OTHERWISE: dict[Kind, str] = {"only_now": "before", "only_before": "now", "moved": ""}
"""Where the reason of a difference is to be found."""


class Report(Struct, frozen=True, kw_only=True):
    """What a backtest came to. Instants are milliseconds in UTC; examples tell their times in `zone`."""

    format: Literal["journeyscript.backtest/1"] = "journeyscript.backtest/1"
    against: str
    since: Instant
    until: Instant
    zone: str
    events: int
    customers: int
    messages: tuple[MessageChange, ...]
    test_customers: int = 0
    """Who is left out."""

    @property
    def different(self) -> bool:
        """Whether anybody receives anything else."""
        return any(one.different for one in self.messages)


def as_json(report: Report) -> str:
    """Return a report as one JSON document."""
    document = {**msgspec.to_builtins(report), "different": report.different}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def as_parts(report: Report) -> "list[Part]":
    """Return a report as lines and tables, in order."""
    parts: list[Part] = [_heading(report)]
    if report.messages:
        parts.append(_table("Messages", _COLUMNS, _rows(report)))
    reasons = list(_reasons(report))
    if reasons:
        parts.append(_table("Why", ("journey", "message", "difference", "reason", "count"), reasons))
    parts += [
        "\n".join((f"{one.message} of {one.journey}", *_examples(one))) + "\n"
        for one in report.messages
        if one.examples
    ]
    parts.append(_verdict(report))
    return parts


def as_markdown(report: Report) -> str:
    """Return a report for a comment on a pull request."""
    parts = [_heading(report)]
    if report.messages:
        parts.append(_markdown(_COLUMNS, 2, _rows(report)))
    reasons = list(_reasons(report))
    if reasons:
        parts.append(_markdown(("journey", "message", "difference", "reason", "count"), 4, reasons))
    for one in report.messages:
        if one.examples:
            told = "\n".join(_examples(one))
            parts.append(
                f"<details><summary>{one.message} of {one.journey}: examples</summary>\n\n"
                f"```text\n{told}\n```\n\n</details>"
            )
    parts.append(_verdict(report))
    return "\n\n".join(parts)


def _heading(report: Report) -> str:
    since, until = (local_text(at, report.zone)[:10] for at in (report.since, report.until))
    tests = f" {_tests(report.test_customers)}" if report.test_customers else ""
    return (
        f"Backtest of {report.events:,} events of {report.customers:,} customers; "
        f"messages from {since} to {until}, against {report.against}.{tests}"
    )


def _tests(count: int) -> str:
    return "1 test customer is left out." if count == 1 else f"{count:,} test customers are left out."


def _verdict(report: Report) -> str:
    if not report.messages:
        return "No message was sent, neither before nor now."
    return "Somebody receives something else." if report.different else "Everybody receives the same."


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    for one in report.messages:
        counts = (one.before, one.now, one.only_now, one.only_before, one.moved)
        yield one.journey, one.message, *(f"{count:,}" for count in counts)


def _reasons(report: Report) -> Iterator[tuple[str, ...]]:
    for one in report.messages:
        for why in one.reasons:
            reason = f"{_OTHERWISE[why.kind]} {why.reason}"
            yield one.journey, one.message, _WORDS[why.kind], reason, f"{why.count:,}"


def _examples(one: MessageChange) -> Iterator[str]:
    for example in one.examples:
        yield f"  {_WORDS[example.kind]}: {example.customer}, {_when(example)}"
        if example.parting is not None:
            yield f"    before  {example.parting.before}"
            yield f"    now     {example.parting.now}"


def _when(example: Example) -> str:
    if example.kind == "moved":
        return f"{example.before} -> {example.now}"
    return f"{example.now or example.before}; {_OTHERWISE[example.kind]} {example.reason}"


def _table(title: str, columns: tuple[str, ...], rows: "Iterator[tuple[str, ...]] | list[tuple[str, ...]]") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        words = column in {"journey", "message", "difference", "reason"}
        table.add_column(column, justify="left" if words else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _markdown(columns: tuple[str, ...], words: int, rows: "Iterator[tuple[str, ...]] | list[tuple[str, ...]]") -> str:
    """Return a table whose first columns, so many, hold words, and the others numbers."""
    rule = ["---"] * words + ["---:"] * (len(columns) - words)
    lines = [columns, tuple(rule), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
