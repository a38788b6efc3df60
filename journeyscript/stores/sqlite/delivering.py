"""What delivery asks of the sends: whose turn it is, what went out lately, and what has changed since the decision.

Runs on an open connection and writes nothing.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing

import msgspec
from msgspec import Struct

from journeyscript.semantics.types import Instant
from journeyscript.stores.lanes import Lane, Turns
from journeyscript.stores.records import KeptSend, Permission
from journeyscript.stores.sqlite import rows
from journeyscript.stores.sqlite.statements import SQL


class _Clock(Struct, frozen=True, gc=False):
    """Of a customer's attributes the one that says what clock they live by."""

    timezone: object = None


_decode_clock = msgspec.json.Decoder(_Clock).decode


def heads(connection: sqlite3.Connection) -> Iterator[tuple[Lane, Instant]]:
    """Yield the lanes that have pending sends and are not paused, each with when its first one may be attempted."""
    paused = {journey for (journey,) in connection.execute(SQL["paused"])}
    lane: Lane = ("", "")
    while (row := _behind(connection, lane)) is not None:
        channel, journey, available_at = row
        lane = channel, journey
        if journey not in paused:
            yield lane, available_at


def _behind(connection: sqlite3.Connection, lane: Lane) -> tuple[str, str, Instant] | None:
    """Return the next lane, and when its first send may be attempted."""
    row: tuple[str, str, Instant] | None = connection.execute(SQL["next_lane"], lane).fetchone()
    return connection.execute(SQL["next_channel"], lane[:1]).fetchone() if row is None else row


def next_available(connection: sqlite3.Connection, without: Collection[str]) -> Instant | None:
    """Return when the next pending send of another channel than these may be attempted."""
    return min((at for (channel, _), at in heads(connection) if channel not in without), default=None)


def pending(
    connection: sqlite3.Connection, turns: Turns, now: Instant, limit: int, room: Mapping[str, int]
) -> list[KeptSend]:
    """Return pending sends whose turn it is, oldest first."""
    ready = [lane for lane, at in heads(connection) if at <= now and room.get(lane[0], 1) > 0]
    with ExitStack() as stack:
        # A cursor reads no further than it is asked to.
        lanes = {
            lane: iter(stack.enter_context(closing(connection.execute(SQL["pending"], (*lane, now))))) for lane in ready
        }
        found = [rows.send_record(row) for row in turns.pick(lanes, limit, room)]
    return sorted(found, key=lambda send: (send.available_at, send.enrollment, send.visit))


def handed_over(connection: sqlite3.Connection, channel: str, limit: int) -> list[Instant]:
    """Return when the latest messages on a channel went to the other side. Walks all sends."""
    return [at for (at,) in connection.execute(SQL["handed_over"], (channel, limit))]


def put_off(connection: sqlite3.Connection, channel: str) -> list[KeptSend]:
    """Return the messages on a channel that are to be tried again. Walks all that are pending there."""
    return [rows.send_record(row) for row in connection.execute(SQL["put_off"], (channel,))]


def permissions(connection: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, Permission]:
    """Return what these customers allow, of those who ever said something."""
    found = connection.execute(SQL["permissions"], (rows.numbers_text(set(numbers)),))
    return {
        number: Permission(
            consent=rows.consent_of(consent), suppressed=rows.suppressed_of(suppressed), timezone=timezone
        )
        for number, consent, suppressed, attributes in found
        if (timezone := _timezone_of(attributes)) or consent or suppressed
    }


def _timezone_of(attributes: str) -> str | None:
    written = _decode_clock(attributes).timezone
    return written if isinstance(written, str) else None


def left(connection: sqlite3.Connection, enrollments: Iterable[int]) -> set[int]:
    """Return which of these enrollments were ended by an exit or a goal of their journey."""
    return {number for (number,) in connection.execute(SQL["left"], (rows.numbers_text(set(enrollments)),))}


def received(connection: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, frozenset[str]]:
    """Return by enrollment which messages went to these customers, or are on their way."""
    found: dict[int, set[str]] = {}
    for enrollment, message in connection.execute(SQL["received"], (rows.numbers_text(numbers),)):
        found.setdefault(enrollment, set()).add(message)
    return {enrollment: frozenset(messages) for enrollment, messages in found.items()}
