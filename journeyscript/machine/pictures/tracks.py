"""Between two rows: at which height each arrow turns aside, so that no two run upon one another.

A net is what belongs together there: the ways out of one node, or the ways into one. Each net that does not go straight
down gets a track. Where an end of one net stands above an end of another, its track is the higher one.
"""

from collections.abc import Hashable, Mapping

from msgspec import Struct

_CLOSE = 7.0


class Net(Struct, kw_only=True):
    """The ends of a net: where it comes in at the top, and where it goes out at the bottom."""

    tops: set[float]
    bottoms: set[float]

    @property
    def reach(self) -> tuple[float, float]:
        """Return how far the net spreads, from left to right."""
        ends = self.tops | self.bottoms
        return min(ends), max(ends)

    @property
    def straight(self) -> bool:
        """Whether the net needs no track."""
        return len(self.tops | self.bottoms) == 1


def tracks(nets: Mapping[Hashable, Net]) -> dict[Hashable, int]:
    """Return the track of every net that turns, counted from 0 at the top."""
    left = {name: net.reach for name, net in nets.items() if not net.straight}
    above = {name: {other for other in left if other != name and _over(nets[other], nets[name])} for name in left}
    found: dict[Hashable, int] = {}
    track = 0
    while left:
        free = [name for name in left if not above[name] & left.keys()]
        # Where nets stand above one another in a round, one of them has to begin.
        free = free or [min(left, key=left.__getitem__)]
        end = float("-inf")
        for name in sorted(free, key=left.__getitem__):
            start, stop = left[name]
            if start > end + _CLOSE:
                found[name] = track
                end = stop
        for name in found.keys() & left.keys():
            del left[name]
        track += 1
    return found


def _over(upper: Net, lower: Net) -> bool:
    return any(abs(top - bottom) < _CLOSE for top in upper.tops for bottom in lower.bottoms)
