"""What a plan looks ahead by: recorded histories in the new versions, and what a week brings.

Takes a plan and the store it was made of, which is only read; gives what is found. Nothing of it is part of a saved
plan: numbers that change by the hour make none stale.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

from msgspec import Struct

from journeyscript.checks.changes.histories import Histories, history_diverges
from journeyscript.compiler import Project, weigh_later
from journeyscript.diagnostics import Diagnostic
from journeyscript.runtime.changing.histories.replaying import replay_histories
from journeyscript.runtime.changing.histories.sampling import sample
from journeyscript.runtime.changing.planning import Planned
from journeyscript.runtime.changing.week import Week, draw_customers, expected_week
from journeyscript.runtime.replay import Report
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Store

Bar = Callable[[int], AbstractContextManager[Report]]
"""Given how much there is to do, shows how far it is."""


class Outlook(Struct, frozen=True, kw_only=True):
    """What came of histories, by journey; what a week brings, where that can be told; and all findings of the plan."""

    histories: tuple[Histories, ...] = ()
    week: Week | None = None
    findings: tuple[Diagnostic, ...]


def look_ahead(project: Project, store: Store, planned: Planned, now: Instant, most: int, bar: Bar) -> Outlook:
    """Return the outlook of a plan, by at most so many histories and the events of at most so many customers."""
    if not most:
        return Outlook(findings=planned.findings)
    samples = sample(store, planned.of, now, most)
    switches = set(planned.plan.deployed) != set(planned.plan.versions.values())
    drawn = draw_customers(project, store, now, most) if switches else None
    rounds = 0 if drawn is None else 2 * len(drawn.past.records)
    with bar(sum(len(one.chosen) for one in samples) + rounds) as report:
        histories = replay_histories(project, store, samples, now, report)
        changed = {one.journey for one in planned.of}
        week = None if drawn is None else expected_week(project, store, drawn, changed, now, report)
    by_name = {one.journey: one for one in histories}
    found = [
        item
        for change in planned.of
        if change.journey in by_name
        for item in history_diverges(change, by_name[change.journey])
    ]
    return Outlook(histories=histories, week=week, findings=weigh_later(project, (*planned.findings, *found)))
