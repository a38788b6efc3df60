"""The pieces that SQL conditions are put together from: values of a sort, and parameters.

A value's SQL comes from a closed set of forms; whatever a project says (names, texts, numbers) is bound. Knows no
tables.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from journeyscript.semantics.types import Kind

Sort: TypeAlias = Literal["text", "whole", "number", "flag"]
"""How SQL holds a value: a text, a whole number of 64 bits, a number that may have been rounded, or 0 and 1."""

HUGE = "1e15"
"""Numbers beyond this are left to Python."""

_SORTS: dict[Kind, Sort] = {
    "string": "text",
    "enum": "text",
    "date": "text",
    "integer": "whole",
    "duration": "whole",
    "timestamp": "whole",
    "number": "number",
    "money": "number",
    "boolean": "flag",
}
_PLAIN = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class Inexpressible(Exception):
    """SQL cannot say it, or not in the same way."""


class Operand(NamedTuple):
    """A value in SQL; `NULL` is unknown.

    `given` is how large the numbers were that a number was made from, where that is not its own size.
    """

    sql: str
    sort: Sort
    given: str = ""

    @property
    def size(self) -> str:
        """How large the numbers are that it was made from: rounding is in proportion to this."""
        return self.given or f"abs(({self.sql}) * 1.0)"


class Bound:
    """Parameters by name, each value once."""

    def __init__(self) -> None:
        self.values: dict[str, str | int | float] = {}
        self._names: dict[tuple[type, str | int | float], str] = {}

    def name(self, value: str | int | float) -> str:  # noqa: PYI041 - a parameter of each of the three
        """Return the parameter that holds a value."""
        key = type(value), value
        if key not in self._names:
            self._names[key] = f"p{len(self._names)}"
            self.values[self._names[key]] = value
        return f":{self._names[key]}"

    def path(self, name: str) -> str:
        """Return the parameter that names a field of a JSON object."""
        if not _PLAIN.fullmatch(name):
            raise Inexpressible
        return self.name(f'$."{name}"')

    def literal(self, value: str | int | float | bool | None) -> Operand:  # noqa: FBT001, PYI041 - of any kind
        """Return a constant."""
        match value:
            case bool():
                return Operand("1" if value else "0", "flag")
            case int() if -(2**63) < value < 2**63:
                return Operand(self.name(value), "whole")
            case float() if abs(value) <= float(HUGE):
                return Operand(self.name(value), "number")
            case str() if "\0" not in value and value.isprintable():
                return Operand(self.name(value), "text")
            case _:
                raise Inexpressible


def sort_of(kind: Kind) -> Sort:
    """Return how SQL holds a kind of value.

    Raises:
        Inexpressible: it does not.
    """
    if kind not in _SORTS:
        raise Inexpressible
    return _SORTS[kind]


def joined(parts: Sequence[str], operator: Literal["AND", "OR"]) -> str:
    """Return conditions joined pair by pair: SQLite refuses what is nested a thousand deep, as a long chain is."""
    if len(parts) == 1:
        return f"({parts[0]})"
    half = len(parts) // 2
    return f"({joined(parts[:half], operator)} {operator} {joined(parts[half:], operator)})"


def json_type(column: str, path: str) -> str:
    """Return the type of a field of a JSON column; `'null'` where there is none."""
    return f"coalesce(json_type({column}, {path}), 'null')"


def whole_quotient(dividend: str, divisor: int) -> str:
    """Return a quotient of whole numbers, rounded down as Python does, and not towards zero."""
    return f"({dividend} / {divisor} - ({dividend} % {divisor} < 0))"
