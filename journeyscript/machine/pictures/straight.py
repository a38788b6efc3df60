"""The last touch to the columns of a picture: ways that could go straight down, and nearly do, are made straight.

What stands in one straight line is moved as a whole, where there is room, and only where fewer arrows turn afterwards.
"""

from collections.abc import Callable, Iterator

from journeyscript.machine.pictures.rows import Rows

_ROUNDS = 3


def straighten(grid: Rows, middles: list[float], distance: Callable[[int, int], float]) -> None:
    """Move the middles of vertices; those of a row keep their order and their distance."""
    beside: dict[int, tuple[int | None, int | None]] = {}
    for row in grid.rows:
        for index, vertex in enumerate(row):
            before, behind = row[index - 1] if index else None, row[index + 1] if index + 1 < len(row) else None
            beside[vertex] = (before, behind)

    def roomy(line: set[int], shift: float) -> bool:
        for vertex in line:
            before, behind = beside[vertex]
            place = middles[vertex] + shift
            if before is not None and before not in line and place - middles[before] < distance(before, vertex):
                return False
            if behind is not None and behind not in line and middles[behind] - place < distance(vertex, behind):
                return False
        return True

    for _ in range(_ROUNDS):
        changed = False
        for upper, lower in _central(grid, middles):
            gap = middles[lower] - middles[upper]
            for start, shift in ((upper, gap), (lower, -gap)) if gap else ():
                line = _line(grid, middles, start)
                if roomy(line, shift) and _gain(grid, middles, line, shift) > 0:
                    place = round(middles[start] + shift, 1)
                    for vertex in line:
                        middles[vertex] = place
                    changed = True
                    break
        if not changed:
            break


def _central(grid: Rows, middles: list[float]) -> Iterator[tuple[int, int]]:
    """Yield what should go straight down: an arrow in the middle of those at both its ends."""

    def middle(vertices: list[int]) -> int | None:
        return sorted(vertices, key=middles.__getitem__)[len(vertices) // 2] if len(vertices) % 2 else None

    for row in grid.rows:
        for upper in row:
            lower = middle(grid.below[upper])
            if lower is not None and middle(grid.above[lower]) == upper:
                yield upper, lower


def _line(grid: Rows, middles: list[float], start: int) -> set[int]:
    """Return all that is joined to a vertex by ways that go straight down."""
    found, open_ends = {start}, [start]
    while open_ends:
        vertex = open_ends.pop()
        for other in (*grid.above[vertex], *grid.below[vertex]):
            if other not in found and middles[other] == middles[vertex]:
                found.add(other)
                open_ends.append(other)
    return found


def _gain(grid: Rows, middles: list[float], line: set[int], shift: float) -> int:
    """Return how many more ways would go straight if a line were moved."""
    gain = 0
    for vertex in line:
        for other in (*grid.above[vertex], *grid.below[vertex]):
            if other not in line:
                gain += abs(middles[other] - middles[vertex] - shift) < 0.05
    return gain
