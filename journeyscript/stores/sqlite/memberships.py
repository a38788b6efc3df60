"""Who is in the segments that journeys are entered by, as rows.

Takes a connection and records; runs inside a transaction where it writes. Knows no conditions.
"""

import sqlite3
from collections.abc import Iterable

from journeyscript.stores.records import Customer, Membership
from journeyscript.stores.sqlite import rows
from journeyscript.stores.sqlite.statements import SQL


def add_memberships(connection: sqlite3.Connection, customers: dict[int, Customer]) -> None:
    """Give these customers the segments they are in, or may come into by the passing of time."""
    for number, segment, inside, at, look_at in connection.execute(SQL["memberships"], (rows.numbers_text(customers),)):
        customers[number].memberships = {
            **customers[number].memberships,
            segment: Membership(customer=number, segment=segment, inside=bool(inside), at=at, look_at=look_at),
        }


def write_memberships(connection: sqlite3.Connection, memberships: Iterable[Membership]) -> None:
    """Keep memberships; one that says nothing is taken away."""
    for one in memberships:
        if one.idle:
            connection.execute(SQL["forget_membership"], (one.customer, one.segment))
        else:
            row = (one.customer, one.segment, one.inside, one.at, one.look_at)
            connection.execute(SQL["keep_membership"], row)
