"""The verbs of a store that only an operator's commands ask for: what a run does without.

Each is one transaction over the open file, like the verbs of a run beside this module.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from journeyscript.engine.values import Control
from journeyscript.semantics.types import Instant
from journeyscript.stores.counts import Pruned
from journeyscript.stores.records import Overdue, StoreError
from journeyscript.stores.sqlite import controls, inspection, pruning, suppressions
from journeyscript.stores.sqlite.backup import write_backup
from journeyscript.stores.sqlite.inspection import Inspection
from journeyscript.stores.sqlite.opened import OpenStore, plainly_told
from journeyscript.stores.sqlite.statements import SQL


class OperatedStore(OpenStore):
    """An open store that an operator looks after."""

    @plainly_told
    def requeue(self, places: Iterable[tuple[int, int]], at: Instant) -> None:
        """Make failed sends pending again.

        Raises:
            ValueError: one is unknown, or did not fail.
        """
        wanted = [(enrollment, visit, at) for enrollment, visit in dict.fromkeys(places)]
        with self._writing():
            if wanted and self._connection.executemany(SQL["requeue"], wanted).rowcount != len(wanted):
                raise ValueError("one of the sends to try again is not in the store, or did not fail")

    @plainly_told
    def prune(self, before: Instant, keep: Mapping[str, Instant | None], *, dry: bool = False) -> Pruned:
        """Take away what ended before an instant; count it only, if `dry`, which a reader may do too."""
        if dry:
            with self._one_moment():
                return pruning.prune(self._connection, before, keep, dry=True)
        with self._overwriting(), self._writing():
            return pruning.prune(self._connection, before, keep, dry=False)

    @plainly_told
    def controls(self) -> dict[str, Control]:
        """Return what an operator has ordered, by journey."""
        return controls.controls(self._connection)

    @plainly_told
    def pause(self, journey: str, at: Instant) -> bool:
        """Let a journey stand still. Walks all enrollments once."""
        with self._writing(enrollments=False):
            return controls.pause(self._connection, journey, at)

    @plainly_told
    def resume(self, journey: str, at: Instant, overdue: Overdue) -> bool:
        """Let a journey go on. Walks all enrollments and sends once."""
        with self._writing(enrollments=False):
            return controls.resume(self._connection, journey, at, overdue)

    @plainly_told
    def stop(self, journey: str, at: Instant) -> bool:
        """Let nobody into a journey any more."""
        with self._writing(enrollments=False):
            return controls.stop(self._connection, journey, at)

    @plainly_told
    def inside(self, journey: str, after: int, limit: int) -> list[int]:
        """Return numbers of customers inside a journey."""
        return controls.inside(self._connection, journey, after, limit)

    @plainly_told
    def inspect(self, now: Instant, *, quick: bool = False) -> Inspection:
        """Return what is wrong in the file and its rows, as of one moment; `quick` leaves the indexes unread."""
        with self._one_moment():
            return inspection.inspect(self._connection, self._versions, now, quick=quick)

    @plainly_told
    def compact(self) -> None:
        """Write the file anew without its free places, and with them whatever was left in there."""
        if self._lock is None:
            raise StoreError(f"the store `{self.path}` is open for reading only; open it for writing")
        self._connection.execute("VACUUM")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @plainly_told
    def backup(self, path: Path, progress: Callable[[int, int], None] | None = None) -> None:
        """Write a copy of the store, as of one moment, to a file that is not there yet, and only when it is whole.

        `progress` is told how many pages are left, and of how many.

        Raises:
            StoreError: there is something at `path`, or it cannot be written.
        """
        with self._one_moment():
            write_backup(self._connection, path, progress)

    @plainly_told
    def suppress(self, digests: Collection[int]) -> int:
        """Put addresses on the list of those that must not be written to."""
        with self._writing(enrollments=False):
            return suppressions.add(self._connection, digests)

    @plainly_told
    def unsuppress(self, digests: Collection[int]) -> int:
        """Take addresses off the list."""
        with self._writing(enrollments=False):
            return suppressions.remove(self._connection, digests)

    @plainly_told
    def suppressions(self) -> int:
        """Return how many addresses are on the list. Walks it."""
        return suppressions.count(self._connection)
