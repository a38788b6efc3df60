"""`journeyscript suppressions`: the addresses that must not be written to, whoever has them."""

import contextlib
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from journeyscript.cli.ordering import give_all, wait_option
from journeyscript.cli.shared import CONTEXT, Exit, cannot, format_option, load_settings, project_option, store_option
from journeyscript.cli.showing.terminal import share_bar

if TYPE_CHECKING:
    from journeyscript.cli.address_lists import BadLine
    from journeyscript.stores.sqlite import SqliteStore

AT_ONCE = 10_000
"""Addresses in one order, and one transaction: a run that is going on does it between two batches."""


@click.group("suppressions", context_settings=CONTEXT)
def suppressions_command() -> None:
    """Keep the list of addresses that must not be written to.

    Complaints, opt-outs, do-not-call: the list holds for every journey, every channel and every customer who has such
    an address now or later. An address that refuses a message for good comes onto it by itself. Upper and lower case of
    an e-mail address are the same, and so are the ways of dividing the digits of a number that begins with +. The store
    keeps digests only: nobody can read the addresses there, and erasing a customer leaves them.

    \b
    journeyscript suppressions add --file never.csv
    journeyscript suppressions check ada@example.com
    """


def _addresses(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        store_option,
        project_option,
        wait_option,
        click.option(
            "--file",
            "file",
            type=click.File("rb"),
            help="One address a line, or the first column of a CSV, in UTF-8; `-` reads standard input.",
        ),
        click.argument("addresses", nargs=-1, metavar="[ADDRESS]..."),
    ):
        command = option(command)
    return command


@suppressions_command.command("add", context_settings=CONTEXT)
@_addresses
def add_command(
    addresses: tuple[str, ...], file: IO[bytes] | None, wait: float, folder: Path | None, store_path: Path | None
) -> None:
    """Put each ADDRESS, and those of a file, on the list; messages that wait for them are not sent.

    A store that is not there yet is made, so that the list can be there before the first customer. Lines that hold no
    address are told by number, all others are put on the list, and the command exits with 1; it may be repeated. A
    heading does no harm. A run that is going on does it between two batches.

    \b
    journeyscript suppressions add ada@example.com '+49 151 2345'
    journeyscript suppressions add --file never.csv
    """
    from journeyscript.runtime.operating.orders import Suppress, addresses_in_words

    batches = _Batches(addresses, file)
    orders = (Suppress(digests=one) for one in batches)
    done = sum(answer.count for answer in give_all(folder, store_path, orders, wait, make=True))
    there = batches.asked - done
    _tell(batches, f"put on the list: {addresses_in_words(done)}" + (f"; on it already: {there:,}" if there else ""))


@suppressions_command.command("remove", context_settings=CONTEXT)
@_addresses
def remove_command(
    addresses: tuple[str, ...], file: IO[bytes] | None, wait: float, folder: Path | None, store_path: Path | None
) -> None:
    """Take each ADDRESS, and those of a file, off the list; also one that came onto it by refusing a message.

    Messages that were skipped meanwhile stay skipped. Exits with 3 where none of them is on the list.

    \b
    journeyscript suppressions remove ada@example.com
    """
    from journeyscript.runtime.operating.orders import Unsuppress, addresses_in_words

    batches = _Batches(addresses, file)
    orders = (Unsuppress(digests=one) for one in batches)
    done = sum(answer.count for answer in give_all(folder, store_path, orders, wait))
    absent = batches.asked - done
    said = f"taken off the list: {addresses_in_words(done)}" + (f"; not on it: {absent:,}" if absent else "")
    _tell(batches, said, nothing=not done)


@suppressions_command.command("check", context_settings=CONTEXT)
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@project_option
@store_option
def check_command(addresses: tuple[str, ...], folder: Path | None, store_path: Path | None) -> None:
    """Say of each ADDRESS whether it is on the list; exits with 1 where one is not.

    \b
    journeyscript suppressions check ada@example.com
    """
    with _live_store(folder, store_path) as store:
        listed = store.suppressed(addresses)
    for address in addresses:
        click.echo(f"`{address}` is {'' if address in listed else 'not '}on the list")
    if not listed.issuperset(addresses):
        sys.exit(Exit.NO)


@suppressions_command.command("count", context_settings=CONTEXT)
@project_option
@store_option
@format_option("text", "json")
def count_command(folder: Path | None, store_path: Path | None, output_format: str) -> None:
    """Say how many addresses are on the list.

    \b
    journeyscript suppressions count
    """
    from journeyscript.runtime.operating.orders import addresses_in_words

    with _live_store(folder, store_path) as store:
        count = store.suppressions()
    click.echo(f'{{"addresses": {count}}}' if output_format == "json" else f"{addresses_in_words(count)} on the list")


def _live_store(folder: Path | None, written: Path | None) -> "contextlib.AbstractContextManager[SqliteStore]":
    """Open the store that orders go to for reading, also where a replay was written to last."""
    from journeyscript.cli.stores import live_store_path
    from journeyscript.cli.writing import asking

    return asking(folder, live_store_path(*load_settings(folder), written))


class _Batches:
    """What stands for the addresses of a command, so many at once; an address that comes twice stands for one.

    `asked` is how many there were so far, `bad` the lines that hold none.
    """

    def __init__(self, addresses: tuple[str, ...], file: IO[bytes] | None) -> None:
        from journeyscript.cli.address_lists import problem_of

        for address in addresses:
            if why := problem_of(address.strip()):
                cannot(f"`{address}` is no address: {why}")
        if not addresses and file is None:
            cannot("say which addresses", "name them, or a file with --file")
        self._addresses, self._file = addresses, file
        self.asked = 0
        self.bad: list[BadLine] = []

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        from journeyscript.cli.address_lists import addresses_in
        from journeyscript.stores.addresses import digest_of

        with _read(self._file) as lines:
            found = itertools.chain(self._addresses, self._good(addresses_in(lines)))
            while batch := list(itertools.islice(found, AT_ONCE)):
                digests = tuple({digest_of(address) for address in batch})
                self.asked += len(digests)
                yield digests

    def _good(self, found: "Iterable[str | BadLine]") -> Iterator[str]:
        for one in found:
            if isinstance(one, str):
                yield one
            else:
                self.bad.append(one)


@contextlib.contextmanager
def _read(file: IO[bytes] | None) -> Iterator[Iterable[bytes]]:
    """Give the lines of a file, and show how far it is read where somebody is looking."""
    if file is None:
        yield ()
        return
    size = os.fstat(file.fileno()).st_size or None
    with share_bar("reading") as told:

        def lines(whole: IO[bytes]) -> Iterator[bytes]:
            done = 0
            while some := whole.readlines(1 << 16):
                yield from some
                done += sum(map(len, some))
                told(done, size)

        yield lines(file)


def _tell(batches: _Batches, said: str, *, nothing: bool = False) -> None:
    """Say what came of all orders, and which lines were bad."""
    for line in batches.bad:
        click.echo(f"line {line.number:,}: {line.why}", err=True)
    if not batches.asked:
        click.echo("there is no address in it", err=True)
    else:
        click.echo(said, err=nothing)
    if batches.bad:
        sys.exit(Exit.NO)
    if nothing or not batches.asked:
        sys.exit(Exit.NOTHING)
