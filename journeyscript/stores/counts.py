"""How much there is in a store, by what it is counted, and how much an order changed in it."""

from msgspec import Struct


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


class RefusalCount(Struct, frozen=True, kw_only=True):
    """How many events a journey refused to start on, for a reason; without a journey, see `Refusal`."""

    journey: str
    reason: str
    count: int


class Totals(Struct, frozen=True, kw_only=True):
    """The size of a store: customers, events taken in, inputs rejected, active enrollments whose time is past."""

    customers: int
    events: int
    rejected: int
    overdue: int


class Merged(Struct, frozen=True, kw_only=True):
    """What became of a merge: who stays, enrollments taken over, and ended as doubles, of these of test customers."""

    customer: int
    taken_over: int
    ended: int
    ended_test: int = 0


class Erased(Struct, frozen=True, kw_only=True):
    """How much of a customer was erased. `ended` counts what was active until then, `ended_test` of it as a test."""

    ended: int
    enrollments: int
    sends: int
    events: int
    rejected: int
    ended_test: int = 0


class Pruned(Struct, frozen=True, kw_only=True):
    """How many rows a pruning took away, or would."""

    enrollments: int
    decisions: int
    sends: int
    events: int
