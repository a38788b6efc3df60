"""When a state's time is up: from a timer of the machine, the customer's zone and now to an instant."""

from msgspec import Struct

from journeyscript.engine.calendar import (
    add_calendar_days,
    at_date,
    next_time_of_day,
    resolve_zone,
    within_window,
    zone_in_words,
)
from journeyscript.engine.chance import draw
from journeyscript.engine.program import Program, Step
from journeyscript.engine.values import Enrollment, Event, Facts
from journeyscript.machine.model import After, AtDate, AtTime, CalendarDays, Within
from journeyscript.semantics.types import Instant, Value


class Fixed(Struct, frozen=True, kw_only=True):
    """The time is up at this instant. `values` say which zone was used, where one was."""

    at: Instant
    values: tuple[tuple[str, Value], ...] = ()


class Passed(Struct, frozen=True, kw_only=True):
    """There is nothing to wait for. `rule` says why; `leave` that the journey ends here for the customer."""

    rule: str
    leave: bool = False
    values: tuple[tuple[str, Value], ...] = ()


def set_timer(
    program: Program, here: Step, enrollment: Enrollment, visit: int, event: Event | None, facts: Facts, now: Instant
) -> Fixed | Passed:
    """Return when the state that was just reached is over."""
    timer = here.state.timer
    assert timer is not None
    if isinstance(timer, After):
        return Fixed(at=now + timer.duration)
    zone, doubt = resolve_zone(facts.attributes.get("timezone"), program.machine.timezone)
    seen = (program.seen("timezone", "zone", zone_in_words(zone, doubt)),)
    match timer:
        case CalendarDays(days=days):
            return Fixed(at=add_calendar_days(now, days, zone), values=seen)
        case AtTime(minute=minute, days=days, spread=spread):
            moment = next_time_of_day(now, minute, days, zone)
            return Fixed(at=moment + _scatter(spread, enrollment, visit, here, facts), values=seen)
        case Within(start=start, end=end, days=days, spread=spread):
            moment = within_window(now, start, end, days, zone)
            if moment == now:
                return Passed(rule="window open", values=seen)
            return Fixed(at=moment + _scatter(spread, enrollment, visit, here, facts), values=seen)
        case AtDate():
            return _date(timer, here, enrollment, visit, event, facts, now, zone, seen)


def _date(
    timer: AtDate,
    here: Step,
    enrollment: Enrollment,
    visit: int,
    event: Event | None,
    facts: Facts,
    now: Instant,
    zone: str,
    seen: tuple[tuple[str, Value], ...],
) -> Fixed | Passed:
    assert here.moment is not None
    moment: Instant | None = None
    match here.moment(facts, event, enrollment, now):
        case str(day):
            moment = at_date(day, timer.minute, zone)
        case int() | float() as instant:
            moment = int(instant)
        case _:
            pass
    if moment is None:
        return Passed(rule="date missing", leave=timer.if_missing == "exit")
    if moment <= now:
        return Passed(rule="date past", leave=timer.if_past == "exit", values=seen)
    return Fixed(at=moment + _scatter(timer.spread, enrollment, visit, here, facts), values=seen)


def _scatter(spread: int, enrollment: Enrollment, visit: int, here: Step, facts: Facts) -> int:
    if not spread:
        return 0
    return draw(spread, "spread", enrollment.journey, here.state.id, facts.external_id, str(visit))
