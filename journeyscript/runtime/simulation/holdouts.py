"""Who reached a journey's goal of those it let in, and of those it held out, counted by the same rule for both.

Takes all that changed in one customer's life; keeps nothing. The enrollment of somebody who is held out ends at once
and reaches nothing, so the events are looked at here, also those that come when the journey is over.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from journeyscript.engine.entry import HELD_OUT
from journeyscript.engine.evaluate import compile_expression
from journeyscript.engine.values import Enrollment, Facts
from journeyscript.machine.model import Goal, Machine
from journeyscript.machine.needs import nodes
from journeyscript.semantics import typed
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Changes, KeptEvent

_compiled = lru_cache(compile_expression)
_NOBODY = Facts(external_id="")


class _Watched(Struct, frozen=True, kw_only=True):
    """A journey with a holdout and a goal that only events decide on; plain data, which another process can take."""

    goal: Goal
    timezone: str


class Exposure(NamedTuple):
    """What came of a customer's first entry into a journey."""

    journey: str
    held_out: bool
    reached: bool


class Holdouts:
    """The journeys whose holdouts are compared, of those that run."""

    def __init__(self, machines: Iterable[Machine]) -> None:
        self.journeys = {machine.journey: found for machine in machines if (found := _watched(machine))}
        """Those that are counted, by name."""

    def of(self, changes: Changes) -> Iterator[Exposure]:
        """Yield what came of a customer's first entries, by all that changed in their life."""
        first: dict[str, Enrollment] = {}
        for one in changes.enrollments if self.journeys else ():
            if one.journey in self.journeys and not one.test:
                first.setdefault(one.journey, one)
        for journey, entry in first.items():
            watched = self.journeys[journey]
            reached = any(
                kept.event.name == watched.goal.event and _reaches(watched, entry, kept) for kept in changes.events
            )
            yield Exposure(journey, entry.reason == HELD_OUT, reached)


def _watched(machine: Machine) -> _Watched | None:
    goal = machine.goal
    if goal is None or not machine.entry.holdout:
        return None
    # What is so of the customer when the event happens is known only where the journey goes on for them.
    of_the_customer = (typed.Attribute, typed.Consent, typed.History, typed.InSegment, typed.JourneyFact, typed.Call)
    if goal.where is not None and any(isinstance(node, of_the_customer) for node in nodes(goal.where)):
        return None
    return _Watched(goal=goal, timezone=machine.timezone)


def _reaches(watched: _Watched, entry: Enrollment, kept: KeptEvent) -> bool:
    event, since, goal = kept.event, entry.entered_at, watched.goal
    until: Instant | None = None if goal.within is None else since + goal.within
    if event == entry.entry or event.at < since or (until is not None and event.at > until):
        return False
    return goal.where is None or _compiled(goal.where, watched.timezone)(_NOBODY, event, entry, event.at) is True
