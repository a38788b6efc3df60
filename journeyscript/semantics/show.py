"""A typed expression as text again, in the words of the language: for explanations, pictures and differences.

One canonical form: equal trees give equal text, whatever way they were written.
"""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import isfinite

from journeyscript.semantics import typed
from journeyscript.semantics.types import Type, Value
from journeyscript.syntax.duration import show_duration

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_LEVELS = {typed.Or: 1, typed.And: 2, typed.Not: 3, typed.Compare: 4, typed.In: 4, typed.Coalesce: 5}


def show(node: typed.Expression) -> str:  # noqa: C901, PLR0912 - one line for each kind of node
    """Return the expression as text."""
    match node:
        case typed.Literal(value=int(length), type=kind) if kind.kind == "duration":
            return _one_unit(length)
        case typed.Literal(value=value, type=kind):
            return show_value(value, kind)
        case typed.Items(items=items):
            return "[" + ", ".join(map(show, items)) + "]"
        case typed.Attribute(name=name):
            return f"customer.{name}"
        case typed.Property(name=name):
            return f"event.{name}"
        case typed.EntryProperty(name=name):
            return "entry.at" if name == "at" else f"entry.event.{name}"
        case typed.JourneyFact(name=name):
            return f"journey.{name}"
        case typed.Consent(channel=channel):
            return f"consent.{channel}"
        case typed.Known(of=inner):
            return f"has {show(inner)}" if _is_path(inner) else f"{_inner(inner, 5)} is known"
        case typed.Not(of=typed.Known(of=inner)):
            return f"{_inner(inner, 5)} is unknown"
        case typed.Not(of=typed.InSegment(name=name)):
            return f"customer not in segment {name}"
        case typed.Not(of=inner):
            return f"not {_inner(inner, 3)}"
        case typed.And(items=items):
            return " and ".join(_inner(item, 3) for item in items)
        case typed.Or(items=items):
            return " or ".join(_inner(item, 2) for item in items)
        case typed.Compare(op=op, left=left, right=right):
            return f"{_inner(left, 5)} {op} {_inner(right, 5)}"
        case typed.In(left=left, right=right):
            return f"{_inner(left, 5)} in {_inner(right, 5)}"
        case typed.Arithmetic(right=right) if _is_negation(node):
            return f"-{_inner(right, 8)}"
        case typed.Arithmetic(op=op, left=left, right=right):
            level = 6 if op in "+-" else 7
            return f"{_inner(left, level)} {op} {_inner(right, level + 1)}"
        case typed.Coalesce(left=left, right=right):
            return f"{_inner(left, 6)} ?? {_inner(right, 5)}"
        case typed.InSegment(name=name):
            return f"customer in segment {name}"
        case typed.History():
            return _history(node)
        case typed.Call(function=function, arguments=arguments):
            return f"{function}({', '.join(map(show, arguments))})"


def show_value(value: Value, kind: Type | None = None) -> str:
    """Return a value as the language writes it; a timestamp in UTC."""
    match kind.kind if kind is not None else None, value:
        case _, None:
            return "unknown"
        case "duration", int(length):
            return show_duration(length)
        case "timestamp", int(moment):
            return f'timestamp("{show_instant(moment)}")'
        case "date", str(day):
            return f'date("{day}")'
        case _, float(number) if isfinite(number):
            return _decimal(number)
        case _:
            return json.dumps(value, ensure_ascii=False)


def show_instant(moment: int) -> str:
    """Return an instant in ISO 8601, in UTC, without a fraction where it is a whole second."""
    text = (_EPOCH + timedelta(milliseconds=moment)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z").replace(".000Z", "Z")


def _decimal(number: float) -> str:
    """Return a number without an exponent, which the language does not have."""
    text = format(Decimal(repr(number)), "f")
    return text if "." in text else f"{text}.0"


def _is_path(node: typed.Expression) -> bool:
    return isinstance(node, typed.Attribute | typed.Property | typed.EntryProperty)


def _is_negation(node: typed.Arithmetic) -> bool:
    """Return whether `-x` was written, which stands in the tree as `0 - x` with a zero of the type of `x`."""
    match node:
        case typed.Arithmetic(op="-", left=typed.Literal(value=int(zero), type=kind)):
            return zero == 0 and kind == node.type
        case _:
            return False


def _level(node: typed.Expression) -> int:
    if isinstance(node, typed.Arithmetic):
        if _is_negation(node):
            return 8
        return 6 if node.op in "+-" else 7
    if isinstance(node, typed.InSegment | typed.Known):
        return 4
    if isinstance(node, typed.Not) and isinstance(node.of, typed.InSegment | typed.Known):
        return 4
    return _LEVELS.get(type(node), 9)


def _inner(node: typed.Expression, level: int) -> str:
    return show(node) if _level(node) >= level else f"({show(node)})"


def _history(node: typed.History) -> str:
    inside = node.event
    member = ""
    if node.property is not None:
        if node.function in ("first", "last"):
            member = f".{node.property}"
        else:
            inside += f".{node.property}"
    if node.where is not None:
        inside += f" where {show(node.where)}"
    window = node.window
    if window.last is not None:
        inside += f", last {_one_unit(window.last)}"
    elif window.since_entry:
        inside += ", since entry"
    elif window.start is not None and window.end is not None:
        inside += f", between {_inner(window.start, 5)} and {_inner(window.end, 5)}"
    return f"{node.function}({inside}){member}"


def _one_unit(milliseconds: int) -> str:
    """Return the duration in the largest unit that divides it, as a window takes one number and one unit."""
    if milliseconds == 0:
        return "0 seconds"
    for unit, length in (("days", 86_400_000), ("hours", 3_600_000), ("minutes", 60_000), ("seconds", 1_000)):
        if milliseconds % length == 0:
            count = milliseconds // length
            return f"{count} {unit if count != 1 else unit[:-1]}"
    return f"{milliseconds / 1000} seconds"
