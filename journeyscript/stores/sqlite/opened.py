"""A store's file while it is open: its connection, its lock, and what is held in memory of its small tables.

Takes a connection that was made and checked; gives transactions that leave nothing half done. Knows no verb.
"""

import functools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from journeyscript.semantics.types import Instant
from journeyscript.stores.lanes import Turns
from journeyscript.stores.numbers import Numbers
from journeyscript.stores.records import StoreError
from journeyscript.stores.sqlite.actives import Actives
from journeyscript.stores.sqlite.connection import WriterLock, plainly, transaction
from journeyscript.stores.sqlite.interned import Names, Versions
from journeyscript.stores.sqlite.statements import SQL

_P = ParamSpec("_P")
_R = TypeVar("_R")
_S = TypeVar("_S", bound="OpenStore")


def plainly_told(
    verb: Callable[Concatenate[_S, _P], _R],
) -> Callable[Concatenate[_S, _P], _R]:
    """Make a verb tell of a file that cannot be used by `StoreError`."""

    @functools.wraps(verb)
    def speaking(self: _S, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        with plainly(self.path):
            return verb(self, *args, **kwargs)

    return speaking


class OpenStore:
    """The file of a store, open for reading or, with its lock, for writing; used from one thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: WriterLock | None) -> None:
        """Take over an open connection; without a lock, it is only for reading."""
        self.path = path
        self._connection = connection
        self._lock = lock
        self._names = Names(connection)
        self._versions = Versions(connection)
        self._actives = Actives(connection, self._versions)
        self._turns = Turns()
        self._numbers = Numbers(last=connection.execute(SQL["last_customer"]).fetchone()[0])

    @contextmanager
    def _writing(self, *, enrollments: bool = True) -> Iterator[None]:
        """Write in one transaction; where `enrollments` may change, what was counted of them is forgotten."""
        if self._lock is None:
            raise StoreError(f"the store `{self.path}` is open for reading only; open it for writing")
        try:
            with transaction(self._connection):
                yield
            if enrollments:
                self._actives.forget()
        except BaseException:
            self._names.reload()
            self._versions.reload()
            raise

    @contextmanager
    def _overwriting(self) -> Iterator[None]:
        """Leave nothing of what is deleted inside: neither in the file's free places nor in its log."""
        self._connection.execute("PRAGMA secure_delete = ON").fetchall()
        try:
            yield
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self._connection.execute("PRAGMA secure_delete = FAST").fetchall()

    @contextmanager
    def _one_moment(self) -> Iterator[None]:
        """Let everything inside see the store as of one moment."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the file, with everything in it and nothing beside it."""
        if self._lock is not None:
            self._connection.execute("PRAGMA busy_timeout = 200")  # a reader may hold the journal: leave it then
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._connection.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _first(self, statement: str) -> Instant | None:
        row = self._connection.execute(statement).fetchone()
        return None if row is None else row[0]
