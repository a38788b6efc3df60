"""Customer numbers, given in order of arrival; the same for every store.

A newcomer gets the next number when first loaded, and the same one whenever loaded again before being kept. Knows
customers by external id only while they wait to be kept.
"""

from collections.abc import Iterable

from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, Changes, Customer


class Numbers:
    """Gives numbers to newcomers and knows which of them are still to be kept."""

    def __init__(self, last: int) -> None:
        """Go on behind the last number that is kept."""
        self._next = last + 1
        self._waiting: dict[str, int] = {}

    def newcomer(self, external_id: str) -> Customer:
        """Return a customer nobody has heard of before."""
        number = self._waiting.get(external_id)
        if number is None:
            number = self._waiting[external_id] = self._next
            self._next += 1
        return Customer(
            number=number,
            external_id=external_id,
            new=True,
            attributes={},
            consent={},
            suppressed=frozenset(),
            enrollments=[],
            last_entries={},
            next_enrollment=0,
            history={},
        )

    def check(self, changes: Changes) -> None:
        """Make sure that all changes are about customers that are kept, now or before.

        Raises:
            ValueError: they are not.
        """
        spoken_of = {kept.customer for kept in changes.events}
        spoken_of.update(one.id // ENROLLMENTS_PER_CUSTOMER for one in changes.enrollments)
        spoken_of.update(send.customer for send in changes.sends)
        spoken_of.update(refusal.customer for refusal in changes.refusals)
        spoken_of.difference_update(customer.number for customer in changes.customers)
        if strangers := {number for number in spoken_of if number >= self._next}.union(
            spoken_of.intersection(self._waiting.values())
        ):
            raise ValueError(f"the customer with the number {min(strangers)} is not in the store, nor in the changes")

    def kept(self, customers: Iterable[Customer]) -> None:
        """Take note that these customers are kept."""
        for customer in customers:
            self._waiting.pop(customer.external_id, None)
            if customer.number >= self._next:
                self._next = customer.number + 1

    def settled(self, *external_ids: str) -> None:
        """Take note that these names belong to customers who are kept: nobody waits under them."""
        for external_id in external_ids:
            number = self._waiting.pop(external_id, None)
            if number is not None and number >= self._next:
                self._next = number + 1
