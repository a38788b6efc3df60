"""The verbs of a store, over dictionaries.

Answers exactly as the SQLite store does, `ValueError` for a caller's mistake included: a commit is checked as a whole
before anything of it is kept.
"""

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing

from msgspec.structs import replace

from journeyscript.engine.audience import Audience
from journeyscript.engine.values import Control, Enrollment
from journeyscript.semantics.types import Instant
from journeyscript.stores.addresses import digest_of
from journeyscript.stores.counts import Erased, JourneyCount, Merged, Pruned, RefusalCount, SendCount, Totals
from journeyscript.stores.memory import controls, identity, pruning
from journeyscript.stores.memory.agenda import Agenda
from journeyscript.stores.memory.memberships import Memberships
from journeyscript.stores.memory.outbox import Outbox
from journeyscript.stores.memory.profile import new_profile
from journeyscript.stores.memory.refusals import Refusals
from journeyscript.stores.memory.shelves import Shelves
from journeyscript.stores.memory.trace import Trace
from journeyscript.stores.numbers import Numbers
from journeyscript.stores.records import (
    ENROLLMENTS_PER_CUSTOMER,
    NO_BOUND,
    Changes,
    Customer,
    Deployment,
    Dossier,
    KeptEvent,
    KeptSend,
    Overdue,
    Permission,
    Rejected,
    Settlement,
    Store,
    Story,
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
        self._numbers = Numbers(last=0)
        self._active: Counter[str] | None = None
        paused: set[str] = set()
        self._shelves = shelves = Shelves(
            trace=Trace(),
            outbox=Outbox(paused),
            refusals=Refusals(),
            due=Agenda(),
            memberships=Memberships(),
            pruned=(Counter(), Counter()),
            pruned_states=Counter(),
            paused=paused,
        )
        self._profiles, self._by_external_id = shelves.profiles, shelves.by_name
        self._seen, self._events = shelves.seen, shelves.events
        self._rejected = shelves.rejected
        self._trace, self._outbox, self._due = shelves.trace, shelves.outbox, shelves.due

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
                if kept is not None and kept.event.name in fresh and not kept.needed:
                    self._shelves.home(kept.customer).keep_event(kept.event, arrival)

    def switch(self, deployments: Sequence[Deployment], at: Instant, changes: Changes) -> None:
        """Make these versions the current ones and keep what moves people into them.

        Raises:
            ValueError: the changes contradict what is kept; then nothing is kept.
        """
        self._numbers.check(changes)
        self._check(changes, {deployment.version for deployment in deployments})
        self._outbox.check(changes.sends)
        self.deploy(deployments, at)
        self.commit(changes)

    def deployments(self) -> tuple[dict[str, Deployment], frozenset[str]]:
        """Return every version kept, and which are current."""
        kept = {version: replace(one, contents=dict(one.contents)) for version, one in self._deployments.items()}
        return kept, self._current

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
        """Return these customers by number. Numbers nobody has are left out."""
        customers: dict[int, Customer] = {}
        for external_id in external_ids:
            profile = self._shelves.find(external_id)
            if profile is None:
                one = self._numbers.newcomer(external_id)
            else:
                one = self._shelves.record(profile, history=history)
            customers[one.number] = one
        for number in numbers:
            if number not in customers and number in self._profiles:
                customers[number] = self._shelves.record(self._profiles[number], history=history)
        if memberships:
            for number, one in customers.items():
                one.memberships = self._shelves.memberships.of(number)
        if recent_since is not None:
            for number, one in customers.items():
                one.recent = self._outbox.recent(number, recent_since, waiting_at)
        return customers

    def seen(self, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return which (source, source_id) pairs were taken in before."""
        return self._seen.intersection(keys)

    def positions(self) -> dict[str, str]:
        """Return how far each source has been read."""
        return dict(self._positions)

    def audience(self, audience: Audience, after: int, limit: int) -> list[int]:
        """Return the numbers behind `after` of customers who belong to an audience. Walks everybody behind it."""
        found: list[int] = []
        for number in sorted(number for number in self._profiles if number > after):
            if len(found) == limit:
                break
            one = self._profiles[number]
            if number not in self._shelves.gone and audience.has(
                one.external_id, one.attributes, one.consent, one.past() if audience.asks_history else {}
            ):
                found.append(number)
        return found

    def due(self, until: Instant, limit: int) -> list[int]:
        """Return at most `limit` customers with a timer due at or before `until`, earliest first."""
        numbers: dict[int, None] = {}
        due, looks = self._due.timed(until), self._shelves.memberships.looks.timed(until)
        with closing(due), closing(looks):
            for _, enrollment in heapq.merge(due, looks):
                if len(numbers) >= limit:
                    break
                numbers[enrollment // ENROLLMENTS_PER_CUSTOMER] = None
        return list(numbers)

    def next_due(self) -> Instant | None:
        """Return when the next timer of a customer is due."""
        moments = self._due.first(), self._shelves.memberships.looks.first()
        return min((moment for moment in moments if moment is not None), default=None)

    def numbers(self, after: int, limit: int) -> list[int]:
        """Return customers by number, in order, from behind `after` on."""
        gone = self._shelves.gone
        return sorted(number for number in self._profiles if number > after and number not in gone)[:limit]

    def forget_segment(self, segment: str) -> None:
        """Forget who is in a segment."""
        self._shelves.memberships.forget_segment(segment)

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
            enrollments = profiles[enrollment.id // ENROLLMENTS_PER_CUSTOMER].enrollments
            if self._active is not None:
                before = enrollments.get(enrollment.id)
                was = before is not None and _is_counted(before)
                self._active[enrollment.journey] += _is_counted(enrollment) - was
            enrollments[enrollment.id] = enrollment
            self._shelves.schedule(enrollment)
        self._shelves.memberships.keep(changes.memberships)
        self._trace.keep(changes.decisions)
        self._outbox.keep(changes.sends)
        self._rejected += changes.rejected
        self._shelves.refusals.keep(changes.refusals)
        self._positions.update(changes.positions)

    def _check(self, changes: Changes, fresh_versions: Collection[str] = ()) -> set[tuple[str, str]]:
        """Return the sources' own ids of the events, once it is sure that all can be kept."""
        if strange := {one.version for one in changes.enrollments} - {*self._deployments, *fresh_versions}:
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

    def claim(self, now: Instant, limit: int, room: Mapping[str, int] = NO_BOUND) -> list[KeptSend]:
        """Mark pending sends available at or before `now` as being sent; return them, oldest first."""
        return self._outbox.claim(now, limit, room)

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
                self._shelves.suppressions.add(digest_of(address))

    def next_available(self, without: Collection[str] = ()) -> Instant | None:
        """Return when the next pending send may be attempted."""
        return self._outbox.next_available(without)

    def handed_over(self, channel: str, limit: int) -> list[Instant]:
        """Return when the latest messages on a channel went to the other side. Walks all sends."""
        return self._outbox.handed_over(channel, limit)

    def put_off(self, channel: str) -> list[KeptSend]:
        """Return the messages on a channel that are to be tried again. Walks all sends."""
        return self._outbox.put_off(channel)

    def permissions(self, numbers: Iterable[int]) -> dict[int, Permission]:
        """Return what these customers allow."""
        profiles = (profile for number in set(numbers) if (profile := self._profiles.get(number)) is not None)
        return {
            one.number: Permission(consent=dict(one.consent), suppressed=one.suppressed, timezone=timezone)
            for one in profiles
            if (timezone := one.timezone()) or one.consent or one.suppressed
        }

    def suppress(self, digests: Collection[int]) -> int:
        """Put addresses on the list of those that must not be written to."""
        listed = self._shelves.suppressions
        before = len(listed)
        listed.update(digests)
        return len(listed) - before

    def unsuppress(self, digests: Collection[int]) -> int:
        """Take addresses off the list."""
        listed, gone = self._shelves.suppressions, frozenset(digests)
        for profile in self._profiles.values():
            if profile.suppressed:
                profile.suppressed = frozenset(one for one in profile.suppressed if digest_of(one) not in gone)
        before = len(listed)
        listed -= gone
        return before - len(listed)

    def suppressed(self, addresses: Iterable[str]) -> frozenset[str]:
        """Return which of these addresses are on the list."""
        return self._shelves.suppressed(addresses)

    def suppresses(self) -> bool:
        """Return whether anything is on the list."""
        return bool(self._shelves.suppressions)

    def suppressions(self) -> int:
        """Return how many addresses are on the list."""
        return len(self._shelves.suppressions)

    def received(self, numbers: Iterable[int]) -> dict[int, frozenset[str]]:
        """Return by enrollment which messages went to these customers, or are on their way."""
        return self._outbox.received(set(numbers))

    def left(self, enrollments: Iterable[int]) -> set[int]:
        """Return which of these enrollments were ended by an exit or the goal of their journey."""
        return {number for number in set(enrollments) if self._shelves.left(number)}

    def journey_counts(self, *, test: bool = False) -> list[JourneyCount]:
        """Return enrollments of people, or of test customers, counted by journey, version, status, state and reason."""
        counted = Counter(
            (one.journey, one.version, one.status, one.state, one.reason)
            for profile in self._profiles.values()
            for one in profile.enrollments.values()
            if one.test == test
        )
        counted.update(self._shelves.pruned[test])
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
            if one.journey == journey and not one.test
        }
        found: dict[str, dict[str, int]] = {}
        for enrollment, state in self._trace.reached():
            if (version := versions.get(enrollment)) is not None:
                states = found.setdefault(version, {})
                states[state] = states.get(state, 0) + 1
        for (name, version, state), count in self._shelves.pruned_states.items():
            if name == journey:
                states = found.setdefault(version, {})
                states[state] = states.get(state, 0) + count
        return found

    def send_counts(self, *, test: bool = False) -> list[SendCount]:
        """Return sends to people, or to test customers, counted by journey, message, channel, status and reason."""
        return self._outbox.counts(test=test)

    def refusal_counts(self) -> list[RefusalCount]:
        """Return refusals counted by journey and reason."""
        return self._shelves.refusals.counts()

    def active(self, journeys: Collection[str]) -> dict[str, int]:
        """Return how many enrollments are active in each of these journeys. The first answer walks all enrollments."""
        if self._active is None:
            everybody = (one for profile in self._profiles.values() for one in profile.enrollments.values())
            self._active = Counter(one.journey for one in everybody if _is_counted(one))
        return {journey: self._active[journey] for journey in journeys}

    def totals(self, now: Instant) -> Totals:
        """Return the size of the store; overdue is what is due at or before `now`."""
        return Totals(
            customers=len(self._profiles) - len(self._shelves.gone),
            events=len(self._events),
            rejected=len(self._rejected),
            overdue=self._due.count(now),
        )

    def story(self, external_id: str) -> Story | None:
        """Return one customer with all enrollments, decisions and sends."""
        return identity.story_of(self._shelves, external_id)

    def rejected(self, limit: int) -> list[Rejected]:
        """Return inputs that could not be taken in, latest first."""
        return self._rejected[: -limit - 1 : -1]

    def sends(self, limit: int, after: tuple[int, int] = (0, -1)) -> list[KeptSend]:
        """Return sends in order of (enrollment, visit), from behind `after` on."""
        return self._outbox.listed(limit, after)

    def survivors(self, external_ids: Iterable[str]) -> dict[str, str]:
        """Return the names that these given-up ones lead to."""
        aliases = self._shelves.aliases
        if not aliases:
            return {}
        return {name: self._profiles[aliases[name]].external_id for name in external_ids if name in aliases}

    def merge(self, external_id: str, into: str, at: Instant) -> Merged | None:
        """Make one customer of two.

        Raises:
            MergeError: the name to give up leads to somebody else already.
        """
        merged = identity.merge(self._shelves, self._numbers, lambda: self._deployments, external_id, into, at)
        self._numbers.settled(external_id, into)
        self._active = None
        return merged

    def erase(self, external_id: str, at: Instant) -> Erased | None:
        """Erase a customer."""
        self._active = None
        return identity.erase(self._shelves, lambda: self._deployments, external_id, at)

    def dossier(self, external_id: str) -> Dossier | None:
        """Return everything there is of a customer."""
        return identity.dossier(self._shelves, external_id, self._needed)

    def happened(self, after: int, limit: int) -> list[tuple[int, KeptEvent]]:
        """Return events with their places, in the order of arrival, from behind the place `after` on."""
        return identity.happened(self._shelves, self._needed, after, limit)

    def happened_to(self, numbers: Iterable[int]) -> list[KeptEvent]:
        """Return all events of these customers in the order of time."""
        return identity.happened_to(self._shelves, self._needed, frozenset(numbers))

    def passages(self, journey: str, since: Instant) -> tuple[list[int], int]:
        """Return people's enrollments in a journey, active or ended from `since` on, and how many were pruned."""
        return pruning.passages(self._shelves, journey, since)

    def find_sends(
        self, limit: int, *, status: str | None = None, journey: str | None = None, channel: str | None = None
    ) -> list[KeptSend]:
        """Return sends of this status, journey and channel, the latest first."""
        return self._outbox.find(limit, status=status, journey=journey, channel=channel)

    def requeue(self, places: Iterable[tuple[int, int]], at: Instant) -> None:
        """Make failed sends pending again.

        Raises:
            ValueError: one is unknown, or did not fail.
        """
        self._outbox.requeue(places, at)

    def prune(self, before: Instant, keep: Mapping[str, Instant | None], *, dry: bool = False) -> Pruned:
        """Take away what ended before an instant; count it only, if `dry`."""
        return pruning.prune(self._shelves, before, keep, dry=dry)

    def controls(self) -> dict[str, Control]:
        """Return what an operator has ordered, by journey."""
        return dict(sorted(self._shelves.controls.items()))

    def pause(self, journey: str, at: Instant) -> bool:
        """Let a journey stand still. Walks all enrollments."""
        return controls.pause(self._shelves, journey, at)

    def resume(self, journey: str, at: Instant, overdue: Overdue) -> bool:
        """Let a journey go on. Walks all enrollments and sends."""
        return controls.resume(self._shelves, journey, at, overdue)

    def stop(self, journey: str, at: Instant) -> bool:
        """Let nobody into a journey any more."""
        return controls.stop(self._shelves, journey, at)

    def inside(self, journey: str, after: int, limit: int) -> list[int]:
        """Return numbers of customers inside a journey. Walks all enrollments."""
        return controls.inside(self._shelves, journey, after, limit)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""


def _is_counted(enrollment: Enrollment) -> bool:
    """Return whether an enrollment takes a place of its journey: it is active, and of no test customer."""
    return enrollment.status == "active" and not enrollment.test
