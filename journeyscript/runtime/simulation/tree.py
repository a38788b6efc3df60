"""Lives that went the same way, lived once: a customer who would answer every question alike needs no step again.

A life is lived with symbols for what differs between customers: when they come, and what is drawn for them. Whatever
`step` and the runtime ask of a symbol is written down with the answer, and behind the answers what came of the life.
So a tree of questions grows out of lives that the one pure function decided, and is compiled to Python. Somebody whose
answers were all given before is counted by it, everybody else lives. Nothing here knows what a journey is.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from journeyscript.runtime.simulation.symbols import Answer, Computed, Mark, Trace

DEEPEST = 90
"""Characters of indentation in compiled questions; Python reads no more than a hundred. Deeper paths are unknown."""


class _Node:
    """A question, and where each answer leads; a leaf has no question, but marks."""

    __slots__ = ("computed", "leaf", "marks", "question", "ways")

    def __init__(self, computed: Computed, question: str) -> None:
        self.computed, self.question = computed, question
        self.ways: dict[Answer, _Node] = {}
        self.leaf = -1
        self.marks: tuple[tuple[str, str], ...] = ()


class Tree:
    """All paths that are known. `find` gives the number of the path that somebody goes, or -1.

    `functions` are what expressions may call, by name. `find` takes the parameters by which lives differ, which are
    variables of every trace, and counts the path's marks.
    """

    def __init__(self, parameters: Sequence[str], functions: Mapping[str, object]) -> None:
        self.marked: Counter[tuple[str, int]] = Counter()
        self.find: Callable[..., int] = lambda *_: -1
        self.size = 0
        self._parameters, self._functions = parameters, functions
        self._root: _Node | None = None
        self._compiled = 0

    def grow(self, trace: Trace, marks: Sequence[Mark]) -> tuple[int, bool]:
        """Take in the path of a life; return its number and whether it is new.

        Raises:
            AssertionError: the life went another way by the same answers, so that something was not asked.
        """
        marked = tuple((name, symbol.code) for name, symbol in marks)
        node, way = None, None
        for computed, question, answer in trace.questions:
            here = self._at(node, way, computed, question)
            node, way = here, answer
        last = self._at(node, way, trace.rest(), "")
        assert last.leaf < 0 or last.marks == marked, "the same answers left other marks"
        is_new = last.leaf < 0
        if is_new:
            last.leaf, last.marks = self.size, marked
            self.size += 1
        return last.leaf, is_new

    def _at(self, before: _Node | None, way: Answer, computed: Computed, question: str) -> _Node:
        known = self._root if before is None else before.ways.get(way)
        if known is None:
            known = _Node(computed, question)
            if before is None:
                self._root = known
            else:
                before.ways[way] = known
        assert (known.computed, known.question) == (computed, question), "the same answers led to another question"
        return known

    def compile(self) -> None:
        """Make `find` know all paths that were taken in."""
        if self._root is None or self._compiled == self.size:
            return
        lines = [f"def find({', '.join(self._parameters)}):", *_code(self._root, "    ")]
        names = {**self._functions, "marked": self.marked}
        # What is compiled are variables, numbers and names of functions: nothing that a user wrote as it stands.
        exec(compile("\n".join(lines), "<paths>", "exec"), names)  # noqa: S102
        self.find = names["find"]  # type: ignore[assignment]
        self._compiled = self.size


def _code(node: _Node, indent: str) -> Iterator[str]:
    """Yield the lines that find the path from a question on. The longest way goes on without a deeper indentation."""
    while True:
        yield from (f"{indent}{name} = {expression}" for name, expression in node.computed)
        if node.leaf >= 0:
            yield from (f"{indent}marked[{name!r}, {code}] += 1" for name, code in node.marks)
            yield f"{indent}return {node.leaf}"
            return
        *others, (answer, longest) = _longest_last(node)
        yield f"{indent}answer = {node.question}"
        for other, way in others:
            yield f"{indent}if answer == {other!r}:"
            yield from _code(way, indent + " ") if len(indent) < DEEPEST else (f"{indent} return -1",)
        yield f"{indent}if answer != {answer!r}: return -1"
        node = longest


def _longest_last(node: _Node) -> list[tuple[Answer, _Node]]:
    ways = list(node.ways.items())
    return ways if len(ways) == 1 else sorted(ways, key=lambda way: _depth(way[1]))


def _depth(node: _Node) -> int:
    """Return how many questions the longest way from here asks."""
    deepest, below = 0, [(node, 0)]
    while below:
        one, depth = below.pop()
        deepest = max(deepest, depth)
        below += [(way, depth + 1) for way in one.ways.values()]
    return deepest
