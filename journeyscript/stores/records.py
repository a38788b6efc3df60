"""What goes into a store and comes out of it, the same for every store.

A store is a set of verbs (`Store`) over these records. It knows enrollments and events, but no rules: whoever
calls it decides, the store keeps. All instants are whole milliseconds in UTC and come from the caller; a store never
reads a clock.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from journeyscript.engine.values import Decision, Enrollment, Event
from journeyscript.machine.model import About, Machine
from journeyscript.semantics.types import Instant, Value

ENROLLMENTS_PER_CUSTOMER = 1 << 20
"""An enrollment's id is its customer's id times this, plus its number within the customer (from 0)."""

Clock: TypeAlias = Literal["wall", "virtual"]
SendStatus: TypeAlias = Literal["pending", "sending", "sent", "skipped", "failed"]


class StoreError(Exception):
    """The store cannot be used: absent, locked, corrupt, or written by a newer version. The text says what to do."""


class Deployment(Struct, frozen=True, kw_only=True):
    """One version of one journey, with the message contents it is pinned to (digest to JSON text)."""

    version: str
    machine: Machine
    about: About
    contents: dict[str, str]


class Customer(Struct, kw_only=True):
    """A customer as loaded for a batch.

    `number` is the customer's integer id, given in arrival order; `new` says that the store has not kept it yet.
    `enrollments` are the active ones; `last_entries` maps (journey, key) to the latest entry of any enrollment,
    ended ones included; `next_enrollment` is the number the next enrollment gets.
    """

    number: int
    external_id: str
    new: bool
    attributes: dict[str, Value]
    consent: dict[str, bool]
    suppressed: frozenset[str]
    enrollments: list[Enrollment]
    last_entries: dict[tuple[str, str], Instant]
    next_enrollment: int
    history: dict[str, list[Event]]


class KeptEvent(Struct, frozen=True, kw_only=True):
    """An event to keep. `needed` says that some machine looks at such events; `source_id` is the sender's own id."""

    customer: int
    event: Event
    received_at: Instant
    source: str
    source_id: str | None
    needed: bool


class KeptDecision(Struct, frozen=True, kw_only=True):
    """One line of an enrollment's trace, to keep."""

    enrollment: int
    decision: Decision


class KeptSend(Struct, frozen=True, kw_only=True):
    """A message somebody asked for, from the decision on. (`enrollment`, `visit`) is unique in a store.

    `data` is what the content may read, as JSON text. `available_at` is when it may next be attempted.
    """

    enrollment: int
    customer: int
    visit: int
    key: str
    journey: str
    step: str
    message: str
    kind: str
    channel: str = ""
    address: str = ""
    content: str = ""
    locale: str = ""
    data: str = "{}"
    status: SendStatus
    reason: str | None = None
    detail: str | None = None
    provider_id: str | None = None
    attempts: int = 0
    created_at: Instant
    available_at: Instant
    settled_at: Instant | None = None


class Rejected(Struct, frozen=True, kw_only=True):
    """An input that could not be taken in, kept with the reason, so that nothing is lost."""

    source: str
    position: str
    received_at: Instant
    reason: str
    raw: str


class Changes(Struct, kw_only=True):
    """All that one batch changes, committed in one transaction or not at all.

    `customers` are new or have changed attributes, consent or suppressions. `enrollments` are the last forms of all
    that were entered or moved; `positions` maps each source to where it has been read to.
    """

    customers: list[Customer] = []
    events: list[KeptEvent] = []
    enrollments: list[Enrollment] = []
    decisions: list[KeptDecision] = []
    sends: list[KeptSend] = []
    rejected: list[Rejected] = []
    positions: dict[str, str] = {}


class Settlement(Struct, frozen=True, kw_only=True):
    """What became of an attempt to deliver: a final outcome, or `pending` again at `available_at`.

    `suppress` is an address that refused for good, to be left alone from now on.
    """

    enrollment: int
    visit: int
    status: SendStatus
    at: Instant
    reason: str | None = None
    detail: str | None = None
    provider_id: str | None = None
    available_at: Instant | None = None
    suppress: tuple[int, str] | None = None


