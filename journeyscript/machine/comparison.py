"""What is different between two machines, compared as machines and never as text.

Takes two machines of one journey and what people want to know of them; gives a closed family of records, each of which
knows how deep it goes. Machines of one version have no difference; others have at least one.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.machine.model import (
    About,
    Arm,
    Assign,
    Content,
    Emit,
    Enter,
    Entry,
    If,
    Machine,
    Migration,
    On,
    Send,
    State,
    When,
)
from journeyscript.machine.naming import END
from journeyscript.machine.wording import (
    entry_in_words,
    exit_in_words,
    goal_in_words,
    state_in_words,
    timer_in_words,
    trigger_in_words,
)
from journeyscript.semantics.show import show
from journeyscript.syntax.duration import show_duration

Tier: TypeAlias = Literal["any", "report", "history", "inflight"]

TIERS: tuple[Tier, ...] = ("any", "report", "history", "inflight")
"""From everything to what matters most; each holds all that those behind it hold."""

StepPart: TypeAlias = Literal[
    "kind", "message", "channels", "class", "sending", "values", "timer", "lookback", "arms", "conditions", "ways",
    "end",
]  # fmt: skip
JourneyPart: TypeAlias = Literal[
    "entry", "while_active", "goal", "exits", "lifetime", "time zone", "start", "content", "order", "format"
]  # fmt: skip
Heading: TypeAlias = Literal["title", "owner", "stage", "segment", "file", "migrate"]


class Difference(Struct, frozen=True, kw_only=True, tag_field="is"):
    """Any difference; the JSON form says which."""


class StepAdded(Difference, tag="step_added", frozen=True, kw_only=True):
    """A step that was not there."""

    step: str
    now: str


class StepRemoved(Difference, tag="step_removed", frozen=True, kw_only=True):
    """A step that is not there any more."""

    step: str
    was: str


class StepRenamed(Difference, tag="step_renamed", frozen=True, kw_only=True):
    """A step that `migrate` says goes by another name."""

    was: str
    now: str


class StepChanged(Difference, tag="step_changed", frozen=True, kw_only=True):
    """A part of a step, by the name it has now, in words before and after."""

    step: str
    part: StepPart
    was: str
    now: str


class JourneyChanged(Difference, tag="journey_changed", frozen=True, kw_only=True):
    """A part of the machine that is no step's."""

    part: JourneyPart
    was: str
    now: str


class HeadingChanged(Difference, tag="heading_changed", frozen=True, kw_only=True):
    """What people want to know and no customer ever notices."""

    heading: Heading
    was: str
    now: str


AnyDifference: TypeAlias = StepAdded | StepRemoved | StepRenamed | StepChanged | JourneyChanged | HeadingChanged


def tier_of(difference: AnyDifference) -> Tier:
    """Return the deepest tier that a difference belongs to."""
    match difference:
        case HeadingChanged(heading="file" | "migrate"):
            return "any"
        case HeadingChanged():
            return "report"
        case JourneyChanged(part="entry" | "order" | "format"):
            return "history"
        case _:
            return "inflight"


def within(differences: tuple[AnyDifference, ...], tier: Tier) -> tuple[AnyDifference, ...]:
    """Return those that a tier holds."""
    depth = TIERS.index(tier)
    return tuple(one for one in differences if TIERS.index(tier_of(one)) >= depth)


def compare(before: Machine, after: Machine, was: About, now: About) -> tuple[AnyDifference, ...]:
    """Return what is different: headings, then the journey's parts, then steps in the order of the new file."""
    headings = tuple(_headings(was, now))
    moves = {} if now.migrate is None else now.migrate.moves
    parts = (*_journey(before, after, renames(before, after, moves)), *_steps(before, after, moves))
    if not parts and before != after:
        same = replace(before, states=()) == replace(after, states=())
        parts = (JourneyChanged(part="order" if same else "format", was="", now=""),)
    return (*headings, *parts)


