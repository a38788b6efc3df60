"""What is known of a customer on the way through a machine: a forward flow of facts that expire at waits.

A fact holds from the edge of a condition that shows it until a step writes what it is about; at a wait it becomes
stale, as anything can happen meanwhile, unless the wait itself would have noticed. Where ways come together, only what
is known on all of them is known. Takes a machine; says nothing itself.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from journeyscript.machine.model import Assign, Due, Emit, If, Machine, NotSent, On, State, Transition, When
from journeyscript.machine.needs import nodes
from journeyscript.semantics import typed
from journeyscript.semantics.show import show

FactKind: TypeAlias = Literal["absent", "status", "has", "consent"]
Key: TypeAlias = tuple[FactKind, str]
"""What a fact is about: an event that has not happened, an attribute of one of several values, an attribute that is
there, consent to a channel."""


class Fact(Struct, frozen=True, kw_only=True):
    """Something known: in words, by which state's condition (its Nth transition), stale since which wait.

    What was shown at entry has no state.
    """

    text: str
    state: str | None
    number: int
    stale: str | None = None


Facts: TypeAlias = dict[Key, Fact]


def flow(machine: Machine) -> dict[str, Facts]:
    """Return what is known on arrival at each state that can be reached."""
    states = {state.id: state for state in machine.states}
    known: dict[str, Facts] = {machine.initial: _at_entry(machine)}
    queue = deque([machine.initial])
    while queue:
        state = states[queue.popleft()]
        for transition, facts in _onward(state, known[state.id]):
            before = known.get(transition.target)
            after = facts if before is None else _meet(before, facts)
            if after != before:
                known[transition.target] = after
                queue.append(transition.target)
    return known


def _at_entry(machine: Machine) -> Facts:
    where = machine.entry.where
    found = {} if where is None else shown(where, truth=True)
    return {key: Fact(text=text, state=None, number=0) for key, text in found.items()}


def shown(condition: typed.Expression, *, truth: bool) -> dict[Key, str]:
    """Return the facts that a condition shows where it is true, or where it is not, with each fact in words."""
    match condition:
        case typed.Not(of=inner):
            return shown(inner, truth=not truth)
        case typed.And(items=items) | typed.Or(items=items):
            found = [shown(item, truth=truth) for item in items]
            if isinstance(condition, typed.And) == truth:
                return {key: text for part in found for key, text in part.items()}
            return {key: text for key, text in found[0].items() if all(key in part for part in found)}
        case typed.InSegment(condition=inner):
            return shown(inner, truth=truth)
        case typed.Known(of=typed.Attribute(name=name)) if truth:
            return {("has", name): show(condition)}
        case typed.Consent(channel=channel) if truth:
            return {("consent", channel): show(condition)}
        case typed.History(function="did", event=event) if not truth:
            return {("absent", event): f"not {show(condition)}"}
        case typed.Compare(op=op, left=typed.History(function="count", event=event), right=typed.Literal()):
            few = op in ("<", "<=", "==") if truth else op in (">", ">=", "!=")
            return {("absent", event): show(condition if truth else typed.Not(of=condition))} if few else {}
        case typed.Compare(op="==" | "!=", left=typed.Attribute(name=name, type=kind), right=typed.Literal()):
            return _status(condition, name, kind.kind, truth=truth)
        case typed.In(left=typed.Attribute(name=name, type=kind)):
            return _status(condition, name, kind.kind, truth=truth)
        case _:
            return {}


def asked_of(condition: typed.Expression) -> frozenset[Key]:
    """Return everything that a condition looks at: facts about it are settled anew."""
    found: set[Key] = set()
    for node in nodes(condition):
        match node:
            case typed.Attribute(name=name):
                found |= {("has", name), ("status", name)}
            case typed.Consent(channel=channel):
                found.add(("consent", channel))
            case typed.History(event=event):
                found.add(("absent", event))
            case _:
                pass
    return frozenset(found)


def _status(condition: typed.Expression, name: str, kind: str, *, truth: bool) -> dict[Key, str]:
    if kind != "enum":
        return {}
    return {("status", name): show(condition if truth else typed.Not(of=condition))}


def _onward(state: State, facts: Facts) -> Iterator[tuple[Transition, Facts]]:
    """Yield each way out of a state with what is known on it."""
    known = _without(facts, _written(state))
    for number, transition in enumerate(state.transitions, 1):
        match transition.trigger:
            case If(condition=condition):
                yield transition, _settled(known, condition, state.id, number, truth=True)
                known = _settled(known, condition, state.id, number, truth=False)
            case NotSent():
                # Nobody could be reached, so what was known of addresses and consent did not help.
                yield transition, known
            case On(event=event, where=where):
                later = _without(_aged(known, state.id), frozenset({("absent", event)}))
                yield transition, later if where is None else _settled(later, where, state.id, number, truth=True)
            case When(condition=condition):
                yield transition, _settled(_aged(known, state.id), condition, state.id, number, truth=True)
            case Due():
                yield transition, _waited(known, state)
            case _:
                yield transition, known


def _waited(known: Facts, state: State) -> Facts:
    """Return what is known when the time of a wait is up: what it waited for did not happen."""
    later = _aged(known, state.id)
    for number, transition in enumerate(state.transitions, 1):
        match transition.trigger:
            case On(event=event, where=None) if (fact := known.get(("absent", event))) is not None:
                later[("absent", event)] = fact
            case When(condition=condition):
                later = _settled(later, condition, state.id, number, truth=False)
            case _:
                pass
    return later


def _settled(facts: Facts, condition: typed.Expression, state: str, number: int, *, truth: bool) -> Facts:
    fresh = {key: Fact(text=text, state=state, number=number) for key, text in shown(condition, truth=truth).items()}
    return {**_without(facts, asked_of(condition)), **fresh}


def _written(state: State) -> frozenset[Key]:
    match state.action:
        case Assign(values=values):
            names = [name for name, _ in values]
            written: set[Key] = {("has", name) for name in names}
            return frozenset(written | {("status", name) for name in names})
        case Emit(event=event):
            return frozenset({("absent", event)})
        case _:
            return frozenset()


def _without(facts: Mapping[Key, Fact], keys: frozenset[Key]) -> Facts:
    return {key: fact for key, fact in facts.items() if key not in keys}


def _aged(facts: Facts, wait: str) -> Facts:
    return {
        key: fact if fact.stale is not None else msgspec.structs.replace(fact, stale=wait)
        for key, fact in facts.items()
    }


def _meet(before: Facts, arriving: Facts) -> Facts:
    """Return what is known on both ways; stale if it is on either."""
    met: Facts = {}
    for key, fact in before.items():
        other = arriving.get(key)
        if other is not None:
            met[key] = other if fact.stale is None and other.stale is not None else fact
    return met
