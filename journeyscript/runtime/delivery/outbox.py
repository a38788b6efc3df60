"""Delivery: from sends that were decided to messages handed over, and what became of each.

Everything a store marks as pending is rendered, handed to its channel as fast as the channel's rate allows, and
settled as sent, skipped, failed, or pending again later. Which message goes out is never decided again here, only
whether it still may; a send's key goes along with every attempt. Nothing that is wrong with one stops another one.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from journeyscript.channels.outgoing import NOT_BEGUN, Adapter, Answer, Deferred, Outgoing, Unknown
from journeyscript.channels.render import RenderError
from journeyscript.runtime.delivery import settling
from journeyscript.runtime.delivery.rates import Rates
from journeyscript.runtime.delivery.rechecking import NO_QUIET, QuietHours, Recheck
from journeyscript.runtime.delivery.rendering import Renderer
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import KeptSend, Settlement, Store
from journeyscript.syntax.config import ChannelConfig

CLAIMED_AT_ONCE = 1_000

AT_ONCE = {"smtp": 5, "webhook": 60}
"""How many messages an adapter that talks to another machine is handed at once, on the wall clock.

So many at the most are in the dark when the process is killed, and so long at the most nobody else gets their turn.
"""

PATIENCE = 3.0
"""How many seconds a run that is to end waits for what is under way."""

log = logging.getLogger(__name__)


class Carrier(Struct, frozen=True, kw_only=True):
    """A channel that is open: how it is configured, and what carries its messages."""

    config: ChannelConfig
    adapter: Adapter


class Outbox:
    """Delivers what a store has pending. One event loop serves all channels of a process."""

    def __init__(
        self,
        store: Store,
        carriers: Mapping[str, Carrier],
        contents: Mapping[str, str],
        *,
        virtual: bool,
        quiet: QuietHours = NO_QUIET,
    ) -> None:
        """Deliver for a store; on virtual time each send is attempted at the moment it became available.

        `quiet` hours hold for what is attempted later than it was decided.
        """
        self._store, self._carriers, self._virtual, self._quiet = store, carriers, virtual, quiet
        self._channels = {name: carrier.config for name, carrier in carriers.items()}
        self._rates = Rates(store, self._channels)
        self._renderer = Renderer(contents)
        self._loop = asyncio.new_event_loop()
        self._hurried = False

    def recover(self, now: Instant) -> int:
        """Settle the sends that a process left in the middle, as its channel declares; return how many."""
        lost = self._store.unsettled()
        for send in lost:
            self._rates.take(send.channel, now)
        detail = "the process ended while sending"
        if lost:
            self._store.settle(
                [settling.of_unknown(send, detail, self._channels.get(send.channel), now) for send in lost]
            )
        return len(lost)

    def deliver(self, now: Instant, *, limit: int = CLAIMED_AT_ONCE) -> int:
        """Hand over what may be attempted now; return how many sends were looked at."""
        if self._hurried:
            return 0
        # On virtual time there is room later on as well, which `_due` finds for each send.
        room = dict.fromkeys(self._rates.full(now), 0) if self._virtual else self._room(now)
        claimed = self._store.claim(now, limit, room)
        if claimed:
            self._store.settle(self._loop.run_until_complete(self._attempt(claimed, now)))
        return len(claimed)

    def _room(self, now: Instant) -> dict[str, int]:
        """Return how many messages each channel may be handed now, where that is bounded."""
        at_once = {
            name: AT_ONCE[config.adapter] for name, config in self._channels.items() if config.adapter in AT_ONCE
        }
        by_rate = self._rates.room(now)
        return at_once | {name: min(room, at_once.get(name, room)) for name, room in by_rate.items()}

    def next_moment(self, now: Instant) -> Instant | None:
        """Return when the next send may be attempted, as far as the rate of its channel lets it; `None`: never."""
        full = self._rates.full(now)
        moments = [*full.values(), self._store.next_available(full)]
        return min((moment for moment in moments if moment is not None), default=None)

    def hurry(self) -> None:
        """Begin nothing more, and let what is under way end within seconds; safe to call from a signal handler."""
        self._hurried = True
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hurry)

    def _hurry(self) -> None:
        for carrier in self._carriers.values():
            carrier.adapter.hurry(PATIENCE)

    def close(self) -> None:
        """Let go of all channels."""

        async def close_all() -> None:
            await asyncio.gather(*(carrier.adapter.close() for carrier in self._carriers.values()))

        self._loop.run_until_complete(close_all())
        self._loop.close()

    async def _attempt(self, sends: Sequence[KeptSend], now: Instant) -> list[Settlement]:
        settlements, due = self._due(sends, now)
        by_channel: dict[str, list[tuple[KeptSend, Instant]]] = {}
        for send, moment in due:
            by_channel.setdefault(send.channel, []).append((send, moment))
        settled = await asyncio.gather(*(self._carry(name, batch) for name, batch in by_channel.items()))
        return settlements + [settlement for batch in settled for settlement in batch]

    def _due(self, sends: Sequence[KeptSend], now: Instant) -> tuple[list[Settlement], list[tuple[KeptSend, Instant]]]:
        """Return what becomes of the sends whose time is over or yet to come, and when each of the others is."""
        recheck = Recheck(self._store, [(s, self._latest(s, now)) for s in sends], self._channels, self._quiet)
        settlements: list[Settlement] = []
        due: list[tuple[KeptSend, Instant]] = []
        for send in sends:
            moment = send.available_at if self._virtual else now
            latest = moment if send.expires_at is None else send.expires_at
            if moment > latest:
                settlements.append(settling.too_old(send, moment))
                continue
            free = self._rates.free_at(send.channel, moment) if self._virtual else moment
            if send.expires_at is not None:
                free = min(free, latest + 1)
            if free > now:
                settlements.append(settling.put_back(send, now, until=free, reason="rate"))
            elif send.expires_at is not None and free > latest:
                settlements.append(settling.too_old(send, free))
            elif (stopped := recheck.stopped(send, free)) is not None:
                settlements.append(stopped)
            else:
                if self._virtual:
                    self._rates.take(send.channel, free)
                due.append((send, free))
        return settlements, due

    def _latest(self, send: KeptSend, now: Instant) -> Instant:
        """Return the latest moment at which a send may be attempted now: on virtual time only a rate puts it off."""
        config = self._channels.get(send.channel)
        rated = config is not None and config.rate is not None
        return now if rated or not self._virtual else send.available_at

    async def _carry(self, channel: str, sends: Sequence[tuple[KeptSend, Instant]]) -> list[Settlement]:
        carrier = self._carriers.get(channel)
        if carrier is None:
            gone = f"the project has no channel `{channel}` any more"
            return [settling.failed(send, moment, "no_channel", gone) for send, moment in sends]
        settlements: list[Settlement] = []
        ready: list[tuple[KeptSend, Instant, Outgoing]] = []
        for send, moment in sends:
            try:
                ready.append((send, moment, self._renderer.outgoing(send, carrier.config)))
            except (RenderError, msgspec.DecodeError, KeyError) as problem:
                settlements.append(settling.failed(send, moment, "render", str(problem)))
            except Exception as problem:  # noqa: BLE001 - whatever a template does, the others go out
                log.warning("`%s` cannot be rendered: %s", send.message, type(problem).__name__)
                settlements.append(settling.failed(send, moment, "render", type(problem).__name__))
        if ready:
            began = self._loop.time()
            answers = await self._hand_over(channel, carrier.adapter, [outgoing for _, _, outgoing in ready])
            # Counted as of the end: what the other side saw was earlier, and never later.
            lasted = 0 if self._virtual else round((self._loop.time() - began) * 1000)
            for (send, moment, _), answer in zip(ready, answers, strict=True):
                if not self._virtual and answer != NOT_BEGUN:
                    self._rates.take(channel, moment + lasted)
                settlements.append(settling.settled(send, answer, carrier.config, moment))
        return settlements

    async def _hand_over(self, channel: str, adapter: Adapter, batch: list[Outgoing]) -> list[Answer]:
        """Return an answer for each message; where the channel fails as a whole, find out for which of them."""
        try:
            answers = await adapter.deliver(batch)
        except Exception as error:  # noqa: BLE001 - an adapter that fails must not take the others along
            # It has handed over nothing then, so that the halves can go again.
            if self._hurried:
                return [NOT_BEGUN] * len(batch)
            if len(batch) > 1:
                half = len(batch) // 2
                first = await self._hand_over(channel, adapter, batch[:half])
                return first + await self._hand_over(channel, adapter, batch[half:])
            log.error("channel `%s` failed: %s", channel, type(error).__name__)  # noqa: TRY400 - the text may name people
            return [Deferred(detail=f"the channel failed: {type(error).__name__}")]
        if len(answers) != len(batch):
            log.error("channel `%s` gave %d answers for %d messages", channel, len(answers), len(batch))
            return [Unknown(detail="the channel did not answer for each message")] * len(batch)
        return answers
