"""Where live events come from: standard input, a file that grows, a directory of files.

Every source gives whole lines without blocking, with how far it has read; a source that can be read again starts
where the store says. Knows nothing of what a line means.
"""

import os
import queue
import select
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, ClassVar, Protocol

import msgspec
from msgspec import Struct

CHUNK = 1 << 16
LONGEST_LINE = 1 << 20
"""A line of more bytes than this is cut there, and what is cut off is refused like any line that is no record."""

LOOK_UP_SECONDS = 0.1
"""How often the reader of a pipe looks up from waiting, to see whether it should stop."""


class Line(Struct, frozen=True, kw_only=True):
    """One line. `reader` names the position that it moves; empty where the source cannot be read again."""

    source: str
    reader: str
    position: str
    text: str


class Source(Protocol):
    """Something that gives lines. `polled`: it has to be asked whether something came; others say so themselves."""

    polled: ClassVar[bool]

    def read(self, limit: int) -> list[Line]:
        """Return at most `limit` lines that are there now."""

    def exhausted(self) -> bool:
        """Return whether nothing more is there now, and for standard input, ever will be."""

    def finish(self) -> list[Line]:
        """Stop reading; return what was read and not given yet."""


class FileSource:
    """A file that grows. It may not be there yet; one that shrank or was replaced is read from its start."""

    polled: ClassVar[bool] = True

    def __init__(
        self,
        path: Path,
        positions: Mapping[str, str],
        *,
        source: str | None = None,
        whole: bool = False,
        held: bool = True,
    ) -> None:
        """Read on from where `positions` says; `whole` takes a complete last line without a line break as well.

        A file that is `held` stays open, so that what was written to it before it was rotated away is still read.
        """
        self.path = path
        self.reader = f"file:{path.as_posix()}"
        self.source = source or self.reader
        self._whole, self._held = whole, held
        inode, _, offset = positions.get(self.reader, "0:0").partition(":")
        self._inode, self._offset = int(inode), int(offset)
        self._file: BinaryIO | None = None
        self._exhausted = False

    def read(self, limit: int) -> list[Line]:
        """Return the next whole lines of the file.

        Raises:
            OSError: the file is there and cannot be read.
        """
        lines: list[Line] = []
        while self._file is not None or self._open():
            lines += self._read_on(limit - len(lines))
            if len(lines) >= limit or not self._held or not self._rotated():
                break
            self._close()
        self._exhausted = len(lines) < limit
        if not self._held:
            self._close()
        return lines

    def exhausted(self) -> bool:
        """Return whether the file was read to its present end."""
        return self._exhausted

    def finish(self) -> list[Line]:
        """Return nothing: what was not read stands in the file."""
        self._close()
        return []

    def _open(self) -> bool:
        """Open what is at the path now; return whether there is anything."""
        try:
            self._file = self.path.open("rb")
        except FileNotFoundError:
            return False
        status = os.fstat(self._file.fileno())
        if status.st_ino != self._inode:
            self._inode, self._offset = status.st_ino, 0
        return True

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _rotated(self) -> bool:
        """Return whether there is another file at the path by now."""
        try:
            return self.path.stat().st_ino != self._inode
        except FileNotFoundError:
            return False

    def _read_on(self, limit: int) -> list[Line]:
        assert self._file is not None
        if os.fstat(self._file.fileno()).st_size < self._offset:
            self._offset = 0
        self._file.seek(self._offset)
        lines: list[Line] = []
        while len(lines) < limit and (raw := self._file.readline(LONGEST_LINE)):
            if not raw.endswith(b"\n") and len(raw) < LONGEST_LINE and not (self._whole and _complete(raw)):
                break
            self._offset += len(raw)
            if raw.strip():
                lines.append(self._line(raw))
        return lines

    def _line(self, raw: bytes) -> Line:
        position = f"{self._inode}:{self._offset}"
        return Line(source=self.source, reader=self.reader, position=position, text=_decoded(raw))


