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
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.intake.records import Incoming, Record
from journeyscript.semantics.types import Instant
from journeyscript.stores.held import let_go
from journeyscript.stores.records import Changes, Rejected, Store, StoreError

MOST_APART = 10
"""Customers of one batch who are set apart at the most: more is no misfortune of a few."""

MOST_APART_AT_FIRST = 2
"""As long as nothing else of the batch could be kept, so many."""

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
        StoreError: the store cannot be used, or so much of the batch cannot be kept that it is nobody's own fault.
    """
    return _Batch(store, rules, now).keep(part, due)


class _Batch:
    """What became of one batch so far: how many parts were committed, which customers were set apart."""

    def __init__(self, store: Store, rules: Rules, now: Instant) -> None:
        self._store, self._rules, self._now = store, rules, now
        self._committed = 0
        self._apart: set[str | int] = set()

    def keep(self, part: Sequence[Arrival], due: Sequence[int]) -> list[Rejected]:
        """Commit it all, or else in halves, down to the one input that cannot be kept."""
        try:
            self._store.commit(_changes(self._store, self._rules, part, due, self._now))
        except StoreError:
            raise
        except Exception as problem:  # noqa: BLE001 - whatever it is, it concerns one input and nobody else
            middle = (len(part) + len(due)) // 2
            if middle:
                split = max(0, middle - len(part))
                return [*self.keep(part[:middle], due[:split]), *self.keep(part[middle:], due[split:])]
            self._count(part, due, problem)
            return _set_apart(self._store, self._rules, part, due, self._now, problem)
        self._committed += 1
        return [arrival.record for arrival in part if isinstance(arrival.record, Rejected)]

    def _count(self, part: Sequence[Arrival], due: Sequence[int], problem: Exception) -> None:
        """Count whose input is set apart; too many are a mistake of this program or a harm to the store."""
        self._apart.update(due)
        self._apart.update(one.record.customer for one in part if isinstance(one.record, Incoming))
        if len(self._apart) > (MOST_APART if self._committed else MOST_APART_AT_FIRST):
            log.error("too much of one batch cannot be kept: the run ends", exc_info=problem)
            raise StoreError(
                f"too much cannot be kept at once ({type(problem).__name__}), which is no single customer's fault; "
                "ask `journeyscript doctor`, and go back to the version that ran before if this one is new"
            ) from problem


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
    held = let_go(enrollments, lambda: store.deployments()[0], (), now, "cancelled", "the enrollment was set apart")
    try:
        _keep_or(store, Changes(enrollments=ended, sends=held), Changes(enrollments=ended))
    except StoreError:
        raise
    except Exception as problem:
        raise StoreError(
            "the store refuses to end an enrollment that cannot go on; ask `journeyscript doctor` what is wrong"
        ) from problem


def _keep_or(store: Store, changes: Changes, less: Changes) -> None:
    """Keep changes, or at least fewer: should the store not like the message either, nobody is tried for ever."""
    try:
        store.commit(changes)
    except StoreError:
        raise
    except Exception as problem:  # noqa: BLE001 - what may not be kept is not worth a journey that cannot end
        log.warning("a message that was held cannot be kept as cancelled (%s)", type(problem).__name__)
        store.commit(less)


def _refuse(store: Store, arrival: Arrival, reason: str, now: Instant) -> Rejected:
    record = arrival.record
    refused = record if isinstance(record, Rejected) else record.refused(reason, now)
    store.commit(Changes(rejected=[refused], positions={arrival.reader: arrival.position} if arrival.reader else {}))
    return refused
