"""Discrete-event simulation: every customer's next moment, many customers at a time, until the time is over.

Takes a project and a population; gives the tally and the counts of the store. Customers are independent, so a batch
holds one moment of each of many, which may lie apart; nobody's own order is ever changed. Where a journey counts
everybody inside (`max_active`), all that happens in the order of time.
"""

import gc
import heapq
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from journeyscript.compiler import Project
from journeyscript.machine.pictures.picture import Heat
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.advancing.memberships import prepare
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.advancing.starting import Schedules, prepare_dates
from journeyscript.runtime.intake.records import Incoming
from journeyscript.runtime.reporting.heat import heat_of
from journeyscript.runtime.session import deployments_of, rules_of
from journeyscript.runtime.simulation.drawing import arrivals, name_of, newcomer, reaction_record, reacts
from journeyscript.runtime.simulation.population import CauseKind, Crowd, Population, Reaction, Recorded
from journeyscript.runtime.simulation.tally import Tally
from journeyscript.semantics.types import Instant
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Changes, Deployment, Store

AT_ONCE = 2_000
"""Customers whose next moment is taken in one batch."""

GROUP = 10_000
"""Customers who live in one store; the next ones get a new one, so that memory does not grow with the population."""

MOST_REACTIONS = 1_000
"""Times that one customer reacts to anything; more of them is a circle of reactions that cause each other."""

Progress = Callable[[float], None]
"""Told how much is done, from 0 to 1."""

Look = Callable[[Store], None]
"""Shown a group's store when all that happens in it has happened; behind that it is gone."""

_Arrival: TypeAlias = tuple[Instant, "int | Incoming"]
_RECORD, _TIMER = 0, 1
"""At one instant an event is before a timer."""
_Moment: TypeAlias = tuple[Instant, int, int, str, "int | Incoming | tuple[int, str]"]
"""When, record or timer, a number that tells equals apart, the customer, and what: a record, or whose timer."""


