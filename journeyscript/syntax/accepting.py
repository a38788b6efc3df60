"""A quick yes to a value that meets its JSON Schema, by functions made of the schema once.

Takes a schema and gives a function of a plain value. Its yes is final; after a no, `validating` looks for what is wrong
with the slower library, which also settles everything that this module does not know. Nearly every file gets the yes.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Accepts: TypeAlias = Callable[[Any], bool]
Made: TypeAlias = Mapping[str, Accepts]
"""The functions of a schema's definitions by name, filled while they are made: definitions can contain themselves."""

_TYPES: dict[str, Accepts] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
_SAY_NOTHING = {
    "$schema", "$id", "$defs", "title", "description", "examples", "default", "markdownDescription", "errorMessage",
    "patternErrorMessage", "x-alternatives", "defaultSnippets",
}  # fmt: skip
_WITH_IF = {"then", "else"}
_WITH_PROPERTIES = {"additionalProperties"}


class _UnknownKeywordError(Exception):
    """The schema says something that only the library understands."""


def make_acceptor(schema: dict[str, Any]) -> Accepts:
    """Return a function that is true only of values that meet the schema, and of nearly all of those."""
    made: dict[str, Accepts] = {}
    try:
        made.update({name: _acceptor(part, made) for name, part in schema.get("$defs", {}).items()})
        accepts = _acceptor(schema, made)
    except _UnknownKeywordError:
        return lambda _: False

    def accepts_or_cannot_tell(value: Any) -> bool:  # noqa: ANN401
        try:
            return accepts(value)
        except RecursionError:
            return False

    return accepts_or_cannot_tell


def _acceptor(schema: Any, made: Made) -> Accepts:  # noqa: ANN401
    if isinstance(schema, bool):
        return lambda _: schema
    parts = [
        _keyword(keyword, asked, schema, made)
        for keyword, asked in schema.items()
        if keyword not in _SAY_NOTHING | _WITH_IF | (_WITH_PROPERTIES if "properties" in schema else set())
    ]
    if len(parts) == 1:
        return parts[0]

    def accepts(value: Any) -> bool:  # noqa: ANN401
        for part in parts:  # noqa: SIM110  a generator for each value is what makes it slow
            if not part(value):
                return False
        return True

    return accepts


def _keyword(keyword: str, asked: Any, schema: dict[str, Any], made: Made) -> Accepts:  # noqa: ANN401
    match keyword:
        case "$ref":
            name = asked.removeprefix("#/$defs/")
            return lambda value: made[name](value)  # noqa: PLW0108  it may not be made yet
        case "type":
            kinds = [_TYPES[name] for name in ([asked] if isinstance(asked, str) else asked)]
            return kinds[0] if len(kinds) == 1 else lambda value: any(kind(value) for kind in kinds)
        case "const" | "enum":
            return _one_of([asked] if keyword == "const" else asked)
        case "allOf" | "anyOf":
            parts = [_acceptor(part, made) for part in asked]
            every = all if keyword == "allOf" else any
            return lambda value: every(part(value) for part in parts)
        case "not":
            refused = _acceptor(asked, made)
            return lambda value: not refused(value)
        case "if":
            return _conditional(asked, schema, made)
        case "properties" | "required" | "additionalProperties" | "propertyNames" | "minProperties":
            return _of_mappings(keyword, asked, schema, made)
        case "items" | "contains" | "x-last" | "minItems" | "maxItems" | "uniqueItems":
            return _of_lists(keyword, asked, made)
        case _:
            return _of_scalars(keyword, asked)


def _one_of(allowed: list[Any]) -> Accepts:
    if not all(isinstance(item, str | bool) for item in allowed):
        raise _UnknownKeywordError
    texts = frozenset(item for item in allowed if isinstance(item, str))
    flags = [item for item in allowed if isinstance(item, bool)]
    return lambda value: value in texts if isinstance(value, str) else any(value is flag for flag in flags)


def _conditional(asked: Any, schema: dict[str, Any], made: Made) -> Accepts:  # noqa: ANN401
    condition = _acceptor(asked, made)
    then, otherwise = (_acceptor(schema.get(name, True), made) for name in ("then", "else"))
    return lambda value: then(value) if condition(value) else otherwise(value)


def _of_mappings(keyword: str, asked: Any, schema: dict[str, Any], made: Made) -> Accepts:  # noqa: ANN401
    match keyword:
        case "required":
            names = frozenset(asked)
            return lambda value: not isinstance(value, dict) or names <= value.keys()
        case "propertyNames":
            named = _acceptor(asked, made)
            return lambda value: not isinstance(value, dict) or all(named(key) for key in value)
        case "minProperties":
            return lambda value: not isinstance(value, dict) or len(value) >= asked
        case _:
            return _of_properties(schema, made)


def _of_properties(schema: dict[str, Any], made: Made) -> Accepts:
    known = {name: _acceptor(part, made) for name, part in schema.get("properties", {}).items()}
    others = _acceptor(schema.get("additionalProperties", True), made)

    def accepts(value: Any) -> bool:  # noqa: ANN401
        if isinstance(value, dict):
            for key, item in value.items():
                if not known.get(key, others)(item):
                    return False
        return True

    return accepts


def _of_lists(keyword: str, asked: Any, made: Made) -> Accepts:  # noqa: ANN401
    match keyword:
        case "minItems":
            return lambda value: not isinstance(value, list) or len(value) >= asked
        case "maxItems":
            return lambda value: not isinstance(value, list) or len(value) <= asked
        case "uniqueItems":
            return lambda value: not asked or not isinstance(value, list) or _unrepeated(value)
        case "items":
            part = _acceptor(asked, made)
            return lambda value: not isinstance(value, list) or all(map(part, value))
        case "contains":
            wanted = _acceptor(asked, made)
            return lambda value: not isinstance(value, list) or any(map(wanted, value))
        case _:
            last = _acceptor(asked, made)
            return lambda value: not isinstance(value, list) or bool(value and last(value[-1]))


def _unrepeated(value: list[Any]) -> bool:
    texts = [item for item in value if isinstance(item, str)]
    return len(set(texts)) == len(texts)


def _of_scalars(keyword: str, asked: Any) -> Accepts:  # noqa: ANN401
    number = _TYPES["number"]
    match keyword:
        case "pattern":
            found = re.compile(asked).search
            return lambda value: not isinstance(value, str) or found(value) is not None
        case "minLength":
            return lambda value: not isinstance(value, str) or len(value) >= asked
        case "minimum":
            return lambda value: not number(value) or bool(value >= asked)
        case "maximum":
            return lambda value: not number(value) or bool(value <= asked)
        case "exclusiveMinimum":
            return lambda value: not number(value) or bool(value > asked)
        case _:
            raise _UnknownKeywordError
