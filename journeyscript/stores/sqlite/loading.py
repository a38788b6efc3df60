"""Loads customers for a batch: as many as it may be, in at most six queries.

Takes external ids and numbers; gives customers with their active enrollments and the history that is needed. Writes
nothing.
"""

import sqlite3
from collections.abc import Iterable, Iterator

from journeyscript.engine.values import Enrollment, Slot
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, Customer
from journeyscript.stores.sqlite import rows
from journeyscript.stores.sqlite.interned import Names, Versions
from journeyscript.stores.sqlite.statements import SQL


def by_external_id(connection: sqlite3.Connection, external_ids: Iterable[str]) -> dict[str, Customer]:
    """Return the customers among these that are kept, bare."""
    plain, odd = split_odd(external_ids)
    found = [*connection.execute(SQL["customers_by_external_id"], (rows.strings_text(plain),))]
    for external_id in odd:
        found += connection.execute(SQL["customer_by_external_id"], (external_id,))
    return {row[1]: rows.customer_record(row) for row in found}


def by_number(connection: sqlite3.Connection, numbers: Iterable[int]) -> Iterator[Customer]:
    """Yield the customers with these numbers, bare."""
    for row in connection.execute(SQL["customers_by_number"], (rows.numbers_text(numbers),)):
        yield rows.customer_record(row)


def add_enrollments(connection: sqlite3.Connection, versions: Versions, customers: dict[int, Customer]) -> None:
    """Give these customers their active enrollments, and what counts of those that ended."""
    wanted = rows.numbers_text(customers)
    for row in connection.execute(SQL["enrollments"], (wanted,)):
        number, within = divmod(row[0], ENROLLMENTS_PER_CUSTOMER)
        customer = customers[number]
        customer.next_enrollment = within + 1  # they come in order
        journey, version = versions.version(row[1])
        key: str = row[2]
        entered_at: Instant = row[6]
        last = customer.last_entries.get((journey, key))
        if last is None or entered_at > last:
            customer.last_entries[journey, key] = entered_at
        if row[3] == "active":
            customer.enrollments.append(rows.enrollment_record(row, journey, version))
        else:
            ended: Instant = row[7] if row[12] is None else row[12]
            customer.last_exits[journey, key] = max(customer.last_exits.get((journey, key), ended), ended)
    if not connection.execute(SQL["has_past_entries"]).fetchone()[0]:
        return
    for number, journey, key, entered_at, ended_at, behind in connection.execute(SQL["past_entries"], (wanted,)):
        customer = customers[number]
        customer.next_enrollment = max(customer.next_enrollment, behind)
        last = customer.last_entries.get((journey, key))
        customer.last_entries[journey, key] = entered_at if last is None else max(last, entered_at)
        customer.last_exits[journey, key] = max(customer.last_exits.get((journey, key), ended_at), ended_at)


def all_enrollments(connection: sqlite3.Connection, versions: Versions, number: int) -> Iterator[Enrollment]:
    """Yield every enrollment of a customer, ended ones included, in order of entry."""
    for row in connection.execute(SQL["enrollments"], (rows.numbers_text([number]),)):
        yield rows.enrollment_record(row, *versions.version(row[1]))


def add_history(connection: sqlite3.Connection, names: Names, customers: dict[int, Customer]) -> None:
    """Give these customers their past events that are needed, oldest first."""
    for number, name, at, properties in connection.execute(SQL["history"], (rows.numbers_text(customers),)):
        event = rows.event_record(names.name(name), at, properties)
        customers[number].history.setdefault(event.name, []).append(event)


def add_recent(
    connection: sqlite3.Connection, customers: dict[int, Customer], since: Instant, waiting_at: Instant
) -> None:
    """Give these customers the marketing messages that were sent, or are to be, after `since`; see `Store.load`."""
    wanted = rows.numbers_text(customers), since, waiting_at
    for number, channel, at in connection.execute(SQL["recent_sends"], wanted):
        customers[number].recent = (*customers[number].recent, Slot(channel=channel, at=at))


def seen(connection: sqlite3.Connection, names: Names, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return which pairs of source and the source's own id are kept; one query for each source."""
    by_source: dict[str, list[str]] = {}
    for source, source_id in keys:
        by_source.setdefault(source, []).append(source_id)
    found: set[tuple[str, str]] = set()
    for source, source_ids in by_source.items():
        number = names.ids.get(source)
        if number is None:
            continue
        plain, odd = split_odd(source_ids)
        for (source_id,) in connection.execute(SQL["seen"], (number, rows.strings_text(plain))):
            found.add((source, source_id))
        for source_id in odd:
            found.update((source, one) for (one,) in connection.execute(SQL["seen_one"], (number, source_id)))
    return found


def split_odd(strings: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the strings that can be looked up together, and those that must be one by one.

    SQLite's `json_each` ends a string at a NUL: somebody else would be found.
    """
    plain: list[str] = []
    odd: list[str] = []
    for string in strings:
        (odd if "\0" in string else plain).append(string)
    return plain, odd
