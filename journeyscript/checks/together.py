"""Messages that go out at one instant: within a journey, and by journeys that start together.

Follows the ways through a machine that take no time; whether somebody goes such a way is decided by `regions`.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from typing import TypeAlias

from msgspec import Struct

from journeyscript.checks.places import place, place_of_condition
from journeyscript.checks.regions import survey
from journeyscript.diagnostics import Diagnostic, Label
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import Always, Arm, Assign, Due, If, Lap, Machine, NotSent, On, Send, State, When
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.types import BOOLEAN

MOST_WAYS = 500
"""Of a machine with more ways that take no time, the first ones are looked at."""

MOST_PAIRS = 2_000
"""So many pairs of journeys that start on one event are held against each other."""

_TRUE = typed.Literal(value=True, type=BOOLEAN)


class Way(Struct, frozen=True, kw_only=True):
    """A way that takes no time: the states on it, and which conditions are true on it and which are not."""

    states: tuple[str, ...]
    holds: tuple[tuple[typed.Expression, bool], ...] = ()


Opening: TypeAlias = tuple[Way, State]
"""A marketing send that is reached at entry in no time, with a way to it."""


def back_to_back_sends(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS514: from a marketing message a way that takes no time leads to another one on the same channel."""
    machine = compiled.machine
    states = {state.id: state for state in machine.states}
    told: set[str] = set()
    for start in _starts(machine):
        for way, second in _instant_sends(machine, states[start]):
            first = _sent_before(way, second, states)
            if first is None or second.id in told or not _is_possible(way, machine.timezone):
                continue
            told.add(second.id)
            yield finding(
                "JS514",
                f"`{first.id}` and `{second.id}` can both go out by {_shared(first, second)[0]} at once",
                place(compiled, second.id),
                help="put a `wait` between them, or send one message",
                labels=(Label(span=place(compiled, first.id), text="the first one"),),
                journey=machine.journey,
                step=second.id,
                witness=way.states[way.states.index(first.id) :],
            )


def _starts(machine: Machine) -> tuple[str, ...]:
    """Return where a stretch that takes no time begins: at entry, behind every wait, and where nothing was sent."""
    behind = (
        transition.target
        for state in machine.states
        for transition in state.transitions
        if isinstance(transition.trigger, Due | On | When | NotSent)
    )
    return tuple(dict.fromkeys((machine.initial, *behind)))


def _sent_before(way: Way, second: State, states: Mapping[str, State]) -> State | None:
    """Return the last marketing send on a way before its end that shares a channel with the one there."""
    earlier = (states[name] for name in reversed(way.states[:-1]))
    return next((state for state in earlier if _is_marketing(state) and _shared(state, second)), None)


def competing_entry(journeys: Mapping[str, Compiled]) -> Iterator[Diagnostic]:
    """JS701: two journeys start on one event for one customer and both send marketing on one channel at once.

    Of each journey the first one before it that competes with it is told.
    """
    opening = {name: list(_opening_sends(compiled.machine)) for name, compiled in journeys.items()}
    told: set[str] = set()
    for first, second in islice(_pairs(journeys, opening), MOST_PAIRS):
        one, other = journeys[first].machine, journeys[second].machine
        found = None if second in told else _competition(one, opening[first], other, opening[second])
        if found is None:
            continue
        told.add(second)
        who, (sent, also) = found
        yield finding(
            "JS701",
            f"`{one.entry.event}` starts `{first}` too, and both send at once",
            place_of_condition(journeys[second], "entry"),
            help="tell the customers apart with `where`, or wait before the first message of one of them",
            labels=(Label(span=place_of_condition(journeys[first], "entry"), text=f"starts `{first}`"),),
            journey=second,
            witness=(one.entry.event, *who, f"{first}: {sent}", f"{second}: {also}"),
        )


def _pairs(journeys: Mapping[str, Compiled], opening: Mapping[str, Sequence[Opening]]) -> Iterator[tuple[str, str]]:
    """Yield each two journeys that start on one event and send at once, in the order of their files."""
    by_event: dict[str, list[str]] = {}
    for name, compiled in journeys.items():
        if opening[name]:
            by_event.setdefault(compiled.machine.entry.event, []).append(name)
    for names in by_event.values():
        for number, second in enumerate(names):
            yield from ((first, second) for first in names[:number])


def _competition(
    one: Machine, first_sends: Sequence[Opening], other: Machine, second_sends: Sequence[Opening]
) -> tuple[tuple[str, ...], tuple[str, str]] | None:
    """Return a customer whom both journeys send to at once, and the two sends."""
    entries = [(one.entry.where or _TRUE, True), (other.entry.where or _TRUE, True)]
    for (first_way, first), (second_way, second) in product(first_sends, second_sends):
        if not _shared(first, second):
            continue
        asked = [*entries, *first_way.holds, *second_way.holds]
        found = survey([condition for condition, _ in asked], one.timezone)
        if found is None or not found.exact:
            continue
        wanted = tuple(truth for _, truth in asked)
        row = next((row for row in found.rows if row.holds == wanted), None)
        if row is not None:
            return found.customer(row), (first.id, second.id)
    return None


def _opening_sends(machine: Machine) -> Iterator[Opening]:
    states = {state.id: state for state in machine.states}
    initial = states[machine.initial]
    if _is_marketing(initial):
        yield Way(states=(initial.id,)), initial
    yield from _instant_sends(machine, initial)


def _instant_sends(machine: Machine, start: State) -> Iterator[tuple[Way, State]]:
    """Yield the marketing sends that are reached from a state in no time, each with a way to it."""
    states = {state.id: state for state in machine.states}
    open_ends = [(Way(states=(start.id,)), start)]
    for _ in range(MOST_WAYS):
        if not open_ends:
            return
        way, state = open_ends.pop()
        further = []
        for onward in _onward(way, state):
            target = states[onward.states[-1]]
            if target.id in way.states:
                continue
            if _is_marketing(target):
                yield onward, target
            further.append((onward, target))
        open_ends += reversed(further)


def _onward(way: Way, state: State) -> Iterator[Way]:
    # What a step writes may change what conditions say, so those before it no longer count.
    holds = () if isinstance(state.action, Assign) else way.holds
    for transition in state.transitions:
        onward = (*way.states, transition.target)
        match transition.trigger:
            case If(condition=condition):
                yield Way(states=onward, holds=(*holds, (condition, True)))
                holds = (*holds, (condition, False))
            case Always() | Arm() | Lap():
                yield Way(states=onward, holds=holds)
            case _:
                pass


def _is_possible(way: Way, timezone: str) -> bool:
    """Return whether some kind of customer goes a way; not where there are too many kinds."""
    found = survey([condition for condition, _ in way.holds], timezone)
    wanted = tuple(truth for _, truth in way.holds)
    return found is not None and any(row.holds == wanted for row in found.rows)


def _is_marketing(state: State) -> bool:
    return isinstance(state.action, Send) and state.action.kind == "marketing"


def _shared(first: State, second: State) -> list[str]:
    if not isinstance(first.action, Send) or not isinstance(second.action, Send):
        return []
    return [channel for channel in first.action.via if channel in second.action.via]
