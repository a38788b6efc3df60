"""Which conditions are known to hold, or not to, on arrival at each state: a forward flow up to waits and writes.

What was asked on the way here still stands as long as no time passes and no step writes what it reads; what reads the
entry event alone stands for ever, as that is frozen. Where ways come together, only what is known on all of them is
known. Takes a machine; says nothing itself, `regions` draws the conclusions.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.checks.regions import READS_NOTHING
from journeyscript.machine.model import (
    Assign,
    AtDate,
    BySchedule,
    BySegment,
    Due,
    Emit,
    Enter,
    EntryTrigger,
    If,
    Machine,
    NotSent,
    On,
    Send,
    State,
    Transition,
    When,
    Within,
)
from journeyscript.machine.needs import nodes
from journeyscript.semantics import typed
from journeyscript.semantics.types import BOOLEAN

TRUE = typed.Literal(value=True, type=BOOLEAN)
"""What is asked where no condition is written."""


class Given(Struct, frozen=True, kw_only=True):
    """A condition that is true, or that is not. `place` names where it was asked, as `place_of_condition` takes it."""

    condition: typed.Expression
    truth: bool
    place: str


Known: TypeAlias = Mapping[str, Given]
"""What is known, by a name of its own for each part of each condition."""


def known_at(machine: Machine, *, holding: bool = True) -> dict[str, Known]:
    """Return what is known on arrival at each state that can be reached, before the state does anything.

    A send may hold the customer, such as in quiet hours. `holding=False` gives what is known of those whom none held.
    """
    states = {state.id: state for state in machine.states}
    known: dict[str, Known] = {machine.initial: _at_entry(machine)}
    queue = deque([machine.initial])
    while queue:
        state = states[queue.popleft()]
        for transition, arriving in _onward(machine, state, known[state.id], holding=holding):
            before = known.get(transition.target)
            after = arriving if before is None else {name: before[name] for name in before if name in arriving}
            if before is None or len(after) != len(before):
                known[transition.target] = after
                queue.append(transition.target)
    return known


def after_action(machine: Machine, state: State, known: Known, *, holding: bool = True) -> Known:
    """Return what is known where a state asks its conditions: its action is done."""
    match state.action:
        case Assign(values=values):
            written = frozenset(name for name, _ in values)
            kept = {name: given for name, given in known.items() if not _is_written(given.condition, written)}
            return {**kept, **{given.place: given for given in _assigned(machine, state.id, values)}}
        case Emit(event=event):
            return {name: given for name, given in known.items() if event not in _events(given.condition)}
        case Send():
            return {**(frozen(machine, known) if holding else known), **_unfulfilled_exits(machine)}
        case Enter() | None:
            return known


def asking(known: Known, state: State, number: int) -> Known:
    """Return what is known where a state asks its Nth transition: the alternatives before it were not true."""
    found = dict(known)
    for earlier, transition in enumerate(state.transitions[: number - 1], 1):
        if isinstance(transition.trigger, If):
            found |= _given(transition.trigger.condition, truth=False, place=f"{state.id}/{earlier}")
    return found


def frozen(machine: Machine, known: Known) -> Known:
    """Return what is known for ever, whatever time passes; nothing where later events refresh the entry."""
    if machine.entry.while_active == "refresh":
        return {}
    return {name: given for name, given in known.items() if _is_frozen(given.condition)}


def before_event(machine: Machine, state: State, number: int) -> Known:
    """Return what is known of an event that a wait looks at for its Nth transition: nothing took it before."""
    trigger = state.transitions[number - 1].trigger
    assert isinstance(trigger, On)
    found: dict[str, Given] = {}
    goal = machine.goal
    if state.lookback is None:  # At what happened before, nobody looked in this way.
        found |= _unfulfilled_exits(machine, trigger.event)
        if goal is not None and goal.exit and goal.event == trigger.event and goal.within is None:
            found |= _given(goal.where or TRUE, truth=False, place="goal")
    for earlier, transition in enumerate(state.transitions[: number - 1], 1):
        if isinstance(transition.trigger, On) and transition.trigger.event == trigger.event:
            found |= _given(transition.trigger.where or TRUE, truth=False, place=f"{state.id}/{earlier}")
    return found


def _at_entry(machine: Machine) -> Known:
    found = _of_trigger(machine.entry.trigger)
    if machine.entry.where is not None:
        found |= _given(machine.entry.where, truth=True, place="entry")
    for name, given in list(found.items()):
        frozen = _of_the_entry(given.condition)
        if frozen is not None:
            found[f"{name} for ever"] = replace(given, condition=frozen)
    return found


def _of_trigger(trigger: EntryTrigger | None) -> dict[str, Given]:
    match trigger:
        case BySchedule(audience=audience):
            return _given(audience, truth=True, place="audience")
        case BySegment(condition=condition, on=on):
            return _given(condition, truth=on == "enter", place="segment")
        case _:
            return {}


def _onward(machine: Machine, state: State, arriving: Known, *, holding: bool) -> Iterator[tuple[Transition, Known]]:
    """Yield each way out of a state with what is known on it; twice where it can be gone at once or later."""
    known = after_action(machine, state, arriving, holding=holding)
    later = {**frozen(machine, known), **_unfulfilled_exits(machine)}
    for number, transition in enumerate(state.transitions, 1):
        place = f"{state.id}/{number}"
        match transition.trigger:
            case If(condition=condition):
                yield transition, {**asking(known, state, number), **_given(condition, truth=True, place=place)}
            case When(condition=condition):
                holds = _given(condition, truth=True, place=place)
                yield transition, {**known, **holds}
                yield transition, {**later, **holds}
            case On(where=where):
                holds = {} if where is None else _given(where, truth=True, place=place)
                kept = later if state.lookback is None else frozen(machine, known)
                yield transition, {**kept, **before_event(machine, state, number), **holds}
            case Due():
                yield transition, later
                if isinstance(state.timer, Within | AtDate):
                    yield transition, known
            case NotSent():
                yield transition, known
            case _:
                yield transition, asking(known, state, number)


def _unfulfilled_exits(machine: Machine, event: str | None = None) -> dict[str, Given]:
    """Return what exits ask that have just been looked at, as nobody is here for whom they hold."""
    found: dict[str, Given] = {}
    for number, rule in enumerate(machine.exits, 1):
        if rule.event is None or rule.event == event:
            found |= _given(rule.when or TRUE, truth=False, place=f"exit/{number}")
    return found


def _given(condition: typed.Expression, *, truth: bool, place: str) -> dict[str, Given]:
    """Return a condition by its parts, as a write may end one part of it and leave the others."""
    return {
        f"{place} {truth} {number}": Given(condition=part, truth=truth, place=place)
        for number, part in enumerate(_parts(condition, truth=truth))
    }


def _parts(condition: typed.Expression, *, truth: bool) -> Iterator[typed.Expression]:
    match condition:
        case typed.And(items=items) if truth:
            for item in items:
                yield from _parts(item, truth=truth)
        case typed.Or(items=items) if not truth:
            for item in items:
                yield from _parts(item, truth=truth)
        case _:
            yield condition


def _assigned(machine: Machine, state: str, values: Iterable[tuple[str, typed.Expression]]) -> Iterator[Given]:
    for name, value in values:
        kind = machine.needs.attributes.get(name)
        if kind is not None and isinstance(value, typed.Literal) and value.value is not None:
            condition = typed.Compare(op="==", left=typed.Attribute(name=name, type=kind), right=value)
            yield Given(condition=condition, truth=True, place=f"{state}/{name}")


def _is_written(condition: typed.Expression, written: frozenset[str]) -> bool:
    # A call may look at the customer's zone, which is an attribute too.
    return any(
        node.name in written if isinstance(node, typed.Attribute) else isinstance(node, typed.Call)
        for node in nodes(condition)
    )


def _events(condition: typed.Expression) -> frozenset[str]:
    return frozenset(node.event for node in nodes(condition) if isinstance(node, typed.History))


def _is_frozen(condition: typed.Expression) -> bool:
    return all(isinstance(node, (typed.EntryProperty, *READS_NOTHING)) for node in nodes(condition))


def _of_the_entry(condition: typed.Expression) -> typed.Expression | None:
    """Return a condition on the event in hand as one on the entry event, where it reads nothing else."""
    match condition:
        case typed.Property(name=name, type=kind):
            return typed.EntryProperty(name=name, type=kind)
        case typed.Literal():
            return condition
        case typed.Compare(left=left, right=right) | typed.In(left=left, right=right):
            first, second = _of_the_entry(left), _of_the_entry(right)
            return None if first is None or second is None else replace(condition, left=first, right=second)
        case typed.Items(items=items) if all(isinstance(item, typed.Literal) for item in items):
            return condition
        case typed.Not(of=inner) | typed.Known(of=inner):
            found = _of_the_entry(inner)
            return None if found is None else replace(condition, of=found)
        case _:
            return None
