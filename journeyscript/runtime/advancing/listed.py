"""Which addresses of a batch are on the store's list of those that must not be written to.

Asks the store once for all that a batch begins with, and again only for an address that comes up on the way. Knows
which attributes of a customer channels write to.
"""

from collections.abc import Iterable, Iterator, Mapping

from journeyscript.engine.values import ChannelPolicy
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
        own = frozenset(self.addresses(external_id, attributes))
        self.look_up(own)
        return frozenset(address for address in own if self._known[address])
