"""Two stores that took in the same past: who received what in one of them and not in the other, or at another time.

Takes two stores, and gives counts, the reasons of those who did not receive something, and examples with the decision
at which their two ways part. Chooses no form.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Literal, TypeAlias

from msgspec import Struct

from journeyscript.engine.calendar import local_text
from journeyscript.engine.values import Decision, Enrollment
from journeyscript.machine.wording import refusal_in_words
from journeyscript.runtime.backtest.past import BATCH, names_of
from journeyscript.runtime.reporting.explain import explain
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Deployment, KeptSend, Store, Story

Kind: TypeAlias = Literal["only_now", "only_before", "moved"]
KINDS: tuple[Kind, ...] = ("only_now", "only_before", "moved")

NOTABLE = 300_000
"""Milliseconds by which a message has to come at another time: a live run decides a little after the event."""

_UNSENT = frozenset({"skipped", "failed"})


class Reason(Struct, frozen=True, kw_only=True):
    """Why how many did not receive a message, on the side on which they did not."""

    kind: Kind
    reason: str
    count: int


class Parting(Struct, frozen=True, kw_only=True):
    """Where the ways of one customer part: the step, when they came to it, and why, on either side."""

    before: str
    now: str


class Example(Struct, frozen=True, kw_only=True):
    """A customer to whom it makes a difference; times are ISO 8601 in the project's zone, `None`: not at all."""

    kind: Kind
    customer: str
    before: str | None
    now: str | None
    reason: str
    parting: Parting | None


class MessageChange(Struct, frozen=True, kw_only=True):
    """A message of a journey: how many were sent before and now, and what is different."""

    journey: str
    message: str
    before: int
    now: int
    only_now: int
    only_before: int
    moved: int
    reasons: tuple[Reason, ...]
    examples: tuple[Example, ...]

    @property
    def different(self) -> bool:
        """Whether anybody receives anything else."""
        return bool(self.only_now or self.only_before or self.moved)


class Comparison(Struct, frozen=True, kw_only=True):
    """What is different, by message; `test_customers` were sent messages on either side, and are left out of it."""

    messages: tuple[MessageChange, ...]
    test_customers: int


class Period(Struct, frozen=True, kw_only=True):
    """The time that is looked at, both ends included, and the zone in which it is told."""

    since: Instant
    until: Instant
    zone: str

    def has(self, send: KeptSend | None) -> bool:
        """Return whether a message fell into it."""
        return send is not None and self.since <= send.created_at <= self.until


_Pair: TypeAlias = tuple[KeptSend | None, KeptSend | None]
_Key: TypeAlias = tuple[str, str]


def compare(before: Store, now: Store, period: Period, examples: int) -> Comparison:
    """Return every message that either side sent to people in the period, by journey and message.

    Messages of one customer belong together where the same entry led to them, and else in the order of time. `examples`
    customers at the most are told of each difference. Who is a test customer on either side is left out.
    """
    sides = _Side(before, period), _Side(now, period)
    tests = sides[0].tests | sides[1].tests
    customers = sorted((sides[0].received.keys() | sides[1].received.keys()) - tests)
    counts: dict[_Key, _Count] = defaultdict(lambda: _Count(examples))
    for customer in customers:
        one, other = (side.received.get(customer, {}) for side in sides)
        for key in sorted(one.keys() | other.keys()):
            was, comes = one.get(key, []), other.get(key, [])
            count = counts[key]
            count.before += sum(map(period.has, was))
            count.now += sum(map(period.has, comes))
            if len(was) == len(comes) and all(_alike(*pair) for pair in zip(was, comes, strict=True)):
                continue
            told = _Told(customer, sides)
            for pair in told.pairs(was, comes):
                if any(map(period.has, pair)):
                    count.add(key, told, pair)
    messages = tuple(count.change(key) for key, count in sorted(counts.items()) if count.before or count.now)
    return Comparison(messages=messages, test_customers=len(tests))


