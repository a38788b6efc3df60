"""One customer as the memory store keeps them.

Takes and gives records, with copies of everything a caller could change. Made of as few containers as can be: a
simulation keeps a million of these, and the garbage collector walks every one of them again and again.
"""

from bisect import insort
from copy import deepcopy
from operator import itemgetter
from typing import TypeAlias

from msgspec import Struct

from journeyscript.engine.values import Enrollment, Event
from journeyscript.semantics.types import Instant, Value
from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, Customer
from journeyscript.stores.taken import Taken

_Placed: TypeAlias = tuple[Instant, int, Event]
_PLACE = itemgetter(0, 1)


class Profile(Struct, kw_only=True, gc=False):
    """A customer with their enrollments and the events that are needed, in order of time and then of arrival.

    Holds nothing that could point back at it, so the garbage collector need not know of it.
    """

    number: int
    external_id: str
    attributes: dict[str, Value]
    consent: dict[str, bool]
    suppressed: frozenset[str]
    taken: Taken = ()
    enrollments: dict[int, Enrollment] = {}
    history: dict[str, list[_Placed]] = {}

    def update(self, customer: Customer) -> None:
        """Keep changed attributes, consent, suppressions, and which changes were taken in."""
        self.attributes = _copy(customer.attributes)
        self.consent = customer.consent.copy()
        self.suppressed, self.taken = customer.suppressed, customer.taken

    def timezone(self) -> str | None:
        """Return what the customer says of the clock they live by, `None` where that is no text."""
        written = self.attributes.get("timezone")
        return written if isinstance(written, str) else None

    def keep_event(self, event: Event, arrival: int) -> None:
        """Keep an event in its place."""
        events = self.history.get(event.name)
        if events is None:
            self.history[event.name] = [(event.at, arrival, event)]
        elif events[-1][0] <= event.at and events[-1][1] < arrival:
            events.append((event.at, arrival, event))
        else:
            insort(events, (event.at, arrival, event), key=_PLACE)

    def past(self) -> dict[str, list[Event]]:
        """Return the events that are needed, oldest first."""
        return {name: [placed[2] for placed in events] for name, events in self.history.items()}

    def in_order(self) -> list[Enrollment]:
        """Return all enrollments in order of entry."""
        if len(self.enrollments) < 2:
            return list(self.enrollments.values())
        return [self.enrollments[number] for number in sorted(self.enrollments)]

    def record(self, *, history: bool) -> Customer:
        """Return the customer as loaded for a batch."""
        last_entries: dict[tuple[str, str], Instant] = {}
        last_exits: dict[tuple[str, str], Instant] = {}
        active: list[Enrollment] = []
        enrollments = self.in_order()
        for enrollment in enrollments:
            where = enrollment.journey, enrollment.key
            last = last_entries.get(where)
            if last is None or enrollment.entered_at > last:
                last_entries[where] = enrollment.entered_at
            if enrollment.status == "active":
                active.append(enrollment)
            else:
                ended = enrollment.since if enrollment.ended_at is None else enrollment.ended_at
                last_exits[where] = max(last_exits.get(where, ended), ended)
        past = self.past() if history and self.history else {}
        return Customer(
            number=self.number,
            external_id=self.external_id,
            new=False,
            attributes=_copy(self.attributes),
            consent=self.consent.copy(),
            suppressed=self.suppressed,
            enrollments=active,
            last_entries=last_entries,
            last_exits=last_exits,
            next_enrollment=enrollments[-1].id % ENROLLMENTS_PER_CUSTOMER + 1 if enrollments else 0,
            history=past,
            taken=self.taken,
        )


def new_profile(customer: Customer) -> Profile:
    """Return the profile of a newcomer."""
    return Profile(
        number=customer.number,
        external_id=customer.external_id,
        attributes=_copy(customer.attributes),
        consent=customer.consent.copy(),
        suppressed=customer.suppressed,
        taken=customer.taken,
    )


def _copy(values: dict[str, Value]) -> dict[str, Value]:
    copy = values.copy()
    for name, value in values.items():
        if isinstance(value, list | dict):
            copy[name] = deepcopy(value)
    return copy
