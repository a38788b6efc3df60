"""How a store file came to have its tables: one `.sql` file for each step, applied in order, never changed afterwards.

Takes a connection; brings it up to date, or says how it differs from what this program knows. Knows nothing of rows.
"""

import sqlite3

from sqlite_utils import Database, Migrations

from journeyscript.stores.sqlite.statements import script

APPLICATION_ID = 1246907987
"""`JRNS` as a big-endian number: what the first migration writes into the header of the file."""

STEPS = (
    "001_tables",
    "002_held_and_expiring",
    "003_refusals",
    "004_identity",
    "006_memberships",
    "007_controls",
    "009_lanes",
    "010_test_customers",
    "011_suppressions",
    "012_taken",
)

MIGRATIONS = Migrations("journeyscript")


def _step(name: str) -> None:
    def apply(db: Database) -> None:
        for statement in script(name):
            db.conn.execute(statement)

    MIGRATIONS(name=name)(apply)


for _name in STEPS:
    _step(_name)


def _database(connection: sqlite3.Connection) -> Database:
    return Database(connection, recursive_triggers=False, execute_plugins=False)


def migrate(connection: sqlite3.Connection, *, stop_before: str | None = None) -> None:
    """Apply the steps that are missing, all in one transaction; `stop_before` names the first one to leave out."""
    db = _database(connection)
    if not MIGRATIONS.pending(db):
        return
    with db.atomic():
        MIGRATIONS.apply(db, stop_before=stop_before)


def missing(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the steps this file has not gone through yet."""
    return tuple(step.name for step in MIGRATIONS.pending(_database(connection)))


def unknown(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the steps this file has gone through that this program does not know: a newer one wrote it."""
    return tuple(step.name for step in MIGRATIONS.applied(_database(connection)) if step.name not in STEPS)
