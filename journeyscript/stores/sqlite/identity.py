"""Who a name belongs to, two customers made one, a customer erased, and everything there is of one.

Runs inside a transaction that the caller began. What stays and what goes is decided by `stores.merging` and
`stores.forgetting`; this module carries it out.
"""

import sqlite3
from collections.abc import Iterable

from journeyscript.engine.values import Enrollment
from journeyscript.semantics.types import Instant
from journeyscript.stores import forgetting, held, merging
from journeyscript.stores.addresses import possible_addresses
from journeyscript.stores.counts import Erased, Merged
from journeyscript.stores.numbers import Numbers
from journeyscript.stores.records import Customer, Dossier, KeptEvent, KeptSend, Rejected, Story
from journeyscript.stores.sqlite import loading, rows, suppressions
from journeyscript.stores.sqlite.interned import Names, Versions
from journeyscript.stores.sqlite.memberships import add_memberships
from journeyscript.stores.sqlite.statements import SQL


def survivors(connection: sqlite3.Connection, external_ids: Iterable[str]) -> dict[str, Customer]:
    """Return, bare and by the name asked for, the customers whom given-up names lead to."""
    if not connection.execute(SQL["has_aliases"]).fetchone()[0]:
        return {}
    found = ((name, connection.execute(SQL["survivor"], (name,)).fetchone()) for name in external_ids)
    return {name: rows.customer_record(row) for name, row in found if row is not None}


def find(connection: sqlite3.Connection, external_id: str) -> Customer | None:
    """Return a customer, bare, by the name they go by or went by."""
    found = loading.by_external_id(connection, [external_id]).get(external_id)
    return survivors(connection, [external_id]).get(external_id) if found is None else found


def merge(
    connection: sqlite3.Connection,
    versions: Versions,
    numbers: Numbers,
    deployed: held.Deployed,
    external_id: str,
    into: str,
    at: Instant,
) -> Merged | None:
    """Make one customer of two; see `Store.merge`."""
    stays, leaves = find(connection, into), find(connection, external_id)
    if external_id == into or (stays is not None and leaves is not None and stays.number == leaves.number):
        return None
    if leaves is not None and leaves.external_id != external_id:
        merging.check_name(external_id, leaves.external_id, into)
    execute = connection.execute
    if stays is not None and leaves is not None:
        return _unite(connection, versions, deployed, stays, leaves, at)
    if leaves is not None:
        execute(SQL["rename_customer"], (into, leaves.number))
    kept = stays or leaves
    if kept is None:
        kept = numbers.newcomer(into)
        execute(SQL["keep_customer"], rows.customer_row(kept))
    execute(SQL["keep_alias"], (external_id, kept.number))
    return Merged(customer=kept.number, taken_over=0, ended=0)


def _unite(
    connection: sqlite3.Connection,
    versions: Versions,
    deployed: held.Deployed,
    stays: Customer,
    leaves: Customer,
    at: Instant,
) -> Merged:
    execute = connection.execute
    both = {stays.number: stays, leaves.number: leaves}
    loading.add_enrollments(connection, versions, both)
    ended = merging.doubles(stays.enrollments, leaves.enrollments, at)
    before = [one for one in (*stays.enrollments, *leaves.enrollments) if one.id in {double.id for double in ended}]
    sends = [send for number in both for send in _sends_of(connection, number)] if ended else []
    unsaid = held.let_go(before, deployed, sends, at, "cancelled", merging.CANCELLED)
    connection.executemany(SQL["keep_send"], [rows.send_row(one) for one in unsaid])
    connection.executemany(SQL["keep_enrollment"], [rows.enrollment_row(one, versions.ids) for one in ended])
    connection.executemany(SQL["cancel_sends"], [(merging.CANCELLED, at, one.id) for one in ended])
    ids = [one.id for one in loading.all_enrollments(connection, versions, leaves.number)]
    places = merging.new_places(ids, stays.number, stays.next_enrollment)
    for old, new in places.items():
        execute(SQL["move_enrollment"], (new, old))
        execute(SQL["move_decisions"], (new, old))
        execute(SQL["move_sends"], (new, old, stays.number))
    execute(SQL["move_refusals"], (stays.number, leaves.number))
    execute(SQL["move_past_entries"], (stays.number, leaves.number))
    execute(SQL["forget_past_entries"], (leaves.number,))
    execute(SQL["forget_memberships"], (leaves.number,))
    execute(SQL["move_history"], (stays.number, leaves.number))
    execute(SQL["keep_customer"], rows.customer_row(merging.united(stays, leaves)))
    execute(SQL["empty_customer"], (merging.tombstone(leaves.number), leaves.number))
    execute(SQL["inherit"], (stays.number, leaves.number))
    execute(SQL["keep_gone"], (leaves.number, stays.number, at))
    execute(SQL["lead_aliases"], (stays.number, leaves.number))
    execute(SQL["keep_alias"], (leaves.external_id, stays.number))
    return Merged(
        customer=stays.number, taken_over=len(places), ended=len(ended), ended_test=sum(one.test for one in ended)
    )


