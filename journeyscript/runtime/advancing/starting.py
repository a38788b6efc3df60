"""Journeys that begin by themselves: on a schedule, on a date, or once for those who were there before them.

Takes a store and the rules; gives when something is next to begin, and lets it begin, a bounded batch of customers at a
time. How far it has come is committed with each batch, so whatever stops the process, the next start goes on behind the
last customer: nobody is asked twice, and nobody is left out.
"""

from collections.abc import Iterator

from msgspec import Struct

from journeyscript.engine.audience import Audience
from journeyscript.engine.program import Program
from journeyscript.engine.schedule import Firing, last_firing, next_firing
from journeyscript.machine.model import BySchedule, BySegment
from journeyscript.runtime.advancing import dates
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.advancing.progress import Starting
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.semantics import typed
from journeyscript.semantics.types import BOOLEAN, Instant
from journeyscript.stores.records import Changes, Store

BATCH = 1_000
"""Customers who are asked in one transaction."""

_DATE = "date "
"""Where it is kept which version of a journey that starts by a date knows its customers, before its name."""

_EVERYBODY = typed.Literal(value=True, type=BOOLEAN)


class Progress(Struct, frozen=True, kw_only=True):
    """Everything up to `after` has begun, and the firing at `at`, where there is one, for some up to `customer`."""

    after: Instant
    at: Instant | None = None
    customer: int = 0

    def text(self) -> str:
        """Return it as a position."""
        return f"{self.after}" if self.at is None else f"{self.after} {self.at} {self.customer}"


def _read(position: str) -> Progress:
    match [int(part) for part in position.split()]:
        case [after, at, customer]:
            return Progress(after=after, at=at, customer=customer)
        case [after]:
            return Progress(after=after)
        case other:
            raise AssertionError(f"{other} is no position of a schedule")


class Schedules:
    """The schedules of current journeys over a store."""

    def __init__(self, store: Store, rules: Rules, now: Instant) -> None:
        """Go on where the store says; a schedule it does not know starts behind `now`."""
        self._store, self._rules = store, rules
        self._known = {
            _place(program, trigger): (program, trigger)
            for program in rules.programs.started.values()
            if isinstance(trigger := program.machine.entry.trigger, BySchedule)
        }
        kept = store.positions()
        self._progress = {place: _read(kept[place]) if place in kept else Progress(after=now) for place in self._known}
        fresh = {place: self._progress[place].text() for place in self._known if place not in kept}
        if fresh:
            store.commit(Changes(positions=fresh))

    def next(self) -> Instant | None:
        """Return when the next firing is, or was."""
        moments: list[Instant] = []
        for place, (program, trigger) in self._known.items():
            progress = self._progress[place]
            if progress.at is not None:
                moments.append(progress.at)
            elif (firing := next_firing(trigger, program.machine.timezone, progress.after)) is not None:
                moments.append(firing.at)
        return min(moments, default=None)

    def fire(self, now: Instant) -> Changes | None:
        """Let the earliest firing at or before `now` begin for some customers; `None`: there is none.

        All timers up to then are to be fired before, so that the audience is what they left. Commits what it returns.
        """
        ready = [(firing.at, place, firing) for place in self._known if (firing := self._due(place, now)) is not None]
        if not ready:
            return None
        _, place, firing = min(ready, key=lambda one: one[:2])
        program, trigger = self._known[place]
        progress = self._progress[place]
        behind = progress.customer if progress.at == firing.at else 0
        audience = Audience(trigger.audience, program.machine.timezone, firing.at, firing.zones)
        numbers = self._store.audience(audience, behind, BATCH)
        if len(numbers) == BATCH:
            progress = Progress(after=progress.after, at=firing.at, customer=numbers[-1])
        else:
            progress = Progress(after=firing.at)
        starting = Starting(journey=program.machine.journey, numbers=numbers, at=firing.at)
        positions = {place: progress.text()}
        changes = advance(self._store, self._rules, starting=starting, positions=positions, now=now)
        self._store.commit(changes)
        self._progress[place] = progress
        return changes

    def _due(self, place: str, now: Instant) -> Firing | None:
        """Return the firing that is to begin next, or to go on, where it is at or before `now`."""
        program, trigger = self._known[place]
        progress, timezone = self._progress[place], program.machine.timezone
        after = progress.after if progress.at is None else progress.at - 1
        if self._rules.virtual:
            firing = next_firing(trigger, timezone, after)
            return firing if firing is not None and firing.at <= now else None
        # What is older than an event may be starts nothing.
        return last_firing(trigger, timezone, max(after, now - self._rules.max_event_age), now)


