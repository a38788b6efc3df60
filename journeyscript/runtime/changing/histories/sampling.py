"""Which histories are looked at: at most so many, and the same ones each time.

Takes a store, which it only reads, and changes; gives ids of enrollments. A hash of the id decides, and no chance.
"""

import heapq
import zlib
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from journeyscript.checks.changes.change import Change
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import KeptEvent, Store

LATELY = 28 * 86_400_000
"""Milliseconds: whose enrollment ended longer ago is no history, and a forecast goes by no older events."""


AT_LEAST, EACH = 20_000, 10
"""Events that are gone through at the most: so many, or so many for each customer who is asked for where it is more."""

BATCH = 500
"""Customers whose events are read together."""


class Sample(Struct, frozen=True, kw_only=True):
    """Enrollments that are taken for a journey, by id; how many there are, and how many were pruned."""

    change: Change
    chosen: tuple[int, ...]
    there: int
    pruned: int


def sampled(numbers: Iterable[int], most: int) -> list[int]:
    """Return at most so many of these numbers, the same ones whenever they are among them."""
    return heapq.nsmallest(most, numbers, key=lambda number: (zlib.crc32(number.to_bytes(8, "big")), number))


def sample(store: Store, changes: Iterable[Change], now: Instant, most: int) -> list[Sample]:
    """Return which histories of the changed journeys are taken, at most so many of all.

    These are enrollments that go on, or ended in the last weeks. Journeys with few leave room to those with many.
    """
    found = [(one, *store.passages(one.journey, now - LATELY)) for one in changes if one.after is not None]
    chosen: list[Sample] = []
    for place, (change, numbers, pruned) in enumerate(sorted(found, key=lambda one: len(one[1]))):
        taken = tuple(sampled(numbers, most // (len(found) - place)))
        most -= len(taken)
        chosen.append(Sample(change=change, chosen=taken, there=len(numbers), pruned=pruned))
    return chosen


def lives(store: Store, numbers: Sequence[int]) -> Iterator[tuple[int, tuple[KeptEvent, ...]]]:
    """Yield customers with all their events, in the order given, until it is too many events to go on."""
    left = max(AT_LEAST, EACH * len(numbers))
    for start in range(0, len(numbers), BATCH):
        batch = numbers[start : start + BATCH]
        events: dict[int, list[KeptEvent]] = {number: [] for number in batch}
        for one in store.happened_to(batch):
            events[one.customer].append(one)
        for number, happened in events.items():
            left -= len(happened)
            if left < 0 and number != numbers[0]:
                return
            yield number, tuple(happened)
