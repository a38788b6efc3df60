"""Everything the memory store keeps, in the containers that its verbs share.

The containers are changed in place, never replaced: several modules hold the same ones.
"""

from collections import Counter
from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

from journeyscript.engine.values import Control, Enrollment, Status
from journeyscript.semantics.types import Instant
from journeyscript.stores.addresses import digest_of
from journeyscript.stores.memory.agenda import Agenda
from journeyscript.stores.memory.memberships import Memberships
from journeyscript.stores.memory.outbox import Outbox
from journeyscript.stores.memory.profile import Profile
from journeyscript.stores.memory.refusals import Refusals
from journeyscript.stores.memory.trace import Trace
from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, Customer, KeptEvent, Rejected

Where: TypeAlias = tuple[str, str]
"""A journey and a key."""

Pruned: TypeAlias = tuple[str, str, Status, str, str | None]
"""A journey, a version, a status, a state and a reason."""


class Past(Struct, kw_only=True):
    """What stays of a customer's pruned enrollments in a journey: the latest entry and end, and the number behind."""

    entered_at: Instant
    ended_at: Instant
    behind: int


class Shelves(Struct, kw_only=True, frozen=True):
    """The containers. An event that was pruned leaves its place empty, for the order of arrival."""

    profiles: dict[int, Profile] = {}
    by_name: dict[str, Profile] = {}
    events: list[KeptEvent | None] = []
    seen: set[tuple[str, str]] = set()
    rejected: list[Rejected] = []
    refusals: Refusals
    """By customer, in the order of arrival."""
    trace: Trace
    outbox: Outbox
    due: Agenda[int]
    memberships: Memberships
    aliases: dict[str, int] = {}
    heirs: dict[int, int] = {}
    gone: set[int] = set()
    past: dict[int, dict[Where, Past]] = {}
    controls: dict[str, Control] = {}
    paused: set[str]
    suppressions: set[int] = set()
    """What stands for the addresses that must not be written to."""
    pruned: tuple[Counter[Pruned], Counter[Pruned]]
    """Of people, and of test customers."""
    pruned_states: Counter[tuple[str, str, str]]
    """Of people."""

    def find(self, external_id: str) -> Profile | None:
        """Return a customer by the name they go by or went by."""
        profile = self.by_name.get(external_id)
        if profile is None and external_id in self.aliases:
            profile = self.profiles[self.aliases[external_id]]
        return profile

    def left(self, number: int) -> bool:
        """Return whether an enrollment was ended by an exit, a goal or an operator: its last decision says so."""
        profile = self.profiles.get(number // ENROLLMENTS_PER_CUSTOMER)
        enrollment = None if profile is None else profile.enrollments.get(number)
        if enrollment is None or enrollment.status != "exited":
            return False
        rule = self.trace.last_rule(number)
        return rule in {"goal", "stopped"} or rule.startswith("exit ")

    def suppressed(self, addresses: Iterable[str]) -> frozenset[str]:
        """Return which of these addresses must not be written to."""
        if not self.suppressions:
            return frozenset()
        return frozenset(address for address in addresses if digest_of(address) in self.suppressions)

    def home(self, number: int) -> Profile:
        """Return the customer of an event: the one it happened to, or the one they were merged into."""
        return self.profiles[self.heirs.get(number, number)]

    def record(self, profile: Profile, *, history: bool) -> Customer:
        """Return a customer as loaded for a batch, pruned enrollments counted in."""
        record = profile.record(history=history)
        for where, past in self.past.get(profile.number, {}).items():
            record.last_entries[where] = max(record.last_entries.get(where, past.entered_at), past.entered_at)
            record.last_exits[where] = max(record.last_exits.get(where, past.ended_at), past.ended_at)
            record.next_enrollment = max(record.next_enrollment, past.behind)
        return record

    def keep(self, profile: Profile, enrollment: Enrollment) -> None:
        """Keep an enrollment that has changed, and when it is due."""
        profile.enrollments[enrollment.id] = enrollment
        self.schedule(enrollment)

    def schedule(self, enrollment: Enrollment) -> None:
        """Keep when an enrollment is due; nobody is in a paused journey."""
        if enrollment.status == "active" and enrollment.due_at is not None and enrollment.journey not in self.paused:
            self.due.put(enrollment.id, enrollment.due_at)
        else:
            self.due.remove(enrollment.id)
