"""What an operator orders of a journey: to stand still, to go on, to let nobody in; and who is inside of it.

Runs inside a transaction that the caller began. The enrollments of a paused journey are frozen, so that what is due
never sees them.
"""

import sqlite3

from msgspec.structs import replace

from journeyscript.engine.values import UNCONTROLLED, Control
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Overdue
from journeyscript.stores.sqlite.statements import SQL


def controls(connection: sqlite3.Connection) -> dict[str, Control]:
    """Return what was ordered, by journey."""
    return {row[0]: _record(row) for row in connection.execute(SQL["controls"])}


def pause(connection: sqlite3.Connection, journey: str, at: Instant) -> bool:
    """Let a journey stand still; see `Store.pause`."""
    before = _control(connection, journey)
    if before.paused_at is not None:
        return False
    _keep(connection, journey, replace(before, paused_at=at))
    connection.execute(SQL["freeze_enrollments"], (journey,))
    return True


def resume(connection: sqlite3.Connection, journey: str, at: Instant, overdue: Overdue) -> bool:
    """Let a journey go on; see `Store.resume`."""
    execute, before = connection.execute, _control(connection, journey)
    paused_at = before.paused_at
    if paused_at is None and before.stopped_at is None:
        return False
    stale_before = at if paused_at is not None and overdue == "skip_stale" else before.stale_before
    _keep(connection, journey, Control(stale_before=stale_before))
    if paused_at is None:
        return True
    match overdue:
        case "recompute":
            execute(SQL["recompute_enrollments"], (journey, at, paused_at))
            execute(SQL["recompute_sends"], (journey, at, paused_at))
        case "skip_stale":
            execute(SQL["skip_sends"], (journey, at))
        case "fire":
            pass
    execute(SQL["release_enrollments"], (journey, at))
    return True


def stop(connection: sqlite3.Connection, journey: str, at: Instant) -> bool:
    """Let nobody into a journey any more; see `Store.stop`."""
    before = _control(connection, journey)
    if before.stopped_at is not None:
        return False
    _keep(connection, journey, replace(before, stopped_at=at))
    return True


def inside(connection: sqlite3.Connection, journey: str, after: int, limit: int) -> list[int]:
    """Return at most `limit` customers inside a journey, in order, from behind the number `after` on."""
    numbers: dict[int, None] = {}
    for (number,) in connection.execute(SQL["inside"], (journey, after)):
        if number not in numbers and len(numbers) == limit:
            break
        numbers[number] = None
    return list(numbers)


def _control(connection: sqlite3.Connection, journey: str) -> Control:
    row = connection.execute(SQL["control"], (journey,)).fetchone()
    return UNCONTROLLED if row is None else _record(row)


def _record(row: tuple[str, Instant | None, Instant | None, Instant | None]) -> Control:
    _, paused_at, stopped_at, stale_before = row
    return Control(paused_at=paused_at, stopped_at=stopped_at, stale_before=stale_before)


def _keep(connection: sqlite3.Connection, journey: str, control: Control) -> None:
    if control == UNCONTROLLED:
        connection.execute(SQL["forget_control"], (journey,))
    else:
        connection.execute(SQL["keep_control"], (journey, control.paused_at, control.stopped_at, control.stale_before))
