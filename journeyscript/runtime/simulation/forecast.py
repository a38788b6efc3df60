"""What a simulation comes to, as plain records: funnels, messages by day, peaks, cost, what was held or skipped, arms.

Takes a project, a population and the result of a run; gives what tables, JSON and pages show. Counts only; chooses no
words and no form. Days and hours are those of the project's zone.
"""

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from journeyscript.compiler import Project
from journeyscript.engine.calendar import local_text
from journeyscript.machine.model import Arm, Machine
from journeyscript.machine.pictures.picture import Heat
from journeyscript.runtime.simulation.holdouts import Exposure, Holdouts
from journeyscript.runtime.simulation.population import Population, Recorded
from journeyscript.runtime.simulation.proportions import Difference, compare
from journeyscript.runtime.simulation.tally import Assigned, Tally
from journeyscript.syntax.config import ChannelConfig

_HOUR, _QUARTER = 3_600_000, 900_000
_QUARTERS_AN_HOUR = 4
HELD_OUT = "held out"
CONTROL = "control"
"""The arm that others are measured against, where there is one of this name; else it is the first."""


class Count(Struct, frozen=True, kw_only=True):
    """How many, of what or for which reason."""

    name: str
    count: int


class Step(Struct, frozen=True, kw_only=True):
    """A step of a funnel: how many enrollments ever came to it, and how many stand there at the end."""

    step: str
    reached: int
    here: int


class JourneyForecast(Struct, frozen=True, kw_only=True):
    """What became of a journey's enrollments; `goal` counts those that reached it, `None` where there is none."""

    journey: str
    entered: int
    active: int
    completed: int
    exited: int
    failed: int
    goal: int | None
    ended: tuple[Count, ...]
    refused: tuple[Count, ...]
    steps: tuple[Step, ...]


class MessageForecast(Struct, frozen=True, kw_only=True):
    """How often a journey's message went out on a channel."""

    journey: str
    message: str
    channel: str
    sent: int


class SkipForecast(Struct, frozen=True, kw_only=True):
    """How often a journey's message was not sent, for a reason."""

    journey: str
    message: str
    reason: str
    count: int


class HoldForecast(Struct, frozen=True, kw_only=True):
    """How often a journey's messages had to wait, for a reason."""

    journey: str
    reason: str
    count: int


class DayForecast(Struct, frozen=True, kw_only=True):
    """Messages of a channel on a day, which is written as `2026-03-02`."""

    day: str
    channel: str
    sent: int


class ChannelForecast(Struct, frozen=True, kw_only=True):
    """A channel: messages, what they cost (`None`: no price is known), and its busiest hour.

    `capacity` is how many an hour the channel's rate lets through (`None`: there is no rate), `longest_wait` how many
    minutes the last of a queue would wait at the worst time, as far as hours tell.
    """

    channel: str
    sent: int
    cost: float | None
    peak: int
    peak_hour: str
    capacity: float | None
    longest_wait: int


class ArmForecast(Struct, frozen=True, kw_only=True):
    """An arm: who was assigned to it without having reached the goal before, and how many of them reached it then.

    `against` compares it with the arm that others are measured against; `None` for that arm itself.
    """

    arm: str
    assigned: int
    converted: int
    against: Difference | None


class ExperimentForecast(Struct, frozen=True, kw_only=True):
    """An experiment in a journey with a goal; `base` is the arm that the others are measured against."""

    journey: str
    experiment: str
    base: str
    arms: tuple[ArmForecast, ...]


class Forecast(Struct, frozen=True, kw_only=True):
    """What a simulation comes to. `start` and `end` are local times.

    `holdouts` compare, in journeys with a goal, all who were let in with those who were held out, each customer from
    the first entry on, whether or not the journey was over for them when they reached it.
    `left_out` counts records of a file that could not be used, `rejected` events that were refused while it ran,
    `cut_short` customers whose reactions went round in circles, `test_entries` those of test customers.
    """

    population: str
    seed: int
    start: str
    end: str
    timezone: str
    customers: int
    events: tuple[Count, ...]
    journeys: tuple[JourneyForecast, ...]
    messages: tuple[MessageForecast, ...]
    days: tuple[DayForecast, ...]
    channels: tuple[ChannelForecast, ...]
    cost: float | None
    skipped: tuple[SkipForecast, ...]
    held: tuple[HoldForecast, ...]
    experiments: tuple[ExperimentForecast, ...]
    holdouts: tuple[ExperimentForecast, ...]
    left_out: int = 0
    rejected: int = 0
    cut_short: int = 0
    test_entries: int = 0


def forecast(project: Project, population: Population, tally: Tally) -> Forecast:
    """Return what a run comes to, in the order of files and names."""
    zone, machines = project.config.timezone, [one.machine for one in project.journeys.values()]
    hours = {channel: _hours(tally.quarters, channel) for channel in project.channels}
    channels = tuple(_channel(config, hours[name], zone) for name, config in project.channels.items() if hours[name])
    costs = [one.cost for one in channels if one.cost is not None]
    return Forecast(
        population=population.name,
        seed=population.seed,
        start=local_text(population.start, zone),
        end=local_text(population.end, zone),
        timezone=zone,
        customers=tally.customers,
        events=_counts(tally.events),
        journeys=tuple(_journey(one.machine, tally) for one in project.journeys.values()),
        messages=tuple(
            MessageForecast(journey=journey, message=message, channel=channel, sent=count)
            for (journey, message, channel), count in sorted(tally.sent.items())
        ),
        days=_days(tally.quarters, zone),
        channels=channels,
        cost=round(sum(costs), 2) if costs else None,
        skipped=tuple(
            SkipForecast(journey=journey, message=message, reason=reason, count=count)
            for (journey, message, reason), count in sorted(tally.skipped.items())
        ),
        held=tuple(
            HoldForecast(journey=journey, reason=reason, count=count)
            for (journey, reason), count in sorted(tally.held.items())
        ),
        experiments=tuple(
            found for one in project.journeys.values() if one.machine.goal for found in _experiments(one.machine, tally)
        ),
        holdouts=tuple(_holdout(journey, tally) for journey in Holdouts(machines).journeys),
        left_out=population.who.left_out if isinstance(population.who, Recorded) else 0,
        rejected=tally.rejected,
        cut_short=tally.cut_short,
        test_entries=tally.test_entries,
    )


