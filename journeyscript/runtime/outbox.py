"""Delivery: from sends that were decided to messages handed over, and what became of each.

Everything a store marks as pending is rendered, handed to its channel, and settled as sent, failed, or pending again
later. The decision is never taken again here; a send's key goes along with every attempt.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from journeyscript.channels.adapters import unsubscribe
from journeyscript.channels.outgoing import Adapter, Answer, Deferred, Outgoing, Refused, Sent, Unknown
from journeyscript.channels.render import RenderError, Template, compile_content
from journeyscript.engine.chance import draw
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import KeptSend, Settlement, Store
from journeyscript.syntax.config import ChannelConfig
from journeyscript.syntax.message import ContentDocument

CLAIMED_AT_ONCE = 1_000

log = logging.getLogger(__name__)


class Carrier(Struct, frozen=True, kw_only=True):
    """A channel that is open: how it is configured, and what carries its messages."""

    config: ChannelConfig
    adapter: Adapter


class Outbox:
    """Delivers what a store has pending. One event loop serves all channels of a process."""

    def __init__(
        self, store: Store, carriers: Mapping[str, Carrier], contents: Mapping[str, str], *, virtual: bool
    ) -> None:
        """Deliver for a store; on virtual time each send is attempted at the moment it became available."""
        self._store, self._carriers, self._virtual = store, carriers, virtual
        self._contents = dict(contents)
        self._templates: dict[str, Template] = {}
        self._loop = asyncio.new_event_loop()

    def recover(self, now: Instant) -> int:
        """Settle the sends that a process left in the middle, as its channel declares; return how many."""
        lost = self._store.unsettled()
        answers = [self._of_unknown(send, Unknown(detail="the process ended while sending"), now) for send in lost]
        if answers:
            self._store.settle(answers)
        return len(answers)

    def deliver(self, now: Instant, *, limit: int = CLAIMED_AT_ONCE) -> int:
        """Hand over what may be attempted now; return how many sends were attempted."""
        claimed = self._store.claim(now, limit)
        if claimed:
            self._store.settle(self._loop.run_until_complete(self._attempt(claimed, now)))
        return len(claimed)

    def close(self) -> None:
        """Let go of all channels."""

        async def close_all() -> None:
            await asyncio.gather(*(carrier.adapter.close() for carrier in self._carriers.values()))

        self._loop.run_until_complete(close_all())
        self._loop.close()

    async def _attempt(self, sends: Sequence[KeptSend], now: Instant) -> list[Settlement]:
        by_channel: dict[str, list[KeptSend]] = {}
        for send in sends:
            by_channel.setdefault(send.channel, []).append(send)
        settled = await asyncio.gather(*(self._carry(name, batch, now) for name, batch in by_channel.items()))
        return [settlement for batch in settled for settlement in batch]

    async def _carry(self, channel: str, sends: list[KeptSend], now: Instant) -> list[Settlement]:
        carrier = self._carriers.get(channel)
        if carrier is None:
            return [
                _failed(send, now, "no_channel", f"the project has no channel `{channel}` any more") for send in sends
            ]
        moments = {send.key: send.available_at if self._virtual else now for send in sends}
        settlements: list[Settlement] = []
        ready: list[tuple[KeptSend, Outgoing]] = []
        for send in sends:
            if send.expires_at is not None and moments[send.key] > send.expires_at:
                settlements.append(_too_old(send, moments[send.key]))
                continue
            try:
                ready.append((send, self._render(send, carrier.config)))
            except (RenderError, msgspec.DecodeError, KeyError) as problem:
                settlements.append(_failed(send, moments[send.key], "render", str(problem)))
        if ready:
            answers = await carrier.adapter.deliver([outgoing for _, outgoing in ready])
            for (send, _), answer in zip(ready, answers, strict=True):
                settlements.append(self._settle(send, answer, moments[send.key]))
        return settlements

    def _render(self, send: KeptSend, config: ChannelConfig) -> Outgoing:
        template = self._templates.get(send.content)
        if template is None:
            document = msgspec.json.decode(self._contents[send.content], type=ContentDocument)
            template = self._templates[send.content] = compile_content(document)
        data = msgspec.json.decode(send.data, type=dict)
        url, mailto = unsubscribe(config, data)
        rendered = template.render({**data, "unsubscribe_url": url}, locale=send.locale)
        customer = data.get("customer", {}).get("id")
        return Outgoing(
            key=send.key,
            channel=send.channel,
            message=send.message,
            customer=customer if isinstance(customer, str) else "",
            address=send.address,
            kind=send.kind,
            rendered=rendered,
            unsubscribe_url=url,
            unsubscribe_mailto=mailto,
        )

    def _settle(self, send: KeptSend, answer: Answer, now: Instant) -> Settlement:
        match answer:
            case Sent(provider_id=provider_id):
                return Settlement(
                    enrollment=send.enrollment, visit=send.visit, status="sent", at=now, provider_id=provider_id
                )
            case Refused(detail=detail, suppress=suppress):
                settlement = _failed(send, now, "permanent", detail)
                if suppress and send.address:
                    return msgspec.structs.replace(settlement, suppress=(send.customer, send.address))
                return settlement
            case Deferred(detail=detail):
                return self._later(send, detail, now)
            case Unknown():
                return self._of_unknown(send, answer, now)

    def _later(self, send: KeptSend, detail: str, now: Instant) -> Settlement:
        """Try again with the same key, later each time, up to the channel's number of attempts."""
        retry = self._carriers[send.channel].config.retry
        if send.attempts >= retry.attempts:
            return _failed(send, now, "gave_up", f"after {send.attempts} attempts: {detail}")
        wait = min(retry.first * 2 ** (send.attempts - 1), retry.longest)
        # Jitter keeps a thousand deferred sends from coming back in the same second.
        wait += draw(max(wait // 4, 1), "retry", send.key, str(send.attempts))
        return Settlement(
            enrollment=send.enrollment,
            visit=send.visit,
            status="pending",
            at=now,
            reason="deferred",
            detail=detail,
            available_at=now + wait,
        )

    def _of_unknown(self, send: KeptSend, answer: Unknown, now: Instant) -> Settlement:
        carrier = self._carriers.get(send.channel)
        if carrier is not None and carrier.config.on_unknown == "retry":
            return self._later(send, answer.detail, now)
        return Settlement(
            enrollment=send.enrollment,
            visit=send.visit,
            status="sent",
            at=now,
            reason="assumed",
            detail=answer.detail,
        )


def _too_old(send: KeptSend, now: Instant) -> Settlement:
    """Return that a message is not sent any more: never attempted it is skipped, else it failed."""
    if send.attempts > 1:
        return _failed(send, now, "gave_up", f"too old after {send.attempts - 1} attempts: {send.detail}")
    return Settlement(enrollment=send.enrollment, visit=send.visit, status="skipped", at=now, reason="stale")


def _failed(send: KeptSend, now: Instant, reason: str, detail: str) -> Settlement:
    return Settlement(
        enrollment=send.enrollment, visit=send.visit, status="failed", at=now, reason=reason, detail=detail
    )
