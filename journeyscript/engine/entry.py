"""Whether an event starts an enrollment, and the enrollment it starts.

Pure like `step`: the caller says what the customer is inside of, when each journey was last entered and left, and how
many are in it. What an event asks for (`asked`) is apart from whom a journey lets in (`eligible`), which holds
whatever it is that starts one.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.engine.chance import draw
from journeyscript.engine.program import Program
from journeyscript.engine.sensitive import HIDDEN
from journeyscript.engine.step import begin
from journeyscript.engine.values import Decision, Enrollment, Event, Facts, Outcome
from journeyscript.engine.walk import Walk
from journeyscript.machine.model import ByApi
from journeyscript.semantics.types import Instant, Value

HELD_OUT = "holdout"
"""The rule and the reason of an enrollment that is an exposure only: nobody reaches any state in it."""

RESTARTED = "restarted"
STOPPED = "stopped"
REFRESHED = "refreshed"

Place: TypeAlias = tuple[str, str]
"""A journey and a key (empty where the journey has none)."""

RefusalReason: TypeAlias = Literal[
    "other event",
    "where",
    "no_key",
    "stale_event",
    "inside",
    "exclusive_group",
    "again",
    "paused",
    "stopped",
    "max_active",
]

UNREMARKABLE: frozenset[RefusalReason] = frozenset({"other event", "where"})
"""Reasons of those who never asked to enter; all others are kept."""


class Standing(Struct, frozen=True, kw_only=True):
    """How things stand when an entry is tried.

    `inside` holds the customer's active enrollments, `last_entries` and `last_exits` when each place was entered and
    left last, `groups` the exclusive group of each journey that has one. `active` is how many people are in it, over
    all versions; it is looked at only where the journey has a `max_active`. `stale`: the event is too old to start
    anything. `test`: the project takes them for a test customer.
    """

    inside: Mapping[Place, Enrollment] = {}
    last_entries: Mapping[Place, Instant] = {}
    last_exits: Mapping[Place, Instant] = {}
    groups: Mapping[str, str] = {}
    active: int = 0
    stale: bool = False
    test: bool = False


class Admitted(Struct, frozen=True, kw_only=True):
    """The event starts an enrollment under this key (empty where the journey has no key).

    `ends` is the enrollment that makes room for it. `held_out`: it ends at once, and only says that it was due. `test`:
    it is a test customer's.
    """

    key: str
    ends: Enrollment | None = None
    held_out: bool = False
    test: bool = False


class Refreshes(Struct, frozen=True, kw_only=True):
    """The event's data is to take the place of the one that this enrollment was entered on."""

    enrollment: Enrollment


class Refused(Struct, frozen=True, kw_only=True):
    """The event starts nothing, and why."""

    reason: RefusalReason


def admit(
    program: Program, event: Event, facts: Facts, now: Instant, standing: Standing
) -> Admitted | Refreshes | Refused:
    """Return what the event does for the customer: start this journey, renew it, or nothing."""
    key = asked(program, event, facts, now)
    if isinstance(key, Refused):
        return key
    return eligible(program, key, facts, now, standing)


def asked(program: Program, event: Event, facts: Facts, now: Instant) -> str | Refused:
    """Return the key under which the event asks to enter this journey, or why it does not ask."""
    if event.name != program.machine.entry.event:
        return Refused(reason="other event")
    if program.admits is not None and program.admits.holds(facts, event, None, now) is not True:
        return Refused(reason="where")
    if program.key is None:
        return ""
    value = program.key(facts, event, None, now)
    if value is None:
        return Refused(reason="no_key")
    return value if isinstance(value, str) else repr(value)


def request_problem(program: Program, request: Event) -> str | None:
    """Return why a journey cannot be asked by this request of another one's step at all, or `None` where it can.

    The two may have been written together and one of them changed since.
    """
    journey, trigger = program.machine.journey, program.machine.entry.trigger
    if not isinstance(trigger, ByApi):
        return f"`{journey}` does not start by `api` any more"
    needed = (name for name in trigger.properties if name not in trigger.optional)
    missing = next((name for name in needed if request.properties.get(name) is None), None)
    return None if missing is None else f"`{journey}` needs the property `{missing}`"


def latest_start(program: Program, facts: Facts) -> Event | None:
    """Return the customer's latest past event that would have started this journey, or `None`."""
    past = facts.history.get(program.machine.entry.event, ())
    return next(
        (event for event in reversed(past) if not isinstance(asked(program, event, facts, event.at), Refused)), None
    )


