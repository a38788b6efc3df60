"""A population as it is simulated: who comes and when, and what they do after a message, an event or an entry.

Plain data in typed values, instants and milliseconds; `reading` makes it of a file, `drawing` draws from it.
Probabilities are from 0 to 1.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

from journeyscript.runtime.intake.records import Incoming
from journeyscript.semantics.types import Instant, Milliseconds, Value

CauseKind: TypeAlias = Literal["message", "event", "stage"]

# Values ---------------------------------------------------------------------------------------------------------------


class Constant(Struct, frozen=True, kw_only=True):
    """The same value for everybody."""

    value: Value


class Choice(Struct, frozen=True, kw_only=True):
    """One of several values; `upto` gives where the share of each ends, the last one at 1."""

    values: tuple[Value, ...]
    upto: tuple[float, ...]


class Uniform(Struct, frozen=True, kw_only=True):
    """A number between two, both included, rounded to so many `digits` behind the point (0: a whole number)."""

    low: float
    high: float
    digits: int


class Normal(Struct, frozen=True, kw_only=True):
    """A number of a normal distribution, cut at `low` and `high` where there are some."""

    mean: float
    deviation: float
    low: float | None
    high: float | None
    digits: int


class Text(Struct, frozen=True, kw_only=True):
    """A text in which `{customer}` and `{n}` are replaced."""

    template: str


Source: TypeAlias = Constant | Choice | Uniform | Normal | Text


class Drawn(Struct, frozen=True, kw_only=True):
    """How a value is drawn; `missing` is how likely there is none."""

    name: str
    source: Source
    missing: float = 0.0


# Times ----------------------------------------------------------------------------------------------------------------


class Between(Struct, frozen=True, kw_only=True):
    """Any time between two, both included; the same one twice is a fixed time."""

    low: Milliseconds
    high: Milliseconds


class Exponential(Struct, frozen=True, kw_only=True):
    """Exponential, by its median."""

    median: Milliseconds


class Lognormal(Struct, frozen=True, kw_only=True):
    """Lognormal, by its median and the factor within which two thirds lie on either side of it."""

    median: Milliseconds
    spread: float


Delay: TypeAlias = Between | Exponential | Lognormal

# Who and what ---------------------------------------------------------------------------------------------------------


class Reaction(Struct, frozen=True, kw_only=True):
    """What customers do after something. `key` names its draws: it stays the same when others are added.

    `channel` narrows a message to one channel. `event` is `None` where only consent changes.
    """

    key: str
    kind: CauseKind
    cause: str
    channel: str | None
    event: str | None
    chance: float
    delay: Delay
    properties: tuple[Drawn, ...] = ()
    consent: tuple[tuple[str, bool], ...] = ()


class Crowd(Struct, frozen=True, kw_only=True):
    """Customers who are drawn: `number` of them come `over` so many milliseconds from the start, with an event."""

    number: int
    over: Milliseconds
    pattern: Literal["poisson", "uniform"]
    event: str
    properties: tuple[Drawn, ...] = ()
    attributes: tuple[Drawn, ...] = ()
    consent: tuple[tuple[str, float], ...] = ()


class Recorded(Struct, frozen=True, kw_only=True):
    """Customers of a file: their records in the order of time. `left_out` counts those that could not be used."""

    records: tuple[Incoming, ...]
    left_out: int = 0


class Population(Struct, frozen=True, kw_only=True):
    """A population, and from when until when it is watched."""

    name: str
    seed: int
    start: Instant
    end: Instant
    who: Crowd | Recorded
    reactions: tuple[Reaction, ...] = ()
