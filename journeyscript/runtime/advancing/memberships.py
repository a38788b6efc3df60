"""Who comes into a segment and who leaves it, for the segments that journeys are entered by.

Takes the programs, a customer and what an input touched; gives the changes, found without looking at anybody else: a
segment is looked at when something happened that its condition reads, and at the instant at which time alone may change
it. Starts nobody.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from msgspec import Struct

from journeyscript.engine.calendar import whole_second
from journeyscript.engine.evaluate import Evaluator
from journeyscript.engine.horizon import Horizon
from journeyscript.engine.program import Program
from journeyscript.engine.values import Event, Facts
from journeyscript.machine.canonical import condition_digest
from journeyscript.machine.model import ENTERED, BySegment
from journeyscript.machine.needs import nodes
from journeyscript.semantics import typed
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Changes, Customer, Membership, Store

log = logging.getLogger(__name__)

AT_ONCE = 1_000
"""Customers whose memberships are found in one transaction when a journey is first entered by a segment."""

PREPARED = "segment "
"""What a store's settings call a segment whose members are known, before its name; the value is how far, or `done`."""

_DONE = "done"

Fact: TypeAlias = tuple[str, str]
"""Something of a customer that a condition may read: `("event", "purchased")`, `("attribute", "country")`, consent."""

CONSENT: Fact = ("consent", "")


class Segment(Struct, frozen=True, kw_only=True):
    """A segment that current journeys are entered by, and what its condition reads.

    `starts` are the programs that coming into it (`True`) or leaving it starts, in the order in which they are tried.
    """

    key: str
    holds: Evaluator
    horizon: Horizon | None
    reads: frozenset[Fact]
    starts: dict[bool, tuple[Program, ...]]

    def look(self, customer: int, facts: Facts, at: Instant) -> Membership:
        """Return whether the customer is in it, and when to look again."""
        inside = self.holds(facts, None, None, at) is True
        moment = None if self.horizon is None else self.horizon(facts, None, None, at)
        look_at = None if moment is None else whole_second(moment)
        return Membership(customer=customer, segment=self.key, inside=inside, at=at, look_at=look_at)


Start: TypeAlias = tuple[Program, Event]
"""A program that somebody may enter by coming into a segment or leaving it, and the event of that entry."""


def attributes(values: Iterable[str]) -> Iterator[Fact]:
    """Yield attributes as facts."""
    return (("attribute", name) for name in values)


def segments_of(programs: Iterable[Program]) -> tuple[Segment, ...]:
    """Return the segments that these programs are entered by; a condition is one segment for all who name it."""
    found: dict[str, Segment] = {}
    for program in programs:
        trigger, condition = program.machine.entry.trigger, program.segment
        if not isinstance(trigger, BySegment) or condition is None:
            continue
        key = f"{trigger.name}@{condition_digest(trigger.condition, program.machine.timezone)}"
        segment = found.setdefault(
            key,
            Segment(
                key=key,
                holds=condition.holds,
                horizon=condition.horizon,
                reads=frozenset(_reads(trigger.condition)),
                starts={},
            ),
        )
        inside = trigger.on == "enter"
        segment.starts[inside] = (*segment.starts.get(inside, ()), program)
    return tuple(found.values())


def _reads(condition: typed.Expression) -> Iterator[Fact]:
    for node in nodes(condition):
        match node:
            case typed.Attribute(name=name):
                yield "attribute", name
            case typed.History(event=event):
                yield "event", event
            case typed.Consent():
                yield CONSENT
            case typed.Call(function="days_since" | "days_until"):
                yield "attribute", "timezone"
            case _:
                pass


