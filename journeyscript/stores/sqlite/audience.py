"""Of whom a condition is true: SQL looks through everybody, Python decides where SQL cannot.

Takes a condition and gives customers' numbers, batch by batch. Decides for nobody what the generated Python would not.
"""

import sqlite3
from collections.abc import Collection

from journeyscript.engine.audience import Audience
from journeyscript.stores.sqlite import loading
from journeyscript.stores.sqlite.conditions import Selection, select
from journeyscript.stores.sqlite.interned import Names
from journeyscript.stores.sqlite.operands import joined

CANDIDATES = 500
"""Customers that are loaded at once for Python to decide."""


def members(connection: sqlite3.Connection, names: Names, audience: Audience, after: int, limit: int) -> list[int]:
    """Return the numbers behind `after`, in order, of at most `limit` customers who belong to an audience."""
    selection = select(audience.condition, audience.now)
    found: list[int] = []
    while len(found) < limit:
        wanted = min(limit - len(found), CANDIDATES) if not selection.exact else limit - len(found)
        candidates = _candidates(connection, selection, after, wanted)
        doubtful = [number for number, sure, _ in candidates if not sure]
        decided = _decided(connection, names, audience, doubtful) if doubtful else frozenset()
        found += [
            number for number, sure, zone in candidates if (audience.on_the_clock(zone) if sure else number in decided)
        ]
        if len(candidates) < wanted:
            break
        after = candidates[-1][0]
    return found


def _candidates(
    connection: sqlite3.Connection, selection: Selection, after: int, limit: int
) -> list[tuple[int, int, str | int | float | None]]:
    """Return the next customers who may belong: number, whether the condition is surely true of them, their zone."""
    safe = joined(selection.checks or ("1",), "AND")
    sure = f"(instr(customers.attributes, '\\u0000') = 0 AND {safe})" if selection.exact else "0"
    statement = (
        f"SELECT customers.number, {sure}, json_extract(customers.attributes, '$.timezone') FROM customers NOT INDEXED "  # noqa: S608 - of closed forms
        "WHERE customers.number > :after AND customers.number NOT IN (SELECT customer FROM gone) "
        f"AND (({selection.where}) OR NOT ({safe})) ORDER BY customers.number LIMIT :limit"
    )
    return connection.execute(statement, {**selection.parameters, "after": after, "limit": limit}).fetchall()


def _decided(
    connection: sqlite3.Connection, names: Names, audience: Audience, numbers: Collection[int]
) -> frozenset[int]:
    customers = {customer.number: customer for customer in loading.by_number(connection, numbers)}
    if audience.asks_history:
        loading.add_history(connection, names, customers)
    return frozenset(
        number
        for number, one in customers.items()
        if audience.has(one.external_id, one.attributes, one.consent, one.history)
    )
