"""Recorded histories through the versions of a change: how many would have gone another way, and one who shows it.

Takes a store, which it only reads, and changed journeys. Each enrollment is replayed by itself, in the version that it
is in and in the new one; where not even the first goes as was recorded, as the profile has changed since, nothing
could be said of the second, and it is left out.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from journeyscript.checks.changes.histories import Histories
from journeyscript.compiler import Project
from journeyscript.engine.moving import MIGRATED, MOVED
from journeyscript.engine.values import Decision, Enrollment
from journeyscript.runtime.advancing.programs import Programs
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.backtest.comparison import NOTABLE
from journeyscript.runtime.changing.histories.parting import KINDS, Comparison
from journeyscript.runtime.changing.histories.passage import Lived, Way, passage
from journeyscript.runtime.changing.histories.sampling import Sample, lives
from journeyscript.runtime.replay import Report
from journeyscript.runtime.session import deployments_of, rules_of
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, Store, Story

_FROM_OUTSIDE = frozenset({"restarted", "stopped", "merged"})
"""Reasons of an end that no version brings about; until then the history counts."""


def replay_histories(
    project: Project, store: Store, samples: Iterable[Sample], now: Instant, report: Report | None = None
) -> tuple[Histories, ...]:
    """Return what comes of the histories of each changed journey, by its name; `report` is told of each of them."""
    kept, _ = store.deployments()
    virtual = store.settings().get("clock") == "virtual"
    # In replays everything comes in order, whatever the store's clock is; what is waited for late is as long as it was.
    rules = replace(
        rules_of(project, store, virtual=virtual),
        virtual=True,
        programs=Programs({**kept, **{one.version: one for one in deployments_of(project)}}, ()),
    )
    told = report or (lambda _count, _now: None)
    counts = [_Count(rules, one, project.config.timezone, now) for one in samples]
    return tuple(sorted((one.all(store, told) for one in counts), key=lambda one: one.journey))


class _Count:
    """The histories of one journey."""

    def __init__(self, rules: Rules, chosen: Sample, zone: str, now: Instant) -> None:
        self._rules, self._sample, self._change, self._now = rules, chosen, chosen.change, now
        self._compared = Comparison(chosen.change.migration, zone)
        self._counts = Histories(journey=chosen.change.journey, there=chosen.there, taken=0, pruned=chosen.pruned)
        self._rank = len(KINDS) + 1

    def all(self, store: Store, report: Report) -> Histories:
        """Replay all of them, or as many as there is time for."""
        by_customer: dict[int, list[int]] = {}
        for number in self._sample.chosen:
            by_customer.setdefault(number // ENROLLMENTS_PER_CUSTOMER, []).append(number)
        for customer, events in lives(store, list(by_customer)):
            names = (one.external_id for one in store.load((), [customer], history=False).values())
            for story in filter(None, map(store.story, names)):
                lived = Lived(story=story, events=events)
                for enrollment in story.enrollments:
                    if enrollment.id in by_customer[customer]:
                        self._add(enrollment, lived)
                        report(1, 0)
        return self._counts

    def _more(self, **numbers: int) -> None:
        counted = {name: getattr(self._counts, name) + count for name, count in numbers.items()}
        self._counts = replace(self._counts, **counted)

    def _add(self, enrollment: Enrollment, lived: Lived) -> None:
        self._more(taken=1)
        recorded = _decisions(enrollment, lived.story)
        if any(one.rule.startswith(MOVED) or one.rule == MIGRATED for one in recorded):
            self._more(moved=1)
            return
        until = _until(enrollment, lived.story, self._now)
        was = passage(self._rules, enrollment.version, enrollment, lived, until)
        if not _as_recorded(was, [one for one in recorded if one.rule not in _FROM_OUTSIDE]):
            self._more(unlike=1)
            return
        comes = passage(self._rules, self._change.version, enrollment, lived, until)
        kinds = self._compared.kinds(was, comes)
        if kinds is None:
            return
        self._more(different=1, **dict.fromkeys(kinds, 1))
        rank = min((KINDS.index(kind) for kind in kinds), default=len(KINDS))
        if rank < self._rank:
            self._rank = rank
            shown = self._compared.shown(lived.story.customer.external_id, was, comes)
            self._counts = replace(self._counts, shown=shown)


def _decisions(enrollment: Enrollment, story: Story) -> list[Decision]:
    return [one.decision for one in story.decisions if one.enrollment == enrollment.id]


def _as_recorded(way: Way, recorded: Sequence[Decision]) -> bool:
    return len(way.decisions) == len(recorded) and all(
        (one.state, one.rule) == (other.state, other.rule) and abs(one.at - other.at) <= NOTABLE
        for one, other in zip(way.decisions, recorded, strict=True)
    )


def _until(enrollment: Enrollment, story: Story, now: Instant) -> Instant:
    """Return up to when a history goes: what is due and has not happened yet is none, nor what belongs to the next."""
    ends = [now]
    place = enrollment.journey, enrollment.key
    ends += [
        one.entered_at
        for one in story.enrollments
        if (one.journey, one.key) == place and one.entered_at > enrollment.entered_at
    ]
    if enrollment.status == "active" and enrollment.due_at is not None:
        ends.append(enrollment.due_at - 1)
    if enrollment.ended_at is not None and enrollment.reason in _FROM_OUTSIDE:
        ends.append(enrollment.ended_at - 1)
    return max(min(ends), enrollment.entered_at)
