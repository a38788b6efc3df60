"""The keywords of JSON Schema that our schemas need to answer in our own way, for `jsonschema`.

Imports that library, so only what is about to validate imports this module. Each function takes the validator, what the
keyword asks for, the value and the schema around, and yields errors.
"""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.protocols import Validator

LATER = "later"
"""The keyword of an error that is none: its value has still to be checked against what the error asks for."""

_RECURSIVE = ("steps", "item_type")
"""Definitions that can contain themselves: they are checked one after the other, so that depth costs no recursion."""


def make_validator(schema: dict[str, Any]) -> Validator:
    """Return a validator for one of our schemas, in which every reference is to the schema's own definitions."""
    definitions: dict[str, Any] = schema.get("$defs", {})

    def reference(validator: Any, target: str, value: Any, _: Any) -> Iterator[ValidationError]:  # noqa: ANN401
        name = target.removeprefix("#/$defs/")
        if name in _RECURSIVE:
            yield ValidationError("", validator=LATER, validator_value=definitions[name], instance=value)
        else:
            yield from validator.descend(value, definitions[name])

    keywords = {"$ref": reference, "x-last": _last, "propertyNames": _names, "uniqueItems": _unique}
    # Written as a whole number, not merely equal to one: 45.0 is refused.
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole_number)
    # With the draft named in it, a schema would be given back to the draft's own validator.
    anonymous = {key: part for key, part in schema.items() if key != "$schema"}
    extend: Any = validators.extend  # It is not typed.
    made: Validator = extend(Draft202012Validator, keywords, type_checker=types)(anonymous)
    return made


def _is_whole_number(_: Any, value: object) -> bool:  # noqa: ANN401
    return isinstance(value, int) and not isinstance(value, bool)


def _last(validator: Any, asked: Any, value: Any, _: Any) -> Iterator[ValidationError]:  # noqa: ANN401
    """Ask something of a list's last item, for which JSON Schema has no word; editors see only a `contains`."""
    if isinstance(value, list) and not (value and validator.evolve(schema=asked).is_valid(value[-1])):
        yield ValidationError("")


def _names(validator: Any, asked: Any, value: Any, _: Any) -> Iterator[ValidationError]:  # noqa: ANN401
    """Ask something of every key, and name the key in the error."""
    checker = validator.evolve(schema=asked)
    for key in value if isinstance(value, dict) else ():
        for error in checker.iter_errors(key):
            yield ValidationError("", validator="propertyNames", schema=error.schema, instance=key)


def _unique(_: Any, asked: Any, value: Any, __: Any) -> Iterator[ValidationError]:  # noqa: ANN401
    """Ask for different texts, and point at each repetition; the draft's own way takes quadratic time."""
    seen: set[str] = set()
    for index, item in enumerate(value if asked and isinstance(value, list) else ()):
        if isinstance(item, str) and item in seen:
            yield ValidationError("", path=[index], instance=item)
        elif isinstance(item, str):
            seen.add(item)
