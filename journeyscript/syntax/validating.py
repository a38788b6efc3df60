"""The JSON Schemas of a project's files, and where a value departs from one.

Takes plain values and gives violations: a place, the schema's keyword that is not met, and what it asks for. The same
schemas are what editors use. Knows nothing of positions, or of how a violation is told.
"""

import json
from collections import deque
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from msgspec import Struct

from journeyscript.source.nodes import Plain
from journeyscript.syntax.accepting import Accepts, make_acceptor

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

FileKind: TypeAlias = Literal[
    "journey", "test", "customer", "events", "segments", "channel", "project", "mapping", "message", "population"
]
SCHEMA_KINDS: tuple[FileKind, ...] = get_args(FileKind)

Place: TypeAlias = tuple[str | int, ...]
Schema: TypeAlias = dict[str, Any]

_SCHEMAS = Path(__file__).with_name("schemas")


class Violation(Struct, frozen=True):
    """Where a value departs from its schema.

    `keyword` is the schema's keyword that is not met, `asked` what it asks for and `schema` the schema it belongs to.
    `value` is what was found: for `propertyNames` the key. The keyword `not` marks a key that may not be there.
    """

    place: Place
    keyword: str
    asked: Any
    schema: Schema
    value: Any


@cache
def schema(kind: FileKind) -> Schema:
    """Return the JSON Schema (2020-12) of a kind of file. It is shared and must not be changed."""
    loaded: Schema = json.loads((_SCHEMAS / f"{kind}.schema.json").read_text("utf-8"))
    return loaded


def violations(kind: FileKind, value: Plain) -> Iterator[Violation]:
    """Yield every departure of a value from the schema of its kind."""
    if _acceptor(kind)(value):
        return
    yield from _departures(kind, value)


def _departures(kind: FileKind, value: Plain) -> Iterator[Violation]:
    validator: Any = _validator(kind)  # Its errors are typed as if half of them were unset.
    pending: deque[tuple[Place, Schema, Any]] = deque([((), validator.schema, value)])
    while pending:
        above, part, instance = pending.popleft()
        for error in validator.evolve(schema=part).iter_errors(instance):
            place = (*above, *error.path)
            if error.validator == "later":  # `keywords.LATER`
                pending.append((place, error.validator_value, error.instance))
            else:
                yield Violation(place, str(error.validator), error.validator_value, error.schema, error.instance)


@cache
def _acceptor(kind: FileKind) -> Accepts:
    return make_acceptor(schema(kind))


@cache
def _validator(kind: FileKind) -> "Validator":
    from journeyscript.syntax.keywords import make_validator

    return make_validator(schema(kind))
