"""`journeyscript backtest`: what did happen, through the journeys as they are now."""

import contextlib
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from journeyscript.cli.shared import (
    CONTEXT,
    Exit,
    cannot,
    format_option,
    in_milliseconds,
    load_sound_project,
    project_option,
    store_option,
)

if TYPE_CHECKING:
    from journeyscript.cli.showing.backtests import Report
    from journeyscript.compiler import Project
    from journeyscript.runtime.backtest.past import Past
    from journeyscript.semantics.types import Instant
    from journeyscript.stores.records import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The options that say what is compared, by their names."""

    since: datetime | None
    until: datetime | None
    events: Path | None
    mapping: Path | None
    against: str
    examples: int


@click.command("backtest", context_settings=CONTEXT)
@project_option
@store_option
@click.option(
    "--since", type=click.DateTime(), help="From when on messages count (UTC); by default from the first event."
)
@click.option("--until", type=click.DateTime(), help="Until when (UTC); by default now, or the end of a recording.")
@click.option("--events", type=click.Path(path_type=Path), help="Recorded events in place of the store's.")
@click.option("--mapping", type=click.Path(path_type=Path), help="Which of the recording's columns means what.")
@click.option(
    "--against",
    default="store",
    show_default=True,
    help="With what: `store`, which is what was sent; or what `git:REVISION` or another project's folder would send.",
)
@click.option(
    "--examples", type=click.IntRange(min=0), default=3, show_default=True, help="How many customers of each kind."
)
@click.option("--exit-code", is_flag=True, help="Exit with 4 where there is a difference.")
@format_option("table", "json", "markdown")
def backtest_command(
    folder: Path | None,
    store_path: Path | None,
    exit_code: bool,
    output_format: str,
    **options: Any,  # noqa: ANN401 - see `Chosen`
) -> None:
    """Tell who would have received what, had the journeys been then as they are now.

    The events that the store has kept, or a recording as `run --events` takes it, go through the journeys on virtual
    time, on the path that production takes; nothing is sent. All that happened goes through, so that everybody is where
    they would be; the messages from --since to --until are compared. The exit code is 3 where there are no events.

    \b
    journeyscript backtest --since 2026-06-01 --until 2026-06-30
    journeyscript backtest --against git:main --output-format markdown
    journeyscript backtest --events purchases.csv --mapping mapping.yaml --exit-code
    """
    from journeyscript.cli.showing.backtests import as_json, as_markdown, as_parts
    from journeyscript.cli.showing.summary import print_parts
    from journeyscript.stores.records import StoreError

    chosen = Chosen(**options)
    if chosen.mapping is not None and chosen.events is None:
        cannot("--mapping belongs to a recording", "name one with --events")
    project = load_sound_project(folder)
    try:
        with contextlib.ExitStack() as stack:
            report = _Backtest(project, store_path, chosen, stack).run()
    except StoreError as problem:
        cannot(str(problem))
    match output_format:
        case "json":
            click.echo(as_json(report))
        case "markdown":
            click.echo(as_markdown(report))
        case _:
            print_parts(as_parts(report))
    if exit_code and report.different:
        sys.exit(Exit.CHANGES)


class _Backtest:
    """What goes through the journeys, and the store there is to compare with."""

    def __init__(
        self,
        project: "Project",
        store_path: Path | None,
        chosen: Chosen,
        stack: contextlib.ExitStack,
    ) -> None:
        self._project, self._written, self._chosen, self._stack = project, store_path, chosen, stack
        self._opened: Store | None = None
        end, events = None if chosen.until is None else in_milliseconds(chosen.until), chosen.events
        self.past, self.until = self._from_store(end) if events is None else self._from_file(events, end)
        if not self.past.records:
            where = "the store" if events is None else f"`{events}`"
            click.echo(f"there are no events in {where} to go by", err=True)
            sys.exit(Exit.NOTHING)

    @property
    def store(self) -> "Store":
        """The store with what was sent; it is opened when it is asked for."""
        from journeyscript.cli.stores import open_latest, replay_store_path

        if self._opened is None:
            root = self._project.files.root
            # A recording is replayed into a store of its own.
            recorded = self._chosen.events is not None
            path = replay_store_path(root, self._written) if recorded else self._written
            self._opened, _ = open_latest(root, self._project.config, path)
            self._stack.callback(self._opened.close)
        return self._opened

    def run(self) -> "Report":
        """Return what is different."""
        from journeyscript.cli.running.replaying import progress_bar
        from journeyscript.cli.showing.backtests import Report
        from journeyscript.runtime.backtest.comparison import Period, compare
        from journeyscript.runtime.backtest.run import relive

        records, beginnings = self.past.records, self.past.beginnings
        chosen, against = self._chosen, self._chosen.against
        start = records[0].at if chosen.since is None else in_milliseconds(chosen.since)
        if start > self.until:
            cannot("--since is later than the end", "name an earlier day, or a later one as --until")
        other = None if against == "store" else self._other(against)
        with progress_bar(len(records) * (1 if other is None else 2), "backtesting") as told:
            now = relive(self._project, records, self.until, beginnings, told)
            before = self.store if other is None else relive(other, records, self.until, beginnings, told)
        zone = self._project.config.timezone
        compared = compare(before, now, Period(since=start, until=self.until, zone=zone), chosen.examples)
        return Report(
            against=against,
            since=start,
            until=self.until,
            zone=zone,
            events=len(records),
            customers=now.totals(self.until).customers,
            messages=compared.messages,
            test_customers=compared.test_customers,
        )

    def _other(self, against: str) -> "Project":
        """Return the project to compare with, whose files are there as long as the command runs."""
        from journeyscript.cli.revisions import REVISION, project_at, project_in

        if against.startswith(REVISION):
            return self._stack.enter_context(project_at(self._project.files.root, against.removeprefix(REVISION)))
        return project_in(Path(against), against)

    def _from_store(self, until: "Instant | None") -> "tuple[Past, Instant]":
        from journeyscript.runtime.backtest.past import past_of
        from journeyscript.runtime.session import requests_of

        if until is None:
            settings = self.store.settings()
            until = int(settings.get("now", 0)) or in_milliseconds(datetime.now(UTC))
        project = self._project
        return past_of(self.store, until, requests_of(project), project.config.max_event_age), until

    def _from_file(self, events: Path, until: "Instant | None") -> "tuple[Past, Instant]":
        from journeyscript.cli.running.replaying import load_mapping
        from journeyscript.runtime.backtest.past import Past
        from journeyscript.runtime.intake.recorded import UnreadableFileError, read_recorded
        from journeyscript.runtime.intake.records import Intake
        from journeyscript.runtime.session import requests_of
        from journeyscript.stores.records import Rejected

        intake = Intake(self._project.catalog, requests_of(self._project))
        mapping = self._chosen.mapping
        try:
            read = read_recorded(events, None if mapping is None else load_mapping(mapping), intake, 0)
        except UnreadableFileError as problem:
            cannot(str(problem))
        # What cannot be taken in moves nobody, now as little as before.
        records = tuple(one for one in read if not isinstance(one, Rejected))
        records = tuple(one for one in records if until is None or one.at <= until)
        return Past(records=records), until if until is not None else records[-1].at if records else 0
