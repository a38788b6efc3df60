"""One customer during one batch: what happens to them, in the order of time, and all that it changes.

Takes a customer as loaded; asks the engine about every event, timer and start, and notes what it answers in the changes
of the batch. Knows no store.
"""

import logging
from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec
from msgspec import Struct

from journeyscript.engine.calendar import local_text
from journeyscript.engine.entry import (
    UNREMARKABLE,
    Admitted,
    Refreshes,
    Refused,
    Standing,
    admit,
    enroll,
    latest_start,
    make_room,
    refresh,
    request_problem,
    stop,
)
from journeyscript.engine.program import Program
from journeyscript.engine.step import step
from journeyscript.engine.values import (
    EmitEvent,
    Enrollment,
    EnterJourney,
    Event,
    Facts,
    Input,
    Outcome,
    ProfileChanged,
    SendMessage,
    SetAttributes,
    SkipMessage,
    Slot,
    TimerFired,
)
from journeyscript.machine.model import ENTERED
from journeyscript.runtime.advancing import dates
from journeyscript.runtime.advancing.leaving import failed, kept_send
from journeyscript.runtime.advancing.listed import Deciding, decided
from journeyscript.runtime.advancing.memberships import CONSENT, Watch, attributes
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.intake.records import Incoming
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import (
    ENROLLMENTS_PER_CUSTOMER,
    FUTURE_EVENT,
    Changes,
    Customer,
    KeptDecision,
    KeptEvent,
    Membership,
    Refusal,
    Rejected,
)
from journeyscript.stores.taken import and_also

Decide: TypeAlias = Callable[[Deciding], Outcome]
Move: TypeAlias = Callable[[Enrollment, Decide], Outcome | None]
"""What becomes of an enrollment that another version of its journey may take over; it is decided by what is given."""

MOST_EMITTED = 100
"""Events that one input may cause through `emit` and `enter`; more of them is a cycle between journeys."""

NOTABLY_AHEAD = 60_000
"""An event whose time is this many milliseconds ahead of the clock is told of; less is how clocks differ."""

Queue: TypeAlias = "deque[Upcoming]"
"""Events that are still to happen, the next one first."""

log = logging.getLogger(__name__)


class Upcoming(Struct, frozen=True, kw_only=True):
    """An event that is still to happen, its source, and the source's own id for it.

    `enters` is the journey that it asks to let the customer in; empty where it asks none by name.
    """

    event: Event
    source: str
    source_id: str | None = None
    enters: str = ""


class Starting(Struct, frozen=True, kw_only=True):
    """A journey that begins for these customers, though no event of theirs starts it now.

    `at` is when it begins. `late`: those come in who were there before the journey, on the latest event that would have
    started it where it is one that events start.
    """

    journey: str
    numbers: Sequence[int]
    at: Instant
    late: bool = False


