"""The sends of the memory store, from the decision on.

Takes and gives `KeptSend`s by (enrollment, visit). Decides only that one place holds one send, and that a final
outcome stays.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, closing
from heapq import nlargest
from itertools import islice
from operator import attrgetter
from typing import TypeAlias

from msgspec.structs import replace

from journeyscript.engine.values import Slot
from journeyscript.semantics.types import Instant
from journeyscript.stores.counts import SendCount
from journeyscript.stores.lanes import Lane, Turns
from journeyscript.stores.memory.agenda import Agenda
from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, KeptSend, Settlement

Place: TypeAlias = tuple[int, int]
_Counted: TypeAlias = tuple[str, str, str, str, str | None]


class Outbox:
    """All sends of a store."""

    def __init__(self, paused: AbstractSet[str]) -> None:
        """Start empty; what belongs to `paused` journeys, which may change later, is not given out."""
        self._paused = paused
        self._sends: dict[Place, KeptSend] = {}
        self._pending: dict[Lane, Agenda[Place]] = {}
        self._turns = Turns()
        self._sending: dict[Place, KeptSend] = {}
        self._order: list[Place] = []
        self._pruned: tuple[Counter[_Counted], Counter[_Counted]] = (Counter(), Counter())
        self._marketing: dict[int, list[Place]] = {}

    def check(self, sends: Sequence[KeptSend]) -> None:
        """Make sure that these can be kept.

        Raises:
            ValueError: one of them has the place of another one.
        """
        places = {(send.enrollment, send.visit) for send in sends}
        if len(places) < len(sends) or not self._sends.keys().isdisjoint(places):
            raise ValueError("the store already keeps something else in this place: a send of (enrollment, visit)")

    def keep(self, sends: Iterable[KeptSend]) -> None:
        """Keep new sends."""
        for send in sends:
            place = send.enrollment, send.visit
            self._sends[place] = send
            if send.kind == "marketing" and send.status != "skipped":
                self._marketing.setdefault(send.customer, []).append(place)
            if send.status == "pending":
                self._lane(send).put(place, send.available_at)
            elif send.status == "sending":
                self._sending[place] = send

    def _lane(self, send: KeptSend) -> Agenda[Place]:
        return self._pending.setdefault((send.channel, send.journey), Agenda())

    def _lanes(self) -> Iterator[tuple[Lane, Agenda[Place]]]:
        return ((lane, agenda) for lane, agenda in self._pending.items() if lane[1] not in self._paused)

    def _put(self, place: Place, send: KeptSend) -> None:
        self._sends[place] = send
        if send.status == "pending":
            self._lane(send).put(place, send.available_at)
        else:
            self._lane(send).remove(place)
        if send.status == "sending":
            self._sending[place] = send
        else:
            self._sending.pop(place, None)

    def claim(self, now: Instant, limit: int, room: Mapping[str, int]) -> list[KeptSend]:
        """Mark pending sends as being sent; return them, oldest first."""
        with ExitStack() as stack:
            ready = [lane for lane, agenda in self._lanes() if (at := agenda.first()) is not None and at <= now]
            lanes = {lane: stack.enter_context(closing(self._pending[lane].until(now))) for lane in ready}
            places = self._turns.pick(lanes, limit, room)
        places.sort(key=lambda place: (self._sends[place].available_at, *place))
        claimed = []
        for place in places:
            send = self._sends[place]
            taken = replace(send, status="sending", attempts=send.attempts + 1)
            self._put(place, taken)
            claimed.append(taken)
        return claimed

    def unsent(self, journey: str) -> list[KeptSend]:
        """Return a journey's messages that are still to be sent, or being sent."""
        return [one for one in self._sends.values() if one.journey == journey and one.status in {"pending", "sending"}]

    def received(self, numbers: Collection[int]) -> dict[int, frozenset[str]]:
        """Return by enrollment which messages went to these customers, or are on their way. Walks all sends."""
        found: dict[int, set[str]] = {}
        for send in self._sends.values():
            if send.enrollment // ENROLLMENTS_PER_CUSTOMER in numbers and send.status not in {"skipped", "failed"}:
                found.setdefault(send.enrollment, set()).add(send.message)
        return {enrollment: frozenset(messages) for enrollment, messages in found.items()}

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
                attempts=send.attempts - settlement.uncounted,
            )
        for place, send in settled.items():
            self._put(place, send)

    def requeue(self, places: Iterable[Place], at: Instant) -> None:
        """Make failed sends pending again.

        Raises:
            ValueError: one is unknown, or did not fail.
        """
        wanted = dict.fromkeys(places)
        if not all(place in self._sends and self._sends[place].status == "failed" for place in wanted):
            raise ValueError("one of the sends to try again is not in the store, or did not fail")
        for place in wanted:
            again = replace(
                self._sends[place],
                status="pending",
                reason=None,
                detail=None,
                attempts=0,
                available_at=at,
                settled_at=None,
                expires_at=None,
            )
            self._put(place, again)

    def cancel(self, enrollment: int, detail: str, at: Instant) -> None:
        """Skip what an enrollment still has to send."""
        for send in self.of_enrollment(enrollment):
            if send.status == "pending":
                self.put(replace(send, status="skipped", reason="cancelled", detail=detail, settled_at=at))

    def put(self, send: KeptSend) -> None:
        """Keep a send in the place of itself as it was."""
        self._put((send.enrollment, send.visit), send)

    def move(self, leaves: int, stays: int, places: Mapping[int, int]) -> None:
        """Give a customer's sends to another one; `places` gives the new ids of the enrollments."""
        marketing = self._marketing.pop(leaves, [])
        self._marketing.setdefault(stays, []).extend((places[enrollment], visit) for enrollment, visit in marketing)
        for send in self.of_customer(leaves):
            self._remove((send.enrollment, send.visit))
            self.put(replace(send, enrollment=places[send.enrollment], customer=stays))

    def drop(self, enrollments: Iterable[int]) -> None:
        """Take the sends of these enrollments away, and keep them in the counts."""
        for enrollment in enrollments:
            for send in self.of_enrollment(enrollment):
                place = send.enrollment, send.visit
                self._pruned[send.test][_counted(send)] += 1
                self._remove(place)
                if place in (marketing := self._marketing.get(send.customer, [])):
                    marketing.remove(place)

    def _remove(self, place: Place) -> None:
        self._lane(self._sends.pop(place)).remove(place)
        self._sending.pop(place, None)
        self._order = []

    def next_available(self, without: Collection[str]) -> Instant | None:
        """Return when the next pending send of another channel than these may be attempted."""
        firsts = (agenda.first() for (channel, _), agenda in self._lanes() if channel not in without)
        return min((at for at in firsts if at is not None), default=None)

    def handed_over(self, channel: str, limit: int) -> list[Instant]:
        """Return when the latest messages on a channel went to the other side."""
        return nlargest(
            limit,
            (
                send.settled_at
                for send in self._sends.values()
                if send.channel == channel
                and send.status in {"sent", "failed"}
                and send.attempts
                and send.reason != "render"
                and send.settled_at is not None
            ),
        )

    def put_off(self, channel: str) -> list[KeptSend]:
        """Return the messages on a channel that are to be tried again, in order of (enrollment, visit)."""
        sends = (self._sends[place] for place in self._places())
        return [send for send in sends if (send.channel, send.status) == (channel, "pending") and send.attempts]

    def listed(self, limit: int, after: Place) -> list[KeptSend]:
        """Return sends in order of (enrollment, visit), from behind `after` on."""
        order = self._places()
        start = bisect_right(order, after)
        return [self._sends[place] for place in order[start : start + limit]]

    def recent(self, number: int, since: Instant, waiting_at: Instant) -> tuple[Slot, ...]:
        """Return the marketing messages that were sent to a customer, or are to be, after `since`; see `Store.load`."""
        sends = (self._sends[place] for place in sorted(self._marketing.get(number, ())))
        return tuple(
            Slot(channel=send.channel, at=at)
            for send in sends
            if send.status in {"pending", "sending", "sent"}
            and (at := max(send.available_at, waiting_at) if send.settled_at is None else send.settled_at) > since
        )

    def of_customer(self, number: int) -> list[KeptSend]:
        """Return a customer's sends, oldest first."""
        first = number * ENROLLMENTS_PER_CUSTOMER
        order = self._places()
        low, high = (bisect_right(order, (edge, -1)) for edge in (first, first + ENROLLMENTS_PER_CUSTOMER))
        return sorted((self._sends[place] for place in order[low:high]), key=attrgetter("created_at"))

    def of_enrollment(self, number: int) -> list[KeptSend]:
        """Return an enrollment's sends, in order of their visits."""
        order = self._places()
        low, high = (bisect_right(order, (edge, -1)) for edge in (number, number + 1))
        return [self._sends[place] for place in order[low:high]]

    def find(self, limit: int, *, status: str | None, journey: str | None, channel: str | None) -> list[KeptSend]:
        """Return sends of this status, journey and channel, the latest first."""
        found = [
            send
            for send in self._sends.values()
            if (status is None or send.status == status)
            and (journey is None or send.journey == journey)
            and (channel is None or send.channel == channel)
        ]
        return sorted(found, key=attrgetter("created_at", "enrollment", "visit"), reverse=True)[:limit]

    def _places(self) -> list[Place]:
        """Return the places of all sends in order, sorted again only where some have come since the last time."""
        if len(self._order) < len(self._sends):
            self._order.extend(islice(self._sends, len(self._order), None))
            self._order.sort()
        return self._order

    def counts(self, *, test: bool) -> list[SendCount]:
        """Return sends to people, or to test customers, counted by journey, message, channel, status and reason."""
        counted = Counter(_counted(send) for send in self._sends.values() if send.test == test) + self._pruned[test]
        return [
            SendCount(journey=journey, message=message, channel=channel, status=status, reason=reason, count=count)
            for (journey, message, channel, status, reason), count in sorted(
                counted.items(), key=lambda item: (*item[0][:4], item[0][4] is not None, item[0][4] or "")
            )
        ]


def _counted(send: KeptSend) -> _Counted:
    return send.journey, send.message, send.channel, send.status, send.reason
