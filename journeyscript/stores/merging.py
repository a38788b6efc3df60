"""What becomes of two customers who turn out to be one; the same for every store.

Takes and gives records, changes none. The customer who stays keeps what both know; knows no rules of journeys.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from journeyscript.engine.values import Enrollment
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, Customer, MergeError
from journeyscript.stores.taken import of_both

CANCELLED = "the customer was merged into another one, who is further on in this journey"
"""Why a message of an enrollment that a merge ended was not sent."""


def tombstone(number: int) -> str:
    """Return the name of a customer who is gone. No input can carry it: names from outside hold no NUL."""
    return f"\0gone/{number}"


def united(stays: Customer, leaves: Customer) -> Customer:
    """Return the one who stays with the attributes they lack, every recorded no, and all that both were told."""
    known = {name: value for name, value in stays.attributes.items() if value is not None}
    consent = {**leaves.consent, **stays.consent}
    for channel in leaves.consent.keys() & stays.consent.keys():
        consent[channel] = leaves.consent[channel] and stays.consent[channel]
    return replace(
        stays,
        attributes={**stays.attributes, **leaves.attributes, **known},
        consent=consent,
        suppressed=stays.suppressed | leaves.suppressed,
        taken=of_both(stays.taken, leaves.taken),
    )


def doubles(stays: Iterable[Enrollment], leaves: Iterable[Enrollment], at: Instant) -> list[Enrollment]:
    """Return those active enrollments, ended, that the other customer has an older one of."""
    own = {(one.journey, one.key): one for one in stays if one.status == "active"}
    ended = []
    for one in leaves:
        other = own.get((one.journey, one.key))
        if one.status == "active" and other is not None:
            younger = other if one.entered_at < other.entered_at else one
            ended.append(
                replace(
                    younger,
                    status="exited",
                    reason="merged",
                    due_at=None,
                    until=None,
                    held=None,
                    ended_at=max(at, younger.since),
                )
            )
    return ended


def new_places(leaves: Iterable[int], customer: int, first: int) -> dict[int, int]:
    """Return the ids that enrollments get with another customer, behind the ones there are.

    Raises:
        MergeError: there is no room for them.
    """
    ids = sorted(leaves)
    if first + len(ids) > ENROLLMENTS_PER_CUSTOMER:
        raise MergeError("the two have more enrollments together than one customer can have")
    start = customer * ENROLLMENTS_PER_CUSTOMER + first
    return dict(zip(ids, range(start, start + len(ids)), strict=True))


def check_name(external_id: str, leads_to: str | None, into: str) -> None:
    """Make sure that a name can be given up for another one.

    Raises:
        MergeError: it leads to somebody else than `into`.
    """
    if leads_to is not None and leads_to != into:
        raise MergeError(f"`{external_id}` is `{leads_to}` already, and cannot be `{into}` as well")