def eligible(
    program: Program, key: str, facts: Facts, now: Instant, standing: Standing
) -> Admitted | Refreshes | Refused:
    """Return whether the journey lets the customer in who asks for it at `now`.

    The holdout is drawn last, so that those who are held out went through the same as those who are not. A test
    customer takes nobody's place, and is never held out.
    """
    entry, place = program.machine.entry, (program.machine.journey, key)
    if standing.stale:
        return Refused(reason="stale_event")
    current = standing.inside.get(place)
    if current is not None:
        return _once_more(program, current, facts, now, standing)
    if entry.group and any(
        journey != place[0] and standing.groups.get(journey) == entry.group for journey, _ in standing.inside
    ):
        return Refused(reason="exclusive_group")
    last = standing.last_entries.get(place)
    if last is not None and entry.again_from == "exit":
        last = standing.last_exits.get(place, last)
    # To `always` no entry is too soon, nor is one from before the last, told late.
    if last is not None and (entry.again is None or (entry.again and now - last < entry.again)):
        return Refused(reason="again")
    if (closed := _closed(program, facts)) is not None:
        return closed
    if _is_full(program, standing):
        return Refused(reason="max_active")
    return _let_in(program, key, facts, standing)


def _is_full(program: Program, standing: Standing) -> bool:
    most = program.machine.entry.max_active
    return most is not None and standing.active >= most and not standing.test


def _let_in(program: Program, key: str, facts: Facts, standing: Standing, ends: Enrollment | None = None) -> Admitted:
    held_out = not standing.test and is_held_out(program, facts)
    return Admitted(key=key, ends=ends, held_out=held_out, test=standing.test)


def _closed(program: Program, facts: Facts) -> Refused | None:
    """Return that an operator lets nobody into the journey, where that is so."""
    control = facts.control(program.machine.journey)
    if control.paused_at is not None:
        return Refused(reason="paused")
    return None if control.stopped_at is None else Refused(reason="stopped")


def is_held_out(program: Program, facts: Facts) -> bool:
    """Return whether the customer belongs to those who are kept out of the journey, whenever they come."""
    share = program.machine.entry.holdout
    return share > 0 and draw(1_000_000, HELD_OUT, program.machine.journey, facts.external_id) < share


def _once_more(
    program: Program, current: Enrollment, facts: Facts, now: Instant, standing: Standing
) -> Admitted | Refreshes | Refused:
    """Return what a start does for somebody who is inside; one from before their entry, told late, does nothing."""
    match program.machine.entry.while_active:
        case "restart" if now >= current.entered_at:
            if (closed := _closed(program, facts)) is not None:
                return closed
            # Whoever starts anew keeps their place; what was a test customer's had none.
            if current.test and _is_full(program, standing):
                return Refused(reason="max_active")
            return _let_in(program, current.key, facts, standing, ends=current)
        case "refresh" if now >= current.entry.at:
            return Refreshes(enrollment=current)
        case _:
            return Refused(reason="inside")


def enroll(
    program: Program,
    *,
    number: int,
    customer: int,
    key: str,
    event: Event,
    facts: Facts,
    now: Instant,
    held_out: bool = False,
    test: bool = False,
) -> Outcome:
    """Return the new enrollment, taken as far as it goes at once. `number` becomes its id."""
    enrollment = Enrollment(
        id=number,
        customer=customer,
        journey=program.machine.journey,
        version=program.version,
        key=key,
        state="" if held_out else program.machine.initial,
        visit=0,
        entered_at=now,
        since=now,
        entry=event,
        test=test,
    )
    if not held_out:
        return begin(program, enrollment, event, facts, now)
    ended = replace(enrollment, visit=1, status="exited", reason=HELD_OUT, ended_at=now)
    reads = () if program.admits is None else program.admits.reads
    seen = tuple((text, read(facts, event, None, now)) for text, read in reads)
    return Outcome(enrollment=ended, trace=(Decision(visit=1, state="", at=now, rule=HELD_OUT, values=seen),))


def make_room(program: Program, enrollment: Enrollment, facts: Facts, now: Instant) -> Outcome:
    """Return the end of an enrollment that is started anew; `program` is that of its own version."""
    return _leave(program, enrollment, RESTARTED, facts, now)


def stop(program: Program, enrollment: Enrollment, facts: Facts, now: Instant) -> Outcome:
    """Return the end of an enrollment whose journey an operator stopped; `program` is that of its own version."""
    return _leave(program, enrollment, STOPPED, facts, now)


def _leave(program: Program, enrollment: Enrollment, reason: str, facts: Facts, now: Instant) -> Outcome:
    walk = Walk(program, enrollment, None, facts, max(now, enrollment.since))
    walk.leave(reason)
    return walk.outcome()


def refresh(program: Program, enrollment: Enrollment, event: Event, facts: Facts, now: Instant) -> Outcome | Refused:
    """Return the enrollment where it is, with the event in the place of the one it was entered on.

    `program` is that of its own version, which may have started on other events, and counts on what it asked of them.
    """
    if asked(program, event, facts, now) != enrollment.key:
        return Refused(reason="inside")
    seen: tuple[tuple[str, Value], ...] = tuple(
        (f"entry.event.{name}", HIDDEN if program.sensitive.property(event.name, name) else value)
        for name, value in event.properties.items()
    )
    at = max(now, enrollment.since)
    decision = Decision(visit=enrollment.visit, state=enrollment.state, at=at, rule=REFRESHED, values=seen)
    return Outcome(enrollment=replace(enrollment, entry=event), trace=(decision,))
