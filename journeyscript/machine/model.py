"""The state machine a journey compiles to: frozen data with a canonical JSON form, whose hash is the version.

A machine stands alone: conditions are typed trees, segments are carried inside, messages are named by the
digest of their content. It says nothing of where it was written (that is `About`), so comments, formatting and
file names never change a version. Knows no clock, no store and no customer.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

from journeyscript.diagnostics import Span
from journeyscript.semantics.typed import Expression
from journeyscript.semantics.types import Kind, Milliseconds, Type

MACHINE_FORMAT = 1

MessageClass: TypeAlias = Literal["marketing", "transactional"]
Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Part(Struct, frozen=True, kw_only=True, tag_field="is", omit_defaults=True):
    """Any part of a machine that comes in several forms; the JSON form says which."""


# Triggers: what makes a transition happen ------------------------------------------------------------------------


class Always(Part, tag="always", frozen=True, kw_only=True):
    """At once, whenever no transition before it in the state's order applied."""


class If(Part, tag="if", frozen=True, kw_only=True):
    """At once, where the condition is true."""

    condition: Expression


class Arm(Part, tag="arm", frozen=True, kw_only=True):
    """At once, where the hash of (experiment, customer or enrollment) falls into [low, high) of 1,000,000."""

    experiment: str
    arm: str
    low: int
    high: int
    per: Literal["customer", "entry"] = "customer"


class Lap(Part, tag="lap", frozen=True, kw_only=True):
    """At once, while the loop has been gone through fewer than `times` times; taking it counts one."""

    times: int


class NotSent(Part, tag="not_sent", frozen=True, kw_only=True):
    """At once, where the state's send found no channel that may carry it."""


class On(Part, tag="on", frozen=True, kw_only=True):
    """When the event happens after the state was reached and not after its deadline."""

    event: str
    where: Expression | None = None


class When(Part, tag="when", frozen=True, kw_only=True):
    """As soon as the condition holds: at once, or at any later event of the customer."""

    condition: Expression


class Due(Part, tag="due", frozen=True, kw_only=True):
    """When the state's timer fires."""


Trigger: TypeAlias = Always | If | Arm | Lap | NotSent | On | When | Due

# Timers: when a state's time is up -----------------------------------------------------------------------------


class After(Part, tag="after", frozen=True, kw_only=True):
    """An elapsed time from when the state was reached."""

    duration: Milliseconds


class CalendarDays(Part, tag="calendar_days", frozen=True, kw_only=True):
    """The same wall-clock time in the customer's zone, that many days later."""

    days: int


class AtTime(Part, tag="at_time", frozen=True, kw_only=True):
    """The next time of day (minutes after midnight) in the customer's zone, on one of the days."""

    minute: int
    days: tuple[Weekday, ...] = WEEKDAYS
    spread: Milliseconds = 0


class AtDate(Part, tag="at_date", frozen=True, kw_only=True):
    """The moment an expression names: a timestamp, or a date at a minute of the day in the customer's zone."""

    moment: Expression
    minute: int = 0
    if_missing: Literal["continue", "exit"] = "continue"
    if_past: Literal["continue", "exit"] = "continue"
    spread: Milliseconds = 0


class Within(Part, tag="within", frozen=True, kw_only=True):
    """Now where the customer's wall clock is inside the window of the day, else the window's next opening.

    `end` at or before `start` runs over midnight; the day is that of the opening.
    """

    start: int
    end: int
    days: tuple[Weekday, ...] = WEEKDAYS
    spread: Milliseconds = 0


Timer: TypeAlias = After | CalendarDays | AtTime | AtDate | Within

# Effects: what a state does when it is reached -----------------------------------------------------------------


class Send(Part, tag="send", frozen=True, kw_only=True):
    """One message, by the first of the channels that may carry it.

    `reads` names the customer and entry fields that the content uses, as dotted paths, with their kinds. `prefer`: the
    customer's own preferred channel goes first.
    """

    message: str
    via: tuple[str, ...]
    kind: MessageClass = "marketing"
    prefer: bool = True
    variables: tuple[tuple[str, Expression], ...] = ()
    reads: dict[str, Kind] = {}


class Assign(Part, tag="set", frozen=True, kw_only=True):
    """Writes customer attributes."""

    values: tuple[tuple[str, Expression], ...]


class Emit(Part, tag="emit", frozen=True, kw_only=True):
    """Records an event on the customer."""

    event: str
    properties: tuple[tuple[str, Expression], ...] = ()


Action: TypeAlias = Send | Assign | Emit

# The machine ---------------------------------------------------------------------------------------------------


class Transition(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A way out of a state."""

    trigger: Trigger
    target: str


class Final(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an enrollment ends in a final state."""

    status: Literal["completed", "exited"]
    reason: str | None = None


class State(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an enrollment can be. `id` is the step's id and stays the same over versions.

    On arrival `action` is done, then `timer` is set, then the transitions that need no event and no timer are
    tried in order; where none applies the enrollment rests here. A final state has no transitions.
    """

    id: str
    step: str
    action: Action | None = None
    timer: Timer | None = None
    transitions: tuple[Transition, ...] = ()
    final: Final | None = None


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What starts an enrollment. `again` is the cool-down from the last entry; `None` means never again."""

    event: str
    where: Expression | None = None
    again: Milliseconds | None = None
    key: Expression | None = None


class Goal(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the journey is for; `within` is counted from entry."""

    event: str
    where: Expression | None = None
    within: Milliseconds | None = None
    exit: bool


class ExitRule(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What ends an enrollment wherever it stands.

    With an event: that event, where the condition holds. Without: the condition, at every input and before every send.
    """

    id: str
    event: str | None = None
    when: Expression | None = None


class Content(Struct, frozen=True, kw_only=True, omit_defaults=True, order=True):
    """Which content a message has on a channel, in a locale (empty: for everyone else), by digest."""

    message: str
    channel: str
    locale: str = ""
    digest: str


class Needs(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the machine asks of the customer's data.

    `events`: names that can move an enrollment (start, wait, exit, goal). `history`: event name to how far back
    in milliseconds it is looked at (`None`: without limit). `attributes`: names that are read, with their types.
    """

    events: tuple[str, ...] = ()
    history: dict[str, Milliseconds | None] = {}
    attributes: dict[str, Type] = {}


class Machine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A compiled journey. Equal machines have equal canonical JSON and the same version."""

    format: int
    journey: str
    timezone: str
    entry: Entry
    goal: Goal | None = None
    exits: tuple[ExitRule, ...] = ()
    initial: str
    states: tuple[State, ...]
    lifetime: Milliseconds
    contents: tuple[Content, ...] = ()
    needs: Needs


class About(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What people want to know of a machine and the engine does not: names, and where each state was written.

    `conditions` says where each condition was written, or the event where there is none: `entry`, `goal`,
    `exit/N`, or `STATE/N` for the Nth transition of a state, from 1.
    """

    title: str = ""
    owner: str = ""
    stage: str = ""
    segment: str = ""
    path: str = ""
    spans: dict[str, Span] = {}
    conditions: dict[str, Span] = {}
