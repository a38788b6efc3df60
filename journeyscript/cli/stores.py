"""Which store a command means, and what stands beside it."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from journeyscript.cli.shared import cannot, open_store

if TYPE_CHECKING:
    from journeyscript.stores.records import Store
    from journeyscript.syntax.config import ProjectConfig

REPLAY_STORE = ".journeyscript/replay.db"
"""Where a replay keeps its store, below the project: apart from the live one, whose clock is the wall's."""


def live_store_path(root: Path, config: "ProjectConfig", written: Path | None) -> Path:
    """Return the store of live runs."""
    return written if written is not None else root / config.store


def replay_store_path(root: Path, written: Path | None) -> Path:
    """Return the store of a replay."""
    return written if written is not None else root / REPLAY_STORE


def messages_folder(store: Path) -> Path:
    """Return where a rehearsal beside a store keeps its messages."""
    return store.with_suffix(".messages")


def store_files(path: Path) -> list[Path]:
    """Return the files that make up a SQLite store."""
    return [path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm", ".lock"))]


def open_latest(root: Path, config: "ProjectConfig", written: Path | None) -> tuple["Store", Path]:
    """Return the store to be asked, for reading: the one that is named, else the one that was written to last."""
    candidates = (
        [written] if written is not None else [live_store_path(root, config, None), replay_store_path(root, None)]
    )
    there = [path for path in candidates if path.exists()]
    if not there:
        where = " or ".join(f"`{path}`" for path in candidates)
        cannot(f"there is no store at {where}", "`journeyscript run` makes one")
    latest = max(there, key=lambda path: max(map(_written_at, store_files(path))))
    return open_store(latest, read_only=True), latest


def _written_at(file: Path) -> float:
    """Return when a file was written to, 0 where it is not there: a run that ends takes away what lies by its store."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def shown_program() -> str:
    """Return how the command can be called again from here: by its name where the shell finds it, else by its path."""
    found, called = shutil.which("journeyscript"), Path(sys.argv[0])
    if called.name != "journeyscript" or (found is not None and Path(found).resolve() == called.resolve()):
        return "journeyscript"
    return shown_path(called)


def shown_path(path: Path) -> str:
    """Return the path as short as it can be written from here."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)