class _Count:
    """What was counted of one message."""

    def __init__(self, examples: int) -> None:
        self.before = self.now = 0
        self._most = examples
        self._kinds: Counter[Kind] = Counter()
        self._reasons: Counter[tuple[Kind, str]] = Counter()
        self._examples: list[Example] = []

    def add(self, key: _Key, told: "_Told", pair: _Pair) -> None:
        was, comes = pair
        kind: Kind = "only_now" if was is None else "only_before" if comes is None else "moved"
        reason = told.reason(key, pair)
        self._kinds[kind] += 1
        if reason:
            self._reasons[kind, reason] += 1
        if self._kinds[kind] <= self._most:
            self._examples.append(told.example(kind, pair, reason))

    def change(self, key: _Key) -> MessageChange:
        ordered = sorted(self._reasons.items(), key=lambda one: (KINDS.index(one[0][0]), -one[1], one[0][1]))
        return MessageChange(
            journey=key[0],
            message=key[1],
            before=self.before,
            now=self.now,
            only_now=self._kinds["only_now"],
            only_before=self._kinds["only_before"],
            moved=self._kinds["moved"],
            reasons=tuple(Reason(kind=kind, reason=reason, count=count) for (kind, reason), count in ordered),
            examples=tuple(sorted(self._examples, key=lambda one: KINDS.index(one.kind))),
        )


class _Side:
    """One of the two stores: who received what in it up to the end of the period, in the order of time."""

    def __init__(self, store: Store, period: Period) -> None:
        self.store, self.period = store, period
        self.deployments: dict[str, Deployment] = store.deployments()[0]
        names = names_of(store)
        self.received: dict[str, dict[_Key, list[KeptSend]]] = {}
        self.tests: set[str] = set()
        for send in _sends(store):
            # Whoever is gone is left out, on both sides: nobody can say who they were.
            if send.status not in _UNSENT and send.created_at <= period.until and send.customer in names:
                mine = self.received.setdefault(names[send.customer], {})
                self.tests |= {names[send.customer]} if send.test else set()
                mine.setdefault((send.journey, send.message), []).append(send)
        for mine in self.received.values():
            for sends in mine.values():
                sends.sort(key=lambda send: send.created_at)


def _sends(store: Store) -> Iterator[KeptSend]:
    after = (0, -1)
    while found := store.sends(BATCH, after):
        yield from found
        after = found[-1].enrollment, found[-1].visit


def _alike(one: KeptSend, other: KeptSend) -> bool:
    return abs(one.created_at - other.created_at) <= NOTABLE


