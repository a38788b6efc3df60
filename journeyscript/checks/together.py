"""Messages that go out at one instant within a journey, and those that do so at entry.

Follows the ways through a machine that take no time; whether somebody goes such a way is decided by `regions`.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

from journeyscript.checks.places import place
from journeyscript.checks.regions import survey
from journeyscript.diagnostics import Diagnostic, Label, Situation
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import Always, Arm, Assign, Due, If, Lap, Machine, NotSent, On, Send, State, When
from journeyscript.rules import finding
from journeyscript.semantics import typed

MOST_WAYS = 500
"""Of a machine with more ways that take no time, the first ones are looked at."""


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
                f"`{first.id}` and `{second.id}` can both go out by {shared(first, second)[0]} at once",
                place(compiled, second.id),
                help="put a `wait` between them, or send one message",
                labels=(Label(span=place(compiled, first.id), text="the first one"),),
                journey=machine.journey,
                step=second.id,
                witness=way.states[way.states.index(first.id) :],
                situation=Situation(path=(first.id, second.id)),
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
    return next((state for state in earlier if _is_marketing(state) and shared(state, second)), None)


def opening_sends(machine: Machine) -> Iterator[Opening]:
    """Yield the marketing sends that are reached at entry in no time, each with a way to it."""
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


def shared(first: State, second: State) -> list[str]:
    """Return the channels that may carry both of two sends."""
    if not isinstance(first.action, Send) or not isinstance(second.action, Send):
        return []
    return [channel for channel in first.action.via if channel in second.action.via]
