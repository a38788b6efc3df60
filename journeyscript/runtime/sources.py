"""Where live events come from: standard input, a file that grows, a directory of files.

Every source gives whole lines without blocking, with how far it has read; a source that can be read again starts
where the store says. Knows nothing of what a line means.
"""

import os
import queue
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct

CHUNK = 1 << 16
LONGEST_LINE = 1 << 20
"""A line of more bytes than this is cut there, and what is cut off is refused like any line that is no record."""


class Line(Struct, frozen=True, kw_only=True):
    """One line. `reader` names the position that it moves; empty where the source cannot be read again."""

    source: str
    reader: str
    position: str
    text: str


class Source(Protocol):
    """Something that gives lines."""

    def read(self, limit: int) -> list[Line]:
        """Return at most `limit` lines that are there now."""

    def exhausted(self) -> bool:
        """Return whether nothing more is there now, and for standard input, ever will be."""

    def finish(self) -> list[Line]:
        """Stop reading; return what was read and not given yet."""


class FileSource:
    """A file that grows. It may not be there yet; one that shrank or was replaced is read from its start."""

    def __init__(self, path: Path, positions: Mapping[str, str], *, source: str | None = None, whole: bool = False) -> None:
        """Read on from where `positions` says; `whole` takes a last line without a line break as well."""
        self.path = path
        self.reader = f"file:{path.as_posix()}"
        self.source = source or self.reader
        self._whole = whole
        inode, _, offset = positions.get(self.reader, "0:0").partition(":")
        self._inode, self._offset = int(inode), int(offset)
        self._exhausted = False

    def read(self, limit: int) -> list[Line]:
        """Return the next whole lines of the file."""
        lines: list[Line] = []
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._offset:
                    self._inode, self._offset = status.st_ino, 0
                file.seek(self._offset)
                while len(lines) < limit and (raw := file.readline(LONGEST_LINE)):
                    if not raw.endswith(b"\n") and len(raw) < LONGEST_LINE and not self._whole:
                        break
                    self._offset += len(raw)
                    if raw.strip():
                        lines.append(self._line(raw))
                self._exhausted = len(lines) < limit
        except FileNotFoundError:
            self._exhausted = True
        return lines

    def exhausted(self) -> bool:
        """Return whether the file was read to its present end."""
        return self._exhausted

    def finish(self) -> list[Line]:
        """Return nothing: what was not read stands in the file."""
        return []

    def _line(self, raw: bytes) -> Line:
        position = f"{self._inode}:{self._offset}"
        text = raw.decode("utf-8", errors="replace").rstrip("\r\n")
        return Line(source=self.source, reader=self.reader, position=position, text=text)


class DirectorySource:
    """A directory of `.jsonl` files, read in the order of their names; new ones are noticed."""

    def __init__(self, folder: Path, positions: Mapping[str, str], *, whole: bool = False) -> None:
        """Read on from where `positions` says for each file."""
        self._folder, self._positions, self._whole = folder, positions, whole
        self._files: dict[Path, FileSource] = {}

    def read(self, limit: int) -> list[Line]:
        """Return the next whole lines of the files."""
        lines: list[Line] = []
        source = f"directory:{self._folder.as_posix()}"
        for path in sorted(self._folder.glob("*.jsonl")):
            file = self._files.get(path)
            if file is None:
                file = FileSource(path, self._positions, source=source, whole=self._whole)
                self._files[path] = file
            lines += file.read(limit - len(lines))
            if len(lines) >= limit:
                break
        return lines

    def exhausted(self) -> bool:
        """Return whether every file was read to its present end."""
        return all(file.exhausted() for file in self._files.values())

    def finish(self) -> list[Line]:
        """Return nothing: what was not read stands in the files."""
        return []


class StreamSource:
    """Standard input, or any pipe: read by a thread, as a pipe cannot be asked whether a line is there."""

    def __init__(self, descriptor: int, wake: Callable[[], None], *, source: str = "stdin") -> None:
        """Start reading the file descriptor; `wake` is called when something came."""
        self.source = source
        self._lines: queue.Queue[str] = queue.Queue(maxsize=10_000)
        self._ended = threading.Event()
        self._stopped = threading.Event()
        self._count = 0
        self._thread = threading.Thread(target=self._pump, args=(descriptor, wake), name="stdin", daemon=True)
        self._thread.start()

    def read(self, limit: int) -> list[Line]:
        """Return lines that have come."""
        lines: list[Line] = []
        while len(lines) < limit:
            try:
                lines.append(self._line(self._lines.get_nowait()))
            except queue.Empty:
                break
        return lines

    def exhausted(self) -> bool:
        """Return whether the stream has ended and all of it was given."""
        return self._ended.is_set() and self._lines.empty()

    def finish(self) -> list[Line]:
        """Stop reading, and return every line that has been taken off the pipe."""
        self._stopped.set()
        return self.read(self._lines.maxsize + 1)

    def _line(self, text: str) -> Line:
        self._count += 1
        return Line(source=self.source, reader="", position=str(self._count), text=text)

    def _pump(self, descriptor: int, wake: Callable[[], None]) -> None:
        rest = b""
        while not self._stopped.is_set():
            try:
                chunk = os.read(descriptor, CHUNK)
            except OSError:
                break
            if not chunk:
                break
            *whole, rest = (rest + chunk).split(b"\n")
            if len(rest) > LONGEST_LINE:
                whole, rest = [*whole, rest], b""
            self._put(whole)
            wake()
        self._put([rest])
        self._ended.set()
        wake()

    def _put(self, lines: list[bytes]) -> None:
        for raw in lines:
            if raw.strip():
                self._lines.put(raw.decode("utf-8", errors="replace"))


def open_source(
    written: str, positions: Mapping[str, str], wake: Callable[[], None], *, whole: bool
) -> Source:
    """Return the source that a person names: `-` for standard input, a directory, or a file that is or will be."""
    if written == "-":
        return StreamSource(0, wake)
    path = Path(written).resolve()
    if path.is_dir():
        return DirectorySource(path, positions, whole=whole)
    return FileSource(path, positions, whole=whole)
