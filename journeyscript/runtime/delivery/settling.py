"""From what a channel answered to what becomes of a send: an outcome, or another attempt later.

Takes a send, an answer and the channel's configuration; gives settlements. Asks no store and no channel.
"""

from msgspec.structs import replace

from journeyscript.channels.outgoing import Answer, Deferred, Refused, Sent, Unknown
from journeyscript.engine.chance import draw
from journeyscript.semantics.types import Instant, Milliseconds
from journeyscript.stores.records import KeptSend, SendStatus, Settlement
from journeyscript.syntax.config import ChannelConfig, RetryConfig


def settled(send: KeptSend, answer: Answer, config: ChannelConfig, now: Instant) -> Settlement:
    """Return what becomes of a send that got this answer."""
    match answer:
        case Sent(provider_id=provider_id):
            return _outcome(send, "sent", now, provider_id=provider_id)
        case Refused(detail=detail, suppress=suppress):
            settlement = failed(send, now, "permanent", detail)
            return (
                replace(settlement, suppress=(send.customer, send.address)) if suppress and send.address else settlement
            )
        case Deferred(begun=False):
            return put_back(send, now)
        case Deferred():
            return _later(send, answer, config, now)
        case Unknown(detail=detail):
            return of_unknown(send, detail, config, now)


def of_unknown(send: KeptSend, detail: str, config: ChannelConfig | None, now: Instant) -> Settlement:
    """Return what becomes of a send of which nobody knows whether it went out, as its channel declares."""
    if config is not None and config.on_unknown == "retry":
        return _later(send, Deferred(detail=detail), config, now)
    return _outcome(send, "sent", now, reason="assumed", detail=detail)


def put_back(send: KeptSend, now: Instant, *, until: Instant | None = None, reason: str | None = None) -> Settlement:
    """Return that a send was claimed and not attempted: pending as before, or until there is room for it."""
    return Settlement(
        enrollment=send.enrollment,
        visit=send.visit,
        status="pending",
        at=now,
        reason=reason or send.reason,
        detail=send.detail,
        available_at=until,
        uncounted=True,
    )


def too_old(send: KeptSend, now: Instant) -> Settlement:
    """Return that a message is not sent any more: never attempted it is skipped, else it failed."""
    if send.attempts > 1:
        return failed(send, now, "gave_up", f"too old after {send.attempts - 1} attempts: {send.detail}")
    return _outcome(send, "skipped", now, reason="stale")


def skipped(send: KeptSend, now: Instant, reason: str, detail: str | None) -> Settlement:
    """Return that a message must not be sent any more."""
    return _outcome(send, "skipped", now, reason=reason, detail=detail)


def failed(send: KeptSend, now: Instant, reason: str, detail: str) -> Settlement:
    """Return that a message cannot be sent."""
    return _outcome(send, "failed", now, reason=reason, detail=detail)


def _later(send: KeptSend, answer: Deferred, config: ChannelConfig, now: Instant) -> Settlement:
    """Try again with the same key, later each time, up to the channel's number of attempts."""
    if send.attempts >= config.retry.attempts:
        return failed(send, now, "gave_up", f"after {send.attempts} attempts: {answer.detail}")
    wait = _wait(send, send.attempts, config.retry, answer.wait or 0)
    return Settlement(
        enrollment=send.enrollment,
        visit=send.visit,
        status="pending",
        at=now,
        reason="deferred",
        detail=answer.detail,
        available_at=now + wait,
    )


def _wait(send: KeptSend, attempt: int, retry: RetryConfig, least: Milliseconds = 0) -> Milliseconds:
    """Return how long behind an attempt, counted from 1, the next one comes."""
    wait: int = min(max(retry.first * 2 ** (attempt - 1), least), retry.longest)
    # Jitter keeps a thousand deferred sends from coming back in the same second.
    return wait + draw(max(wait // 4, 1), "retry", send.key, str(attempt))


def attempted_by(send: KeptSend, config: ChannelConfig) -> list[Instant]:
    """Return by when each attempt of a send that is to be tried again was made, the last one first.

    None was later: a channel that asked for more time was asked earlier.
    """
    moments, moment = [], send.available_at
    for attempt in range(send.attempts, 0, -1):
        moment -= _wait(send, attempt, config.retry)
        moments.append(moment)
    return moments


def _outcome(
    send: KeptSend,
    status: SendStatus,
    now: Instant,
    *,
    reason: str | None = None,
    detail: str | None = None,
    provider_id: str | None = None,
) -> Settlement:
    return Settlement(
        enrollment=send.enrollment,
        visit=send.visit,
        status=status,
        at=now,
        reason=reason,
        detail=detail,
        provider_id=provider_id,
    )
