"""One recorded enrollment through a version of its journey, by itself, on the path that production takes.

Takes what a store has of a customer; gives what is decided and sent on virtual time. Others of the customer's
enrollments are as they were recorded, and whoever came in comes in. A store keeps the profile as it is now: it counts
from the start. Writes nothing.
"""

from collections.abc import Iterator
from functools import partial

from msgspec import Struct

from journeyscript.engine.entry import RefusalReason, Refused, asked, enroll, is_held_out
from journeyscript.engine.values import Decision, Enrollment, Event, Facts, Outcome, Slot
from journeyscript.machine.model import Machine
from journeyscript.runtime.advancing.progress import Progress
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.intake.records import Incoming
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Changes, Customer, KeptEvent, Story


class Lived(Struct, frozen=True, kw_only=True):
    """A customer with all that is recorded of them; `events` are in the order of time."""

    story: Story
    events: tuple[KeptEvent, ...]


class Way(Struct, frozen=True, kw_only=True):
    """How an enrollment went: what was decided, which messages were sent and when, and where it stands.

    `refused` says why the entry as it is in this version would not have asked the customer in.
    """

    machine: Machine
    refused: RefusalReason | None
    decisions: tuple[Decision, ...]
    messages: tuple[tuple[str, Instant], ...]
    enrollment: Enrollment


def passage(rules: Rules, version: str, recorded: Enrollment, lived: Lived, until: Instant) -> Way:
    """Return how an enrollment goes in a version up to `until`; no program of `rules` takes new entries."""
    return _Passage(rules, version, recorded, lived).go(until)


class _Passage:
    """One enrollment on its way."""

    def __init__(self, rules: Rules, version: str, recorded: Enrollment, lived: Lived) -> None:
        self._rules, self._program = rules, rules.programs[version]
        self._recorded, self._lived = recorded, lived
        self._refused: RefusalReason | None = None

    def go(self, until: Instant) -> Way:
        before, after = self._events()
        customer = self._customer(before)
        changes = Changes()
        progress = Progress(customer, self._rules, changes, {}, until)
        progress.transfer(lambda bare, decide: decide(partial(self._enter, bare)))
        for at, what in sorted(self._moments(after, until), key=lambda one: one[0]):
            if isinstance(what, Slot):
                customer.recent = (*customer.recent, what)
            progress.take(self._told(at, what))
        progress.fire_until(until)
        sent = (one for one in changes.sends if one.status != "skipped")
        return Way(
            machine=self._program.machine,
            refused=self._refused,
            decisions=tuple(one.decision for one in changes.decisions),
            messages=tuple((one.message, one.created_at) for one in sent),
            enrollment=progress.moved[self._recorded.id],
        )

    def _enter(self, bare: Enrollment, facts: Facts) -> Outcome:
        entry, at = self._recorded.entry, self._recorded.entered_at
        answer = asked(self._program, entry, facts, at)
        self._refused = answer.reason if isinstance(answer, Refused) else None
        return enroll(
            self._program,
            number=bare.id,
            customer=bare.customer,
            key=bare.key,
            event=entry,
            facts=facts,
            now=at,
            held_out=is_held_out(self._program, facts),
        )

    def _events(self) -> tuple[list[Event], list[KeptEvent]]:
        """Return what had happened at the entry, and what was still to come without the journey's own doing."""
        entry, at = self._recorded.entry, self._recorded.entered_at
        events = self._lived.events
        come = sum(one.event.at <= at for one in events)
        started = next((place for place, one in enumerate(events) if one.event == entry and entry.at == at), None)
        behind = come if started is None else started + 1
        own = f"journey:{self._recorded.journey}"
        return [one.event for one in events[:behind]], [one for one in events[behind:] if one.source != own]

    def _customer(self, before: list[Event]) -> Customer:
        known, recorded = self._lived.story.customer, self._recorded
        history: dict[str, list[Event]] = {}
        for event in before:
            if event.name in self._rules.programs.history:
                history.setdefault(event.name, []).append(event)
        bare = Enrollment(
            id=recorded.id,
            customer=recorded.customer,
            journey=recorded.journey,
            version=self._program.version,
            key=recorded.key,
            state=self._program.machine.initial,
            visit=0,
            entered_at=recorded.entered_at,
            since=recorded.entered_at,
            entry=recorded.entry,
        )
        return Customer(
            number=known.number,
            external_id=known.external_id,
            new=False,
            attributes=known.attributes,
            consent=known.consent,
            suppressed=known.suppressed,
            enrollments=[bare],
            last_entries={},
            next_enrollment=0,
            history=history,
            recent=tuple(slot for slot in self._slots() if slot.at <= recorded.entered_at),
        )

    def _slots(self) -> Iterator[Slot]:
        """Yield what other enrollments of the customer sent that counts against caps."""
        if not self._rules.policies.caps:
            return
        for one in self._lived.story.sends:
            taken = one.kind == "marketing" and one.status not in {"skipped", "failed"}
            if taken and one.enrollment != self._recorded.id:
                yield Slot(channel=one.channel, at=one.created_at)

    def _moments(self, after: list[KeptEvent], until: Instant) -> Iterator[tuple[Instant, KeptEvent | Slot]]:
        yield from ((one.event.at, one) for one in after if one.event.at <= until)
        yield from ((slot.at, slot) for slot in self._slots() if self._recorded.entered_at < slot.at <= until)

    def _told(self, at: Instant, what: KeptEvent | Slot) -> Incoming:
        """Return a record of what comes next; with a message of another journey, the profile is looked at anew."""
        known, other = self._lived.story.customer, isinstance(what, Slot)
        return Incoming(
            customer=known.external_id,
            at=at,
            event=what.event if isinstance(what, KeptEvent) else None,
            attributes=known.attributes if other else {},
            consent=known.consent if other else {},
            source=what.source if isinstance(what, KeptEvent) else "",
            source_id=None,
            position="",
        )
