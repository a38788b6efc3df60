"""What a calendar and a clock have against the waits of a journey: hours that are skipped, moments that are past.

Takes a machine and, where a finding depends on it, the day from which on customers will go through it; reads no clock.
"""

from collections.abc import Iterable, Iterator
from datetime import date as Date  # noqa: N812 - `date` is a word of this module
from functools import lru_cache

from journeyscript.checks.places import conditions, place
from journeyscript.diagnostics import Diagnostic
from journeyscript.engine.calendar import instant_of, local_text, next_time_of_day, within_window, zone_exists
from journeyscript.machine.graph import path_to
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import (
    After,
    AtDate,
    AtTime,
    Machine,
    Timer,
    Within,
)
from journeyscript.machine.needs import nodes
from journeyscript.machine.wording import clock
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import Catalog
from journeyscript.syntax.duration import DAY, SECOND, show_duration
from journeyscript.syntax.policies import WEEKDAYS

DATED = frozenset({"JS403", "JS406"})
"""Rules that say nothing unless it is known which day it is."""

HORIZON = 730
"""So many days ahead the clocks are looked at."""

_ZONE = "timezone"


def zones_of(timezone: str, catalog: Catalog) -> tuple[str, ...]:
    """Return the project's zone, and those that the catalog names where a customer's zone is an enum."""
    own = catalog.attribute(_ZONE)
    named = () if own is None else own.type.values
    return tuple(dict.fromkeys((timezone, *(name for name in named if zone_exists(name)))))


def below_resolution(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS404: timers are due on whole seconds, so a finer wait is longer than it says."""
    for state in compiled.machine.states:
        for milliseconds in _lengths(state.timer):
            if milliseconds % SECOND == 0:
                continue
            whole = -(-milliseconds // SECOND) * SECOND
            yield finding(
                "JS404",
                f"{show_duration(milliseconds)} is finer than a second, which is as fine as time goes here",
                place(compiled, state.id),
                help=f"write `{show_duration(whole)}`",
                journey=compiled.machine.journey,
                step=state.id,
                witness=(*path_to(compiled.machine, state.id), f"goes on after {show_duration(whole)}"),
            )


def _lengths(timer: Timer | None) -> tuple[int, ...]:
    match timer:
        case After(duration=length):
            return (length,)
        case AtTime(spread=length) | AtDate(spread=length) | Within(spread=length):
            return (length,)
        case _:
            return ()


def dst_gap(compiled: Compiled, zones: Iterable[str], today: Date) -> Iterator[Diagnostic]:
    """JS403: a wall-clock time that is waited for is skipped when the clocks go forward; of each wait the first."""
    for state in compiled.machine.states:
        found = next((gap for zone in zones if (gap := _gap(state.timer, zone, today)) is not None), None)
        if found is None:
            continue
        what, day, zone, moment = found
        yield finding(
            "JS403",
            f"{what} on {day} in `{zone}`",
            place(compiled, state.id),
            help="choose a time outside of the hour that the clocks skip",
            journey=compiled.machine.journey,
            step=state.id,
            witness=(*path_to(compiled.machine, state.id), f"on {day} goes on at {moment}"),
        )


def _gap(timer: Timer | None, zone: str, today: Date) -> tuple[str, Date, str, str] | None:
    """Return what does not exist, on which day, where, and the moment that is taken instead."""
    if not isinstance(timer, AtTime | AtDate | Within):
        return None
    for day in short_days(zone, today):
        match timer:
            case AtTime(minute=minute, days=days) if WEEKDAYS[day.weekday()] in days:
                pass
            # A date without a time means the beginning of the day, whenever that is.
            case AtDate(minute=minute, moment=date) if minute and _is_date(date, day):
                pass
            case Within(start=start, end=end, days=days) if WEEKDAYS[day.weekday()] in days and start < end:
                if instant_of(day, start, zone) >= (closes := instant_of(day, end, zone)):
                    words = f"no moment lies between `{clock(start)}` and `{clock(end)}`"
                    return words, day, zone, local_text(within_window(closes, start, end, days, zone), zone)
                continue
            case _:
                continue
        moment = instant_of(day, minute, zone)
        if local_text(moment, zone)[:16] == f"{day}T{clock(minute)}":
            continue
        if isinstance(timer, AtTime):  # Which does not land on a weekday that was not asked for.
            moment = next_time_of_day(instant_of(day, 0, zone) - 1, minute, timer.days, zone)
        return f"`{clock(minute)}` does not exist", day, zone, local_text(moment, zone)
    return None


@lru_cache(maxsize=256)
def short_days(zone: str, today: Date) -> tuple[Date, ...]:
    """Return the days within the horizon that are shorter than 24 hours in a zone."""
    days = [Date.fromordinal(today.toordinal() + ahead) for ahead in range(HORIZON + 1)]
    starts = [instant_of(day, 0, zone) for day in days]
    return tuple(day for day, start, end in zip(days, starts, starts[1:], strict=False) if end - start < DAY)


def _is_date(moment: typed.Expression, day: Date) -> bool:
    """Return whether an expression gives a date, which may be this day."""
    match moment:
        case typed.Literal(value=value, type=kind):
            return kind.kind == "date" and value == day.isoformat()
        case typed.Attribute() | typed.Property() | typed.EntryProperty() | typed.Arithmetic() | typed.History():
            return moment.type.kind == "date"
        case _:
            return False


def past_date(compiled: Compiled, today: Date) -> Iterator[Diagnostic]:
    """JS406: a constant moment that is waited for, or counted down to, is over before today."""
    machine = compiled.machine
    for state in machine.states:
        timer = state.timer
        day = _past(timer.moment, machine, today) if isinstance(timer, AtDate) else None
        if day is None or not isinstance(timer, AtDate):
            continue
        then = "leaves the journey" if timer.if_past == "exit" else "goes on at once"
        yield finding(
            "JS406",
            f"`{state.id}` waits for {day}, which is past",
            place(compiled, state.id),
            help="write a moment that is still to come, or take the wait out",
            journey=machine.journey,
            step=state.id,
            witness=(*path_to(machine, state.id), f"on {today} everybody {then}"),
        )
    for asked in conditions(compiled):
        for node in nodes(asked.condition):
            day = _counted_down(node, machine, today)
            if day is not None:
                yield finding(
                    "JS406",
                    f"{day}, to which days are counted, is past",
                    asked.span,
                    help="write a moment that is still to come",
                    journey=machine.journey,
                    step=asked.step,
                    witness=(f"on {today} `days_until` is negative for everybody",),
                )


def _counted_down(node: typed.Expression, machine: Machine, today: Date) -> str | None:
    if not (isinstance(node, typed.Call) and node.function == "days_until"):
        return None
    return _past(node.arguments[0], machine, today)


def _past(moment: typed.Expression, machine: Machine, today: Date) -> str | None:
    """Return a constant that is over before today, as text; `None` for any other."""
    match moment:
        case typed.Literal(value=str(day)) if moment.type.kind == "date" and day < today.isoformat():
            return day
        case typed.Literal(value=int(instant)) if moment.type.kind == "timestamp":
            over = instant < instant_of(today, 0, machine.timezone)
            return local_text(instant, machine.timezone) if over else None
        case _:
            return None
