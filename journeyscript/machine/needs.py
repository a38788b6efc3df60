"""What a machine asks of a customer's data, found by walking its expressions."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from journeyscript.machine.model import (
    BEST_TIME,
    Assign,
    AtDate,
    ByApi,
    ByDate,
    BySchedule,
    BySegment,
    Emit,
    Enter,
    Entry,
    EntryTrigger,
    ExitRule,
    Goal,
    If,
    Needs,
    On,
    Send,
    State,
    When,
)
from journeyscript.semantics import typed
from journeyscript.semantics.types import STRING, Milliseconds, Type

ALWAYS_READ = {"timezone": STRING, "locale": STRING, "preferred_channel": STRING}
"""Attributes that the engine itself looks at where a customer has them."""


def nodes(root: typed.Expression) -> Iterator[typed.Expression]:
    """Yield an expression and everything inside it, outermost first."""
    yield root
    for name in root.__struct_fields__:
        yield from _inside(getattr(root, name))


def _inside(value: object) -> Iterator[typed.Expression]:
    match value:
        case typed.Node():
            yield from nodes(value)  # type: ignore[arg-type]  # every node is one of the closed family
        case tuple():
            for item in value:
                yield from _inside(item)
        case typed.Window():
            yield from _inside(value.start)
            yield from _inside(value.end)
        case _:
            return


def expressions_of_state(state: State) -> Iterator[typed.Expression]:
    """Yield every expression that a state evaluates."""
    match state.action:
        case Send(variables=pairs) | Assign(values=pairs) | Emit(properties=pairs) | Enter(properties=pairs):
            yield from (expression for _, expression in pairs)
        case None:
            pass
    if isinstance(state.timer, AtDate):
        yield state.timer.moment
    for transition in state.transitions:
        match transition.trigger:
            case If(condition=condition) | When(condition=condition):
                yield condition
            case On(where=where) if where is not None:
                yield where
            case _:
                pass


class _Collected(Struct, kw_only=True):
    attributes: dict[str, Type]
    history: dict[str, Milliseconds | None]

    def add(self, root: typed.Expression, lifetime: Milliseconds) -> None:
        for node in nodes(root):
            match node:
                case typed.Attribute(name=name, type=kind):
                    self.attributes[name] = kind
                case typed.History(event=event, window=window):
                    self.ask(event, lifetime if window.since_entry else window.last)
                case _:
                    pass

    def ask(self, event: str, back: Milliseconds | None) -> None:
        """Note that the history of an event is looked at, that far back; `None`: without limit."""
        known = self.history.get(event, 0)
        self.history[event] = None if back is None or known is None else max(known, back)


def expressions_of_entry(trigger: EntryTrigger | None) -> Iterator[typed.Expression]:
    """Yield the expressions of an entry that no event starts."""
    match trigger:
        case BySchedule(audience=audience):
            yield audience
        case ByDate(moment=moment):
            yield moment
        case BySegment(condition=condition):
            yield condition
        case ByApi() | None:
            return


def find_needs(
    entry: Entry,
    goal: Goal | None,
    exits: Iterable[ExitRule],
    states: Iterable[State],
    lifetime: Milliseconds,
) -> Needs:
    """Return which events, which history and which attributes the parts of a machine look at."""
    collected = _Collected(attributes=dict(ALWAYS_READ), history={})
    events = {entry.event} if entry.trigger is None else set()
    roots = [entry.where, entry.key, *expressions_of_entry(entry.trigger)]
    if entry.trigger is None and entry.enrol == "existing":
        collected.ask(entry.event, None)
    if goal is not None:
        events.add(goal.event)
        roots.append(goal.where)
    for rule in exits:
        events |= {rule.event} if rule.event is not None else set()
        roots.append(rule.when)
    for state in states:
        roots += expressions_of_state(state)
        for transition in state.transitions:
            if isinstance(transition.trigger, On):
                events.add(transition.trigger.event)
                if state.lookback is not None:
                    back = lifetime if state.lookback == "entry" else state.lookback
                    collected.ask(transition.trigger.event, back)
        if isinstance(state.action, Send):
            if state.action.best_time:
                collected.attributes[BEST_TIME] = STRING
            for path, kind in state.action.reads.items():
                owner, _, name = path.partition(".")
                if owner == "customer":
                    collected.attributes.setdefault(name, Type(kind=kind))
    for root in roots:
        if root is not None:
            collected.add(root, lifetime)
    return Needs(
        events=tuple(sorted(events)),
        history=dict(sorted(collected.history.items())),
        attributes=dict(sorted(collected.attributes.items())),
    )
