"""The verbs of a store, over one SQLite file.

Each verb is a handful of statements for a whole batch; each writing verb is one transaction. A row that contradicts
what is kept already (the same send twice, the same source's event twice, a version never deployed) is a mistake of
the caller: `ValueError`, and nothing of that call is kept. A file that cannot be used is a `StoreError`.
"""

import heapq
import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from journeyscript.engine.audience import Audience
from journeyscript.semantics.types import Instant
from journeyscript.stores.counts import Erased, JourneyCount, Merged, RefusalCount, SendCount, Totals
from journeyscript.stores.records import (
    ENROLLMENTS_PER_CUSTOMER,
    NO_BOUND,
    Changes,
    Customer,
    Deployment,
    Dossier,
    KeptEvent,
    KeptSend,
    Permission,
    Rejected,
    Settlement,
    Store,
    StoreError,
    Story,
)
from journeyscript.stores.sqlite import delivering, identity, loading, rows, suppressions
from journeyscript.stores.sqlite.audience import members
from journeyscript.stores.sqlite.connection import WriterLock, connect_reader, connect_writer, plainly
from journeyscript.stores.sqlite.memberships import add_memberships
from journeyscript.stores.sqlite.opened import plainly_told
from journeyscript.stores.sqlite.operated import OperatedStore
from journeyscript.stores.sqlite.statements import SQL
from journeyscript.stores.sqlite.writing import write_changes, write_deployments, write_settlements


def open_sqlite(path: Path, *, read_only: bool = False) -> "SqliteStore":
    """Open the store at `path`; for writing, it is made where it is missing and brought up to date.

    Raises:
        StoreError: the file is missing (to read), something else, damaged, of a newer program, not to be written, or
            being written by another process. The text says what to do.
    """
    if path.is_dir():
        raise StoreError(f"`{path}` is a folder; name a file as `store` in journeyscript.yaml")
    if read_only:
        return _opened(path, connect_reader(path), None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder `{path.parent}` cannot be made ({error.strerror}); name another `store` in journeyscript.yaml"
        ) from error
    lock = WriterLock(path)
    try:
        return _opened(path, connect_writer(path), lock)
    except BaseException:
        lock.release()
        raise


def _opened(path: Path, connection: sqlite3.Connection, lock: WriterLock | None) -> "SqliteStore":
    try:
        with plainly(path):
            return SqliteStore(path, connection, lock)
    except BaseException:
        connection.close()
        raise