class Progress:
    """One customer during one batch.

    `crowds` says how many are in each journey that only so many can be in; all customers of the batch share it.
    """

    def __init__(
        self, customer: Customer, rules: Rules, changes: Changes, crowds: dict[str, int], now: Instant
    ) -> None:
        self.customer, self.rules, self.changes, self.crowds, self.now = customer, rules, changes, crowds, now
        self.active = {enrollment.id: enrollment for enrollment in customer.enrollments}
        self.moved: dict[int, Enrollment] = {}
        self.changed = customer.new
        self.watch = Watch(customer, rules.programs.segments)
        self.appointments: list[Membership] = []
        self._facts: Facts | None = None
        self._timed_until: Instant | None = None
        """While overdue timers fire: up to when segments are looked at for the passing of time, each in its turn."""

    def take(self, item: Incoming) -> None:
        """Take a record in: the profile first, then whoever is inside, then entries, all at the record's time."""
        if item.event is None and item.source_id is not None and (item.attributes or item.consent):
            taken = and_also(self.customer.taken, item.source, item.source_id)
            if taken is None:
                return
            self.customer.taken = taken
        at = min(item.at, self.now)
        self.fire_until(at - 1, at)
        if item.attributes or item.consent:
            self._update(item)
        if item.event is None:
            self._look_again(at)
            self._arrange(at)
            return
        event = item.event if at == item.at else msgspec.structs.replace(item.event, at=at)
        if item.at - at >= NOTABLY_AHEAD:
            self._refuse(event, FUTURE_EVENT, detail=local_text(item.at, "UTC"))
        first = Upcoming(event=event, source=item.source, source_id=item.source_id)
        self._drain(deque([first]), may_start=not self._stale(at))
        if item.enters:
            self._begin(item.enters, event, at, item.source)
        self._arrange(at)

    def start(self, starting: Starting) -> None:
        """Let a journey begin that no event of the customer starts now."""
        self.fire_until(starting.at)
        program, event = self.rules.programs.started[starting.journey], Event(name=ENTERED, at=starting.at)
        if starting.late and program.machine.entry.trigger is None:
            event = latest_start(program, self._facts_now()) or event
        self._begin(starting.journey, event, starting.at, ENTERED)

    def _begin(self, journey: str, event: Event, at: Instant, source: str) -> None:
        """Ask one journey to let the customer in, and let happen what that causes."""
        program = self.rules.programs.started.get(journey)
        if program is not None:
            queue: Queue = deque()
            self._admit(program, event, source, queue, stale=self._stale(at), at=at)
            self._enter_by_segment(at, queue)
            self._drain(queue, may_start=True)

    def _stale(self, at: Instant) -> bool:
        return not self.rules.virtual and at < self.now - self.rules.max_event_age

    def _arrange(self, at: Instant) -> None:
        """Find anew when journeys that start by a date are due, from `at` on."""
        if dated := self.rules.programs.dated:
            since = at if self.rules.virtual else self.now
            self.appointments += dates.arrange(dated, self.customer, self._facts_now(), since - 1)

    def _keep_date(self, due: Instant, journey: str) -> None:
        """Let a journey begin whose date has come, and find its next one."""
        program = next((one for one in self.rules.programs.dated if one.machine.journey == journey), None)
        if program is not None:
            self._begin(journey, Event(name=ENTERED, at=due), due, ENTERED)
        self.appointments.append(dates.done(self.customer, program, journey, self._facts_now(), due))

    def _look_again(self, at: Instant) -> None:
        """Let those who wait for a condition, or would leave by one, see the profile as it is now."""
        queue: Queue = deque()
        for enrollment in list(self.active.values()):
            if self.rules.programs.may_change(enrollment.version):
                self._apply(enrollment, ProfileChanged(at=at), at, queue)
        self._enter_by_segment(at, queue)
        self._drain(queue, may_start=True)

    def fire_until(self, until: Instant, at: Instant | None = None) -> None:
        """Fire what is due at or before `until`, earliest first, and what becomes due by that.

        `at` is when a late timer counts as fired on the wall clock: now, or just before the event that follows.
        """
        while True:
            first = self._first_due(until)
            due = None if first is None else first.due_at
            if self.customer.memberships:
                look, date = self.watch.due(until), dates.due_date(self.customer, until)
                due = min((moment for moment in (look, due) if moment is not None), default=None)
                if date is not None and (due is None or date[0] < due):
                    self._keep_date(*date)
                    continue
            if due is None:
                return
            moment = due if self.rules.virtual else max(due, until if at is None else at)
            emitted: Queue = deque()
            self._timed_until = due
            if first is not None and first.due_at == due:
                self._timed_until = due - 1
                self._apply(first, TimerFired(visit=first.visit), moment, emitted)
            self._enter_by_segment(moment, emitted)
            self._drain(emitted, may_start=True)
            self._timed_until = None
            self._arrange(moment)

    def _first_due(self, until: Instant) -> Enrollment | None:
        """Return the enrollment whose time is up first, at or before `until`; a journey that is paused has none."""
        first: Enrollment | None = None
        for one in self.active.values():
            if one.due_at is None or one.due_at > until or self.rules.paused(one.journey):
                continue
            if first is None or (one.due_at, one.id) < (first.due_at or 0, first.id):
                first = one
        return first

    def let_go(self, journey: str) -> None:
        """Let the customer leave a journey that was stopped."""
        for enrollment in list(self.active.values()):
            if enrollment.journey == journey:
                program = self.rules.programs[enrollment.version]
                self._absorb(stop(program, enrollment, self._facts_now(), self.now), deque())

    def transfer(self, move: Move) -> None:
        """Move the customer's enrollments into other versions, and let happen what they cause on arrival."""
        for enrollment in list(self.active.values()):
            outcome = move(enrollment, self._decided)
            if outcome is not None:
                emitted: Queue = deque()
                self._absorb(outcome, emitted)
                self._drain(emitted, may_start=True)

    def finish(self) -> None:
        """Hand over what changed of the customer."""
        self.changes.enrollments += self.moved.values()
        if not self.appointments:
            self._arrange(self.now)
        if self.watch.moved or self.appointments:
            appointments = {one.segment: one for one in self.appointments}
            self.changes.memberships += (*self.watch.moved.values(), *appointments.values())
        if self.changed:
            self.changes.customers.append(self.customer)

    def _update(self, item: Incoming) -> None:
        self.customer.attributes = {**self.customer.attributes, **item.attributes}
        self.customer.consent = {**self.customer.consent, **item.consent}
        self.changed, self._facts = True, None
        self.watch.touch(*attributes(item.attributes), *((CONSENT,) if item.consent else ()))

    def _drain(self, queue: "Queue", *, may_start: bool) -> None:
        """Let events happen, and those that they cause, one after the other."""
        happened = 0
        while queue:
            one = queue.popleft()
            if happened > MOST_EMITTED:
                # The trigger cycle is cut here; the events that would have gone on are kept with the reason.
                reason = f"one input caused more than {MOST_EMITTED} events: journeys start each other"
                self._reject(one.event, one.source, reason, enters=one.enters)
                continue
            happened += 1
            self._happen(one.event, one.source, one.source_id, queue=queue, may_start=may_start)
            if one.enters:
                self._enter(one, queue, may_start=may_start)

    def _enter(self, asked: Upcoming, queue: "Queue", *, may_start: bool) -> None:
        """Ask the journey that a step names to let the customer in."""
        program = self.rules.programs.started.get(asked.enters)
        missing = f"`{asked.enters}` does not run, so nobody can enter it"
        problem = missing if program is None else request_problem(program, asked.event)
        if program is None or problem is not None:
            self._reject(asked.event, asked.source, problem or missing, enters=asked.enters)
            return
        self._admit(program, asked.event, asked.source, queue, stale=not may_start)
        self._enter_by_segment(asked.event.at, queue, stale=not may_start)

    def _reject(self, event: Event, source: str, reason: str, *, enters: str = "") -> None:
        asked = {"type": "enter", "journey": enters} if enters else {"event": event.name}
        record = {**asked, "customer": self.customer.external_id, "properties": event.properties}
        raw = msgspec.json.encode({**record, "time": event.at}).decode()
        self.changes.rejected.append(Rejected(source=source, position="", received_at=self.now, reason=reason, raw=raw))

    def _happen(self, event: Event, source: str, source_id: str | None, *, queue: "Queue", may_start: bool) -> None:
        self._keep(event, source, source_id)
        for enrollment in list(self.active.values()):
            if self.rules.programs.may_move(enrollment.version, event.name):
                self._apply(self.active.get(enrollment.id, enrollment), event, event.at, queue)
        for program in self.rules.programs.entering.get(event.name, ()):
            self._admit(program, event, source, queue, stale=not may_start)
        # Told of history, a customer is where it has led them by now, and what time brought on the way starts nothing.
        self._enter_by_segment(event.at if may_start else self.now, queue, stale=not may_start)

    def _enter_by_segment(self, at: Instant, queue: "Queue", *, stale: bool = False) -> None:
        """Let in those journeys that are entered by a segment the customer came into, or left, by what happened."""
        until = at if self._timed_until is None else self._timed_until
        for _ in range(MOST_EMITTED):
            starts = self.watch.look(self._facts_now, at, until)
            if not starts:
                return
            for program, event in starts:
                self._admit(program, event, event.name, queue, stale=stale)
        what = f"one input caused more than {MOST_EMITTED} changes of segments: journeys start each other"
        self._reject(Event(name=ENTERED, at=at), ENTERED, what)

    def _keep(self, event: Event, source: str, source_id: str | None) -> None:
        needed = event.name in self.rules.programs.history
        self.watch.touch(("event", event.name))
        self.changes.events.append(
            KeptEvent(
                customer=self.customer.number,
                event=event,
                received_at=self.now,
                source=source,
                source_id=source_id,
                needed=needed,
            )
        )
        if needed:
            insort(self.customer.history.setdefault(event.name, []), event, key=lambda e: e.at)

    def _facts_now(self) -> Facts:
        if self._facts is None:
            customer, listed = self.customer, self.rules.listed
            suppressed = customer.suppressed
            if listed is not None:
                suppressed |= listed.of(customer.external_id, customer.attributes)
            self._facts = Facts(
                external_id=customer.external_id,
                attributes=customer.attributes,
                consent=customer.consent,
                history=customer.history,
                suppressed=suppressed,
                channels=self.rules.channels,
                policies=self.rules.policies,
                recent=customer.recent,
                controls=self.rules.controls,
            )
        return self._facts

    def _decided(self, deciding: Deciding) -> Outcome:
        return decided(deciding, self._facts_now(), self.rules.listed)

    def _apply(self, enrollment: Enrollment, happened: Input, now: Instant, queue: "Queue") -> None:
        program = self.rules.programs[enrollment.version]
        try:
            outcome = self._decided(lambda facts: step(program, enrollment, happened, facts, now))
        except Exception:
            # `step` is total; should it ever not be, one customer fails and all others go on.
            log.exception("an enrollment of %s failed at %s", enrollment.journey, enrollment.state)
            outcome = failed(program, enrollment, now)
        self._absorb(outcome, queue)

    def _admit(
        self, program: Program, event: Event, source: str, queue: "Queue", *, stale: bool, at: Instant | None = None
    ) -> None:
        """Let the customer in where the journey does; `at` is when, where that is not the event's own time."""
        customer, journey, at = self.customer, program.machine.journey, event.at if at is None else at
        try:
            answer = admit(program, event, self._facts_now(), at, self._standing(journey, at, stale=stale))
            renewed = self._renewed(answer, event, at)
        except Exception:
            log.exception("the entry of %s failed", journey)
            self._reject(event, source, f"the entry of `{journey}` failed: nobody was let in")
            return
        if isinstance(renewed, Outcome):
            self._absorb(renewed, queue)
        for refused in (answer, renewed):
            if isinstance(refused, Refused) and refused.reason not in UNREMARKABLE:
                self._refuse(event, refused.reason, journey)
        if isinstance(answer, Admitted):
            number = customer.number * ENROLLMENTS_PER_CUSTOMER + customer.next_enrollment
            customer.next_enrollment += 1
            customer.last_entries = {**customer.last_entries, (journey, answer.key): at}
            self._absorb(self._enroll(program, number, answer, event, at), queue)
        elif isinstance(renewed, Outcome) and self.rules.programs.may_change(renewed.enrollment.version):
            # A condition that is waited for may look at what the customer entered on.
            self._apply(renewed.enrollment, ProfileChanged(at=at), at, queue)

    def _standing(self, journey: str, at: Instant, *, stale: bool) -> Standing:
        return Standing(
            inside={(e.journey, e.key): e for e in self.active.values()},
            last_entries=self.customer.last_entries,
            last_exits=self.customer.last_exits,
            groups=self.rules.programs.groups,
            active=self.crowds.get(journey, 0),
            stale=stale,
            test=self.rules.is_test(self._facts_now(), at),
        )

    def _renewed(self, answer: Admitted | Refreshes | Refused, event: Event, at: Instant) -> Outcome | Refused | None:
        """Return what becomes of the enrollment that the customer is inside of: its end, or its new data."""
        match answer:
            case Admitted(ends=Enrollment() as current):
                return make_room(self.rules.programs[current.version], current, self._facts_now(), at)
            case Refreshes(enrollment=current):
                program = self.rules.programs[current.version]
                return refresh(program, current, event, self._facts_now(), at)
            case _:
                return None

    def _refuse(self, event: Event, reason: str, journey: str = "", detail: str = "") -> None:
        self.changes.refusals.append(
            Refusal(
                customer=self.customer.number,
                at=event.at,
                event=event.name,
                journey=journey,
                reason=reason,
                detail=detail,
                test=self.rules.is_test(self._facts_now(), event.at),
            )
        )

    def _enroll(self, program: Program, number: int, admitted: Admitted, event: Event, at: Instant) -> Outcome:
        customer = self.customer.number
        try:
            return self._decided(
                lambda facts: enroll(
                    program,
                    number=number,
                    customer=customer,
                    key=admitted.key,
                    event=event,
                    facts=facts,
                    now=at,
                    held_out=admitted.held_out,
                    test=admitted.test,
                )
            )
        except Exception:
            journey, initial = program.machine.journey, program.machine.initial
            log.exception("an enrollment of %s failed at its entry", journey)
            return failed(
                program,
                Enrollment(
                    id=number,
                    customer=customer,
                    journey=journey,
                    version=program.version,
                    key=admitted.key,
                    state=initial,
                    visit=0,
                    entered_at=at,
                    since=at,
                    entry=event,
                    test=admitted.test,
                ),
                at,
            )

    def _absorb(self, outcome: Outcome, queue: "Queue") -> None:
        enrollment = outcome.enrollment
        if not outcome.trace and self.active.get(enrollment.id) == enrollment:
            return
        self.moved[enrollment.id] = enrollment
        was, journey = enrollment.id in self.active, enrollment.journey
        if enrollment.status == "active":
            self.active[enrollment.id] = enrollment
        else:
            self.active.pop(enrollment.id, None)
            ended = enrollment.since if enrollment.ended_at is None else enrollment.ended_at
            self.customer.last_exits = {**self.customer.last_exits, (journey, enrollment.key): ended}
        if journey in self.crowds and not enrollment.test:
            self.crowds[journey] += (enrollment.status == "active") - was
        self.changes.decisions += [KeptDecision(enrollment=enrollment.id, decision=d) for d in outcome.trace]
        moment = outcome.trace[-1].at if outcome.trace else self.now
        for effect in outcome.effects:
            match effect:
                case SendMessage() | SkipMessage():
                    self.changes.sends.append(kept_send(enrollment, effect, moment))
                    self._count(effect, moment)
                case SetAttributes(values=values):
                    self.customer.attributes = {**self.customer.attributes, **values}
                    self.changed, self._facts = True, None
                    self.watch.touch(*attributes(values))
                case EmitEvent(event=event):
                    queue.append(Upcoming(event=event, source=f"journey:{journey}"))
                case EnterJourney(journey=target, event=event):
                    queue.append(Upcoming(event=event, source=f"journey:{journey}", enters=target))

    def _count(self, effect: SendMessage | SkipMessage, moment: Instant) -> None:
        """Take a slot of the frequency caps for a marketing message; it is given back where the send fails."""
        if self.rules.policies.caps and isinstance(effect, SendMessage) and effect.kind == "marketing":
            slot = Slot(channel=effect.channel, at=max(moment, self.rules.waiting_at(self.now)))
            self.customer.recent = (*self.customer.recent, slot)
            self._facts = None