def _place(program: Program, trigger: BySchedule) -> str:
    """Return where the progress of a schedule is kept: another cron expression is another schedule."""
    return f"schedule {program.machine.journey}: {trigger.cron} ({trigger.zone})"


def prepare_dates(store: Store, rules: Rules, now: Instant) -> None:
    """Find when journeys that start by a date are due for the customers who were there before this version of them.

    What was due of journeys that start by no date any more is forgotten.
    """
    positions = {place: kept for place, kept in store.positions().items() if place.startswith(_DATE) and kept}
    for place in positions.keys() - {_DATE + program.machine.journey for program in rules.programs.dated}:
        store.forget_segment(dates.place_of(place.removeprefix(_DATE)))
        store.commit(Changes(positions={place: ""}))
    for program in rules.programs.dated:
        place, version = _DATE + program.machine.journey, program.version
        kept, _, behind = positions.get(place, "").partition(" ")
        if kept == version and not behind:
            continue
        everybody = Audience(_EVERYBODY, program.machine.timezone, now)
        for numbers, last in _walk(store, everybody, int(behind) if kept == version and behind else 0):
            position = f"{version} {numbers[-1]}" if not last else version
            store.commit(advance(store, rules, due=numbers, positions={place: position}, now=now))


def arrange_silently(store: Store, rules: Rules, external_id: str, now: Instant) -> None:
    """Find anew when journeys that start by a date are due for a customer, after a merge: it is no event of theirs."""
    known = store.load([external_id], (), history=False).values() if rules.programs.dated else ()
    numbers = [customer.number for customer in known if not customer.new]
    if numbers:
        store.commit(advance(store, rules, due=numbers, now=now))


def _walk(store: Store, audience: Audience, behind: int) -> Iterator[tuple[list[int], bool]]:
    """Yield an audience batch by batch, and whether it is the last one, which may be empty."""
    while True:
        numbers = store.audience(audience, behind, BATCH)
        last = len(numbers) < BATCH
        yield numbers, last
        if last:
            return
        behind = numbers[-1]


class Newcomers(Struct, frozen=True, kw_only=True):
    """How many customers were there before a journey that wants them as well."""

    journey: str
    count: int


def waiting(store: Store, rules: Rules, now: Instant) -> list[Newcomers]:
    """Return for each journey that takes in existing customers, and has not done so, how many would be asked."""
    kept = store.positions()
    return [
        Newcomers(journey=journey, count=_count(store, _existing(program, now), kept.get(_enrolled(journey), "")))
        for journey, program in rules.programs.started.items()
        if program.machine.entry.enrol == "existing" and kept.get(_enrolled(journey)) != "done"
    ]


def enrol_existing(store: Store, rules: Rules, journey: str, now: Instant) -> None:
    """Ask all customers who were there before a journey, a batch at a time; what was done once is not done again."""
    place, audience = _enrolled(journey), _existing(rules.programs.started[journey], now)
    kept = store.positions().get(place, "")
    if kept == "done":
        return
    for numbers, last in _walk(store, audience, int(kept or 0)):
        position = "done" if last else str(numbers[-1])
        starting = Starting(journey=journey, numbers=numbers, at=now, late=True)
        store.commit(advance(store, rules, starting=starting, positions={place: position}, now=now))


def _count(store: Store, audience: Audience, kept: str) -> int:
    return sum(len(numbers) for numbers, _ in _walk(store, audience, int(kept or 0)))


def _enrolled(journey: str) -> str:
    return f"enrolled {journey}"


def _existing(program: Program, now: Instant) -> Audience:
    """Return who was there before a journey: who is in its segment, or did what starts it."""
    entry, timezone = program.machine.entry, program.machine.timezone
    match entry.trigger:
        case BySegment(condition=condition):
            return Audience(condition, timezone, now)
        case _:
            did = typed.History(function="did", event=entry.event, type=BOOLEAN, where=entry.where)
            return Audience(did, timezone, now)
