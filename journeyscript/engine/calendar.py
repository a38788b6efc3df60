"""Civil time: from wall clocks and zones to instants and back, with daylight saving done right.

The one module that touches the zone database (through `whenever`). Takes and gives instants in milliseconds; never
asks what time it is. A wall-clock time that does not exist on a day is the first instant after the gap; one that
occurs twice is the first of the two.
"""

import re
from datetime import date as Date  # noqa: N812 - `date` is a word of this module
from functools import lru_cache

from whenever import Instant as Moment
from whenever import PlainDateTime, TimeZoneNotFoundError, ZonedDateTime

from journeyscript.semantics.types import Instant, Value
from journeyscript.syntax.policies import WEEKDAYS, QuietWindow, Weekday

SECOND = 1_000
DAY = 86_400_000
_SEARCHED_DAYS = 15
"""How far the next matching day is searched: a week, and room for a day that a zone left out."""

_LONGEST_QUIET = 7 * DAY
"""Beyond a week the same windows come round again."""

_ALIASES = {"Europe/Kiev": "Europe/Kyiv", "US/Pacific": "America/Los_Angeles", "US/Eastern": "America/New_York",
            "US/Central": "America/Chicago", "US/Mountain": "America/Denver", "Asia/Calcutta": "Asia/Kolkata",
            "Asia/Saigon": "Asia/Ho_Chi_Minh", "Asia/Katmandu": "Asia/Kathmandu", "GMT": "UTC", "Z": "UTC",
            "Etc/UTC": "UTC", "Etc/GMT": "UTC"}  # fmt: skip

_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)

_OF_THE_MACHINE = frozenset({"localtime", "posixrules", "Factory"})
"""Files that lie beside the zones and are no zone, or are whatever zone the machine is set to."""


@lru_cache(maxsize=4096)
def zone_exists(name: str) -> bool:
    """Return whether the zone database knows a name, and means the same by it on every machine."""
    if name in _OF_THE_MACHINE or name.startswith(("right/", "posix/")):
        return False
    try:
        ZonedDateTime(2026, 1, 1, tz=name)
    except (TimeZoneNotFoundError, ValueError):
        return False
    return True


def resolve_zone(written: Value, default: str) -> tuple[str, str | None]:
    """Return the zone to use, and why it is not the written one: `None`, `no zone`, `unknown zone`.

    An alias gives the zone's present name; nothing, or a name that no zone has, gives the project's zone.
    """
    if written is None or written == "":
        return default, "no zone"
    if not isinstance(written, str):
        return default, "unknown zone"
    name = _ALIASES.get(written, written)
    return (name, None) if zone_exists(name) else (default, "unknown zone")


def zone_in_words(zone: str, doubt: str | None) -> str:
    """Return the zone that was used, and why it is not the written one, as a decision records it."""
    return zone if doubt is None else f"{zone} ({doubt})"


def next_time_of_day(now: Instant, minute: int, days: tuple[Weekday, ...], zone: str) -> Instant:
    """Return the first instant after `now` at which the wall clock shows this time on one of these days.

    A day that the zone left out altogether has no such time, and a gap at midnight never leads to another weekday.
    """
    today = local_date(now, zone)
    for ahead in range(_SEARCHED_DAYS):
        day = Date.fromordinal(today.toordinal() + ahead)
        if WEEKDAYS[day.weekday()] in days:
            moment = instant_of(day, minute, zone)
            if moment > now and _may_land(day, moment, days, zone):
                return moment
    raise AssertionError("some day of the week is in `days`, so one of the next days matches")


def within_window(now: Instant, start: int, end: int, days: tuple[Weekday, ...], zone: str) -> Instant:
    """Return `now` where it lies in a window of the day, else the next opening. The end does not belong to it."""
    today = local_date(now, zone)
    for ahead in range(-1, _SEARCHED_DAYS):
        day = Date.fromordinal(today.toordinal() + ahead)
        if WEEKDAYS[day.weekday()] not in days:
            continue
        opens, closes = _window_of(day, start, end, zone)
        # A window that falls into a gap holds no instant on that day.
        if opens < closes and now < closes:
            return max(now, opens)
    raise AssertionError("some day of the week is in `days`, so one of the next days matches")


