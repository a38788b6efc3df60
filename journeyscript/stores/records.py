"""What goes into a store and comes out of it, the same for every store.

A store is a set of verbs (`Store`) over these records. It knows enrollments and events, but no rules: whoever
calls it decides, the store keeps. All instants are whole milliseconds in UTC and come from the caller; a store never
reads a clock.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from journeyscript.engine.audience import Audience
from journeyscript.engine.values import Control, Decision, Enrollment, Event, Slot
from journeyscript.machine.model import About, Machine
from journeyscript.semantics.types import Instant, Value
from journeyscript.stores.counts import Erased, JourneyCount, Merged, Pruned, RefusalCount, SendCount, Totals
from journeyscript.stores.taken import Taken

ENROLLMENTS_PER_CUSTOMER = 1 << 20
"""An enrollment's id is its customer's id times this, plus its number within the customer (from 0)."""

Clock: TypeAlias = Literal["wall", "virtual"]
Overdue: TypeAlias = Literal["fire", "recompute", "skip_stale"]
"""What becomes, once a journey is resumed, of all that was due meanwhile."""

SendStatus: TypeAlias = Literal["pending", "sending", "sent", "skipped", "failed"]


NO_BOUND: Mapping[str, int] = MappingProxyType({})
"""As many sends as there are, on every channel."""


class StoreError(Exception):
    """The store cannot be used: absent, locked, corrupt, or written by a newer version. The text says what to do."""


class MergeError(ValueError):
    """Two customers cannot be made one. The text says why."""


class Deployment(Struct, frozen=True, kw_only=True):
    """One version of one journey, with the message contents it is pinned to (digest to JSON text)."""

    version: str
    machine: Machine
    about: About
    contents: dict[str, str]


class Membership(Struct, frozen=True, kw_only=True):
    """Whether a customer was in a segment at an instant, and when time alone may change that (`None`: never).

    `segment` names the segment's condition as well, so that another condition of the same name is another segment.
    """

    customer: int
    segment: str
    inside: bool
    at: Instant
    look_at: Instant | None = None

    @property
    def idle(self) -> bool:
        """Whether it says nothing that is not true of everybody who has none."""
        return not self.inside and self.look_at is None


class Customer(Struct, kw_only=True):
    """A customer as loaded for a batch.

    `number` is the customer's integer id, given in arrival order; `new` says that the store has not kept it yet.
    `enrollments` are the active ones; `last_entries` maps (journey, key) to the latest entry of any enrollment,
    ended ones included, `last_exits` to the latest end; `next_enrollment` is the number the next enrollment gets.
    `taken` stands for the latest changes of the profile that carried an id, the newest last.
    """

    number: int
    external_id: str
    new: bool
    attributes: dict[str, Value]
    consent: dict[str, bool]
    suppressed: frozenset[str]
    enrollments: list[Enrollment]
    last_entries: dict[tuple[str, str], Instant]
    last_exits: dict[tuple[str, str], Instant] = {}
    next_enrollment: int
    history: dict[str, list[Event]]
    recent: tuple[Slot, ...] = ()
    memberships: dict[str, Membership] = {}
    taken: Taken = ()


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

    `data` is what the content may read, as JSON text. `available_at` is when it may next be attempted,
    `expires_at` until when; `None`: for ever. `test`: its enrollment is a test customer's.
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
    expires_at: Instant | None = None
    test: bool = False


class Rejected(Struct, frozen=True, kw_only=True):
    """An input that could not be taken in, kept with the reason, so that nothing is lost."""

    source: str
    position: str
    received_at: Instant
    reason: str
    raw: str


FUTURE_EVENT = "future_event"
"""The reason of what is kept of an event whose time lay ahead: it counts as of when it came."""


class Refusal(Struct, frozen=True, kw_only=True):
    """What an event of a customer asked for and did not get, and why.

    That is to enter `journey`; or, where none is named, to count at its own time, which `detail` tells
    (`FUTURE_EVENT`). `test`: a test customer asked.
    """

    customer: int
    at: Instant
    event: str
    journey: str = ""
    reason: str
    detail: str = ""
    test: bool = False


class Changes(Struct, kw_only=True):
    """All that one batch changes, committed in one transaction or not at all.

    `customers` are new or have changed attributes, consent, suppressions or `taken`. `enrollments` are the last forms
    of all that were entered or moved; `positions` maps each source to where it has been read to. Of `memberships` the
    idle ones are forgotten.
    """

    customers: list[Customer] = []
    events: list[KeptEvent] = []
    enrollments: list[Enrollment] = []
    decisions: list[KeptDecision] = []
    sends: list[KeptSend] = []
    rejected: list[Rejected] = []
    refusals: list[Refusal] = []
    memberships: list[Membership] = []
    positions: dict[str, str] = {}


class Settlement(Struct, frozen=True, kw_only=True):
    """What became of an attempt to deliver: a final outcome, or `pending` again at `available_at`.

    `suppress` is a customer and their address that refused for good: it is left alone from now on, whoever has it.
    `uncounted`: it was claimed and not attempted after all.
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
    uncounted: bool = False


