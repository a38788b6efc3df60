"""Numbers that are other ones in other lives, and what a life asked of them.

A life that is lived with symbols leaves a trace: every comparison is a question, with the answer that this life gave.
What a symbol cannot do as one, it does as its number, and the trace says that only this very life can answer.
"""

import operator
from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

Answer: TypeAlias = Hashable
Computed: TypeAlias = tuple[tuple[str, str], ...]
"""Variables and the expressions that give them, in the order in which they can be computed."""

Mark: TypeAlias = tuple[str, "Symbol"]
"""Something to be counted by a name and a number that is another one in other lives."""


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
