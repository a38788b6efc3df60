"""Whether somebody can go a way through a machine: no two arms that exclude each other, no conditions that do."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from journeyscript.checks.regions import survey
from journeyscript.checks.worst_case.search import TooManyWays, Way
from journeyscript.checks.worst_case.ways import Ways
from journeyscript.machine.model import Always, Arm, Assign, Due, If, Lap, On, When
from journeyscript.semantics import typed

MOST_BEGINNINGS = 20
"""So many ways from entry to where a way begins are tried."""

_Stretch: TypeAlias = tuple[tuple[typed.Expression, bool], ...]


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
    """Return whether one customer can fall into all the arms on a way; a split of a name is drawn alike everywhere."""
    ranges: dict[tuple[str, str], tuple[int, int]] = {}
    for (before, _), (_, number) in pairwise(way):
        match before.state.transitions[number].trigger:
            case Arm(experiment=experiment, low=low, high=high, per=per):
                lowest, highest = ranges.get((experiment, per), (low, high))
                ranges[experiment, per] = (max(low, lowest), min(high, highest))
            case _:
                pass
    return all(low < high for low, high in ranges.values())


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
