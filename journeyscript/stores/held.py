"""The message that kept somebody at a step when something outside their journey ended it; the same for every store.

Takes enrollments and the versions they are in; gives the sends that say what became of each message. Keeps nothing.
"""

from collections.abc import Callable, Iterable, Mapping

from journeyscript.engine.sending import skip
from journeyscript.engine.values import Enrollment, SkipMessage, send_key
from journeyscript.machine.model import Send
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Deployment, KeptSend

Deployed = Callable[[], Mapping[str, Deployment]]
"""Gives every version a store keeps; asked only where a message was held."""


def let_go(
    enrollments: Iterable[Enrollment],
    deployed: Deployed,
    sends: Iterable[KeptSend],
    at: Instant,
    reason: str,
    detail: str | None = None,
) -> list[KeptSend]:
    """Return as skipped what active enrollments still held; `sends` are those of their customers that there are."""
    holding = [one for one in enrollments if one.status == "active" and one.held is not None]
    if not holding:
        return []
    machines = {version: one.machine for version, one in deployed().items()}
    actions = {(version, state.id): state.action for version, machine in machines.items() for state in machine.states}
    taken = {(send.enrollment, send.visit) for send in sends}
    return [
        skipped_send(one, skip(action, one.state, one.visit, reason), at, detail)
        for one in holding
        if isinstance(action := actions.get((one.version, one.state)), Send) and (one.id, one.visit) not in taken
    ]


def skipped_send(enrollment: Enrollment, effect: SkipMessage, at: Instant, detail: str | None) -> KeptSend:
    """Return the send to keep of a message that is not sent, settled as it is made."""
    return KeptSend(
        enrollment=enrollment.id,
        customer=enrollment.customer,
        visit=effect.visit,
        key=send_key(enrollment.journey, enrollment.id, effect.step, effect.visit),
        journey=enrollment.journey,
        step=effect.step,
        message=effect.message,
        kind=effect.kind,
        status="skipped",
        reason=effect.reason,
        detail=detail,
        created_at=at,
        available_at=at,
        settled_at=at,
        test=enrollment.test,
    )
