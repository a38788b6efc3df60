"""Whether somebody can go a way through a machine: no two arms that exclude each other, no conditions that do."""

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise, product
from typing import TypeAlias

from journeyscript.checks.regions import survey
from journeyscript.checks.worst_case.search import TooManyWays, Way
from journeyscript.checks.worst_case.ways import Ways
from journeyscript.machine.model import Always, Arm, Assign, Due, If, Lap, On, When
from journeyscript.semantics import typed

MOST_BEGINNINGS = 20
"""So many ways from entry to where a way begins are tried."""

_Stretch: TypeAlias = tuple[tuple[typed.Expression, bool], ...]
_Bounds: TypeAlias = dict[tuple[str, str], Fraction]


def reachable_and_possible(ways: Ways, start: int, way: Way, timezone: str) -> bool | None:
    """Return whether some customer can come from entry to the place where a way begins, and go it.

    Raises:
        TooManyWays: there are too many ways there, or too many kinds of customers.
    """
    answer: bool | None = False
    for tried, begun in enumerate(_beginnings(ways, start)):
        if tried == MOST_BEGINNINGS:
            raise TooManyWays
        here = possible(begun + way[1:], timezone)
        if here is True:
            return True
        answer = None if here is None else answer
    return answer


def _beginnings(ways: Ways, start: int) -> Iterator[Way]:
    """Yield the ways from entry to a place."""
    before: dict[int, list[tuple[int, int]]] = {}
    for number, place in enumerate(ways):
        for onward in place.onward:
            before.setdefault(onward.target, []).append((number, onward.transition))
    # The number of a place, and the way from there on; how it was come by is still open.
    open_ends: list[tuple[int, Way]] = [(start, ())]
    while open_ends:
        number, behind = open_ends.pop()
        if number == 0:
            yield ((ways[0], 0), *behind)
        open_ends += (
            (earlier, ((ways[number], transition), *behind)) for earlier, transition in reversed(before.get(number, []))
        )


def possible(way: Way, timezone: str) -> bool | None:
    """Return whether some customer can go a way; `None` where conditions read what may hang together.

    Conditions are held against each other where no time passes between them and nothing is written.

    Raises:
        TooManyWays: there are too many kinds of customers.
    """
    if not _same_arms(way):
        return False
    answers = {_together(tuple(stretch), timezone) for stretch in _stretches(way)}
    return False if False in answers else None if None in answers else True


def _same_arms(way: Way) -> bool:
    """Return whether one customer can be given all the arms on a way; a split of a name is drawn alike everywhere.

    Where u is what an arm draws, the one with the least -log u by its weight wins: that is less than so many times the
    -log u of any other, as their weights say. All that arms have to be less than must leave room for each of them.
    """
    bounds: dict[tuple[str, str], _Bounds] = {}
    for (before, _), (_, number) in pairwise(way):
        trigger = before.state.transitions[number].trigger
        if isinstance(trigger, Arm):
            below = bounds.setdefault((trigger.experiment, trigger.per), {})
            for other in (t.trigger for t in before.state.transitions if isinstance(t.trigger, Arm)):
                if other.weight and other.arm != trigger.arm:
                    pair = trigger.arm, other.arm
                    bound = Fraction(trigger.weight, other.weight)
                    below[pair] = min(below.get(pair, bound), bound)
    return all(map(_leave_room, bounds.values()))


def _leave_room(bounds: _Bounds) -> bool:
    """Return whether there are numbers of which the first of each pair is less than the bound times the second."""
    names = sorted({name for pair in bounds for name in pair})
    least = dict(bounds)
    for middle, first, last in product(names, repeat=3):
        if (first, middle) in least and (middle, last) in least:
            around = least[first, middle] * least[middle, last]
            least[first, last] = min(least.get((first, last), around), around)
    return all(least.get((name, name), 2) > 1 for name in names)


def _stretches(way: Way) -> list[list[tuple[typed.Expression, bool]]]:
    stretches: list[list[tuple[typed.Expression, bool]]] = [[]]
    for (before, _), (_, number) in pairwise(way):
        if isinstance(before.state.action, Assign):
            stretches.append([])
        trigger = before.state.transitions[number].trigger
        match trigger:
            case If() | Always() | Lap():
                earlier = before.state.transitions[:number]
                stretches[-1] += ((t.trigger.condition, False) for t in earlier if isinstance(t.trigger, If))
                if isinstance(trigger, If):
                    stretches[-1].append((trigger.condition, True))
            case Due() | On() | When():
                stretches.append([])
            case _:
                pass
    return [stretch for stretch in stretches if stretch]


@lru_cache(maxsize=1024)
def _together(stretch: _Stretch, timezone: str) -> bool | None:
    found = survey([condition for condition, _ in stretch], timezone)
    if found is None:
        raise TooManyWays
    wanted = tuple(truth for _, truth in stretch)
    if not any(row.holds == wanted for row in found.rows):
        return False
    return True if found.exact else None
