"""Quiet hours against the moments at which messages come up: those that can never go out, and channels without any.

Takes compiled journeys and policies; reckons with the minutes of a week on the customer's clock, whatever the zone.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from journeyscript.checks.places import place
from journeyscript.checks.worst_case.times import WEEK_MINUTES, Sending, quiet_minutes
from journeyscript.diagnostics import Diagnostic, Label, Span
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import AtTime, Due, Machine, On, Send, State, When, Within
from journeyscript.rules import finding
from journeyscript.semantics.types import Milliseconds
from journeyscript.syntax.config import ChannelConfig
from journeyscript.syntax.duration import MINUTE, show_duration
from journeyscript.syntax.policies import WEEKDAYS, Policies, QuietWindow

_NIGHT = 4 * 60
"""Up to this minute of the day clocks are changed, so that a time may not exist and is taken later."""

_SHIFT = 2 * 60
"""By so many minutes."""


class Arrival(Struct, frozen=True, kw_only=True):
    """The minutes of the week at which customers come to a send, and the waits that they come from.

    Without waits they come at any time.
    """

    minutes: frozenset[int] = frozenset(range(WEEK_MINUTES))
    waits: tuple[str, ...] = ()


ANYTIME = Arrival()


def never_sendable(compiled: Compiled, sending: Sending) -> Iterator[Diagnostic]:
    """JS405: whenever a marketing message comes up it is quiet, and stays so until the message is too old."""
    machine = compiled.machine
    for state in machine.states:
        send = state.action
        if not isinstance(send, Send) or send.kind != "marketing" or send.best_time:
            continue
        quiet = [sending.quiet(channel) for channel in send.via]
        if not all(quiet):
            continue
        arrival = _arrival(machine, state)
        max_age = sending.max_age(send)
        if all(_never(windows, arrival, max_age) for windows in quiet):
            yield _told(compiled, state, arrival, quiet[0], max_age)


def _told(
    compiled: Compiled, state: State, arrival: Arrival, windows: tuple[QuietWindow, ...], max_age: Milliseconds
) -> Diagnostic:
    minute = min(arrival.minutes)
    end = _end(quiet_minutes(windows), minute)
    over = "for ever" if end is None else f"until {_clock(minute + end)}"
    return finding(
        "JS405",
        f"`{state.id}` can never go out: it is quiet whenever it comes up, for longer than {show_duration(max_age)}",
        place(compiled, state.id),
        help="wait for a time outside of the quiet hours, or write a longer `max_age`"
        if end is not None
        else "leave some time of the week in which it is not quiet",
        labels=tuple(Label(span=place(compiled, wait), text="it comes up behind this") for wait in arrival.waits),
        journey=compiled.machine.journey,
        step=state.id,
        witness=(
            *arrival.waits,
            f"{state.id} at {_clock(minute)}",
            f"quiet {over}, `max_age` {show_duration(max_age)}",
        ),
    )


def _never(windows: tuple[QuietWindow, ...], arrival: Arrival, max_age: Milliseconds) -> bool:
    """Return whether it stays quiet, from each minute of an arrival on, for longer than a message may wait."""
    quiet = quiet_minutes(windows)
    if len(quiet) == WEEK_MINUTES or arrival == ANYTIME:
        return len(quiet) == WEEK_MINUTES
    # The quiet hours of a night in which the clocks go forward are shorter.
    needed = -(-max_age // MINUTE) + _SHIFT
    return all((rest := _end(quiet, minute)) is not None and rest > needed for minute in arrival.minutes)


def _end(quiet: frozenset[int], minute: int) -> int | None:
    """Return in how many minutes it is not quiet any more; `None` for never."""
    return next((rest for rest in range(WEEK_MINUTES) if (minute + rest) % WEEK_MINUTES not in quiet), None)


def _arrival(machine: Machine, state: State) -> Arrival:
    """Return when customers come to a state: at any time, unless they come straight from times of day."""
    minutes: set[int] = set()
    waits: list[str] = []
    seen, open_ends = {state.id}, [state.id]
    while open_ends:
        name = open_ends.pop()
        if name == machine.initial:
            return ANYTIME
        for before in machine.states:
            for transition in (transition for transition in before.transitions if transition.target == name):
                match transition.trigger:
                    case Due() if isinstance(before.timer, AtTime | Within):
                        minutes |= _minutes(before.timer)
                        waits.append(before.id)
                    case Due() | On() | When():
                        return ANYTIME
                    case _ if isinstance(before.action, Send) and before.action.kind == "marketing":
                        return ANYTIME  # It may have waited, for how long nobody knows.
                    case _ if before.id not in seen:
                        seen.add(before.id)
                        open_ends.append(before.id)
                    case _:
                        pass
    return Arrival(minutes=frozenset(minutes), waits=tuple(dict.fromkeys(waits))) if minutes else ANYTIME


def _minutes(timer: AtTime | Within) -> set[int]:
    """Return the minutes of the week at which a time of day is, or a window is open or has just opened."""
    spread = -(-timer.spread // MINUTE)
    match timer:
        case AtTime(minute=start):
            length = spread + 1
        case Within(start=start, end=end):
            length = max((end - start) % 1440, spread + 1)
    length += _SHIFT if start < _NIGHT else 0
    return {(WEEKDAYS.index(day) * 1440 + start + more) % WEEK_MINUTES for day in timer.days for more in range(length)}


def _clock(minute: int) -> str:
    day, rest = divmod(minute % WEEK_MINUTES, 1440)
    return f"{WEEKDAYS[day]} {rest // 60:02}:{rest % 60:02}"


def quiet_hours_missing(
    journeys: Mapping[str, Compiled], channels: Mapping[str, ChannelConfig], policies: Policies, where: Span
) -> Iterator[Diagnostic]:
    """JS507: marketing goes out on channels for which nobody has said when it is quiet; `none` says it is never."""
    used = {
        channel: f"{name}: {state.id} by {channel}"
        for name, compiled in journeys.items()
        for state in compiled.machine.states
        if isinstance(state.action, Send) and state.action.kind == "marketing"
        for channel in state.action.via
    }
    loud = sorted(name for name in used if name in channels and channels[name].quiet_hours is None)
    if policies.quiet_hours or not loud:
        return
    listed = ", ".join(f"`{name}`" for name in loud)
    yield finding(
        "JS507",
        f"marketing by {listed} goes out at any hour of the customer's night",
        where,
        help='write `policies: { quiet_hours: { between: ["21:00", "08:00"] } }`, or `quiet_hours: none` in a channel',
        witness=[used[name] for name in loud],
    )
