"""Expressions that have no value although the data are all right: quotients by zero, questions about an empty past.

Takes a compiled journey and the names of the project. `known` says what is settled on the way, `regions` finds the
customer. A condition without a value counts as not true, which surprises of quotients; what is written or printed is
to be there.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.checks.conditions import asking_at, pairs
from journeyscript.checks.happened import happened_at, of_any, shown
from journeyscript.checks.known import TRUE, Given, known_at
from journeyscript.checks.places import Asked, conditions, place_of_condition
from journeyscript.checks.regions import Row, Survey, survey_knowing, type_of
from journeyscript.diagnostics import Diagnostic, Situation, Span
from journeyscript.machine.lowering import Compiled, Surroundings
from journeyscript.machine.model import Assign, BySchedule, Emit, Machine, On, Send, State
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.functions import NUMERIC
from journeyscript.semantics.show import show
from journeyscript.semantics.types import ANY, BOOLEAN, INTEGER

_UNKNOWN = typed.Literal(value=None, type=ANY)
_ZERO = typed.Literal(value=0, type=INTEGER)
_CONDITIONS = (typed.And, typed.Or, typed.Not, typed.Compare, typed.In)
_OF_SOME = ("average", "min", "max", "first", "last")
"""Questions about the past that have no answer where nothing happened."""


class Gap(Struct, frozen=True, kw_only=True):
    """A part of an expression that has no value where `of` is zero: a divisor, or how often something happened."""

    part: typed.Expression
    of: typed.Expression

    @property
    def is_zero(self) -> typed.Expression:
        """The condition under which there is no value."""
        return typed.Compare(op="==", left=self.of, right=_ZERO)

    @property
    def is_quotient(self) -> bool:
        """Whether it is a quotient."""
        return isinstance(self.part, typed.Arithmetic)


class Used(Struct, frozen=True, kw_only=True):
    """An expression whose value a state needs; `need` says for what."""

    expression: typed.Expression
    span: Span
    step: str
    need: str


def may_fail_at_runtime(compiled: Compiled, surroundings: Surroundings) -> Iterator[Diagnostic]:
    """JS312: there is a customer of whom an expression has no value, and nothing says what holds then."""
    asked = [(one, gap) for one in _asked(compiled) for gap in _gaps(one.condition) if gap.is_quotient]
    used = [(one, gap) for one in _used(compiled, surroundings) for gap in _gaps(one.expression)]
    if not asked and not used:
        return
    machine, known = compiled.machine, known_at(compiled.machine, holding=False)
    counts = frozenset(gap.of for _, gap in [*asked, *used] if isinstance(gap.of, typed.History))
    happened = happened_at(machine, known, counts)
    for condition, gap in asked:
        done = happened.get(condition.step or machine.initial)
        if done is None:
            continue  # Nobody comes there.
        given = asking_at(compiled, condition, known)
        just_now = of_any(counts, _just_now(machine, condition)) | shown(given, counts, machine.timezone)
        if gap.of not in done | just_now:
            yield from _told(compiled, gap, condition, given)
    for value, gap in used:
        if value.step in known and gap.of not in happened[value.step]:
            yield from _told(compiled, gap, value, tuple(known[value.step].values()))


def _asked(compiled: Compiled) -> Iterator[Asked]:
    trigger = compiled.machine.entry.trigger
    if isinstance(trigger, BySchedule):
        yield Asked(condition=trigger.audience, span=place_of_condition(compiled, "audience"))
    yield from conditions(compiled)


def _used(compiled: Compiled, surroundings: Surroundings) -> Iterator[Used]:
    """Yield the values that have to be there: those of what is never missing, and those that a message prints."""
    for state in compiled.machine.states:
        for name, value, need in _needed(state, surroundings):
            span = place_of_condition(compiled, f"{state.id}/{name}", state.id)
            yield Used(expression=value, span=span, step=state.id, need=need)


def _needed(state: State, surroundings: Surroundings) -> Iterator[tuple[str, typed.Expression, str]]:
    catalog = surroundings.catalog
    match state.action:
        case Assign(values=values):
            for name, value in values:
                if not catalog.attributes[name].optional:
                    yield name, value, f"`customer.{name}` is never to be missing"
        case Emit(event=event, properties=properties):
            for name, value in properties:
                if not catalog.events[event].properties[name].optional:
                    yield name, value, f"`{event}` needs its `{name}`"
        case Send(message=message, variables=variables):
            printed = _printed(state.action, surroundings)
            for name, value in variables:
                if name in printed:
                    yield name, value, f"`{message}` prints it as `{name}`"
        case _:
            return


def _printed(send: Send, surroundings: Surroundings) -> frozenset[str]:
    """Return what the content of a message reads without saying what stands there when it is missing."""
    files = (file for channel in send.via for file in surroundings.messages[send.message][channel].values())
    reads = (read for file in files if file.path in surroundings.reads for read in surroundings.reads[file.path].reads)
    return frozenset(read.path[0] for read in reads if not read.excused)


def _gaps(node: typed.Expression) -> Iterator[Gap]:
    """Yield what may have no value within an expression, for which the expression itself stands in for nothing."""
    match node:
        case typed.Arithmetic(op="/", left=left, right=right):
            if _may_be_zero(right):
                yield Gap(part=node, of=right)
            yield from (gap for part in (left, right) for gap in _gaps(part))
        case typed.Arithmetic(left=left, right=right) | typed.Compare(left=left, right=right):
            yield from (gap for part in (left, right) for gap in _gaps(part))
        case typed.In(left=of) | typed.Not(of=of) | typed.InSegment(condition=of):
            yield from _gaps(of)
        case typed.And(items=parts) | typed.Or(items=parts) | typed.Call(arguments=parts):
            yield from (gap for part in parts for gap in _gaps(part))
        case typed.History(function=function, event=event, where=where, window=window) if function in _OF_SOME:
            count = typed.History(function="count", event=event, type=INTEGER, where=where, window=window)
            yield Gap(part=node, of=count)
        case _:
            return


def _may_be_zero(divisor: typed.Expression) -> bool:
    match divisor:
        case typed.Literal(value=value):
            return value == 0
        case typed.Property(name="at") | typed.EntryProperty(name="at"):
            return False
        case typed.Coalesce(left=left, right=right):
            return _may_be_zero(left) or _may_be_zero(right)
        case _:
            return isinstance(divisor, typed.Attribute | typed.Property | typed.EntryProperty | typed.History)


def _just_now(machine: Machine, asked: Asked) -> Iterator[str]:
    """Yield the event because of which a condition is asked."""
    if asked.step is not None:
        state = next(state for state in machine.states if state.id == asked.step)
        trigger = state.transitions[asked.number - 1].trigger
        if isinstance(trigger, On):
            yield trigger.event
    if machine.goal is not None and asked.condition is machine.goal.where:
        yield machine.goal.event
    yield from (rule.event for rule in machine.exits if rule.event is not None and rule.when is asked.condition)


def _example(
    compiled: Compiled, whole: typed.Expression, gap: Gap, given: Sequence[Given]
) -> tuple[Survey, Row] | None:
    """Return a customer of whom an expression has no value because of a gap, all else being known."""
    left = _without(whole, gap.part)
    questions: list[typed.Expression] = [gap.is_zero]
    if left != _UNKNOWN:
        if not isinstance(left, _CONDITIONS):
            return None
        questions += [left, typed.Not(of=left)]
    found = survey_knowing(questions, pairs(given), compiled.machine.timezone)
    if found is None or not found.exact:
        return None
    rows = (row for row in found.rows if row.holds[0] and not any(row.holds[1:]) and None not in row.values)
    row = next(rows, None)
    return None if row is None else (found, row)


def _without(node: typed.Expression, part: typed.Expression) -> typed.Expression:
    """Return an expression as it is where a part of it has no value: what cannot do without has none either."""
    if node == part:
        return _UNKNOWN
    match node:
        case typed.Arithmetic(left=left, right=right) | typed.Compare(left=left, right=right):
            sides = _without(left, part), _without(right, part)
            return _UNKNOWN if _UNKNOWN in sides else replace(node, left=sides[0], right=sides[1])
        case typed.In(left=left):
            less = _without(left, part)
            return _UNKNOWN if less == _UNKNOWN else replace(node, left=less)
        case typed.Not(of=inner):
            less = _without(inner, part)
            return _UNKNOWN if less == _UNKNOWN else replace(node, of=less)
        case typed.Call(arguments=arguments):
            parts = tuple(_without(argument, part) for argument in arguments)
            return _UNKNOWN if _UNKNOWN in parts else replace(node, arguments=parts)
        case typed.And(items=items) | typed.Or(items=items):
            return replace(node, items=tuple(_without(item, part) for item in items))
        case typed.InSegment(condition=condition):
            return replace(node, condition=_without(condition, part))
        case typed.Coalesce(left=left, right=right):
            less, default = _without(left, part), _without(right, part)
            return default if less == _UNKNOWN else replace(node, left=less, right=default)
        case typed.Known(of=inner):
            less = _without(inner, part)
            return typed.Not(of=TRUE) if less == _UNKNOWN else replace(node, of=less)
        case _:
            return node


def _told(compiled: Compiled, gap: Gap, used: Asked | Used, given: Sequence[Given]) -> Iterator[Diagnostic]:
    whole = used.condition if isinstance(used, Asked) else used.expression
    found = _example(compiled, whole, gap, given)
    if found is None:
        return
    survey, row = found
    part, check = show(gap.part), _check(gap)
    default = f"{part} ?? {'0' if type_of(gap.part).kind in NUMERIC else '…'}"
    lacking = f"`{part}` has no value where `{show(gap.is_zero)}`"
    if isinstance(used, Asked):
        lacking, so = f"{lacking}, and the condition is not true then", "not true, as nobody knows"
        advice = f"write `{check} and …` if that is meant, or what counts then, as in `{default}`"
    else:
        lacking, so = f"{lacking}, and {used.need}", "no value"
        advice = f"write what stands there then, as in `{default}`, or ask for `{check}` in a branch around it"
    yield finding(
        "JS312",
        lacking,
        used.span,
        help=advice,
        journey=compiled.machine.journey,
        step=used.step,
        witness=(*survey.customer(row), f"{show(whole)}: {so}"),
        situation=Situation(customer=survey.known(row), path=() if used.step is None else (used.step,)),
    )


def _check(gap: Gap) -> str:
    """Return what to ask of a customer, so that there is a value."""
    if isinstance(gap.of, typed.History) and gap.of.function == "count":
        return show(replace(gap.of, function="did", type=BOOLEAN))
    return show(typed.Compare(op="!=", left=gap.of, right=_ZERO))
