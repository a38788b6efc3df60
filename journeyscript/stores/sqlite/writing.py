"""Writes what changed: each table by one `executemany`, its rows sorted by key.

Runs inside a transaction that the caller began. Decides nothing but what would leave the store contradicting itself.
"""

import sqlite3
from collections.abc import Sequence
from operator import attrgetter

from journeyscript.semantics.types import Instant
from journeyscript.stores.addresses import digest_of
from journeyscript.stores.records import Changes, Deployment, Settlement
from journeyscript.stores.sqlite import rows, suppressions
from journeyscript.stores.sqlite.interned import Names, Versions
from journeyscript.stores.sqlite.memberships import write_memberships
from journeyscript.stores.sqlite.statements import SQL

_BY_NUMBER = attrgetter("number")
_BY_ID = attrgetter("id")
_BY_VISIT = attrgetter("enrollment", "visit")
_BY_DECISION = attrgetter("enrollment", "decision.visit")


def write_changes(connection: sqlite3.Connection, changes: Changes, names: Names, versions: Versions) -> None:
    """Write the changes of one batch.

    Raises:
        ValueError: an enrollment is in a version that was never deployed.
        sqlite3.IntegrityError: a send, an event of a source, or an external id is there already.
    """
    many = connection.executemany
    if changes.customers:
        many(SQL["keep_customer"], map(rows.customer_row, sorted(changes.customers, key=_BY_NUMBER)))
    if changes.events:
        names.add({kept.event.name for kept in changes.events} | {kept.source for kept in changes.events})
        # In order of arrival, which decides between events of the same instant.
        many(SQL["keep_event"], [rows.event_row(kept, names.ids, names.needed) for kept in changes.events])
    if changes.enrollments:
        if strange := {one.version for one in changes.enrollments} - versions.ids.keys():
            raise ValueError(f"the version `{min(strange)}` was never deployed to this store")
        ordered = sorted(changes.enrollments, key=_BY_ID)
        many(SQL["keep_enrollment"], [rows.enrollment_row(one, versions.ids) for one in ordered])
    if changes.decisions:
        many(SQL["keep_decision"], rows.decision_rows(sorted(changes.decisions, key=_BY_DECISION)))
    if changes.sends:
        many(SQL["keep_send"], map(rows.send_row, sorted(changes.sends, key=_BY_VISIT)))
    if changes.memberships:
        write_memberships(connection, changes.memberships)
    if changes.refusals:
        many(SQL["keep_refusal"], map(rows.refusal_row, changes.refusals))
    if changes.rejected:
        many(SQL["reject"], map(rows.rejected_row, changes.rejected))
    if changes.positions:
        many(SQL["keep_position"], changes.positions.items())


def write_settlements(connection: sqlite3.Connection, settlements: Sequence[Settlement]) -> None:
    """Write what became of sends, and the addresses that refused for good.

    Raises:
        ValueError: one of the sends is not there, or had its final outcome before.
    """
    ordered = sorted(settlements, key=_BY_VISIT)
    cursor = connection.executemany(SQL["settle"], map(rows.settlement_row, ordered))
    if cursor.rowcount != len(ordered):
        raise ValueError("one of the sends to settle is not in the store, or is settled already")
    refused: dict[int, set[str]] = {}
    for settlement in settlements:
        if settlement.suppress:
            number, address = settlement.suppress
            refused.setdefault(number, set()).add(address)
    if refused:
        suppressions.add(connection, {digest_of(one) for addresses in refused.values() for one in addresses})
        kept = connection.execute(SQL["customers_by_number"], (rows.numbers_text(refused),)).fetchall()
        for customer in map(rows.customer_record, kept):
            suppressed = rows.suppressed_text(customer.suppressed | refused[customer.number])
            connection.execute(SQL["suppress"], (suppressed, customer.number))


def write_deployments(
    connection: sqlite3.Connection, deployments: Sequence[Deployment], at: Instant, names: Names
) -> None:
    """Write versions, make them the current ones, and make ready the history they need."""
    connection.execute(SQL["retire"])
    for deployment in deployments:
        connection.executemany(SQL["keep_content"], deployment.contents.items())
        connection.execute(SQL["keep_machine"], rows.machine_row(deployment, at))
    names.need({event for deployment in deployments for event in deployment.machine.needs.history})
