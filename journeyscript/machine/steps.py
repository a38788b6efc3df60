"""Steps to states: one method for each kind of step, each saying what the step means to the machine.

A step is lowered knowing the state that follows it; what is known flows along in file order and is forgotten at
every wait. `None` for a scope means that nobody gets past the step.
"""

from collections.abc import Mapping

import msgspec

from journeyscript.diagnostics import Span
from journeyscript.machine.model import (
    After,
    Always,
    Arm,
    Assign,
    AtDate,
    AtTime,
    CalendarDays,
    Due,
    Emit,
    Enter,
    Final,
    If,
    Lap,
    NotSent,
    On,
    State,
    Timer,
    Transition,
    When,
    Within,
)
from journeyscript.machine.naming import StepIds
from journeyscript.machine.reading import UNREADABLE, Reader
from journeyscript.machine.sends import SendLowering
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import suggestion
from journeyscript.semantics.operators import comparable
from journeyscript.semantics.scope import Lapse, Scope
from journeyscript.semantics.templates import TemplateReads
from journeyscript.semantics.types import STRING
from journeyscript.source.nodes import Node, Scalar, Sequence
from journeyscript.syntax.config import ChannelConfig
from journeyscript.syntax.journey import (
    BranchStep,
    EmitStep,
    EnterStep,
    ExitStep,
    RepeatStep,
    SendStep,
    SetStep,
    SplitStep,
    StageStep,
    Step,
    Steps,
    WaitForStep,
    WaitStep,
    WaitUntilStep,
)
from journeyscript.syntax.message import MessageFile
from journeyscript.syntax.policies import read_days

STAGE = "stage"
"""The attribute that `stage` writes."""

_STAGE = "let it be of the type `enum`, with the stages as its values"
_WINDOW = 'write two times, such as `["09:00", "18:00"]`; a window may run over midnight'


