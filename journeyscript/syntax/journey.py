"""A journey exactly as written: a tree of steps that still know their place in the file.

Takes a node whose shape was checked against the schema, gives frozen records; texts stay scalars with positions, so
that every later stage can point at them. Nothing is resolved, defaulted or judged here.
"""

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from journeyscript.diagnostics import Span
from journeyscript.source.nodes import Mapping, Node, Scalar, Sequence

Pairs: TypeAlias = tuple[tuple[Scalar, Scalar], ...]
Steps: TypeAlias = "tuple[Step, ...]"


class Written(Struct, frozen=True, kw_only=True):
    """What every step has: where its keyword stands, and its `id` where one is written."""

    span: Span
    id: Scalar | None = None


class SendStep(Written, frozen=True, kw_only=True):
    """`send: MESSAGE`."""

    message: Scalar
    via: tuple[Scalar, ...] = ()
    variables: Pairs = ()
    kind: Scalar | None = None
    when_capped: Node | None = None
    max_age: Scalar | None = None
    at: Scalar | None = None
    otherwise: Steps = ()


class WaitStep(Written, frozen=True, kw_only=True):
    """`wait: DURATION`, as text or as a mapping of units."""

    duration: Node


class WaitUntilStep(Written, frozen=True, kw_only=True):
    """`wait_until:`, whichever of its forms: the keys that are written."""

    fields: Mapping


class Case(Struct, frozen=True, kw_only=True):
    """One event of a `wait_for` and where it leads."""

    event: Scalar
    where: Scalar | None = None
    steps: Steps = ()


class WaitForStep(Written, frozen=True, kw_only=True):
    """`wait_for:` one event or several, and what follows when none comes."""

    cases: tuple[Case, ...]
    timeout: Scalar | None
    lookback: Scalar | None = None
    otherwise: Steps = ()


class Alternative(Struct, frozen=True, kw_only=True):
    """One condition of a branch and its steps."""

    condition: Scalar
    steps: Steps


class BranchStep(Written, frozen=True, kw_only=True):
    """`branch:` the first true alternative, else the other steps."""

    alternatives: tuple[Alternative, ...]
    otherwise: Steps


class ArmOfSplit(Struct, frozen=True, kw_only=True):
    """One arm of a split."""

    name: Scalar
    weight: Scalar
    steps: Steps


class SplitStep(Written, frozen=True, kw_only=True):
    """`split: NAME`."""

    name: Scalar
    arms: tuple[ArmOfSplit, ...]
    per: Scalar | None = None


class RepeatStep(Written, frozen=True, kw_only=True):
    """`repeat: {times, until}` over steps."""

    times: Scalar
    until: Scalar | None
    steps: Steps


class SetStep(Written, frozen=True, kw_only=True):
    """`set:` attributes to expressions."""

    values: Pairs


class EmitStep(Written, frozen=True, kw_only=True):
    """`emit: EVENT` with properties."""

    event: Scalar
    properties: Pairs


class EnterStep(Written, frozen=True, kw_only=True):
    """`enter: JOURNEY` with the properties that its entry asks for."""

    journey: Scalar
    properties: Pairs


class StageStep(Written, frozen=True, kw_only=True):
    """`stage: NAME`."""

    stage: Scalar


class ExitStep(Written, frozen=True, kw_only=True):
    """`exit: REASON`."""

    reason: Scalar


Step: TypeAlias = (
    SendStep
    | WaitStep
    | WaitUntilStep
    | WaitForStep
    | BranchStep
    | SplitStep
    | RepeatStep
    | SetStep
    | EmitStep
    | EnterStep
    | StageStep
    | ExitStep
)


ENTRY_KINDS = ("event", "segment", "schedule", "date", "api")
"""The keys of `entry:` that say what starts the journey; a file has one of them."""


class WrittenEntry(Struct, frozen=True, kw_only=True):
    """`entry:`; `kind` is the value of the one of `ENTRY_KINDS` that is written.

    Where that is `api`, whose value is a mapping, it is the key itself.
    """

    span: Span
    event: Scalar | None
    kind: Scalar
    segment: Scalar | None = None
    on: Scalar | None = None
    schedule: Scalar | None = None
    audience: Scalar | None = None
    zone: Scalar | None = None
    date: Scalar | None = None
    every: Scalar | None = None
    time: Scalar | None = None
    api: Mapping | None = None
    enrol: Scalar | None = None
    where: Scalar | None
    again: Scalar
    key: Scalar | None
    while_active: Scalar | None = None
    holdout: Scalar | None = None
    max_active: Scalar | None = None


class WrittenGoal(Struct, frozen=True, kw_only=True):
    """`goal:`."""

    span: Span
    event: Scalar
    where: Scalar | None
    within: Scalar | None
    exit: bool


