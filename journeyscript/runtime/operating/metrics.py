"""What a run does, counted as it passes, in Prometheus' form: for a file that is written anew, or over loopback HTTP.

Is told of changes that were committed and of settlements; gives counts since the start of the run. Asks no store, and
must know nobody: labels are what the project's files name, reasons and kinds of sources, never a customer, an address
or a value.
"""

import logging
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import prometheus_client as prometheus

from journeyscript.runtime.intake.sources import Line
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import (
    Changes,
    Rejected,
    Settlement,
)

EVERY = 1_000
"""Milliseconds between two looks at how late the run is, and two forms of the file."""

BATCH_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LATE_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 3_600, 86_400)
"""Upper bounds of the histograms' buckets."""

KINDS = frozenset({"stdin", "file", "directory", "journey", "orders"})
"""What a record's source may be, as a label; its name is left out, and any other is `other`."""

LOOPBACK = "127.0.0.1"

log = logging.getLogger(__name__)


class Metrics:
    """The counts of one run, from its start on; `journeys` are those whose counts begin at zero."""

    def __init__(
        self,
        journeys: Iterable[str],
        clock: Callable[[], Instant],
        *,
        file: Path | None = None,
        port: int | None = None,
    ) -> None:
        """Show the counts in a file, on a port of the loopback interface (0: any that is free), or both.

        Raises:
            OSError: the file cannot be written, or the port is taken.
        """
        self._clock, self._file = clock, file
        self._shown, self._failing = 0, False
        # When a series began is of no use to anybody here, and doubles their number.
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = prometheus.CollectorRegistry()
        self._declare()
        for journey in journeys:
            self._entries.labels(journey)
            for status in ("completed", "exited", "failed"):
                self._endings.labels(journey, status)
        if file is not None:
            prometheus.write_to_textfile(str(file), self._registry)
        self._server = None
        if port is not None:
            self._server, self._thread = prometheus.start_http_server(port, LOOPBACK, self._registry)

    @property
    def port(self) -> int | None:
        """The port that answers, or `None`."""
        return None if self._server is None else self._server.server_port

    def close(self) -> None:
        """Answer no more. The file stays as it was written last."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def wanted(self, now: Instant) -> bool:
        """Return whether it is time to show the counts anew."""
        return now >= self._shown + EVERY

    def show(self, now: Instant, timer: Instant | None, message: Instant | None) -> None:
        """Show the counts as of now; `timer` and `message` are when the next of each is due, `None`: there is none.

        A file that cannot be written stops no run.
        """
        self._shown = now
        self._round.set(now / 1000)
        self._next_timer.set(0 if timer is None else timer / 1000)
        self._timers_late.set(_late(now, timer) / 1000)
        self._messages_late.set(_late(now, message) / 1000)
        if self._file is None:
            return
        try:
            prometheus.write_to_textfile(str(self._file), self._registry)
        except OSError as problem:
            if not self._failing:
                log.warning("the file %s cannot be written: %s", self._file, problem.strerror)
            self._failing = True
        else:
            self._failing = False

    def timed(self) -> AbstractContextManager[object]:
        """Take the time of one batch."""
        return self._batches.time()

    def taken(self, lines: Sequence[Line], refused: Sequence[Rejected]) -> None:
        """Count the lines of a batch that were not refused."""
        kinds = Tally(_kind(line.source) for line in lines)
        kinds.subtract(_kind(one.source) for one in refused)
        for kind, count in kinds.items():
            self._records.labels(kind, "taken").inc(max(0, count))

    def committed(self, changes: Changes, inside: Mapping[int, Instant | None]) -> None:
        """Count what a batch has changed.

        `inside` are the enrollments that were active before it, with the time of those whose timer it was to fire.
        Test customers are in no count but how late timers were kept.
        """
        now = self._clock()
        people = [one for one in changes.enrollments if not one.test]
        _add(self._records, ((_kind(one.source), "refused") for one in changes.rejected))
        _add(self._entries, ((one.journey,) for one in people if one.id not in inside))
        _add(self._refusals, ((one.journey, one.reason) for one in changes.refusals if not one.test))
        ended = (one for one in people if one.status != "active")
        _add(self._endings, ((one.journey, one.status) for one in ended))
        _add(
            self._sends,
            (
                (one.journey, one.channel, "skipped" if one.status == "skipped" else "decided", one.reason or "")
                for one in changes.sends
                if not one.test
            ),
        )
        for enrollment in changes.enrollments:
            if (due := inside.get(enrollment.id)) is not None:
                self._lateness.observe(_late(now, due) / 1000)

    def left(self, count: int) -> None:
        """Count enrollments that ended because their customer was erased, or became one with another."""
        if count:
            self._endings.labels("", "exited").inc(count)

    def settled(self, settlements: Sequence[Settlement], channels: Mapping[tuple[int, int], str]) -> None:
        """Count attempts and outcomes; `channels` says by enrollment and visit where each was to go."""
        _add(
            self._deliveries,
            (
                (
                    channels.get((one.enrollment, one.visit), ""),
                    "deferred" if one.status == "pending" else one.status,
                    one.reason or "",
                )
                for one in settlements
                if not one.uncounted
            ),
        )

    def _declare(self) -> None:
        def counter(name: str, text: str, *labels: str) -> prometheus.Counter:
            return prometheus.Counter(f"journeyscript_{name}", text, labels, registry=self._registry)

        def gauge(name: str, text: str) -> prometheus.Gauge:
            return prometheus.Gauge(f"journeyscript_{name}", text, registry=self._registry)

        def histogram(name: str, text: str, buckets: Sequence[float]) -> prometheus.Histogram:
            return prometheus.Histogram(f"journeyscript_{name}", text, registry=self._registry, buckets=buckets)

        self._records = counter("records", "Records taken in or refused, by the kind of source.", "source", "outcome")
        self._entries = counter("entries", "Enrollments that began, held out ones included.", "journey")
        self._refusals = counter("refusals", "Entries that were asked for and refused.", "journey", "reason")
        self._endings = counter("endings", "Enrollments that ended.", "journey", "status")
        self._sends = counter("sends", "Messages that steps asked for.", "journey", "channel", "decision", "reason")
        self._deliveries = counter(
            "deliveries", "Attempts to deliver, and what became of them.", "channel", "outcome", "reason"
        )
        self._batches = histogram("batch_seconds", "How long batches took.", BATCH_SECONDS)
        self._lateness = histogram("timer_lateness_seconds", "How late timers were kept.", LATE_SECONDS)
        self._round = gauge("last_round_timestamp_seconds", "When the loop last came round.")
        self._next_timer = gauge("next_timer_timestamp_seconds", "When the earliest timer is due; 0: there is none.")
        self._timers_late = gauge("timers_overdue_seconds", "How late the most overdue timer is now.")
        self._messages_late = gauge("outbox_overdue_seconds", "How long the oldest message could have been attempted.")


def _add(counter: prometheus.Counter, labels: Iterable[tuple[str, ...]]) -> None:
    for values, count in Tally(labels).items():
        counter.labels(*values).inc(count)


def _kind(source: str) -> str:
    kind = source.partition(":")[0]
    return kind if kind in KINDS else "other"


def _late(now: Instant, due: Instant | None) -> int:
    return 0 if due is None else max(0, now - due)
