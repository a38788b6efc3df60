"""The runtime on the wall clock: events as they come, timers when they are due, messages as they can be sent.

One thread does all the work in batches; APScheduler only ticks, so there is one job however many customers wait.
Everything that a batch does is committed at once: whatever stops the process, the next start goes on from there.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from journeyscript.runtime.identity import Arrival, take_in
from journeyscript.runtime.session import Session
from journeyscript.runtime.sources import Line, Source
from journeyscript.semantics.types import Instant

BATCH = 1_000
"""Lines, and customers whose timers are due, that are committed at once at the most."""

POLL_SECONDS = 0.05
"""How often files are looked at for new lines."""

TICK_SECONDS = 1.0
"""How often the loop wakes where nothing tells it to."""

Clock = Callable[[], Instant]

log = logging.getLogger(__name__)


class Round(Struct, frozen=True, kw_only=True):
    """What one round of the loop did: records taken in and refused, customers moved by timers, messages attempted."""

    taken: int = 0
    refused: int = 0
    moved: int = 0
    attempted: int = 0

    def __add__(self, other: "Round") -> "Round":
        return Round(
            taken=self.taken + other.taken,
            refused=self.refused + other.refused,
            moved=self.moved + other.moved,
            attempted=self.attempted + other.attempted,
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
    ) -> None:
        """Take the session to run; `wake` is what sources set when something came."""
        self._session, self._clock, self._wake = session, clock, wake
        self._stopping = False
        self.done = Round()
        """What all rounds together did."""

    def stop(self) -> None:
        """Finish the batch in hand and return from `run`; safe to call from a signal handler."""
        self._stopping = True
        self._wake.set()

    def run(self, sources: Sequence[Source], *, once: bool = False) -> None:
        """Work until `stop` is called; with `once`, until there is nothing to do now."""
        self._session.outbox.recover(self._clock())
        scheduler = self._ticking(fast=any(source.polled for source in sources))
        try:
            while not self._stopping:
                self._wake.clear()
                if self._round(sources):
                    continue
                if once and all(source.exhausted() for source in sources):
                    break
                self._sleep(scheduler)
            left = [line for source in sources for line in source.finish()]
            for start in range(0, len(left), BATCH):
                self.done += self._take(left[start : start + BATCH])
        finally:
            scheduler.shutdown(wait=False)

    def _round(self, sources: Sequence[Source]) -> bool:
        """Do what there is to do now, a batch at the most; return whether there was anything."""
        took = self._take([line for source in sources for line in source.read(BATCH)])
        took += Round(attempted=self._session.outbox.deliver(self._clock()))
        self.done += took
        return took != Round()

    def _take(self, lines: Sequence[Line]) -> Round:
        """Commit a batch of lines and of due timers."""
        session, now = self._session, self._clock()
        due = session.store.due(now, BATCH)
        if not lines and not due:
            return Round()
        arrivals = [
            Arrival(
                record=session.intake.line(line.text, line.source, line.position, now),
                reader=line.reader or "",
                position=line.position,
            )
            for line in lines
        ]
        refused = take_in(session.store, session.rules, arrivals, due=due, now=now)
        if refused:
            log.warning(
                "%d of %d records refused, and kept; the first: %s", len(refused), len(lines), refused[0].reason
            )
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
        moments = [m for m in (store.next_due(), store.next_available()) if m is not None]
        if moments and min(moments) > now:
            scheduler.add_job(
                self._wake.set,
                "date",
                run_date=datetime.fromtimestamp(min(moments) / 1000, UTC),
                id="next",
                replace_existing=True,
            )
        self._wake.wait(timeout=TICK_SECONDS)
