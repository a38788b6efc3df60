"""Looks for what should never be in a store, and for what is late.

Takes a connection inside a transaction; gives counts with the first example of each. Judges nothing: what is a problem,
and what to do about it, is said elsewhere.
"""

import sqlite3

from msgspec import Struct

from journeyscript.semantics.types import Instant
from journeyscript.stores.sqlite.interned import Versions
from journeyscript.stores.sqlite.statements import SQL

LATE = 60_000
"""Milliseconds after which a timer that has not fired is overdue, and a record from the future is no rounding."""

STUCK = 300_000
"""Milliseconds after which a message that is being sent, or could be, is stuck."""

LATELY = 86_400_000
"""How far back refused inputs are counted, in milliseconds."""


class Balance(Struct, frozen=True, kw_only=True):
    """One version's enrollments: all, those in a known status, without any decision, and ended by halves."""

    journey: str
    version: str
    entered: int
    accounted: int
    untraced: int
    half_ended: int


class Occupied(Struct, frozen=True, kw_only=True):
    """How many active enrollments of a version stand at a state."""

    journey: str
    version: str
    state: str
    count: int


class Found(Struct, frozen=True, kw_only=True):
    """How many there are of something; `first` is an instant, a customer's number, or an enrollment's id."""

    count: int
    first: int | None


class Inspection(Struct, frozen=True, kw_only=True):
    """What was found. `latest` is the latest instant of any record, `dangling` rows whose other row is not there."""

    damage: tuple[str, ...]
    dangling: tuple[tuple[str, str, int], ...]
    balances: tuple[Balance, ...]
    missing: Found
    without_timer: Found
    overdue: Found
    sending: Found
    pending: Found
    occupied: tuple[Occupied, ...]
    rejected: int
    last_reason: str | None
    latest: Instant | None


def inspect(connection: sqlite3.Connection, versions: Versions, now: Instant, *, quick: bool) -> Inspection:
    """Return what there is to find as of `now`."""
    execute = connection.execute
    check = "PRAGMA quick_check(20)" if quick else "PRAGMA integrity_check(20)"
    rejected, last_reason = execute(SQL["inspect_rejected"], (now - LATELY,)).fetchone()
    missing = execute(SQL["inspect_missing"]).fetchone()
    return Inspection(
        damage=tuple(row[0] for row in execute(check) if row[0] != "ok"),
        dangling=_dangling(connection),
        balances=tuple(_balance(row, versions) for row in execute(SQL["inspect_balance"])),
        missing=Found(count=missing[0], first=missing[2]),
        without_timer=_found(execute(SQL["inspect_without_timer"])),
        overdue=_found(execute(SQL["inspect_overdue"], (now - LATE,))),
        sending=_found(execute(SQL["inspect_sending"], (now - STUCK,))),
        pending=_found(execute(SQL["inspect_pending"], (now - STUCK,))),
        occupied=tuple(_occupied(row, versions) for row in execute(SQL["inspect_occupied"])),
        rejected=rejected,
        last_reason=last_reason,
        latest=execute(SQL["inspect_latest"]).fetchone()[0],
    )


def _found(cursor: sqlite3.Cursor) -> Found:
    count, first = cursor.fetchone()
    return Found(count=count, first=first)


def _balance(row: tuple[int, int, int, int, int, int], versions: Versions) -> Balance:
    machine, entered, accounted, untraced, ended_active, open_ended = row
    journey, version = versions.version(machine)
    return Balance(
        journey=journey,
        version=version,
        entered=entered,
        accounted=accounted,
        untraced=untraced,
        half_ended=ended_active + open_ended,
    )


def _occupied(row: tuple[int, str, int], versions: Versions) -> Occupied:
    machine, state, count = row
    journey, version = versions.version(machine)
    return Occupied(journey=journey, version=version, state=state, count=count)


def _dangling(connection: sqlite3.Connection) -> tuple[tuple[str, str, int], ...]:
    """Return which tables have rows that point at rows of another one that are not there, and how many."""
    found: dict[tuple[str, str], int] = {}
    for table, _, other, _ in connection.execute("PRAGMA foreign_key_check"):
        found[table, other] = found.get((table, other), 0) + 1
    return tuple((table, other, count) for (table, other), count in sorted(found.items()))
