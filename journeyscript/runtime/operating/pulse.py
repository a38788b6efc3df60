"""A file that shows that a run is alive: written anew every second, with how late it is and what it has done.

Takes instants and counts from the loop; gives one line of JSON in a file that is never half written. Names nobody. A
file that cannot be written stops no run.
"""

import logging
import os
from pathlib import Path

import msgspec

from journeyscript.engine.calendar import local_text
from journeyscript.semantics.types import Instant

EVERY = 1_000
"""Milliseconds between two beats."""

log = logging.getLogger(__name__)


class Pulse:
    """The pulse of one run."""

    def __init__(self, path: Path) -> None:
        """Raises `OSError` where the file cannot be written."""
        self._path, self._beaten, self._failing = path, 0, False
        path.with_name(path.name + ".new").touch()

    def wanted(self, now: Instant) -> bool:
        """Return whether it is time for a beat."""
        return now >= self._beaten + EVERY

    def beat(self, now: Instant, late: int, counts: dict[str, int]) -> None:
        """Write the file: `late` is how many milliseconds ago the earliest thing to do was due."""
        self._beaten = now
        state = {"at": local_text(now, "UTC"), "late_seconds": late / 1000, "pid": os.getpid(), **counts}
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            fresh.write_bytes(msgspec.json.encode(state) + b"\n")
            fresh.replace(self._path)
        except OSError as problem:
            if not self._failing:
                log.warning("the file %s cannot be written: %s", self._path, problem.strerror)
            self._failing = True
        else:
            self._failing = False
