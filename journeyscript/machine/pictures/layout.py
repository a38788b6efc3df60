"""Where everything in a picture goes: boxes, the labels of arrows, and the ways of the arrows, at right angles.

Takes sizes and arrows between numbered boxes, of which the first is where everything begins; gives coordinates, y
growing downwards. The same sizes give the same coordinates, to the last digit. Knows nothing of what is drawn.
"""

from collections.abc import Hashable, Sequence
from itertools import pairwise

from msgspec import Struct

from journeyscript.machine.pictures.columns import columns
from journeyscript.machine.pictures.layering import Pair
from journeyscript.machine.pictures.rows import Rows, Size, arrange
from journeyscript.machine.pictures.tracks import Net, tracks

Point = tuple[float, float]

_TRACK = 9.0
_BEFORE, _BEHIND = 9.0, 20.0
"""The room above the first track and below the last one; an arrowhead has to fit in below."""
_BEHIND_LABELLESS = 4.0


class Rectangle(Struct, frozen=True, kw_only=True):
    """Where something stands; `x` and `y` are its upper left corner."""

    x: float
    y: float
    width: float
    height: float


class Layout(Struct, frozen=True, kw_only=True):
    """Places in the order of what was given; a label without size has none. Everything lies within `size`."""

    size: Size
    boxes: tuple[Rectangle, ...]
    labels: tuple[Rectangle | None, ...]
    ways: tuple[tuple[Point, ...], ...]


class _Gap(Struct, kw_only=True):
    """What lies below a row: its nets, their tracks, and from where to where it goes."""

    nets: dict[Hashable, Net]
    tracks: dict[Hashable, int]
    top: float = 0.0
    bottom: float = 0.0

    def height(self, name: Hashable) -> float:
        """Return the height at which a net turns."""
        return self.top + _BEFORE + self.tracks[name] * _TRACK


def lay_out(sizes: Sequence[Size], arrows: Sequence[Pair], labels: Sequence[Size]) -> Layout:
    """Return the layout of boxes of these sizes, joined by these arrows with labels of these sizes.

    An arrow without a label gives (0, 0). Every arrow's way begins at the bottom of its source and ends at the top of
    its target.
    """
    grid = arrange(sizes, arrows, labels)
    middles = columns(grid)
    gaps = _gaps(grid, middles)
    tops, height = _heights(grid, gaps)
    places = [
        Rectangle(
            x=middle - size[0] / 2,
            y=tops[row] + (_row_height(grid, row) - size[1]) / 2,
            width=size[0],
            height=size[1],
        )
        for middle, size, row in zip(middles, grid.sizes, grid.row, strict=True)
    ]
    ways = tuple(_way(grid, index, middles, gaps, places) for index in range(len(arrows)))
    right = max([place.x + place.width for place in places[: len(sizes)]] + [x for way in ways for x, _ in way])
    labelled = [places[path[1]] if label[0] else None for path, label in zip(grid.paths, labels, strict=True)]
    right = max([right, *(one.x + one.width for one in labelled if one is not None)])
    return Layout(size=(right, height), boxes=tuple(places[: len(sizes)]), labels=tuple(labelled), ways=ways)


def _hops(grid: Rows, index: int) -> list[tuple[int, int, int, Hashable]]:
    """Return how an arrow goes from vertex to vertex: both, the row above the gap between them, and its net there."""
    path = grid.paths[index]
    hops: list[tuple[int, int, int, Hashable]] = []
    for number, (here, there) in enumerate(pairwise(path)):
        row = grid.row[here]
        if index not in grid.back or number == 0:
            hops.append((here, there, row, ("from", here) if row % 2 == 0 else ("to", there)))
        elif number == 1:
            hops.append((here, there, row, ("around", path[-1])))
        elif number == len(path) - 2:
            hops.append((here, there, row - 1, ("to", there)))
        else:
            hops.append((here, there, row - 1, ("lane", there)))
    return hops


def _gaps(grid: Rows, middles: Sequence[float]) -> list[_Gap]:
    gaps = [_Gap(nets={}, tracks={}) for _ in grid.rows]
    for index in range(len(grid.paths)):
        for here, there, row, name in _hops(grid, index):
            net = gaps[row].nets.setdefault(name, Net(tops=set(), bottoms=set()))
            for vertex in (here, there):
                (net.tops if grid.row[vertex] <= row else net.bottoms).add(middles[vertex])
    for gap in gaps:
        gap.tracks = tracks(gap.nets)
    return gaps


def _heights(grid: Rows, gaps: list[_Gap]) -> tuple[list[float], float]:
    """Set where each gap begins and ends; return where each row begins, and the height of all."""
    tops: list[float] = []
    y = 0.0
    for number, gap in enumerate(gaps):
        tops.append(y)
        gap.top = y + _row_height(grid, number)
        count = max(gap.tracks.values(), default=-1) + 1
        follows_label = number + 1 < len(gaps) and _row_height(grid, number + 1) > 0
        behind = _BEHIND if number % 2 else (_BEFORE if follows_label else _BEHIND_LABELLESS)
        gap.bottom = gap.top
        if gap.nets:
            gap.bottom += (_BEFORE + (count - 1) * _TRACK if count else 0) + behind
        y = gap.bottom
    return tops, y


def _row_height(grid: Rows, row: int) -> float:
    return max((grid.sizes[vertex][1] for vertex in grid.rows[row]), default=0.0)


def _way(
    grid: Rows, index: int, middles: Sequence[float], gaps: list[_Gap], places: Sequence[Rectangle]
) -> tuple[Point, ...]:
    """Return the corners of an arrow's way."""
    source, target = grid.paths[index][0], grid.paths[index][-1]
    points = [(middles[source], places[source].y + places[source].height)]
    for here, there, row, name in _hops(grid, index):
        if middles[here] != middles[there]:
            height = gaps[row].height(name)
            points += [(middles[here], height), (middles[there], height)]
    points.append((middles[target], places[target].y))
    kept = points[:1]
    for before, point, behind in zip(points, points[1:], points[2:], strict=False):
        if not (before[0] == point[0] == behind[0]) or (point[1] - before[1]) * (behind[1] - point[1]) < 0:
            kept.append(point)
    return (*kept, points[-1])