def _journey(machine: Machine, tally: Tally) -> JourneyForecast:
    journey = machine.journey
    statuses: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    for (name, status, _, reason), count in tally.outcomes.items():
        if name == journey:
            statuses[status] += count
            if status != "active":
                ended[reason or status] += count
    known = tally.heat(journey)
    heat = {state.id: known.get(state.id, Heat()) for state in machine.states}
    return JourneyForecast(
        journey=journey,
        entered=statuses.total(),
        active=statuses["active"],
        completed=statuses["completed"],
        exited=statuses["exited"],
        failed=statuses["failed"],
        goal=None if machine.goal is None else tally.goals[journey],
        ended=_counts(ended),
        refused=_counts(Counter({reason: n for (name, reason), n in tally.refusals.items() if name == journey})),
        steps=tuple(
            Step(step=state, reached=one.here + one.passed + one.left, here=one.here) for state, one in heat.items()
        ),
    )


def _counts(counted: Counter[str]) -> tuple[Count, ...]:
    """Return counts, the greatest first."""
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Count(name=name, count=count) for name, count in ordered)


def _hours(quarters: Counter[tuple[str, int]], channel: str) -> Counter[int]:
    """Return a channel's messages by hour, counted from 1970 in UTC."""
    hours: Counter[int] = Counter()
    for (name, quarter), count in quarters.items():
        if name == channel:
            hours[quarter // _QUARTERS_AN_HOUR] += count
    return hours


def _days(quarters: Counter[tuple[str, int]], zone: str) -> tuple[DayForecast, ...]:
    local = {quarter: local_text(quarter * _QUARTER, zone)[:10] for _, quarter in quarters}
    days: Counter[tuple[str, str]] = Counter()
    for (channel, quarter), count in quarters.items():
        days[local[quarter], channel] += count
    return tuple(DayForecast(day=day, channel=channel, sent=sent) for (day, channel), sent in sorted(days.items()))


def _channel(config: ChannelConfig, hours: Counter[int], zone: str) -> ChannelForecast:
    hour, peak = min(hours.items(), key=lambda item: (-item[1], item[0]))
    capacity = None if config.rate is None else config.rate.messages * _HOUR / config.rate.per
    return ChannelForecast(
        channel=config.name,
        sent=hours.total(),
        cost=None if config.price is None else round(config.price * hours.total(), 2),
        peak=peak,
        peak_hour=local_text(hour * _HOUR, zone)[:16],
        capacity=capacity,
        longest_wait=0 if capacity is None else _longest_wait(hours, capacity),
    )


def _longest_wait(hours: Counter[int], capacity: float) -> int:
    """Return for how many minutes the channel is behind at the worst time, where each hour's messages come at once."""
    behind, worst, before = 0.0, 0.0, min(hours)
    for hour in sorted(hours):
        behind = max(0.0, behind - capacity * (hour - before))
        behind += hours[hour]
        worst, before = max(worst, behind - capacity), hour
    return round(60 * worst / capacity)


def _experiments(machine: Machine, tally: Tally) -> Iterator[ExperimentForecast]:
    found: dict[str, dict[str, None]] = {}
    for state in machine.states:
        for transition in state.transitions:
            if isinstance(transition.trigger, Arm):
                found.setdefault(transition.trigger.experiment, {})[transition.trigger.arm] = None
    for experiment, arms in found.items():
        base = CONTROL if CONTROL in arms else next(iter(arms))
        counts = {arm: _assigned(tally, machine.journey, experiment, arm) for arm in arms}
        yield ExperimentForecast(
            journey=machine.journey,
            experiment=experiment,
            base=base,
            arms=tuple(
                ArmForecast(
                    arm=arm,
                    assigned=assigned,
                    converted=converted,
                    against=None if arm == base else compare(converted, assigned, counts[base][1], counts[base][0]),
                )
                for arm, (assigned, converted) in counts.items()
            ),
        )


def _holdout(journey: str, tally: Tally) -> ExperimentForecast:
    def counts(*, held_out: bool) -> tuple[int, int]:
        missed, met = (tally.exposed[Exposure(journey, held_out, reached)] for reached in (False, True))
        return missed + met, met

    (of, converted), (other_of, other_converted) = counts(held_out=False), counts(held_out=True)
    against = compare(converted, of, other_converted, other_of)
    return ExperimentForecast(
        journey=journey,
        experiment="holdout",
        base=HELD_OUT,
        arms=(
            ArmForecast(arm="let in", assigned=of, converted=converted, against=against),
            ArmForecast(arm=HELD_OUT, assigned=other_of, converted=other_converted, against=None),
        ),
    )


def _assigned(tally: Tally, journey: str, experiment: str, arm: str) -> tuple[int, int]:
    one = Assigned(journey=journey, experiment=experiment, arm=arm)
    return tally.assigned[one], tally.converted[one]
