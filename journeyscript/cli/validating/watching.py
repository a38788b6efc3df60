"""Doing something again whenever a file of a project changes.

Takes a folder and what to do; looks at the files' times of change a few times a second, which works on every kind of
disk. Ends when it is interrupted.
"""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from journeyscript.source.project import list_project

INTERVAL = 0.3
"""Seconds between two looks."""

Look: TypeAlias = tuple[tuple[str, int, int, int], ...]


def watch(root: Path, check: Callable[[], None], *, interval: float = INTERVAL) -> None:
    """Do `check` now and after every change, until Ctrl-C."""
    # A shell that starts a command in the background has it ignore the interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        while True:
            seen = look(root)
            check()
            while look(root) == seen:
                time.sleep(interval)
    except KeyboardInterrupt:
        return


def look(root: Path) -> Look:
    """Return what tells one state of a project's files from another: path, time of change, size and file number."""
    try:
        paths = list_project(root).every
    except OSError:
        return ()
    seen = []
    for path in paths:
        try:
            status = (root / path).stat()
        except (OSError, ValueError):
            seen.append((path, 0, 0, 0))
        else:
            seen.append((path, status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(seen)
