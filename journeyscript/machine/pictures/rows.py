"""The rows of a picture: nodes, labels and the points at which long arrows pass, and their order from left to right.

Nodes stand in the even rows and the labels of arrows in the odd ones, so that no label can come upon a box. An arrow
that leads back goes up beside its loop, in a lane that it shares with the others of that loop. The order begins as
the file's own, walked in depth, and is then swept up and down towards fewer crossings.
"""

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from journeyscript.machine.pictures.layering import Pair, backward, loops, ranks

_SWEEPS = 10

Size = tuple[float, float]


@dataclass
class Rows:
    """The picture's grid. Vertices are numbers: first the nodes, then labels and points, which have no size.

    `paths` has one way for every arrow: its source, its label's place, the points it passes, its target.
    """

    row: list[int]
    sizes: list[Size]
    nodes: int
    rows: list[list[int]] = field(default_factory=list)
    above: list[list[int]] = field(default_factory=list)
    below: list[list[int]] = field(default_factory=list)
    paths: list[tuple[int, ...]] = field(default_factory=list)
    back: frozenset[int] = frozenset()

    def is_point(self, vertex: int) -> bool:
        """Return whether a vertex is only passed by."""
        return vertex >= self.nodes and self.sizes[vertex][0] == 0

    def add(self, row: int, size: Size = (0, 0)) -> int:
        """Add a vertex at the right end of a row, and return it."""
        self.row.append(row)
        self.sizes.append(size)
        self.above.append([])
        self.below.append([])
        vertex = len(self.row) - 1
        self.place(vertex)
        return vertex

    def place(self, vertex: int) -> None:
        """Put a vertex at the right end of its row."""
        self.rows += [[] for _ in range(len(self.rows), self.row[vertex] + 1)]
        self.rows[self.row[vertex]].append(vertex)

    def join(self, upper: int, lower: int) -> None:
        """Note that an arrow goes between vertices of neighbouring rows."""
        if lower not in self.below[upper]:
            self.below[upper].append(lower)
            self.above[lower].append(upper)


def arrange(sizes: Sequence[Size], arrows: Sequence[Pair], labels: Sequence[Size]) -> Rows:
    """Return the rows of a picture in which every vertex has its place from left to right."""
    grid = _grown(sizes, arrows, labels)
    _sweep(grid)
    _gather(grid)
    return grid


def _grown(sizes: Sequence[Size], arrows: Sequence[Pair], labels: Sequence[Size]) -> Rows:
    """Return the rows in the order in which a walk in depth comes upon everything."""
    count = len(sizes)
    back = backward(count, arrows)
    rounds = loops(count, arrows, back)
    rank = ranks(count, arrows, back, rounds)
    grid = Rows(row=[2 * one for one in rank], sizes=list(sizes), nodes=count, back=back)
    grid.above, grid.below = [[] for _ in sizes], [[] for _ in sizes]
    grid.paths = [()] * len(arrows)
    onward: list[list[int]] = [[] for _ in sizes]
    for index, (source, _) in enumerate(arrows):
        onward[source].append(index)
    depth = {head: max(rank[arrows[i][0]] for i in back if arrows[i][1] == head) for head in rounds}
    lanes: dict[int, dict[int, int]] = {}
    met: set[int] = set()
    for start in range(count):
        stack = [(-1, start)]
        while stack:
            index, node = stack.pop()
            if node in depth and node not in lanes:
                lanes[node] = _lane(grid, node, 2 * depth[node] + 1)
            if index >= 0:
                lane = lanes[node] if index in back else None
                grid.paths[index] = _way(grid, arrows[index], labels[index], lane)
            if node in met:
                continue
            met.add(node)
            grid.place(node)
            inside = rounds.get(node, frozenset())
            ordered = sorted(onward[node], key=lambda i: bool(inside) and arrows[i][1] not in inside)
            stack += [(i, arrows[i][1]) for i in reversed(ordered)]
    return grid


def _lane(grid: Rows, head: int, bottom: int) -> dict[int, int]:
    """Make the points by which a loop leads back up to its head, and return them by their row."""
    lane = {row: grid.add(row) for row in range(grid.row[head], bottom + 1)}
    for row in range(grid.row[head], bottom):
        grid.join(lane[row], lane[row + 1])
    return lane


