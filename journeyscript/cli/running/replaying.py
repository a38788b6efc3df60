"""`run --events`: a recording through the journeys, with a progress bar, and what came of it."""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from journeyscript.channels.adapters import ChannelError
from journeyscript.cli.running.stranding import refuse_to_strand
from journeyscript.cli.shared import Exit, cannot, in_milliseconds, open_store, source_reader
from journeyscript.cli.showing.summary import print_report
from journeyscript.cli.stores import messages_folder, replay_store_path, shown_path, shown_program, store_files
from journeyscript.compiler import Project
from journeyscript.runtime.intake.recorded import UnreadableFileError, read_recorded, source_of
from journeyscript.runtime.intake.records import Incoming, Intake, Record
from journeyscript.runtime.replay import Replay
from journeyscript.runtime.reporting.report import Report, report
from journeyscript.runtime.session import Delivery, For, Session, deployments_of, requests_of
from journeyscript.semantics.types import Instant
from journeyscript.source.nodes import Mapping
from journeyscript.source.yaml import read_file
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Rejected, Store, StoreError
from journeyscript.syntax.mapping import FileMapping, read_mapping
from journeyscript.syntax.structure import check_structure


def replay_file(
    project: Project,
    store_path: Path | None,
    events: Path,
    mapping_path: Path | None,
    until: datetime | None,
    *,
    deliver: bool,
    dry_run: bool,
) -> None:
    """Replay a file and print what happened."""
    mapping = None if mapping_path is None else load_mapping(mapping_path)
    try:
        source = source_of(events, mapping)
        records = read_recorded(events, mapping, Intake(project.catalog, requests_of(project)), 0)
    except UnreadableFileError as problem:
        cannot(str(problem))
    if not records:
        click.echo(f"there are no events in `{events}`", err=True)
        sys.exit(Exit.NOTHING)
    end = None if until is None else in_milliseconds(until)
    if end is not None:
        records = [r for r in records if isinstance(r, Rejected) or r.at <= end]
    path = replay_store_path(project.files.root, store_path)
    store, going_on = (MemoryStore(), False) if dry_run else _prepare(project, path, f"{source} until {end}")
    delivery: Delivery = For.NOTHING if dry_run else For.REAL if deliver else messages_folder(path.resolve())
    started = time.perf_counter()
    try:
        if going_on:
            # The journeys are those that it began with; and yet a plan may have been applied to it since.
            refuse_to_strand(project, store)
        finished = _replay(project, store, records, end, delivery)
        seconds = time.perf_counter() - started
        last = _span(records)[1] if end is None else end
        if finished:
            store.note(finished="yes", now=str(last))
        outcome = report(store, last)
    except (StoreError, ChannelError) as problem:
        cannot(str(problem))
    finally:
        store.close()
    if going_on:
        click.echo("Went on with the replay that was interrupted.")
    _tell(project, events, path, records, outcome, seconds, delivery)
    if not finished:
        click.echo("Stopped before the end; the same command goes on from here.", err=True)


def load_mapping(path: Path) -> FileMapping:
    """Return a mapping file, or end the command with what is wrong with it."""
    from journeyscript.cli.showing.findings.diagnostics import render

    node, findings = read_file(path.parent, path.name)
    findings = findings if node is None else [*findings, *check_structure("mapping", node)]
    if findings or not isinstance(node, Mapping):
        click.echo(render(findings, "full", source_reader(path.parent)), err=True)
        sys.exit(Exit.CANNOT)
    return read_mapping(node)


def _prepare(project: Project, path: Path, source: str) -> tuple[Store, bool]:
    """Return the store for a replay: the one that was interrupted, or a new one in its place."""
    versions = ",".join(d.version for d in deployments_of(project))
    if path.exists():
        store = open_store(path)
        settings = store.settings()
        if settings.get("clock") != "virtual":
            store.close()
            cannot(
                f"`{shown_path(path)}` belongs to live runs; a replay would put its customers on another clock",
                "name another file with --store",
            )
        if settings == {**settings, "replay": source, "versions": versions, "finished": "no"}:
            return store, True
        store.close()
        if settings == {**settings, "replay": source, "finished": "no"}:
            click.echo(
                "The journeys are others than those of the replay that was interrupted: it starts over.", err=True
            )
        for file in store_files(path):
            file.unlink(missing_ok=True)
        shutil.rmtree(messages_folder(path), ignore_errors=True)
    store = open_store(path)
    store.note(clock="virtual", replay=source, versions=versions, finished="no")
    return store, False


def _replay(
    project: Project, store: Store, records: Sequence[Record], until: Instant | None, delivery: Delivery
) -> bool:
    session = Session(project, store, virtual=True, delivery=delivery, at=_span(records)[0], environment=os.environ)
    with session, progress_bar(len(records)) as advance:
        replay = Replay(session, advance)
        previous = {
            number: signal.signal(number, lambda *_: replay.stop()) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            return replay.run(records, until)
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


@contextlib.contextmanager
def progress_bar(total: int, what: str = "replaying") -> Iterator[Callable[[int, Instant], None]]:
    """Show how far the replay is, where somebody is looking."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[day]}"),
    )
    out = Console(stderr=True)
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:
        task = progress.add_task("", total=total, day="")

        def advance(count: int, now: Instant) -> None:
            progress.update(task, advance=count, day=_day(now) if now else "")

        yield advance


def _tell(
    project: Project,
    events: Path,
    path: Path,
    records: Sequence[Record],
    outcome: Report,
    seconds: float,
    delivery: Delivery,
) -> None:
    first, last = _span(records)
    rejected = [r for r in records if isinstance(r, Rejected)]
    taken = len(records) - len(rejected)
    click.echo(
        f"Replayed {taken:,} records of {outcome.totals.customers:,} customers from {events}, "
        f"{_day(first)} to {_day(last)}, in {seconds:.1f} s."
    )
    if rejected:
        click.echo(f"{len(rejected):,} could not be taken in; the first: {rejected[0].reason}")
    click.echo()
    print_report(outcome)
    _point_on(project, path, records, delivery)


def _point_on(project: Project, path: Path, records: Sequence[Record], delivery: Delivery) -> None:
    """Say where to look next."""
    if delivery is For.NOTHING:
        click.echo("A dry run: nothing was sent, nothing was kept.")
        return
    if isinstance(delivery, Path):
        click.echo(f"Nothing left this machine: the messages are files in {shown_path(delivery)}.")
    option = "" if path == replay_store_path(project.files.root, None) else f" --store {shown_path(path)}"
    customer = next((r.customer for r in records if isinstance(r, Incoming)), "CUSTOMER")
    journey = next(iter(project.journeys))
    program = shown_program()
    hints = {
        f"{program} explain {customer}{option}": "every step of one customer, and why",
        f"{program} status{option}": "these tables again",
        f"{program} graph {journey}": "the journey as a picture",
    }
    width = max(map(len, hints))
    click.echo("Look next:")
    for command, what in hints.items():
        click.echo(f"  {command:<{width}}   {what}")


def _span(records: Sequence[Record]) -> tuple[Instant, Instant]:
    times = [r.at for r in records if not isinstance(r, Rejected)]
    return (times[0], times[-1]) if times else (0, 0)


def _day(moment: Instant) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).date().isoformat()
