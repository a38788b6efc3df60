"""What became of the customers of a simulation, counted: messages, holds, ends, states, conversions of arms.

Takes all that changed in one customer's life; keeps counts and nothing of anybody. Decides nothing.
"""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct, field

from journeyscript.machine.model import Arm, Machine
from journeyscript.machine.pictures.picture import Heat
from journeyscript.runtime.reporting.heat import heat
from journeyscript.runtime.simulation.holdouts import Exposure, Holdouts
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Changes

QUARTER = 900_000
"""Milliseconds of a quarter of an hour."""

ARM = "arm "
HELD = "held "


class Assigned(Struct, frozen=True, kw_only=True):
    """An arm of an experiment in a journey."""

    journey: str
    experiment: str
    arm: str


class Tally(Struct, kw_only=True):
    """The counts of customers who are through. Of test customers only the entries are counted, and what they did."""

    customers: int = 0
    cut_short: int = 0
    """Customers who reacted too often."""
    rejected: int = 0
    test_entries: int = 0
    """Enrollments of test customers, which are in no other count."""
    sent: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By journey, message and channel."""
    quarters: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Messages by channel and quarter of an hour, counted from 1970: no zone's day begins inside of one."""
    skipped: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By journey, message and reason."""
    held: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By journey and reason."""
    events: Counter[str] = field(default_factory=Counter)
    goals: Counter[str] = field(default_factory=Counter)
    """Enrollments that reached the goal, by journey."""
    assigned: Counter[Assigned] = field(default_factory=Counter)
    converted: Counter[Assigned] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """Enrollments by journey, status, state and reason."""
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Entries that were refused, by journey and reason."""
    reached: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Enrollments that ever came to a state, by journey and state."""
    exposed: Counter[Exposure] = field(default_factory=Counter)
    """Customers by their first entry into a journey whose holdout is compared, and what came of it."""

    def add(self, other: "Tally", times: int = 1) -> None:
        """Add the counts of others, so many times."""
        for name in self.__struct_fields__:
            mine, more = getattr(self, name), getattr(other, name)
            if isinstance(mine, Counter):
                for what, count in more.items():
                    mine[what] += count * times
            else:
                setattr(self, name, mine + more * times)

    def heat(self, journey: str) -> dict[str, Heat]:
        """Return the counts of every state at which an enrollment of the journey ever was."""
        here: Counter[str] = Counter()
        left: Counter[str] = Counter()
        for (name, status, state, _), count in self.outcomes.items():
            if name == journey:
                (here if status == "active" else left)[state] += count
        reached = Counter({state: count for (name, state), count in self.reached.items() if name == journey})
        return heat(here, left, reached)


class Census:
    """Counts customers, one after the other, in a tally. `machines` are those that run, by version."""

    def __init__(self, machines: Mapping[str, Machine]) -> None:
        self.tally = Tally()
        self._holdouts = Holdouts(machines.values())
        self._experiments = {version: _experiments(machine) for version, machine in machines.items()}

    def count(self, changes: Changes, *, cut_short: bool) -> None:
        """Count a customer by all that changed in their life."""
        tally = self.tally
        tally.customers += 1
        tally.cut_short += cut_short
        tally.rejected += len(changes.rejected)
        tally.exposed.update(self._holdouts.of(changes))
        for send in changes.sends:
            if send.test:
                continue
            if send.status == "skipped":
                tally.skipped[send.journey, send.message, send.reason or ""] += 1
            else:
                tally.sent[send.journey, send.message, send.channel] += 1
                tally.quarters[send.channel, send.created_at // QUARTER] += 1
        for kept in changes.events:
            tally.events[kept.event.name] += 1
        for refusal in changes.refusals:
            if not refusal.test:
                tally.refusals[refusal.journey, refusal.reason] += 1
        for one in changes.enrollments:
            if one.test:
                tally.test_entries += 1
                continue
            tally.outcomes[one.journey, one.status, one.state, one.reason or ""] += 1
            if one.goal_at is not None:
                tally.goals[one.journey] += 1
        self._trace(changes)

    def _trace(self, changes: Changes) -> None:
        """Count what the traces of the enrollments tell."""
        tally = self.tally
        people = {one.id: one for one in changes.enrollments if not one.test}
        been: set[tuple[int, str]] = set()
        arms: dict[int, dict[Assigned, Instant]] = {}
        left: dict[int, str] = {}
        for line in changes.decisions:
            one = people.get(line.enrollment)
            if one is None:
                continue
            rule, state = line.decision.rule, line.decision.state
            if (one.id, state) not in been:
                been.add((one.id, state))
                tally.reached[one.journey, state] += 1
            if rule.startswith(HELD):
                tally.held[one.journey, rule.removeprefix(HELD)] += 1
            experiments = self._experiments[one.version]
            if experiments:
                if rule.startswith(ARM):
                    experiment = experiments.get(left.get(one.id, ""), "")
                    arm = Assigned(journey=one.journey, experiment=experiment, arm=rule.removeprefix(ARM))
                    arms.setdefault(one.id, {}).setdefault(arm, line.decision.at)
                left[one.id] = state
        for enrollment, assigned in arms.items():
            goal_at = people[enrollment].goal_at
            for arm, since in assigned.items():
                # Whoever had reached the goal before shows nothing of what the arm does.
                if goal_at is None or goal_at >= since:
                    tally.assigned[arm] += 1
                    tally.converted[arm] += goal_at is not None


def _experiments(machine: Machine) -> dict[str, str]:
    """Return the experiment of each state that assigns arms."""
    return {
        state.id: transition.trigger.experiment
        for state in machine.states
        for transition in state.transitions
        if isinstance(transition.trigger, Arm)
    }
