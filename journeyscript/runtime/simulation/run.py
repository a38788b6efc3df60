"""A population through the journeys of a project: one customer's life after the other, on as many cores as there are.

Takes a project and a population; gives the tally. Customers are independent, so each of them lives alone, from their
arrival to the end. Where a journey counts everybody inside (`max_active`), all lives go on together, in the order of
time.
"""

import gc
import heapq
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from typing import TypeAlias

from journeyscript.compiler import Project
from journeyscript.runtime.advancing.batch import unseen
from journeyscript.runtime.intake.records import Incoming
from journeyscript.runtime.session import deployments_of
from journeyscript.runtime.simulation.drawing import Draws, arrivals, name_of, newcomer
from journeyscript.runtime.simulation.life import Life, Setting
from journeyscript.runtime.simulation.population import Crowd, Population, Recorded
from journeyscript.runtime.simulation.sharing import read_by_name
from journeyscript.runtime.simulation.shortcuts import Shortcuts
from journeyscript.runtime.simulation.tally import Census, Tally
from journeyscript.semantics.types import Instant
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Customer, Store

GROUP = 10_000
"""Customers who are one piece of work at the least; whoever looks is shown so many at once."""

PIECES = 4
"""Pieces of work for each core at the most: what one has learned of the ways that customers go, another learns anew."""

TOLD = 100
"""Customers who live between two words on how much is done."""

Progress = Callable[[float], None]
"""Told how much is done, from 0 to 1."""

Look = Callable[[Store], None]
"""Shown a store with a group of customers when all that happens to them has happened; behind that it is gone."""

_Arrival: TypeAlias = tuple[Instant, int] | list[Incoming]
"""Somebody of a crowd, by when they come and their number, or all records of somebody in a file."""


def simulate(
    project: Project,
    population: Population,
    progress: Progress | None = None,
    look: Look | None = None,
    cores: int = 1,
    *,
    shared: bool = True,
) -> Tally:
    """Take a population through a project's journeys, on so many cores at most; the result is the same on any number.

    `look` is shown stores that the customers are in, in this process. `shared`: who goes a way that others went is
    counted by it, where that comes to the same; else everybody is lived.
    """
    shared = shared and look is None
    groups, count = _groups(project, population, None if look is not None else PIECES * cores)
    if min(cores, count) > 1 and look is None:
        return _on_cores(project, population, groups, count, cores, progress, shared=shared)
    tally = Tally()
    for number, group in enumerate(groups):

        def part(done: float, number: int = number) -> None:
            if progress is not None:
                progress((number + done) / count)

        tally.add(_Group(project, population, group, part).live(look, shared=shared))
    return tally


def _on_cores(
    project: Project,
    population: Population,
    groups: Iterable[Sequence[_Arrival]],
    count: int,
    cores: int,
    progress: Progress | None,
    *,
    shared: bool,
) -> Tally:
    """Let each group live in the next process that is free; these are started afresh, as every system can do it."""
    tally = Tally()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(cores, count), context, collect_seldom) as pool:
        living = [pool.submit(_live, project, population, group, shared=shared) for group in groups]
        try:
            for done, one in enumerate(living, 1):
                tally.add(one.result())
                if progress is not None:
                    progress(done / count)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return tally


def _live(project: Project, population: Population, group: Sequence[_Arrival], *, shared: bool) -> Tally:
    return _Group(project, population, group, lambda _done: None).live(None, shared=shared)


