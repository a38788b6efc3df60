"""The metrics of a live run: opened where they are asked for, closed at its end; else nothing is even imported.

Takes what `run` was told of them; gives the store to work with, and the counts.
"""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from journeyscript.cli.running.logs import say
from journeyscript.cli.shared import cannot
from journeyscript.cli.stores import shown_path
from journeyscript.runtime.live import wall_clock
from journeyscript.stores.records import Store

if TYPE_CHECKING:
    from journeyscript.runtime.operating.metrics import Metrics


class Shown(Struct, frozen=True, kw_only=True):
    """Where a run shows its metrics: in a file, on a port of the loopback interface (0: any), in both or nowhere."""

    file: Path | None = None
    port: int | None = None


NOWHERE = Shown()


@contextlib.contextmanager
def measured(store: Store, shown: Shown, journeys: Iterable[str]) -> "Iterator[tuple[Store, Metrics | None]]":
    """Give the store to work with and the counts of what goes through it, if any are to be shown."""
    if shown.file is None and shown.port is None:
        yield store, None
        return
    from journeyscript.runtime.operating.metrics import LOOPBACK, Metrics
    from journeyscript.runtime.operating.observing import observed

    try:
        metrics = Metrics(journeys, wall_clock, file=shown.file, port=shown.port)
    except OSError as problem:
        if problem.filename is not None and shown.file is not None:
            cannot(
                f"`{shown_path(shown.file)}` cannot be written: {problem.strerror}",
                "name another file with --metrics-file",
            )
        cannot(
            f"port {shown.port} of {LOOPBACK} cannot be listened on: {problem.strerror}",
            "name another one with --metrics-port",
        )
    with contextlib.closing(metrics):
        if metrics.port is not None:
            say(f"Metrics are at http://{LOOPBACK}:{metrics.port}/metrics.")
        yield observed(store, metrics), metrics