def renames(before: Machine, after: Machine, moves: Mapping[str, str | None]) -> dict[str, str]:
    """Return which steps only go by another name now, by the old one.

    That is one that is gone, whose people all go to one that is new, and nobody else's do.
    """
    old, new = {state.id for state in before.states}, {state.id for state in after.states}
    targets = list(moves.values())
    return {
        source: target
        for source, target in moves.items()
        if target is not None and source in old - new and target in new - old and targets.count(target) == 1
    }


def _headings(was: About, now: About) -> Iterator[HeadingChanged]:
    pairs: tuple[tuple[Heading, str, str], ...] = (
        ("title", was.title, now.title),
        ("owner", was.owner, now.owner),
        ("stage", was.stage, now.stage),
        ("segment", was.segment, now.segment),
        ("file", was.path, now.path),
        ("migrate", migration_in_words(was.migrate), migration_in_words(now.migrate)),
    )
    for heading, old, new in pairs:
        if old != new:
            yield HeadingChanged(heading=heading, was=old, now=new)


def migration_in_words(migration: Migration | None) -> str:
    """Return where those inside go; empty where nothing is written."""
    if migration is None:
        return ""
    moves = [f"{source} to {target or 'exit'}" for source, target in migration.moves.items()]
    return ", ".join([*moves, f"timer {migration.timer}"])


def _journey(before: Machine, after: Machine, renamed: Mapping[str, str]) -> Iterator[JourneyChanged]:
    if replace(before.entry, while_active="ignore") != replace(after.entry, while_active="ignore"):
        yield JourneyChanged(part="entry", was=_entry(before.entry), now=_entry(after.entry))
    pairs: tuple[tuple[JourneyPart, object, object, str, str], ...] = (
        (
            "while_active",
            before.entry.while_active,
            after.entry.while_active,
            before.entry.while_active,
            after.entry.while_active,
        ),
        ("goal", before.goal, after.goal, goal_in_words(before.goal), goal_in_words(after.goal)),
        ("exits", before.exits, after.exits, _exits(before), _exits(after)),
        (
            "lifetime",
            before.lifetime,
            after.lifetime,
            show_duration(before.lifetime),
            show_duration(after.lifetime),
        ),
        ("time zone", before.timezone, after.timezone, before.timezone, after.timezone),
        ("start", renamed.get(before.initial, before.initial), after.initial, before.initial, after.initial),
    )
    for part, old, new, was, now in pairs:
        if old != new:
            yield JourneyChanged(part=part, was=was, now=now)
    yield from _contents(before, after)


def _contents(before: Machine, after: Machine) -> Iterator[JourneyChanged]:
    """Yield the messages whose text is another one, on a channel and in a locale that both versions have."""
    old = {_name(content): content.digest for content in before.contents}
    for content in after.contents:
        name = _name(content)
        if old.get(name, content.digest) != content.digest:
            yield JourneyChanged(part="content", was=f"{name} {old[name][:8]}", now=f"{name} {content.digest[:8]}")
    new = {_name(content) for content in after.contents}
    both = {c.message for c in before.contents} & {c.message for c in after.contents}
    for name, now in sorted([(name, False) for name in old.keys() - new] + [(name, True) for name in new - old.keys()]):
        if name.partition(" ")[0] in both:
            yield JourneyChanged(part="content", was="" if now else name, now=name if now else "")


def _name(content: Content) -> str:
    return f"{content.message} by {content.channel}" + (f" in {content.locale}" if content.locale else "")


def _entry(entry: Entry) -> str:
    """Return all that an entry says but `while_active`, in the words of the file."""
    said = [entry_in_words(entry), f"again {_again(entry)}"]
    said += [f"key {show(entry.key)}"] if entry.key is not None else []
    said += ["enrol existing"] if entry.enrol == "existing" else []
    said += [f"holdout {entry.holdout / 10_000:g} %"] if entry.holdout else []
    said += [f"max_active {entry.max_active}"] if entry.max_active is not None else []
    said += [f"priority {entry.priority}"] if entry.priority else []
    said += [f"exclusive_group {entry.group}"] if entry.group else []
    return "; ".join(said)


def _again(entry: Entry) -> str:
    if entry.again is None:
        return "never"
    if not entry.again and entry.again_from == "entry":
        return "always"
    behind = " after exit" if entry.again_from == "exit" else ""
    return f"after {show_duration(entry.again)}{behind}"


