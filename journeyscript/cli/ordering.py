"""An order from a command to whoever may change the store: done here, or left for the run that holds it."""

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from journeyscript.cli.shared import Exit, cannot, load_settings

if TYPE_CHECKING:
    from journeyscript.runtime.letterbox import Letterbox
    from journeyscript.runtime.orders import Answer, Order
    from journeyscript.stores.sqlite import SqliteStore

wait_option: Callable[[Any], Any] = click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="Seconds to wait until a run that is going on has done it.",
)


def give(folder: Path | None, written: Path | None, order: "Order", wait: float, *, compact: bool = False) -> None:
    """Have an order carried out on the store of live runs, or the one that is named; print what came of it.

    A run that is going on does it between two batches; without one it is done here. `compact` has the file written
    anew, where it is done here.
    """
    from journeyscript.cli.stores import live_store_path
    from journeyscript.runtime.letterbox import Letterbox
    from journeyscript.stores.records import StoreError
    from journeyscript.stores.sqlite import open_sqlite
    from journeyscript.stores.sqlite.connection import LockedError

    path = live_store_path(*load_settings(folder), written)
    if not path.exists():
        cannot(f"there is no store at `{path}`", "`journeyscript run` makes one")
    letterbox = Letterbox(path)
    try:
        with contextlib.closing(open_sqlite(path)) as store:
            answer = _carried_out(store, letterbox, order, compact=compact)
    except LockedError as problem:
        answer = _left(path, letterbox, order, wait, str(problem).partition("; ")[0])
    except StoreError as problem:
        cannot(str(problem))
    _tell(answer)


def _carried_out(store: "SqliteStore", letterbox: "Letterbox", order: "Order", *, compact: bool) -> "Answer":
    from journeyscript.cli.writing import moment_of
    from journeyscript.runtime.orders import Pause, Resume, Stop, carry_out

    now = moment_of(store)
    if store.settings().get("clock") == "virtual" and isinstance(order, Pause | Resume | Stop):
        cannot("a replay goes by its recording, and takes no orders for journeys", "name the store of live runs")
    letterbox.work(store, now)  # what was left while somebody else had the store comes first
    answer = carry_out(store, order, now)
    if compact and answer.kind == "done":
        store.compact()
    return answer


def _left(path: Path, letterbox: "Letterbox", order: "Order", wait: float, why: str) -> "Answer":
    """Leave an order for whoever holds the store; return what they made of it, or end the command."""
    try:
        name = letterbox.drop(order)
        answer = letterbox.wait(name, wait) or _taken_back(path, letterbox, name)
    except OSError as problem:
        cannot(f"{why}, and the order cannot be left in `{letterbox.folder}`: {problem.strerror}")
    if answer is None:
        click.echo(
            f"{why}, and has not done it within {wait:g} seconds; the order waits, and is carried out by that process, "
            "the next run, or before the next order",
            err=True,
        )
        sys.exit(Exit.NO)
    return answer


def _taken_back(path: Path, letterbox: "Letterbox", name: str) -> "Answer | None":
    """Return what comes of an order that is carried out here after all; `None` where the store is still held."""
    from journeyscript.cli.writing import moment_of
    from journeyscript.stores.sqlite import open_sqlite
    from journeyscript.stores.sqlite.connection import LockedError

    try:
        with contextlib.closing(open_sqlite(path)) as store:
            letterbox.work(store, moment_of(store))
    except LockedError:
        return None
    return letterbox.wait(name, 0)


def _tell(answer: "Answer") -> None:
    match answer.kind:
        case "done":
            click.echo(answer.said)
        case "nothing":
            click.echo(answer.said, err=True)
            sys.exit(Exit.NOTHING)
        case "refused":
            cannot(answer.said, answer.help)
