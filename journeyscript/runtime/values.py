"""Values of the outside world to values of the catalog's types, or a sentence that says why not.

Texts are read as their type where the source has only text (a CSV column); nothing is guessed beyond that.
"""

from collections.abc import Mapping
from datetime import date, datetime

from journeyscript.semantics.catalog import AttributeDefinition
from journeyscript.semantics.types import Instant, Type, Value
from journeyscript.syntax.duration import DurationProblem, parse_duration


class BadValue(ValueError):
    """A value is not of its type; the text is one plain sentence."""


def typed_values(given: Mapping[str, object], definitions: Mapping[str, AttributeDefinition]) -> dict[str, Value]:
    """Return the values with the declared ones in their types; undeclared ones are kept as they are.

    Raises:
        BadValue: a declared one is of another type.
    """
    values: dict[str, Value] = {}
    for name, value in given.items():
        definition = definitions.get(name)
        try:
            values[name] = _plain(value) if definition is None else typed_value(value, definition.type)
        except BadValue as problem:
            raise BadValue(f"`{name}`: {problem}") from None
    return values


def typed_value(value: object, kind: Type) -> Value:  # noqa: C901, PLR0911, PLR0912 - one case for each kind
    """Return the value as its type holds it; `None` stays unknown.

    Raises:
        BadValue: it is of another type.
    """
    match kind.kind, value:
        case _, None:
            return None
        case ("integer" | "number" | "money"), bool():
            pass
        case "string", str() | int() | float():
            return value if isinstance(value, str) else str(value)
        case "enum", str() if value in kind.values:
            return value
        case "boolean", bool():
            return value
        case "boolean", ("true" | "false"):
            return value == "true"
        case "integer", int():
            return value
        case "integer", float() if value.is_integer():
            return int(value)
        case "integer", str() if value.strip().lstrip("+-").isdecimal():
            return int(value)
        case ("number" | "money"), int() | float():
            return value
        case ("number" | "money"), str():
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
            return {str(key): _plain(item) for key, item in value.items()}
        case _:
            pass
    raise BadValue(f"{_shown(value)} is not {kind}")


def parse_instant(value: object) -> Instant:
    """Return the instant of an ISO 8601 text with an offset, or of whole milliseconds since 1970.

    Raises:
        BadValue: it is neither.
    """
    match value:
        case bool():
            pass
        case int():
            return value
        case str():
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                raise BadValue(f"{_shown(value)} is no time; write it as `2026-03-01T09:00:00+01:00`") from None
            if moment.tzinfo is None:
                raise BadValue(f"{_shown(value)} says no zone; add an offset such as `+00:00`")
            return round(moment.timestamp() * 1000)
        case _:
            pass
    raise BadValue(f"{_shown(value)} is no time")


def _number(text: str) -> int | float:
    try:
        number = float(text)
    except ValueError:
        raise BadValue(f"{_shown(text)} is not a number") from None
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124 - how a not-a-number shows itself
        raise BadValue(f"{_shown(text)} is not a number")
    return int(number) if number.is_integer() and "." not in text else number


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadValue(f"{_shown(text)} is no date; write it as `2026-03-01`") from None


def _duration(text: str) -> int:
    try:
        return parse_duration(text).milliseconds
    except DurationProblem as problem:
        raise BadValue(problem.message) from None


def _plain(value: object) -> Value:
    match value:
        case None | str() | bool() | int() | float():
            return value
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case _:
            return str(value)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
