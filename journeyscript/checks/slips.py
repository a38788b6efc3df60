"""Waits of days that miss the time of day behind them by nothing, and so take a day more.

A wait for a time of day looks for the next one. Whoever went on at 09:00 and waited for whole days stands at 09:00
exactly, so that the next one is tomorrow's. Takes a machine; the weekdays of both waits decide.
"""

from collections.abc import Iterator

from msgspec import Struct

from journeyscript.checks.places import place
from journeyscript.diagnostics import Diagnostic
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import (
    After,
    Always,
    Arm,
    AtTime,
    CalendarDays,
    Due,
    If,
    NotSent,
    State,
    Timer,
)
from journeyscript.machine.wording import clock
from journeyscript.rules import finding
from journeyscript.syntax.duration import DAY
from journeyscript.syntax.policies import WEEKDAYS, Weekday

_INSTANT = (Always, If, Arm, NotSent)


class Slip(Struct, frozen=True, kw_only=True):
    """Three waits in a row: until a time of day, for whole `days`, and until that time of day again, `more` days on.

    `day` is a weekday, from 0, on which the first of them may end.
    """

    first: State
    wait: State
    second: State
    clock: str
    days: int
    day: int
    more: int


def window_slip(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS409: some days after a time of day the same time of day is waited for, which is then a day further on."""
    told: set[str] = set()
    for slip in _slips(compiled):
        if slip.second.id in told:
            continue
        told.add(slip.second.id)
        arrives = slip.day + slip.days
        yield finding(
            "JS409",
            f"`{slip.second.id}` begins at {slip.clock} and ends at the next {slip.clock}, {_count(slip.more)} later",
            place(compiled, slip.second.id),
            help=_mend(slip),
            journey=compiled.machine.journey,
            step=slip.second.id,
            witness=(
                f"{slip.first.id} until {_name(slip.day)} {slip.clock}",
                f"{slip.wait.id} until {_name(arrives)} {slip.clock}",
                f"{slip.second.id} until {_name(arrives + slip.more)} {slip.clock}",
            ),
        )


def _slips(compiled: Compiled) -> Iterator[Slip]:
    states = {state.id: state for state in compiled.machine.states}
    for first in compiled.machine.states:
        if not isinstance(first.timer, AtTime):
            continue
        for wait in _next_waits(first, states):
            if (days := _whole_days(wait.timer)) is None:
                continue
            for second in _next_waits(wait, states):
                found = _meeting(first.timer, days, second.timer)
                if found is not None:
                    shown = clock(first.timer.minute)
                    yield Slip(
                        first=first, wait=wait, second=second, clock=shown, days=days, day=found[0], more=found[1]
                    )


def _whole_days(timer: Timer | None) -> int | None:
    match timer:
        case After(duration=length) if length % DAY == 0:
            return length // DAY
        case CalendarDays(days=days):
            return days
        case _:
            return None


def _meeting(first: AtTime, days: int, second: Timer | None) -> tuple[int, int] | None:
    """Return a weekday on which the first wait may end so that the second begins at its own time, and its length."""
    if not isinstance(second, AtTime) or second.minute != first.minute:
        return None
    for day, name in enumerate(WEEKDAYS):
        if name in first.days and _name(day + days) in second.days:
            return day, next(more for more in range(1, 8) if _name(day + days + more) in second.days)
    return None


def _mend(slip: Slip) -> str:
    if isinstance(slip.second.timer, AtTime) and slip.second.timer.days == WEEKDAYS:
        unit = "calendar day" if slip.days == 1 else "calendar days"
        return f"write `wait: {slip.days} {unit}` in place of both: that keeps the time of day"
    return "make the wait before it some hours shorter, so that it is over in time"


def _name(day: int) -> Weekday:
    return WEEKDAYS[day % 7]


def _count(days: int) -> str:
    return "a day" if days == 1 else f"{days} days"


def _next_waits(state: State, states: dict[str, State]) -> Iterator[State]:
    """Yield the waits that follow when the time of one is up, with nothing in between that takes time."""
    open_ends = [t.target for t in state.transitions if isinstance(t.trigger, Due)]
    seen = set(open_ends)
    while open_ends:
        found = states[open_ends.pop(0)]
        if found.timer is not None:
            yield found
            continue
        onward = [t.target for t in found.transitions if isinstance(t.trigger, _INSTANT) and t.target not in seen]
        seen.update(onward)
        open_ends += onward
