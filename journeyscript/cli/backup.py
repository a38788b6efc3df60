"""`journeyscript backup`: a copy of the store, while it is in use."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from journeyscript.cli.shared import CONTEXT, cannot, load_settings, project_option, store_option
from journeyscript.cli.showing.terminal import share_bar


@click.command("backup", context_settings=CONTEXT)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@project_option
@store_option
def backup_command(file: Path, folder: Path | None, store_path: Path | None) -> None:
    """Write a copy of the store to FILE, as of one moment.

    A run may be going on; it is not held up. FILE gets its name when it is whole, so there is never half a backup under
    it. To restore one, stop the run and put the file in the store's place.

    \b
    journeyscript backup backup.db
    journeyscript doctor --store backup.db
    """
    from journeyscript.cli.stores import live_store_path, shown_path
    from journeyscript.stores.records import StoreError
    from journeyscript.stores.sqlite import open_sqlite

    root, config = load_settings(folder)
    path = live_store_path(root, config, store_path)
    try:
        with contextlib.closing(open_sqlite(path, read_only=True)) as store, _orderly(), share_bar("copying") as told:
            store.backup(file, lambda left, total: told(total - left, total))
    except StoreError as problem:
        cannot(str(problem))
    click.echo(f"{shown_path(path)} is copied to {shown_path(file)}, {file.stat().st_size:,} bytes")


@contextlib.contextmanager
def _orderly() -> Iterator[None]:
    """Let SIGTERM end the command like Ctrl-C: what was begun is taken away."""
    previous = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
