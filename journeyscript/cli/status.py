"""`journeyscript status`: where everybody stands."""

import contextlib
from pathlib import Path

import click

from journeyscript.cli.shared import CONTEXT, cannot, format_option, load_settings, project_option, store_option


@click.command("status", context_settings=CONTEXT)
@project_option
@store_option
@format_option("text", "json")
def status_command(folder: Path | None, store_path: Path | None, output_format: str) -> None:
    """Count who entered each journey, where they stand, what was sent, and what was not and why.

    Asks the store that was written to last: the one of live runs, or that of a replay. It may be asked while a run is
    going on.

    \b
    journeyscript status
    journeyscript status --output-format json
    """
    import msgspec

    from journeyscript.cli.stores import open_latest, shown_path
    from journeyscript.cli.summary import print_report
    from journeyscript.runtime.live import wall_clock
    from journeyscript.runtime.report import report
    from journeyscript.stores.records import StoreError

    store, path = open_latest(*load_settings(folder), store_path)
    try:
        with contextlib.closing(store):
            settings = store.settings()
            virtual = settings.get("clock") == "virtual"
            found = report(store, int(settings.get("now", "0")) if virtual else wall_clock())
            rejected = store.rejected(1)
    except StoreError as problem:
        cannot(str(problem))
    if output_format == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
        return
    totals = found.totals
    kind = "a replay" if virtual else "live runs"
    click.echo(f"{shown_path(path)}, the store of {kind}: {totals.customers:,} customers, {totals.events:,} events")
    if totals.overdue:
        click.echo(f"{totals.overdue:,} timers are overdue" + ("" if virtual else "; is a run going on?"))
    if totals.rejected:
        click.echo(f"{totals.rejected:,} records could not be taken in; the last one: {rejected[0].reason}")
    click.echo()
    print_report(found)
