"""What generated code calls: the operations of the expression language that are more than an operator.

Every function is total over the values its type allows and gives `None` (unknown) for an unknown argument.
"""

from collections.abc import Callable, Iterable
from datetime import date as Date  # noqa: N812 - `date` is a word of the language
from math import isfinite
from typing import Any

from journeyscript.engine.calendar import DAY, local_date, resolve_zone
from journeyscript.engine.values import Event, Facts
from journeyscript.semantics.types import Instant, Value

HOUR = 3_600_000
MAX_NUMBER = 2**63 - 1

Predicate = Callable[[Event], object]


def today(facts: Facts, now: Instant, default_zone: str) -> Date:
    """Return the date in the customer's zone."""
    zone, _ = resolve_zone(facts.attributes.get("timezone"), default_zone)
    return local_date(now, zone)


def days_since(value: Value, facts: Facts, now: Instant, default_zone: str) -> int | None:
    """Return whole days from a timestamp, or calendar days from a date, to now."""
    match value:
        case None:
            return None
        case str():
            return (today(facts, now, default_zone) - Date.fromisoformat(value)).days
        case int():
            return (now - value) // DAY
        case _:
            return None


def days_until(value: Value, facts: Facts, now: Instant, default_zone: str) -> int | None:
    """Return whole days from now to a timestamp, or calendar days to a date."""
    match value:
        case str():
            return (Date.fromisoformat(value) - today(facts, now, default_zone)).days
        case int():
            return (value - now) // DAY
        case _:
            return None


def hours_since(value: Value, _facts: Facts, now: Instant, _default_zone: str) -> int | None:
    """Return whole hours from a timestamp to now."""
    return (now - value) // HOUR if isinstance(value, int) else None


def lower(value: Value, *_: object) -> str | None:
    """Return the text in lower case."""
    return value.lower() if isinstance(value, str) else None


def upper(value: Value, *_: object) -> str | None:
    """Return the text in capitals."""
    return value.upper() if isinstance(value, str) else None


def length(value: Value, *_: object) -> int | None:
    """Return how many characters or items there are."""
    return len(value) if isinstance(value, str | list) else None


def nearest(value: Value, *_: object) -> int | None:
    """Return the nearest whole number, halves to even."""
    return round(value) if isinstance(value, int | float) else None


def magnitude(value: Value, *_: object) -> int | float | None:
    """Return the value without its sign."""
    return abs(value) if isinstance(value, int | float) else None


CALLS: dict[str, Callable[..., Value]] = {
    "days_since": days_since,
    "days_until": days_until,
    "hours_since": hours_since,
    "lower": lower,
    "upper": upper,
    "length": length,
    "round": nearest,
    "abs": magnitude,
}
"""The functions of the language by name; a test holds them equal to those the type checker knows."""


def divide(left: float, right: float) -> float | None:
    """Return the quotient, unknown for a division by zero."""
    return left / right if right else None


def multiply(left: Value, right: Value) -> float | None:
    """Return the product, unknown for what is no number: a text times a number would be a longer text."""
    return left * right if isinstance(left, int | float) and isinstance(right, int | float) else None


def representable(value: Value) -> Value:
    """Return the value, or unknown for a number that no store could keep: too large, infinite, or none at all."""
    if value is True or value is False or value is None:
        return value
    match value:
        case int() if not -MAX_NUMBER <= value <= MAX_NUMBER:
            return None
        case float() if not isfinite(value):
            return None
        case _:
            return value


def whole(milliseconds: float | None) -> int | None:
    """Return a duration in whole milliseconds, unknown for one that is endless."""
    return round(milliseconds) if milliseconds is not None and isfinite(milliseconds) else None


def shift_date(day: str, milliseconds: int, sign: int) -> str | None:
    """Return the date that many whole days later or earlier, unknown outside of the calendar.

    What is less than a day does not count.
    """
    ordinal = Date.fromisoformat(day).toordinal() + sign * int(milliseconds / DAY)
    return Date.fromordinal(ordinal).isoformat() if 1 <= ordinal <= Date.max.toordinal() else None


def member(value: Value, items: Value) -> bool | None:
    """Return whether a list holds a value; unknown where it may be one of the list's unknown items."""
    if not isinstance(items, list):
        return None
    if value in items:
        return True
    return None if None in items else False


def contains(holder: Value, part: Value) -> bool | None:
    """Return whether a text has another one in it, or a list a value."""
    if isinstance(holder, str):
        return part in holder if isinstance(part, str) else None
    return member(part, holder)


def between_dates(left: str, right: str) -> int:
    """Return the time from the right date to the left one in milliseconds."""
    return (Date.fromisoformat(left) - Date.fromisoformat(right)).days * DAY


def select(facts: Facts, event: str, start: Instant | None, end: Instant, where: Predicate | None) -> Iterable[Event]:
    """Return the customer's events of a name from `start` to `end`, both included, oldest first."""
    events = [e for e in facts.history.get(event, ()) if e.at <= end and (start is None or e.at >= start)]
    return events if where is None else (e for e in events if where(e) is True)


def values_of(events: Iterable[Event], name: str) -> list[Value]:
    """Return what the events have under a name, without the unknown ones."""
    found = (_value(event, name) for event in events)
    return [value for value in found if value is not None]


def _value(event: Event, name: str) -> Value:
    return event.at if name == "at" else event.properties.get(name)


def aggregate(function: str, events: Iterable[Event], name: str | None) -> Value:
    """Return what a history function gives; unknown where there is nothing to take it from."""
    match function:
        case "did":
            return next(iter(events), None) is not None
        case "count":
            return len(list(events))
        case "first" | "last":
            assert name is not None
            found = list(events)
            return _value(found[0 if function == "first" else -1], name) if found else None
        case _:
            assert name is not None
            values: list[Any] = values_of(events, name)  # of one type, which the checker knows
    summary: Value = _summary(function, values)
    return summary


def _summary(function: str, values: list[Any]) -> Any:  # noqa: ANN401 - of the values' own type
    match function:
        case "sum":
            return sum(values)
        case "average":
            return sum(values) / len(values) if values else None
        case "min":
            return min(values, default=None)
        case "max":
            return max(values, default=None)
        case _:
            raise AssertionError(f"the language has no history function {function}")
