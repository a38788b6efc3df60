"""Frequency caps against what journeys can send: messages that are lost for sure, that may be, and no cap at all.

Takes compiled journeys and the policies; `worst_case` finds the ways. What is too large to be known is not told.
"""

from collections.abc import Iterator, Mapping
from itertools import islice

from msgspec import Struct

from journeyscript.checks.known import TRUE
from journeyscript.checks.places import place, place_of_condition
from journeyscript.checks.regions import survey
from journeyscript.checks.worst_case.figures import Question, length_in_words
from journeyscript.checks.worst_case.possible import reachable_and_possible
from journeyscript.checks.worst_case.search import (
    Reached,
    TooManyWays,
    Way,
    at_latest,
    at_soonest,
    names,
    start_of,
    way_of,
)
from journeyscript.checks.worst_case.times import Sending
from journeyscript.checks.worst_case.ways import Ways, unroll
from journeyscript.diagnostics import Diagnostic, Label, Span
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import ENTERED, Send, State
from journeyscript.rules import finding
from journeyscript.syntax.policies import FrequencyCap, Policies

MOST_TRIED = 10
"""So many ways to a message over the cap are tried for somebody who can go one."""

MOST_TOGETHER = 50
"""Of more journeys than this that start on one event nothing is said."""


def over_caps(compiled: Compiled, sending: Sending) -> Iterator[Diagnostic]:
    """JS502, JS503: a journey sends more marketing messages within a cap's time than the cap allows, or may do so."""
    if not sending.policies.caps:
        return
    ways = unroll(compiled.machine, sending)
    if ways is None:
        return
    for cap in sending.policies.caps:
        lost = _lost(compiled, ways, cap)
        may_be_lost = None if lost is not None else _may_be_lost(compiled, ways, cap, sending)
        if lost is not None:
            yield _told(compiled, "JS502", "`{}` is lost: it is {}", cap, lost, sending)
        elif may_be_lost is not None:
            yield _told(compiled, "JS503", "`{}` may be lost: it can be {}", cap, may_be_lost, sending)


def _lost(compiled: Compiled, ways: Ways, cap: FrequencyCap) -> Way | None:
    """Return a way that some customer can go, on which for sure too many messages fall into the cap's time."""
    reached = at_latest(ways, _question(cap).must, cap.per)
    return _first(compiled, ways, reached, cap, (True,))


def _may_be_lost(compiled: Compiled, ways: Ways, cap: FrequencyCap, sending: Sending) -> Way | None:
    """Return a way that is not impossible, on which too many messages may fall into the cap's time."""

    def is_lost(reached: Reached) -> bool:
        send = ways[reached.place].state.action
        # One that waits until the first has left the cap's time is not lost.
        return isinstance(send, Send) and reached.time + sending.delay(send) < cap.per

    reached = (one for one in at_soonest(ways, _question(cap).may, cap.per) if is_lost(one))
    return _first(compiled, ways, reached, cap, (True, None))


def _first(
    compiled: Compiled, ways: Ways, reached: Iterator[Reached], cap: FrequencyCap, wanted: tuple[bool | None, ...]
) -> Way | None:
    """Return the first way with too many messages of which it can be said as wanted that somebody goes it."""
    over = (one for one in reached if one.count > cap.messages)
    try:
        for one in islice(over, MOST_TRIED):
            way = way_of(one, ways)
            if reachable_and_possible(ways, start_of(one), way, compiled.machine.timezone) in wanted:
                return way
    except TooManyWays:
        return None
    return None


def _told(compiled: Compiled, code: str, message: str, cap: FrequencyCap, way: Way, sending: Sending) -> Diagnostic:
    counts = _question(cap).may
    counted = [found.state.id for found, _ in way if counts(found)]
    first, last = counted[0], counted[-1]
    on = "" if cap.channel is None else f" by {cap.channel}"
    which = f"marketing message {len(counted)}{on} within {length_in_words(cap.per)}"
    elsewhere = (Label(span=place(compiled, first), text="the first one"),) if first != last else ()
    return finding(
        code,
        f"{message.format(last, which)}, and {_allowed(cap)}",
        place(compiled, last),
        help=f"wait longer in front of it, or write {_patience(way[-1][0].state, cap, sending)}",
        labels=elsewhere,
        journey=compiled.machine.journey,
        step=last,
        witness=names(way),
    )


def _patience(state: State, cap: FrequencyCap, sending: Sending) -> str:
    """Return what to write at a send so that it waits for as long as a cap looks back."""
    length = length_in_words(cap.per)
    assert isinstance(state.action, Send), "only sends are lost"
    age = f" and `max_age: {length}`" if sending.max_age(state.action) < cap.per else ""
    return f"`when_capped: {{ delay: {length} }}`{age}"


def _question(cap: FrequencyCap) -> Question:
    return Question(channel=cap.channel, kind="marketing")


def _allowed(cap: FrequencyCap) -> str:
    return f"a cap allows {cap.messages}"


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
    counts = _question(cap).may
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
        f"{length_in_words(cap.per)}, and {_allowed(cap)}",
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


def no_cap_declared(journeys: Mapping[str, Compiled], policies: Policies, where: Span) -> Iterator[Diagnostic]:
    """JS504: journeys send marketing, and no cap bounds how much of it reaches one customer."""
    sends = [
        (name, state.id)
        for name, compiled in journeys.items()
        for state in compiled.machine.states
        if isinstance(state.action, Send) and state.action.kind == "marketing"
    ]
    if policies.caps or not sends:
        return
    yield finding(
        "JS504",
        "no frequency cap bounds how much marketing one customer gets",
        where,
        help="write `policies: { caps: [{ messages: 3, per: 7 days }] }`",
        witness=[f"{name}: {step}" for name, step in sends[:3]],
    )