class WrittenExit(Struct, frozen=True, kw_only=True):
    """One item of `exit:`: an event, or a condition."""

    span: Span
    event: Scalar | None
    where: Scalar | None
    when: Scalar | None


class WrittenMigration(Struct, frozen=True, kw_only=True):
    """`migrate:`; `moves` are pairs of a step of an older version and where those go who stand there."""

    span: Span
    moves: Pairs
    timer: Scalar | None


class Journey(Struct, frozen=True, kw_only=True):
    """A journey file."""

    path: str
    span: Span
    name: Scalar
    entry: WrittenEntry
    goal: WrittenGoal | None
    exits: tuple[WrittenExit, ...]
    steps: Steps
    lifetime: Scalar | None
    title: str
    owner: str
    stage: str
    segment: Scalar | None
    priority: Scalar | None = None
    group: Scalar | None = None
    migrate: WrittenMigration | None = None


def read_journey(path: str, node: Mapping) -> Journey:
    """Return the journey that a file of the right shape says."""
    entry, goal = _mapping(node, "entry"), node.get("goal")
    return Journey(
        path=path,
        span=node.span,
        name=_required(node, "journey"),
        entry=_entry(node.key_span("entry"), entry),
        goal=_goal(node.key_span("goal"), goal) if isinstance(goal, Mapping) else None,
        exits=tuple(_exit(item) for item in _items(node, "exit") if isinstance(item, Mapping)),
        steps=_steps(node.get("steps")),
        lifetime=_scalar(node, "max_lifetime"),
        title=_text(node, "title"),
        owner=_text(node, "owner"),
        stage=_text(node, "stage"),
        segment=_scalar(node, "segment"),
        priority=_scalar(node, "priority"),
        group=_scalar(node, "exclusive_group"),
        migrate=_migration(node),
    )


def _migration(node: Mapping) -> WrittenMigration | None:
    written = node.get("migrate")
    if not isinstance(written, Mapping):
        return None
    return WrittenMigration(
        span=node.key_span("migrate"), moves=_pairs(written.get("from")), timer=_scalar(written, "timer")
    )


def _entry(span: Span, node: Mapping) -> WrittenEntry:
    kind = next(pair for pair in node.pairs if pair.key.text in ENTRY_KINDS)
    api = node.get("api")
    return WrittenEntry(
        span=span,
        event=_scalar(node, "event"),
        kind=kind.value if isinstance(kind.value, Scalar) else kind.key,
        segment=_scalar(node, "segment"),
        on=_scalar(node, "on"),
        schedule=_scalar(node, "schedule"),
        audience=_scalar(node, "audience"),
        zone=_scalar(node, "in"),
        date=_scalar(node, "date"),
        every=_scalar(node, "every"),
        time=_scalar(node, "time"),
        api=api if isinstance(api, Mapping) else None,
        enrol=_scalar(node, "enrol"),
        where=_scalar(node, "where"),
        again=_required(node, "again"),
        key=_scalar(node, "key"),
        while_active=_scalar(node, "while_active"),
        holdout=_scalar(node, "holdout"),
        max_active=_scalar(node, "max_active"),
    )


def _goal(span: Span, node: Mapping) -> WrittenGoal:
    return WrittenGoal(
        span=span,
        event=_required(node, "event"),
        where=_scalar(node, "where"),
        within=_scalar(node, "within"),
        exit=_required(node, "exit").value is True,
    )


def _exit(node: Mapping) -> WrittenExit:
    return WrittenExit(
        span=node.span, event=_scalar(node, "event"), where=_scalar(node, "where"), when=_scalar(node, "when")
    )


def _steps(node: Node | None) -> Steps:
    items = node.items if isinstance(node, Sequence) else ()
    return tuple(_step(item) for item in items if isinstance(item, Mapping))


def _step(node: Mapping) -> Step:
    keyword = next(pair.key.text for pair in node.pairs if pair.key.text in _READERS)
    return _READERS[keyword](node, node.key_span(keyword))


def _send(node: Mapping, span: Span) -> SendStep:
    via = node.get("via")
    channels = via.items if isinstance(via, Sequence) else (via,)
    return SendStep(
        span=span,
        id=_scalar(node, "id"),
        message=_required(node, "send"),
        via=tuple(channel for channel in channels if isinstance(channel, Scalar)),
        variables=_pairs(node.get("with")),
        kind=_scalar(node, "class"),
        when_capped=node.get("when_capped"),
        max_age=_scalar(node, "max_age"),
        at=_scalar(node, "at"),
        otherwise=_steps(node.get("else")),
    )


def _wait(node: Mapping, span: Span) -> WaitStep:
    duration = node.get("wait")
    assert duration is not None
    return WaitStep(span=span, id=_scalar(node, "id"), duration=duration)


