"""Which types operators join, and what comes of it. Plain functions over types; knows nothing of text."""

from typing import NamedTuple

from journeyscript.semantics.functions import NUMERIC, TEXTUAL
from journeyscript.semantics.types import DATE, DURATION, INTEGER, MONEY, NUMBER, STRING, TIMESTAMP, Type


class Problem(NamedTuple):
    """Why two types cannot be compared."""

    code: str
    message: str
    help_text: str | None = None


def _family(kind: str) -> str:
    if kind in NUMERIC:
        return "number"
    return "string" if kind in TEXTUAL else kind


def comparable(left: Type, right: Type) -> bool:
    """Return whether values of the two types can be equal."""
    return "any" in (left.kind, right.kind) or _family(left.kind) == _family(right.kind)


def comparison_problem(op: str, left: Type, right: Type) -> Problem | None:
    """Return why the comparison means nothing, or `None` where it does."""
    if op == "contains" and left.kind == "list":
        fits = left.items is None or comparable(left.items, right)
        return None if fits else Problem("JS303", f"a {left} never contains {right}")
    if op in ("contains", "starts with", "ends with"):
        fits = {_family(left.kind), _family(right.kind)} <= {"string", "any"}
        return None if fits else Problem("JS303", f"`{op}` compares texts, not {left} and {right}")
    if not comparable(left, right):
        units = {left.kind, right.kind}
        if "duration" in units and units & set(NUMERIC):
            return Problem("JS310", "a duration is compared with a number", "give the number a unit: `30 days`")
        if units == {"timestamp", "date"}:
            return Problem("JS303", "a timestamp is compared with a date", "compare days: `days_since(…)`")
        return Problem("JS303", f"{left} and {right} cannot be compared")
    if op not in ("==", "!=") and _family(left.kind) in ("boolean", "object", "list"):
        return Problem("JS303", f"{left} has no order", "use `==` or `!=`")
    return None


def arithmetic_type(op: str, left: Type, right: Type) -> Type | None:
    """Return the type of `left op right`, or `None` where it means nothing."""
    match op, left.kind, right.kind:
        case "+", "timestamp", "duration":
            return TIMESTAMP
        case "-", "timestamp", "duration":
            return TIMESTAMP
        case "+" | "-", "date", "duration":
            return DATE
        case "-", "timestamp", "timestamp":
            return DURATION
        case "-", "date", "date":
            return DURATION
        case "+" | "-", "duration", "duration":
            return DURATION
        case "*", "duration", "integer" | "number":
            return DURATION
        case "/", "duration", "integer" | "number":
            return DURATION
        case "/", "duration", "duration":
            return NUMBER
        case "+", ("string" | "enum"), ("string" | "enum"):
            return STRING
        case "/", "money", "money":
            return NUMBER
        case "*", "money", "money":
            return None
        case "/", a, b if a in NUMERIC and b in NUMERIC:
            return MONEY if a == "money" else NUMBER
        case "+" | "-" | "*", a, b if a in NUMERIC and b in NUMERIC:
            if "money" in (a, b):
                return MONEY
            return INTEGER if a == b == "integer" else NUMBER
        case _:
            return None
