"""Takes away what ended long ago, and keeps what still counts of it.

Runs inside a transaction that the caller began. Knows no journeys: which events are still looked at is said by the
caller.
"""

import json
import sqlite3
from collections.abc import Mapping

from journeyscript.semantics.types import Instant
from journeyscript.stores.counts import Pruned
from journeyscript.stores.sqlite import rows
from journeyscript.stores.sqlite.statements import SQL

_KEPT = ("keep_past_entries", "keep_pruned_enrollments", "keep_pruned_states", "keep_pruned_sends")
_DROPPED = ("drop_sends", "drop_decisions", "drop_enrollments")


def prune(connection: sqlite3.Connection, before: Instant, keep: Mapping[str, Instant | None], *, dry: bool) -> Pruned:
    """Take away what ended before an instant, or only count it; see `Store.prune`."""
    execute = connection.execute
    ended = rows.numbers_text(number for (number,) in execute(SQL["prunable_enrollments"], (before,)))
    events = [number for (number,) in execute(SQL["prunable_events"], (before, json.dumps(list(keep.items()))))]
    found = Pruned(
        enrollments=len(json.loads(ended)),
        decisions=execute(SQL["prunable_decisions"], (ended,)).fetchone()[0],
        sends=execute(SQL["prunable_sends"], (ended,)).fetchone()[0],
        events=len(events),
    )
    if dry:
        return found
    for name in (*_KEPT, *_DROPPED):
        execute(SQL[name], (ended,))
    execute(SQL["drop_events"], (rows.numbers_text(events),))
    return found
