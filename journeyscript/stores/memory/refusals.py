"""The refused entries of the memory store, by customer, each in the order in which they came.

Takes and gives `Refusal`s; those of two customers who become one stand in the order in which they came to either.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import count

from msgspec.structs import replace

from journeyscript.stores.counts import RefusalCount
from journeyscript.stores.records import Refusal


class Refusals:
    """All refusals of a store."""

    def __init__(self) -> None:
        self._arrivals = count()
        self._by_customer: dict[int, list[tuple[int, Refusal]]] = {}

    def keep(self, refusals: Iterable[Refusal]) -> None:
        """Keep new refusals."""
        for refusal in refusals:
            self._by_customer.setdefault(refusal.customer, []).append((next(self._arrivals), refusal))

    def move(self, leaves: int, stays: int) -> None:
        """Give those of one customer to another one."""
        moved = [(at, replace(one, customer=stays)) for at, one in self._by_customer.pop(leaves, ())]
        if moved:
            both = [*self._by_customer.get(stays, ()), *moved]
            self._by_customer[stays] = sorted(both, key=lambda placed: placed[0])

    def forget(self, customer: int) -> None:
        """Take away what was noted of a customer beside the reason."""
        if customer in self._by_customer:
            self._by_customer[customer] = [(at, replace(one, detail="")) for at, one in self._by_customer[customer]]

    def of(self, customer: int) -> tuple[Refusal, ...]:
        """Return those of a customer, oldest first."""
        return tuple(one for _, one in self._by_customer.get(customer, ()))

    def counts(self) -> list[RefusalCount]:
        """Return refusals of people counted by journey and reason."""
        everything = (one for several in self._by_customer.values() for _, one in several)
        counted = Counter((one.journey, one.reason) for one in everything if not one.test)
        return [
            RefusalCount(journey=journey, reason=reason, count=count)
            for (journey, reason), count in sorted(counted.items())
        ]
