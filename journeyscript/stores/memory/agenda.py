"""What is due when: keys with a time each, given back earliest first.

Takes keys that can be compared and instants in milliseconds. Moving or removing a key costs nothing at once: what is
stale in the heap is dropped when its time comes up. Knows neither enrollments nor sends.
"""

from collections.abc import Generator
from contextlib import closing
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

from journeyscript.semantics.types import Instant

K = TypeVar("K", int, tuple[int, int])


class Agenda(Generic[K]):
    """Keys in the order of their times, those of one time in the order of the keys."""

    def __init__(self) -> None:
        self._times: dict[K, Instant] = {}
        self._heap: list[tuple[Instant, K]] = []

    def put(self, key: K, at: Instant) -> None:
        """Set a key's time."""
        if self._times.get(key) != at:
            self._times[key] = at
            heappush(self._heap, (at, key))

    def remove(self, key: K) -> None:
        """Take a key away, if it is there."""
        if self._times.pop(key, None) is not None and len(self._heap) > 4 * len(self._times) + 1000:
            self._heap = [(at, key) for key, at in self._times.items()]
            heapify(self._heap)

    def first(self) -> Instant | None:
        """Return the earliest time, or `None`."""
        while self._heap and self._times.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def until(self, at: Instant) -> Generator[K, None, None]:
        """Yield the keys due at or before `at`; see `timed`."""
        with closing(self.timed(at)) as entries:
            for _, key in entries:
                yield key

    def timed(self, at: Instant) -> Generator[tuple[Instant, K], None, None]:
        """Yield the times and keys due at or before `at`, all of which stay; nothing may be put or removed meanwhile.

        Whoever stops early closes the iterator.
        """
        passed: list[tuple[Instant, K]] = []
        try:
            while self._heap and self._heap[0][0] <= at:
                entry = heappop(self._heap)
                if self._times.get(entry[1]) == entry[0] and (not passed or passed[-1] != entry):
                    passed.append(entry)
                    yield entry
        finally:
            for entry in passed:
                heappush(self._heap, entry)

    def count(self, until: Instant) -> int:
        """Return how many keys are due at or before `until`."""
        return sum(at <= until for at in self._times.values())
