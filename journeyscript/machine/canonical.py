"""The canonical form of a machine: JSON whose keys are in order, and the hash of it, which is the version."""

from hashlib import sha256

import msgspec

from journeyscript.machine.model import Machine


def canonical_json(machine: Machine) -> bytes:
    """Return the machine as JSON, the same bytes for equal machines."""
    return msgspec.json.encode(machine, order="deterministic")


def version_of(machine: Machine) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of the canonical JSON."""
    return sha256(canonical_json(machine)).hexdigest()[:16]


def machine_from_json(document: bytes | str) -> Machine:
    """Return the machine that its canonical JSON says.

    Raises:
        msgspec.ValidationError: the document is no machine of this format.
    """
    return msgspec.json.decode(document, type=Machine)


def digest_of(document: str) -> str:
    """Return the name of a message's content: the first 16 hexadecimal digits of its SHA-256."""
    return sha256(document.encode()).hexdigest()[:16]