def _exits(machine: Machine) -> str:
    return ", ".join(map(exit_in_words, machine.exits))


def _steps(before: Machine, after: Machine, moves: Mapping[str, str | None]) -> Iterator[AnyDifference]:
    renamed = renames(before, after, moves)
    old = {renamed.get(state.id, state.id): _renamed(state, renamed) for state in before.states}
    names = {now: was for was, now in renamed.items()}
    for state in after.states:
        if state.id in names:
            yield StepRenamed(was=names[state.id], now=state.id)
        if state.id not in old:
            yield StepAdded(step=state.id, now=state_in_words(state))
        else:
            yield from _step(old[state.id], state)
    kept = {state.id for state in after.states}
    for name, state in old.items():
        if name not in kept:
            yield StepRemoved(step=name, was=state_in_words(state))


def _renamed(state: State, renamed: Mapping[str, str]) -> State:
    """Return a state as it would be called now."""
    ways = tuple(replace(way, target=renamed.get(way.target, way.target)) for way in state.transitions)
    return replace(state, id=renamed.get(state.id, state.id), transitions=ways)


def _step(was: State, now: State) -> Iterator[StepChanged]:
    """Yield the parts of a step that are different; of what it does, each by itself."""
    before, after = _parts(was), _parts(now)
    for part in dict.fromkeys((*before, *after)):
        if before.get(part) != after.get(part):
            old, new = before.get(part, ("", ""))[1], after.get(part, ("", ""))[1]
            yield StepChanged(step=now.id, part=part, was=old, now=new)


def _parts(state: State) -> dict[StepPart, tuple[object, str]]:
    """Return all that a state is made of: what is compared, and how it is said."""
    parts: dict[StepPart, tuple[object, str]] = {"kind": (state.step, state.step)}
    match state.action:
        case Send() as send:
            parts["message"] = send.message, send.message
            parts["channels"] = (send.via, send.prefer), ", ".join(send.via)
            parts["class"] = send.kind, send.kind
            rest = (send.variables, sorted(send.reads.items()), send.delay, send.max_age, send.best_time)
            parts["sending"] = rest, _sending(send)
        case Assign(values=pairs) | Emit(properties=pairs) | Enter(properties=pairs):
            names = ", ".join(name for name, _ in pairs) if state.step != "stage" else ""
            parts["values"] = (state.action, f"{state_in_words(state)} {names}".rstrip())
        case None:
            pass
    timer = state.timer
    parts["timer"] = timer, "" if timer is None else timer_in_words(timer)
    parts["lookback"] = state.lookback, _back(state.lookback)
    parts["end"] = state.final, "" if state.final is None else state_in_words(state)
    triggers = [way.trigger for way in state.transitions]
    arms = tuple(trigger for trigger in triggers if isinstance(trigger, Arm))
    conditions = tuple(trigger for trigger in triggers if isinstance(trigger, If | When | On))
    parts["arms"] = arms, ", ".join(f"{arm.arm} {arm.weight} %" for arm in arms)
    parts["conditions"] = conditions, ", ".join(trigger_in_words(trigger, state) for trigger in conditions)
    others = [None if isinstance(trigger, Arm | If | When | On) else trigger for trigger in triggers]
    ways = tuple(zip(others, (way.target for way in state.transitions), strict=True))
    parts["ways"] = ways, ", ".join("the end" if way.target == END else way.target for way in state.transitions)
    return parts


def _sending(send: Send) -> str:
    said = [f"with {', '.join(name for name, _ in send.variables)}"] if send.variables else []
    said += [f"delayed up to {show_duration(send.delay)} when capped"] if send.delay else []
    said += [f"not older than {show_duration(send.max_age)}"] if send.max_age is not None else []
    said += ["at the customer's best time"] if send.best_time else []
    said += [f"reads {', '.join(sorted(send.reads))}"] if send.reads else []
    return "; ".join(said)


def _back(lookback: int | Literal["entry"] | None) -> str:
    match lookback:
        case None:
            return ""
        case "entry":
            return "since entry"
        case back:
            return show_duration(back)
