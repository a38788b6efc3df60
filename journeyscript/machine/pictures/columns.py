"""Where each vertex of the rows stands from left to right: straight arrows first, then as close as sizes allow.

The method is that of Brandes and Köpf: vertices are aligned to the middle of their neighbours in four ways (from above
and from below, leaning left and right), each is pushed together, and the middle of the four is taken.
"""

from itertools import pairwise
from math import inf

from journeyscript.machine.pictures.rows import Rows
from journeyscript.machine.pictures.straight import straighten

_APART, _APART_POINTS = 28.0, 18.0
_SLACK = 0.2
"""What rounding to tenths may take from a distance."""


def columns(grid: Rows) -> list[float]:
    """Return the middle of every vertex; those of a row keep their order and their distance."""
    crossed = _crossed(grid)
    widths = [size[0] for size in grid.sizes]
    found: list[list[float]] = []
    for rows, neighbours in ((grid.rows, grid.above), (grid.rows[::-1], grid.below)):
        for mirrored in (False, True):
            turned = [row[::-1] for row in rows] if mirrored else rows
            middles = _pushed(turned, _aligned(turned, neighbours, crossed), grid)
            found.append([-middle for middle in middles] if mirrored else middles)
    vertices = [vertex for row in grid.rows for vertex in row]

    def edges(middles: list[float]) -> tuple[float, float]:
        return (
            min(middles[v] - widths[v] / 2 for v in vertices),
            max(middles[v] + widths[v] / 2 for v in vertices),
        )

    bounds = [edges(middles) for middles in found]
    left, right = min(bounds, key=lambda bound: bound[1] - bound[0])
    for number, (middles, bound) in enumerate(zip(found, bounds, strict=True)):
        shift = right - bound[1] if number % 2 else left - bound[0]
        found[number] = [middle + shift for middle in middles]
    median = [round(sum(sorted(four)[1:3]) / 2, 1) for four in zip(*found, strict=True)]
    straighten(grid, median, lambda one, other: _distance(grid, one, other) - _SLACK)
    start = edges(median)[0]
    return [round(middle - start + 0.05, 1) for middle in median]


def _crossed(grid: Rows) -> set[tuple[int, int]]:
    """Return the parts of arrows, from upper to lower, that cross a long arrow on its way and give way to it."""
    found: set[tuple[int, int]] = set()
    for upper, lower in pairwise(grid.rows):
        place = {vertex: index for index, vertex in enumerate(upper)}
        first, begun = 0, 0
        for index, vertex in enumerate(lower):
            partner = next((w for w in grid.above[vertex] if grid.is_point(vertex) and grid.is_point(w)), None)
            if partner is None and index + 1 < len(lower):
                continue
            last = len(upper) if partner is None else place[partner]
            for inner in lower[begun : index + 1]:
                for other in grid.above[inner]:
                    through = grid.is_point(inner) and grid.is_point(other)
                    if not through and not first <= place[other] <= last:
                        found.add((other, inner))
            begun, first = index + 1, last
    return found


def _aligned(rows: list[list[int]], neighbours: list[list[int]], crossed: set[tuple[int, int]]) -> list[int]:
    """Return for every vertex the root of the column it is aligned in."""
    root = list(range(len(neighbours)))
    taken = [False] * len(neighbours)
    for before, row in pairwise(rows):
        place = {vertex: index for index, vertex in enumerate(before)}
        reached = -1
        for vertex in row:
            beside = sorted((n for n in neighbours[vertex] if n in place), key=place.__getitem__)
            if not beside:
                continue
            middle = len(beside) - 1
            for other in beside[middle // 2 : (middle + 1) // 2 + 1]:
                free = not taken[other] and root[vertex] == vertex
                if free and reached < place[other] and not {(other, vertex), (vertex, other)} & crossed:
                    taken[other] = True
                    root[vertex] = root[other]
                    reached = place[other]
    return root


def _pushed(rows: list[list[int]], root: list[int], grid: Rows) -> list[float]:
    """Return the middles of all vertices, columns pushed to the left and then back to what stands at their right."""
    onward: dict[int, dict[int, float]] = {root[vertex]: {} for row in rows for vertex in row}
    missing = dict.fromkeys(onward, 0)
    for row in rows:
        for left, right in pairwise(row):
            kept, distance = onward[root[left]], _distance(grid, left, right)
            if root[right] not in kept:
                missing[root[right]] += 1
            kept[root[right]] = max(kept.get(root[right], 0.0), distance)
    order = [column for column, count in missing.items() if not count]
    middles = dict.fromkeys(onward, 0.0)
    for column in order:
        for right, distance in onward[column].items():
            middles[right] = max(middles[right], middles[column] + distance)
            missing[right] -= 1
            if not missing[right]:
                order.append(right)
    for column in reversed(order):
        room = min((middles[right] - distance for right, distance in onward[column].items()), default=inf)
        if room < inf:
            middles[column] = max(middles[column], room)
    return [middles.get(root[vertex], 0.0) for vertex in range(len(root))]


def _distance(grid: Rows, left: int, right: int) -> float:
    apart = _APART_POINTS if grid.is_point(left) or grid.is_point(right) else _APART
    return (grid.sizes[left][0] + grid.sizes[right][0]) / 2 + apart
