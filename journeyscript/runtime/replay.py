"""Recorded events on virtual time: weeks of waits pass as fast as the machine goes.

The clock is whatever is due next. Batches are committed like live ones, so a replay that is interrupted goes on where
it stopped, and everything a run shows can be asked of the store afterwards.
"""

from collections.abc import Callable, Sequence

from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.advancing.identity import take_in
from journeyscript.runtime.advancing.keeping import Arrival
from journeyscript.runtime.advancing.starting import Schedules, prepare_dates
from journeyscript.runtime.intake.records import Erasure, Merge, Record
from journeyscript.runtime.session import Session
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Rejected

BATCH = 2_000
"""Records, or customers whose timers are due, that are committed at once."""

Report = Callable[[int, Instant], None]
"""Told after every commit how many records it took in, and what time it is in the replay."""


class Replay:
    """One recorded source through a session's journeys."""

    def __init__(self, session: Session, report: Report | None = None, *, batch: int = BATCH) -> None:
        self._session = session
        self._report = report or (lambda _count, _now: None)
        self._batch = batch
        self._stop = False

    def stop(self) -> None:
        """Finish the batch in hand and return."""
        self._stop = True

    def run(self, records: Sequence[Record], until: Instant | None = None) -> bool:
        """Take in every record in order, with all timers on the way; return whether it came to the end.

        `records` are in the order of time, as `read_recorded` gives them; those that the store has taken in before
        are passed over. `until` is how long time goes on behind the last record; `None` stops there.
        """
        store = self._session.store
        done = int(store.positions().get(records[0].source, "0")) if records else 0
        if done:
            self._report(done, 0)
        last = self._now(records[:done])
        self._session.outbox.recover(last)
        first = next((one.at for one in records if not isinstance(one, Rejected)), until or 0)
        self._schedules = Schedules(store, self._session.rules, first - 1)
        prepare_dates(store, self._session.rules, max(last, first))
        while done < len(records):
            record = records[done]
            if not isinstance(record, Rejected) and not self._fire(record.at - 1):
                return False
            part = self._part(records, done)
            done += len(part)
            last = max(last, self._now(part))
            arrivals = [Arrival(record=item, reader=item.source, position=item.position) for item in part]
            take_in(store, self._session.rules, arrivals, now=last)
            self._deliver(last)
            self._report(len(part), last)
            if self._stop:
                return False
        return self._fire(max(self._now(records), until or 0))

    def _fire(self, until: Instant) -> bool:
        """Fire every timer and schedule due at or before `until`, in due order; return whether that came to the end."""
        while (moment := self._schedules.next()) is not None and moment <= until:
            # At one instant a timer is before a schedule, whose audience is what timers left.
            if not self._fire_timers(moment):
                return False
            self._schedules.fire(moment)
            if self._stop:
                return False
        return self._fire_timers(until)

    def _fire_timers(self, until: Instant) -> bool:
        store = self._session.store
        while due := store.due(until, self._batch):
            store.commit(advance(store, self._session.rules, due=due, now=until))
            self._deliver(until)
            self._report(0, until)
            if self._stop:
                return False
        self._deliver(until)
        return True

    def _part(self, records: Sequence[Record], start: int) -> Sequence[Record]:
        """Return the next records to commit at once: none behind a firing, and one that says who somebody is alone."""
        if isinstance(records[start], Merge | Erasure):
            return records[start : start + 1]
        until = self._schedules.next()
        end = start + 1
        while end < len(records) and end - start < self._batch:
            record = records[end]
            if isinstance(record, Merge | Erasure):
                break
            if until is not None and not isinstance(record, Rejected) and record.at > until:
                break
            end += 1
        return records[start:end]

    def _now(self, taken: Sequence[Record]) -> Instant:
        """Return what time it is once these are taken in; rejections stand in front and have none."""
        return taken[-1].at if taken and not isinstance(taken[-1], Rejected) else 0

    def _deliver(self, now: Instant) -> None:
        while self._session.outbox.deliver(now):
            pass
