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
from journeyscript.syntax.policies import WEEKDAYS, Weekday

MACHINE_FORMAT = 1

MessageClass: TypeAlias = Literal["marketing", "transactional"]
MigrationTimer: TypeAlias = Literal["keep", "recompute"]


class Part(Struct, frozen=True, kw_only=True, tag_field="is", omit_defaults=True):
    """Any part of a machine that comes in several forms; the JSON form says which."""


# Triggers: what makes a transition happen ------------------------------------------------------------------------


class Always(Part, tag="always", frozen=True, kw_only=True):
    """At once, whenever no transition before it in the state's order applied."""


class If(Part, tag="if", frozen=True, kw_only=True):
    """At once, where the condition is true."""

    condition: Expression


class Arm(Part, tag="arm", frozen=True, kw_only=True):
    """At once, where of all arms of the state this one is drawn for (experiment, customer or enrollment).

    Arms are drawn in the relation of their weights, which add up to 100.
    """

    experiment: str
    arm: str
    weight: int
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
    """As soon as the condition holds: at once, at any later event of the customer, or when time alone makes it true."""

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

BEST_TIME = "best_time"
"""The word behind a send's `at`, and the attribute that says which time of day that is."""

# Effects: what a state does when it is reached -----------------------------------------------------------------


class Send(Part, tag="send", frozen=True, kw_only=True):
    """One message, by the first of the channels that may carry it.

    `reads` names the customer and entry fields that the content uses, as dotted paths, with their kinds. `prefer`: the
    customer's own preferred channel goes first. `delay` is how long the message waits at most where a frequency cap
    stops it, `max_age` how old it may get (`None`: as the project says). `best_time`: it waits for the time of day at
    which the customer is best reached.
    """

    message: str
    via: tuple[str, ...]
    kind: MessageClass = "marketing"
    prefer: bool = True
    variables: tuple[tuple[str, Expression], ...] = ()
    reads: dict[str, Kind] = {}
    delay: Milliseconds = 0
    max_age: Milliseconds | None = None
    best_time: bool = False


class Assign(Part, tag="set", frozen=True, kw_only=True):
    """Writes customer attributes."""

    values: tuple[tuple[str, Expression], ...]


class Emit(Part, tag="emit", frozen=True, kw_only=True):
    """Records an event on the customer."""

    event: str
    properties: tuple[tuple[str, Expression], ...] = ()


class Enter(Part, tag="enter", frozen=True, kw_only=True):
    """Asks another journey, which starts by `api`, to let the customer in."""

    journey: str
    properties: tuple[tuple[str, Expression], ...] = ()


Action: TypeAlias = Send | Assign | Emit | Enter

# Entries that no event starts ------------------------------------------------------------------------------------

ENTERED = "journeyscript.entered"
"""The event of an entry that no event of the catalog started. No catalog can declare this name."""


class BySchedule(Part, tag="schedule", frozen=True, kw_only=True):
    """Everybody of whom `audience` is true, whenever the clock shows what the cron expression says.

    `zone`: the clock is the project's (that of the machine), or each customer's own.
    """

    cron: str
    audience: Expression
    zone: Literal["project", "customer"] = "project"


class ByDate(Part, tag="date", frozen=True, kw_only=True):
    """At a moment of each customer: a timestamp, or a date at a minute of the day in the customer's zone.

    `every` year: also at its anniversaries. `shift` milliseconds are added to the moment of each year; to a date only
    whole days.
    """

    moment: Expression
    shift: Milliseconds = 0
    minute: int = 0
    every: Literal["year"] | None = None


class ByApi(Part, tag="api", frozen=True, kw_only=True):
    """When somebody asks for it, naming the journey and the customer; the request has these properties."""

    properties: dict[str, Type] = {}
    optional: tuple[str, ...] = ()


class BySegment(Part, tag="segment", frozen=True, kw_only=True):
    """When the customer comes into a segment, or leaves it; its condition is carried along."""

    name: str
    condition: Expression
    on: Literal["enter", "leave"] = "enter"


EntryTrigger: TypeAlias = BySchedule | ByDate | ByApi | BySegment

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
    tried in order; where none applies the enrollment rests here. A final state has no transitions. `lookback`: events
    from before the arrival count as well, from that long ago or from the entry on.
    """

    id: str
    step: str
    action: Action | None = None
    timer: Timer | None = None
    transitions: tuple[Transition, ...] = ()
    lookback: Milliseconds | Literal["entry"] | None = None
    final: Final | None = None


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What starts an enrollment, and whom it lets in; all but `event` and `where` holds for any kind of trigger.

    `again` is the cool-down from the last entry, or from the last end with `again_from`; `None` means never again.
    `holdout` is the share kept out, in parts per million. `max_active` bounds the active enrollments of the journey.
    Of the journeys that one event starts, the one of the highest `priority` comes first; a customer is inside only
    one journey of a `group`.

    Where there is a `trigger`, it starts the journey instead of an event: `event` is then `ENTERED`, whose properties
    are those of the request where it was one. `enrol` says whether those come in, too, who were there before the
    journey.
    """

    event: str
    where: Expression | None = None
    trigger: EntryTrigger | None = None
    enrol: Literal["future", "existing"] = "future"
    again: Milliseconds | None = None
    again_from: Literal["entry", "exit"] = "entry"
    key: Expression | None = None
    while_active: Literal["ignore", "restart", "refresh"] = "ignore"
    holdout: int = 0
    max_active: int | None = None
    priority: int = 0
    group: str = ""


class Goal(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the journey is for; `within` is counted from entry."""

    event: str
    where: Expression | None = None
    within: Milliseconds | None = None
    exit: bool


class ExitRule(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What ends an enrollment wherever it stands.

    With an event: that event, where the condition holds. Without: the condition, at every input, before every send, and
    when time alone makes it true.
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


class Migration(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where those go who are inside of older versions: from a step there to a step here, or out (`None`).

    Whoever stands at a step that is not named is at the step of the same name. `timer`: who waits goes on when they
    would have, or when this version says, counted from when they came to the step.
    """

    moves: dict[str, str | None] = {}
    timer: MigrationTimer = "keep"
    span: Span | None = None


class About(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What people want to know of a machine and the engine does not: names, and where each state was written.

    `conditions` says where each condition was written, or the event where there is none: `entry`, `audience`,
    `segment`, `goal`, `exit/N`, or `STATE/N` for the Nth transition of a state, from 1; `STATE/NAME` is what a state
    writes or gives to a message. `migrate` is no part of the machine: it is about other versions, and the same journey
    stays the same version with it and without. `place` is that of the name.
    """

    title: str = ""
    owner: str = ""
    stage: str = ""
    segment: str = ""
    path: str = ""
    spans: dict[str, Span] = {}
    conditions: dict[str, Span] = {}
    migrate: Migration | None = None
    place: Span | None = None
