"""Opening a store for a command that changes it: it has to be there, and nobody else may be writing to it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from journeyscript.cli.shared import cannot, load_settings

if TYPE_CHECKING:
    from journeyscript.semantics.types import Instant
    from journeyscript.stores.records import Store
    from journeyscript.stores.sqlite import SqliteStore


@contextlib.contextmanager
def changing(folder: Path | None, written: Path | None, instead: str) -> "Iterator[SqliteStore]":
    """Open the store of live runs, or the one that is named, for writing; `instead` says what to do during a run."""
    from journeyscript.cli.stores import live_store_path
    from journeyscript.stores.records import StoreError
    from journeyscript.stores.sqlite import open_sqlite
    from journeyscript.stores.sqlite.connection import LockedError

    path = live_store_path(*load_settings(folder), written)
    if not path.exists():
        cannot(f"there is no store at `{path}`", "`journeyscript run` makes one")
    try:
        with contextlib.closing(open_sqlite(path)) as store:
            yield store
    except LockedError as problem:
        cannot(str(problem).partition("; ")[0], instead)
    except StoreError as problem:
        cannot(str(problem))


@contextlib.contextmanager
def asking(folder: Path | None, written: Path | None) -> "Iterator[SqliteStore]":
    """Open the store that was written to last, or the one that is named, for reading, also beside a run."""
    from journeyscript.cli.stores import open_latest
    from journeyscript.stores.records import StoreError
    from journeyscript.stores.sqlite import SqliteStore

    store, _ = open_latest(*load_settings(folder), written)
    assert isinstance(store, SqliteStore)
    try:
        with contextlib.closing(store):
            yield store
    except StoreError as problem:
        cannot(str(problem))


def moment_of(store: "Store") -> "Instant":
    """Return what time it is for a store: on the wall, or where a replay has come to."""
    from journeyscript.runtime.live import wall_clock

    settings = store.settings()
    return int(settings.get("now", "0")) if settings.get("clock") == "virtual" else wall_clock()
