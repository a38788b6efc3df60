"""Lives that went the same way, lived once: a customer who would answer every question alike needs no step again.

A life is lived with symbols for what differs between customers: when they come, and what is drawn for them. Whatever
`step` and the runtime ask of a symbol is written down with the answer, and behind the answers what came of the life.
So a tree of questions grows out of lives that the one pure function decided, and is compiled to Python. Somebody whose
answers were all given before is counted by it, everybody else lives. Nothing here knows what a journey is.
"""

import operator
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Answer: TypeAlias = Hashable
Computed: TypeAlias = tuple[tuple[str, str], ...]
"""Variables and the expressions that give them, in the order in which they can be computed."""

Mark: TypeAlias = tuple[str, "Symbol"]
"""Something to be counted by a name and a number that is another one in other lives."""


DEEPEST = 90
"""Characters of indentation in compiled questions; Python reads no more than a hundred. Deeper paths are unknown."""


class Trace:
    """The questions of one life, in order, and what has to be computed before each."""

    def __init__(self) -> None:
        self.questions: list[tuple[Computed, str, Answer]] = []
        """What has to be computed (variables and expressions), the question as an expression, its answer."""
        self.pinned = False
        """Whether something was asked that only this very life can answer."""
        self._variables: dict[str, str] = {}
        self._waiting: list[tuple[str, str]] = []

    def variable(self, expression: str) -> str:
        """Return the variable that holds the value of an expression."""
        name = self._variables.get(expression)
        if name is None:
            name = self._variables[expression] = f"v{len(self._variables)}"
            self._waiting.append((name, expression))
        return name

    def ask(self, question: str, answer: Answer) -> None:
        """Write down a question and its answer."""
        self.questions.append((tuple(self._waiting), question, answer))
        self._waiting.clear()

    def rest(self) -> Computed:
        """Return what is to be computed behind the last question."""
        return tuple(self._waiting)


class Symbol:
    """A number of one life that is another one in other lives: `offset` more than a variable of the trace.

    It counts and compares as the number; every comparison is a question of the trace. What it cannot do as a symbol, it
    does as the number, and the trace is pinned.
    """

    __slots__ = ("number", "offset", "trace", "variable")

    def __init__(self, trace: Trace, number: float, expression: str) -> None:
        """Stand for a number that others compute by an expression."""
        self.trace, self.number, self.offset = trace, number, 0
        self.variable = trace.variable(expression)

    @property
    def code(self) -> str:
        """The expression that gives the number in another life."""
        return f"({self.variable}{self.offset:+})" if self.offset else self.variable

    def _shifted(self, by: int) -> "Symbol":
        other = Symbol.__new__(Symbol)
        other.trace, other.variable = self.trace, self.variable
        other.number, other.offset = self.number + by, self.offset + by
        return other

    def _derived(self, number: float, expression: str) -> "Symbol":
        return Symbol(self.trace, number, expression)

    def _pin(self) -> Any:  # noqa: ANN401 - it is whatever number it is
        self.trace.pinned = True
        return self.number

    # Counting ----------------------------------------------------------------------------------------------------

    def __add__(self, other: object) -> Any:  # noqa: ANN401
        if type(other) is int:
            return self._shifted(other)
        if isinstance(other, Symbol):
            return self._derived(self.number + other.number, f"{self.code} + {other.code}")
        return NotImplemented

    __radd__ = __add__

    def __sub__(self, other: object) -> Any:  # noqa: ANN401
        if type(other) is int:
            return self._shifted(-other)
        if isinstance(other, Symbol):
            if other.variable == self.variable:
                return self.offset - other.offset
            return self._derived(self.number - other.number, f"{self.code} - {other.code}")
        return NotImplemented

    def __rsub__(self, other: object) -> Any:  # noqa: ANN401
        return -self + other

    def __neg__(self) -> "Symbol":
        return self._derived(-self.number, f"-{self.code}")

    def __mul__(self, other: object) -> Any:  # noqa: ANN401
        return self._derived(self.number * other, f"{self.code} * {other}") if type(other) is int else NotImplemented

    __rmul__ = __mul__

    def __floordiv__(self, other: object) -> Any:  # noqa: ANN401
        return self._derived(self.number // other, f"{self.code} // {other}") if type(other) is int else NotImplemented

    # Asking --------------------------------------------------------------------------------------------------------

    def _compared(self, other: object, sign: str, compare: Callable[[Any, Any], bool]) -> bool:
        if isinstance(other, Symbol):
            answer = compare(self.number, other.number)
            if other.variable == self.variable:
                return answer
            code = other.code
        elif type(other) in {int, float}:
            answer, code = compare(self.number, other), repr(other)
        else:
            return NotImplemented  # type: ignore[no-any-return]  # as Python has it
        self.trace.ask(f"{self.code} {sign} {code}", answer)
        return answer

    def __lt__(self, other: object) -> bool:
        return self._compared(other, "<", operator.lt)

    def __le__(self, other: object) -> bool:
        return self._compared(other, "<=", operator.le)

    def __gt__(self, other: object) -> bool:
        return self._compared(other, ">", operator.gt)

    def __ge__(self, other: object) -> bool:
        return self._compared(other, ">=", operator.ge)

    def __eq__(self, other: object) -> bool:
        return self._compared(other, "==", operator.eq)

    def __ne__(self, other: object) -> bool:
        return self._compared(other, "!=", operator.ne)

    def __bool__(self) -> bool:
        return self._compared(0, "!=", operator.ne)

    # What only the number can do -------------------------------------------------------------------------------------

    def __hash__(self) -> int:
        return hash(self._pin())

    def __index__(self) -> int:
        return operator.index(self._pin())

    def __int__(self) -> int:
        return int(self._pin())

    def __float__(self) -> float:
        return float(self._pin())

    def __str__(self) -> str:
        return str(self._pin())

    def __repr__(self) -> str:
        return repr(self._pin())

    def __format__(self, how: str) -> str:
        return format(self._pin(), how)


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
