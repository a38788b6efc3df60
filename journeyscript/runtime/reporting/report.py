"""What happened in a store, counted: who entered or did not, where they stand, what was sent or was not, and why."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from journeyscript.semantics.types import Instant
from journeyscript.stores.counts import JourneyCount, RefusalCount, SendCount, Totals
from journeyscript.stores.records import Store


class Standing(Struct, frozen=True, kw_only=True):
    """How many stand at a state, or ended for a reason."""

    name: str
    count: int


class JourneyReport(Struct, frozen=True, kw_only=True):
    """One journey over all its versions. `entered` is always the sum of the four that follow it."""

    journey: str
    versions: int
    entered: int
    active: int
    completed: int
    exited: int
    failed: int
    standing: tuple[Standing, ...]
    reasons: tuple[Standing, ...]


class MessageReport(Struct, frozen=True, kw_only=True):
    """One message of a journey on one channel; skipped ones have no channel."""

    journey: str
    message: str
    channel: str
    sent: int
    pending: int
    failed: int


class NotSent(Struct, frozen=True, kw_only=True):
    """How many messages of a journey were skipped or failed for a reason."""

    journey: str
    message: str
    status: str
    reason: str
    count: int


class OutboxReport(Struct, frozen=True, kw_only=True):
    """Messages on their way: waiting for their time or another attempt, and being sent. `next_at` is an instant."""

    pending: int
    sending: int
    next_at: Instant | None


class Ordered(Struct, frozen=True, kw_only=True):
    """What an operator has ordered of a journey, as instants: since when it stands still, or lets nobody in."""

    journey: str
    paused_at: Instant | None
    stopped_at: Instant | None


class TestReport(Struct, frozen=True, kw_only=True):
    """What test customers entered and were sent: counted apart, and in no other count."""

    __test__ = False  # Not for pytest.
    journeys: tuple[JourneyReport, ...] = ()
    messages: tuple[MessageReport, ...] = ()


class Report(Struct, frozen=True, kw_only=True):
    """A store at a moment. `refused` counts entries; without a journey, events whose time lay ahead.

    The size of the store (`totals`) and what is on its way (`outbox`) are those of everybody; all else is of people.
    """

    totals: Totals
    journeys: tuple[JourneyReport, ...]
    outbox: OutboxReport
    messages: tuple[MessageReport, ...]
    not_sent: tuple[NotSent, ...]
    refused: tuple[RefusalCount, ...]
    ordered: tuple[Ordered, ...] = ()
    test_customers: TestReport = TestReport()


def report(store: Store, now: Instant) -> Report:
    """Return the counts of a store; `now` tells which timers are overdue."""
    sends, tests = store.send_counts(), store.send_counts(test=True)
    return Report(
        totals=store.totals(now),
        journeys=_journeys(store.journey_counts()),
        outbox=OutboxReport(
            pending=sum(s.count for s in (*sends, *tests) if s.status == "pending"),
            sending=sum(s.count for s in (*sends, *tests) if s.status == "sending"),
            next_at=store.next_available(),
        ),
        messages=tuple(_messages(sends)),
        not_sent=tuple(
            NotSent(journey=s.journey, message=s.message, status=s.status, reason=s.reason or "unknown", count=s.count)
            for s in sends
            if s.status in ("skipped", "failed")
        ),
        refused=tuple(store.refusal_counts()),
        ordered=tuple(
            Ordered(journey=journey, paused_at=control.paused_at, stopped_at=control.stopped_at)
            for journey, control in store.controls().items()
            if control.paused_at is not None or control.stopped_at is not None
        ),
        test_customers=TestReport(
            journeys=_journeys(store.journey_counts(test=True)), messages=tuple(_messages(tests))
        ),
    )


def _journeys(counts: Sequence[JourneyCount]) -> tuple[JourneyReport, ...]:
    names = dict.fromkeys(count.journey for count in counts)
    return tuple(_journey(name, [count for count in counts if count.journey == name]) for name in names)


def _journey(name: str, counts: Sequence[JourneyCount]) -> JourneyReport:
    def total(matches: Callable[[JourneyCount], bool]) -> int:
        return sum(count.count for count in counts if matches(count))

    return JourneyReport(
        journey=name,
        versions=len({count.version for count in counts}),
        entered=total(lambda _: True),
        active=total(lambda c: c.status == "active"),
        completed=total(lambda c: c.status == "completed"),
        exited=total(lambda c: c.status == "exited"),
        failed=total(lambda c: c.status == "failed"),
        standing=_summed((c.state, c.count) for c in counts if c.status == "active"),
        reasons=_summed((c.reason or "unknown", c.count) for c in counts if c.status in ("exited", "failed")),
    )


def _summed(pairs: Iterable[tuple[str, int]]) -> tuple[Standing, ...]:
    sums: dict[str, int] = {}
    for name, count in pairs:
        sums[name] = sums.get(name, 0) + count
    return tuple(Standing(name=name, count=count) for name, count in sorted(sums.items(), key=lambda p: (-p[1], p[0])))


def _messages(sends: Sequence[SendCount]) -> Iterable[MessageReport]:
    keys = dict.fromkeys((s.journey, s.message, s.channel) for s in sends if s.status != "skipped")
    for journey, message, channel in keys:
        by_status: dict[str, int] = {}
        for s in sends:
            if (s.journey, s.message, s.channel) == (journey, message, channel):
                by_status[s.status] = by_status.get(s.status, 0) + s.count
        yield MessageReport(
            journey=journey,
            message=message,
            channel=channel,
            sent=by_status.get("sent", 0),
            pending=by_status.get("pending", 0) + by_status.get("sending", 0),
            failed=by_status.get("failed", 0),
        )
