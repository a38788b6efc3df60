"""What batches of a simulation did, counted as they come: messages, holds, conversions of arms.

Takes the changes of one batch at a time; keeps counts, and per enrollment only what experiments need, which is
forgotten with each group of customers. Decides nothing.
"""

from collections import Counter

from msgspec import Struct

from journeyscript.machine.model import Arm, Machine
from journeyscript.runtime.simulation.holdouts import Holdouts
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Changes

_QUARTER = 900_000
ARM = "arm "
HELD = "held "


class Assigned(Struct, frozen=True, kw_only=True):
    """An arm of an experiment in a journey."""

    journey: str
    experiment: str
    arm: str


class Tally:
    """The counts of a whole simulation. `machines` are those that run, by version."""

    def __init__(self, machines: dict[str, Machine]) -> None:
        self.sent: Counter[tuple[str, str, str]] = Counter()
        """By journey, message and channel."""
        self.quarters: Counter[tuple[str, int]] = Counter()
        """Messages by channel and quarter of an hour, counted from 1970: no zone's day begins inside of one."""
        self.skipped: Counter[tuple[str, str, str]] = Counter()
        """By journey, message and reason."""
        self.held: Counter[tuple[str, str]] = Counter()
        """By journey and reason."""
        self.events: Counter[str] = Counter()
        self.goals: Counter[str] = Counter()
        """Enrollments that reached the goal, by journey."""
        self.assigned: Counter[Assigned] = Counter()
        self.converted: Counter[Assigned] = Counter()
        self.holdouts = Holdouts(machines)
        self.rejected = 0
        self._experiments = {version: _experiments(machine) for version, machine in machines.items()}
        self._goal_at: dict[int, Instant] = {}
        self._arms: dict[int, list[tuple[Assigned, Instant]]] = {}
        self._versions: dict[int, str] = {}
        self._left: dict[int, str] = {}

    def count(self, changes: Changes) -> None:
        """Count what a batch did, of people."""
        self.holdouts.count(changes)
        for send in changes.sends:
            if send.test:
                continue
            if send.status == "skipped":
                self.skipped[send.journey, send.message, send.reason or ""] += 1
            else:
                self.sent[send.journey, send.message, send.channel] += 1
                self.quarters[send.channel, send.created_at // _QUARTER] += 1
        for kept in changes.events:
            self.events[kept.event.name] += 1
        self.rejected += len(changes.rejected)
        journeys: dict[int, str] = {}
        for one in changes.enrollments:
            if one.test:
                continue
            journeys[one.id] = one.journey
            self._versions[one.id] = one.version
            if one.goal_at is not None and one.id not in self._goal_at:
                self._goal_at[one.id] = one.goal_at
                self.goals[one.journey] += 1
        for line in changes.decisions:
            rule, enrollment = line.decision.rule, line.enrollment
            if enrollment not in journeys:
                continue
            if rule.startswith(HELD):
                self.held[journeys[enrollment], rule.removeprefix(HELD)] += 1
            experiments = self._experiments[self._versions[enrollment]]
            if experiments:
                if rule.startswith(ARM):
                    self._assign(enrollment, journeys[enrollment], experiments, rule, line.decision.at)
                self._left[enrollment] = line.decision.state

    def add(self, other: "Tally") -> None:
        """Add the counts of another one that is closed."""
        self.sent.update(other.sent)
        self.quarters.update(other.quarters)
        self.skipped.update(other.skipped)
        self.held.update(other.held)
        self.events.update(other.events)
        self.goals.update(other.goals)
        self.assigned.update(other.assigned)
        self.converted.update(other.converted)
        self.rejected += other.rejected
        self.holdouts.add(other.holdouts)

    def close(self) -> None:
        """Count the arms of a group of customers who are through, and forget them."""
        self.holdouts.close()
        for enrollment, arms in self._arms.items():
            goal_at = self._goal_at.get(enrollment)
            for arm, since in arms:
                # Whoever had reached the goal before shows nothing of what the arm does.
                if goal_at is None or goal_at >= since:
                    self.assigned[arm] += 1
                    self.converted[arm] += goal_at is not None
        for kept in (self._goal_at, self._arms, self._versions, self._left):
            kept.clear()

    def _assign(self, enrollment: int, journey: str, experiments: dict[str, str], rule: str, at: Instant) -> None:
        experiment = experiments.get(self._left.get(enrollment, ""), "")
        arm = Assigned(journey=journey, experiment=experiment, arm=rule.removeprefix(ARM))
        arms = self._arms.setdefault(enrollment, [])
        if all(arm != known for known, _ in arms):
            arms.append((arm, at))


def _experiments(machine: Machine) -> dict[str, str]:
    """Return the experiment of each state that assigns arms."""
    return {
        state.id: transition.trigger.experiment
        for state in machine.states
        for transition in state.transitions
        if isinstance(transition.trigger, Arm)
    }
