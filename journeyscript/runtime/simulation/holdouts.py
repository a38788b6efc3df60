"""Who reached a journey's goal of those it let in, and of those it held out, counted by the same rule for both.

Takes the changes of one batch at a time; keeps a line for each customer who was let in or held out, which is forgotten
with each group of customers. The enrollment of somebody who is held out ends at once and reaches nothing, so the events
are looked at here, also those that come when the journey is over.
"""

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

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


class _Seen(Struct, kw_only=True):
    """A customer's first entry into a journey, and whether they have reached the goal since."""

    entry: Enrollment
    held_out: bool
    reached: bool = False


class Holdouts:
    """The counts of a whole simulation: customers by their first entry. `machines` are those that run, by version."""

    def __init__(self, machines: Mapping[str, Machine]) -> None:
        self.journeys = {machine.journey: found for machine in machines.values() if (found := _watched(machine))}
        """Those that are counted, by name."""
        self.entered: Counter[tuple[str, bool]] = Counter()
        """Customers by journey and whether they were held out."""
        self.reached: Counter[tuple[str, bool]] = Counter()
        self._seen: dict[tuple[int, str], _Seen] = {}

    def count(self, changes: Changes) -> None:
        """Note who was let in or held out, and who of them reached the goal."""
        if not self.journeys:
            return
        for one in changes.enrollments:
            if one.journey in self.journeys and not one.test and (one.customer, one.journey) not in self._seen:
                self._seen[one.customer, one.journey] = _Seen(entry=one, held_out=one.reason == HELD_OUT)
        for kept in changes.events:
            for journey, watched in self.journeys.items():
                seen = self._seen.get((kept.customer, journey))
                if seen is not None and not seen.reached and kept.event.name == watched.goal.event:
                    seen.reached = _reaches(watched, seen.entry, kept)

    def add(self, other: "Holdouts") -> None:
        """Add the counts of another one that is closed."""
        self.entered.update(other.entered)
        self.reached.update(other.reached)

    def close(self) -> None:
        """Count a group of customers who are through, and forget them."""
        for (_, journey), seen in self._seen.items():
            self.entered[journey, seen.held_out] += 1
            self.reached[journey, seen.held_out] += seen.reached
        self._seen.clear()


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
