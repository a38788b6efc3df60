"""Opens a store file, keeps other writers out, and says in plain words why a file cannot be used.

Gives connections in autocommit mode, whose transactions are begun by `transaction`. Knows SQLite and the file system,
not what the tables mean.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from journeyscript.stores.records import StoreError
from journeyscript.stores.sqlite.migrations import APPLICATION_ID, migrate, missing, unknown

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA wal_autocheckpoint = 16000",  # pages: 64 MB; checkpoints of 1,000 pages cost a third of the throughput
    "PRAGMA cache_size = -65536",  # KiB
    "PRAGMA temp_store = MEMORY",
    "PRAGMA secure_delete = FAST",  # what was changed leaves nothing behind in the page, where that costs no page more
)


_FOREIGN = "`{path}` is not a store of JourneyScript; name another `store` in journeyscript.yaml"
_UNWRITABLE = "the store `{path}` may not be written; give this user the right to write to it and to its folder"
_HELD = "the store `{path}` is held by another program; close what has it open and try again"
_UNREADABLE = "the store `{path}` cannot be read ({error}); check the disk and the permissions of its folder"
_FAILING = (
    "the store `{path}` cannot be read or written ({error}); check the disk, and how large a file may be, then start "
    "again: nothing is lost"
)

_EXPLANATIONS = {
    "NOTADB": _FOREIGN,
    "CORRUPT": "the store `{path}` is damaged; put a backup in its place",
    "READONLY": _UNWRITABLE,
    "PERM": _UNWRITABLE,
    "BUSY": _HELD,
    "LOCKED": _HELD,
    "FULL": "there is no space left for the store `{path}`; free some and start again: nothing is lost",
    "CANTOPEN": _UNREADABLE,
    "IOERR": _FAILING,
}
"""What SQLite's error codes mean to whoever runs the program."""


_HEADER = b"SQLite format 3\0"


class LockedError(StoreError):
    """Somebody else is writing to the store."""


class WriterLock:
    """The right to write to a store: an advisory lock on the file `<store>.lock`, gone with the process."""

    def __init__(self, store: Path) -> None:
        """Take the lock.

        Raises:
            LockedError: somebody else has it.
            StoreError: the file cannot be made.
        """
        path = store.with_name(store.name + ".lock")
        try:
            self._file: IO[str] = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise StoreError(_UNWRITABLE.format(path=store)) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            owner = self._file.read().strip()
            self._file.close()
            raise LockedError(
                f"the store `{store}` is in use by another process{f' (number {owner})' if owner else ''}; "
                "stop that one first, or name another `store` in journeyscript.yaml"
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let others write. The file stays: removing it could take it away from under the next owner."""
        self._file.truncate(0)
        self._file.close()


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open a store for writing, made or brought up to date where that is missing. The caller holds the lock."""
    _check_header(path)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        with plainly(path):
            _check_kind(connection, path, may_be_empty=True)
            with transaction(connection):
                pass  # a file that may not be written is found out now, not at the first event
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a store for reading, beside whoever writes to it."""
    if not path.exists():
        raise StoreError(f"there is no store at `{path}`; `journeyscript run` makes one")
    _check_header(path)
    with plainly(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        with plainly(path):
            _check_kind(connection, path, may_be_empty=False)
            _check_complete(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_header(path: Path) -> None:
    """Refuse a file that SQLite would take for an empty database, and write over, because it is that short."""
    with suppress(OSError), path.open("rb") as file:
        if file.read(len(_HEADER)) not in {b"", _HEADER}:
            raise StoreError(_FOREIGN.format(path=path))


def _check_kind(connection: sqlite3.Connection, path: Path, *, may_be_empty: bool) -> None:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID and (tables or not may_be_empty):
        raise StoreError(_FOREIGN.format(path=path))
    if newer := unknown(connection):
        raise StoreError(
            f"the store `{path}` was written by a newer version of JourneyScript (it knows `{newer[0]}`); "
            "install that version to use it"
        )


def _check_complete(connection: sqlite3.Connection, path: Path) -> None:
    if missing(connection):
        raise StoreError(
            f"the store `{path}` was written by an older version of JourneyScript; "
            "`journeyscript run` brings it up to date"
        )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do everything inside in one writing transaction, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def plainly(path: Path) -> Iterator[None]:
    """Turn what SQLite says of a file it cannot work with into a `StoreError`.

    A row that contradicts another one, or a value too large for any row, is a mistake of the caller: `ValueError`.
    """
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise ValueError(f"the store already keeps something else in this place: {error}") from error
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise
    except sqlite3.DataError as error:
        raise ValueError(f"the store has no room for a value of that size: {error}") from error
    except sqlite3.DatabaseError as error:
        raise StoreError(_explain(path, error)) from error


def _explain(path: Path, error: sqlite3.DatabaseError) -> str:
    kind = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_").partition("_")[0]
    return _EXPLANATIONS.get(kind, "the store `{path}` cannot be used: {error}").format(path=path, error=error)
