"""Values of the outside world to values of the catalog's types, or a sentence that says why not.

Texts are read as their type where the source has only text (a CSV column); nothing is guessed beyond that.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from math import isfinite

from journeyscript.semantics.catalog import AttributeDefinition
from journeyscript.semantics.types import Instant, Type, Value
from journeyscript.syntax.duration import DurationProblem, parse_duration

DEEPEST = 32
"""Lists and objects inside each other further than this are a mistake of the sender."""

LARGEST = (1 << 63) - 1
"""Whole numbers are kept in 64 bits, sign included."""

EARLIEST, LATEST = -62_135_510_400_000, 221_845_392_000_000
"""Instants are taken from the second day of the year 1 to the year 9000: a wait that starts there still has an end."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MOST_DIGITS = 100
_LONGEST_SHOWN = 80


class BadValue(ValueError):
    """A value is not of its type, or cannot be kept by every store; the text is one plain sentence."""


def typed_values(given: Mapping[str, object], definitions: Mapping[str, AttributeDefinition]) -> dict[str, Value]:
    """Return the values with the declared ones in their types; undeclared ones are kept as they are.

    Raises:
        BadValue: a declared one is of another type.
    """
    values: dict[str, Value] = {}
    for name, value in given.items():
        definition = definitions.get(name)
        try:
            values[_text(name)] = _plain(value) if definition is None else typed_value(value, definition.type)
        except BadValue as problem:
            raise BadValue(f"`{shortened(name)}`: {problem}") from None
    return values


def typed_value(value: object, kind: Type) -> Value:  # noqa: C901, PLR0912 - one case for each kind
    """Return the value as its type holds it; `None` stays unknown.

    Raises:
        BadValue: it is of another type.
    """
    value = _keepable(value)
    match kind.kind, value:
        case _, None:
            return None
        case (("integer" | "number" | "money" | "duration"), bool()):
            pass
        case "string", str():
            return value
        case "string", (int() | float()) if not isinstance(value, bool):
            return str(value)
        case "enum", str() if value in kind.values:
            return value
        case "boolean", bool():
            return value
        case "boolean", ("true" | "false"):
            return value == "true"
        case "integer", int():
            return value
        case "integer", float() if value.is_integer():
            return _within_64_bits(int(value))
        case "integer", str() if _WHOLE.fullmatch(value.strip()):
            return _whole(value)
        case (("number" | "money"), int() | float()):
            return value
        case (("number" | "money"), str()):
            return _number(value)
        case "timestamp", _:
            return parse_instant(value)
        case "date", str():
            return _date(value)
        case "duration", int():
            return value
        case "duration", str():
            return _duration(value)
        case "list", list():
            return [typed_value(item, kind.items) if kind.items is not None else _plain(item) for item in value]
        case "object", dict():
            return _plain(value)
        case _:
            pass
    raise BadValue(f"{shown(value)} is not {kind}")


def parse_instant(value: object) -> Instant:
    """Return the instant of an ISO 8601 text with an offset, or of whole milliseconds since 1970.

    Raises:
        BadValue: it is neither.
    """
    match value:
        case bool():
            pass
        case int():
            return within_calendar(value)
        case str():
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                raise BadValue(f"{shown(value)} is no time; write it as `2026-03-01T09:00:00+01:00`") from None
            if moment.tzinfo is None:
                raise BadValue(f"{shown(value)} says no zone; add an offset such as `+00:00`")
            return within_calendar(milliseconds_of(moment))
        case _:
            pass
    raise BadValue(f"{shown(value)} is no time")


def milliseconds_of(moment: datetime) -> Instant:
    """Return the instant of an aware time, to the nearest millisecond."""
    return round((moment - _EPOCH) / timedelta(milliseconds=1))


def within_calendar(instant: Instant) -> Instant:
    """Return the instant.

    Raises:
        BadValue: it lies outside of the years that time is reckoned in.
    """
    if EARLIEST <= instant <= LATEST:
        return instant
    raise BadValue(f"{shown(instant)} is no time between the years 1 and 9000")


def shown(value: object) -> str:
    """Return a value as a sentence shows it: printable, and never long."""
    try:
        return shortened(repr(value))
    except (RecursionError, ValueError):
        return "what was given"


def shortened(text: str) -> str:
    """Return a text so that it fits into a sentence, and may be kept and printed."""
    if not text.isprintable():
        text = repr(text[: _LONGEST_SHOWN + 1])[1:-1]
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise BadValue(f"{shown(text)} does not fit into 64 bits")
    return _within_64_bits(int(text))


def _number(text: str) -> int | float:
    if _WHOLE.fullmatch(text.strip()):
        return _whole(text)
    # Python's own reading takes `1_000`, `nan` and the digits of every script; a number here is what JSON writes.
    if not _DECIMAL.fullmatch(text.strip()) or not isfinite(float(text)):
        raise BadValue(f"{shown(text)} is not a number")
    return float(text)


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadValue(f"{shown(text)} is no date; write it as `2026-03-01`") from None


def _duration(text: str) -> int:
    try:
        duration = parse_duration(text)
    except DurationProblem as problem:
        raise BadValue(shortened(problem.message)) from None
    if duration.calendar_days:
        raise BadValue(f"{shown(text)} has no fixed length; write hours or days")
    return duration.milliseconds


def _plain(value: object, depth: int = 0) -> Value:
    if depth > DEEPEST:
        raise BadValue(f"lists and objects lie more than {DEEPEST} deep in each other")
    match value:
        case list():
            return [_plain(item, depth + 1) for item in value]
        case dict():
            return {_text(str(key)): _plain(item, depth + 1) for key, item in value.items()}
        case _:
            scalar = _keepable(value)
            return scalar if scalar is None or isinstance(scalar, str | bool | int | float) else _text(str(scalar))


def _keepable(value: object) -> object:
    """Return a value that every store can keep: valid Unicode, finite, within 64 bits.

    Raises:
        BadValue: it is not.
    """
    match value:
        case str():
            return _text(value)
        case int():
            return _within_64_bits(value)
        case float() if not isfinite(value):
            raise BadValue(f"{shown(value)} is not a number")
        case _:
            return value


def _within_64_bits(value: int) -> int:
    if abs(value) > LARGEST:
        raise BadValue(f"{shown(value)} does not fit into 64 bits")
    return value


def _text(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadValue(f"{shown(text)} is not valid Unicode") from None
    return text