class StepLowering:
    """Lowers the steps of one journey and keeps the states."""

    def __init__(
        self,
        reader: Reader,
        ids: StepIds,
        messages: Mapping[str, Mapping[str, Mapping[str, MessageFile]]],
        channels: Mapping[str, ChannelConfig],
        reads: Mapping[str, TemplateReads],
    ) -> None:
        self.reader, self.ids = reader, ids
        self.sends = SendLowering(reader, messages, channels, reads)
        self.spans: dict[str, Span] = {}
        self.conditions: dict[str, Span] = {}
        self._states: dict[str, State] = {}

    def in_file_order(self) -> tuple[State, ...]:
        """Return the states made so far, in the order in which their steps stand in the file."""
        return tuple(self._states[name] for name in self.ids.values() if name in self._states)

    def block(self, steps: Steps, following: str, scope: Scope | None) -> tuple[str, Scope | None]:
        """Lower a list of steps that goes on to `following`; return its first state and what is known behind it."""
        first = self.ids[id(steps[0])] if steps else following
        for number, step in enumerate(steps):
            then = self.ids[id(steps[number + 1])] if number + 1 < len(steps) else following
            # Behind an exit nothing is known; the check for unreachable steps says so, this one goes on reading.
            scope = self.step(step, then, scope if scope is not None else self._nothing_known)
        return first, scope

    def step(self, step: Step, following: str, scope: Scope) -> Scope | None:
        """Lower one step; return what is known behind it."""
        self.reader.step = name = self.ids[id(step)]
        self.spans[name] = step.span
        self._nothing_known = scope.after_wait().at_event(None)
        match step:
            case SendStep():
                return self.send(step, name, following, scope)
            case WaitStep():
                return self.wait(step, name, following, scope)
            case WaitUntilStep():
                return self.wait_until(step, name, following, scope)
            case WaitForStep():
                return self.wait_for(step, name, following, scope)
            case BranchStep():
                return self.branch(step, name, following, scope)
            case SplitStep():
                return self.split(step, name, following, scope)
            case RepeatStep():
                return self.repeat(step, name, following, scope)
            case SetStep():
                return self.set(step, name, following, scope)
            case EmitStep():
                return self.emit(step, name, following, scope)
            case EnterStep():
                return self.enter(step, name, following, scope)
            case StageStep():
                return self.stage(step, name, following, scope)
            case ExitStep(reason=reason):
                self._keep(State(id=name, step="exit", final=Final(status="exited", reason=reason.text)))
                return None

    def send(self, step: SendStep, name: str, following: str, scope: Scope) -> Scope | None:
        """One message; where none could be sent, the `else` steps first."""
        action = self.sends.lower(step, scope)
        self.conditions |= {f"{name}/{key.text}": value.span for key, value in step.variables}
        transitions = [Transition(trigger=Always(), target=following)]
        behind: Scope | None = scope
        if step.otherwise:
            otherwise, unsent = self.block(step.otherwise, following, scope)
            transitions.insert(0, Transition(trigger=NotSent(), target=otherwise))
            behind = _meet(scope, unsent)
        self._keep(State(id=name, step="send", action=action, transitions=tuple(transitions)))
        return behind

    def wait(self, step: WaitStep, name: str, following: str, scope: Scope) -> Scope:
        """An elapsed time."""
        self._keep(
            State(
                id=name,
                step="wait",
                timer=self.timer(step.duration),
                transitions=(Transition(trigger=Due(), target=following),),
            )
        )
        return scope.after_wait(_waited(step, name)).at_event(None)

    def wait_until(self, step: WaitUntilStep, name: str, following: str, scope: Scope) -> Scope:
        """A time of day, a date, a window, or a condition."""
        fields = step.fields
        spread_node, days = fields.get("spread"), read_days(fields.get("days"))
        spread = 0 if spread_node is None else self.reader.milliseconds(spread_node)
        transitions = [Transition(trigger=Due(), target=following)]
        timer: Timer
        if (when := fields.get("when")) is not None:
            assert isinstance(when, Scalar)
            condition = self.reader.condition(when, scope.after_wait(_waited(step, name)).at_event(None)) or UNREADABLE
            self.conditions[f"{name}/1"] = when.span
            transitions.insert(0, Transition(trigger=When(condition=condition), target=following))
            timeout = fields.get("timeout")
            timer = self.timer(timeout) if timeout is not None else After(duration=0)
        elif (date := fields.get("date")) is not None:
            timer = self.date(date, fields.get("time"), scope, spread)
            timer = msgspec.structs.replace(
                timer, if_missing=_word(fields.get("if_missing")), if_past=_word(fields.get("if_past"))
            )
        elif isinstance(between := fields.get("between"), Sequence):
            start, end = (self.reader.minute(item) for item in between.items)
            if start == end:
                self.reader.note("JS402", "the window opens and closes at the same time", between, _WINDOW)
            timer = Within(start=start, end=end, days=days, spread=spread)
        else:
            time = fields.get("time")
            assert time is not None
            timer = AtTime(minute=self.reader.minute(time), days=days, spread=spread)
        self._keep(State(id=name, step="wait_until", timer=timer, transitions=tuple(transitions)))
        return scope.after_wait(_waited(step, name)).at_event(None)

    def date(self, node: Node, time: Node | None, scope: Scope, spread: int) -> AtDate:
        """Return the timer of a date expression, which may be missing: that is what `if_missing` is for."""
        assert isinstance(node, Scalar)
        checked = self.reader.date(node, scope)
        return AtDate(moment=checked, minute=0 if time is None else self.reader.minute(time), spread=spread)

    def wait_for(self, step: WaitForStep, name: str, following: str, scope: Scope) -> Scope | None:
        """One event or several, until the timeout."""
        later = scope.after_wait(_waited(step, name)).at_event(None)
        transitions, ends = [], []
        for number, case in enumerate(step.cases, 1):
            self.reader.step = name
            self.conditions[f"{name}/{number}"] = (case.where or case.event).span
            event = self.reader.event(case.event, scope.catalog)
            where, known = self.reader.guard(case.where, later.at_event(event))
            first, end = self.block(case.steps, following, later.at_event(event).knowing(known))
            transitions.append(Transition(trigger=On(event=case.event.text, where=where), target=first))
            ends.append(end)
        first, end = self.block(step.otherwise, following, later)
        transitions.append(Transition(trigger=Due(), target=first))
        assert step.timeout is not None, "the structure check lets no wait without a timeout come here"
        self.reader.step = name
        timer, lookback = self.timer(step.timeout), self.reader.lookback(step.lookback)
        self._keep(State(id=name, step="wait_for", timer=timer, transitions=tuple(transitions), lookback=lookback))
        return _meet(*ends, end)

    def branch(self, step: BranchStep, name: str, following: str, scope: Scope) -> Scope | None:
        """The first true alternative, else the other steps."""
        transitions, ends = [], []
        for number, alternative in enumerate(step.alternatives, 1):
            self.reader.step = name
            self.conditions[f"{name}/{number}"] = alternative.condition.span
            condition, if_true, if_not = self.reader.fork(alternative.condition, scope)
            first, end = self.block(alternative.steps, following, scope.knowing(if_true))
            transitions.append(Transition(trigger=If(condition=condition or UNREADABLE), target=first))
            ends.append(end)
            scope = scope.knowing(if_not)
        first, end = self.block(step.otherwise, following, scope)
        transitions.append(Transition(trigger=Always(), target=first))
        self._keep(State(id=name, step="branch", transitions=tuple(transitions)))
        return _meet(*ends, end)

    def split(self, step: SplitStep, name: str, following: str, scope: Scope) -> Scope | None:
        """Weighted arms, in file order."""
        weights = [int(arm.weight.text) for arm in step.arms]
        if sum(weights) != 100:
            self.reader.note("JS212", f"the weights of the arms add up to {sum(weights)}, not to 100", step.name)
        transitions, ends = [], []
        seen: set[str] = set()
        for arm, weight in zip(step.arms, weights, strict=True):
            self.reader.step = name
            if arm.name.text in seen:
                self.reader.note("JS212", f"two arms are called `{arm.name.text}`", arm.name)
            seen.add(arm.name.text)
            first, end = self.block(arm.steps, following, scope)
            trigger = Arm(
                experiment=step.name.text,
                arm=arm.name.text,
                weight=weight,
                per="entry" if step.per is not None and step.per.text == "entry" else "customer",
            )
            transitions.append(Transition(trigger=trigger, target=first))
            ends.append(end)
        self._keep(State(id=name, step="split", transitions=tuple(transitions)))
        return _meet(*ends)

    def repeat(self, step: RepeatStep, name: str, following: str, scope: Scope) -> Scope:
        """The body again and again, at most `times` times, not once more where `until` holds."""
        # On the way round everything has waited at least once, so the body starts with what survives a wait.
        lapse = Lapse(step=name, span=step.span, why="from the second round on, a wait has passed")
        inside = scope.after_wait(lapse).at_event(None)
        until = self.reader.condition(step.until, inside)
        if step.until is not None:
            self.conditions[f"{name}/1"] = step.until.span
        body, _ = self.block(step.steps, name, inside)
        transitions = [
            Transition(trigger=Lap(times=int(step.times.text)), target=body),
            Transition(trigger=Always(), target=following),
        ]
        if until is not None:
            transitions.insert(0, Transition(trigger=If(condition=until), target=following))
        self._keep(State(id=name, step="repeat", transitions=tuple(transitions)))
        return inside

    def set(self, step: SetStep, name: str, following: str, scope: Scope) -> Scope:
        """Attributes written at once."""
        catalog = scope.catalog
        values, written, there = [], set(), set()
        for key, value in step.values:
            definition = catalog.attributes.get(key.text)
            if definition is None:
                advice = suggestion(key.text, catalog.attributes)
                self.reader.note("JS301", f"customers have no attribute `{key.text}`", key, advice)
                continue
            checked, _ = self.reader.checked(value, scope)
            if not comparable(definition.type, checked.type):
                self.reader.note("JS303", f"`{key.text}` holds {definition.type}, this is {checked.type}", value)
            self.reader.literal_fits(checked.node, definition.type, value)
            self.conditions[f"{name}/{key.text}"] = value.span
            values.append((key.text, checked.node))
            written.add(f"customer.{key.text}")
            if isinstance(checked.node, typed.Literal) and checked.node.value is not None:
                there.add(f"customer.{key.text}")
        self._pass_through(name, "set", Assign(values=tuple(values)), following)
        lapse = Lapse(step=name, span=step.span, why="what was checked before is written here")
        return scope.forgetting(frozenset(written), lapse).knowing(frozenset(there))

    def emit(self, step: EmitStep, name: str, following: str, scope: Scope) -> Scope:
        """An event recorded at once."""
        event = self.reader.event(step.event, scope.catalog)
        properties: list[tuple[str, typed.Expression]] = []
        for key, value in step.properties:
            checked, _ = self.reader.checked(value, scope)
            definition = None if event is None else event.properties.get(key.text)
            if event is not None and definition is None:
                advice = suggestion(key.text, event.properties)
                self.reader.note("JS302", f"`{event.name}` has no property `{key.text}`", key, advice)
            elif definition is not None and not comparable(definition.type, checked.type):
                self.reader.note("JS303", f"`{key.text}` holds {definition.type}, this is {checked.type}", value)
            self.conditions[f"{name}/{key.text}"] = value.span
            properties.append((key.text, checked.node))
        missing = [] if event is None else [
            p.name for p in event.properties.values() if not p.optional and p.name not in {n for n, _ in properties}
        ]  # fmt: skip
        if missing:
            listed = ", ".join(f"`{name}`" for name in missing)
            self.reader.note("JS004", f"`{step.event.text}` needs {listed} among its properties", step.event)
        self._pass_through(name, "emit", Emit(event=step.event.text, properties=tuple(properties)), following)
        return scope

    def enter(self, step: EnterStep, name: str, following: str, scope: Scope) -> Scope:
        """Another journey asked to let the customer in; whether it can be asked so, the whole project says."""
        properties = []
        for key, value in step.properties:
            checked, _ = self.reader.checked(value, scope)
            self.conditions[f"{name}/{key.text}"] = value.span
            properties.append((key.text, checked.node))
        self._pass_through(name, "enter", Enter(journey=step.journey.text, properties=tuple(properties)), following)
        return scope

    def stage(self, step: StageStep, name: str, following: str, scope: Scope) -> Scope:
        """The attribute `stage` written at once."""
        stage, definition = step.stage.text, scope.catalog.attributes.get(STAGE)
        if definition is None:
            help_text = f"declare it in `catalog/customer.yaml`: `{STAGE}: {{ type: enum, values: [{stage}] }}`"
            self.reader.note("JS301", f"customers have no attribute `{STAGE}`", step.stage, help_text)
        elif definition.type.kind not in ("string", "enum"):
            self.reader.note("JS303", f"`{STAGE}` holds {definition.type}, a stage is a text", step.stage, _STAGE)
        elif definition.type.kind == "enum" and stage not in definition.type.values:
            advice = suggestion(stage, definition.type.values)
            help_text = f"add it to the values of `{STAGE}` in `catalog/customer.yaml`"
            help_text = help_text if advice is None else f"{advice} else {help_text}"
            self.reader.note("JS307", f"`{stage}` is not one of the stages", step.stage, help_text)
        value = typed.Literal(value=stage, type=STRING)
        self._pass_through(name, "stage", Assign(values=((STAGE, value),)), following)
        written = frozenset({f"customer.{STAGE}"})
        lapse = Lapse(step=name, span=step.span, why="what was checked before is written here")
        return scope.forgetting(written, lapse).knowing(written)

    def timer(self, node: Node) -> Timer:
        """Return the timer of a duration."""
        duration = self.reader.duration(node)
        if duration.calendar_days:
            return CalendarDays(days=duration.calendar_days)
        return After(duration=duration.milliseconds)

    def _pass_through(self, name: str, step: str, action: Assign | Emit | Enter, following: str) -> None:
        onward = (Transition(trigger=Always(), target=following),)
        self._keep(State(id=name, step=step, action=action, transitions=onward))

    def _keep(self, state: State) -> None:
        self._states[state.id] = state


def _waited(step: Step, name: str) -> Lapse:
    return Lapse(step=name, span=step.span, why="what was checked before this wait no longer holds")


def _word(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else "continue"


def _meet(*scopes: Scope | None) -> Scope | None:
    """Return what is known where several ways come together; ways that nobody gets past do not count."""
    open_scopes = [scope for scope in scopes if scope is not None]
    if not open_scopes:
        return None
    known = frozenset.intersection(*(scope.known for scope in open_scopes))
    first = open_scopes[0]
    event = first.event if all(scope.event == first.event for scope in open_scopes) else None
    if event is None:
        known = frozenset(path for path in known if not path.startswith("event."))
    lapsed = tuple(dict.fromkeys(lapse for scope in open_scopes for lapse in scope.lapsed))
    return msgspec.structs.replace(first, event=event, known=known, lapsed=lapsed)
