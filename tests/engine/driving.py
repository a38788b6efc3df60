"""One customer's way through one journey on virtual time: the smallest runtime there can be, which checks every step.

Every call of the engine is made twice and its arguments are compared with what they were; each law that holds of any
single step is asserted here, so that every test that drives an enrollment proves it again.
"""

from bisect import insort

import msgspec

from journeyscript.engine.entry import enroll
from journeyscript.engine.program import Program, link
from journeyscript.engine.step import step
from journeyscript.engine.values import (
    ChannelPolicy,
    EmitEvent,
    Enrollment,
    Event,
    Facts,
    Outcome,
    SendMessage,
    SetAttributes,
    SkipMessage,
    Slot,
    TimerFired,
    send_key,
)
from journeyscript.machine.canonical import version_of
from tests.projects import compile_text

DAY = 86_400_000
START = 1_772_000_000_000  # 2026-02-25T06:13:20Z, a Wednesday
POLICIES = {
    "email": ChannelPolicy(address="email", consent="opt_in"),
    "sms": ChannelPolicy(address="phone", consent="opt_in"),
    "push": ChannelPolicy(address="push_token", consent="opt_out"),
}


def program_of(text: str) -> Program:
    """Return the linked program of a journey's text."""
    compiled, findings = compile_text(text)
    assert compiled is not None, findings
    return link(compiled.machine, version_of(compiled.machine))


def image(*values: object) -> bytes:
    """Return values as bytes, to see later whether they were changed."""
    return msgspec.msgpack.encode(
        [msgspec.to_builtins(value, builtin_types=(frozenset,)) for value in values], enc_hook=sorted
    )


