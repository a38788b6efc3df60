"""`journeyscript doctor`: is the store sound, and is everything on time?"""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyscript.cli.shared import CONTEXT, Exit, cannot, format_option, load_settings, project_option, store_option

if TYPE_CHECKING:
    from journeyscript.runtime.reporting.doctor import Finding


@click.command("doctor", context_settings=CONTEXT)
@project_option
@store_option
@click.option("--quick", is_flag=True, help="Leave the file's indexes unread: for a store of many gigabytes.")
@format_option("text", "json")
def doctor_command(folder: Path | None, store_path: Path | None, quick: bool, output_format: str) -> None:
    """Check a store: is it whole, does everybody who entered stand somewhere, is anything late or stuck?

    Only reads, and may be asked while a run is going on. Exits with 1 where there is a problem; a note is only worth
    knowing.

    \b
    journeyscript doctor
    journeyscript doctor --store backup.db --output-format json
    """
    import msgspec

    from journeyscript.cli.stores import live_store_path, shown_path

    root, config = load_settings(folder)
    path = live_store_path(root, config, store_path)
    if not path.exists():
        cannot(f"there is no store at `{path}`", "`journeyscript run` makes one")
    found = _examine(path, quick=quick)
    problems = sum(one.weight == "problem" for one in found)
    if output_format == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        for one in found:
            click.echo(f"{one.weight}[{one.about}]: {one.message}\n  help: {one.help}")
        told = f"{problems} problem{'s' if problems != 1 else ''} found" if problems else "nothing is wrong"
        click.echo(f"{shown_path(path)}: {told}")
    if problems:
        sys.exit(Exit.NO)


def _examine(path: Path, *, quick: bool) -> "list[Finding]":
    from journeyscript.runtime.live import wall_clock
    from journeyscript.runtime.reporting.doctor import Finding, findings
    from journeyscript.stores.records import StoreError
    from journeyscript.stores.sqlite import open_sqlite

    now = wall_clock()
    try:
        with contextlib.closing(open_sqlite(path, read_only=True)) as store:
            virtual = store.settings().get("clock") == "virtual"
            inspection = store.inspect(now, quick=quick)
            deployments, current = store.deployments()
            return findings(inspection, deployments, current, store.controls(), now, virtual=virtual)
    except StoreError as problem:
        # A store that cannot be used is no failure to answer: it is the answer.
        message, _, help_text = str(problem).partition("; ")
        return [Finding(weight="problem", about="store", message=message, help=help_text or "look at the file")]