def _way(grid: Rows, arrow: Pair, label: Size, lane: dict[int, int] | None) -> tuple[int, ...]:
    """Make the vertices of an arrow, and return them all from its source to its target."""
    source, target = arrow
    way = [source, grid.add(grid.row[source] + 1, label)]
    if lane is not None:
        grid.join(source, way[1])
        return (*way, *(lane[row] for row in range(grid.row[source] + 1, grid.row[target] - 1, -1)), target)
    way += [grid.add(row) for row in range(grid.row[source] + 2, grid.row[target])]
    way.append(target)
    for upper, lower in pairwise(way):
        grid.join(upper, lower)
    return tuple(way)


def _sweep(grid: Rows) -> None:
    """Order the rows by the middle of their neighbours, down and up in turn, and keep the best order met."""
    best, fewest = [list(row) for row in grid.rows], _crossings(grid)
    for turn in range(_SWEEPS):
        if not fewest:
            break
        down = turn % 2 == 0
        numbers = range(1, len(grid.rows)) if down else range(len(grid.rows) - 2, -1, -1)
        for number in numbers:
            beside = grid.rows[number - 1 if down else number + 1]
            place = {vertex: index for index, vertex in enumerate(beside)}
            _order(grid.rows[number], grid.above if down else grid.below, place)
        crossings = _crossings(grid)
        if crossings < fewest:
            best, fewest = [list(row) for row in grid.rows], crossings
    grid.rows = best


def _order(row: list[int], neighbours: list[list[int]], place: dict[int, int]) -> None:
    """Sort a row by the barycentre of each vertex; one without neighbours keeps its place."""
    weights = {v: sum(place[n] for n in neighbours[v]) / len(neighbours[v]) for v in row if neighbours[v]}
    moved = iter(sorted((vertex for vertex in row if vertex in weights), key=weights.__getitem__))
    row[:] = [next(moved) if vertex in weights else vertex for vertex in row]


def _crossings(grid: Rows) -> int:
    """Return how often arrows cross between rows."""
    total = 0
    for number in range(len(grid.rows) - 1):
        place = {vertex: index for index, vertex in enumerate(grid.rows[number + 1])}
        seen: list[int] = []
        for vertex in grid.rows[number]:
            ends = sorted(place[lower] for lower in grid.below[vertex])
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _gather(grid: Rows) -> None:
    """Let arrows that run side by side to the same node go on as one, from the first even row they share."""
    ends = {path[-1]: path[-1] for path in grid.paths}
    for index, path in enumerate(grid.paths):
        if index not in grid.back:
            ends.update(dict.fromkeys(path[2:], path[-1]))
    into: dict[int, int] = {}
    for row in grid.rows[::2]:
        for left, right in pairwise([vertex for vertex in row if vertex not in into]):
            kept = into.get(left, left)
            if grid.is_point(kept) and grid.is_point(right) and ends.get(kept, -1) == ends.get(right, -2):
                into.update(_side_by_side(grid, kept, right))
    if into:
        _replace(grid, into)


def _side_by_side(grid: Rows, kept: int, given_up: int) -> Iterator[tuple[int, int]]:
    """Yield the points of a way that is given up, down to where both meet, each with the point that takes its place."""
    while kept != given_up:
        yield given_up, kept
        (kept,), (given_up,) = grid.below[kept], grid.below[given_up]


def _last(into: dict[int, int], vertex: int) -> int:
    while vertex in into:
        vertex = into[vertex]
    return vertex


def _replace(grid: Rows, into: dict[int, int]) -> None:
    """Put points in the places of others everywhere; one that takes a place may have lost its own further down."""
    into = {vertex: _last(into, vertex) for vertex in into}
    grid.paths = [tuple(into.get(vertex, vertex) for vertex in path) for path in grid.paths]
    grid.rows = [[vertex for vertex in row if vertex not in into] for row in grid.rows]
    grid.below = [list(dict.fromkeys(into.get(lower, lower) for lower in lowers)) for lowers in grid.below]
    grid.above = [[] for _ in grid.row]
    for row in grid.rows:
        for vertex in row:
            for lower in grid.below[vertex]:
                grid.above[lower].append(vertex)
