"""What a store has kept of the past, as records that can be taken in once more.

Takes a store, which it only reads; gives records in the order of time. A store keeps what happened, and of each
customer the profile as it is now, so everybody comes with that from their first record on.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from journeyscript.engine.values import Event
from journeyscript.machine.model import ENTERED
from journeyscript.runtime.intake.records import Erasure, Incoming, Merge
from journeyscript.semantics.types import Instant, Value
from journeyscript.stores.records import Customer, KeptEvent, Store

BATCH = 5_000
"""Rows that are read at once."""

SOURCE = "backtest"
"""What these records come from: their own ids were seen to when they came first."""

_EMITTED = "journey:"
"""How the sources of events begin that journeys caused; a backtest causes them anew."""


class Beginning(Struct, frozen=True, kw_only=True):
    """A customer who is there before the first record, and what had happened to them without starting anything."""

    customer: str
    attributes: Mapping[str, Value]
    consent: Mapping[str, bool]
    events: tuple[Event, ...] = ()


class Past(Struct, frozen=True, kw_only=True):
    """What there is to take in again, in the order of time, and who is there before."""

    records: tuple[Incoming | Merge | Erasure, ...]
    beginnings: tuple[Beginning, ...] = ()


def past_of(
    store: Store,
    until: Instant,
    requests: Collection[str],
    max_event_age: int,
    of: Mapping[int, Sequence[KeptEvent]] | None = None,
) -> Past:
    """Return everything that happened up to `until`, without what journeys caused.

    `requests` are the journeys that can be asked for. What came `max_event_age` milliseconds late on the wall clock was
    history that was told, and started nothing: it stands at the beginning. `of` are the customers to go by with
    their events, by number; everybody where nobody is named.
    """
    known = _customers(store) if of is None else store.load((), of, history=False).values()
    customers = {one.number: one for one in known}
    happened = _events(store) if of is None else (kept for events in of.values() for kept in events)
    patient = store.settings().get("clock") == "virtual"
    taken: list[KeptEvent] = []
    told: dict[int, list[Event]] = {}
    for kept in happened:
        # Of those who are gone, only the count of their events is left.
        if kept.customer not in customers or kept.event.at > until or kept.source.startswith(_EMITTED):
            continue
        if patient or kept.received_at - kept.event.at <= max_event_age:
            taken.append(kept)
        else:
            told.setdefault(kept.customer, []).append(kept.event)
    taken.sort(key=lambda kept: kept.event.at)
    coming = {kept.customer for kept in taken} - told.keys()
    there = [one for number, one in customers.items() if number not in coming]
    return Past(
        records=tuple(_records(store, taken, customers, coming, requests)),
        beginnings=tuple(
            Beginning(
                customer=one.external_id,
                attributes=one.attributes,
                consent=one.consent,
                events=tuple(told.get(one.number, ())),
            )
            for one in there
        ),
    )


def _records(
    store: Store,
    taken: list[KeptEvent],
    customers: Mapping[int, Customer],
    coming: set[int],
    requests: Collection[str],
) -> Iterator[Incoming]:
    """Yield the records of these events; who is `coming` brings the profile with the first of them."""
    for place, kept in enumerate(taken, 1):
        customer = customers[kept.customer]
        first = kept.customer in coming
        coming.discard(kept.customer)
        yield Incoming(
            customer=customer.external_id,
            at=kept.event.at,
            event=kept.event,
            attributes=customer.attributes if first else {},
            consent=customer.consent if first else {},
            source=SOURCE,
            source_id=None,
            position=str(place),
            enters=_asked_for(store, kept, customer, requests) if kept.event.name == ENTERED else "",
        )


def _asked_for(store: Store, kept: KeptEvent, customer: Customer, requests: Collection[str]) -> str:
    """Return which journey a request let its customer into; the request itself does not say it any more."""
    story = store.story(customer.external_id)
    entries = () if story is None else story.enrollments
    found = (one.journey for one in entries if one.entry == kept.event and one.journey in requests)
    return next(found, "")


def _customers(store: Store) -> Iterator[Customer]:
    after = 0
    while numbers := store.numbers(after, BATCH):
        yield from store.load((), numbers, history=False).values()
        after = numbers[-1]


def _events(store: Store) -> Iterator[KeptEvent]:
    after = 0
    while found := store.happened(after, BATCH):
        yield from (kept for _, kept in found)
        after = found[-1][0]


def names_of(store: Store) -> dict[int, str]:
    """Return the name of every customer by number."""
    return {one.number: one.external_id for one in _customers(store)}
