"""Journeys that one event starts for one customer, and a frequency cap over what they send together."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from journeyscript.checks.known import TRUE
from journeyscript.checks.places import place_of_condition
from journeyscript.checks.regions import survey
from journeyscript.checks.worst_case.caps import allowed, question_of
from journeyscript.checks.worst_case.figures import length_in_words
from journeyscript.checks.worst_case.search import TooManyWays, at_soonest
from journeyscript.checks.worst_case.times import Sending
from journeyscript.checks.worst_case.ways import unroll
from journeyscript.diagnostics import Diagnostic, Label
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import ENTERED
from journeyscript.rules import finding
from journeyscript.syntax.policies import FrequencyCap

MOST_TOGETHER = 50
"""Of more journeys than this that start on one event nothing is said."""


class Together(Struct, frozen=True, kw_only=True):
    """A journey with the most messages that it can send within a cap's time from entry."""

    name: str
    compiled: Compiled
    count: int


def combined_cap(journeys: Mapping[str, Compiled], sending: Sending) -> Iterator[Diagnostic]:
    """JS702: journeys that one event starts go over a cap together, and none of them by itself.

    A customer is inside one journey of a group, so of a group the one that sends most counts.
    """
    if not 1 < len(journeys) <= MOST_TOGETHER:
        return
    if any(compiled.machine.entry.event == ENTERED for compiled in journeys.values()):
        return  # What no event starts has no moment in common.
    for cap in sending.policies.caps:
        counted = [one for name in journeys if (one := _from_entry(name, journeys[name], cap, sending)) is not None]
        if _sum(counted) > cap.messages:
            yield from _over_together(counted, cap)


def _from_entry(name: str, compiled: Compiled, cap: FrequencyCap, sending: Sending) -> Together | None:
    """Return what a journey can send within a cap's time from entry; nothing where it sends nothing or too much."""
    ways = unroll(compiled.machine, sending)
    if ways is None:
        return None
    counts = question_of(cap).may
    try:
        alone = max((one.count for one in at_soonest(ways, counts, cap.per)), default=0)
        count = max((one.count for one in at_soonest(ways, counts, cap.per, starts=(0,))), default=0)
    except TooManyWays:
        return None
    return Together(name=name, compiled=compiled, count=count) if count and alone <= cap.messages else None


def _over_together(counted: list[Together], cap: FrequencyCap) -> Iterator[Diagnostic]:
    entries = [one.compiled.machine.entry.where or TRUE for one in counted]
    found = survey(entries, counted[0].compiled.machine.timezone)
    if found is None or not found.exact:
        return
    worst = max(found.rows, key=lambda row: _sum(_let_in(counted, row.holds)))
    inside = _largest(_let_in(counted, worst.holds))
    if _sum(inside) <= cap.messages:
        return
    last, event = inside[-1], inside[-1].compiled.machine.entry.event
    on = "" if cap.channel is None else f" by {cap.channel}"
    yield finding(
        "JS702",
        f"`{event}` starts {len(inside)} journeys that together can send {_sum(inside)} marketing messages{on} within "
        f"{length_in_words(cap.per)}, and {allowed(cap)}",
        place_of_condition(last.compiled, "entry"),
        help="tell the customers apart with `where`, or put the journeys into one `exclusive_group`",
        labels=tuple(
            Label(span=place_of_condition(one.compiled, "entry"), text=f"starts `{one.name}`") for one in inside[:-1]
        ),
        journey=last.name,
        witness=(event, *found.customer(worst), *(f"{one.name}: {one.count}" for one in inside)),
    )


def _let_in(counted: list[Together], holds: tuple[bool, ...]) -> list[Together]:
    return [one for one, held in zip(counted, holds, strict=True) if held]


def _largest(counted: list[Together]) -> list[Together]:
    """Return the journeys that a customer can be in at once with the most messages: one of each group."""
    best: dict[str, Together] = {}
    for one in counted:
        group = one.compiled.machine.entry.group or f"/{one.name}"
        if group not in best or one.count > best[group].count:
            best[group] = one
    return list(best.values())


def _sum(counted: list[Together]) -> int:
    return sum(one.count for one in _largest(counted))
