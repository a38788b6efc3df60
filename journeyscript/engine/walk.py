"""One enrollment on its way through the machine during one input.

A `Walk` is the working memory of `step`: it starts from a frozen enrollment, moves until the enrollment rests or
ends, and gives a frozen outcome. It lives no longer than the call.
"""

import msgspec

from journeyscript.engine.calendar import whole_second
from journeyscript.engine.chance import draw_arm
from journeyscript.engine.program import Condition, Program, Step
from journeyscript.engine.sending import Asked, Hold, decide_send, skip
from journeyscript.engine.timers import Fixed, Passed, set_timer
from journeyscript.engine.values import (
    Decision,
    Effect,
    EmitEvent,
    Enrollment,
    EnterJourney,
    Event,
    Facts,
    Outcome,
    SendMessage,
    SetAttributes,
    SkipMessage,
    Slot,
    Status,
)
from journeyscript.machine.model import ENTERED, Always, Arm, Assign, Emit, Enter, If, Lap, NotSent, Send, When
from journeyscript.semantics.types import Instant, Value

SPARE_MOVES = 1_000
"""Every loop of a sound machine rests, so nobody moves more often at once than it has states. One that moves this
many times more is broken; its enrollment fails instead of hanging."""

NOTABLY_LATE = 60_000
"""A timer that fires this many milliseconds after it was due says so in the trace."""

Values = tuple[tuple[str, Value], ...]


