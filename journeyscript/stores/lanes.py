"""Whose turn it is among pending sends: those of one journey on one channel stand in one lane, oldest first.

Takes lanes and gives what to take from each in turn, so that a journey with a hundred thousand messages keeps no other
one waiting. Remembers who was served last, and nothing else.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias, TypeVar

Lane: TypeAlias = tuple[str, str]
"""A channel and a journey."""

T = TypeVar("T")


class Turns:
    """The order in which lanes are served; the journeys of a channel go round."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def pick(self, lanes: Mapping[Lane, Iterator[T]], limit: int, room: Mapping[str, int]) -> list[T]:
        """Return at most `limit`, one of each lane in turn; of a channel in `room` at most that many."""
        left = dict(room)
        waiting = deque(self._ordered(lanes))
        picked: list[T] = []
        while waiting and len(picked) < limit:
            channel, journey = lane = waiting.popleft()
            if left.get(channel, 1) <= 0:
                continue
            for one in lanes[lane]:
                picked.append(one)
                self._last[channel] = journey
                if channel in left:
                    left[channel] -= 1
                waiting.append(lane)
                break
        return picked

    def _ordered(self, lanes: Iterable[Lane]) -> list[Lane]:
        return sorted(lanes, key=lambda lane: (lane[0], lane[1] <= self._last.get(lane[0], ""), lane[1]))
