"""`journeyscript status`: where everybody stands, once or as long as somebody looks."""

import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyscript.cli.shared import (
    CONTEXT,
    cannot,
    format_option,
    load_settings,
    project_option,
    store_option,
)
from journeyscript.cli.showing.terminal import console

if TYPE_CHECKING:
    from journeyscript.cli.showing.summary import Part
    from journeyscript.runtime.reporting.report import Ordered, Report
    from journeyscript.stores.records import Store


@click.command("status", context_settings=CONTEXT)
@project_option
@store_option
@click.option("--watch", is_flag=True, help="Look again and again, until Ctrl-C.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    default=2.0,
    show_default=True,
    help="Seconds between looks, for --watch.",
)
@format_option("text", "json")
def status_command(folder: Path | None, store_path: Path | None, watch: bool, every: float, output_format: str) -> None:
    """Count who entered each journey, where they stand, what was sent, and what was not and why.

    Asks the store that was written to last: the one of live runs, or that of a replay. It may be asked while a run is
    going on. With --watch in a terminal the tables stay in place; elsewhere what has changed is printed anew, as JSON
    one document a line.

    \b
    journeyscript status
    journeyscript status --watch
    journeyscript status --output-format json
    """
    from journeyscript.cli.stores import open_latest, shown_path
    from journeyscript.stores.records import StoreError

    store, path = open_latest(*load_settings(folder), store_path)
    try:
        with contextlib.closing(store):
            if watch:
                _watch(store, shown_path(path), every, output_format)
            else:
                found, parts = _look(store, shown_path(path))
                _print(found, parts, output_format, indent=2)
    except StoreError as problem:
        cannot(str(problem))


def _look(store: "Store", path: str) -> "tuple[Report, list[Part]]":
    """Return the counts of a store at this moment, and what is said of them."""
    from journeyscript.cli.showing.summary import parts_of
    from journeyscript.runtime.live import wall_clock
    from journeyscript.runtime.reporting.report import report

    settings = store.settings()
    virtual = settings.get("clock") == "virtual"
    found = report(store, int(settings.get("now", "0")) if virtual else wall_clock())
    rejected = store.rejected(1)
    totals, outbox = found.totals, found.outbox
    kind = "a replay" if virtual else "live runs"
    said = [f"{path}, the store of {kind}: {totals.customers:,} customers, {totals.events:,} events"]
    if totals.overdue:
        said.append(f"{totals.overdue:,} timers are overdue" + ("" if virtual else "; is a run going on?"))
    if outbox.pending or outbox.sending:
        said.append(f"the outbox: {outbox.pending:,} messages wait, {outbox.sending:,} are being sent")
    said += map(_in_words, found.ordered)
    if totals.rejected and rejected:
        said.append(f"{totals.rejected:,} records could not be taken in; the last one: {rejected[0].reason}")
    return found, ["\n".join(said), "", *parts_of(found)]


def _in_words(ordered: "Ordered") -> str:
    from journeyscript.engine.calendar import local_text

    if ordered.paused_at is not None:
        since, help_text = ordered.paused_at, f"`journeyscript resume {ordered.journey} --overdue …` lets it go on"
        return f"`{ordered.journey}` is paused since {local_text(since, 'UTC')}; {help_text}"
    since = ordered.stopped_at or 0
    return f"`{ordered.journey}` lets nobody in since {local_text(since, 'UTC')}; `journeyscript resume` opens it"


def _print(found: "Report", parts: "list[Part]", output_format: str, *, indent: int) -> None:
    import msgspec

    from journeyscript.cli.showing.summary import print_parts

    if output_format == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=indent))
    else:
        print_parts(parts)


def _watch(store: "Store", path: str, every: float, output_format: str) -> None:
    """Show the counts again and again; what has not changed is not printed twice."""
    # A shell that starts a command in the background has it ignore the interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        if console().is_terminal and output_format == "text":
            _stay(lambda: _look(store, path)[1], every)
        last: Report | None = None
        while True:
            found, parts = _look(store, path)
            if found != last:
                _print(found, parts, output_format, indent=-1)
            last = found
            time.sleep(every)


def _stay(look: "Callable[[], list[Part]]", every: float) -> None:
    """Keep the tables in their place on a terminal."""
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    def drawn() -> Group:
        return Group(*(Text(part) if isinstance(part, str) else part for part in look()))

    with Live(drawn(), console=console(), auto_refresh=False) as live:
        while True:
            time.sleep(every)
            live.update(drawn(), refresh=True)