class _Told:
    """One customer on both sides."""

    def __init__(self, customer: str, sides: tuple[_Side, _Side]) -> None:
        self.customer, self.sides = customer, sides
        self.stories: tuple[Story | None, Story | None] = (
            sides[0].store.story(customer),
            sides[1].store.story(customer),
        )
        self._enrollments = tuple(
            {one.id: one for one in (() if story is None else story.enrollments)} for story in self.stories
        )

    def pairs(self, was: Sequence[KeptSend], comes: Sequence[KeptSend]) -> Iterator[_Pair]:
        """Yield what is not alike on both sides: what belongs together at two times, and what stands alone."""
        rest, left = [], list(comes)
        for one in was:
            same = next((other for other in left if self._same_entry(one, other)), None)
            if same is None:
                rest.append(one)
                continue
            left.remove(same)
            if not _alike(one, same):
                yield one, same
        for alone, other in zip_longest(rest, left):
            if alone is None or other is None or not _alike(alone, other):
                yield alone, other

    def _same_entry(self, one: KeptSend, other: KeptSend) -> bool:
        first, second = self._enrollments[0].get(one.enrollment), self._enrollments[1].get(other.enrollment)
        return first is not None and second is not None and self._counterpart(1, first) == second

    def _counterpart(self, side: int, other: Enrollment) -> Enrollment | None:
        """Return who entered on this side by what `other` entered by on the other one.

        Of several entries at one moment the first belongs to the first, and so on.
        """
        several = [one for one in self._enrollments[1 - side].values() if _same(one, other)]
        found = [one for one in self._enrollments[side].values() if _same(one, other)]
        place = several.index(other)
        return found[min(place, len(found) - 1)] if found else None

    def reason(self, key: _Key, pair: _Pair) -> str:
        """Return why the side that did not send it did not; empty where both did."""
        was, comes = pair
        if was is None and comes is not None:
            return self._why_not(0, key, comes)
        if comes is None and was is not None:
            return self._why_not(1, key, was)
        return ""

    def _why_not(self, side: int, key: _Key, sent: KeptSend) -> str:
        story, other = self.stories[side], self._enrollments[1 - side].get(sent.enrollment)
        if story is None or other is None:
            return "never entered"
        journey, message = key
        inside = [one for one in story.enrollments if one.journey == journey]
        same = self._counterpart(side, other)
        if same is not None:
            return _way_of(same, story, message)
        refused = (one for one in story.refusals if one.journey == journey)
        refusal = next((one for one in refused if abs(one.at - other.entered_at) <= NOTABLE), None)
        if refusal is not None:
            return f"refused: {refusal_in_words(refusal.reason)}"
        if any(one.entered_at <= other.entered_at for one in inside):
            return "did not enter again"
        return "entered later" if inside else "never entered"

    def example(self, kind: Kind, pair: _Pair, reason: str) -> Example:
        """Return what there is to tell of the customer."""
        zone = self.sides[0].period.zone
        at = [None if send is None else local_text(send.created_at, zone) for send in pair]
        return Example(
            kind=kind,
            customer=self.customer,
            before=at[0],
            now=at[1],
            reason=reason,
            parting=self._parting(pair),
        )

    def _parting(self, pair: _Pair) -> Parting | None:
        """Return the first decision that differs; `None` where one side never came into the journey this way."""
        ways = [None if one is None else self._enrollments[side].get(one.enrollment) for side, one in enumerate(pair)]
        for side in (0, 1):
            other = ways[1 - side]
            if ways[side] is None and other is not None:
                ways[side] = self._counterpart(side, other)
        first, second = ways
        if first is None or second is None:
            return None
        decisions = [self._decisions(side, one) for side, one in enumerate((first, second))]
        for place, (was, comes) in enumerate(zip_longest(*decisions)):
            if (
                was is None
                or comes is None
                or (_differ(was, comes) and not self._renamed((first, was), (second, comes)))
            ):
                return Parting(before=self._tell(0, first, place), now=self._tell(1, second, place))
        return None

    def _renamed(self, before: tuple[Enrollment, Decision], now: tuple[Enrollment, Decision]) -> bool:
        """Return whether all that differs is a step's name: neither side knows that of the other."""
        (one, was), (other, comes) = before, now
        known = [
            {state.id for state in self.sides[side].deployments[enrollment.version].machine.states}
            for side, enrollment in enumerate((one, other))
        ]
        return (
            was.state not in known[1]
            and comes.state not in known[0]
            and was.rule == comes.rule
            and abs(was.at - comes.at) <= NOTABLE
        )

    def _decisions(self, side: int, enrollment: Enrollment) -> list[Decision]:
        story = self.stories[side]
        kept = () if story is None else story.decisions
        until = self.sides[side].period.until
        return [one.decision for one in kept if one.enrollment == enrollment.id and one.decision.at <= until]

    def _tell(self, side: int, enrollment: Enrollment, place: int) -> str:
        story = self.stories[side]
        assert story is not None, "an enrollment of the story is told"
        zone = self.sides[side].period.zone
        told = explain(story, self.sides[side].deployments, zone, enrollment.journey)
        mine = [one for one in story.enrollments if one.journey == enrollment.journey]
        explanation = told[mine.index(enrollment)]
        if place >= len(self._decisions(side, enrollment)):
            return explanation.outcome
        line = explanation.lines[place]
        return f"{line.at}  {line.state}: {line.why}"


def _same(one: Enrollment, other: Enrollment) -> bool:
    """Return whether the same moment led a customer into the same journey."""
    where = one.journey, one.key
    return where == (other.journey, other.key) and abs(one.entered_at - other.entered_at) <= NOTABLE


def _differ(was: Decision, comes: Decision) -> bool:
    return (was.state, was.rule) != (comes.state, comes.rule) or abs(was.at - comes.at) > NOTABLE


def _way_of(enrollment: Enrollment, story: Story, message: str) -> str:
    """Return what became of somebody who came in, and did not receive a message."""
    for send in story.sends:
        if (send.enrollment, send.message) == (enrollment.id, message) and send.status in _UNSENT:
            return f"{send.status} ({send.reason})" if send.reason else send.status
    if not enrollment.state:
        return "held out"
    if enrollment.status == "active":
        return f"still at `{enrollment.state}`"
    return f"{enrollment.status} ({enrollment.reason})" if enrollment.reason else f"{enrollment.status} another way"
