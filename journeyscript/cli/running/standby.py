"""A run that waits: while another process holds the store, this one stands by, and takes over when that one is gone.

Takes the store's path; gives the open store once its lock is free. The lock is the operating system's, so it is free
the moment its owner is dead, however it died: nothing times out, and two can never write.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from journeyscript.cli.running.logs import say
from journeyscript.cli.shared import cannot
from journeyscript.cli.stores import shown_path
from journeyscript.stores.records import StoreError
from journeyscript.stores.sqlite import LockedError, open_sqlite

if TYPE_CHECKING:
    from journeyscript.stores.sqlite import SqliteStore

LOOK_SECONDS = 0.2
"""How often a run that stands by looks whether the store is free."""


def open_when_free(path: Path) -> "tuple[SqliteStore | None, bool]":
    """Return the store, open for writing, and whether that had to be waited for; no store where a signal came first."""
    with _until_told() as told:
        waited = False
        while not told.is_set():
            try:
                return open_sqlite(path), waited
            except LockedError:
                if not waited:
                    say(f"Standing by: another process holds {shown_path(path)}. Ctrl-C stops.")
                waited = True
                told.wait(LOOK_SECONDS)
            except StoreError as problem:
                cannot(str(problem))
        return None, waited


@contextlib.contextmanager
def _until_told() -> Iterator[threading.Event]:
    """Give what SIGINT and SIGTERM set, as long as this lasts."""
    told = threading.Event()
    before = {number: signal.signal(number, lambda *_: told.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
