"""Who is in the segments that journeys are entered by: in memory.

Takes and gives `Membership`s; keeps on an agenda when to look at whom again. Knows no conditions.
"""

from collections.abc import Iterable

from journeyscript.stores.memory.agenda import Agenda
from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, Membership

_LAST = ENROLLMENTS_PER_CUSTOMER - 1


class Memberships:
    """All memberships of a store. `looks` has customers under the last number an enrollment of theirs could have."""

    def __init__(self) -> None:
        self._kept: dict[int, dict[str, Membership]] = {}
        self.looks: Agenda[int] = Agenda()

    def of(self, number: int) -> dict[str, Membership]:
        """Return a customer's memberships by segment."""
        return dict(self._kept.get(number, {}))

    def keep(self, memberships: Iterable[Membership]) -> None:
        """Keep memberships; one that says nothing is taken away."""
        for one in memberships:
            own = self._kept.setdefault(one.customer, {})
            if one.idle:
                own.pop(one.segment, None)
            else:
                own[one.segment] = one
            self._arrange(one.customer)

    def forget(self, number: int) -> None:
        """Forget a customer."""
        self._kept.pop(number, None)
        self._arrange(number)

    def forget_segment(self, segment: str) -> None:
        """Forget who is in a segment."""
        for number in list(self._kept):
            if self._kept[number].pop(segment, None) is not None:
                self._arrange(number)

    def _arrange(self, number: int) -> None:
        own = self._kept.get(number)
        if own is not None and not own:
            del self._kept[number]
        key = number * ENROLLMENTS_PER_CUSTOMER + _LAST
        moment = min((one.look_at for one in (own or {}).values() if one.look_at is not None), default=None)
        if moment is None:
            self.looks.remove(key)
        else:
            self.looks.put(key, moment)
