"""How long everything takes at least and at most: waits, and messages that are held back.

Times are in milliseconds and those of a runtime that keeps up. Knows policies, as they hold messages back, and how
quiet hours lie in a week; knows no customer and no zone.
"""

from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from journeyscript.machine.model import (
    After,
    AtDate,
    AtTime,
    CalendarDays,
    Due,
    On,
    Send,
    State,
    Timer,
    Transition,
    When,
    Within,
)
from journeyscript.semantics.types import Milliseconds
from journeyscript.syntax.config import ChannelConfig
from journeyscript.syntax.duration import DAY, HOUR, MINUTE, WEEK
from journeyscript.syntax.policies import WEEKDAYS, Policies, QuietWindow, Weekday

SHIFT = 3 * HOUR
"""No change of the clocks moves a wall clock further."""

ROUNDING = 1_000
"""Timers are due on whole seconds."""

WEEK_MINUTES = 7 * 24 * 60


class Sending(Struct, frozen=True, kw_only=True):
    """What holds for the sends of a project."""

    channels: Mapping[str, ChannelConfig] = {}
    policies: Policies = Policies()

    def quiet(self, channel: str) -> tuple[QuietWindow, ...]:
        """Return the quiet hours of a channel."""
        config = self.channels.get(channel)
        own = None if config is None else config.quiet_hours
        return self.policies.quiet_hours if own is None else own

    def max_age(self, send: Send) -> Milliseconds:
        """Return how old a message may get."""
        return self.policies.max_age if send.max_age is None else send.max_age

    def delay(self, send: Send) -> Milliseconds:
        """Return how long a message waits at most for a cap to have room again."""
        return min(send.delay, self.max_age(send))

    def longest_hold(self, send: Send) -> Milliseconds:
        """Return how long a message can be held back at most."""
        if send.best_time:
            return max(self.max_age(send), send.delay) + ROUNDING
        if send.kind != "marketing":
            return 0
        # What lies between two windows may be too short for a release, or be skipped when the clocks go forward.
        tails = -(-(self.policies.release_over + SHIFT) // MINUTE)
        quiet = max((longest_stretch(self.quiet(channel), tails) for channel in send.via), default=0)
        if quiet == 0:
            return send.delay + ROUNDING if send.delay and self.policies.caps else 0
        held = min(self.max_age(send), quiet * MINUTE)
        return (held if not send.delay else max(self.max_age(send), send.delay)) + ROUNDING


def elapsed(state: State, transition: Transition, grace: Milliseconds = 0) -> tuple[Milliseconds, Milliseconds | None]:
    """Return how long after arrival at a state a transition is taken: at least, and at most.

    `grace` is how much longer a state is left whose event may still be on its way.
    """
    most = longest(state.timer)
    if most is not None and any(isinstance(one.trigger, On) for one in state.transitions):
        most += grace
    match transition.trigger:
        case Due():
            return shortest(state.timer), most
        case On() | When():
            return 0, most
        case _:
            return 0, 0


def shortest(timer: Timer | None) -> Milliseconds:
    """Return how long a timer takes at least."""
    match timer:
        case After(duration=duration):
            return duration
        case CalendarDays(days=days):
            return max(days * DAY - SHIFT, 0)
        case _:
            return 0


def longest(timer: Timer | None) -> Milliseconds | None:
    """Return how long a timer takes at most; `None` for a moment of which nothing is known."""
    match timer:
        case After(duration=duration):
            return duration + ROUNDING
        case CalendarDays(days=days):
            return days * DAY + SHIFT + ROUNDING
        case AtTime(days=days, spread=spread):
            return _between_days(days) + SHIFT + spread + ROUNDING
        case Within(start=start, end=end, days=days, spread=spread):
            open_for = ((end - start) % (24 * 60)) * MINUTE
            # A window that is shorter than the change of the clocks may not open on a day.
            missed = 2 if open_for < SHIFT else 1
            return missed * _between_days(days) - open_for + SHIFT + spread + ROUNDING
        case AtDate() | None:
            return None


def _between_days(days: tuple[Weekday, ...]) -> Milliseconds:
    """Return the longest time from one of these days of the week to the next."""
    numbers = [WEEKDAYS.index(day) for day in days]
    return max((later - day - 1) % 7 + 1 for day, later in zip(numbers, [*numbers[1:], numbers[0]], strict=True)) * DAY


@lru_cache(maxsize=256)
def quiet_minutes(windows: tuple[QuietWindow, ...], tails: int = 0) -> frozenset[int]:
    """Return the minutes of the week, from Monday midnight, in which it is quiet; each window longer by `tails`."""
    return frozenset(
        (WEEKDAYS.index(day) * 1440 + minute) % WEEK_MINUTES
        for window in windows
        for day in window.days
        for minute in range(window.start, window.end + tails + (1440 if window.end <= window.start else 0))
    )


@lru_cache(maxsize=256)
def longest_stretch(windows: tuple[QuietWindow, ...], tails: int = 0) -> int:
    """Return for how many minutes it is quiet without a break at most; a week where it is never not."""
    quiet = quiet_minutes(windows, tails)
    if len(quiet) == WEEK_MINUTES:
        return WEEK // MINUTE
    best = here = 0
    for minute in range(2 * WEEK_MINUTES):
        here = here + 1 if minute % WEEK_MINUTES in quiet else 0
        best = max(best, here)
    return best