class Result(Struct, kw_only=True):
    """What the stores counted, added up, and the tally. `cut_short` counts customers who reacted too often."""

    tally: Tally
    customers: int = 0
    cut_short: int = 0
    outcomes: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """Enrollments by journey, status, state and reason."""
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Entries that were refused, by journey and reason."""
    test_entries: int = 0
    """Enrollments of test customers, which are in no other count."""
    heat: dict[str, dict[str, Heat]] = {}

    @classmethod
    def of(cls, deployments: Iterable[Deployment]) -> "Result":
        """Return the result of nobody in these journeys."""
        return cls(tally=Tally({one.version: one.machine for one in deployments}))

    def add(self, other: "Result") -> None:
        """Add what others came to."""
        self.tally.add(other.tally)
        self.customers += other.customers
        self.cut_short += other.cut_short
        self.outcomes.update(other.outcomes)
        self.refusals.update(other.refusals)
        self.test_entries += other.test_entries
        for journey, states in other.heat.items():
            known = self.heat.setdefault(journey, {})
            for state, heat in states.items():
                known[state] = _added(known.get(state, Heat()), heat)


def simulate(
    project: Project,
    population: Population,
    progress: Progress | None = None,
    look: Look | None = None,
    cores: int = 1,
) -> Result:
    """Take a population through a project's journeys, on so many cores at most; the result is the same on any number.

    `look` is shown the stores that the customers live in, and needs them in this process.
    """
    groups, count = _groups(project, population)
    if min(cores, count) > 1 and look is None:
        return _on_cores(project, population, groups, count, cores, progress)
    result = Result.of(deployments_of(project))
    for number, group in enumerate(groups):

        def part(done: float, number: int = number) -> None:
            if progress is not None:
                progress((number + done) / count)

        living = _Group(project, population, group, part)
        result.add(living.run())
        if look is not None:
            look(living.store)
    return result


def _on_cores(
    project: Project,
    population: Population,
    groups: Iterable[list[_Arrival]],
    count: int,
    cores: int,
    progress: Progress | None,
) -> Result:
    """Let each group live in the next process that is free; these are started afresh, as every system can do it."""
    result = Result.of(deployments_of(project))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(cores, count), context, collect_seldom) as pool:
        living = [pool.submit(_live, project, population, group) for group in groups]
        try:
            for done, one in enumerate(living, 1):
                result.add(one.result())
                if progress is not None:
                    progress(done / count)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return result


def _live(project: Project, population: Population, group: list[_Arrival]) -> Result:
    return _Group(project, population, group, lambda _done: None).run()


def collect_seldom() -> None:
    """Let this process's garbage collector look seldom: a simulation makes little garbage, and very many objects."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _groups(project: Project, population: Population) -> tuple[Iterator[list[_Arrival]], int]:
    """Return the arrivals of customers who can be looked at apart from all others, and how many groups there are."""
    bounded = any(compiled.machine.entry.max_active is not None for compiled in project.journeys.values())
    match population.who:
        case Crowd() as crowd:
            size = crowd.number if bounded else GROUP
            everybody: Sequence[_Arrival] = arrivals(crowd, population.seed, population.start)
            return _slices(everybody, size), -(-len(everybody) // size)
        case Recorded(records=records):
            places: dict[str, int] = {}
            for record in records:
                places.setdefault(record.customer, len(places))
            size = max(len(places), 1) if bounded else GROUP
            grouped: list[list[_Arrival]] = [[] for _ in range(-(-len(places) // size))]
            for record in records:
                grouped[places[record.customer] // size].append((record.at, record))
            return iter(grouped), max(len(grouped), 1)


def _slices(everybody: Sequence[_Arrival], size: int) -> Iterator[list[_Arrival]]:
    waiting = iter(everybody)
    while group := list(islice(waiting, size)):
        yield group


class _Group:
    """Customers who live in one store, from their arrival to the end."""

    def __init__(self, project: Project, population: Population, group: list[_Arrival], progress: Progress) -> None:
        self.project, self.population, self.progress = project, population, progress
        deployments = deployments_of(project)
        self.result = Result.of(deployments)
        start = min([population.start, *(at for at, _ in group[:1])])
        self.start, self.end, self.latest = start, population.end, start
        self.store = MemoryStore()
        self.store.deploy(deployments, start)
        self.rules: Rules = rules_of(project, self.store, virtual=True)
        prepare(self.store, self.rules.programs.segments, start)
        prepare_dates(self.store, self.rules, start)
        self.schedules = Schedules(self.store, self.rules, start - 1)
        self.stages = {compiled.machine.journey: compiled.about.stage for compiled in project.journeys.values()}
        self.causes: dict[tuple[CauseKind, str], list[Reaction]] = {}
        for reaction in population.reactions:
            self.causes.setdefault((reaction.kind, reaction.cause), []).append(reaction)
        self.moments: list[_Moment] = []
        for number, (at, what) in enumerate(group):
            name = name_of(what) if isinstance(what, int) else what.customer
            self.moments.append((at, _RECORD, number, name, what))
        heapq.heapify(self.moments)
        self.last = len(group)
        self.names: dict[int, str] = {}
        self.timers: dict[tuple[int, str], Instant | None] = {}
        self.times: Counter[tuple[str, str]] = Counter()
        self.done: Counter[str] = Counter()

    def run(self) -> Result:
        """Go through everything that happens up to the end; return what it came to."""
        while True:
            firing = self.schedules.next()
            limit = self.end if firing is None else min(firing, self.end)
            if self._batch(limit):
                continue
            if firing is None or firing > self.end:
                break
            changes = self.schedules.fire(firing)
            if changes is not None:
                self._look(changes)
        self._count()
        return self.result

    def _batch(self, limit: Instant) -> bool:
        """Take the next moment of each of many customers; return whether there was any up to the limit."""
        incoming, due, now = self._next(limit)
        if now is None:
            return False
        numbers = list(due)
        changes = advance(self.store, self.rules, incoming=incoming, due=numbers, due_until=due, now=now)
        self.store.commit(changes)
        self._look(changes)
        self.latest = max(self.latest, now)
        self.progress((self.latest - self.start) / max(self.end - self.start, 1))
        return True

    def _next(self, limit: Instant) -> tuple[list[Incoming], dict[int, Instant], Instant | None]:
        """Return the records and timers of a batch, one for each customer, and the latest moment among them."""
        moments = self.moments
        busy: set[str] = set()
        later: list[_Moment] = []
        incoming: list[Incoming] = []
        due: dict[int, Instant] = {}
        now: Instant | None = None
        while moments and len(busy) < AT_ONCE and moments[0][0] <= limit:
            if self.rules.programs.bounded and now is not None and (later or moments[0][0] > now):
                break
            moment = heapq.heappop(moments)
            at, kind, _, name, what = moment
            if isinstance(what, tuple) and self.timers.get(what) != at:
                continue  # It was set anew meanwhile.
            if name in busy:
                later.append(moment)
                continue
            busy.add(name)
            now = at if now is None else max(now, at)
            if kind == _TIMER:
                assert isinstance(what, tuple), "timers name whose they are"
                due[what[0]] = at
                self.timers[what] = None
            else:
                incoming.append(self._record(what, at))
        for moment in later:
            heapq.heappush(moments, moment)
        return incoming, due, now

    def _record(self, what: object, at: Instant) -> Incoming:
        if isinstance(what, Incoming):
            return what
        assert isinstance(what, int), "a newcomer is a number until they come"
        assert isinstance(self.population.who, Crowd), "only who is drawn has a number"
        return newcomer(self.population.who, self.population.seed, what, at)

    def _look(self, changes: Changes) -> None:
        """Count what happened, note when to look again, and let the customers react."""
        self.result.tally.count(changes)
        for customer in changes.customers:
            self.names[customer.number] = customer.external_id
        for one in changes.enrollments:
            # Who is held out came to no state: they are compared with, and nothing of the journey reaches them.
            if (one.customer, str(one.id)) not in self.timers and one.state:
                self._cause("stage", self.stages.get(one.journey, ""), one.customer, one.entered_at)
            self._time((one.customer, str(one.id)), one.due_at if one.status == "active" else None)
        for membership in changes.memberships:
            self._time((membership.customer, membership.segment), membership.look_at)
        if self.causes:
            for kept in changes.events:
                self._cause("event", kept.event.name, kept.customer, kept.event.at)
            for send in changes.sends:
                if send.status != "skipped":
                    self._cause("message", send.message, send.customer, send.created_at, send.channel)

    def _time(self, whose: tuple[int, str], at: Instant | None) -> None:
        known = self.timers.get(whose)
        self.timers[whose] = at
        if at is not None and at != known and at <= self.end:
            self._push(at, _TIMER, self.names[whose[0]], whose)

    def _push(self, at: Instant, kind: int, name: str, what: "Incoming | tuple[int, str]") -> None:
        self.last += 1
        heapq.heappush(self.moments, (at, kind, self.last, name, what))

    def _cause(self, kind: CauseKind, what: str, number: int, at: Instant, channel: str | None = None) -> None:
        for reaction in self.causes.get((kind, what), ()):
            if reaction.channel not in {None, channel}:
                continue
            name = self.names[number]
            place = name, reaction.key
            self.times[place] += 1
            after = reacts(self.population, reaction, name, self.times[place])
            if after is None or at + after > self.end:
                continue
            self.done[name] += 1
            if self.done[name] > MOST_REACTIONS:
                self.result.cut_short += self.done[name] == MOST_REACTIONS + 1
                continue
            record = reaction_record(self.population, reaction, name, self.times[place], self.done[name], at + after)
            self._push(at + after, _RECORD, name, record)

    def _count(self) -> None:
        """Add up what the store holds at the end."""
        result, store = self.result, self.store
        result.tally.close()
        result.customers += store.totals(self.end).customers
        for count in store.journey_counts():
            result.outcomes[count.journey, count.status, count.state, count.reason or ""] += count.count
        result.test_entries += sum(count.count for count in store.journey_counts(test=True))
        for refusal in store.refusal_counts():
            result.refusals[refusal.journey, refusal.reason] += refusal.count
        result.heat = {journey: heat_of(store, journey) for journey in self.project.journeys}
        self.progress(1.0)


def _added(one: Heat, other: Heat) -> Heat:
    return replace(one, here=one.here + other.here, passed=one.passed + other.passed, left=one.left + other.left)
