"""Frequency caps against what journeys can send: messages that are lost for sure, that may be, and no cap at all.

Takes compiled journeys and the policies; `worst_case` finds the ways. What is too large to be known is not told.
"""

from collections.abc import Iterator, Mapping
from itertools import islice

from journeyscript.checks.places import place
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
from journeyscript.machine.model import Send, State
from journeyscript.rules import finding
from journeyscript.syntax.policies import FrequencyCap, Policies

MOST_TRIED = 10
"""So many ways to a message over the cap are tried for somebody who can go one."""


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
    reached = at_latest(ways, question_of(cap).must, cap.per)
    return _first(compiled, ways, reached, cap, (True,))


def _may_be_lost(compiled: Compiled, ways: Ways, cap: FrequencyCap, sending: Sending) -> Way | None:
    """Return a way that is not impossible, on which too many messages may fall into the cap's time."""

    def is_lost(reached: Reached) -> bool:
        send = ways[reached.place].state.action
        # One that waits until the first has left the cap's time is not lost.
        return isinstance(send, Send) and reached.time + sending.delay(send) < cap.per

    reached = (one for one in at_soonest(ways, question_of(cap).may, cap.per) if is_lost(one))
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
    counts = question_of(cap).may
    counted = [found.state.id for found, _ in way if counts(found)]
    first, last = counted[0], counted[-1]
    on = "" if cap.channel is None else f" by {cap.channel}"
    which = f"marketing message {len(counted)}{on} within {length_in_words(cap.per)}"
    elsewhere = (Label(span=place(compiled, first), text="the first one"),) if first != last else ()
    return finding(
        code,
        f"{message.format(last, which)}, and {allowed(cap)}",
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


def question_of(cap: FrequencyCap) -> Question:
    """Return which messages a cap counts."""
    return Question(channel=cap.channel, kind="marketing")


def allowed(cap: FrequencyCap) -> str:
    """Return what a cap allows, in words."""
    return f"a cap allows {cap.messages}"


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