def erase(
    connection: sqlite3.Connection, versions: Versions, deployed: held.Deployed, external_id: str, at: Instant
) -> Erased | None:
    """Erase a customer; see `Store.erase`."""
    customer = find(connection, external_id)
    if customer is None:
        return None
    execute, many = connection.execute, connection.executemany
    sends = _sends_of(connection, customer.number)
    enrollments = list(loading.all_enrollments(connection, versions, customer.number))
    rejected = _rejected_of(connection, customer, sends)
    unsaid = held.let_go(enrollments, deployed, sends, at, "deleted")
    many(SQL["keep_send"], [rows.send_row(one) for one in unsaid])
    forgotten = [forgetting.forgotten_enrollment(one, at) for one in enrollments]
    many(SQL["keep_enrollment"], [rows.enrollment_row(one, versions.ids) for one in forgotten])
    many(SQL["keep_forgotten_send"], [_send_row(forgetting.forgotten_send(one, at)) for one in sends])
    many(SQL["forget_rejected"], [(forgetting.ERASED, number) for number, _ in rejected])
    execute(SQL["forget_decisions"], (customer.number,))
    events = execute(SQL["forget_events"], (_numbers_of(connection, customer),)).rowcount
    execute(SQL["forget_refusals"], (customer.number,))
    execute(SQL["forget_past_entries"], (customer.number,))
    execute(SQL["forget_aliases"], (customer.number,))
    execute(SQL["forget_memberships"], (customer.number,))
    execute(SQL["empty_customer"], (merging.tombstone(customer.number), customer.number))
    execute(SQL["keep_gone"], (customer.number, None, at))
    return Erased(
        ended=sum(one.status == "active" for one in enrollments),
        enrollments=len(enrollments),
        sends=len(sends),
        events=events,
        rejected=len(rejected),
        ended_test=sum(one.status == "active" and one.test for one in enrollments),
    )


def dossier(connection: sqlite3.Connection, names: Names, versions: Versions, external_id: str) -> Dossier | None:
    """Return everything there is of a customer."""
    story = story_of(connection, names, versions, external_id)
    if story is None:
        return None
    events = connection.execute(SQL["events_of"], (_numbers_of(connection, story.customer),))
    return Dossier(
        story=story,
        names=_names_of(connection, story.customer.number),
        events=tuple(_event_record(row, story.customer.number, names) for row in events),
        rejected=tuple(one for _, one in _rejected_of(connection, story.customer, story.sends)),
    )


def story_of(connection: sqlite3.Connection, names: Names, versions: Versions, external_id: str) -> Story | None:
    """Return a customer with all enrollments, decisions and sends."""
    customer = find(connection, external_id)
    if customer is None:
        return None
    number = customer.number
    loading.add_history(connection, names, {number: customer})
    loading.add_enrollments(connection, versions, {number: customer})
    add_memberships(connection, {number: customer})
    customer.suppressed |= suppressions.listed(connection, possible_addresses(customer))
    decisions = connection.execute(SQL["decisions_of_customer"], (number,))
    refusals = connection.execute(SQL["refusals_of_customer"], (number,))
    return Story(
        customer=customer,
        enrollments=tuple(sorted(loading.all_enrollments(connection, versions, number), key=_by_entry)),
        decisions=tuple(map(rows.decision_record, decisions)),
        sends=tuple(_sends_of(connection, number)),
        refusals=tuple(map(rows.refusal_record, refusals)),
    )


def _by_entry(enrollment: Enrollment) -> tuple[Instant, int]:
    return enrollment.entered_at, enrollment.id


def _sends_of(connection: sqlite3.Connection, number: int) -> list[KeptSend]:
    return [rows.send_record(row) for row in connection.execute(SQL["sends_of_customer"], (number,))]


def _names_of(connection: sqlite3.Connection, number: int) -> tuple[str, ...]:
    return tuple(name for (name,) in connection.execute(SQL["aliases_of"], (number,)))


def _numbers_of(connection: sqlite3.Connection, customer: Customer) -> str:
    """Return, as the statements take them, the number of a customer and of all who were merged into them."""
    merged = (number for (number,) in connection.execute(SQL["heirs_of"], (customer.number,)))
    return rows.numbers_text([customer.number, *merged])


def _rejected_of(
    connection: sqlite3.Connection, customer: Customer, sends: Iterable[KeptSend]
) -> list[tuple[int, Rejected]]:
    words = forgetting.words_of(customer, _names_of(connection, customer.number), sends)
    kept = ((row[0], rows.rejected_record(row[1:])) for row in connection.execute(SQL["all_rejected"]))
    return [(number, one) for number, one in kept if forgetting.speaks_of(one, words)]


def happened(connection: sqlite3.Connection, names: Names, after: int, limit: int) -> list[tuple[int, KeptEvent]]:
    """Return events with their places, which are their row numbers, in the order of arrival."""
    found = connection.execute(SQL["happened"], (after, limit))
    return [(place, _event_record(tuple(row), row[0], names)) for place, *row in found]


def happened_to(connection: sqlite3.Connection, names: Names, numbers: Iterable[int]) -> list[KeptEvent]:
    """Return all events of these customers in the order of time."""
    found = connection.execute(SQL["happened_to"], (rows.numbers_text(numbers),))
    return [_event_record(row, row[0], names) for row in found]


def _event_record(row: rows.Row, customer: int, names: Names) -> KeptEvent:
    _, name, at, received_at, source, source_id, properties, needed = row
    return KeptEvent(
        customer=customer,
        event=rows.event_record(names.name(name), at, properties),
        received_at=received_at,
        source=names.name(source),
        source_id=source_id,
        needed=bool(needed),
    )


def _send_row(send: KeptSend) -> rows.Row:
    return (
        send.address,
        send.locale,
        send.data,
        send.status,
        send.reason,
        send.detail,
        send.provider_id,
        send.settled_at,
        send.enrollment,
        send.visit,
    )
