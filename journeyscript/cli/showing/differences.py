"""Journeys compared: for people, for programs, and for a comment on a pull request."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, assert_never

import msgspec
from msgspec import Struct

from journeyscript.cli.showing.findings.markdown import escaped
from journeyscript.machine.comparison import (
    AnyDifference,
    HeadingChanged,
    JourneyChanged,
    StepAdded,
    StepChanged,
    StepRemoved,
    StepRenamed,
    Tier,
    compare,
    within,
)
from journeyscript.stores.records import Deployment

DIFF_FORMAT: Literal["journeyscript.diff/1"] = "journeyscript.diff/1"


class Compared(Struct, frozen=True, kw_only=True):
    """A journey in two versions; an empty one is that it was not there, or is not there any more."""

    journey: str
    before: str
    after: str
    differences: tuple[AnyDifference, ...]


class Report(Struct, frozen=True, kw_only=True):
    """All journeys that are different, as deep as `tier` looks."""

    format: Literal["journeyscript.diff/1"] = DIFF_FORMAT
    against: str
    tier: Tier
    journeys: tuple[Compared, ...]


def compared(
    before: Mapping[str, Deployment], after: Mapping[str, Deployment], names: Sequence[str], tier: Tier
) -> tuple[Compared, ...]:
    """Return the journeys that are different, in the order of the files; those that are gone come last.

    One that has come, or is gone, changes how recorded history would have gone, and nobody inside of it.
    """
    found: list[Compared] = []
    for name in names or dict.fromkeys((*after, *before)):
        old, new = before.get(name), after.get(name)
        if old is not None and new is not None:
            differences = within(compare(old.machine, new.machine, old.about, new.about), tier)
            if differences:
                found.append(Compared(journey=name, before=old.version, after=new.version, differences=differences))
        elif tier != "inflight":
            was, now = "" if old is None else old.version, "" if new is None else new.version
            found.append(Compared(journey=name, before=was, after=now, differences=()))
    return tuple(found)


def as_json(report: Report) -> str:
    """Return a report as one JSON document."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()


def as_text(report: Report) -> str:
    """Return a report for a terminal: a line for each difference."""
    return "\n\n".join("\n".join((_heading(one), *_lines(one))) for one in report.journeys)


def as_markdown(report: Report) -> str:
    """Return a report for a comment: a table for each journey."""
    if not report.journeys:
        return f"No journey is different from {report.against}."
    return "\n\n".join(_section(one) for one in report.journeys)


def _heading(one: Compared) -> str:
    if not one.before:
        return f"{one.journey}: new, version {one.after}"
    if not one.after:
        return f"{one.journey}: gone, was version {one.before}"
    if one.before == one.after:
        return f"{one.journey}: still version {one.after}"
    return f"{one.journey}: version {one.before} -> {one.after}"


def _lines(one: Compared) -> Iterable[str]:
    for difference in one.differences:
        sign, what, was, now = _told(difference)
        words = f"{was or 'nothing'} -> {now or 'nothing'}" if sign == "~" and (was or now) else was or now
        yield f"  {sign} {what}: {words}" if words else f"  {sign} {what}"


def _section(one: Compared) -> str:
    lines = [f"### {_heading(one)}"]
    if one.differences:
        lines += ["", "| | what | before | now |", "|---|---|---|---|"]
    for difference in one.differences:
        sign, *words = _told(difference)
        lines.append(f"| {' | '.join((sign, *map(escaped, words)))} |")
    return "\n".join(lines)


def _told(difference: AnyDifference) -> tuple[str, str, str, str]:
    """Return how a difference is shown: a sign, what is different, and what it was and is."""
    match difference:
        case StepAdded(step=step, now=now):
            return "+", step, "", now
        case StepRemoved(step=step, was=was):
            return "-", step, was, ""
        case StepRenamed(was=was, now=now):
            return "~", "name of a step", was, now
        case StepChanged(step=step, part=part, was=was, now=now):
            return "~", f"{part} of {step}", was, now
        case JourneyChanged(part=part, was=was, now=now):
            return "~", part, was, now
        case HeadingChanged(heading=heading, was=was, now=now):
            return "~", heading, was, now
        case _:
            assert_never(difference)
