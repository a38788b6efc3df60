"""Everything that is asked of a journey by itself, and of the journeys of a project together: tuples of checks."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import TypeAlias

from journeyscript.checks.alternatives import overlapping_branches
from journeyscript.checks.audiences import audience_subsumed
from journeyscript.checks.capabilities import send_may_be_skipped, stale_fact
from journeyscript.checks.competing import competing_entry
from journeyscript.checks.conditions import redundant_condition
from journeyscript.checks.content import check_sends
from journeyscript.checks.cycles import trigger_cycle
from journeyscript.checks.flow import FLOW_CHECKS, Check
from journeyscript.checks.gaps import may_fail_at_runtime
from journeyscript.checks.habits import shared_experiment_name
from journeyscript.checks.moments import below_resolution, dst_gap, past_date, zones_of
from journeyscript.checks.quiet import never_sendable, quiet_hours_missing
from journeyscript.checks.slips import window_slip
from journeyscript.checks.texts import expression_as_text
from journeyscript.checks.together import back_to_back_sends
from journeyscript.checks.waits import trailing_wait, wait_after_measured_send, wait_outlives_journey
from journeyscript.checks.worst_case.caps import no_cap_declared, over_caps
from journeyscript.checks.worst_case.combined import combined_cap
from journeyscript.checks.worst_case.times import Sending
from journeyscript.diagnostics import Diagnostic, Span
from journeyscript.machine.lowering import Compiled, Surroundings
from journeyscript.syntax.config import ChannelConfig

JOURNEY_CHECKS: tuple[Check, ...] = (
    *FLOW_CHECKS,
    overlapping_branches,
    redundant_condition,
    stale_fact,
    wait_after_measured_send,
    trailing_wait,
    wait_outlives_journey,
    back_to_back_sends,
    below_resolution,
    window_slip,
    expression_as_text,
)

Between: TypeAlias = Callable[[Mapping[str, Compiled]], Iterator[Diagnostic]]

RIVAL_CHECKS: tuple[Between, ...] = (competing_entry, audience_subsumed)
"""What is asked of journeys that start on one event, and does not depend on any other journey."""

PROJECT_CHECKS: tuple[Between, ...] = (trigger_cycle, shared_experiment_name)


def check_journey(compiled: Compiled, channels: Mapping[str, ChannelConfig]) -> Iterator[Diagnostic]:
    """Yield everything that is found in one journey."""
    for check in JOURNEY_CHECKS:
        yield from check(compiled)
    yield from send_may_be_skipped(compiled, channels)


def check_within(compiled: Compiled, surroundings: Surroundings, today: date | None) -> Iterator[Diagnostic]:
    """Yield what is found in one journey by what stands around it: the messages, and the day where it is known."""
    yield from check_sends(compiled, surroundings)
    yield from may_fail_at_runtime(compiled, surroundings)
    if today is not None:
        yield from dst_gap(compiled, zones_of(compiled.machine.timezone, surroundings.catalog), today)
        yield from past_date(compiled, today)


def check_sending(compiled: Compiled, sending: Sending) -> Iterator[Diagnostic]:
    """Yield what the policies make of the sends of one journey."""
    yield from over_caps(compiled, sending)
    yield from never_sendable(compiled, sending)


def check_policies(journeys: Mapping[str, Compiled], sending: Sending, where: Span) -> Iterator[Diagnostic]:
    """Yield which policies are missing for what journeys send; `where` is the place to write them."""
    yield from no_cap_declared(journeys, sending.policies, where)
    yield from quiet_hours_missing(journeys, sending.channels, sending.policies, where)


def check_journeys(journeys: Mapping[str, Compiled]) -> Iterator[Diagnostic]:
    """Yield everything that is found between journeys."""
    for check in PROJECT_CHECKS:
        yield from check(journeys)


def rivals(journeys: Mapping[str, Compiled]) -> list[dict[str, Compiled]]:
    """Return the journeys by the event that they start on, where there are several; in the order of their files."""
    groups: dict[str, dict[str, Compiled]] = {}
    for name, compiled in journeys.items():
        if compiled.machine.entry.trigger is None:
            groups.setdefault(compiled.machine.entry.event, {})[name] = compiled
    return [group for group in groups.values() if len(group) > 1]


def check_rivals(group: Mapping[str, Compiled], sending: Sending) -> Iterator[Diagnostic]:
    """Yield everything that is found between journeys that start on one event."""
    for check in RIVAL_CHECKS:
        yield from check(group)
    yield from combined_cap(group, sending)
