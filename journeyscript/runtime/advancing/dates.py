"""When journeys that start by a date are due for a customer: kept, and found anew when the customer changes.

An appointment is kept like a membership: under `date:JOURNEY`, to be looked at when it is due. Takes a customer and
gives what is to be kept; lets nobody in.
"""

from collections.abc import Iterable

from journeyscript.engine.program import Program
from journeyscript.engine.schedule import next_appointment
from journeyscript.engine.values import Facts
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Customer, Membership

_PREFIX = "date:"


def place_of(journey: str) -> str:
    """Return what a journey's appointments are kept under."""
    return _PREFIX + journey


def due_date(customer: Customer, until: Instant) -> tuple[Instant, str] | None:
    """Return the earliest appointment at or before an instant, and its journey."""
    due = (
        (one.look_at, place.removeprefix(_PREFIX))
        for place, one in customer.memberships.items()
        if one.look_at is not None and one.look_at <= until and place.startswith(_PREFIX)
    )
    return min(due, default=None)


def arrange(programs: Iterable[Program], customer: Customer, facts: Facts, after: Instant) -> list[Membership]:
    """Return the appointments that are other ones now, and keep them on the customer.

    Moments after `after` count, and what was due before that and is not done yet.
    """
    changed: list[Membership] = []
    for program in programs:
        journey = program.machine.journey
        current = customer.memberships.get(place_of(journey))
        waiting = None if current is None else current.look_at
        since = after if waiting is None else min(after, waiting - 1)
        moment = next_appointment(program, facts, since)
        if moment != waiting:
            changed.append(_keep(customer, journey, moment, after))
    return changed


def done(customer: Customer, program: Program | None, journey: str, facts: Facts, due: Instant) -> Membership:
    """Return the appointment behind one that was kept; `None` stands for a journey that starts by no date any more."""
    return _keep(customer, journey, None if program is None else next_appointment(program, facts, due), due)


def _keep(customer: Customer, journey: str, moment: Instant | None, at: Instant) -> Membership:
    place = place_of(journey)
    kept = Membership(customer=customer.number, segment=place, inside=False, at=at, look_at=moment)
    customer.memberships = {**customer.memberships, place: kept}
    return kept
