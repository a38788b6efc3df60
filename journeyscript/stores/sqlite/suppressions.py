"""The list of addresses that must not be written to, as digests in a table of its own.

Runs on an open connection; what writes runs inside a transaction that the caller began. Never sees an address kept.
"""

import sqlite3
from collections.abc import Iterable

from journeyscript.stores.addresses import Digest, by_digest, digest_of
from journeyscript.stores.sqlite import rows
from journeyscript.stores.sqlite.statements import SQL


def any_listed(connection: sqlite3.Connection) -> bool:
    """Return whether the list holds anything."""
    return bool(connection.execute(SQL["has_suppressions"]).fetchone()[0])


def count(connection: sqlite3.Connection) -> int:
    """Return how many addresses are on the list. Walks it."""
    found: int = connection.execute(SQL["count_suppressions"]).fetchone()[0]
    return found


def listed(connection: sqlite3.Connection, addresses: Iterable[str]) -> frozenset[str]:
    """Return which of these addresses are on the list, in one query."""
    if not any_listed(connection):
        return frozenset()
    wanted = by_digest(addresses)
    found = connection.execute(SQL["suppressions_among"], (rows.numbers_text(wanted),))
    return frozenset(address for (digest,) in found for address in wanted[digest])


def add(connection: sqlite3.Connection, digests: Iterable[Digest]) -> int:
    """Put addresses on the list; return how many were not on it."""
    return connection.executemany(SQL["keep_suppression"], [(digest,) for digest in sorted(digests)]).rowcount


def remove(connection: sqlite3.Connection, digests: Iterable[Digest]) -> int:
    """Take addresses off the list, and from the customers whom they refused; return how many were on the list."""
    gone = frozenset(digests)
    for number, text in connection.execute(SQL["customers_suppressed"]).fetchall():
        before = rows.suppressed_of(text)
        after = frozenset(address for address in before if digest_of(address) not in gone)
        if after != before:
            connection.execute(SQL["suppress"], (rows.suppressed_text(after), number))
    return connection.executemany(SQL["forget_suppression"], [(digest,) for digest in sorted(gone)]).rowcount
