"""What single journeys and tests of a project came to, so that only those that changed are looked at again.

Takes the snapshot that is being checked and the hash of its surroundings (this program, the settings, the catalog, the
channels and messages). A part is kept under its kind and the paths and bytes of the files that it is made of; all parts
of one run lie in one file, which holds exactly what that run needed.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from journeyscript.cli.validating.kept import add, recalled, remember
from journeyscript.compiler import JourneyPart, TestsPart
from journeyscript.source.snapshot import Snapshot

SUFFIX = "parts"
KEPT = 3
"""The parts of so many catalogs, channels and settings are kept."""

_Part = TypeVar("_Part", bound=msgspec.Struct)


class KeptParts:
    """The parts of one snapshot: some known from before, the others made. `surroundings` is a hash in hexadecimal."""

    def __init__(self, snapshot: Snapshot, surroundings: str) -> None:
        self._snapshot, self._surroundings = snapshot, surroundings
        self._known: dict[str, msgspec.Raw] = {}
        self._used: dict[str, msgspec.Raw | bytes] = {}
        self._made = False
        payload = recalled(snapshot.root, surroundings, SUFFIX)
        if payload is not None:
            try:
                self._known = msgspec.msgpack.decode(payload, type=dict[str, msgspec.Raw])
            except msgspec.MsgspecError:
                self._known = {}

    def part(self, kind: type[_Part], paths: tuple[str, ...], make: Callable[[], _Part]) -> _Part:
        """Return a part as it is known, or as `make` makes it."""
        key = self._key(kind, paths)
        if (raw := self._known.get(key)) is not None:
            self._used[key] = raw
            return msgspec.msgpack.decode(raw, type=kind)
        made = make()
        try:
            self._used[key] = msgspec.Raw(msgspec.msgpack.encode(_without_contents(made)))
            self._made = True
        except (ValueError, OverflowError):
            pass  # A number or a text that has no such form is looked at anew each time.
        return made

    def write(self) -> None:
        """Keep the parts of this run, where they are not kept already."""
        if self._made or len(self._used) < len(self._known):
            payload = msgspec.msgpack.encode(self._used)
            remember(self._snapshot.root, self._surroundings, SUFFIX, payload, most=KEPT)

    def _key(self, kind: type[msgspec.Struct], paths: tuple[str, ...]) -> str:
        digest = blake2b(digest_size=16)
        add(digest, kind.__name__.encode())
        for path in paths:
            data = self._snapshot.digest(path)
            assert data is not None, "a project with a file that cannot be read is not remembered"
            add(digest, path.encode("utf-8", "surrogateescape"))
            add(digest, data)
        return digest.hexdigest()


def _without_contents(part: msgspec.Struct) -> msgspec.Struct:
    """Return a part without the messages' contents and the tests' nodes, which are large and nobody looks at again."""
    match part:
        case JourneyPart(compiled=compiled) if compiled is not None:
            return replace(part, compiled=replace(compiled, contents={}))
        case TestsPart():
            return replace(part, node=None)
        case _:
            return part
