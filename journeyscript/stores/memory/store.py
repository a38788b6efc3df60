"""The verbs of a store, over dictionaries.

Answers exactly as the SQLite store does, `ValueError` for a caller's mistake included: a commit is checked as a whole
before anything of it is kept.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing

from msgspec.structs import replace

from journeyscript.semantics.types import Instant
from journeyscript.stores.memory.agenda import Agenda
from journeyscript.stores.memory.outbox import Outbox
from journeyscript.stores.memory.profile import Profile, new_profile
from journeyscript.stores.memory.trace import Trace
from journeyscript.stores.numbers import Numbers
from journeyscript.stores.records import (
    ENROLLMENTS_PER_CUSTOMER,
    Changes,
    Customer,
    Deployment,
    JourneyCount,
    KeptEvent,
    KeptSend,
    Rejected,
    SendCount,
    Settlement,
    Store,
    Story,
    Totals,
)


class MemoryStore(Store):
    """A store that lives and ends with the process."""

    def __init__(self) -> None:
        """Start empty."""
        self._settings: dict[str, str] = {}
        self._positions: dict[str, str] = {}
        self._deployments: dict[str, Deployment] = {}
        self._current: frozenset[str] = frozenset()
        self._needed: set[str] = set()
        self._profiles: dict[int, Profile] = {}
        self._by_external_id: dict[str, Profile] = {}
        self._numbers = Numbers(last=0)
        self._seen: set[tuple[str, str]] = set()
        self._events: list[KeptEvent] = []
        self._trace = Trace()
        self._rejected: list[Rejected] = []
        self._due: Agenda[int] = Agenda()
        self._outbox = Outbox()

    def settings(self) -> dict[str, str]:
        """Return the facts kept by `note`."""
        return dict(self._settings)

    def note(self, /, **settings: str) -> None:
        """Keep facts about the store, each replacing the one of the same name."""
        self._settings.update(settings)

    def deploy(self, deployments: Sequence[Deployment], at: Instant) -> None:  # noqa: ARG002 -- nobody asks here when it was
        """Make these versions the current ones. An event whose history is needed for the first time costs a walk."""
        for deployment in deployments:
            self._deployments[deployment.version] = replace(deployment, contents=dict(deployment.contents))
        self._current = frozenset(deployment.version for deployment in deployments)
        fresh = {name for deployment in deployments for name in deployment.machine.needs.history} - self._needed
        self._needed |= fresh
        if fresh:
            for arrival, kept in enumerate(self._events):
                if kept.event.name in fresh and not kept.needed:
                    self._profiles[kept.customer].keep_event(kept.event, arrival)

    def deployments(self) -> tuple[dict[str, Deployment], frozenset[str]]:
        """Return every version kept, and which are current."""
        kept = {version: replace(one, contents=dict(one.contents)) for version, one in self._deployments.items()}
        return kept, self._current

    def load(self, external_ids: Iterable[str], numbers: Iterable[int], *, history: bool) -> dict[int, Customer]:
        """Return these customers by number. Numbers nobody has are left out."""
        customers: dict[int, Customer] = {}
        for external_id in external_ids:
            profile = self._by_external_id.get(external_id)
            one = self._numbers.newcomer(external_id) if profile is None else profile.record(history=history)
            customers[one.number] = one
        for number in numbers:
            if number not in customers and number in self._profiles:
                customers[number] = self._profiles[number].record(history=history)
        return customers

    def seen(self, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return which (source, source_id) pairs were taken in before."""
        return self._seen.intersection(keys)

    def positions(self) -> dict[str, str]:
        """Return how far each source has been read."""
        return dict(self._positions)

    def due(self, until: Instant, limit: int) -> list[int]:
        """Return at most `limit` customers with an enrollment due at or before `until`, earliest first."""
        numbers: dict[int, None] = {}
        with closing(self._due.until(until)) as enrollments:
            for enrollment in enrollments:
                if len(numbers) >= limit:
                    break
                numbers[enrollment // ENROLLMENTS_PER_CUSTOMER] = None
        return list(numbers)

    def next_due(self) -> Instant | None:
        """Return when the next active enrollment is due."""
        return self._due.first()

    def commit(self, changes: Changes) -> None:
        """Keep all of it.

        Raises:
            ValueError: it contradicts what is kept, or speaks of a customer or a version that is not.
        """
        self._numbers.check(changes)
        fresh = self._check(changes)
        self._outbox.check(changes.sends)
        self._keep_customers(changes.customers)
        profiles = self._profiles
        self._seen |= fresh
        needed = self._needed
        for arrival, kept in enumerate(changes.events, len(self._events)):
            if kept.needed or kept.event.name in needed:
                profiles[kept.customer].keep_event(kept.event, arrival)
        self._events += changes.events
        for enrollment in changes.enrollments:
            profiles[enrollment.id // ENROLLMENTS_PER_CUSTOMER].enrollments[enrollment.id] = enrollment
            if enrollment.status == "active" and enrollment.due_at is not None:
                self._due.put(enrollment.id, enrollment.due_at)
            else:
                self._due.remove(enrollment.id)
        self._trace.keep(changes.decisions)
        self._outbox.keep(changes.sends)
        self._rejected += changes.rejected
        self._positions.update(changes.positions)

    def _check(self, changes: Changes) -> set[tuple[str, str]]:
        """Return the sources' own ids of the events, once it is sure that all can be kept."""
        if strange := {one.version for one in changes.enrollments} - self._deployments.keys():
            raise ValueError(f"the version `{min(strange)}` was never deployed to this store")
        arriving: dict[str, int] = {}
        for customer in changes.customers:
            known = self._by_external_id.get(customer.external_id)
            owner = arriving.setdefault(customer.external_id, customer.number) if known is None else known.number
            if owner != customer.number:
                raise ValueError(f"the store already keeps something else in this place: `{customer.external_id}`")
        keys = [(kept.source, kept.source_id) for kept in changes.events if kept.source_id is not None]
        fresh = set(keys)
        if len(fresh) < len(keys) or not fresh.isdisjoint(self._seen):
            raise ValueError("the store already keeps something else in this place: an event of (source, source_id)")
        return fresh

    def _keep_customers(self, customers: Iterable[Customer]) -> None:
        for customer in customers:
            profile = self._profiles.get(customer.number)
            if profile is not None:
                profile.update(customer)
            else:
                profile = self._profiles[customer.number] = new_profile(customer)
                self._by_external_id[customer.external_id] = profile
        self._numbers.kept(customers)

    def claim(self, now: Instant, limit: int) -> list[KeptSend]:
        """Mark pending sends available at or before `now` as being sent; return them, oldest first."""
        return self._outbox.claim(now, limit)

    def unsettled(self) -> list[KeptSend]:
        """Return the sends that are marked as being sent, oldest first."""
        return self._outbox.unsettled()

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Keep what became of sends.

        Raises:
            ValueError: a send is unknown, or had its final outcome before.
        """
        self._outbox.settle(settlements)
        for settlement in settlements:
            if settlement.suppress:
                number, address = settlement.suppress
                if profile := self._profiles.get(number):
                    profile.suppressed |= {address}

    def next_available(self) -> Instant | None:
        """Return when the next pending send may be attempted."""
        return self._outbox.next_available()

    def journey_counts(self) -> list[JourneyCount]:
        """Return enrollments counted by journey, version, status, state and reason."""
        counted = Counter(
            (one.journey, one.version, one.status, one.state, one.reason)
            for profile in self._profiles.values()
            for one in profile.enrollments.values()
        )
        return [
            JourneyCount(journey=journey, version=version, status=status, state=state, reason=reason, count=count)
            for (journey, version, status, state, reason), count in sorted(
                counted.items(), key=lambda item: (*item[0][:4], item[0][4] is not None, item[0][4] or "")
            )
        ]

    def reached(self, journey: str) -> dict[str, dict[str, int]]:
        """Return by version and state how many enrollments came to each state. Walks all decisions."""
        versions = {
            one.id: one.version
            for profile in self._profiles.values()
            for one in profile.enrollments.values()
            if one.journey == journey
        }
        found: dict[str, dict[str, int]] = {}
        for enrollment, state in self._trace.reached():
            if (version := versions.get(enrollment)) is not None:
                states = found.setdefault(version, {})
                states[state] = states.get(state, 0) + 1
        return found

    def send_counts(self) -> list[SendCount]:
        """Return sends counted by journey, message, channel, status and reason."""
        return self._outbox.counts()

    def totals(self, now: Instant) -> Totals:
        """Return the size of the store; overdue is what is due at or before `now`."""
        return Totals(
            customers=len(self._profiles),
            events=len(self._events),
            rejected=len(self._rejected),
            overdue=self._due.count(now),
        )

    def story(self, external_id: str) -> Story | None:
        """Return one customer with all enrollments, decisions and sends."""
        profile = self._by_external_id.get(external_id)
        if profile is None:
            return None
        return Story(
            customer=profile.record(history=True),
            enrollments=tuple(profile.in_order()),
            decisions=self._trace.of_customer(profile.number),
            sends=tuple(self._outbox.of_customer(profile.number)),
        )

    def rejected(self, limit: int) -> list[Rejected]:
        """Return inputs that could not be taken in, latest first."""
        return self._rejected[: -limit - 1 : -1]

    def sends(self, limit: int, after: tuple[int, int] = (0, -1)) -> list[KeptSend]:
        """Return sends in order of (enrollment, visit), from behind `after` on."""
        return self._outbox.listed(limit, after)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""
