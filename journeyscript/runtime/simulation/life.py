"""One customer of a simulation, from their arrival to its end: what happens to them, and what they do about it.

Takes what all of a simulation go by and the records that a customer comes with; gives all that a batch would have
changed. Everything is decided by the same `Progress` that production asks; this module only lets time pass.
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from journeyscript.compiler import Project
from journeyscript.engine.audience import Audience
from journeyscript.engine.schedule import next_firing
from journeyscript.engine.values import Event
from journeyscript.machine.model import BySchedule
from journeyscript.runtime.advancing.progress import Progress, Starting
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.intake.records import Incoming
from journeyscript.runtime.session import rules_of
from journeyscript.runtime.simulation.drawing import Draws, reaction_record, reacts
from journeyscript.runtime.simulation.population import CauseKind, Population, Reaction
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Changes, Customer, KeptSend, Store

MOST_REACTIONS = 1_000
"""Times that one customer reacts to anything; more of them is a circle of reactions that cause each other."""

RECORD, TIMER, FIRING = 0, 1, 2
"""At one instant an event is before a timer, and both are before a schedule, whose audience is what they left."""

Next: TypeAlias = tuple[Instant, int]
"""When something happens next to a customer, and of which of the three kinds it is."""


class Firing(Struct, frozen=True, kw_only=True):
    """A moment at which a schedule lets a journey begin, and for whom."""

    at: Instant
    journey: str
    audience: Audience


class Setting:
    """What all lives of a simulation go by."""

    def __init__(self, project: Project, population: Population, store: Store, start: Instant) -> None:
        """Take the journeys that are deployed in a store; nothing happens before `start`."""
        self.population, self.end = population, population.end
        self.rules: Rules = rules_of(project, store, virtual=True)
        self.stages = {compiled.machine.journey: compiled.about.stage for compiled in project.journeys.values()}
        self.causes: dict[tuple[CauseKind, str], list[Reaction]] = {}
        for reaction in population.reactions:
            self.causes.setdefault((reaction.kind, reaction.cause), []).append(reaction)
        self.firings: Sequence[Firing] = sorted(_firings(self.rules, start, self.end), key=lambda one: one.at)


def _firings(rules: Rules, start: Instant, end: Instant) -> Iterator[Firing]:
    for journey, program in rules.programs.started.items():
        trigger, timezone = program.machine.entry.trigger, program.machine.timezone
        if not isinstance(trigger, BySchedule):
            continue
        audience = Audience(trigger.audience, timezone, start)
        after = start - 1
        while (firing := next_firing(trigger, timezone, after)) is not None and firing.at <= end:
            yield Firing(at=firing.at, journey=journey, audience=audience.as_of(firing.at, firing.zones))
            after = firing.at


class Life:
    """One customer. `go` lets happen what is next, as long as there is anything up to the end."""

    def __init__(
        self,
        setting: Setting,
        customer: Customer,
        records: Sequence[Incoming],
        crowds: dict[str, int],
        draws: Draws,
    ) -> None:
        """Begin with these records, which are in the order of time; `crowds` is shared by all who fill a journey."""
        self.setting, self.customer, self.changes, self.draws = setting, customer, Changes(), draws
        self.cut_short = False
        self._progress = Progress(customer, setting.rules, self.changes, crowds, records[0].at)
        self._records = [(record.at, number, record) for number, record in enumerate(records)]
        self._last = len(records)
        self._come = False
        self._firing = 0
        self._times: Counter[str] = Counter()
        self._done = 0
        self._looked = 0, 0, 0

    def next(self) -> Next | None:
        """Return what is next, or `None` where nothing is up to the end."""
        upcoming: list[Next] = []
        if self._records:
            upcoming.append((self._records[0][0], RECORD))
        if self._come:
            due = self._due()
            if due is not None:
                upcoming.append((due, TIMER))
            if self._firing < len(self.setting.firings):
                upcoming.append((self.setting.firings[self._firing].at, FIRING))
        first = min(upcoming, default=None)
        return None if first is None or first[0] > self.setting.end else first

    def go(self, now: Instant, kind: int) -> None:
        """Let happen what `next` said, and let the customer react."""
        progress = self._progress
        progress.now = now
        if kind == RECORD:
            _, _, record = heapq.heappop(self._records)
            self._arrive(now)
            progress.take(record)
        elif kind == TIMER:
            progress.fire_until(now)
        else:
            self._fire(self.setting.firings[self._firing])
            self._firing += 1
        self._react()

    def live(self) -> None:
        """Go through everything that happens up to the end."""
        while (following := self.next()) is not None:
            self.go(*following)

    def finish(self) -> Changes:
        """Return all that changed, when nothing is left to happen."""
        self._progress.finish()
        return self.changes

    def _arrive(self, now: Instant) -> None:
        """Pass by the schedules that fired before the customer was there."""
        if not self._come:
            self._come = True
            while self._firing < len(self.setting.firings) and self.setting.firings[self._firing].at < now:
                self._firing += 1

    def _due(self) -> Instant | None:
        """Return when time alone next does something to the customer."""
        first: Instant | None = None
        for one in self._progress.active.values():
            if one.due_at is not None and (first is None or one.due_at < first):
                first = one.due_at
        for membership in self.customer.memberships.values():
            if membership.look_at is not None and (first is None or membership.look_at < first):
                first = membership.look_at
        return first

    def _fire(self, firing: Firing) -> None:
        customer = self.customer
        history: Mapping[str, Sequence[Event]] = customer.history if firing.audience.asks_history else {}
        if firing.audience.has(customer.external_id, customer.attributes, customer.consent, history):
            self._progress.start(Starting(journey=firing.journey, numbers=(customer.number,), at=firing.at))

    def _react(self) -> None:
        """Let the customer react to what is new since the last look."""
        if not self.setting.causes:
            return
        changes, moved = self.changes, self._progress.moved
        enrollments, events, sends = self._looked
        self._looked = len(moved), len(changes.events), len(changes.sends)
        if len(moved) > enrollments:
            for one in list(moved.values())[enrollments:]:
                # Who is held out came to no state: they are compared with, and nothing of the journey reaches them.
                if one.state:
                    self._cause("stage", self.setting.stages.get(one.journey, ""), one.entered_at)
        for kept in changes.events[events:]:
            self._cause("event", kept.event.name, kept.event.at)
        for send in changes.sends[sends:]:
            if send.status != "skipped":
                self._cause("message", send.message, send.created_at, send)

    def _cause(self, kind: CauseKind, what: str, at: Instant, send: KeptSend | None = None) -> None:
        for reaction in self.setting.causes.get((kind, what), ()):
            if reaction.channel is not None and (send is None or send.channel != reaction.channel):
                continue
            self._times[reaction.key] += 1
            time = self._times[reaction.key]
            after = reacts(self.draws, reaction, time)
            if after is None or at + after > self.setting.end:
                continue
            self._done += 1
            if self._done > MOST_REACTIONS:
                self.cut_short = True
                continue
            record = reaction_record(self.draws, reaction, time, self._done, at + after)
            heapq.heappush(self._records, (at + after, self._last, record))
            self._last += 1
