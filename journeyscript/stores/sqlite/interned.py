"""The two small tables that rows point into by integer: names (of events and sources), and versions of journeys.

Both are held in memory and read again where an unknown integer turns up, which is how a reader learns of what the
writer added. Knows nothing of customers.
"""

import json
import sqlite3
from collections.abc import Iterable

from journeyscript.stores.sqlite.statements import SQL


class Names:
    """Names and their integers; `needed` holds the events whose history some version asked for."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.ids: dict[str, int] = {}
        self.needed: set[str] = set()
        self._names: dict[int, str] = {}
        self.reload()

    def reload(self) -> None:
        """Read all again: after a rollback, or after another process added some."""
        rows = self._connection.execute(SQL["names"]).fetchall()
        self.ids = {name: number for number, name, _ in rows}
        self._names = {number: name for number, name, _ in rows}
        self.needed = {name for _, name, needed in rows if needed}

    def name(self, number: int) -> str:
        """Return the name behind an integer."""
        if number not in self._names:
            self.reload()
        return self._names[number]

    def add(self, names: Iterable[str]) -> None:
        """Give integers to the names that have none; inside a transaction, and `reload` where that fails."""
        first = len(self.ids) + 1
        unknown = sorted(set(names) - self.ids.keys())
        if unknown:
            fresh = dict(zip(range(first, first + len(unknown)), unknown, strict=True))
            self._connection.executemany(SQL["keep_name"], fresh.items())
            self._names.update(fresh)
            self.ids.update({name: number for number, name in fresh.items()})

    def need(self, events: Iterable[str]) -> None:
        """Make the history of these events ready, past events included; inside a transaction."""
        fresh = sorted(set(events) - self.needed)
        if fresh:
            self.add(fresh)
            ids = [self.ids[name] for name in fresh]
            self._connection.execute(SQL["need_events"], (json.dumps(ids),))
            self._connection.executemany(SQL["need_name"], ((number,) for number in ids))
            self.needed.update(fresh)


class Versions:
    """Versions of journeys and their integers."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.ids: dict[str, int] = {}
        self._versions: dict[int, tuple[str, str]] = {}
        self.reload()

    def reload(self) -> None:
        """Read all again: after a deployment, or after another process added some."""
        rows = self._connection.execute(SQL["versions"]).fetchall()
        self.ids = {version: number for number, version, _ in rows}
        self._versions = {number: (journey, version) for number, version, journey in rows}

    def of_journey(self, journey: str) -> list[int]:
        """Return the integers of all versions of a journey."""
        return [number for number, (name, _) in self._versions.items() if name == journey]

    def version(self, number: int) -> tuple[str, str]:
        """Return the journey and the version behind an integer."""
        if number not in self._versions:
            self.reload()
        return self._versions[number]