class JourneyCount(Struct, frozen=True, kw_only=True):
    """How many enrollments of a journey's version are in a status, at a state, for a reason."""

    journey: str
    version: str
    status: str
    state: str
    reason: str | None
    count: int


class SendCount(Struct, frozen=True, kw_only=True):
    """How many sends of a journey's message on a channel have a status, for a reason."""

    journey: str
    message: str
    channel: str
    status: str
    reason: str | None
    count: int


class Totals(Struct, frozen=True, kw_only=True):
    """The size of a store: customers, events taken in, inputs rejected, active enrollments whose time is past."""

    customers: int
    events: int
    rejected: int
    overdue: int


class Story(Struct, frozen=True, kw_only=True):
    """Everything a store knows of one customer's journeys, oldest first."""

    customer: Customer
    enrollments: tuple[Enrollment, ...]
    decisions: tuple[KeptDecision, ...]
    sends: tuple[KeptSend, ...]


class Store(Protocol):
    """The verbs of every store. One process writes to a store at a time."""

    def settings(self) -> dict[str, str]:
        """Return the store's own facts, kept by `note`: which clock it lives on, what was replayed."""

    def note(self, **settings: str) -> None:
        """Keep facts about the store itself, each replacing the one of the same name."""

    def deploy(self, deployments: Sequence[Deployment], at: Instant) -> None:
        """Make these versions the current ones, and keep older ones for those who are inside.

        Journeys that are not among them take no new entries. History that a new version needs is made ready.
        """

    def deployments(self) -> tuple[dict[str, Deployment], frozenset[str]]:
        """Return every version kept, by version, and which of them are current."""

    def load(self, external_ids: Iterable[str], numbers: Iterable[int], *, history: bool) -> dict[int, Customer]:
        """Return these customers by number, in a few queries for all; unknown external ids become new customers.

        A new customer gets the next number at once and is kept with the batch that commits it.
        """

    def seen(self, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return which (source, source_id) pairs were taken in before."""

    def positions(self) -> dict[str, str]:
        """Return how far each source has been read."""

    def due(self, until: Instant, limit: int) -> list[int]:
        """Return the numbers of customers with an active enrollment due at or before `until`, earliest first."""

    def next_due(self) -> Instant | None:
        """Return when the next active enrollment is due, or `None`."""

    def commit(self, changes: Changes) -> None:
        """Keep all of it in one transaction."""

    def claim(self, now: Instant, limit: int) -> list[KeptSend]:
        """Take pending sends available at or before `now`, oldest first, and mark them as being sent."""

    def unsettled(self) -> list[KeptSend]:
        """Return the sends that were being sent when the last process ended: nobody knows what became of them."""

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Keep what became of sends, in one transaction."""

    def next_available(self) -> Instant | None:
        """Return when the next pending send may be attempted, or `None`."""

    def journey_counts(self) -> list[JourneyCount]:
        """Return enrollments counted by journey, version, status, state and reason, in that order."""

    def reached(self, journey: str) -> dict[str, dict[str, int]]:
        """Return by version and state how many enrollments of a journey came to each state, everyone counted once."""

    def send_counts(self) -> list[SendCount]:
        """Return sends counted by journey, message, channel, status and reason, in that order."""

    def totals(self, now: Instant) -> Totals:
        """Return the size of the store."""

    def story(self, external_id: str) -> Story | None:
        """Return all there is of one customer's journeys, or `None` for somebody unknown."""

    def rejected(self, limit: int) -> list[Rejected]:
        """Return inputs that could not be taken in, latest first."""

    def sends(self, limit: int, after: tuple[int, int] = (0, -1)) -> list[KeptSend]:
        """Return sends in order of (enrollment, visit), from behind `after` on."""

    def close(self) -> None:
        """Let go of the store; nothing is lost."""
