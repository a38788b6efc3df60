"""What an outcome of the engine leaves behind in the store: a send to keep, or an enrollment that a mistake ended."""

import msgspec

from journeyscript.engine.program import Program
from journeyscript.engine.sending import skip
from journeyscript.engine.values import (
    Enrollment,
    Outcome,
    SendMessage,
    SkipMessage,
    send_key,
)
from journeyscript.machine.model import Send
from journeyscript.semantics.types import Instant
from journeyscript.stores.held import skipped_send
from journeyscript.stores.records import KeptSend

_encode = msgspec.json.Encoder().encode


def failed(program: Program, enrollment: Enrollment, now: Instant) -> Outcome:
    """Return an enrollment ended by a mistake of this program; a message that was held is not sent any more."""
    here = program.steps.get(enrollment.state) if enrollment.held is not None else None
    action = None if here is None else here.state.action
    return Outcome(
        effects=(skip(action, enrollment.state, enrollment.visit, "cancelled"),) if isinstance(action, Send) else (),
        enrollment=msgspec.structs.replace(
            enrollment,
            status="failed",
            reason="internal_error",
            due_at=None,
            until=None,
            deadline=None,
            held=None,
            ended_at=max(now, enrollment.since),
        ),
    )


def kept_send(enrollment: Enrollment, effect: SendMessage | SkipMessage, moment: Instant) -> KeptSend:
    """Return the send to keep: pending where a channel may carry it, settled at once where none may."""
    match effect:
        case SendMessage():
            return KeptSend(
                enrollment=enrollment.id,
                customer=enrollment.customer,
                visit=effect.visit,
                key=send_key(enrollment.journey, enrollment.id, effect.step, effect.visit),
                journey=enrollment.journey,
                step=effect.step,
                message=effect.message,
                kind=effect.kind,
                channel=effect.channel,
                address=effect.address,
                content=effect.content,
                locale=effect.locale,
                data=_encode(effect.data).decode(),
                status="pending",
                created_at=moment,
                available_at=moment,
                expires_at=effect.expires_at,
                test=enrollment.test,
            )
        case SkipMessage():
            detail = ", ".join(f"{channel}: {reason}" for channel, reason in effect.tried)
            return skipped_send(enrollment, effect, moment, detail)
