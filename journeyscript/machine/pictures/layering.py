"""Which row each node of a picture stands in: the first part of the layout.

Takes arrows between numbered nodes, the first of which is where everything begins; finds those that lead back, and
gives every node a rank so that all others lead down. What follows a loop stands below the whole of it.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence

Pair = tuple[int, int]


def backward(count: int, arrows: Sequence[Pair]) -> frozenset[int]:
    """Return the indices of the arrows that close a round, seen from the first node on in the order of the arrows."""
    onward: list[list[int]] = [[] for _ in range(count)]
    for index, (source, _) in enumerate(arrows):
        onward[source].append(index)
    found: set[int] = set()
    begun, done = [False] * count, [False] * count
    for start in range(count):
        stack = [] if begun[start] else [(start, iter(onward[start]))]
        begun[start] = True
        while stack:
            node, left = stack[-1]
            index = next(left, -1)
            if index < 0:
                done[node] = True
                stack.pop()
                continue
            target = arrows[index][1]
            if not begun[target]:
                begun[target] = True
                stack.append((target, iter(onward[target])))
            elif not done[target]:
                found.add(index)
    return frozenset(found)


def loops(count: int, arrows: Sequence[Pair], back: Collection[int]) -> dict[int, frozenset[int]]:
    """Return for every node that a round leads back to which nodes lie on its rounds, itself left out."""
    before: list[list[int]] = [[] for _ in range(count)]
    for index, (source, target) in enumerate(arrows):
        if index not in back:
            before[target].append(source)
    found: dict[int, frozenset[int]] = {}
    for head in dict.fromkeys(arrows[index][1] for index in sorted(back)):
        body: set[int] = set()
        open_ends = [arrows[index][0] for index in back if arrows[index][1] == head]
        while open_ends:
            node = open_ends.pop()
            if node != head and node not in body:
                body.add(node)
                open_ends += before[node]
        found[head] = frozenset(body)
    return found


def ranks(count: int, arrows: Sequence[Pair], back: Collection[int], rounds: dict[int, frozenset[int]]) -> list[int]:
    """Return the rank of every node: 0 for the first alone, for any other one more than the lowest leading to it."""
    forward = [arrow for index, arrow in enumerate(arrows) if index not in back]
    held = [
        (arrows[index][0], target)
        for index in sorted(back)
        for head in (arrows[index][1],)
        for source, target in forward
        if source == head and target not in rounds[head] and arrows[index][0] != head
    ]
    found = _longest(count, [*forward, *held]) or _longest(count, forward) or [0] * count
    # What stands alone, such as an end that nobody reaches, stands at the bottom.
    alone = set(range(1, count)) - {node for arrow in arrows for node in arrow}
    return [max(found) if node in alone else rank for node, rank in enumerate(found)]


def _longest(count: int, pairs: Iterable[Pair]) -> list[int] | None:
    """Return the longest way to each node, or `None` where the pairs go round."""
    onward: list[list[int]] = [[] for _ in range(count)]
    missing = [0] * count
    for source, target in pairs:
        onward[source].append(target)
        missing[target] += 1
    rank = [0, *[1] * (count - 1)]
    ready = deque(node for node in range(count) if not missing[node])
    seen = 0
    while ready:
        node = ready.popleft()
        seen += 1
        for target in onward[node]:
            rank[target] = max(rank[target], rank[node] + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    return rank if seen == count else None