def collect_seldom() -> None:
    """Let this process's garbage collector look seldom: a simulation makes little garbage, and very many objects."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _is_bounded(project: Project) -> bool:
    return any(compiled.machine.entry.max_active is not None for compiled in project.journeys.values())


def _groups(project: Project, population: Population, pieces: int | None) -> tuple[Iterator[Sequence[_Arrival]], int]:
    """Return the arrivals of customers who can be looked at apart from all others, and how many groups there are.

    There are at most so many `pieces`, where that is said.
    """
    match population.who:
        case Crowd() as crowd:
            everybody: Sequence[_Arrival] = arrivals(crowd, population.seed, population.start)
        case Recorded(records=records):
            by_name: dict[str, list[Incoming]] = {}
            for record in unseen(records, set()):
                by_name.setdefault(record.customer, []).append(record)
            everybody = list(by_name.values())
    size = GROUP if pieces is None else max(GROUP, -(-len(everybody) // pieces))
    size = max(len(everybody), 1) if _is_bounded(project) else size
    return _slices(everybody, size), max(-(-len(everybody) // size), 1)


def _slices(everybody: Sequence[_Arrival], size: int) -> Iterator[Sequence[_Arrival]]:
    waiting = iter(everybody)
    while group := list(islice(waiting, size)):
        yield group


class _Group:
    """Customers whose lives are one piece of work."""

    def __init__(self, project: Project, population: Population, group: Sequence[_Arrival], progress: Progress) -> None:
        self.population, self.group, self.progress = population, group, progress
        deployments = deployments_of(project)
        start = min([population.start, *(_comes(arrival) for arrival in group[:1])])
        self.store = MemoryStore()
        self.store.deploy(deployments, start)
        self.setting = Setting(project, population, self.store, start)
        self.census = Census({one.version: one.machine for one in deployments})

    def live(self, look: Look | None, *, shared: bool) -> Tally:
        """Let everybody live; return what it came to."""
        read = read_by_name(self.setting) if shared else None
        shortcuts = None if read is None else Shortcuts(self.setting, read, self._newcomer)
        for life in self._together() if self.setting.rules.programs.bounded else self._apart(shortcuts):
            changes = life.finish()
            if changes.customers:
                self.census.count(changes, cut_short=life.cut_short)
                if look is not None:
                    self.store.commit(changes)
        if look is not None:
            look(self.store)
        if shortcuts is not None:
            self.census.tally.add(shortcuts.tally())
        self.progress(1.0)
        return self.census.tally

    def _apart(self, shortcuts: Shortcuts | None) -> Iterator[Life]:
        """Yield lives, one lived after the other; who goes a way that others went is counted by it."""
        for place, arrival in enumerate(self.group):
            if not place % TOLD:
                self.progress(place / len(self.group))
            if shortcuts is not None and isinstance(arrival, tuple) and shortcuts.count(arrival[1], arrival[0]):
                continue
            life = self._life(arrival, {})
            life.live()
            yield life

    def _together(self) -> Iterator[Life]:
        """Yield lives that were lived together: whose turn comes first goes first, who came first of those."""
        crowds = self.store.active(self.setting.rules.programs.bounded)
        lives = [self._life(arrival, crowds) for arrival in self.group]
        turns = [(*following, place) for place, life in enumerate(lives) if (following := life.next()) is not None]
        heapq.heapify(turns)
        start, told = self.population.start, 0
        while turns:
            at, kind, place = turns[0]
            lives[place].go(at, kind)
            following = lives[place].next()
            if following is None:
                heapq.heappop(turns)
            else:
                heapq.heapreplace(turns, (*following, place))
            told += 1
            if not told % TOLD:
                self.progress(min(max((at - start) / max(self.population.end - start, 1), 0.0), 1.0))
        yield from lives

    def _life(self, arrival: _Arrival, crowds: dict[str, int]) -> Life:
        match arrival:
            case (int() as at, int() as number):
                assert isinstance(self.population.who, Crowd), "only who is drawn has a number"
                draws = Draws(self.population.seed, name_of(number))
                records: Sequence[Incoming] = [newcomer(draws, self.population.who, at)]
            case records:
                draws = Draws(self.population.seed, records[0].customer)
        return Life(self.setting, self._newcomer(draws.customer), records, crowds, draws)

    def _newcomer(self, name: str) -> Customer:
        (customer,) = self.store.load((name,), (), history=False).values()
        return customer


def _comes(arrival: _Arrival) -> Instant:
    first = arrival[0]
    return first.at if isinstance(first, Incoming) else first
