"""Which changes of a profile were taken in last: their ids, kept with the customer, so that none of them counts twice.

Takes a source and its own id of a record; gives a number that stands for both. Only so many are remembered of one
customer: a source tells again what it told just now.
"""

import hashlib
from itertools import zip_longest
from typing import TypeAlias

Taken: TypeAlias = tuple[int, ...]
"""What stands for the latest changes, the newest last: 64 bits of a BLAKE2b each, as SQLite keeps integers."""

REMEMBERED = 16
"""How many changes of one customer are remembered."""


def and_also(taken: Taken, source: str, source_id: str) -> Taken | None:
    """Return what is remembered once one more change was taken in, or `None` where that one was before."""
    text = f"{source}\0{source_id}".encode("utf-8", "surrogatepass")
    change = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), signed=True)
    return None if change in taken else (*taken, change)[-REMEMBERED:]


def of_both(stays: Taken, leaves: Taken) -> Taken:
    """Return what is remembered of two customers who are one: the latest of each, as nobody knows which was first."""
    pairs = zip_longest(reversed(stays), reversed(leaves))
    newest = dict.fromkeys(change for pair in pairs for change in pair if change is not None)
    return tuple(reversed([*newest][:REMEMBERED]))