class DirectorySource:
    """A directory of `.jsonl` files, read in the order of their names; new ones are noticed."""

    polled: ClassVar[bool] = True

    def __init__(self, folder: Path, positions: Mapping[str, str], *, whole: bool = False) -> None:
        """Read on from where `positions` says for each file."""
        self._folder, self._positions, self._whole = folder, positions, whole
        self._files: dict[Path, FileSource] = {}
        self._exhausted = False

    def read(self, limit: int) -> list[Line]:
        """Return the next whole lines of the files."""
        lines: list[Line] = []
        source = f"directory:{self._folder.as_posix()}"
        for path in sorted(self._folder.glob("*.jsonl")):
            file = self._files.get(path)
            if file is None:
                file = FileSource(path, self._positions, source=source, whole=self._whole, held=False)
                self._files[path] = file
            lines += file.read(limit - len(lines))
            if len(lines) >= limit:
                break
        self._exhausted = len(lines) < limit
        return lines

    def exhausted(self) -> bool:
        """Return whether every file was read to its present end."""
        return self._exhausted

    def finish(self) -> list[Line]:
        """Return nothing: what was not read stands in the files."""
        return []


class StreamSource:
    """Standard input, or any pipe: read by a thread, as a pipe cannot be asked whether a line is there."""

    polled: ClassVar[bool] = False

    def __init__(self, descriptor: int, wake: Callable[[], None], *, source: str = "stdin") -> None:
        """Start reading the file descriptor; `wake` is called when something came."""
        self.source = source
        self._lines: queue.Queue[str] = queue.Queue(maxsize=10_000)
        self._taking = threading.Lock()
        """Held from before something is taken off the pipe until all of it is in the queue."""
        self._ended = threading.Event()
        self._stopped = threading.Event()
        self._count = 0
        self._rest = b""
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
        lines: list[Line] = []
        # The thread may be waiting for room in the queue, so room is made until it has let go.
        while not self._taking.acquire(timeout=0.01):
            lines += self.read(self._lines.maxsize)
        self._taking.release()
        self._thread.join(10 * LOOK_UP_SECONDS)
        lines += self.read(self._lines.maxsize)
        rest, self._rest = self._rest, b""
        return [*lines, self._line(_decoded(rest))] if rest.strip() else lines

    def _line(self, text: str) -> Line:
        self._count += 1
        return Line(source=self.source, reader="", position=str(self._count), text=text)

    def _pump(self, descriptor: int, wake: Callable[[], None]) -> None:
        while not self._stopped.is_set():
            if not select.select([descriptor], [], [], LOOK_UP_SECONDS)[0]:
                continue
            with self._taking:
                if self._stopped.is_set() or not self._take(descriptor):
                    break
            wake()
        self._ended.set()
        wake()

    def _take(self, descriptor: int) -> bool:
        """Take what is on the pipe, and give on its whole lines; return whether more may come."""
        try:
            chunk = os.read(descriptor, CHUNK)
        except OSError:
            chunk = b""
        *whole, rest = (self._rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE or not chunk:
            whole, rest = [*whole, rest], b""
        self._rest = rest
        for raw in whole:
            if raw.strip():
                self._lines.put(_decoded(raw))
        return bool(chunk)


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace").rstrip("\r\n")


def _complete(raw: bytes) -> bool:
    """Return whether a line that has no end yet is a whole record: half of one is never JSON."""
    try:
        msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def open_source(written: str, positions: Mapping[str, str], wake: Callable[[], None], *, whole: bool) -> Source:
    """Return the source that a person names: `-` for standard input, a directory, or a file that is or will be."""
    if written == "-":
        return StreamSource(0, wake)
    path = Path(written).resolve()
    if path.is_dir():
        return DirectorySource(path, positions, whole=whole)
    return FileSource(path, positions, whole=whole)
