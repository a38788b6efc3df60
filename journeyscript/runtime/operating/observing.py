"""A store that tells the metrics of a run what went through it.

Takes a store and the counts; gives the same store, of which every batch that was committed and every settlement is
counted once, however often it was tried. Must know nothing of what is counted, and asks the store nothing of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from journeyscript.runtime.operating.metrics import Metrics
from journeyscript.semantics.types import Instant
from journeyscript.stores.counts import Erased, Merged
from journeyscript.stores.records import NO_BOUND, Changes, Customer, KeptSend, Settlement, Store


def observed(store: Store, metrics: Metrics) -> Store:
    """Return the store, with what goes through it counted."""
    return cast(Store, _Observed(store, metrics))


class _Observed:
    """A store whose verbs that change something are counted once they have; all others are its own."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store, self._metrics = store, metrics
        self._due: frozenset[int] = frozenset()
        self._until = 0
        self._inside: dict[int, Instant | None] = {}
        self._channels: dict[tuple[int, int], str] = {}
        self._tests: set[tuple[int, int]] = set()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the store has
        return getattr(self._store, name)

    def due(self, until: Instant, limit: int) -> list[int]:
        numbers = self._store.due(until, limit)
        self._due, self._until = frozenset(numbers), until
        return numbers

    def load(self, external_ids: Iterable[str], numbers: Iterable[int], **more: Any) -> dict[int, Customer]:  # noqa: ANN401 - the store's
        loaded = self._store.load(external_ids, numbers, **more)
        for customer in loaded.values():
            fires = customer.number in self._due
            for one in customer.enrollments:
                ready = fires and one.due_at is not None and one.due_at <= self._until
                self._inside[one.id] = one.due_at if ready else None
        return loaded

    def commit(self, changes: Changes) -> None:
        self._store.commit(changes)
        self._metrics.committed(changes, self._inside)
        self._inside = {}

    def claim(self, now: Instant, limit: int, room: Mapping[str, int] = NO_BOUND) -> list[KeptSend]:
        return self._known(self._store.claim(now, limit, room))

    def unsettled(self) -> list[KeptSend]:
        return self._known(self._store.unsettled())

    def find_sends(self, limit: int, **which: Any) -> list[KeptSend]:  # noqa: ANN401 - the store's
        return self._known(self._store.find_sends(limit, **which))

    def settle(self, settlements: Sequence[Settlement]) -> None:
        self._store.settle(settlements)
        counted = [one for one in settlements if (one.enrollment, one.visit) not in self._tests]
        self._metrics.settled(counted, self._channels)

    def merge(self, external_id: str, into: str, at: Instant) -> Merged | None:
        merged = self._store.merge(external_id, into, at)
        self._metrics.left(0 if merged is None else merged.ended - merged.ended_test)
        return merged

    def erase(self, external_id: str, at: Instant) -> Erased | None:
        erased = self._store.erase(external_id, at)
        self._metrics.left(0 if erased is None else erased.ended - erased.ended_test)
        return erased

    def _known(self, sends: list[KeptSend]) -> list[KeptSend]:
        self._channels = {(one.enrollment, one.visit): one.channel for one in sends}
        self._tests = {(one.enrollment, one.visit) for one in sends if one.test}
        return sends
