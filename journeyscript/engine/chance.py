"""Chance without randomness: a hash of stable names gives the same number today, after a restart, and on any store.

Whole numbers only, so that every machine comes to the same answer to the last bit.
"""

from collections.abc import Iterable
from hashlib import blake2b
from math import gcd

_BITS = 64


def draw(below: int, *names: str) -> int:
    """Return a whole number from 0 up to `below`, evenly spread over different names and fixed for equal ones."""
    return _hash(*names) % below


def draw_arm(arms: Iterable[tuple[str, int]], experiment: str, *names: str) -> str | None:
    """Return one of the arms, each as often as its weight says, in whatever order they come; `None`: none has any.

    Weighted rendezvous hashing: every arm has a number u of its own in (0, 1] for these names, and the greatest
    u^(1/weight) wins. So nobody changes between two arms whose weights stay as they are to each other. Of two such
    powers the greater one is told by raising both until their exponents are whole numbers.
    """
    chosen, highest, heaviest = None, 0, 0
    for arm, weight in arms:
        if not weight:
            continue
        drawn = _hash(experiment, *names, arm) + 1
        if chosen is None or _is_ahead(arm, drawn, weight, chosen, highest, heaviest):
            chosen, highest, heaviest = arm, drawn, weight
    return chosen


def _is_ahead(arm: str, drawn: int, weight: int, other: str, other_drawn: int, other_weight: int) -> bool:
    common = gcd(weight, other_weight)
    mine, its = other_weight // common, weight // common
    return (drawn**mine << _BITS * its, arm) > (other_drawn**its << _BITS * mine, other)


def _hash(*names: str) -> int:
    return int.from_bytes(blake2b("\x1f".join(names).encode(), digest_size=_BITS // 8).digest(), "big")
