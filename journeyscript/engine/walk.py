"""One enrollment on its way through the machine during one input.

A `Walk` is the working memory of `step`: it starts from a frozen enrollment, moves until the enrollment rests or
ends, and gives a frozen outcome. It lives no longer than the call.
"""

import msgspec

from journeyscript.engine.calendar import whole_second
from journeyscript.engine.chance import draw
from journeyscript.engine.program import Condition, Program, Step
from journeyscript.engine.sending import decide_send
from journeyscript.engine.timers import Fixed, Passed, set_timer
from journeyscript.engine.values import (
    Decision,
    Effect,
    EmitEvent,
    Enrollment,
    Event,
    Facts,
    Outcome,
    SendMessage,
    SetAttributes,
    SkipMessage,
    Status,
)
from journeyscript.machine.model import Always, Arm, Assign, Emit, If, Lap, NotSent, Send, When
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
        "_sent", "due_at", "effects", "ended_at", "enrollment", "event", "facts", "goal_at", "laps", "now", "program",
        "reason", "since", "state", "status", "trace", "visit",
    )  # fmt: skip

    def __init__(
        self, program: Program, enrollment: Enrollment, event: Event | None, facts: Facts, now: Instant
    ) -> None:
        self.program, self.facts, self.event, self.now = program, facts, event, now
        self.enrollment = enrollment
        self.state, self.visit = enrollment.state, enrollment.visit
        self.since, self.due_at = enrollment.since, enrollment.due_at
        self.laps, self.goal_at = enrollment.laps, enrollment.goal_at
        self.status, self.reason, self.ended_at = enrollment.status, enrollment.reason, enrollment.ended_at
        self.effects: list[Effect] = []
        self.trace: list[Decision] = []
        self._sent: SendMessage | SkipMessage | None = None

    def outcome(self) -> Outcome:
        """Return what the call has come to."""
        if not self.trace:
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
            due_at=self.due_at,
            entry=came.entry,
            laps=self.laps,
            goal_at=self.goal_at,
            ended_at=self.ended_at,
            reason=self.reason,
        )
        return Outcome(enrollment=moved, effects=tuple(self.effects), trace=tuple(self.trace))

    def values(self, *conditions: Condition | None) -> Values:
        """Return what conditions looked at, with the values they saw."""
        return tuple(
            (text, read(self.facts, self.event, self.enrollment, self.now))
            for condition in conditions
            if condition is not None
            for text, read in condition.reads
        )

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
        in_time = event.at >= self.since and (self.due_at is None or event.at <= self.due_at)
        for condition, target in here.on.get(event.name, ()) if in_time else ():
            if self.holds(condition):
                self.arrive(target, f"event {event.name}", self.values(condition))
                return
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
        elif self.due_at is not None and self.due_at <= self.now and due is not None:
            late = self.now - self.due_at
            self.arrive(due, "timer", (("late_seconds", late // 1000),) if late >= NOTABLY_LATE else ())

    # Moving ----------------------------------------------------------------------------------------------------------

    def arrive(self, target: str, rule: str, values: Values) -> None:
        """Reach a state, and go on from it as far as it goes at once."""
        onward: tuple[str, str, Values] | None = (target, rule, values)
        for _ in range(len(self.program.steps) + SPARE_MOVES):
            if onward is None:
                return
            onward = self._reach(*onward)
        self._end("failed", "endless", "endless", ())

    def _reach(self, target: str, rule: str, values: Values) -> tuple[str, str, Values] | None:
        here = self.program.steps[target]
        self.state, self.visit, self.since, self.due_at = target, self.visit + 1, self.now, None
        self._note(rule, values)
        final = here.state.final
        if final is not None:
            self.status, self.reason, self.ended_at = final.status, final.reason, self.now
            return None
        if here.state.action is not None:
            if isinstance(here.state.action, Send) and self._leave_by_condition():
                return None
            self._act(here)
        passed: Passed | None = None
        if here.state.timer is not None:
            match set_timer(self.program, here, self.enrollment, self.visit, self.event, self.facts, self.now):
                case Fixed(at=at, values=seen):
                    self._rest_until(at, seen)
                case Passed() as passed:
                    if passed.leave:
                        self._end("exited", passed.rule.replace(" ", "_"), passed.rule, ())
                        return None
        onward = self._at_once(here)
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
                self._sent = decide_send(
                    self.program, send, here.state.id, self.visit, self.enrollment, self.facts, values
                )
                self.effects.append(self._sent)
            case Assign():
                self.effects.append(SetAttributes(values=values))
                self.facts = msgspec.structs.replace(self.facts, attributes={**self.facts.attributes, **values})
            case Emit(event=name):
                self.effects.append(EmitEvent(event=Event(name=name, at=self.now, properties=values)))

    def _at_once(self, here: Step) -> tuple[str, str, Values] | None:
        """Return the first transition that needs neither an event nor a timer: (target, rule, values)."""
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
                case Arm(experiment=experiment, arm=arm, low=low, high=high, per=per):
                    unit = self.facts.external_id
                    names = (unit,) if per == "customer" else (unit, str(self.enrollment.id))
                    if low <= draw(1_000_000, experiment, *names) < high:
                        return target, f"arm {arm}", ()
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
        """End the enrollment where it stands."""
        self.status, self.reason, self.due_at, self.ended_at = status, reason, None, self.now
        self._note(rule, values)
