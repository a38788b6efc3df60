"""An order from a command to whoever may change the store: done here, or left for the run that holds it."""

import contextlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from journeyscript.cli.shared import Exit, cannot, load_settings

if TYPE_CHECKING:
    from journeyscript.runtime.advancing.rules import Rules
    from journeyscript.runtime.operating.letterbox import Letterbox
    from journeyscript.runtime.operating.orders import Answer, Order
    from journeyscript.stores.sqlite import SqliteStore

    MakeRules = Callable[[SqliteStore], Rules]

wait_option: Callable[[Any], Any] = click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="Seconds to wait until a run that is going on has done it.",
)


def give(
    folder: Path | None,
    written: Path | None,
    order: "Order",
    wait: float,
    *,
    compact: bool = False,
    rules: "MakeRules | None" = None,
) -> None:
    """Have an order carried out on the store of live runs, or the one that is named; print what came of it.

    A run that is going on does it between two batches; without one it is done here. `compact` has the file written
    anew, where it is done here; `rules` makes those of a store, for an order that goes by them.
    """
    (answer,) = give_all(folder, written, [order], wait, compact=compact, rules=rules)
    _tell(answer)


def give_all(
    folder: Path | None,
    written: Path | None,
    orders: "Iterable[Order]",
    wait: float,
    *,
    compact: bool = False,
    rules: "MakeRules | None" = None,
    make: bool = False,
) -> "list[Answer]":
    """Have orders carried out as by `give`, one after the other; return what came of each.

    `make` has a store made where there is none.
    """
    from journeyscript.cli.stores import live_store_path
    from journeyscript.runtime.operating.letterbox import Letterbox
    from journeyscript.stores.records import StoreError
    from journeyscript.stores.sqlite import open_sqlite
    from journeyscript.stores.sqlite.connection import LockedError

    path = live_store_path(*load_settings(folder), written)
    if not make and not path.exists():
        cannot(f"there is no store at `{path}`", "`journeyscript run` makes one")
    letterbox = Letterbox(path)
    try:
        with contextlib.closing(open_sqlite(path)) as store:
            return [_carried_out(store, letterbox, order, compact=compact, rules=rules) for order in orders]
    except LockedError as problem:
        return _left(path, letterbox, orders, wait, str(problem).partition("; ")[0], rules)
    except StoreError as problem:
        cannot(str(problem))


def _carried_out(
    store: "SqliteStore", letterbox: "Letterbox", order: "Order", *, compact: bool, rules: "MakeRules | None"
) -> "Answer":
    from journeyscript.cli.writing import moment_of
    from journeyscript.runtime.operating.orders import Pause, Resume, Stop, carry_out
    from journeyscript.runtime.operating.requests import Enter

    now = moment_of(store)
    if store.settings().get("clock") == "virtual" and isinstance(order, Pause | Resume | Stop | Enter):
        cannot("a replay goes by its recording, and takes no orders for journeys", "name the store of live runs")
    known = None if rules is None else rules(store)
    letterbox.work(store, now, known)  # what was left while somebody else had the store comes first
    answer = carry_out(store, order, now, known)
    if compact and answer.kind == "done":
        store.compact()
    return answer


def _left(
    path: Path,
    letterbox: "Letterbox",
    orders: "Iterable[Order]",
    wait: float,
    why: str,
    rules: "MakeRules | None",
) -> "list[Answer]":
    """Leave orders for whoever holds the store; return what they made of each, or end the command."""
    answers: list[Answer] = []
    try:
        for name in [letterbox.drop(order) for order in orders]:
            answer = letterbox.wait(name, wait) or _taken_back(path, letterbox, name, rules)
            if answer is None:
                break
            answers.append(answer)
        else:
            return answers
    except OSError as problem:
        cannot(f"{why}, and the order cannot be left in `{letterbox.folder}`: {problem.strerror}")
    click.echo(
        f"{why}, and has not done it within {wait:g} seconds; the order waits, and is carried out by that process, "
        "the next run, or before the next order",
        err=True,
    )
    sys.exit(Exit.NO)


def _taken_back(path: Path, letterbox: "Letterbox", name: str, rules: "MakeRules | None") -> "Answer | None":
    """Return what comes of an order that is carried out here after all; `None` where the store is still held."""
    from journeyscript.cli.writing import moment_of
    from journeyscript.stores.sqlite import open_sqlite
    from journeyscript.stores.sqlite.connection import LockedError

    try:
        with contextlib.closing(open_sqlite(path)) as store:
            letterbox.work(store, moment_of(store), None if rules is None else rules(store))
    except LockedError:
        return None
    return letterbox.wait(name, 0)


def _tell(answer: "Answer") -> None:
    match answer.kind:
        case "done":
            click.echo(answer.said)
        case "no" | "nothing":
            click.echo(answer.said, err=True)
            sys.exit(Exit.NO if answer.kind == "no" else Exit.NOTHING)
        case "refused":
            cannot(answer.said, answer.help)
