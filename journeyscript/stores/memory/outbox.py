"""The sends of the memory store, from the decision on.

Takes and gives `KeptSend`s by (enrollment, visit). Decides only that one place holds one send, and that a final
outcome stays.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import islice
from operator import attrgetter
from typing import TypeAlias

from msgspec.structs import replace

from journeyscript.semantics.types import Instant
from journeyscript.stores.memory.agenda import Agenda
from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, KeptSend, SendCount, Settlement

Place: TypeAlias = tuple[int, int]


class Outbox:
    """All sends of a store."""

    def __init__(self) -> None:
        self._sends: dict[Place, KeptSend] = {}
        self._pending: Agenda[Place] = Agenda()
        self._sending: dict[Place, KeptSend] = {}
        self._order: list[Place] = []

    def check(self, sends: Sequence[KeptSend]) -> None:
        """Make sure that these can be kept.

        Raises:
            ValueError: one of them has the place of another one.
        """
        places = {(send.enrollment, send.visit) for send in sends}
        if len(places) < len(sends) or not places.isdisjoint(self._sends.keys()):
            raise ValueError("the store already keeps something else in this place: a send of (enrollment, visit)")

    def keep(self, sends: Iterable[KeptSend]) -> None:
        """Keep new sends."""
        for send in sends:
            place = send.enrollment, send.visit
            self._sends[place] = send
            if send.status == "pending":
                self._pending.put(place, send.available_at)
            elif send.status == "sending":
                self._sending[place] = send

    def _put(self, place: Place, send: KeptSend) -> None:
        self._sends[place] = send
        if send.status == "pending":
            self._pending.put(place, send.available_at)
        else:
            self._pending.remove(place)
        if send.status == "sending":
            self._sending[place] = send
        else:
            self._sending.pop(place, None)

    def claim(self, now: Instant, limit: int) -> list[KeptSend]:
        """Mark pending sends as being sent; return them, oldest first."""
        with closing(self._pending.until(now)) as available:
            places = list(islice(available, limit))
        claimed = []
        for place in places:
            send = self._sends[place]
            taken = replace(send, status="sending", attempts=send.attempts + 1)
            self._put(place, taken)
            claimed.append(taken)
        return claimed

    def unsettled(self) -> list[KeptSend]:
        """Return what is being sent, oldest first."""
        return sorted(self._sending.values(), key=lambda send: (send.available_at, send.enrollment, send.visit))

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Keep what became of sends.

        Raises:
            ValueError: one is unknown, or had its final outcome before.
        """
        settled: dict[Place, KeptSend] = {}
        for settlement in settlements:
            place = settlement.enrollment, settlement.visit
            send = settled.get(place) or self._sends.get(place)
            if send is None or send.status not in {"pending", "sending"}:
                raise ValueError("one of the sends to settle is not in the store, or is settled already")
            available_at = send.available_at if settlement.available_at is None else settlement.available_at
            settled[place] = replace(
                send,
                status=settlement.status,
                reason=settlement.reason,
                detail=settlement.detail,
                provider_id=settlement.provider_id,
                settled_at=None if settlement.status == "pending" else settlement.at,
                available_at=available_at,
            )
        for place, send in settled.items():
            self._put(place, send)

    def next_available(self) -> Instant | None:
        """Return when the next pending send may be attempted."""
        return self._pending.first()

    def listed(self, limit: int, after: Place) -> list[KeptSend]:
        """Return sends in order of (enrollment, visit), from behind `after` on."""
        order = self._places()
        start = bisect_right(order, after)
        return [self._sends[place] for place in order[start : start + limit]]

    def of_customer(self, number: int) -> list[KeptSend]:
        """Return a customer's sends, oldest first."""
        first = number * ENROLLMENTS_PER_CUSTOMER
        order = self._places()
        low, high = (bisect_right(order, (edge, -1)) for edge in (first, first + ENROLLMENTS_PER_CUSTOMER))
        return sorted((self._sends[place] for place in order[low:high]), key=attrgetter("created_at"))

    def _places(self) -> list[Place]:
        """Return the places of all sends in order, sorted again only where some have come since the last time."""
        if len(self._order) < len(self._sends):
            self._order.extend(islice(self._sends, len(self._order), None))
            self._order.sort()
        return self._order

    def counts(self) -> list[SendCount]:
        """Return sends counted by journey, message, channel, status and reason."""
        counted = Counter(
            (send.journey, send.message, send.channel, send.status, send.reason) for send in self._sends.values()
        )
        return [
            SendCount(journey=journey, message=message, channel=channel, status=status, reason=reason, count=count)
            for (journey, message, channel, status, reason), count in sorted(
                counted.items(), key=lambda item: (*item[0][:4], item[0][4] is not None, item[0][4] or "")
            )
        ]
