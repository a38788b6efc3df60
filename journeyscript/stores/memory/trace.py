"""The decisions of the memory store: written often, read hardly ever.

Keeping them is one append for a whole batch; they are sorted to their customers when somebody asks.
"""

from collections.abc import Container, Mapping, Sequence
from operator import attrgetter

from msgspec.structs import replace

from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, KeptDecision

_OLDEST_FIRST = attrgetter("decision.at", "enrollment", "decision.visit")


class Trace:
    """All decisions of a store."""

    def __init__(self) -> None:
        self._arrived: list[KeptDecision] = []
        self._by_customer: dict[int, list[KeptDecision]] = {}

    def keep(self, decisions: Sequence[KeptDecision]) -> None:
        """Keep decisions, in order of arrival."""
        self._arrived += decisions

    def reached(self) -> set[tuple[int, str]]:
        """Return which enrollment came to which state, each once."""
        self._sort()
        return {(kept.enrollment, kept.decision.state) for one in self._by_customer.values() for kept in one}

    def of_customer(self, number: int) -> tuple[KeptDecision, ...]:
        """Return a customer's decisions, oldest first."""
        self._sort()
        return tuple(sorted(self._by_customer.get(number, ()), key=_OLDEST_FIRST))

    def last_rule(self, enrollment: int) -> str:
        """Return the rule of an enrollment's last decision."""
        own = [
            one.decision
            for one in self.of_customer(enrollment // ENROLLMENTS_PER_CUSTOMER)
            if one.enrollment == enrollment
        ]
        rules = [one.rule for one in sorted(own, key=attrgetter("visit", "at"))]
        return rules[-1] if rules else ""

    def move(self, leaves: int, stays: int, places: Mapping[int, int]) -> None:
        """Give a customer's decisions to another one; `places` gives the new ids of the enrollments."""
        self._sort()
        moved = [replace(kept, enrollment=places[kept.enrollment]) for kept in self._by_customer.pop(leaves, ())]
        self._by_customer.setdefault(stays, []).extend(moved)

    def forget(self, number: int) -> None:
        """Keep of a customer's decisions only what says nothing of them."""
        self._sort()
        self._by_customer[number] = [
            replace(kept, decision=replace(kept.decision, values=())) for kept in self._by_customer.get(number, ())
        ]

    def count(self, enrollments: Container[int]) -> int:
        """Return how many decisions these enrollments have."""
        self._sort()
        return sum(kept.enrollment in enrollments for one in self._by_customer.values() for kept in one)

    def drop(self, enrollments: Container[int]) -> set[tuple[int, str]]:
        """Take the decisions of these enrollments away; return which of them came to which state, each once."""
        dropped = {place for place in self.reached() if place[0] in enrollments}
        for number, one in self._by_customer.items():
            self._by_customer[number] = [kept for kept in one if kept.enrollment not in enrollments]
        return dropped

    def _sort(self) -> None:
        for kept in self._arrived:
            self._by_customer.setdefault(kept.enrollment // ENROLLMENTS_PER_CUSTOMER, []).append(kept)
        self._arrived.clear()
