"""Journeys that start on one event for one customer and both send at once.

Takes the journeys of a project; `regions` decides on a customer who is let into both. Journeys whose entries ask for
different constants are told apart by an index, and what was asked once of two conditions is not asked again, so that
many journeys may start on one event; where there are too many kinds of pairs all the same, that is said.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TypeAlias

from msgspec import Struct

from journeyscript.checks.known import TRUE
from journeyscript.checks.places import place_of_condition
from journeyscript.checks.regions import survey
from journeyscript.checks.together import opening_sends, shared
from journeyscript.diagnostics import Diagnostic, Label
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import Machine, State
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.show import show
from journeyscript.semantics.types import Value

MOST_DECIDED = 2_000
"""So many pairs of conditions are decided among the journeys that start on one event."""

Side: TypeAlias = tuple[tuple[typed.Expression, bool], ...]
"""What is true, and what is not, of those who get a journey's first message at once."""

Limits: TypeAlias = dict[str, frozenset[Value]]
"""The only values that an entry lets in, by what they are values of."""


class Rival(Struct, frozen=True, kw_only=True):
    """A journey that sends at once: the number of each way's conditions with the send at its end."""

    name: str
    machine: Machine
    openings: tuple[tuple[int, State], ...]
    limits: Limits


def competing_entry(journeys: Mapping[str, Compiled]) -> Iterator[Diagnostic]:
    """JS701: two journeys start on one event for one customer and both send marketing on one channel at once.

    Of each journey the first one before it that competes with it is told.
    """
    groups: dict[str, list[str]] = {}
    for name, compiled in journeys.items():
        if compiled.machine.entry.trigger is None:
            groups.setdefault(compiled.machine.entry.event, []).append(name)
    for names in groups.values():
        if len(names) > 1:
            yield from _competing({name: journeys[name] for name in names})


def _competing(journeys: Mapping[str, Compiled]) -> Iterator[Diagnostic]:
    decided = Decided()
    rivals = [rival for name in journeys if (rival := _rival(name, journeys[name].machine, decided)).openings]
    index = _Index(rivals)
    for number, second in enumerate(rivals):
        missed = decided.missed
        for first in index.before(number):
            found = _competition(first, second, decided)
            if found is not None:
                yield _told(journeys, first.name, second.name, found)
                break
        else:
            if decided.missed > missed == 0:
                yield _not_decided(journeys[second.name])


def _told(
    journeys: Mapping[str, Compiled], first: str, second: str, found: tuple[tuple[str, ...], str, str]
) -> Diagnostic:
    who, sent, also = found
    event = journeys[first].machine.entry.event
    return finding(
        "JS701",
        f"`{event}` starts `{first}` too, and both send at once",
        place_of_condition(journeys[second], "entry"),
        help="tell the customers apart with `where`, or wait before the first message of one of them",
        labels=(Label(span=place_of_condition(journeys[first], "entry"), text=f"starts `{first}`"),),
        journey=second,
        witness=(event, *who, f"{first}: {sent}", f"{second}: {also}"),
    )


def _not_decided(compiled: Compiled) -> Diagnostic:
    event = compiled.machine.entry.event
    return finding(
        "JS701",
        f"`{event}` starts more journeys, from this one on, than can be held against each other",
        place_of_condition(compiled, "entry"),
        help="let each `where` ask for a constant of its own, so that they are told apart at a glance",
        journey=compiled.machine.journey,
        witness=(event, f"{MOST_DECIDED:,} pairs of conditions were looked at"),
    )


