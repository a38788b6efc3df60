"""Ways through a machine with the messages so far and the time since the first one, as soon or as late as can be.

Of two ways to one place only the better is followed, so that loops stay small; where there are too many all the same,
that is said. What comes back are the best ways to each message.
"""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import TypeAlias

from msgspec import Struct

from journeyscript.checks.worst_case.clock import Landing
from journeyscript.checks.worst_case.ways import Onward, Place, Ways
from journeyscript.machine.model import AtTime, Due
from journeyscript.semantics.types import Milliseconds

MOST_MOVES = 300_000
"""So often the count and the time are carried from one place to the next before a question is given up."""

Counting: TypeAlias = Callable[[Place], bool]
"""Whether the message of a place counts."""

Way: TypeAlias = tuple[tuple[Place, int], ...]
"""Places in order, each with the number of the transition that led there; that of the first means nothing."""


class TooManyWays(Exception):
    """There are more ways through a machine than anybody looks at."""


class Reached(Struct, kw_only=True):
    """One way to a place: the messages so far, the time since the first, and the last time of day waited for."""

    count: int
    time: Milliseconds
    place: int
    landing: Landing | None = None
    transition: int = 0
    before: "Reached | None" = None


def at_soonest(
    ways: Ways, counts: Counting, within: Milliseconds, starts: tuple[int, ...] | None = None
) -> Iterator[Reached]:
    """Yield ways, in which everything comes as soon as it can, to each counted message before so much time is over.

    They begin at `starts`, or at each message that counts; of those to one place only the better ones are looked at.

    Raises:
        TooManyWays: there is more to look at than is looked at.
    """
    landings = _landings(ways)
    moves = _Moves()
    for start in _starts(ways, counts, starts):
        first = Reached(count=int(counts(ways[start])), time=0, place=start, landing=landings[start])
        yield from _follow(ways, counts, within, first, _soonest, moves)


def at_latest(ways: Ways, counts: Counting, within: Milliseconds) -> Iterator[Reached]:
    """Yield ways, in which everything comes as late as it can, from each message that counts to another.

    Raises:
        TooManyWays: there is more to look at than is looked at.
    """
    moves = _Moves()
    for start in _starts(ways, counts, None):
        yield from _follow(ways, counts, within, Reached(count=1, time=0, place=start), _latest, moves)


def _starts(ways: Ways, counts: Counting, starts: tuple[int, ...] | None) -> tuple[int, ...]:
    return starts or tuple(number for number, place in enumerate(ways) if counts(place))


class _Moves:
    """How many moves are left."""

    def __init__(self) -> None:
        self._left = MOST_MOVES

    def take(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise TooManyWays


_Step: TypeAlias = Callable[[Ways, Reached, Onward], tuple[Milliseconds, Landing | None] | None]


def _follow(
    ways: Ways, counts: Counting, within: Milliseconds, first: Reached, step: _Step, moves: _Moves
) -> Iterator[Reached]:
    """Yield what is reached from a place, place by place in order, so that all ways to one are known before it."""
    arrived: dict[int, list[Reached]] = {first.place: [first]}
    open_ends = [first.place]
    while open_ends:
        number = heappop(open_ends)
        for reached in arrived.pop(number):
            if counts(ways[number]):
                yield reached
            for onward in ways[number].onward:
                moves.take()
                came = step(ways, reached, onward)
                if came is None or came[0] >= within:
                    continue
                following = Reached(
                    count=reached.count + counts(ways[onward.target]),
                    time=came[0],
                    place=onward.target,
                    landing=came[1],
                    transition=onward.transition,
                    before=reached,
                )
                if onward.target not in arrived:
                    arrived[onward.target] = [following]
                    heappush(open_ends, onward.target)
                else:
                    _keep(arrived[onward.target], following)


def _keep(kept: list[Reached], new: Reached) -> None:
    """Keep what is new where nothing is better, and drop what it is better than."""
    if any(_better(old, new) for old in kept):
        return
    kept[:] = [old for old in kept if not _better(new, old)]
    kept.append(new)


def _better(one: Reached, other: Reached) -> bool:
    if one.count < other.count or one.time > other.time:
        return False
    if one.landing is None or one.landing == other.landing:
        return True
    return other.landing is not None and one.landing.at_least_as_soon(other.landing)


def _latest(_: Ways, reached: Reached, onward: Onward) -> tuple[Milliseconds, None] | None:
    return None if onward.most is None else (reached.time + onward.most, None)


def _soonest(ways: Ways, reached: Reached, onward: Onward) -> tuple[Milliseconds, Landing | None]:
    state, landing = ways[reached.place].state, reached.landing
    time = reached.time + onward.least
    if isinstance(state.timer, AtTime) and isinstance(state.transitions[onward.transition].trigger, Due):
        if landing is not None:
            time = max(time, landing.next(state.timer))
        return time, Landing(timer=state.timer, at=time)
    return time, None if landing is None else landing.later(onward.least)


def _landings(ways: Ways) -> list[Landing | None]:
    """Return for each place the time of day at which everybody who comes there was last, and how long ago at most."""
    found: list[Landing | None] = [None] * len(ways)
    arriving: dict[int, list[Landing | None]] = {0: [None]}
    for number, place in enumerate(ways):
        found[number] = here = _same(arriving.pop(number))
        for onward in place.onward:
            timer, left = place.state.timer, None
            if isinstance(timer, AtTime) and isinstance(place.state.transitions[onward.transition].trigger, Due):
                left = Landing(timer=timer, at=-onward.hold)
            elif here is not None and onward.most is not None:
                left = here.before(onward.most)
            arriving.setdefault(onward.target, []).append(left)
    return found


def _same(arriving: list[Landing | None]) -> Landing | None:
    first = arriving[0]
    if first is None or any(one is None or one.timer != first.timer for one in arriving):
        return None
    return min((one for one in arriving if one is not None), key=lambda one: one.at)


def way_of(reached: Reached, ways: Ways) -> Way:
    """Return the way that led to a place, from its start."""
    found = []
    one: Reached | None = reached
    while one is not None:
        found.append((ways[one.place], one.transition))
        one = one.before
    return tuple(reversed(found))


def start_of(reached: Reached) -> int:
    """Return the number of the place where the way begins that led to another."""
    while reached.before is not None:
        reached = reached.before
    return reached.place


def names(way: Way) -> tuple[str, ...]:
    """Return the states of a way."""
    return tuple(place.state.id for place, _ in way)
