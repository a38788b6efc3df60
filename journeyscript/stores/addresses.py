"""Addresses that must not be written to, kept in a form that nobody can read; the same for every store.

Takes an address as somebody wrote it; gives a number that stands for all ways of writing it. Keeps no list itself.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import TypeAlias

from journeyscript.stores.records import Customer

Digest: TypeAlias = int
"""What stands for an address: 64 bits of a BLAKE2b, as SQLite keeps integers."""

_NUMBER = re.compile(r"\+[\d ()./-]+")
_BETWEEN_DIGITS = re.compile(r"[ ()./-]")


def normalised(address: str) -> str:
    """Return an address as it counts: e-mail in lower case, an international number without what divides its digits."""
    bare = address.strip()
    if "@" in bare:
        return bare.lower()
    return _BETWEEN_DIGITS.sub("", bare) if _NUMBER.fullmatch(bare) else bare


def digest_of(address: str) -> Digest:
    """Return what stands for an address."""
    text = normalised(address).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), signed=True)


def by_digest(addresses: Iterable[str]) -> dict[Digest, list[str]]:
    """Return addresses by what stands for them."""
    found: dict[Digest, list[str]] = {}
    for address in addresses:
        found.setdefault(digest_of(address), []).append(address)
    return found


def possible_addresses(customer: Customer) -> set[str]:
    """Return all that may be an address of a customer: their name, and every text among their attributes."""
    texts = (customer.external_id, *customer.attributes.values())
    return {text.strip() for text in texts if isinstance(text, str) and text.strip()}
