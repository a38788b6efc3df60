"""A request from outside to let one customer into one journey, and in words what came of it.

Takes what was asked and the journeys as they run; commits what it changes at once, as a record of the same kind would.
"""

from typing import Any, Literal

from msgspec import Struct

from journeyscript.engine.entry import request_problem
from journeyscript.engine.values import Event
from journeyscript.machine.model import ENTERED
from journeyscript.machine.wording import refusal_in_words
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.intake.records import Incoming
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Changes, Store


class Enter(Struct, frozen=True, kw_only=True, tag="enter"):
    """Ask a journey to let a customer in, once under this `name`. `properties` are in the types that it asks for."""

    journey: str
    customer: str
    name: str
    properties: dict[str, Any] = {}


Outcome = tuple[Literal["done", "no", "nothing", "refused"], str]
"""Whether somebody was let in, and a sentence; `nothing`: the request was taken in before."""


def ask(store: Store, rules: Rules, order: Enter, now: Instant) -> Outcome:
    """Let the journey decide, and keep what comes of it."""
    program, event = rules.programs.started.get(order.journey), Event(name=ENTERED, at=now, properties=order.properties)
    if program is None:
        return "refused", f"`{order.journey}` does not run in this store yet; `journeyscript run` deploys it"
    if (problem := request_problem(program, event)) is not None:
        return "refused", problem
    request = Incoming(
        customer=store.survivors([order.customer]).get(order.customer, order.customer),
        at=now,
        event=event,
        attributes={},
        consent={},
        source="enter",
        source_id=order.name,
        position="",
        enters=order.journey,
    )
    changes = advance(store, rules, incoming=[request], now=now)
    store.commit(changes)
    return _told(order, changes)


def _told(order: Enter, changes: Changes) -> Outcome:
    who, journey = f"`{order.customer}`", f"`{order.journey}`"
    refused = [one.reason for one in changes.refusals if one.journey == order.journey]
    if refused:
        return "no", f"{who} was not let into {journey}: {refusal_in_words(refused[0])}"
    if not changes.events:
        return "nothing", "a request of this id was taken in before"
    entered = [one for one in changes.enrollments if one.journey == order.journey and one.entry.name == ENTERED]
    if not entered:
        return "no", f"{who} was not let into {journey}: the entry's condition does not hold"
    last = entered[-1]
    return "done", f"{who} entered {journey}" + (f", and is at `{last.state}`" if last.status == "active" else "")