def _window_of(day: Date, start: int, end: int, zone: str) -> tuple[Instant, Instant]:
    """Return when a window of a day opens and closes; an end at or before its start is on the next day."""
    closing_day = day if end > start else Date.fromordinal(day.toordinal() + 1)
    return instant_of(day, start, zone), instant_of(closing_day, end, zone)


def quiet_until(now: Instant, windows: tuple[QuietWindow, ...], zone: str) -> Instant | None:
    """Return when the quiet hours that `now` lies in are over, `None` outside of them.

    Windows that touch or overlap are one stretch; where they leave no instant of the week, the end is a week ahead.
    """
    end = now
    while end - now < _LONGEST_QUIET and (closes := _closing(end, windows, zone)) is not None:
        end = closes
    return None if end == now else end


def _closing(now: Instant, windows: tuple[QuietWindow, ...], zone: str) -> Instant | None:
    """Return the latest end of the windows that `now` lies in."""
    today = local_date(now, zone)
    closings = []
    for window in windows:
        for day in (Date.fromordinal(today.toordinal() - 1), today):
            if WEEKDAYS[day.weekday()] not in window.days:
                continue
            opens, closes = _window_of(day, window.start, window.end, zone)
            if opens <= now < closes:
                closings.append(closes)
    return max(closings, default=None)


def add_calendar_days(now: Instant, days: int, zone: str) -> Instant:
    """Return the instant at which the wall clock shows the same time, that many days later."""
    local = _zoned(now, zone)
    target = Date.fromordinal(local.date().to_stdlib().toordinal() + days)
    minute, rest = divmod(local.hour * 3600 + local.minute * 60 + local.second, 60)
    return instant_of(target, minute, zone) + rest * SECOND


def minute_of_day(time: Value) -> int | None:
    """Return the minute of a time such as `18:30`, or `None` for what is none."""
    found = _TIME_OF_DAY.fullmatch(time) if isinstance(time, str) else None
    return None if found is None else int(found[1]) * 60 + int(found[2])


def at_date(day: str, minute: int, zone: str) -> Instant | None:
    """Return the instant of a date (ISO 8601) at a minute of the day, or `None` where the text is no date."""
    try:
        return instant_of(Date.fromisoformat(day), minute, zone)
    except ValueError:
        return None


def local_date(now: Instant, zone: str) -> Date:
    """Return the date that the calendar shows in a zone."""
    return _zoned(now, zone).date().to_stdlib()


def local_text(now: Instant, zone: str) -> str:
    """Return the instant as ISO 8601 with the zone's offset, to the second."""
    local = _zoned(now, zone)
    return local.to_fixed_offset().format_iso(unit="second")


def whole_second(moment: Instant) -> Instant:
    """Return the moment, rounded up to a whole second: the grid on which timers are due."""
    return -(-moment // SECOND) * SECOND


@lru_cache(maxsize=65_536)
def instant_of(day: Date, minute: int, zone: str) -> Instant:
    """Return the instant at which the wall clock of a zone shows a minute of a day."""
    plain = PlainDateTime(day.year, day.month, day.day, minute // 60, minute % 60)
    first = plain.assume_tz(zone, disambiguation="earlier")
    if first.to_plain() == plain:
        return first.to_instant().timestamp(unit="millisecond")
    last = plain.assume_tz(zone, disambiguation="later")
    return _change_between(first, last, zone)


def _change_between(before: ZonedDateTime, after: ZonedDateTime, zone: str) -> Instant:
    """Return the first instant with the later offset, by bisection to the second."""
    low, high = before.to_instant().timestamp(), after.to_instant().timestamp()
    offset = after.offset
    while high - low > 1:
        middle = (low + high) // 2
        if Moment.from_timestamp(middle).to_tz(zone).offset == offset:
            high = middle
        else:
            low = middle
    return high * SECOND


def _may_land(day: Date, moment: Instant, days: tuple[Weekday, ...], zone: str) -> bool:
    """Return whether a moment that was meant for a day may be taken, should a gap have led it to another one."""
    landed = local_date(moment, zone)
    if landed == day:
        return True
    return WEEKDAYS[landed.weekday()] in days and local_date(instant_of(day, 0, zone), zone) == day


def _zoned(now: Instant, zone: str) -> ZonedDateTime:
    return Moment.from_timestamp(now, unit="millisecond").to_tz(zone)
