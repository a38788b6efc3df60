"""A machine made ready to run: its conditions compiled, its states and transitions looked up by name.

Takes a machine and what the catalog says of its data, gives a `Program`; made once per version and shared by every
enrollment. Holds no customer.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from journeyscript.engine.evaluate import Evaluator, compile_expression
from journeyscript.engine.horizon import Horizon, compile_horizon
from journeyscript.engine.sensitive import HIDDEN, Sensitive, sensitive_to
from journeyscript.engine.values import Enrollment, Event, Facts
from journeyscript.machine.model import (
    Always,
    Arm,
    Assign,
    AtDate,
    ByDate,
    BySegment,
    Due,
    Emit,
    Enter,
    If,
    Lap,
    Machine,
    NotSent,
    On,
    Send,
    State,
    Transition,
    When,
)
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import Catalog
from journeyscript.semantics.show import show
from journeyscript.semantics.types import Instant, Value


class Condition(Struct, frozen=True, kw_only=True):
    """A compiled condition, and what it looked at, for the trace: (text, evaluator) of each value it reads.

    Of a value that is sensitive the trace is told only that it was there. `horizon` says when time alone may change
    the condition; `None`: never.
    """

    holds: Evaluator
    reads: tuple[tuple[str, Evaluator], ...]
    horizon: Horizon | None = None


class Step(Struct, frozen=True, kw_only=True):
    """A state made ready. `at_once` keeps the machine's order; `on` groups the event transitions by event.

    `awaited` lists these in order. `timed` is when time alone may let those go on who rest here for a condition.
    `straight` is where everybody goes on to at once, where there is but one way.
    """

    state: State
    assigned: tuple[tuple[str, Evaluator], ...] = ()
    moment: Evaluator | None = None
    at_once: tuple[tuple[Always | If | Arm | Lap | NotSent | When, Condition | None, str], ...] = ()
    on: dict[str, tuple[tuple[Condition | None, str], ...]] = {}
    when: tuple[tuple[Condition, str], ...] = ()
    awaited: tuple[tuple[str, Condition | None, str], ...] = ()
    timed: tuple[Horizon, ...] = ()
    due: str | None = None
    straight: str | None = None


class Program(Struct, frozen=True, kw_only=True):
    """A machine made ready. `contents` maps (message, channel) to digests by locale.

    `timed` is when time alone may let those leave who are inside; `segment` is the condition of the one that those
    come into, or leave, who enter.
    """

    machine: Machine
    version: str
    steps: dict[str, Step]
    admits: Condition | None
    segment: Condition | None
    key: Evaluator | None
    goal: Condition | None
    exits: tuple[tuple[str, str | None, Condition | None], ...]
    timed: tuple[Horizon, ...]
    contents: dict[tuple[str, str], dict[str, str]]
    date: Evaluator | None = None
    """The date by which the journey starts, where one does."""
    sensitive: Sensitive = Sensitive()
    """What of the data that the engine reads by itself the trace must not keep."""

    def seen(self, attribute: str, text: str, value: Value) -> tuple[str, Value]:
        """Return what the trace keeps of a value that an attribute gave, in whatever words."""
        return text, HIDDEN if value is not None and self.sensitive.attribute(attribute) else value


def link(machine: Machine, version: str, catalog: Catalog | None = None) -> Program:
    """Return the machine made ready to run; what the catalog calls sensitive stays out of what it records."""
    return _Linking(machine, catalog).program(version)


class _Linking:
    """The work of one `link`: expressions are compiled for the machine's zone, and what is sensitive is masked."""

    def __init__(self, machine: Machine, catalog: Catalog | None) -> None:
        self.machine, self.zone = machine, machine.timezone
        self.sensitive = sensitive_to(machine, catalog)

    def program(self, version: str) -> Program:
        """Return the machine made ready to run."""
        machine, trigger, goal = self.machine, self.machine.entry.trigger, self.machine.goal
        contents: dict[tuple[str, str], dict[str, str]] = {}
        for content in machine.contents:
            contents.setdefault((content.message, content.channel), {})[content.locale] = content.digest
        exits = tuple((rule.id, rule.event, self.condition(rule.when)) for rule in machine.exits)
        return Program(
            machine=machine,
            version=version,
            steps={state.id: self.step(state) for state in machine.states},
            admits=self.condition(machine.entry.where),
            segment=self.condition(trigger.condition) if isinstance(trigger, BySegment) else None,
            key=None if machine.entry.key is None else compile_expression(machine.entry.key, self.zone),
            goal=None if goal is None else self.condition(goal.where),
            exits=exits,
            timed=_timed(condition for _, event, condition in exits if event is None),
            contents=contents,
            date=compile_expression(trigger.moment, self.zone) if isinstance(trigger, ByDate) else None,
            sensitive=self.sensitive,
        )

    def condition(self, node: typed.Expression | None) -> Condition | None:
        """Return a condition made ready, `None` where there is none."""
        if node is None:
            return None
        reads = {show(leaf): leaf for leaf in _leaves(node)}
        return Condition(
            holds=compile_expression(node, self.zone),
            reads=tuple((text, self.read(leaf)) for text, leaf in reads.items()),
            horizon=compile_horizon(node, self.zone),
        )

    def read(self, leaf: typed.Expression) -> Evaluator:
        """Return what tells the trace of a value."""
        value = compile_expression(leaf, self.zone)
        return _masked(value) if self.sensitive.read(leaf) else value

    def step(self, state: State) -> Step:
        """Return a state made ready."""
        awaited = tuple(
            (transition.trigger.event, self.condition(transition.trigger.where), transition.target)
            for transition in state.transitions
            if isinstance(transition.trigger, On)
        )
        on: dict[str, tuple[tuple[Condition | None, str], ...]] = {}
        for event, condition, target in awaited:
            on[event] = (*on.get(event, ()), (condition, target))
        when = tuple(
            (condition, transition.target)
            for transition in state.transitions
            if isinstance(transition.trigger, When)
            and (condition := self.condition(transition.trigger.condition)) is not None
        )
        at_once = tuple(self.at_once(state.transitions))
        return Step(
            state=state,
            assigned=_assigned(state, self.zone),
            moment=compile_expression(state.timer.moment, self.zone) if isinstance(state.timer, AtDate) else None,
            at_once=at_once,
            on=on,
            awaited=awaited,
            when=when,
            timed=_timed(condition for condition, _ in when),
            due=next((t.target for t in state.transitions if isinstance(t.trigger, Due)), None),
            straight=at_once[0][2] if len(at_once) == 1 and isinstance(at_once[0][0], Always) else None,
        )

    def at_once(
        self, transitions: tuple[Transition, ...]
    ) -> Iterator[tuple[Always | If | Arm | Lap | NotSent | When, Condition | None, str]]:
        """Yield the transitions that need neither an event nor a timer, in order."""
        for transition in transitions:
            match transition.trigger:
                case If(condition=condition) | When(condition=condition) as trigger:
                    yield trigger, self.condition(condition), transition.target
                case Always() | Arm() | Lap() | NotSent() as trigger:
                    yield trigger, None, transition.target
                case On() | Due():
                    pass


