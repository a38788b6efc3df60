"""The values that go into and come out of `step`.

All are frozen; dictionaries inside are never changed once given. Instants are whole milliseconds in UTC. Nothing
here knows a store: ids are whatever the caller gave.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from journeyscript.machine.model import MessageClass
from journeyscript.semantics.types import Instant, Value
from journeyscript.syntax.policies import Policies, QuietWindow

Status: TypeAlias = Literal["active", "completed", "exited", "failed"]
Properties: TypeAlias = dict[str, Value]


class Event(Struct, frozen=True, kw_only=True, gc=False):
    """Something the customer did, or that happened to them."""

    name: str
    at: Instant
    properties: Properties = {}


class TimerFired(Struct, frozen=True, kw_only=True):
    """The time of an enrollment's state is up. `visit` is the token: a firing for an earlier visit is stale."""

    visit: int


class ProfileChanged(Struct, frozen=True, kw_only=True):
    """The customer's attributes or consent changed without an event: conditions are looked at again."""

    at: Instant


Input: TypeAlias = Event | TimerFired | ProfileChanged


HeldReason: TypeAlias = Literal["best_time", "quiet_hours", "capped", "paused"]


class Held(Struct, frozen=True, kw_only=True):
    """A message that waits: for a better time, for a cap to let it through, for its journey to be resumed.

    `given` are its step's variables.
    """

    reason: HeldReason
    given: dict[str, Value] = {}


class Enrollment(Struct, frozen=True, kw_only=True):
    """One customer's way through one journey.

    `visit` counts the states reached, the first is 1: with the id it names everything the enrollment does, so a
    retry gives the same keys. `since` is when the present state was reached, `due_at` when its time is up (whole
    seconds), `laps` how often each loop was gone through. `held` is the message that keeps it in a send's state,
    `deadline` until when an awaited event counts, where that is before its time is up. Where a condition may come true
    by the passing of time before that, `due_at` is when to look again, and `until` when its time is up. `test`: it was
    a test customer's at entry, and is in no count of people.
    """

    id: int
    customer: int
    journey: str
    version: str
    key: str = ""
    status: Status = "active"
    state: str
    visit: int
    entered_at: Instant
    since: Instant
    due_at: Instant | None = None
    entry: Event
    laps: dict[str, int] = {}
    held: Held | None = None
    deadline: Instant | None = None
    until: Instant | None = None
    goal_at: Instant | None = None
    ended_at: Instant | None = None
    reason: str | None = None
    test: bool = False

    @property
    def over_at(self) -> Instant | None:
        """When the time of its state is up, whatever it is looked at before; `None` for one that has ended."""
        return self.due_at if self.until is None else self.until


class ChannelPolicy(Struct, frozen=True, kw_only=True):
    """What a channel asks before it may carry a message to somebody.

    `address`: the customer attribute that holds the address (`None`: none is needed). `consent`: `opt_in` needs a
    recorded yes, `opt_out` is stopped by a recorded no, `none` asks nothing. `quiet_hours`: when no marketing goes
    out.
    """

    address: str | None = None
    consent: Literal["opt_in", "opt_out", "none"] = "opt_in"
    quiet_hours: tuple[QuietWindow, ...] = ()


class Control(Struct, frozen=True, kw_only=True):
    """What an operator has ordered of a journey, all in instants; `None`: not.

    Since `paused_at` it stands still, since `stopped_at` it lets nobody in. Messages that should have gone out before
    `stale_before` are not sent.
    """

    paused_at: Instant | None = None
    stopped_at: Instant | None = None
    stale_before: Instant | None = None


UNCONTROLLED = Control()
"""What holds for a journey of which nothing was ordered."""


class Slot(Struct, frozen=True, kw_only=True):
    """A marketing message that counts against the frequency caps: when it was sent, or is to be."""

    channel: str
    at: Instant


class Facts(Struct, frozen=True, kw_only=True):
    """The customer as loaded: what the rules may look at.

    `external_id` is the name the customer goes by outside, and what chance is drawn from. `history` holds the past
    events that machines need, oldest first, the present one included. `suppressed` holds the addresses that
    refused for good, `recent` the marketing messages that any cap still looks at, in no order. `controls` says which
    journeys an operator has paused or stopped.
    """

    external_id: str
    attributes: Mapping[str, Value] = {}
    consent: Mapping[str, bool] = {}
    history: Mapping[str, Sequence[Event]] = {}
    suppressed: frozenset[str] = frozenset()
    channels: Mapping[str, ChannelPolicy] = {}
    policies: Policies = Policies()
    recent: Sequence[Slot] = ()
    controls: Mapping[str, Control] = {}

    def control(self, journey: str) -> Control:
        """Return what an operator has ordered of a journey."""
        return self.controls.get(journey, UNCONTROLLED)


# Effects ----------------------------------------------------------------------------------------------------------


class SendMessage(Struct, frozen=True, kw_only=True):
    """A message to hand to a channel, not later than `expires_at`.

    `data` is what the content may read; `content` is its digest.
    """

    step: str
    visit: int
    message: str
    kind: MessageClass
    channel: str
    address: str
    content: str
    locale: str
    data: dict[str, Value]
    expires_at: Instant


class SkipMessage(Struct, frozen=True, kw_only=True):
    """A message that no channel may carry. `tried` gives each channel's reason, in the order they were tried."""

    step: str
    visit: int
    message: str
    kind: MessageClass
    reason: str
    tried: tuple[tuple[str, str], ...]


class SetAttributes(Struct, frozen=True, kw_only=True):
    """Attributes to write on the customer."""

    values: dict[str, Value]


class EmitEvent(Struct, frozen=True, kw_only=True):
    """An event to record on the customer; other enrollments see it as any other."""

    event: Event


class EnterJourney(Struct, frozen=True, kw_only=True):
    """Another journey to ask for the customer's entry, on this event as on a request from outside."""

    journey: str
    event: Event


Effect: TypeAlias = SendMessage | SkipMessage | SetAttributes | EmitEvent | EnterJourney


class Decision(Struct, frozen=True, kw_only=True):
    """One line of the trace: the state reached, when, by which rule, and the values that decided it.

    `rule` is one of `entry`, `event NAME`, `timer`, `if N` (the Nth transition of the state left), `else`, `when`,
    `arm NAME`, `lap N`, `laps done`, `done`, `send CHANNEL`, `skipped REASON`, `held REASON`, `late EVENT`, `window
    open`, `date missing`, `date past`, `goal`, `exit ID`, `expired`, `endless`, `holdout`, `restarted`, `refreshed`,
    `stopped`, `moved from VERSION`, `migrated`. Who is held out has no state: it is empty.
    """

    visit: int
    state: str
    at: Instant
    rule: str
    values: tuple[tuple[str, Value], ...] = ()


class Outcome(Struct, frozen=True, kw_only=True):
    """What an input did: the enrollment as it is now, what to do, and why."""

    enrollment: Enrollment
    effects: tuple[Effect, ...] = ()
    trace: tuple[Decision, ...] = ()


def send_key(journey: str, enrollment: int, step: str, visit: int) -> str:
    """Return the name of a send: the same after any retry, restore or replay of the same decision."""
    return f"{journey}/{enrollment}/{step}/{visit}"
