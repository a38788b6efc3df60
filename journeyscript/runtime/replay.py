"""Recorded events on virtual time: weeks of waits pass as fast as the machine goes.

The clock is whatever is due next. Batches are committed like live ones, so a replay that is interrupted goes on where
it stopped, and everything a run shows can be asked of the store afterwards.
"""

from collections.abc import Callable, Iterator, Sequence

from journeyscript.runtime.batch import advance
from journeyscript.runtime.identity import Arrival, take_in
from journeyscript.runtime.intake import Erasure, Merge, Record
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
        for part in self._parts(records[done:]):
            times = [item.at for item in part if not isinstance(item, Rejected)]
            if times and not self._fire(times[0] - 1):
                return False
            last = times[-1] if times else last
            arrivals = [Arrival(record=item, reader=item.source, position=item.position) for item in part]
            take_in(store, self._session.rules, arrivals, now=last)
            self._deliver(last)
            self._report(len(part), last)
            if self._stop:
                return False
        return self._fire(max(self._now(records), until or 0))

    def _fire(self, until: Instant) -> bool:
        """Fire every timer due at or before `until`, in due order; return whether that came to the end."""
        store = self._session.store
        while due := store.due(until, self._batch):
            store.commit(advance(store, self._session.rules, due=due, now=until))
            self._deliver(until)
            self._report(0, until)
            if self._stop:
                return False
        self._deliver(until)
        return True

    def _parts(self, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
        """Yield the records batch by batch; one that says who somebody is alone, after all timers before it."""
        start = 0
        for place, record in enumerate(records):
            alone = isinstance(record, Merge | Erasure)
            if start < place and (alone or place - start == self._batch):
                yield records[start:place]
                start = place
            if alone:
                yield records[place : place + 1]
                start = place + 1
        if start < len(records):
            yield records[start:]

    def _now(self, taken: Sequence[Record]) -> Instant:
        """Return what time it is once these are taken in; rejections stand in front and have none."""
        return taken[-1].at if taken and not isinstance(taken[-1], Rejected) else 0

    def _deliver(self, now: Instant) -> None:
        while self._session.outbox.deliver(now):
            pass
