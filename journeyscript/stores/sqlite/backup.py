"""A copy of a store that is in use, whole or not at all.

Takes a connection inside a transaction, which holds the moment that is copied; knows nothing of tables.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from journeyscript.stores.records import StoreError
from journeyscript.stores.sqlite.connection import plainly

PAGES = 2_000
"""Pages that are copied at once: 8 MB, after which somebody is told how far it is."""


def write_backup(connection: sqlite3.Connection, path: Path, progress: Callable[[int, int], None] | None) -> None:
    """Write a copy to a file that is not there yet; it gets its name when it is whole.

    Raises:
        StoreError: there is something at `path`, or it cannot be written.
    """
    if path.exists():
        raise StoreError(f"there is something at `{path}` already; name a file that is not there")
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # from here on it is one moment
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        with plainly(path):
            _copy(connection, unfinished, progress)
        unfinished.rename(path)
    except OSError as error:
        raise StoreError(f"the backup `{path}` cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _copy(connection: sqlite3.Connection, path: Path, progress: Callable[[int, int], None] | None) -> None:
    path.unlink(missing_ok=True)  # of a backup that was killed
    copy = sqlite3.connect(path)
    try:
        connection.backup(
            copy, pages=PAGES, progress=lambda _, left, total: None if progress is None else progress(left, total)
        )
    finally:
        copy.close()