class Decided:
    """What was found of each two conditions; `missed` counts what was not looked at any more."""

    def __init__(self) -> None:
        self.missed = 0
        self._sides: dict[Side, int] = {}
        self._by_number: list[Side] = []
        self._alone: dict[int, bool] = {}
        self._met: dict[tuple[int, int], tuple[str, ...] | None] = {}

    def number(self, side: Side) -> int:
        """Return the number of what is asked on one side: equal ones have the same."""
        if side not in self._sides:
            self._sides[side] = len(self._by_number)
            self._by_number.append(side)
        return self._sides[side]

    def who(self, one: int, other: int, timezone: str) -> tuple[str, ...] | None:
        """Return a customer who fits both sides; nothing where there is none, or where nobody can tell."""
        if (one, other) not in self._met:
            if len(self._met) >= MOST_DECIDED:
                self.missed += 1
                return None
            can_be = self._can_be(one, timezone) and self._can_be(other, timezone)
            both = (*self._by_number[one], *self._by_number[other])
            self._met[one, other] = _somebody(both, timezone) if can_be else None
        return self._met[one, other]

    def _can_be(self, side: int, timezone: str) -> bool:
        # Of what cannot be told of one side alone, nothing can be told of two.
        if side not in self._alone:
            self._alone[side] = _somebody(self._by_number[side], timezone) is not None
        return self._alone[side]


def _somebody(side: Side, timezone: str) -> tuple[str, ...] | None:
    found = survey([condition for condition, _ in side], timezone)
    if found is None or not found.exact:
        return None
    wanted = tuple(truth for _, truth in side)
    row = next((row for row in found.rows if row.holds == wanted), None)
    return None if row is None else found.customer(row)


class _Index:
    """Rivals by the one thing that most of their entries ask a constant of."""

    def __init__(self, rivals: Sequence[Rival]) -> None:
        self._rivals = rivals
        asked = Counter(name for rival in rivals for name in rival.limits).most_common(1)
        self._name = asked[0][0] if asked else ""
        self._free: list[int] = []
        self._by_value: dict[Value, list[int]] = {}
        for number, rival in enumerate(rivals):
            if self._name not in rival.limits:
                self._free.append(number)
            for value in rival.limits.get(self._name, ()):
                self._by_value.setdefault(value, []).append(number)

    def before(self, number: int) -> Iterator[Rival]:
        """Yield those before a rival who may let in somebody whom it lets in, in order."""
        own = self._rivals[number]
        if self._name in own.limits:
            near = {*self._free, *(n for value in own.limits[self._name] for n in self._by_value[value])}
        else:
            near = set(range(number))
        for other in sorted(n for n in near if n < number):
            if not _apart(own.limits, self._rivals[other].limits):
                yield self._rivals[other]


def _competition(one: Rival, other: Rival, decided: Decided) -> tuple[tuple[str, ...], str, str] | None:
    """Return a customer whom both journeys send to at once, and the two sends."""
    if one.machine.entry.group and one.machine.entry.group == other.machine.entry.group:
        return None  # A customer is let into one of a group.
    for (first_side, first), (second_side, second) in product(one.openings, other.openings):
        if shared(first, second):
            who = decided.who(first_side, second_side, one.machine.timezone)
            if who is not None:
                return who, first.id, second.id
    return None


def _rival(name: str, machine: Machine, decided: Decided) -> Rival:
    entry = ((machine.entry.where or TRUE, True),)
    openings = tuple((decided.number((*entry, *way.holds)), state) for way, state in opening_sends(machine))
    limits = {} if machine.entry.where is None else _limits(machine.entry.where)
    return Rival(name=name, machine=machine, openings=openings, limits=limits)


def _apart(one: Limits, other: Limits) -> bool:
    return any(name in other and not values & other[name] for name, values in one.items())


def _limits(condition: typed.Expression) -> Limits:
    """Return which constants a condition asks for; where it asks twice, the last one."""
    match condition:
        case typed.And(items=items):
            return {name: values for item in items for name, values in _limits(item).items()}
        case typed.InSegment(condition=inner):
            return _limits(inner)
        case typed.Compare(op="==", left=left, right=typed.Literal(value=value)):
            return {show(left): frozenset({value})}
        case typed.In(left=left, right=typed.Items(items=items)):
            values = frozenset(item.value for item in items if isinstance(item, typed.Literal))
            constant = all(isinstance(item, typed.Literal) for item in items)
            return {show(left): values} if constant else {}
        case typed.Attribute() | typed.Consent():
            return {show(condition): frozenset({True})}
        case typed.Not(of=(typed.Attribute() | typed.Consent()) as inner):
            return {show(inner): frozenset({False})}
        case _:
            return {}
