"""The canonical form of a machine: JSON whose keys are in order, and the hash of it, which is the version."""

from functools import cache
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from journeyscript.machine.model import Machine
from journeyscript.semantics.typed import Expression

_T = TypeVar("_T")

_MACHINES = msgspec.json.Decoder(Machine)


def canonical_json(machine: Machine) -> bytes:
    """Return the machine as JSON, the same bytes for equal machines."""
    return msgspec.json.encode(_with_defaults(machine), order="deterministic")


def version_of(machine: Machine) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of the canonical JSON."""
    return sha256(canonical_json(machine)).hexdigest()[:16]


def machine_from_json(document: bytes | str) -> Machine:
    """Return the machine that its canonical JSON says.

    Raises:
        msgspec.ValidationError: the document is no machine of this format.
    """
    return _MACHINES.decode(document)


def condition_digest(condition: Expression, timezone: str) -> str:
    """Return the name of a condition in a project of this zone: equal conditions have one, whatever they are called."""
    document = msgspec.json.encode(_with_defaults(condition), order="deterministic")
    return sha256(document + timezone.encode()).hexdigest()[:16]


def digest_of(document: str) -> str:
    """Return the name of a message's content: the first 16 hexadecimal digits of its SHA-256."""
    return sha256(document.encode()).hexdigest()[:16]


def _with_defaults(value: _T) -> _T:
    """Return the value with each field that equals its default holding the default itself.

    The encoder leaves a field out where it holds the very object that is the default; an equal one would be written.
    """
    if isinstance(value, tuple):
        return tuple(map(_with_defaults, value))  # type: ignore[return-value]  # a tuple again
    if not isinstance(value, msgspec.Struct):
        return value
    fields: dict[str, Any] = {}
    for name, default in _defaults(type(value)):
        found = _with_defaults(getattr(value, name))
        fields[name] = default if type(found) is type(default) and found == default else found
    return type(value)(**fields)


@cache
def _defaults(kind: type[msgspec.Struct]) -> tuple[tuple[str, object], ...]:
    return tuple((field.name, field.default) for field in msgspec.structs.fields(kind))
