"""Why a customer is where they are: every step of every enrollment, with the rule and the values that decided it.

Nothing is computed again: this reads what was recorded when it was decided, and puts it into words.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from journeyscript.diagnostics import Span
from journeyscript.engine.calendar import local_text, resolve_zone
from journeyscript.engine.moving import MOVED
from journeyscript.engine.values import Decision, Enrollment
from journeyscript.machine.wording import refusal_in_words, rule_in_words
from journeyscript.semantics.types import Value
from journeyscript.stores.records import FUTURE_EVENT, Deployment, KeptSend, Refusal, Story


class Line(Struct, frozen=True, kw_only=True):
    """One decision: when (local time of the customer), the state reached, why, and what of a message."""

    at: str
    state: str
    place: str
    why: str
    values: tuple[tuple[str, Value], ...]
    send: str | None = None


class Explanation(Struct, frozen=True, kw_only=True):
    """One enrollment, as a person would tell it. `outcome` says how it stands now."""

    journey: str
    version: str
    key: str
    outcome: str
    lines: tuple[Line, ...]
    test_customer: bool = False


class Refused(Struct, frozen=True, kw_only=True):
    """An event that did not get what it asked for: when (local time of the customer), of which journey, and why.

    Without a journey, it asked to count at its own time.
    """

    at: str
    event: str
    journey: str
    why: str


def explain(
    story: Story, deployments: Mapping[str, Deployment], default_zone: str, journey: str | None = None
) -> tuple[Explanation, ...]:
    """Return an explanation of each enrollment of a customer, oldest first; of one journey where one is named."""
    zone, _ = resolve_zone(story.customer.attributes.get("timezone"), default_zone)
    return tuple(
        _enrollment(story, enrollment, deployments, zone)
        for enrollment in story.enrollments
        if journey is None or enrollment.journey == journey
    )


def explain_refusals(story: Story, default_zone: str, journey: str | None = None) -> tuple[Refused, ...]:
    """Return an explanation of everything a customer's events asked for in vain; for one journey where one is named."""
    zone, _ = resolve_zone(story.customer.attributes.get("timezone"), default_zone)
    return tuple(
        Refused(
            at=local_text(refusal.at, zone), event=refusal.event, journey=refusal.journey, why=_why_refused(refusal)
        )
        for refusal in story.refusals
        if journey is None or refusal.journey == journey
    )


def _why_refused(refusal: Refusal) -> str:
    if refusal.reason == FUTURE_EVENT:
        return f"its time was {refusal.detail}, which lay ahead: it counts as of when it came"
    return refusal_in_words(refusal.reason)


def _enrollment(story: Story, enrollment: Enrollment, deployments: Mapping[str, Deployment], zone: str) -> Explanation:
    sends = {send.visit: send for send in story.sends if send.enrollment == enrollment.id}
    decisions = [kept.decision for kept in story.decisions if kept.enrollment == enrollment.id]
    lines, left = [], None
    for decision, version in zip(decisions, _versions(decisions, enrollment.version), strict=True):
        deployment = deployments[version]
        send = sends.pop(decision.visit, None)
        lines.append(
            Line(
                at=local_text(decision.at, zone),
                state=decision.state,
                place=_place(deployment.about.spans.get(decision.state)),
                why=rule_in_words(deployment.machine, left, decision.rule),
                values=decision.values,
                send=None if send is None else send_in_words(send, zone),
            )
        )
        left = decision.state
    return Explanation(
        journey=enrollment.journey,
        version=enrollment.version,
        key=enrollment.key,
        outcome=_outcome(enrollment, zone),
        lines=tuple(lines),
        test_customer=enrollment.test,
    )


def _versions(decisions: Sequence[Decision], last: str) -> list[str]:
    """Return in which version each decision was made: whoever is moved goes on in another one."""
    found = []
    for decision in reversed(decisions):
        found.append(last)
        if decision.rule.startswith(MOVED):
            last = decision.rule.removeprefix(MOVED)
    return found[::-1]


def send_in_words(send: KeptSend, zone: str) -> str:
    """Return what became of a message."""
    match send.status:
        case "sent":
            assumed = f", {send.detail}" if send.reason == "assumed" else ""
            settled = local_text(send.settled_at or send.created_at, zone)
            return f"`{send.message}` sent by {send.channel} at {settled}{assumed}"
        case "skipped":
            return f"`{send.message}` not sent: {send.reason}{_in_detail(send)}"
        case "failed":
            return f"`{send.message}` failed: {send.reason}{_in_detail(send)}"
        case "pending" if send.reason == "quiet_hours":
            until = local_text(send.available_at, zone)
            return f"`{send.message}` waits by {send.channel} for the end of quiet hours, until {until}"
        case "pending" if send.attempts:
            return f"`{send.message}` waits for another attempt by {send.channel}: {send.detail}"
        case _:
            return f"`{send.message}` is on its way by {send.channel}"


def _in_detail(send: KeptSend) -> str:
    return f" ({send.detail})" if send.detail else ""


def _outcome(enrollment: Enrollment, zone: str) -> str:
    goal = "" if enrollment.goal_at is None else f", reached its goal at {local_text(enrollment.goal_at, zone)}"
    if enrollment.status == "active":
        due = "" if enrollment.over_at is None else f", until {local_text(enrollment.over_at, zone)} at the latest"
        return f"waits at `{enrollment.state}`{due}{goal}"
    reason = "" if enrollment.reason is None else f" ({enrollment.reason})"
    ended = enrollment.since if enrollment.ended_at is None else enrollment.ended_at
    return f"{enrollment.status}{reason} at {local_text(ended, zone)}{goal}"


def _place(span: Span | None) -> str:
    return "" if span is None else f"{span.path}:{span.line}"
