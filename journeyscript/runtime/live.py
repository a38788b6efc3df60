"""The runtime on the wall clock: events as they come, timers when they are due, messages as they can be sent.

One thread does all the work in batches; APScheduler only ticks, so there is one job however many customers wait.
Everything that a batch does is committed at once: whatever stops the process, the next start goes on from there.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import asdict

from journeyscript.runtime.advancing.identity import take_in
from journeyscript.runtime.advancing.keeping import Arrival
from journeyscript.runtime.advancing.starting import Schedules, prepare_dates
from journeyscript.runtime.intake.sources import Line, Source
from journeyscript.runtime.operating.letterbox import Letterbox
from journeyscript.runtime.operating.pulse import Pulse
from journeyscript.runtime.session import Session
from journeyscript.semantics.types import Instant

if TYPE_CHECKING:
    from journeyscript.runtime.operating.metrics import Metrics

BATCH = 1_000
"""Lines, and customers whose timers are due, that are committed at once at the most."""

POLL_SECONDS = 0.05
"""How often files are looked at for new lines."""

TICK_SECONDS = 1.0
"""How often the loop wakes where nothing tells it to."""

Clock = Callable[[], Instant]

log = logging.getLogger(__name__)


class Round(Struct, frozen=True, kw_only=True):
    """What one round of the loop did.

    Records taken in and refused, customers moved by timers, messages attempted, orders of an operator carried out.
    """

    taken: int = 0
    refused: int = 0
    moved: int = 0
    attempted: int = 0
    obeyed: int = 0

    def __add__(self, other: "Round") -> "Round":
        return Round(
            taken=self.taken + other.taken,
            refused=self.refused + other.refused,
            moved=self.moved + other.moved,
            attempted=self.attempted + other.attempted,
            obeyed=self.obeyed + other.obeyed,
        )


def wall_clock() -> Instant:
    """Return the time in milliseconds: the one place where the runtime asks for it."""
    return time.time_ns() // 1_000_000


class Live:
    """A session on the wall clock."""

    def __init__(
        self,
        session: Session,
        wake: threading.Event,
        *,
        clock: Clock = wall_clock,
        orders: Letterbox | None = None,
        pulse: Pulse | None = None,
        metrics: "Metrics | None" = None,
    ) -> None:
        """Take the session to run; `wake` is what sources set when something came, `orders` where orders are left.

        `metrics` are those that count what goes through the session's store.
        """
        self._session, self._clock, self._wake = session, clock, wake
        self._orders, self._pulse, self._metrics = orders, pulse, metrics
        self._stopping = False
        self._schedules = Schedules(session.store, session.rules, clock())
        self.done = Round()
        """What all rounds together did."""

    def stop(self) -> None:
        """Finish the batch in hand and return from `run` within seconds; safe to call from a signal handler."""
        self._stopping = True
        self._session.outbox.hurry()
        self._wake.set()

    def run(self, sources: Sequence[Source], *, once: bool = False) -> None:
        """Work until `stop` is called; with `once`, until there is nothing to do now."""
        self._session.outbox.recover(self._clock())
        prepare_dates(self._session.store, self._session.rules, self._clock())
        scheduler = self._ticking(fast=any(source.polled for source in sources))
        try:
            while not self._stopping:
                self._wake.clear()
                self._beat()
                if self._round(sources):
                    continue
                if once and all(source.exhausted() for source in sources):
                    break
                self._sleep(scheduler)
            left = [line for source in sources for line in source.finish()]
            for start in range(0, len(left), BATCH):
                self.done += self._take(left[start : start + BATCH])
            self._measure(self._clock())
        finally:
            scheduler.shutdown(wait=False)

    def _round(self, sources: Sequence[Source]) -> bool:
        """Do what there is to do now, a batch at the most; return whether there was anything."""
        took = self._obey() + self._take([line for source in sources for line in source.read(BATCH)])
        began = self._begin()
        took += Round(moved=began or 0, attempted=self._session.outbox.deliver(self._clock()))
        self.done += took
        return took != Round() or began is not None

    def _begin(self) -> int | None:
        """Let a schedule that is due begin for a batch of its audience; return for how many, `None`: none is due."""
        now, moment = self._clock(), self._schedules.next()
        if moment is None or moment > now or self._session.store.due(moment, 1):
            return None
        with self._timed():
            changes = self._schedules.fire(now)
        return None if changes is None else len({one.customer for one in changes.enrollments})

    def _beat(self) -> None:
        """Show that the run is alive, and how late it is."""
        now = self._clock()
        if self._metrics is not None and self._metrics.wanted(now):
            self._measure(now)
        if self._pulse is None or not self._pulse.wanted(now):
            return
        moments = [m for m in (self._session.store.next_due(), self._session.outbox.next_moment(now)) if m is not None]
        self._pulse.beat(now, max(0, now - min(moments, default=now)), asdict(self.done))

    def _measure(self, now: Instant) -> None:
        """Show what was counted, and how late the run is."""
        if self._metrics is not None:
            store = self._session.store
            self._metrics.show(now, store.next_due(), store.next_available())

    def _timed(self) -> contextlib.AbstractContextManager[object]:
        return contextlib.nullcontext() if self._metrics is None else self._metrics.timed()

    def _obey(self) -> Round:
        """Carry out what an operator has ordered meanwhile."""
        if self._orders is None:
            return Round()
        return Round(obeyed=self._orders.work(self._session.store, self._clock(), self._session.rules))

    def _take(self, lines: Sequence[Line]) -> Round:
        """Commit a batch of lines and of due timers."""
        session, now = self._session, self._clock()
        due = session.store.due(now, BATCH)
        if not lines and not due:
            return Round()
        with self._timed():
            arrivals = [
                Arrival(
                    record=session.intake.line(line.text, line.source, line.position, now),
                    reader=line.reader or "",
                    position=line.position,
                )
                for line in lines
            ]
            refused = take_in(session.store, session.rules, arrivals, due=due, now=now)
        if self._metrics is not None:
            self._metrics.taken(lines, refused)
        if refused:
            # The reasons are kept beside the records: they may show what a record says of somebody.
            log.warning("%d of %d records refused, and kept with the reason", len(refused), len(lines))
        return Round(taken=len(lines) - len(refused), refused=len(refused), moved=len(due))

    def _ticking(self, *, fast: bool) -> Any:  # noqa: ANN401 - APScheduler is untyped
        from apscheduler.schedulers.background import BackgroundScheduler

        scheduler = BackgroundScheduler(timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": None})
        scheduler.add_job(self._wake.set, "interval", seconds=POLL_SECONDS if fast else TICK_SECONDS, id="tick")
        scheduler.start()
        return scheduler

    def _sleep(self, scheduler: Any) -> None:  # noqa: ANN401 - APScheduler is untyped
        """Sleep until something comes, a timer is due, or the next tick."""
        store, now = self._session.store, self._clock()
        soonest = store.next_due(), self._session.outbox.next_moment(now), self._schedules.next()
        moments = [m for m in soonest if m is not None]
        if moments and min(moments) > now:
            scheduler.add_job(
                self._wake.set,
                "date",
                run_date=datetime.fromtimestamp(min(moments) / 1000, UTC),
                id="next",
                replace_existing=True,
            )
        self._wake.wait(timeout=TICK_SECONDS)
