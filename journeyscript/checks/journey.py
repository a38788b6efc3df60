"""Everything that is asked of a journey by itself, and of the journeys of a project together: tuples of checks."""

from collections.abc import Callable, Iterator, Mapping

from journeyscript.checks.capabilities import send_may_be_skipped, stale_fact
from journeyscript.checks.conditions import overlapping_branches
from journeyscript.checks.cycles import trigger_cycle
from journeyscript.checks.flow import FLOW_CHECKS, Check
from journeyscript.checks.together import back_to_back_sends, competing_entry
from journeyscript.checks.waits import trailing_wait, wait_after_measured_send, wait_outlives_journey
from journeyscript.diagnostics import Diagnostic
from journeyscript.machine.lowering import Compiled
from journeyscript.syntax.config import ChannelConfig

JOURNEY_CHECKS: tuple[Check, ...] = (
    *FLOW_CHECKS,
    overlapping_branches,
    stale_fact,
    wait_after_measured_send,
    trailing_wait,
    wait_outlives_journey,
    back_to_back_sends,
)

PROJECT_CHECKS: tuple[Callable[[Mapping[str, Compiled]], Iterator[Diagnostic]], ...] = (competing_entry, trigger_cycle)


def check_journey(compiled: Compiled, channels: Mapping[str, ChannelConfig]) -> Iterator[Diagnostic]:
    """Yield everything that is found in one journey."""
    for check in JOURNEY_CHECKS:
        yield from check(compiled)
    yield from send_may_be_skipped(compiled, channels)


def check_journeys(journeys: Mapping[str, Compiled]) -> Iterator[Diagnostic]:
    """Yield everything that is found between journeys."""
    for check in PROJECT_CHECKS:
        yield from check(journeys)
