"""When a journey starts by itself: the firings of a schedule, and the moments of a date.

Pure functions from an instant to the next one. Cron expressions mean what they mean on Debian: where the clocks go
forward, what they leave out comes right behind the gap; where they go back, what is at a fixed time comes once. Never
asks what time it is.
"""

from calendar import isleap
from collections.abc import Iterator
from datetime import UTC, datetime
from datetime import date as Date  # noqa: N812 - `date` is a word of this module

from cronsim import CronSim
from msgspec import Struct

from journeyscript.engine.calendar import (
    DAY,
    SECOND,
    add_calendar_days,
    instant_of,
    local_date,
    resolve_zone,
    whole_second,
)
from journeyscript.engine.clocks import clock, in_step, week_of
from journeyscript.engine.program import Program
from journeyscript.engine.values import Facts
from journeyscript.machine.model import ByDate, BySchedule
from journeyscript.semantics.types import Instant, Value


class Firing(Struct, frozen=True, kw_only=True):
    """A schedule fires at `at`, for customers whose clock is that of one of `zones`; `None`: for all of them."""

    at: Instant
    zones: frozenset[str] | None = None


def next_firing(schedule: BySchedule, timezone: str, after: Instant) -> Firing | None:
    """Return the first firing after an instant, or `None` where there is none; `timezone` is the project's."""
    if schedule.zone == "project":
        at = _remembered(schedule.cron, timezone, after)
        return None if at is None else Firing(at=at)
    week = week_of(after)
    while True:
        # Up to the end of the week one zone speaks for all that are in step with it; before it none of them fires.
        kinds = in_step(week)
        firings = [(at, zone) for zone in kinds if (at := _remembered(schedule.cron, zone, after)) is not None]
        if not firings:
            return None
        first, _ = min(firings)
        if week_of(first) == week:
            return Firing(at=first, zones=frozenset().union(*(kinds[zone] for at, zone in firings if at == first)))
        # Those in step may part until then, by less than the two days that any two clocks are apart.
        week = max(week + 1, week_of(first - 2 * DAY))


def last_firing(schedule: BySchedule, timezone: str, after: Instant, until: Instant) -> Firing | None:
    """Return the first firing after an instant that no later one makes needless until another instant, or `None`.

    Of what was missed on one clock only the last counts: nobody is asked twice at once.
    """
    while (found := next_firing(schedule, timezone, after)) is not None and found.at <= until:
        last, at = found.zones, found.at
        while last != frozenset() and (again := next_firing(schedule, timezone, at)) is not None and again.at <= until:
            last = frozenset() if last is None or again.zones is None else last - again.zones
            at = again.at
        if last != frozenset():
            return Firing(at=found.at, zones=last)
        after = found.at
    return None


_FOUND: dict[tuple[str, str], tuple[Instant, Instant | None]] = {}
"""What was found last for a cron expression in a zone, and after which instant: it holds until it has come."""


def _remembered(cron: str, zone: str, after: Instant) -> Instant | None:
    """Return like `next_on_the_clock`, faster where time goes on."""
    known = _FOUND.get((cron, zone))
    if known is not None and known[0] <= after and (known[1] is None or after < known[1]):
        return known[1]
    at = next_on_the_clock(cron, zone, after)
    _FOUND[cron, zone] = after, at
    return at


def next_on_the_clock(cron: str, zone: str, after: Instant) -> Instant | None:
    """Return the first instant after `after` at which a cron expression fires on the clock of a zone."""
    # From the second before: cron looks for what is later than the start, by whole seconds.
    start = datetime.fromtimestamp(after // SECOND, UTC).astimezone(clock(zone))
    # Where an hour comes twice, what is at a fixed time in it came the first time: the second finds it behind itself.
    moments = (int(found.timestamp()) * SECOND for found in CronSim(cron, start))
    return next((at for at in moments if at > after), None)


def next_moment(by: ByDate, value: Value, timezone: Value, default_zone: str, after: Instant) -> Instant | None:
    """Return the first moment after an instant that the value of a date's expression names, or `None`.

    An anniversary of 29 February is 28 February in a year that has none.
    """
    zone, _ = resolve_zone(timezone, default_zone)
    match value:
        case bool():
            return None
        case str(day):
            moments = _of_day(by, day, zone, after)
        case int() | float():
            moments = _of_instant(by, int(value), zone, after)
        case _:
            return None
    return next((moment for moment in map(whole_second, moments) if moment > after), None)


def _of_day(by: ByDate, day: str, zone: str, after: Instant) -> Iterator[Instant]:
    """Yield the moments of a date around an instant, earliest first."""
    try:
        first = Date.fromisoformat(day)
    except ValueError:
        return
    for one in _anniversaries(first, local_date(after, zone).year) if by.every else (first,):
        ordinal = one.toordinal() + int(by.shift / DAY)
        if 1 <= ordinal <= Date.max.toordinal() - 1:
            yield instant_of(Date.fromordinal(ordinal), by.minute, zone)


def _of_instant(by: ByDate, instant: Instant, zone: str, after: Instant) -> Iterator[Instant]:
    """Yield the moments of a timestamp around an instant, earliest first: the same time on the clock each year."""
    if not by.every:
        yield instant + by.shift
        return
    first = local_date(instant, zone)
    for one in _anniversaries(first, local_date(after, zone).year):
        yield add_calendar_days(instant, one.toordinal() - first.toordinal(), zone) + by.shift


def _anniversaries(first: Date, year: int) -> Iterator[Date]:
    """Yield a date and its anniversaries from two years before a year to two years behind it, or the date alone."""
    for other in range(max(first.year, year - 2), min(max(first.year + 1, year + 3), Date.max.year)):
        leap_day_missing = (first.month, first.day) == (2, 29) and not isleap(other)
        yield first.replace(year=other, day=28) if leap_day_missing else first.replace(year=other)


def next_appointment(program: Program, facts: Facts, after: Instant) -> Instant | None:
    """Return when a journey that starts by a date is next due for a customer, after an instant; `None`: never."""
    by = program.machine.entry.trigger
    if program.date is None or not isinstance(by, ByDate):
        return None
    value = program.date(facts, None, None, after)
    return next_moment(by, value, facts.attributes.get("timezone"), program.machine.timezone, after)
