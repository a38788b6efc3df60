"""A batch with records in it that say who somebody is, or that they are to be forgotten: each takes its turn.

Takes records in the order in which they came; commits what stands between two such records as one batch, and each of
them by itself. Positions move with what stands in front of them, so whatever stops the process, a record that says who
somebody is may be read twice, which changes nothing.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from journeyscript.runtime.advancing.keeping import Arrival, keep
from journeyscript.runtime.advancing.memberships import look_silently
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.advancing.starting import arrange_silently
from journeyscript.runtime.intake.records import Erasure, Merge
from journeyscript.semantics.types import Instant
from journeyscript.stores.counts import Merged
from journeyscript.stores.records import Changes, MergeError, Rejected, Store, StoreError

log = logging.getLogger(__name__)

Part: TypeAlias = list[Arrival]


def take_in(
    store: Store, rules: Rules, arrivals: Sequence[Arrival], *, due: Iterable[int] = (), now: Instant
) -> list[Rejected]:
    """Commit records in their order, and with the first of them the timers of `due`; return those refused."""
    refused: list[Rejected] = []
    due = list(due)
    for part, last in _parts(arrivals):
        if part or due:
            refused += keep(store, rules, part, due, now)
            due = []
        if last is not None:
            refused += _turn(store, rules, last, now)
    return refused


def merge(store: Store, rules: Rules, anonymous: str, customer: str, now: Instant) -> Merged | None:
    """Make one customer of two, who is then in the segments they are in; `None` where they were one already.

    Raises:
        MergeError: the name to give up leads to somebody else already.
    """
    merged = store.merge(anonymous, customer, now)
    look_silently(store, rules.programs.segments, customer, now)
    arrange_silently(store, rules, customer, now)
    return merged


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


def _turn(store: Store, rules: Rules, arrival: Arrival, now: Instant) -> list[Rejected]:
    """Do what a record says of who somebody is, and keep how far its reader has come."""
    refused: list[Rejected] = []
    record = arrival.record
    if isinstance(record, Merge | Erasure):
        try:
            if isinstance(record, Merge):
                merge(store, rules, record.anonymous, record.customer, now)
            else:
                store.erase(record.customer, now)
        except MergeError as problem:
            refused.append(record.refused(str(problem), now))
        except StoreError:
            raise
        except Exception as problem:  # noqa: BLE001 - one customer keeps nobody else waiting; somebody has to look
            log.error(  # noqa: TRY400 - a traceback would name the customer
                "a record that merges or erases a customer cannot be followed (%s), and is kept as refused",
                type(problem).__name__,
            )
            refused.append(record.refused(f"it could not be done: {problem}", now))
    positions = {arrival.reader: arrival.position} if arrival.reader else {}
    if refused or positions:
        store.commit(Changes(rejected=refused, positions=positions))
    return refused
