"""Records and timers to a committed batch; what a store refuses to keep is set apart, and everybody else goes on.

Takes inputs in their order and commits what they change at once. Where the store, or this program, stumbles over one of
them, the batch is halved until that one stands alone: whoever it moved ends as failed(set_apart), and a record that
cannot be kept even then is refused with the reason. A store that cannot be used at all is nobody's fault and stays an
error.
"""

import logging
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.engine.values import Enrollment
from journeyscript.runtime.batch import Rules, advance
from journeyscript.runtime.intake import Incoming, Record
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Changes, Rejected, Store, StoreError

log = logging.getLogger(__name__)


class Arrival(Struct, frozen=True, kw_only=True, gc=False):
    """A record, and how far its reader has come with it; an empty `reader` has no position to keep."""

    record: Record
    reader: str
    position: str


def keep(store: Store, rules: Rules, part: Sequence[Arrival], due: Sequence[int], now: Instant) -> list[Rejected]:
    """Commit what records and the timers of customers change, as few transactions as it takes; return what is refused.

    Positions move only past records that are kept. No record says who somebody is: those take a turn of their own.

    Raises:
        StoreError: the store cannot be used, or not even the end of an enrollment can be kept.
    """
    try:
        store.commit(_changes(store, rules, part, due, now))
    except StoreError:
        raise
    except Exception as problem:  # noqa: BLE001 - whatever it is, it concerns one input and nobody else
        middle = (len(part) + len(due)) // 2
        if not middle:
            return _set_apart(store, rules, part, due, now, problem)
        split = max(0, middle - len(part))
        return [
            *keep(store, rules, part[:middle], due[:split], now),
            *keep(store, rules, part[middle:], due[split:], now),
        ]
    return [arrival.record for arrival in part if isinstance(arrival.record, Rejected)]


def _changes(store: Store, rules: Rules, part: Sequence[Arrival], due: Sequence[int], now: Instant) -> Changes:
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
    return advance(store, rules, incoming=incoming, due=due, positions=positions, now=now)


def _set_apart(
    store: Store, rules: Rules, part: Sequence[Arrival], due: Sequence[int], now: Instant, problem: Exception
) -> list[Rejected]:
    """End what the one input moves, and try it once more; refuse the record where that changes nothing."""
    log.error("one input cannot be kept (%s); it is set apart, everybody else goes on", type(problem).__name__)
    ended = _moved(store, rules, part, due, now)
    if ended:
        _end(store, ended, now)
    elif due:
        raise StoreError(
            "the store keeps a customer who can neither be moved nor ended; ask `journeyscript doctor` what is wrong"
        ) from problem
    if due:
        return []
    try:
        if ended:
            store.commit(_changes(store, rules, part, due, now))
            return []
    except StoreError:
        raise
    except Exception as again:  # noqa: BLE001 - whatever it is, it is about this one record
        problem = again
    return [_refuse(store, arrival, f"it cannot be kept: {problem}", now) for arrival in part]


def _moved(store: Store, rules: Rules, part: Sequence[Arrival], due: Sequence[int], now: Instant) -> list[Enrollment]:
    """Return the active enrollments that the one input moves; of a timer that moves nothing, those whose time is up."""
    try:
        moved = {one.id for one in _changes(store, rules, part, due, now).enrollments}
    except Exception:  # noqa: BLE001 - it is known already that this input cannot be taken in
        moved = set()
    names = [arrival.record.customer for arrival in part if isinstance(arrival.record, Incoming)]
    customers = store.load([store.survivors([name]).get(name, name) for name in names], due, history=False)
    inside = [one for customer in customers.values() for one in customer.enrollments]
    return [one for one in inside if one.id in moved] or [
        one for one in inside if due and one.due_at is not None and one.due_at <= now
    ]


def _end(store: Store, enrollments: Sequence[Enrollment], now: Instant) -> None:
    ended = [
        replace(
            one,
            status="failed",
            reason="set_apart",
            due_at=None,
            until=None,
            deadline=None,
            held=None,
            ended_at=max(now, one.since),
        )
        for one in enrollments
    ]
    try:
        store.commit(Changes(enrollments=ended))
    except StoreError:
        raise
    except Exception as problem:
        raise StoreError(
            "the store refuses to end an enrollment that cannot go on; ask `journeyscript doctor` what is wrong"
        ) from problem


def _refuse(store: Store, arrival: Arrival, reason: str, now: Instant) -> Rejected:
    record = arrival.record
    refused = record if isinstance(record, Rejected) else record.refused(reason, now)
    store.commit(Changes(rejected=[refused], positions={arrival.reader: arrival.position} if arrival.reader else {}))
    return refused
