"""`run` on the wall clock: sources, signals, and a line about what was done."""

import contextlib
import os
import signal
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from journeyscript.channels.adapters import ChannelError
from journeyscript.cli.running.logs import say
from journeyscript.cli.running.measuring import NOWHERE, Shown, measured
from journeyscript.cli.running.standby import open_when_free
from journeyscript.cli.running.stranding import refuse_to_strand
from journeyscript.cli.shared import cannot, load_sound_project, open_store
from journeyscript.cli.stores import live_store_path, shown_path
from journeyscript.compiler import Project
from journeyscript.runtime.advancing.starting import enrol_existing, waiting
from journeyscript.runtime.intake.sources import open_source
from journeyscript.runtime.live import Live, Round, wall_clock
from journeyscript.runtime.operating.letterbox import Letterbox
from journeyscript.runtime.operating.pulse import Pulse
from journeyscript.runtime.session import For, Session
from journeyscript.stores.records import Store, StoreError

if TYPE_CHECKING:
    from journeyscript.runtime.operating.metrics import Metrics


def run_live(
    project: Project,
    store_path: Path | None,
    follow: tuple[str, ...],
    *,
    once: bool,
    dry_run: bool,
    standby: bool,
    enrol: bool,
    pulse: Pulse | None = None,
    shown: Shown = NOWHERE,
) -> None:
    """Run until told to stop, or with `once` until there is nothing to do now.

    `standby` waits for a store that another process holds. `enrol`: journeys take in those who were there before them.
    `pulse` shows that the run is alive, and `shown` says where its metrics go.
    """
    path = live_store_path(project.files.root, project.config, store_path)
    with contextlib.ExitStack() as stack:
        if standby:
            opened, waited = open_when_free(path)
            if opened is None:
                say("Stopped while standing by; nothing was done.")
                return
            store: Store = stack.enter_context(contextlib.closing(opened))
            # Whoever held the store may have run newer journeys than those that were read before the wait.
            project = load_sound_project(project.files.root) if waited else project
        else:
            store = stack.enter_context(_store(path, dry_run=dry_run))
        if store.settings().get("clock") == "virtual":
            cannot(
                f"`{shown_path(path)}` was filled by a replay: its timers belong to another time",
                "name another file with --store",
            )
        try:
            refuse_to_strand(project, store)
            store.note(clock="wall")
            store, metrics = stack.enter_context(measured(store, shown, project.journeys))
            session = stack.enter_context(
                Session(
                    project,
                    store,
                    virtual=False,
                    delivery=For.NOTHING if dry_run else For.REAL,
                    at=wall_clock(),
                    environment=os.environ,
                )
            )
            _enrol_existing(session, go=enrol)
            orders = None if dry_run else Letterbox(path)
            done = _work(session, store, follow or _piped(), orders, pulse, metrics, once=once)
        except (StoreError, ChannelError) as problem:
            cannot(str(problem))
        except OSError as problem:
            if problem.filename is None:
                raise
            cannot(f"`{shown_path(Path(problem.filename))}` cannot be read: {problem.strerror}")
    kept = "A dry run: nothing was sent, nothing was kept" if dry_run else f"Stopped; the store is {shown_path(path)}"
    sends = "would be handed over" if dry_run else "handed over"
    refused = f", refused {done.refused:,}" if done.refused else ""
    say(
        f"{kept}. Took in {done.taken:,} records{refused}; {done.moved:,} customers moved by time, "
        f"{done.attempted:,} messages {sends}."
    )


def _enrol_existing(session: Session, *, go: bool) -> None:
    """Say how many were there before journeys that want them as well, and let them in where that was asked for."""
    for one in waiting(session.store, session.rules, wall_clock()):
        people = "1 customer" if one.count == 1 else f"{one.count:,} customers"
        if go:
            say(f"`{one.journey}` asks {people} who were there before it.")
            enrol_existing(session.store, session.rules, one.journey, wall_clock())
        else:
            say(f"`{one.journey}` is for {people} who were there before it; --enrol-existing asks them.")


def _work(
    session: Session,
    store: Store,
    follow: tuple[str, ...],
    orders: Letterbox | None,
    pulse: Pulse | None,
    metrics: "Metrics | None",
    *,
    once: bool,
) -> Round:
    wake = threading.Event()
    live = Live(session, wake, orders=orders, pulse=pulse, metrics=metrics)
    # From here on a signal is answered; what comes before can be done again.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: live.stop())
    positions = store.positions()
    # A source that is named twice, whichever way it is written, is still one.
    named = {name if name == "-" else str(Path(name).resolve()): name for name in follow}.values()
    sources = [open_source(name, positions, wake.set, whole=once) for name in named]
    reading = ", ".join("standard input" if name == "-" else name for name in follow) or "nothing; timers only"
    journeys = len(session.project.journeys)
    say(f"Running {journeys} journey{'s' if journeys != 1 else ''}; reading {reading}. Ctrl-C stops.")
    live.run(sources, once=once)
    return live.done


@contextlib.contextmanager
def _store(path: Path, *, dry_run: bool) -> Iterator[Store]:
    """Open the store; a dry run works on a copy, which is thrown away."""
    if not dry_run:
        store = open_store(path)
        with contextlib.closing(store):
            yield store
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "store.db"
        if path.exists():
            from journeyscript.stores.sqlite import open_sqlite

            with contextlib.closing(open_sqlite(path, read_only=True)) as original:
                original.backup(copy)
        with contextlib.closing(open_store(copy)) as store:
            yield store


def _piped() -> tuple[str, ...]:
    """Return standard input as a source where something is piped into it."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return ()
    return ("-",) if stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode) else ()