class Walk:
    """The state of one call of `step`. `enrollment` is as it came in; what moves stands beside it."""

    __slots__ = (
        "_late", "_sent", "deadline", "due_at", "effects", "ended_at", "enrollment", "event", "facts", "goal_at",
        "held", "laps", "look_at", "now", "program", "reason", "since", "state", "status", "trace", "visit",
    )  # fmt: skip

    def __init__(
        self, program: Program, enrollment: Enrollment, event: Event | None, facts: Facts, now: Instant
    ) -> None:
        self.program, self.facts, self.event, self.now = program, facts, event, now
        self.enrollment = enrollment
        self.state, self.visit = enrollment.state, enrollment.visit
        self.since, self.due_at, self.deadline = enrollment.since, enrollment.over_at, enrollment.deadline
        self.look_at = None if enrollment.until is None else enrollment.due_at
        self.laps, self.goal_at, self.held = enrollment.laps, enrollment.goal_at, enrollment.held
        self.status, self.reason, self.ended_at = enrollment.status, enrollment.reason, enrollment.ended_at
        self.effects: list[Effect] = []
        self.trace: list[Decision] = []
        self._sent: SendMessage | SkipMessage | None = None
        self._late = 0

    def outcome(self) -> Outcome:
        """Return what the call has come to."""
        look_at = self._next_look()
        if not self.trace and look_at == self.look_at:
            return Outcome(enrollment=self.enrollment)
        came = self.enrollment
        moved = Enrollment(
            id=came.id,
            customer=came.customer,
            journey=came.journey,
            version=came.version,
            key=came.key,
            status=self.status,
            state=self.state,
            visit=self.visit,
            entered_at=came.entered_at,
            since=self.since,
            due_at=self.due_at if look_at is None else look_at,
            entry=came.entry,
            laps=self.laps,
            held=self.held,
            deadline=self.deadline,
            until=None if look_at is None else self.due_at,
            goal_at=self.goal_at,
            ended_at=self.ended_at,
            reason=self.reason,
            test=came.test,
        )
        return Outcome(enrollment=moved, effects=tuple(self.effects), trace=tuple(self.trace))

    def _next_look(self) -> Instant | None:
        """Return when to look again at conditions that time alone may change; `None` where the state ends before.

        One look that comes too early costs less than to move it at every input.
        """
        if self.status != "active" or self.due_at is None:
            return None
        timed = self.program.timed + self.program.steps[self.state].timed
        if not timed:
            return None
        moments = [horizon(self.facts, None, self.enrollment, self.now) for horizon in timed]
        first = min((whole_second(moment) for moment in moments if moment is not None), default=None)
        if first is not None and first > self.due_at:
            first = None
        if self.trace or self.look_at is None or self.look_at <= self.now:
            return first
        return self.look_at if first is None else min(self.look_at, first)

    def values(self, *conditions: Condition | None) -> Values:
        """Return what conditions looked at, with the values they saw."""
        seen: list[tuple[str, Value]] = []
        for condition in conditions:
            if condition is not None:
                for text, read in condition.reads:
                    seen.append((text, read(self.facts, self.event, self.enrollment, self.now)))
        return tuple(seen)

    def holds(self, condition: Condition | None) -> bool:
        """Return whether a condition is true; unknown counts as false, none as true."""
        if condition is None:
            return True
        return condition.holds(self.facts, self.event, self.enrollment, self.now) is True

    # What an input can do, in this order ---------------------------------------------------------------------------

    def leave_by_exit(self) -> bool:
        """Leave through the first exit rule that applies to the event in hand, or to the customer as they are."""
        for name, event, condition in self.program.exits:
            if event is not None and (self.event is None or self.event.name != event):
                continue
            if self.holds(condition):
                self._end("exited", name, f"exit {name}", self.values(condition))
                return True
        return False

    def reach_goal(self, event: Event) -> bool:
        """Note the goal where the event reaches it for the first time; return whether that ended the enrollment."""
        goal = self.program.machine.goal
        if goal is None or event.name != goal.event or self.goal_at is not None:
            return False
        if goal.within is not None and event.at > self.enrollment.entered_at + goal.within:
            return False
        if not self.holds(self.program.goal):
            return False
        self.goal_at = event.at
        if goal.exit:
            self._end("exited", "goal", "goal", self.values(self.program.goal))
            return True
        self._note("goal", self.values(self.program.goal))
        return False

    def take_event(self, event: Event) -> None:
        """Take the first transition that waits for this event, or for a condition that holds now."""
        here = self.program.steps[self.state]
        deadline = self.due_at if self.deadline is None else self.deadline
        in_time = event.at >= self.since and (deadline is None or event.at <= deadline)
        for condition, target in here.on.get(event.name, ()) if in_time else ():
            if self.holds(condition):
                self.arrive(target, f"event {event.name}", self.values(condition))
                return
        if event.at < self.since and event.name in self.program.machine.needs.events:
            self._note(f"late {event.name}", (("seconds", (self.since - event.at) // 1000),))
        self.take_change()

    def take_change(self) -> None:
        """Take the first transition that waits for a condition, where it holds now."""
        for condition, target in self.program.steps[self.state].when:
            if self.holds(condition):
                self.arrive(target, "when", self.values(condition))
                return

    def fire(self) -> None:
        """Take what the timer leads to: past the journey's longest life, out of it."""
        due = self.program.steps[self.state].due
        if self.now >= self._expires_at():
            self._end("exited", "expired", "expired", ())
        elif self.look_at is not None and self.look_at <= self.now:
            self.take_change()
        elif self.due_at is None or self.due_at > self.now:
            return
        elif self.held is not None:
            self._release()
        elif due is not None:
            late = self.now - self.due_at
            values = (("late_seconds", late // 1000),) if late >= NOTABLY_LATE else ()
            self.arrive(due, "timer", values, late)

    def leave(self, reason: str) -> None:
        """Leave for a reason that no rule of the machine names."""
        self._end("exited", reason, reason, ())

    # Moving ----------------------------------------------------------------------------------------------------------

    def arrive(self, target: str, rule: str, values: Values, late: int = 0) -> None:
        """Reach a state, and go on from it as far as it goes at once; `late` milliseconds after it should have been."""
        self._late = late
        self._go((target, rule, values))

    def settle(self, target: str, rule: str, timer: Fixed | None, deadline: Instant | None = None) -> None:
        """Stand at a state as if it had been reached when the present one was, and go on where it goes on at once.

        `timer` is when its time is up, `deadline` until when an awaited event counts, where that was fixed before.
        """
        here = self.program.steps[target]
        self.state, self.visit = target, self.visit + 1
        self.due_at, self.deadline = None, deadline
        self._note(rule, ())
        self._rest_until(self._expires_at() if timer is None else timer.at, () if timer is None else timer.values)
        if timer is not None and deadline is None and here.on and self.facts.policies.grace:
            self._be_patient()
        self._go(self._look_back(here) or self._at_once(here))

    def _go(self, onward: tuple[str, str, Values] | None) -> None:
        for _ in range(len(self.program.steps) + SPARE_MOVES):
            if onward is None:
                return
            onward = self._reach(*onward)
        self._end("failed", "endless", "endless", ())

    def _reach(self, target: str, rule: str, values: Values) -> tuple[str, str, Values] | None:
        here = self.program.steps[target]
        self.state, self.visit, self.since = target, self.visit + 1, self.now
        self.due_at = self.deadline = None
        self._note(rule, values)
        final = here.state.final
        if final is not None:
            self.status, self.reason, self.ended_at = final.status, final.reason, self.now
            return None
        if here.state.action is not None:
            if isinstance(here.state.action, Send) and self._leave_by_condition():
                return None
            self._act(here)
            if self.held is not None:
                return None
        passed: Passed | None = None
        if here.state.timer is not None:
            match set_timer(self.program, here, self.enrollment, self.visit, self.event, self.facts, self.now):
                case Fixed(at=at, values=seen):
                    self._rest_until(at, seen)
                    if here.on and self.facts.policies.grace:
                        self._be_patient()
                case Passed() as passed:
                    if passed.leave:
                        self._end("exited", passed.rule.replace(" ", "_"), passed.rule, ())
                        return None
        onward = self._look_back(here) or self._at_once(here)
        if onward is None and passed is not None and here.due is not None:
            return here.due, passed.rule, passed.values
        if onward is None and self.due_at is None:
            self._rest_until(self._expires_at(), ())
        return onward

    def _act(self, here: Step) -> None:
        values = {name: read(self.facts, self.event, self.enrollment, self.now) for name, read in here.assigned}
        match here.state.action:
            case None:
                return
            case Send() as send:
                self._send(send, values)
            case Assign():
                self.effects.append(SetAttributes(values=values))
                self.facts = msgspec.structs.replace(self.facts, attributes={**self.facts.attributes, **values})
            case Emit(event=name):
                self.effects.append(EmitEvent(event=Event(name=name, at=self.now, properties=values)))
            case Enter(journey=journey):
                asked = Event(name=ENTERED, at=self.now, properties=values)
                self.effects.append(EnterJourney(journey=journey, event=asked))

    def _look_back(self, here: Step) -> tuple[str, str, Values] | None:
        """Return where the earliest event leads that is waited for and happened before, as far back as that counts."""
        lookback = here.state.lookback
        if lookback is None:
            return None
        entered = self.enrollment.entry
        start = self.enrollment.entered_at if lookback == "entry" else self.now - lookback
        past = (
            (event.at, order, event, condition, target)
            for order, (name, condition, target) in enumerate(here.awaited)
            for event in self.facts.history.get(name, ())
            if start <= event.at <= self.now and event != entered
        )
        present = self.event
        for _, _, event, condition, target in sorted(past, key=lambda one: one[:2]):
            self.event = event
            if self.holds(condition):
                return target, f"event {event.name}", self.values(condition)
        self.event = present
        return None

    def _be_patient(self) -> None:
        """Wait a little beyond the deadline, for events that kept it and are still on their way."""
        assert self.due_at is not None
        self.deadline = self.due_at
        self.due_at = min(self.due_at + self.facts.policies.grace, whole_second(self._expires_at()))

    def _send(self, send: Send, given: dict[str, Value]) -> bool:
        """Hand the message over or let it go; else rest here until it is decided again, and return `False`."""
        asked = Asked(
            program=self.program,
            send=send,
            step=self.state,
            visit=self.visit,
            enrollment=self.enrollment,
            given=given,
            at=self.since - self._late,
            held=self.held,
        )
        answer = decide_send(asked, self.facts, self.now)
        if isinstance(answer, Hold):
            # A message is as old as its step, though somebody came there late; it gets no younger by waiting.
            self.held, self.since = answer.held, asked.at
            self._rest_until(answer.until, ())
            self._note(f"held {answer.held.reason}", answer.values)
            return False
        self.held, self._sent = None, answer
        self.effects.append(answer)
        if self.facts.policies.caps and isinstance(answer, SendMessage) and answer.kind == "marketing":
            slot = Slot(channel=answer.channel, at=self.now)
            self.facts = msgspec.structs.replace(self.facts, recent=(*self.facts.recent, slot))
        return True

    def _release(self) -> None:
        """Decide again on the message that waited, and go on where it waits no longer."""
        here = self.program.steps[self.state]
        assert self.held is not None
        assert isinstance(here.state.action, Send), "only a send holds anybody"
        self.due_at = None
        if self._send(here.state.action, self.held.given):
            self._go(self._at_once(here))

    def _at_once(self, here: Step) -> tuple[str, str, Values] | None:
        """Return the first transition that needs neither an event nor a timer: (target, rule, values)."""
        if here.straight is not None:
            return here.straight, self._onward(here), ()
        tried: list[Condition] = []
        for number, (trigger, condition, target) in enumerate(here.at_once, 1):
            match trigger:
                case If():
                    assert condition is not None
                    if self.holds(condition):
                        seen = self.values(condition)
                        self._forget_laps(here)
                        return target, f"if {number}", seen
                    tried.append(condition)
                case When():
                    if self.holds(condition):
                        return target, "when", self.values(condition)
                case Arm():
                    return self._drawn(here, trigger)
                case Lap(times=times):
                    gone = self.laps.get(here.state.id, 0)
                    if gone < times:
                        self.laps = {**self.laps, here.state.id: gone + 1}
                        return target, f"lap {gone + 1}", self.values(*tried)
                case NotSent():
                    if isinstance(self._sent, SkipMessage):
                        return target, f"skipped {self._sent.reason}", self._sent.tried
                case Always():
                    return target, self._onward(here), self.values(*tried)
        return None

    def _drawn(self, here: Step, first: Arm) -> tuple[str, str, Values]:
        """Return the transition of the arm that is drawn for the customer, or for the enrollment."""
        unit = self.facts.external_id
        names = (unit,) if first.per == "customer" else (unit, str(self.enrollment.id))
        ways = {arm.arm: (arm.weight, target) for arm, _, target in here.at_once if isinstance(arm, Arm)}
        drawn = draw_arm(((arm, weight) for arm, (weight, _) in ways.items()), first.experiment, *names)
        assert drawn is not None, "the weights of a split add up to 100"
        return ways[drawn][1], f"arm {drawn}", ()

    def _onward(self, here: Step) -> str:
        match here.state.step, self._sent:
            case "send", SendMessage(channel=channel):
                return f"send {channel}"
            case "send", SkipMessage(reason=reason):
                return f"skipped {reason}"
            case "branch", _:
                return "else"
            case "repeat", _:
                self._forget_laps(here)
                return "laps done"
            case _:
                return "done"

    def _forget_laps(self, here: Step) -> None:
        """Let a loop that is left start again from nothing when an outer loop comes round."""
        if here.state.id in self.laps:
            self.laps = {name: n for name, n in self.laps.items() if name != here.state.id}

    def _leave_by_condition(self) -> bool:
        """Leave where an exit condition holds; checked before every send, as a step may have changed the customer."""
        event, self.event = self.event, None
        left = self.leave_by_exit()
        self.event = event
        return left

    def _expires_at(self) -> Instant:
        return self.enrollment.entered_at + self.program.machine.lifetime

    def _rest_until(self, at: Instant, seen: Values) -> None:
        at = min(at, self._expires_at())
        self.due_at = whole_second(at)
        if seen:
            last = self.trace[-1]
            self.trace[-1] = msgspec.structs.replace(last, values=(*last.values, *seen))

    def _note(self, rule: str, values: Values) -> None:
        self.trace.append(Decision(visit=self.visit, state=self.state, at=self.now, rule=rule, values=values))

    def _end(self, status: Status, reason: str, rule: str, values: Values) -> None:
        """End the enrollment where it stands; a message that waits is not sent any more."""
        if self.held is not None:
            send = self.program.steps[self.state].state.action
            assert isinstance(send, Send), "only a send holds anybody"
            self.effects.append(skip(send, self.state, self.visit, "cancelled"))
            self.held = None
        self.status, self.reason, self.ended_at = status, reason, self.now
        self.due_at = self.deadline = None
        self._note(rule, values)