class Drive:
    """The present state of one customer in one journey, and all that came of it."""

    def __init__(self, program: Program, *, number: int = 1, customer: str = "ada", **facts: object) -> None:
        self.program, self.number = program, number
        self.facts = Facts(**{"external_id": customer, "channels": POLICIES, **facts})
        self.enrollment: Enrollment | None = None
        self.effects: list = []
        self.trace: list = []
        self.emitted: list[Event] = []

    def enter(self, event: Event) -> "Drive":
        """Start an enrollment by this event."""
        self.remember(event)
        arguments = {
            "number": self.number,
            "customer": 1,
            "key": "",
            "event": event,
            "facts": self.facts,
            "now": event.at,
        }
        before = image(event, self.facts)
        outcome = enroll(self.program, **arguments)
        assert enroll(self.program, **arguments) == outcome
        assert image(event, self.facts) == before
        self.absorb(outcome, None, event.at)
        return self

    def happen(self, event: Event) -> Outcome:
        """Let everything due before the event fire, then let the event happen."""
        self.fire_until(event.at - 1)
        self.remember(event)
        return self.take(event, event.at)

    def fire_until(self, until: int) -> None:
        """Fire what is due at or before an instant."""
        while self.current.due_at is not None and self.current.due_at <= until:
            self.take(TimerFired(visit=self.current.visit), self.current.due_at)

    def finish(self, most: int = 2_000) -> "Drive":
        """Fire timers until the enrollment has ended."""
        for _ in range(most):
            if self.current.status != "active":
                return self
            assert self.current.due_at is not None
            self.take(TimerFired(visit=self.current.visit), self.current.due_at)
        raise AssertionError("the enrollment does not end")

    def take(self, happened: Event | TimerFired, now: int) -> Outcome:
        """Take one input, and check everything that holds of any step."""
        before = self.current
        seen = image(before, happened, self.facts)
        outcome = step(self.program, before, happened, self.facts, now)
        again = step(self.program, before, happened, self.facts, now)
        assert again == outcome
        assert image(again) == image(outcome)
        assert image(before, happened, self.facts) == seen, "an argument was changed"
        if before.status != "active":
            assert outcome == Outcome(enrollment=before), "an ended enrollment changed"
        if isinstance(happened, TimerFired) and happened.visit != before.visit:
            assert outcome == Outcome(enrollment=before), "a stale timer changed something"
        self.absorb(outcome, before, now)
        return outcome

    def absorb(self, outcome: Outcome, before: Enrollment | None, now: int) -> None:
        """Check an outcome, and make what it says so."""
        after = outcome.enrollment
        self.check(after, outcome, before, now)
        self.enrollment = after
        self.trace += outcome.trace
        for effect in outcome.effects:
            self.effects.append(effect)
            match effect:
                case SetAttributes(values=values):
                    attributes = {**self.facts.attributes, **values}
                    self.facts = msgspec.structs.replace(self.facts, attributes=attributes)
                case EmitEvent(event=event):
                    self.emitted.append(event)
                case SendMessage(kind="marketing", channel=channel):
                    slot = Slot(channel=channel, at=outcome.trace[-1].at)
                    self.facts = msgspec.structs.replace(self.facts, recent=(*self.facts.recent, slot))
        while self.emitted and before is not None:
            event = self.emitted.pop(0)
            self.remember(event)
            self.take(event, event.at)

    def check(self, after: Enrollment, outcome: Outcome, before: Enrollment | None, now: int) -> None:
        """Assert what holds of any step."""
        reached = 0 if before is None else before.visit
        visits = [decision.visit for decision in outcome.trace]
        assert visits == sorted(visits)
        assert after.visit == reached + len({visit for visit in visits if visit > reached})
        assert len(outcome.trace) <= 2 * len(self.program.steps) + 2, "too many moves at one instant"
        assert after.status != "failed"
        assert (after.status == "active") == (after.due_at is not None) == (after.ended_at is None)
        if after.due_at is not None and after != before:
            assert after.due_at % 1_000 == 0
            if after.visit != reached:
                assert after.due_at >= now
            assert after.due_at <= after.entered_at + self.program.machine.lifetime + 1_000
            assert after.until is None or (now < after.due_at <= after.until and after.until % 1_000 == 0)
        assert after.since >= after.entered_at
        assert before is None or after.since >= before.since
        assert all(decision.state in self.program.steps for decision in outcome.trace)
        for effect in outcome.effects:
            if isinstance(effect, SendMessage | SkipMessage):
                was_held = before is not None and before.held is not None
                assert reached < effect.visit <= after.visit or (was_held and effect.visit == reached)

    def remember(self, event: Event) -> None:
        """Keep an event in the customer's history."""
        history = {name: list(past) for name, past in self.facts.history.items()}
        insort(history.setdefault(event.name, []), event, key=lambda past: past.at)
        self.facts = msgspec.structs.replace(self.facts, history=history)

    @property
    def current(self) -> Enrollment:
        """Return the enrollment as it is."""
        assert self.enrollment is not None
        return self.enrollment

    @property
    def path(self) -> list[str]:
        """Return the states that were reached, in order."""
        reached = {decision.visit: decision.state for decision in self.trace}
        return [reached[visit] for visit in sorted(reached)]

    @property
    def rules(self) -> list[str]:
        """Return the rules of all decisions, in order."""
        return [decision.rule for decision in self.trace]

    @property
    def sends(self) -> list:
        """Return what was sent or skipped, in order."""
        return [effect for effect in self.effects if isinstance(effect, SendMessage | SkipMessage)]

    @property
    def keys(self) -> list[str]:
        """Return the key of every send."""
        return [send_key("trial", self.current.id, effect.step, effect.visit) for effect in self.sends]


def signed_up(at: int = START, **properties: object) -> Event:
    """Return the event that starts the journeys of tests."""
    return Event(name="signed_up", at=at, properties={"source": "web", **properties})


def purchased(at: int, total: float = 10, **properties: object) -> Event:
    """Return a purchase."""
    return Event(name="purchased", at=at, properties={"order_id": "o1", "items": 1, "total": total, **properties})
