"""A project's files as they were when they were first asked for: each is read once, whoever asks.

Takes a folder and gives texts and hashes by path, both of the same bytes, so that what is found and what it is
remembered under cannot be of two states of a file. Knows nothing of YAML.
"""

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

from journeyscript.diagnostics import Diagnostic
from journeyscript.source.text import decode, read_bytes


class Snapshot:
    """The files in a folder, by their path (POSIX, relative to it); `instead` are other contents for some of them."""

    def __init__(self, root: Path, instead: Mapping[str, bytes] | None = None) -> None:
        self.root = root
        self._data: dict[str, bytes | Diagnostic] = {**(instead or {})}

    def text(self, path: str) -> tuple[str | None, list[Diagnostic]]:
        """Return the text of a file without a byte order mark, or `None` and why it cannot be read."""
        data = self._read(path)
        return (None, [data]) if isinstance(data, Diagnostic) else decode(path, data)

    def digest(self, path: str) -> bytes | None:
        """Return a hash of what a file holds, 20 bytes long; `None` where it cannot be read."""
        data = self._read(path)
        return None if isinstance(data, Diagnostic) else blake2b(data, digest_size=20).digest()

    def _read(self, path: str) -> bytes | Diagnostic:
        if path not in self._data:
            self._data[path] = read_bytes(self.root, path)
        return self._data[path]
