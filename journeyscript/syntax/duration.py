"""Durations and times of day as people write them: `3 days`, `1 day 2 hours`, `P1DT12H`, `{days: 1}`, `09:00`.

An elapsed duration is whole milliseconds and one day is 24 hours; `1 calendar day` is the same wall-clock time
tomorrow and stays a number of days. A month or a year has no fixed length and is refused.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

UNITS = {
    "second": SECOND, "seconds": SECOND, "minute": MINUTE, "minutes": MINUTE, "hour": HOUR, "hours": HOUR,
    "day": DAY, "days": DAY, "week": WEEK, "weeks": WEEK,
}  # fmt: skip
LONGEST = 100 * 366 * DAY

_PART = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([A-Za-z]+)\s*,?\s*(?:and\s+)?")
_ISO = re.compile(r"P(?:(N)W)?(?:(N)D)?(?:T(?:(N)H)?(?:(N)M)?(?:(N)S)?)?".replace("N", "[0-9]{1,15}"))
_CALENDAR = re.compile(r"([0-9]{1,15})\s+calendar\s+(days?|weeks?)")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class Duration(Struct, frozen=True, kw_only=True):
    """An elapsed time in `milliseconds`, or a number of `calendar_days`; one of the two is zero."""

    milliseconds: int = 0
    calendar_days: int = 0

    @property
    def elapsed(self) -> int:
        """The length in milliseconds where no calendar is at hand: a calendar day counts as 24 hours."""
        return self.milliseconds + self.calendar_days * DAY


class DurationProblem(Exception):
    """The text is no duration. `ambiguous`: it could mean several (a month, `1M`)."""

    def __init__(self, message: str, help_text: str, *, ambiguous: bool = False) -> None:
        super().__init__(message)
        self.message, self.help_text, self.ambiguous = message, help_text, ambiguous


_FORMS = "write it as `3 days`, `1 day 2 hours`, `P1DT12H` or `1 calendar day`"


def parse_duration(text: str) -> Duration:
    """Return the duration that a text says.

    Raises:
        DurationProblem: it says none, says nothing, or could mean several.
    """
    words = text.strip()
    if match := _CALENDAR.fullmatch(words):
        days = int(match[1]) * (7 if match[2].startswith("week") else 1)
        return _checked(Duration(calendar_days=days), text)
    if words[:1] == "P":
        return _checked(_iso(words), text)
    total, position = 0.0, 0
    while position < len(words):
        match = _PART.match(words, position)
        if match is None:
            raise DurationProblem(f"`{text}` is not a duration", _FORMS)
        total += float(match[1]) * _unit(match[2], text)
        position = match.end()
    return _checked(Duration(milliseconds=round(total)), text)


def duration_of(fields: Mapping[str, int]) -> Duration:
    """Return the duration of a mapping such as `{days: 1, hours: 12}`; an empty one is refused."""
    written = "{" + ", ".join(f"{name}: {n}" for name, n in fields.items()) + "}"
    return _checked(Duration(milliseconds=sum(UNITS[name] * n for name, n in fields.items())), written)


def parse_time_of_day(text: str) -> int | None:
    """Return the minutes after midnight of `HH:MM`, or `None` where the text is no time of day."""
    match = _TIME.fullmatch(text.strip())
    return int(match[1]) * 60 + int(match[2]) if match else None


def show_duration(milliseconds: int) -> str:
    """Return the duration in words, the largest units first: `1 day 12 hours`."""
    parts, rest = [], milliseconds
    for name in ("days", "hours", "minutes", "seconds"):
        count, rest = divmod(rest, UNITS[name])
        if count:
            parts.append(f"{count} {name if count != 1 else name[:-1]}")
    if rest:
        parts.append(f"{rest} ms")
    return " ".join(parts) or "0 seconds"


def _unit(word: str, text: str) -> int:
    if word in UNITS:
        return UNITS[word]
    if word.lower() in {"m", "month", "months", "year", "years", "y"}:
        raise DurationProblem(
            f"`{text}` could mean several lengths",
            "write minutes, or a number of days such as `30 days`",
            ambiguous=True,
        )
    raise DurationProblem(f"`{word}` is not a unit of time", "the units are seconds, minutes, hours, days and weeks")


def _iso(words: str) -> Duration:
    match = _ISO.fullmatch(words)
    if match is None or words.endswith(("P", "T")):
        if re.match(r"P[0-9]+[YM]", words):
            raise DurationProblem(
                f"`{words}` could mean several lengths", "months and years differ; write days", ambiguous=True
            )
        raise DurationProblem(f"`{words}` is not a duration", _FORMS)
    weeks, days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
    return Duration(milliseconds=weeks * WEEK + days * DAY + hours * HOUR + minutes * MINUTE + seconds * SECOND)


def _checked(duration: Duration, text: str) -> Duration:
    if duration.milliseconds <= 0 and duration.calendar_days <= 0:
        raise DurationProblem(f"`{text}` lasts no time at all", _FORMS)
    if duration.milliseconds > LONGEST or duration.calendar_days > LONGEST // DAY:
        raise DurationProblem(f"`{text}` is longer than a hundred years", _FORMS)
    return duration