class Watch:
    """The segments of one customer during one batch. What comes from a customer who is new is all new."""

    def __init__(self, customer: Customer, segments: tuple[Segment, ...]) -> None:
        self._customer, self._segments = customer, {segment.key: segment for segment in segments}
        self._touched: set[Fact] = set()
        self._unseen = customer.new
        self.moved: dict[str, Membership] = {}
        """What is to be kept, by segment."""

    def touch(self, *facts: Fact) -> None:
        """Note that these are other than they were."""
        if self._segments:
            self._touched.update(facts)

    def due(self, until: Instant) -> Instant | None:
        """Return when time alone may first change something, where that is at or before `until`."""
        known = (one for one in self._customer.memberships.values() if one.segment in self._segments)
        moments = (one.look_at for one in known if one.look_at is not None and one.look_at <= until)
        return min(moments, default=None)

    def look(self, facts: Callable[[], Facts], at: Instant, until: Instant) -> list[Start]:
        """Return what may start by what has changed since the last look, the highest priority first.

        What time alone changes is looked at where it was due at or before `until`: other things may be due first.
        """
        if not self._segments or not (self._touched or self._unseen or self.due(until) is not None):
            return []
        touched, unseen = self._touched, self._unseen
        self._touched, self._unseen = set(), False
        starts: list[Start] = []
        for segment in self._segments.values():
            before = self._customer.memberships.get(segment.key)
            timed = before is not None and before.look_at is not None and before.look_at <= until
            if unseen or timed or not touched.isdisjoint(segment.reads):
                starts += self._look(segment, before, facts(), at)
        return sorted(starts, key=lambda start: -start[0].machine.entry.priority)

    def _look(self, segment: Segment, before: Membership | None, facts: Facts, at: Instant) -> Iterator[Start]:
        """Look at a segment as of `at`, or of the last look where that is later."""
        moment = at if before is None else max(at, before.at)
        after = segment.look(self._customer.number, facts, moment)
        was = before is not None and before.inside
        if not _says_enough(before, after):
            self._customer.memberships = {**self._customer.memberships, segment.key: after}
            self.moved[segment.key] = after
        if was is not after.inside:
            yield from ((program, Event(name=ENTERED, at=moment)) for program in segment.starts.get(after.inside, ()))


def _says_enough(before: Membership | None, after: Membership) -> bool:
    """Return whether what is kept need not be written anew: a look that comes too early costs less than to move it."""
    if before is None or before.inside is not after.inside:
        return before is None and after.idle
    if before.look_at is None or after.look_at is None:
        return before.look_at is after.look_at
    return after.at < before.look_at <= after.look_at


def prepare(store: Store, segments: tuple[Segment, ...], at: Instant) -> None:
    """Find the members of segments that no journey was entered by before, a batch at a time, and start nobody.

    What a process that was stopped had found stays; those that no journey is entered by any more are forgotten.
    """
    progress = {name: value for name, value in store.settings().items() if name.startswith(PREPARED) and value}
    wanted = {PREPARED + segment.key: segment for segment in segments}
    for name in progress.keys() - wanted.keys():
        store.forget_segment(name.removeprefix(PREPARED))
        store.note(**{name: ""})
    for name, segment in wanted.items():
        if progress.get(name) != _DONE:
            log.info("looking at every customer once for the segment %s", name)
            _prepare(store, segment, name, int(progress.get(name, "0")), at)


def _prepare(store: Store, segment: Segment, name: str, after: int, at: Instant) -> None:
    while numbers := store.numbers(after, AT_ONCE):
        customers = store.load((), numbers, history=True).values()
        store.commit(Changes(memberships=[_as_of(segment, customer, at) for customer in customers]))
        after = numbers[-1]
        store.note(**{name: str(after)})
    store.note(**{name: _DONE})


def _as_of(segment: Segment, customer: Customer, at: Instant) -> Membership:
    """Return a membership as of an instant, or of the last that happened to the customer, whichever is later."""
    last = max((events[-1].at for events in customer.history.values() if events), default=at)
    return segment.look(customer.number, bare_facts(customer), max(at, last))


def bare_facts(customer: Customer) -> Facts:
    """Return what a segment's condition may look at."""
    return Facts(
        external_id=customer.external_id,
        attributes=customer.attributes,
        consent=customer.consent,
        history=customer.history,
    )


def look_silently(store: Store, segments: tuple[Segment, ...], external_id: str, at: Instant) -> None:
    """Find anew which segments a customer is in, starting nothing: after a merge, which is no event of theirs."""
    if not segments:
        return
    for customer in store.load([external_id], (), history=True, memberships=True).values():
        if not customer.new:
            store.commit(Changes(memberships=[_as_of(segment, customer, at) for segment in segments]))
