"""The decisions of the memory store: written often, read hardly ever.

Keeping them is one append for a whole batch; they are sorted to their customers when somebody asks.
"""

from collections.abc import Sequence
from operator import attrgetter

from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, KeptDecision

_OLDEST_FIRST = attrgetter("decision.at", "enrollment", "decision.visit")


class Trace:
    """All decisions of a store."""

    def __init__(self) -> None:
        self._arrived: list[KeptDecision] = []
        self._by_customer: dict[int, list[KeptDecision]] = {}
        self._sorted = 0

    def keep(self, decisions: Sequence[KeptDecision]) -> None:
        """Keep decisions, in order of arrival."""
        self._arrived += decisions

    def reached(self) -> set[tuple[int, str]]:
        """Return which enrollment came to which state, each once."""
        return {(kept.enrollment, kept.decision.state) for kept in self._arrived}

    def of_customer(self, number: int) -> tuple[KeptDecision, ...]:
        """Return a customer's decisions, oldest first."""
        for kept in self._arrived[self._sorted :]:
            self._by_customer.setdefault(kept.enrollment // ENROLLMENTS_PER_CUSTOMER, []).append(kept)
        self._sorted = len(self._arrived)
        return tuple(sorted(self._by_customer.get(number, ()), key=_OLDEST_FIRST))
