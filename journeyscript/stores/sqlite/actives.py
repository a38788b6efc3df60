"""How many enrollments of people are active in each journey, counted once and then kept up.

Takes what is about to be committed; gives counts. Costs nothing until somebody asks, and no index. Whoever changes
enrollments in another way makes it forget.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable

from journeyscript.engine.values import Enrollment
from journeyscript.stores.sqlite.interned import Versions
from journeyscript.stores.sqlite.statements import SQL


class Actives:
    """Counts of active enrollments."""

    def __init__(self, connection: sqlite3.Connection, versions: Versions) -> None:
        self._connection, self._versions = connection, versions
        self._counts: Counter[str] | None = None

    def forget(self) -> None:
        """Count anew when next asked."""
        self._counts = None

    def of(self, journeys: Iterable[str]) -> dict[str, int]:
        """Return how many are active in each of these journeys. The first answer walks all enrollments."""
        if self._counts is None:
            self._counts = Counter()
            for machine, count in self._connection.execute(SQL["active_counts"]):
                self._counts[self._versions.version(machine)[0]] += count
        return {journey: self._counts[journey] for journey in journeys}

    def after(self, enrollments: Iterable[Enrollment]) -> Counter[str] | None:
        """Return what the counts will be once these are kept; `None` where nobody has asked for counts."""
        if self._counts is None:
            return None
        changed = {one.id: one for one in enrollments}
        counts = self._counts.copy()
        for _, machine in self._connection.execute(SQL["active_among"], (json.dumps(sorted(changed)),)):
            counts[self._versions.version(machine)[0]] -= 1
        counts.update(one.journey for one in changed.values() if one.status == "active" and not one.test)
        return counts

    def keep(self, counts: Counter[str] | None) -> None:
        """Take over counts that have come true."""
        self._counts = counts