def _masked(read: Evaluator) -> Evaluator:
    """Return what tells only whether there is a value."""

    def told(facts: Facts, event: Event | None, enrollment: Enrollment | None, now: Instant) -> Value:
        return None if read(facts, event, enrollment, now) is None else HIDDEN

    return told


def _timed(conditions: Iterable[Condition | None]) -> tuple[Horizon, ...]:
    return tuple(one.horizon for one in conditions if one is not None and one.horizon is not None)


def _leaves(node: typed.Expression) -> Iterator[typed.Expression]:
    """Yield what a condition reads of the world; the inside of a history function belongs to it."""
    match node:
        case typed.Literal():
            return
        case typed.And(items=items) | typed.Or(items=items) | typed.Items(items=items):
            parts: Iterable[typed.Expression] = items
        case typed.Not(of=inner):
            parts = (inner,)
        case typed.Known(of=inner):
            parts = (inner,)
        case typed.Compare(left=left, right=right) | typed.In(left=left, right=right):
            parts = (left, right)
        case typed.Arithmetic(left=left, right=right) | typed.Coalesce(left=left, right=right):
            parts = (left, right)
        case typed.Call(arguments=arguments):
            parts = arguments
        case _:
            yield node
            return
    for part in parts:
        yield from _leaves(part)


def _assigned(state: State, zone: str) -> tuple[tuple[str, Evaluator], ...]:
    match state.action:
        case Send(variables=pairs) | Assign(values=pairs) | Emit(properties=pairs) | Enter(properties=pairs):
            return tuple((name, compile_expression(value, zone)) for name, value in pairs)
        case None:
            return ()