class SqliteStore(OperatedStore, Store):
    """A store in one SQLite file, to be opened by `open_sqlite` and used from one thread.

    Between `load` and the `commit` of what was loaded, no other verb may change the same customers.
    """

    @plainly_told
    def settings(self) -> dict[str, str]:
        """Return the facts kept by `note`."""
        return dict(self._connection.execute(SQL["settings"]).fetchall())

    @plainly_told
    def note(self, /, **settings: str) -> None:
        """Keep facts about the store, each replacing the one of the same name."""
        with self._writing(enrollments=False):
            self._connection.executemany(SQL["keep_setting"], settings.items())

    @plainly_told
    def deploy(self, deployments: Sequence[Deployment], at: Instant) -> None:
        """Make these versions the current ones. An event whose history is needed for the first time costs a scan."""
        with self._writing(enrollments=False):
            write_deployments(self._connection, deployments, at, self._names)
            self._connection.execute(SQL["move_history_of_gone"])
        self._versions.reload()

    @plainly_told
    def switch(self, deployments: Sequence[Deployment], at: Instant, changes: Changes) -> None:
        """Make these versions the current ones and keep what moves people into them.

        Raises:
            ValueError: the changes contradict what is kept; then nothing is kept.
        """
        self._numbers.check(changes)
        with self._writing():
            write_deployments(self._connection, deployments, at, self._names)
            self._connection.execute(SQL["move_history_of_gone"])
            self._versions.reload()
            write_changes(self._connection, changes, self._names, self._versions)
        self._numbers.kept(changes.customers)

    @plainly_told
    def deployments(self) -> tuple[dict[str, Deployment], frozenset[str]]:
        """Return every version kept, and which are current."""
        contents = dict(self._connection.execute(SQL["contents"]).fetchall())
        kept = self._connection.execute(SQL["machines"]).fetchall()
        try:
            records = {row[0]: rows.deployment_record(row, contents) for row in kept}
        except msgspec.DecodeError as error:
            raise StoreError(
                f"the store `{self.path}` keeps a journey that this version of JourneyScript cannot read ({error}); "
                "use the version that deployed it"
            ) from error
        return records, frozenset(row[0] for row in kept if row[4])

    @plainly_told
    def load(
        self,
        external_ids: Iterable[str],
        numbers: Iterable[int],
        *,
        history: bool,
        recent_since: Instant | None = None,
        waiting_at: Instant = 0,
        memberships: bool = False,
    ) -> dict[int, Customer]:
        """Return these customers by number, in at most seven queries. Numbers nobody has are left out."""
        wanted = list(dict.fromkeys(external_ids))
        found = loading.by_external_id(self._connection, wanted) if wanted else {}
        if len(found) < len(wanted):
            found.update(identity.survivors(self._connection, (name for name in wanted if name not in found)))
        customers = {customer.number: customer for customer in found.values()}
        if others := set(numbers) - customers.keys():
            customers.update((one.number, one) for one in loading.by_number(self._connection, others))
        if customers:
            loading.add_enrollments(self._connection, self._versions, customers)
            if history:
                loading.add_history(self._connection, self._names, customers)
            if recent_since is not None:
                loading.add_recent(self._connection, customers, recent_since, waiting_at)
            if memberships:
                add_memberships(self._connection, customers)
        for external_id in wanted:
            if external_id not in found:
                newcomer = self._numbers.newcomer(external_id)
                customers[newcomer.number] = newcomer
        return customers

    @plainly_told
    def survivors(self, external_ids: Iterable[str]) -> dict[str, str]:
        """Return the names that these given-up ones lead to."""
        found = identity.survivors(self._connection, external_ids)
        return {name: customer.external_id for name, customer in found.items()}

    @plainly_told
    def merge(self, external_id: str, into: str, at: Instant) -> Merged | None:
        """Make one customer of two.

        Raises:
            MergeError: the name to give up leads to somebody else already.
        """
        with self._writing():
            merged = identity.merge(
                self._connection, self._versions, self._numbers, self._deployed, external_id, into, at
            )
        self._numbers.settled(external_id, into)
        return merged

    @plainly_told
    def erase(self, external_id: str, at: Instant) -> Erased | None:
        """Erase a customer; what stood in the file is overwritten."""
        with self._overwriting(), self._writing():
            return identity.erase(self._connection, self._versions, self._deployed, external_id, at)

    def _deployed(self) -> dict[str, Deployment]:
        return self.deployments()[0]

    @plainly_told
    def dossier(self, external_id: str) -> Dossier | None:
        """Return everything there is of a customer, as of one moment."""
        with self._one_moment():
            return identity.dossier(self._connection, self._names, self._versions, external_id)

    @plainly_told
    def seen(self, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return which (source, source_id) pairs were taken in before."""
        return loading.seen(self._connection, self._names, keys)

    @plainly_told
    def positions(self) -> dict[str, str]:
        """Return how far each source has been read."""
        return dict(self._connection.execute(SQL["positions"]).fetchall())

    @plainly_told
    def audience(self, audience: Audience, after: int, limit: int) -> list[int]:
        """Return the numbers behind `after` of customers who belong to an audience. Walks everybody behind it."""
        return members(self._connection, self._names, audience, after, limit)

    @plainly_told
    def due(self, until: Instant, limit: int) -> list[int]:
        """Return at most `limit` customers with a timer due at or before `until`, earliest first."""
        numbers: dict[int, None] = {}
        timers = self._connection.execute(SQL["due"], (until,))
        for _, enrollment in heapq.merge(timers, self._connection.execute(SQL["due_memberships"], (until,))):
            if len(numbers) >= limit:
                break
            numbers[enrollment // ENROLLMENTS_PER_CUSTOMER] = None
        return list(numbers)

    @plainly_told
    def next_due(self) -> Instant | None:
        """Return when the next timer of a customer is due."""
        moments = self._first(SQL["next_due"]), self._first(SQL["next_due_membership"])
        return min((moment for moment in moments if moment is not None), default=None)

    @plainly_told
    def numbers(self, after: int, limit: int) -> list[int]:
        """Return customers by number, in order, from behind `after` on."""
        return [number for (number,) in self._connection.execute(SQL["numbers"], (after, limit))]

    @plainly_told
    def forget_segment(self, segment: str) -> None:
        """Forget who is in a segment."""
        with self._writing(enrollments=False):
            self._connection.execute(SQL["forget_segment"], (segment,))

    @plainly_told
    def commit(self, changes: Changes) -> None:
        """Keep all of it in one transaction.

        Raises:
            ValueError: it contradicts what is kept, or speaks of a customer or a version that is not.
        """
        self._numbers.check(changes)
        active = self._actives.after(changes.enrollments)
        with self._writing():
            write_changes(self._connection, changes, self._names, self._versions)
        self._actives.keep(active)
        self._numbers.kept(changes.customers)

    @plainly_told
    def claim(self, now: Instant, limit: int, room: Mapping[str, int] = NO_BOUND) -> list[KeptSend]:
        """Mark pending sends available at or before `now` as being sent; return them, oldest first."""
        pending = delivering.pending(self._connection, self._turns, now, limit, room)
        if not pending:
            return []
        with self._writing(enrollments=False):
            self._connection.executemany(SQL["claim"], [(send.enrollment, send.visit) for send in pending])
        return [msgspec.structs.replace(send, status="sending", attempts=send.attempts + 1) for send in pending]

    @plainly_told
    def unsettled(self) -> list[KeptSend]:
        """Return the sends that are marked as being sent, oldest first."""
        return [rows.send_record(row) for row in self._connection.execute(SQL["unsettled"])]

    @plainly_told
    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Keep what became of sends, in one transaction.

        Raises:
            ValueError: a send is unknown, or had its final outcome before.
        """
        with self._writing(enrollments=False):
            write_settlements(self._connection, settlements)

    @plainly_told
    def next_available(self, without: Collection[str] = ()) -> Instant | None:
        """Return when the next pending send may be attempted."""
        return delivering.next_available(self._connection, without)

    @plainly_told
    def handed_over(self, channel: str, limit: int) -> list[Instant]:
        """Return when the latest messages on a channel went to the other side. Walks all sends."""
        return delivering.handed_over(self._connection, channel, limit)

    @plainly_told
    def put_off(self, channel: str) -> list[KeptSend]:
        """Return the messages on a channel that are to be tried again. Walks all that are pending there."""
        return delivering.put_off(self._connection, channel)

    @plainly_told
    def permissions(self, numbers: Iterable[int]) -> dict[int, Permission]:
        """Return what these customers allow, in one query."""
        return delivering.permissions(self._connection, numbers)

    @plainly_told
    def suppressed(self, addresses: Iterable[str]) -> frozenset[str]:
        """Return which of these addresses are on the list, in one query."""
        return suppressions.listed(self._connection, addresses)

    @plainly_told
    def suppresses(self) -> bool:
        """Return whether anything is on the list."""
        return suppressions.any_listed(self._connection)

    @plainly_told
    def received(self, numbers: Iterable[int]) -> dict[int, frozenset[str]]:
        """Return by enrollment which messages went to these customers, or are on their way, in one query."""
        return delivering.received(self._connection, numbers)

    @plainly_told
    def left(self, enrollments: Iterable[int]) -> set[int]:
        """Return which of these enrollments were ended by an exit or the goal of their journey, in one query."""
        return delivering.left(self._connection, enrollments)

    @plainly_told
    def journey_counts(self, *, test: bool = False) -> list[JourneyCount]:
        """Return enrollments counted by journey, version, status, state and reason. Of people it walks them all."""
        found = self._connection.execute(SQL["test_journey_counts" if test else "journey_counts"])
        counts = [
            JourneyCount(journey=journey, version=version, status=status, state=state, reason=reason, count=count)
            for machine, status, state, reason, count in found
            for journey, version in (self._versions.version(machine),)
        ]
        return sorted(
            counts,
            key=lambda one: (one.journey, one.version, one.status, one.state, one.reason is not None, one.reason or ""),
        )

    @plainly_told
    def reached(self, journey: str) -> dict[str, dict[str, int]]:
        """Return by version and state how many enrollments came to each state. Walks all decisions."""
        self._versions.reload()
        machines = json.dumps(self._versions.of_journey(journey))
        found: dict[str, dict[str, int]] = {}
        for machine, state, count in self._connection.execute(SQL["reached"], (machines,)):
            found.setdefault(self._versions.version(machine)[1], {})[state] = count
        return found

    @plainly_told
    def send_counts(self, *, test: bool = False) -> list[SendCount]:
        """Return sends counted by journey, message, channel, status and reason. Of people it walks them all."""
        found = self._connection.execute(SQL["test_send_counts" if test else "send_counts"])
        return [
            SendCount(journey=journey, message=message, channel=channel, status=status, reason=reason, count=count)
            for journey, message, channel, status, reason, count in found
        ]

    @plainly_told
    def refusal_counts(self) -> list[RefusalCount]:
        """Return refusals counted by journey and reason. Walks all refusals."""
        return [
            RefusalCount(journey=journey, reason=reason, count=count)
            for journey, reason, count in self._connection.execute(SQL["refusal_counts"])
        ]

    @plainly_told
    def active(self, journeys: Collection[str]) -> dict[str, int]:
        """Return how many enrollments are active in each of these journeys. The first answer walks all enrollments."""
        return self._actives.of(journeys)

    @plainly_told
    def totals(self, now: Instant) -> Totals:
        """Return the size of the store; overdue is what is due at or before `now`."""
        customers, events, rejected, overdue = self._connection.execute(SQL["totals"], (now,)).fetchone()
        return Totals(customers=customers, events=events, rejected=rejected, overdue=overdue)

    @plainly_told
    def story(self, external_id: str) -> Story | None:
        """Return one customer with all enrollments, decisions and sends, as of one moment."""
        with self._one_moment():
            return identity.story_of(self._connection, self._names, self._versions, external_id)

    @plainly_told
    def rejected(self, limit: int) -> list[Rejected]:
        """Return inputs that could not be taken in, latest first."""
        return [rows.rejected_record(row) for row in self._connection.execute(SQL["rejected"], (limit,))]

    @plainly_told
    def sends(self, limit: int, after: tuple[int, int] = (0, -1)) -> list[KeptSend]:
        """Return sends in order of (enrollment, visit), from behind `after` on."""
        return [rows.send_record(row) for row in self._connection.execute(SQL["sends"], (*after, limit))]

    @plainly_told
    def find_sends(
        self, limit: int, *, status: str | None = None, journey: str | None = None, channel: str | None = None
    ) -> list[KeptSend]:
        """Return sends of this status, journey and channel, the latest first. Walks all sends."""
        found = self._connection.execute(SQL["find_sends"], (status, journey, channel, limit))
        return [rows.send_record(row) for row in found]

    @plainly_told
    def happened(self, after: int, limit: int) -> list[tuple[int, KeptEvent]]:
        """Return events with their places, in the order of arrival, from behind the place `after` on."""
        return identity.happened(self._connection, self._names, after, limit)

    @plainly_told
    def happened_to(self, numbers: Iterable[int]) -> list[KeptEvent]:
        """Return all events of these customers in the order of time."""
        return identity.happened_to(self._connection, self._names, numbers)

    @plainly_told
    def passages(self, journey: str, since: Instant) -> tuple[list[int], int]:
        """Return people's enrollments in a journey, active or ended from `since` on, and how many were pruned."""
        with self._one_moment():
            found = [number for (number,) in self._connection.execute(SQL["passages"], (journey, since))]
            return found, self._connection.execute(SQL["pruned_of"], (journey,)).fetchone()[0]
