"""Where in a file a part of a machine was written, and the conditions of a machine with their places."""

from collections.abc import Iterator

from msgspec import Struct

from journeyscript.diagnostics import Span
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import If, On, When
from journeyscript.semantics import typed


class Asked(Struct, frozen=True, kw_only=True):
    """A condition of a machine. `step` and `number`: the state and which of its transitions, from 1, asks it."""

    condition: typed.Expression
    span: Span
    step: str | None = None
    number: int = 0


def place(compiled: Compiled, state: str) -> Span:
    """Return where a step was written; the file where nobody knows."""
    return compiled.about.spans.get(state, Span(path=compiled.about.path))


def place_of_condition(compiled: Compiled, name: str, state: str | None = None) -> Span:
    """Return where a condition was written: `entry`, `goal`, `exit/N`, `STATE/N`, N from 1, and the like."""
    fallback = Span(path=compiled.about.path) if state is None else place(compiled, state)
    return compiled.about.conditions.get(name, fallback)


def place_of_given(compiled: Compiled, name: str) -> Span:
    """Return where something that is known was asked or written: as above, or `STATE/ATTRIBUTE` for what is set."""
    state, _, _ = name.rpartition("/")
    return place_of_condition(compiled, name, state if state in compiled.about.spans else None)


def conditions(compiled: Compiled) -> Iterator[Asked]:
    """Yield every condition of a machine, in the order of the file."""
    machine = compiled.machine
    if machine.entry.where is not None:
        yield Asked(condition=machine.entry.where, span=place_of_condition(compiled, "entry"))
    if machine.goal is not None and machine.goal.where is not None:
        yield Asked(condition=machine.goal.where, span=place_of_condition(compiled, "goal"))
    for number, rule in enumerate(machine.exits, 1):
        if rule.when is not None:
            yield Asked(condition=rule.when, span=place_of_condition(compiled, f"exit/{number}"))
    for state in machine.states:
        for number, transition in enumerate(state.transitions, 1):
            match transition.trigger:
                case If(condition=condition) | When(condition=condition):
                    pass
                case On(where=where) if where is not None:
                    condition = where
                case _:
                    continue
            span = place_of_condition(compiled, f"{state.id}/{number}", state.id)
            yield Asked(condition=condition, span=span, step=state.id, number=number)
