"""Which step decided that a customer went another way than a test expects.

Takes what happened; gives the decision after which a step could not be reached any more, or the last one, with its
place and the values it saw. Judges nothing.
"""

from collections.abc import Collection

from journeyscript.engine.values import Decision
from journeyscript.machine.graph import reachable
from journeyscript.machine.wording import rule_in_words
from journeyscript.runtime.trials.causes import leading_decision
from journeyscript.runtime.trials.happened import Decided, Happened
from journeyscript.semantics.types import Value
from journeyscript.stores.records import KeptSend

_ENDING = ("exit", "goal", "expired", "stopped")
"""First words of rules that end an enrollment wherever it stands."""


def decided_against(steps: Collection[str], happened: Happened) -> Decided | None:
    """Return the decision by which the last enrollment left the last way to any of these steps, or rests on it."""
    decisions, last = _of_last(happened), None
    for left, decision in decisions:
        onward = reachable(happened.machine, [left]) - {left} if left else {decision.state, *steps}
        ended = decision.rule.split(" ")[0] in _ENDING
        behind = frozenset() if ended else reachable(happened.machine, [decision.state] if decision.state else [])
        if not onward.isdisjoint(steps) and behind.isdisjoint(steps):
            last = left, decision
    return _told(*(last or decisions[-1]), happened) if decisions else None


def decided_at_last(happened: Happened) -> Decided | None:
    """Return the decision that the last enrollment's standing is due to."""
    decisions = _of_last(happened)
    return _told(*decisions[-1], happened) if decisions else None


def decided_send(send: KeptSend, happened: Happened) -> Decided | None:
    """Return the decision that led to a message."""
    leading = leading_decision(send, happened.story)
    found = None
    left: str | None = None
    for kept in happened.story.decisions:
        if kept.enrollment == send.enrollment:
            if kept.decision == leading:
                found = left, kept.decision
            left = kept.decision.state
    return None if found is None else _told(*found, happened)


def in_scope(happened: Happened) -> tuple[tuple[str, Value], ...]:
    """Return what conditions could look at in the end: the customer, consent, what the last enrollment entered on."""
    customer, last = happened.story.customer, happened.last
    entry = () if last is None else last.entry.properties.items()
    return (
        *((f"customer.{name}", value) for name, value in customer.attributes.items()),
        *((f"consent.{name}", given) for name, given in customer.consent.items()),
        *((f"entry.event.{name}", value) for name, value in entry),
    )


def _of_last(happened: Happened) -> list[tuple[str | None, Decision]]:
    """Return the decisions of the last enrollment, each with the state that was left by it."""
    found: list[tuple[str | None, Decision]] = []
    left: str | None = None
    for kept in happened.story.decisions:
        if happened.last is not None and kept.enrollment == happened.last.id:
            found.append((left, kept.decision))
            left = kept.decision.state
    return found


def _told(left: str | None, decision: Decision, happened: Happened) -> Decided:
    kind, _, number = decision.rule.partition(" ")
    spans, conditions = happened.about.spans, happened.about.conditions
    span = spans.get(left or "", happened.about.place)
    if kind == "if":
        span = conditions.get(f"{left}/{number}", span)
    elif kind == "exit":
        exits = [rule.id for rule in happened.machine.exits]
        span = conditions.get(f"exit/{exits.index(number) + 1}", span) if number in exits else span
    elif left is None:
        span = conditions.get("entry", span)
    return Decided(
        step=left or "entry",
        span=span,
        why=rule_in_words(happened.machine, left, decision.rule),
        values=decision.values,
    )
