"""The message that kept somebody at a step when something outside their journey ended it; the same for every store.

Takes enrollments and the versions they are in; gives the sends that say what became of each message. Keeps nothing.
"""

from collections.abc import Callable, Iterable, Mapping

from journeyscript.engine.values import Enrollment, send_key
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
        KeptSend(
            enrollment=one.id,
            customer=one.customer,
            visit=one.visit,
            key=send_key(one.journey, one.id, one.state, one.visit),
            journey=one.journey,
            step=one.state,
            message=action.message,
            kind=action.kind,
            status="skipped",
            reason=reason,
            detail=detail,
            created_at=at,
            available_at=at,
            settled_at=at,
            test=one.test,
        )
        for one in holding
        if isinstance(action := actions.get((one.version, one.state)), Send) and (one.id, one.visit) not in taken
    ]
