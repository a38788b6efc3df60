"""Durations and times of day as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyscript.syntax.duration import (
    DAY,
    HOUR,
    LONGEST,
    MINUTE,
    SECOND,
    Duration,
    DurationProblem,
    duration_of,
    parse_duration,
    parse_time_of_day,
    show_duration,
)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("3 days", 3 * DAY),
        ("1day", DAY),
        (" 90 seconds ", 90 * SECOND),
        ("1 day 2 hours", DAY + 2 * HOUR),
        ("1 day and 2 hours", DAY + 2 * HOUR),
        ("1 day, 2 hours", DAY + 2 * HOUR),
        ("1.5 hours", 90 * MINUTE),
        ("2 weeks", 14 * DAY),
        ("P1DT12H", 36 * HOUR),
        ("PT1M", MINUTE),
        ("P2W", 14 * DAY),
        ("PT90S", 90 * SECOND),
    ],
)
def test_an_elapsed_time_can_be_written_in_words_or_in_iso_8601(text, milliseconds):
    assert parse_duration(text) == Duration(milliseconds=milliseconds)


@pytest.mark.parametrize(("text", "days"), [("1 calendar day", 1), ("3 calendar days", 3), ("2 calendar weeks", 14)])
def test_calendar_days_stay_days(text, days):
    assert parse_duration(text) == Duration(calendar_days=days)


@pytest.mark.parametrize("text", ["1M", "1 month", "2 months", "1 year", "5m", "P1M", "P1Y", "P1Y2M3D"])
def test_what_has_no_fixed_length_is_ambiguous(text):
    with pytest.raises(DurationProblem) as caught:
        parse_duration(text)
    assert caught.value.ambiguous


@pytest.mark.parametrize(
    "text",
    ["", "soon", "days", "3", "3 dayz", "-1 day", "P", "PT", "P1DT", "PTx", "1:30", "0 days", "PT0S", "0 calendar days",
     "99999 weeks", "9" * 400 + " days", "9" * 5_000 + " calendar days", "P" + "9" * 5_000 + "D", "٣ days", "1 day x",
     "1 calendar day 2 hours", "1e3 days"],
)  # fmt: skip
def test_other_texts_are_no_duration(text):
    with pytest.raises(DurationProblem) as caught:
        parse_duration(text)
    assert not caught.value.ambiguous


def test_a_mapping_adds_its_units_up():
    assert duration_of({"days": 1, "hours": 12}) == Duration(milliseconds=36 * HOUR)


@pytest.mark.parametrize("fields", [{}, {"days": 0}, {"weeks": 10**30}])
def test_a_mapping_of_nothing_or_of_too_much_is_refused(fields):
    with pytest.raises(DurationProblem) as caught:
        duration_of(fields)
    assert caught.value.message.startswith("`{")


@given(st.integers(min_value=1, max_value=LONGEST // SECOND))
def test_a_duration_in_words_says_the_same_duration(seconds):
    assert parse_duration(show_duration(seconds * SECOND)).milliseconds == seconds * SECOND


@pytest.mark.parametrize(("text", "minute"), [("00:00", 0), ("9:05", 545), ("23:59", 1439)])
def test_a_time_of_day_is_minutes_after_midnight(text, minute):
    assert parse_time_of_day(text) == minute


@pytest.mark.parametrize("text", ["24:00", "9", "09:60", "9:5", "-1:00", "09:00:00", ""])
def test_other_texts_are_no_time_of_day(text):
    assert parse_time_of_day(text) is None
