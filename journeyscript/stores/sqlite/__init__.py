"""The store in one SQLite file: durable, no server.

Gives `open_sqlite`, and `SqliteStore` with the verbs of every store. One process writes to a file at a time, others
may read it meanwhile: `LockedError` says that somebody writes. Knows no rules of journeys.
"""

from journeyscript.stores.sqlite.connection import LockedError
from journeyscript.stores.sqlite.store import SqliteStore, open_sqlite

__all__ = ["LockedError", "SqliteStore", "open_sqlite"]
