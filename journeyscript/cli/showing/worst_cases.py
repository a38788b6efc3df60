"""The worst case of journeys as tables, Markdown and JSON: how many messages, on which way, and for which entry."""

from typing import TYPE_CHECKING

import click
import msgspec
from msgspec import Struct

from journeyscript.checks.worst_case.figures import Figure, Figures, figures, length_in_words
from journeyscript.checks.worst_case.times import Sending
from journeyscript.checks.worst_case.together import lengths_of, together
from journeyscript.cli.showing.terminal import console
from journeyscript.syntax.duration import show_duration

if TYPE_CHECKING:
    from journeyscript.compiler import Project
    from journeyscript.machine.model import Entry

FORMAT = "journeyscript.worst-case/1"
TOGETHER = "together"

_BEGINNING, _ENDING = 8, 4
"""Of a longer way so many states are shown at its beginning and at its end."""


class WorstCase(Struct, frozen=True, kw_only=True):
    """The figures of a journey, or of several together where there is no name; `entry` says what they are for."""

    journey: str | None
    entry: str
    rows: tuple[Figures, ...]


def worst_cases(project: "Project", names: tuple[str, ...]) -> list[WorstCase]:
    """Return the figures of these journeys, and of all of them together where they are several."""
    policies = project.config.policies
    sending = Sending(channels=project.channels, policies=policies)
    lengths = lengths_of(cap.per for cap in policies.caps)
    found = [
        WorstCase(
            journey=name,
            entry=_entry(project.journeys[name].machine.entry),
            rows=tuple(figures(project.journeys[name], sending, lengths)),
        )
        for name in names
    ]
    if len(found) > 1:
        rows = tuple(together([one.rows for one in found]))
        found.append(WorstCase(journey=None, entry="each journey is entered once", rows=rows))
    return found


def _entry(entry: "Entry") -> str:
    """Return what the numbers of one entry say of a customer over time."""
    if entry.while_active == "restart":
        return "for one entry; entering again starts it anew, so there is no bound over time"
    if entry.key is not None:
        return "for one entry; there is one for each `key`, so there is no bound over time"
    match entry.again:
        case None:
            return "for good: nobody enters again"
        case 0:
            return "for one entry; `again: always`, so there is no bound over time"
        case _:
            since = "exit" if entry.again_from == "exit" else "entry"
            return f"for one entry; the next one is {show_duration(entry.again)} after {since} at the earliest"


def print_tables(found: list[WorstCase]) -> None:
    """Print a table of all figures, and below it the ways and the entries."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, head in enumerate(_heads(found)):
        table.add_column(head, justify="left" if number < 3 else "right")
    for cells in _cells(found):
        table.add_row(*cells)
    console().print(table)
    for line in _remarks(found):
        click.echo(line)


def as_markdown(found: list[WorstCase]) -> str:
    """Return the table and the remarks as Markdown."""
    heads = _heads(found)
    lines = [_row(heads), _row(["---"] * 3 + ["---:"] * (len(heads) - 3)), *(_row(cells) for cells in _cells(found))]
    return "\n".join([*lines, "", *(f"- {line}" for line in _remarks(found, code="`"))])


def as_json(found: list[WorstCase]) -> str:
    """Return everything as JSON; `null` where nobody knows."""
    document = {
        "format": FORMAT,
        "journeys": [_document(one) for one in found if one.journey is not None],
        "together": next((_document(one) for one in found if one.journey is None), None),
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _document(one: WorstCase) -> dict[str, object]:
    rows = [
        {
            "channel": row.question.channel,
            "class": row.question.kind,
            "in_all": row.in_all,
            "within": [{"milliseconds": length, **msgspec.to_builtins(own)} for length, own in row.within.items()],
        }
        for row in one.rows
    ]
    named = {} if one.journey is None else {"journey": one.journey}
    return {**named, "entry": one.entry, "rows": rows}


def numbers(found: list[WorstCase]) -> dict[tuple[str, str, str, str], str]:
    """Return every number in words by journey, channel, class and time; by journey alone what they are for."""
    said: dict[tuple[str, str, str, str], str] = {}
    for one in found:
        name = one.journey or TOGETHER
        said[name, "", "", "what they are for"] = one.entry
        for row in one.rows:
            asked = name, row.question.channel or "all", row.question.kind or "all"
            said[*asked, "in all"] = _shown(row.in_all)
            said |= {(*asked, f"any {length_in_words(length)}"): _shown(own) for length, own in row.within.items()}
    return said


def _heads(found: list[WorstCase]) -> list[str]:
    lengths = next((row.within for one in found for row in one.rows), {})
    return ["journey", "channel", "class", "in all", *(f"any {length_in_words(length)}" for length in lengths)]


def _cells(found: list[WorstCase]) -> list[list[str]]:
    cells = []
    for one in found:
        for number, row in enumerate(one.rows):
            name = (one.journey or TOGETHER) if not number else ""
            asked = [row.question.channel or "all", row.question.kind or "all"]
            cells.append([name, *asked, _shown(row.in_all), *(_shown(own) for own in row.within.values())])
    return cells


def _shown(figure: Figure) -> str:
    if figure.most is None or figure.least is None:
        return "?"
    return str(figure.most) if figure.least == figure.most else f"{figure.least}-{figure.most}"


def _remarks(found: list[WorstCase], code: str = "") -> list[str]:
    """Return the ways on which it is the most, and what the numbers are for."""
    lines = []
    for one in found:
        name = one.journey or TOGETHER
        lines.append(f"{name}: {one.entry}")
        if one.journey is None:
            continue
        first = one.rows[0]
        ways = {first.in_all.path: f"{first.in_all.most} in all"}
        for length, own in first.within.items():
            ways.setdefault(own.path, f"{own.most} in {length_in_words(length)}")
        lines += [f"{name}: {count} on {_way(path, code)}" for path, count in ways.items() if path]
    return lines


def _way(path: tuple[str, ...], code: str) -> str:
    shown = [f"{code}{state}{code}" for state in path]
    if len(shown) > _BEGINNING + _ENDING + 1:
        left_out = len(shown) - _BEGINNING - _ENDING
        shown = [*shown[:_BEGINNING], f"({left_out} more)", *shown[-_ENDING:]]
    return ", ".join(shown)


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
