"""Every way through a machine, with how long each of its stretches takes at least and at most.

Loops are unrolled by their laps, so that what comes out has no rounds; a machine with too many places is given up.
Times are those of a runtime that keeps up. Knows policies, as a message that waits takes time; knows no customer.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

from journeyscript.checks.worst_case.times import Sending, elapsed
from journeyscript.machine.model import Always, Arm, If, Lap, Machine, Send, State
from journeyscript.semantics.types import Milliseconds

MOST_PLACES = 20_000
"""Of a machine with more states than this, each lap of a loop counted by itself, nothing is said."""

Laps: TypeAlias = tuple[tuple[str, int], ...]
_Key: TypeAlias = tuple[str, Laps]


class Onward(Struct, frozen=True, kw_only=True):
    """A way on to a later place, by which transition of the state.

    `least` and `most` (`None`: nobody knows) are from this place to that one, a message there being sent; `hold` is how
    much of the most that message may be held back. All in milliseconds.
    """

    target: int
    transition: int
    least: Milliseconds
    most: Milliseconds | None
    hold: Milliseconds = 0


class Place(Struct, frozen=True, kw_only=True):
    """A state in a certain lap of the loops around it."""

    state: State
    onward: tuple[Onward, ...]


Ways: TypeAlias = tuple[Place, ...]
"""The first place is where everybody begins; ways only lead to later ones."""


def unroll(machine: Machine, sending: Sending) -> Ways | None:
    """Return all ways from entry to an end; nothing where there are too many places, or a round without a count."""
    states = {state.id: state for state in machine.states}
    order: list[_Key] = []
    done: set[_Key] = set()
    begun: set[_Key] = set()
    stack: list[tuple[_Key, bool]] = [((machine.initial, ()), False)]
    while stack:
        key, behind = stack.pop()
        if behind:
            done.add(key)
            order.append(key)
            continue
        if key in done:
            continue
        if key in begun:
            return None  # A round that no lap counts.
        begun.add(key)
        if len(begun) > MOST_PLACES:
            return None
        stack.append((key, True))
        stack.extend((following, False) for _, following in _following(states[key[0]], key[1]))
    order.reverse()
    return _numbered(order, states, sending)


def _numbered(order: list[_Key], states: Mapping[str, State], sending: Sending) -> Ways:
    numbers = {key: number for number, key in enumerate(order)}
    places = []
    for name, laps in order:
        onward = []
        for transition, following in _following(states[name], laps):
            least, most = elapsed(states[name], states[name].transitions[transition], sending.policies.grace)
            action = states[following[0]].action
            hold = sending.longest_hold(action) if isinstance(action, Send) else 0
            onward.append(
                Onward(
                    target=numbers[following],
                    transition=transition,
                    least=least,
                    most=None if most is None else most + hold,
                    hold=hold,
                )
            )
        places.append(Place(state=states[name], onward=tuple(onward)))
    return tuple(places)


def _following(state: State, laps: Laps) -> Iterator[tuple[int, _Key]]:
    """Yield the number of each transition that can be taken in a lap, with where it leads."""
    gone = dict(laps)
    for number, transition in enumerate(state.transitions):
        match transition.trigger:
            case Lap(times=times):
                if gone.get(state.id, 0) < times:
                    counted = {**gone, state.id: gone.get(state.id, 0) + 1}
                    yield number, (transition.target, tuple(sorted(counted.items())))
                    return
                continue
            case Arm(weight=0):
                continue
            case If() | Always() if state.id in gone:
                left = tuple(item for item in laps if item[0] != state.id)
                yield number, (transition.target, left)
            case _:
                yield number, (transition.target, laps)