class Permission(Struct, frozen=True, kw_only=True):
    """What a customer allows at present: consent by channel, and the addresses that must not be written to.

    `timezone` is what they say of the clock they live by, `None` where that is no text.
    """

    consent: dict[str, bool]
    suppressed: frozenset[str]
    timezone: str | None = None


class Story(Struct, frozen=True, kw_only=True):
    """Everything a store knows of one customer's journeys, oldest first.

    The customer's suppressed addresses are those that refused for good and those of theirs that are on the list.
    """

    customer: Customer
    enrollments: tuple[Enrollment, ...]
    decisions: tuple[KeptDecision, ...]
    sends: tuple[KeptSend, ...]
    refusals: tuple[Refusal, ...] = ()


class Dossier(Struct, frozen=True, kw_only=True):
    """Everything a store has of one customer; `names` are those they came by before, `events` all, oldest first."""

    story: Story
    names: tuple[str, ...]
    events: tuple[KeptEvent, ...]
    rejected: tuple[Rejected, ...]


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

    def switch(self, deployments: Sequence[Deployment], at: Instant, changes: Changes) -> None:
        """Make these versions the current ones and keep what moves people into them, in one transaction."""

    def deployments(self) -> tuple[dict[str, Deployment], frozenset[str]]:
        """Return every version kept, by version, and which of them are current."""

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
        """Return these customers by number, in a few queries for all; unknown external ids become new customers.

        `recent_since` asks for the marketing messages that were sent, or are to be, after that instant; what is still
        to be sent will be at `waiting_at` or later.
        A new customer gets the next number at once and is kept with the batch that commits it.
        """

    def seen(self, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return which (source, source_id) pairs were taken in before."""

    def positions(self) -> dict[str, str]:
        """Return how far each source has been read."""

    def audience(self, audience: Audience, after: int, limit: int) -> list[int]:
        """Return the numbers behind `after`, in order, of at most `limit` customers who belong to an audience.

        Its condition may look at the history of events that a deployed version needs.
        """

    def due(self, until: Instant, limit: int) -> list[int]:
        """Return the numbers of customers with a timer due at or before `until`, earliest first.

        That is an active enrollment's, or a membership that time alone may change.
        """

    def next_due(self) -> Instant | None:
        """Return when the next timer of a customer is due, or `None`."""

    def numbers(self, after: int, limit: int) -> list[int]:
        """Return at most `limit` customers by number, in order, from behind `after` on; those who are gone are not."""

    def forget_segment(self, segment: str) -> None:
        """Forget who is in a segment, in one transaction."""

    def commit(self, changes: Changes) -> None:
        """Keep all of it in one transaction."""

    def claim(self, now: Instant, limit: int, room: Mapping[str, int] = NO_BOUND) -> list[KeptSend]:
        """Take pending sends available at or before `now`, mark them as being sent, and return them, oldest first.

        Where there are more than `limit`, journeys take turns, each with its oldest. `room` is how many a channel may
        have at the most.
        """

    def unsettled(self) -> list[KeptSend]:
        """Return the sends that were being sent when the last process ended: nobody knows what became of them."""

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Keep what became of sends, in one transaction."""

    def next_available(self, without: Collection[str] = ()) -> Instant | None:
        """Return when the next pending send may be attempted, or `None`; `without` names channels to leave out."""

    def handed_over(self, channel: str, limit: int) -> list[Instant]:
        """Return when messages on a channel went to the other side, the latest first. Walks all sends."""

    def put_off(self, channel: str) -> list[KeptSend]:
        """Return the messages on a channel that were attempted and are to be tried again, by (enrollment, visit)."""

    def permissions(self, numbers: Iterable[int]) -> dict[int, Permission]:
        """Return what these customers allow, and their clock; those who never said anything are left out."""

    def suppress(self, digests: Collection[int]) -> int:
        """Put addresses on the list of those that must not be written to; return how many were not on it.

        An address is given by what stands for it, `addresses.digest_of`; the list holds nothing else.
        """

    def unsuppress(self, digests: Collection[int]) -> int:
        """Take addresses off the list, in one transaction; return how many were on it.

        Where one refused for good, its customer may be written to again. Walks the customers of whom one did.
        """

    def suppressed(self, addresses: Iterable[str]) -> frozenset[str]:
        """Return which of these addresses are on the list, whoever has them. Cheap while the list is empty."""

    def suppresses(self) -> bool:
        """Return whether anything is on the list. Cheap to ask often."""

    def suppressions(self) -> int:
        """Return how many addresses are on the list. Walks it."""

    def received(self, numbers: Iterable[int]) -> dict[int, frozenset[str]]:
        """Return by enrollment which messages went to these customers, or are on their way."""

    def left(self, enrollments: Iterable[int]) -> set[int]:
        """Return which of these enrollments were ended by an exit or the goal of their journey, or by an operator."""

    def journey_counts(self, *, test: bool = False) -> list[JourneyCount]:
        """Return enrollments of people, or test customers, by journey, version, status, state and reason, in order."""

    def reached(self, journey: str) -> dict[str, dict[str, int]]:
        """Return by version and state how many of a journey's people came to each state, every enrollment once."""

    def send_counts(self, *, test: bool = False) -> list[SendCount]:
        """Return sends to people, or to test customers, by journey, message, channel, status and reason, in order."""

    def refusal_counts(self) -> list[RefusalCount]:
        """Return refusals of people counted by journey and reason, in that order."""

    def active(self, journeys: Collection[str]) -> dict[str, int]:
        """Return how many enrollments of people are active in each of these journeys. Cheap to ask often."""

    def totals(self, now: Instant) -> Totals:
        """Return the size of the store."""

    def story(self, external_id: str) -> Story | None:
        """Return all there is of one customer's journeys, or `None` for somebody unknown."""

    def rejected(self, limit: int) -> list[Rejected]:
        """Return inputs that could not be taken in, latest first."""

    def sends(self, limit: int, after: tuple[int, int] = (0, -1)) -> list[KeptSend]:
        """Return sends in order of (enrollment, visit), from behind `after` on."""

    def survivors(self, external_ids: Iterable[str]) -> dict[str, str]:
        """Return, for those among these names that a customer went by before, the name they go by now."""

    def merge(self, external_id: str, into: str, at: Instant) -> Merged | None:
        """Make one customer of two, in one transaction; return `None` where they are one already.

        `into` stays, and what comes by the other name belongs to them from now on, also where only one of them is
        known, or none. Where both are active in a journey with the same key, the older enrollment goes on and the
        other one ends as exited(merged). A recorded no to a channel outlives a yes.

        Raises:
            MergeError: the name to give up leads to somebody else already.
        """

    def erase(self, external_id: str, at: Instant) -> Erased | None:
        """Erase a customer, in one transaction; return `None` for somebody unknown.

        Active enrollments end as exited(deleted) and unsettled messages with them; what is left counts and names
        nobody. Who comes by the same name later is somebody new.
        """

    def dossier(self, external_id: str) -> Dossier | None:
        """Return everything there is of a customer, or `None` for somebody unknown."""

    def find_sends(
        self, limit: int, *, status: str | None = None, journey: str | None = None, channel: str | None = None
    ) -> list[KeptSend]:
        """Return sends of this status, journey and channel, the latest first. Walks all sends."""

    def requeue(self, places: Iterable[tuple[int, int]], at: Instant) -> None:
        """Make failed sends, given by (enrollment, visit), pending again as of `at`, in one transaction.

        Raises:
            ValueError: one is unknown, or did not fail.
        """

    def happened(self, after: int, limit: int) -> list[tuple[int, KeptEvent]]:
        """Return at most `limit` events with their places, in the order of arrival, from behind the place `after` on.

        An event belongs to the customer whose it is by now, after merges as well. A place says nothing but the order.
        """

    def happened_to(self, numbers: Iterable[int]) -> list[KeptEvent]:
        """Return all events of these customers in the order of time. Walks all events."""

    def passages(self, journey: str, since: Instant) -> tuple[list[int], int]:
        """Return ids of people's enrollments in a journey, active or ended from `since` on; and the count of pruned."""

    def prune(self, before: Instant, keep: Mapping[str, Instant | None], *, dry: bool = False) -> Pruned:
        """Take away what ended before an instant, in one transaction; count it only, if `dry`.

        Goes: ended enrollments whose sends are settled, with their decisions and sends; events from before that
        happened before their customer's active enrollments began. `keep` names the events that stay from an instant
        on, or all (`None`). Counts, entries that forbid another one, and the numbers of enrollments stay.
        """

    def controls(self) -> dict[str, Control]:
        """Return what an operator has ordered, by journey; nothing of those left alone. Cheap to ask often."""

    def pause(self, journey: str, at: Instant) -> bool:
        """Let a journey stand still, in one transaction; return `False` where it does already.

        Until it is resumed its enrollments are not due, and its messages are not claimed.
        """

    def resume(self, journey: str, at: Instant, overdue: Overdue) -> bool:
        """Let a journey go on that was paused or stopped, in one transaction; return `False` for any other.

        What became due meanwhile is due now; with `recompute`, all that waits is moved by as long as it stood still;
        with `skip_stale`, messages that should have gone out before `at` are not sent. Who waited for the resumption
        alone is due at once.
        """

    def stop(self, journey: str, at: Instant) -> bool:
        """Let nobody into a journey any more; return `False` where nobody is already."""

    def inside(self, journey: str, after: int, limit: int) -> list[int]:
        """Return at most `limit` numbers of customers inside a journey, in order, from behind `after` on."""

    def close(self) -> None:
        """Let go of the store; nothing is lost."""
