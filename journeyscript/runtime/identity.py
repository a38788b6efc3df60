"""A batch with records in it that say who somebody is, or that they are to be forgotten: each takes its turn.

Takes records in the order in which they came; commits what stands between two such records as one batch, and each of
them by itself. Positions move with what stands in front of them, so whatever stops the process, a record that says who
somebody is may be read twice, which changes nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.runtime.batch import Rules, advance
from journeyscript.runtime.intake import Erasure, Incoming, Merge, Record
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Changes, MergeError, Rejected, Store


class Arrival(Struct, frozen=True, kw_only=True, gc=False):
    """A record, and how far its reader has come with it; an empty `reader` has no position to keep."""

    record: Record
    reader: str
    position: str


Part: TypeAlias = list[Arrival]


def take_in(
    store: Store, rules: Rules, arrivals: Sequence[Arrival], *, due: Iterable[int] = (), now: Instant
) -> list[Rejected]:
    """Commit records in their order, and with the first of them the timers of `due`; return those refused."""
    refused: list[Rejected] = []
    due = list(due)
    for part, last in _parts(arrivals):
        if part or due:
            refused += _batch(store, rules, part, due, now)
            due = []
        if last is not None:
            refused += _turn(store, last, now)
    return refused


def _parts(arrivals: Sequence[Arrival]) -> Iterator[tuple[Part, Arrival | None]]:
    """Yield the records up to each one that says who somebody is, with that one; and then the rest."""
    part: Part = []
    for arrival in arrivals:
        if isinstance(arrival.record, Merge | Erasure):
            yield part, arrival
            part = []
        else:
            part.append(arrival)
    yield part, None


def _batch(store: Store, rules: Rules, part: Part, due: list[int], now: Instant) -> list[Rejected]:
    incoming = [arrival.record for arrival in part if isinstance(arrival.record, Incoming | Rejected)]
    positions = {arrival.reader: arrival.position for arrival in part if arrival.reader}
    survivors = store.survivors(dict.fromkeys(one.customer for one in incoming if isinstance(one, Incoming)))
    if survivors:
        incoming = [
            replace(one, customer=survivors[one.customer])
            if isinstance(one, Incoming) and one.customer in survivors
            else one
            for one in incoming
        ]
    store.commit(advance(store, rules, incoming=incoming, due=due, positions=positions, now=now))
    return [one for one in incoming if isinstance(one, Rejected)]


def _turn(store: Store, arrival: Arrival, now: Instant) -> list[Rejected]:
    """Do what a record says of who somebody is, and keep how far its reader has come."""
    refused: list[Rejected] = []
    match arrival.record:
        case Merge(anonymous=anonymous, customer=customer) as record:
            try:
                store.merge(anonymous, customer, now)
            except MergeError as problem:
                refused.append(record.refused(str(problem), now))
        case Erasure(customer=customer):
            store.erase(customer, now)
        case _:
            pass
    positions = {arrival.reader: arrival.position} if arrival.reader else {}
    if refused or positions:
        store.commit(Changes(rejected=refused, positions=positions))
    return refused
