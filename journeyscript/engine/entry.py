"""Whether an event starts an enrollment, and the enrollment it starts.

Pure like `step`: the caller says what the customer is inside of and when each journey was last entered.
"""

from collections.abc import Collection, Mapping
from typing import Literal

from msgspec import Struct

from journeyscript.engine.program import Program
from journeyscript.engine.step import begin
from journeyscript.engine.values import Enrollment, Event, Facts, Outcome
from journeyscript.semantics.types import Instant


class Admitted(Struct, frozen=True, kw_only=True):
    """The event starts an enrollment under this key (empty where the journey has no key)."""

    key: str


class Refused(Struct, frozen=True, kw_only=True):
    """The event starts nothing, and why."""

    reason: Literal["other event", "where", "no key", "inside", "again"]


def admit(
    program: Program,
    event: Event,
    facts: Facts,
    now: Instant,
    active: Collection[tuple[str, str]],
    last_entries: Mapping[tuple[str, str], Instant],
) -> Admitted | Refused:
    """Return whether the event starts this journey for the customer.

    `active` holds the (journey, key) pairs the customer is inside of, `last_entries` when each pair was last
    entered. Somebody who is inside stays there as they are; the cool-down of `again` counts from entry.
    """
    entry, journey = program.machine.entry, program.machine.journey
    if event.name != entry.event:
        return Refused(reason="other event")
    if program.admits is not None and program.admits.holds(facts, event, None, now) is not True:
        return Refused(reason="where")
    key = ""
    if program.key is not None:
        value = program.key(facts, event, None, now)
        if value is None:
            return Refused(reason="no key")
        key = value if isinstance(value, str) else repr(value)
    if (journey, key) in active:
        return Refused(reason="inside")
    last = last_entries.get((journey, key))
    if last is not None and (entry.again is None or now - last < entry.again):
        return Refused(reason="again")
    return Admitted(key=key)


def enroll(
    program: Program, *, number: int, customer: int, key: str, event: Event, facts: Facts, now: Instant
) -> Outcome:
    """Return the new enrollment, taken as far as it goes at once. `number` becomes its id."""
    enrollment = Enrollment(
        id=number,
        customer=customer,
        journey=program.machine.journey,
        version=program.version,
        key=key,
        state=program.machine.initial,
        visit=0,
        entered_at=now,
        since=now,
        entry=event,
    )
    return begin(program, enrollment, event, facts, now)