def _wait_until(node: Mapping, span: Span) -> WaitUntilStep:
    return WaitUntilStep(span=span, id=_scalar(node, "id"), fields=_mapping(node, "wait_until"))


def _wait_for(node: Mapping, span: Span) -> WaitForStep:
    events = node.get("wait_for")
    if isinstance(events, Scalar):
        cases: tuple[Case, ...] = (Case(event=events, where=_scalar(node, "where"), steps=_steps(node.get("then"))),)
    else:
        cases = tuple(
            Case(event=_required(item, "event"), where=_scalar(item, "where"), steps=_steps(item.get("steps")))
            for item in _items(node, "wait_for")
            if isinstance(item, Mapping)
        )
    return WaitForStep(
        span=span,
        id=_scalar(node, "id"),
        cases=cases,
        timeout=_scalar(node, "timeout"),
        lookback=_scalar(node, "lookback"),
        otherwise=_steps(node.get("else")),
    )


def _branch(node: Mapping, span: Span) -> BranchStep:
    alternatives: list[Alternative] = []
    otherwise: Steps = ()
    for item in _items(node, "branch"):
        assert isinstance(item, Mapping)
        condition = _scalar(item, "if")
        if condition is None:
            otherwise = _steps(item.get("else"))
        else:
            alternatives.append(Alternative(condition=condition, steps=_steps(item.get("steps"))))
    return BranchStep(span=span, id=_scalar(node, "id"), alternatives=tuple(alternatives), otherwise=otherwise)


def _split(node: Mapping, span: Span) -> SplitStep:
    arms = tuple(
        ArmOfSplit(name=_required(item, "arm"), weight=_required(item, "weight"), steps=_steps(item.get("steps")))
        for item in _items(node, "arms")
        if isinstance(item, Mapping)
    )
    return SplitStep(
        span=span, id=_scalar(node, "id"), name=_required(node, "split"), arms=arms, per=_scalar(node, "per")
    )


def _repeat(node: Mapping, span: Span) -> RepeatStep:
    fields = _mapping(node, "repeat")
    return RepeatStep(
        span=span,
        id=_scalar(node, "id"),
        times=_required(fields, "times"),
        until=_scalar(fields, "until"),
        steps=_steps(node.get("steps")),
    )


def _set(node: Mapping, span: Span) -> SetStep:
    return SetStep(span=span, id=_scalar(node, "id"), values=_pairs(node.get("set")))


def _emit(node: Mapping, span: Span) -> EmitStep:
    return EmitStep(
        span=span,
        id=_scalar(node, "id"),
        event=_required(node, "emit"),
        properties=_pairs(node.get("properties")),
    )


def _enter(node: Mapping, span: Span) -> EnterStep:
    return EnterStep(
        span=span, id=_scalar(node, "id"), journey=_required(node, "enter"), properties=_pairs(node.get("with"))
    )


def _stage(node: Mapping, span: Span) -> StageStep:
    return StageStep(span=span, id=_scalar(node, "id"), stage=_required(node, "stage"))


def _exit_step(node: Mapping, span: Span) -> ExitStep:
    return ExitStep(span=span, id=_scalar(node, "id"), reason=_required(node, "exit"))


_READERS: dict[str, Callable[[Mapping, Span], Step]] = {
    "send": _send,
    "wait": _wait,
    "wait_until": _wait_until,
    "wait_for": _wait_for,
    "branch": _branch,
    "split": _split,
    "repeat": _repeat,
    "set": _set,
    "emit": _emit,
    "enter": _enter,
    "stage": _stage,
    "exit": _exit_step,
}

STEP_KEYWORDS = tuple(_READERS)
"""The words that name a step; a test holds them equal to the schema's."""


def _required(node: Mapping, key: str) -> Scalar:
    value = node.get(key)
    assert isinstance(value, Scalar), f"the schema lets no file without `{key}` come here"
    return value


def _scalar(node: Mapping, key: str) -> Scalar | None:
    value = node.get(key)
    return value if isinstance(value, Scalar) else None


def _text(node: Mapping, key: str) -> str:
    value = _scalar(node, key)
    return "" if value is None else value.text


def _mapping(node: Mapping, key: str) -> Mapping:
    value = node.get(key)
    assert isinstance(value, Mapping), f"the schema lets no file without `{key}` come here"
    return value


def _items(node: Mapping, key: str) -> tuple[Node, ...]:
    value = node.get(key)
    return value.items if isinstance(value, Sequence) else ()


def _pairs(node: Node | None) -> Pairs:
    if not isinstance(node, Mapping):
        return ()
    return tuple((pair.key, pair.value) for pair in node.pairs if isinstance(pair.value, Scalar))
