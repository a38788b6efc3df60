"""What led to a message: the decision that was taken last before its step was reached.

Takes a send and the story it belongs to. Going back from the send's step, the first decision that chose something (an
event, a timer, a condition, an arm of a split, a round of a loop, the entry) is the cause; steps that only pass the
customer on (a message sent or skipped before, `set`, `emit`, a moment already past) are not.
"""

import re

from journeyscript.engine.values import Decision, Enrollment
from journeyscript.semantics.types import Value
from journeyscript.stores.records import KeptSend, Story

_PASSING = ("send", "skipped", "held", "late", "done", "goal", "window", "date", "refreshed")
"""First words of rules that choose nothing."""

_CONDITIONAL = ("if", "when")


def led_by(written: str, send: KeptSend, story: Story) -> bool:
    """Return whether `written` names what led to a send.

    It does where it is the rule itself (`timer`, `arm discount`, `if 1`), the name in it (the event of
    `event purchased`, the arm, the reason of `skipped no_consent`), the event that the customer entered on, or a word
    of the condition that held: `purchased` for `did(purchased, since entry)`.
    """
    enrollment = next(e for e in story.enrollments if e.id == send.enrollment)
    return any(_names(written, decision, enrollment) for decision in _chain(send, story))


def cause_in_words(send: KeptSend, story: Story) -> str:
    """Return what led to a send, with the values that decided it."""
    chain = _chain(send, story)
    if not chain:
        return "nothing that is known"
    decision = chain[-1]
    if decision.rule == "entry":
        enrollment = next(e for e in story.enrollments if e.id == send.enrollment)
        return f"`{enrollment.entry.name}`, on which the customer entered"
    return f"`{decision.rule}`{values_in_words(decision.values)}"


def leading_decision(send: KeptSend, story: Story) -> Decision | None:
    """Return the decision that led to a send, or `None` where nothing is known of it."""
    chain = _chain(send, story)
    return chain[-1] if chain else None


def cause_name(written: str, send: KeptSend, story: Story) -> str:
    """Return what a test would write as the cause of a send: what it does write where that is right."""
    if led_by(written, send, story):
        return written
    chain = _chain(send, story)
    if not chain:
        return written
    kind, _, rest = chain[-1].rule.partition(" ")
    if kind == "entry":
        return next(e for e in story.enrollments if e.id == send.enrollment).entry.name
    return rest if rest and kind in ("event", "arm") else chain[-1].rule


def values_in_words(values: tuple[tuple[str, Value], ...]) -> str:
    """Return the values that a decision looked at, in parentheses behind a space; nothing where it looked at none."""
    shown = ", ".join(f"{text} = {value_in_words(value)}" for text, value in values)
    return f" ({shown})" if shown else ""


def value_in_words(value: Value) -> str:
    """Return a value as a journey would write it."""
    match value:
        case None:
            return "unknown"
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _chain(send: KeptSend, story: Story) -> list[Decision]:
    """Return the decisions from the send's step back to the one that led to it, that one last."""
    chain: list[Decision] = []
    for kept in reversed(story.decisions):
        decision = kept.decision
        if kept.enrollment == send.enrollment and decision.visit <= send.visit and not decision.rule.startswith("exit"):
            chain.append(decision)
            if decision.rule.split(" ")[0] not in _PASSING:
                return chain
    return chain


def _names(written: str, decision: Decision, enrollment: Enrollment) -> bool:
    kind, _, rest = decision.rule.partition(" ")
    if written in (decision.rule, rest):
        return True
    if kind == "entry":
        return written == enrollment.entry.name
    if kind in _CONDITIONAL:
        word = re.compile(rf"(?<!\w){re.escape(written)}(?!\w)")
        return any(word.search(text) for text, _ in decision.values)
    return False
