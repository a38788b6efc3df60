"""Lists of addresses that people bring along: one address a line, or the first column of a CSV.

Takes the lines of a file; gives addresses, and for each line that holds none its number and why. Keeps no line.
"""

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

_FIRST_COLUMN = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^",;\t]*))\s*(?:[,;\t].*)?', re.DOTALL)
_E_MAIL = re.compile(r"[^\s@<>(),:;]+@[^\s@<>(),:;]+")


class BadLine(Struct, frozen=True, kw_only=True):
    """A line that holds no address; `number` counts from 1."""

    number: int
    why: str


def addresses_in(lines: Iterable[bytes]) -> Iterator[str | BadLine]:
    """Yield the address of each line, or that there is none; blank lines are passed over."""
    for number, raw in enumerate(lines, start=1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError:
            yield BadLine(number=number, why="it is not in UTF-8")
            continue
        if line:
            address = _first_column(line)
            why = "its quotes do not close" if address is None else problem_of(address)
            yield BadLine(number=number, why=why) if address is None or why else address


def _first_column(line: str) -> str | None:
    found = _FIRST_COLUMN.fullmatch(line)
    if found is None:
        return None
    quoted, bare = found.groups()
    return (bare if quoted is None else quoted.replace('""', '"')).strip()


def problem_of(address: str) -> str:
    """Return why a text cannot be one address; empty where it can."""
    if not address:
        return "there is no address in its first column"
    if not address.isprintable():
        return "it holds a character that no address has"
    if "@" in address and "://" not in address and not _E_MAIL.fullmatch(address):
        return "it is not one bare e-mail address"
    return ""
