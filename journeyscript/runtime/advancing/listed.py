"""Which addresses of a batch are on the store's list of those that must not be written to.

Asks the store once for all that a batch begins with, and again only for an address that comes up on the way: with a
record, or in a decision that writes one and then to it. Knows which attributes of a customer channels write to.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from msgspec.structs import replace

from journeyscript.engine.values import ChannelPolicy, Facts, Outcome, SendMessage
from journeyscript.runtime.intake.records import Incoming
from journeyscript.semantics.types import Value
from journeyscript.stores.records import Customer, Rejected, Store


def listed(
    store: Store,
    channels: Mapping[str, ChannelPolicy],
    customers: Iterable[Customer],
    incoming: Iterable[Incoming | Rejected] = (),
) -> "Listed | None":
    """Return what is known of the addresses of these customers, and of those that records bring; `None`: no list."""
    if not store.suppresses():
        return None
    found = Listed(store, channels)
    pairs = [(one.external_id, one.attributes) for one in customers]
    pairs += [(one.customer, one.attributes) for one in incoming if isinstance(one, Incoming)]
    found.look_up(address for pair in pairs for address in found.addresses(*pair))
    return found


Deciding: TypeAlias = Callable[[Facts], Outcome]
"""What the engine makes of a customer as they are: the same of the same facts, however often it is asked."""


def decided(deciding: Deciding, facts: Facts, listed: "Listed | None") -> Outcome:
    """Return what is decided of a customer, no address on the list being written to.

    Which addresses are written on the way, and then written to, is known only once it is decided. Where one of them is
    on the list, it is decided anew with that known: asking is no part of the engine.
    """
    outcome = deciding(facts)
    while listed is not None and (closed := listed.among(outcome)):
        facts = replace(facts, suppressed=facts.suppressed | closed)
        outcome = deciding(facts)
    return outcome


class Listed:
    """The answers of a store, for one batch: nothing changes the list meanwhile."""

    def __init__(self, store: Store, channels: Mapping[str, ChannelPolicy]) -> None:
        """Ask a store, about what these channels write to."""
        self._store = store
        self._where = sorted({policy.address for policy in channels.values() if policy.address is not None})
        self._known: dict[str, bool] = {}

    def addresses(self, external_id: str, attributes: Mapping[str, Value]) -> Iterator[str]:
        """Yield a customer's addresses, as a channel would write them."""
        for name in self._where:
            value = external_id if name == "id" else attributes.get(name)
            if isinstance(value, str):
                yield value.strip()

    def look_up(self, addresses: Iterable[str]) -> None:
        """Ask the store, once for all of them."""
        wanted = {address for address in addresses if address not in self._known}
        if wanted:
            found = self._store.suppressed(wanted)
            self._known |= {address: address in found for address in wanted}

    def of(self, external_id: str, attributes: Mapping[str, Value]) -> frozenset[str]:
        """Return which of a customer's addresses must not be written to."""
        return self._closed(frozenset(self.addresses(external_id, attributes)))

    def among(self, outcome: Outcome) -> frozenset[str]:
        """Return the addresses on the list that an outcome would write to."""
        sends = (one for one in outcome.effects if isinstance(one, SendMessage))
        return self._closed(frozenset(one.address for one in sends if one.address))

    def _closed(self, addresses: frozenset[str]) -> frozenset[str]:
        self.look_up(addresses)
        return frozenset(address for address in addresses if self._known[address])
