"""Wall-clock times in every zone, around every transition, against an oracle that only asks the standard library.

The oracle knows one rule: a time of a day is the first instant at which the clock of the zone shows at least that
time on that day. It finds it by walking over minutes; nothing of it is shared with the module under test.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from journeyscript.engine.calendar import (
    add_calendar_days,
    at_date,
    instant_of,
    local_date,
    local_text,
    next_time_of_day,
    resolve_zone,
    within_window,
    zone_exists,
)
from journeyscript.syntax.policies import WEEKDAYS

MINUTE = 60_000
DAY = 86_400_000
FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
ZONES = sorted(name for name in available_timezones() if zone_exists(name))
EDGES = ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Chatham")
ODD = (*EDGES, "Australia/Lord_Howe", "America/St_Johns", "America/Nuuk", "Africa/Casablanca", "Antarctica/Troll")


def milliseconds(moment):
    return round(moment.timestamp() * 1000)


def local(instant, zone):
    return datetime.fromtimestamp(instant / 1000, UTC).astimezone(ZoneInfo(zone))


@cache
def transitions(zone):
    """Return the hours in which the zone's offset changes, as instants."""
    found, moment = [], FIRST
    before = moment.astimezone(ZoneInfo(zone)).utcoffset()
    while moment < LAST:
        moment += timedelta(days=1)
        after = moment.astimezone(ZoneInfo(zone)).utcoffset()
        if after != before:
            hour = moment - timedelta(days=1)
            while (hour + timedelta(hours=1)).astimezone(ZoneInfo(zone)).utcoffset() == before:
                hour += timedelta(hours=1)
            found.append(milliseconds(hour))
        before = after
    return found


@cache
def first_showing(day, minute, zone):
    """Return the first instant at which the clock shows at least this minute of this day."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    guesses = [wall.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1)]
    moment = min(guesses) - timedelta(hours=3)
    assert moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) < wall
    while moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) < wall:
        moment += timedelta(minutes=1)
    return milliseconds(moment)


def left_out(day, zone):
    """Return whether the zone never had that day."""
    return local(first_showing(day, 0, zone), zone).date() != day


@st.composite
def places(draw):
    """A zone and an instant in it, more often than not close to a change of the clocks."""
    zone = draw(st.sampled_from(ODD) | st.sampled_from(ZONES))
    around = transitions(zone)
    if around and draw(st.integers(0, 3)):
        moment = draw(st.sampled_from(around)) + draw(st.integers(-4 * 1440, 4 * 1440)) * MINUTE
    else:
        moment = milliseconds(FIRST) + draw(st.integers(0, 11 * 365 * 1440)) * MINUTE
    return zone, moment + draw(st.sampled_from([0, 0, 1, 59_999]))


@st.composite
def times(draw, zone, now):
    """A minute of the day, more often than not one that a change of the clocks touches."""
    near = [change for change in transitions(zone) if abs(change - now) < 8 * DAY]
    if near and draw(st.booleans()):
        shown = local(draw(st.sampled_from(near)), zone) + timedelta(minutes=draw(st.integers(-150, 150)))
        return shown.hour * 60 + shown.minute
    return draw(st.integers(0, 1439))


some_days = st.sets(st.sampled_from(WEEKDAYS), min_size=1).map(lambda chosen: tuple(d for d in WEEKDAYS if d in chosen))
days = st.just(WEEKDAYS) | st.just(WEEKDAYS[:5]) | some_days


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_the_next_time_of_day_is_the_first_one_that_the_clock_shows(data):
    zone, now = data.draw(places())
    minute, allowed = data.draw(times(zone, now)), data.draw(days)
    found = next_time_of_day(now, minute, allowed, zone)
    shown = local(found, zone)
    assert found > now
    assert WEEKDAYS[shown.weekday()] in allowed
    if shown.hour * 60 + shown.minute != minute:
        before = local(found - 1, zone)
        gap = shown.replace(tzinfo=None) - before.replace(tzinfo=None)
        assert gap > timedelta(minutes=1), "only a gap may show another time"
        wanted = timedelta(minutes=minute)
        midnight = before.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
        assert any(
            before.replace(tzinfo=None) < midnight + wanted + timedelta(days=n) < shown.replace(tzinfo=None)
            for n in (0, 1)
        )
    # No instant in between shows that time on such a day for the first time that day.
    first = now - now % MINUTE + MINUTE if now % MINUTE else now + MINUTE
    offset = (minute - local(first, zone).minute) % 15
    for earlier in range(first + offset * MINUTE, found, 15 * MINUTE):
        there = local(earlier, zone)
        assert there.hour * 60 + there.minute != minute or there.fold or WEEKDAYS[there.weekday()] not in allowed


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_next_time_of_day_agrees_with_the_oracle(data):
    zone, now = data.draw(places())
    minute, allowed = data.draw(times(zone, now)), data.draw(days)
    today = local(now, zone).date()
    expected = None
    for ahead in range(16):
        day = today + timedelta(days=ahead)
        moment = first_showing(day, minute, zone)
        lands = local(moment, zone)
        if (
            WEEKDAYS[day.weekday()] in allowed
            and moment > now
            and not left_out(day, zone)
            and WEEKDAYS[lands.weekday()] in allowed
        ):
            expected = moment
            break
    assert next_time_of_day(now, minute, allowed, zone) == expected


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_window_is_open_now_or_opens_next(data):
    zone, now = data.draw(places())
    start, end, allowed = data.draw(times(zone, now)), data.draw(times(zone, now)), data.draw(days)
    assume(start != end)
    today = local(now, zone).date()
    expected = None
    for ahead in range(-1, 16):
        day = today + timedelta(days=ahead)
        opens = first_showing(day, start, zone)
        closes = first_showing(day if end > start else day + timedelta(days=1), end, zone)
        if WEEKDAYS[day.weekday()] in allowed and opens < closes and now < closes:
            expected = max(now, opens)
            break
    found = within_window(now, start, end, allowed, zone)
    assert found == expected
    quiet = all(abs(change - found) > 3 * DAY for change in transitions(zone))
    if quiet:
        shown = local(found, zone).hour * 60 + local(found, zone).minute
        assert start <= shown < end if start < end else shown >= start or shown < end


@settings(max_examples=300, deadline=None)
@given(st.data(), st.integers(1, 400))
def test_calendar_days_keep_the_time_on_the_clock(data, count):
    zone, now = data.draw(places())
    here = local(now, zone)
    found = add_calendar_days(now, count, zone)
    wanted = here.date() + timedelta(days=count)
    target = first_showing(wanted, here.hour * 60 + here.minute, zone)
    assert found == target + here.second * 1000
    assert found > now


@settings(max_examples=300, deadline=None)
@given(places(), st.integers(0, 1439))
def test_a_time_of_a_day_is_the_first_instant_that_shows_at_least_it(place, minute):
    zone, now = place
    day = local(now, zone).date()
    assert instant_of(day, minute, zone) == first_showing(day, minute, zone)
    assert local_date(now, zone) == day
    assert datetime.fromisoformat(local_text(now, zone)).timestamp() == now // 1000


@pytest.mark.parametrize("zone", ZONES)
def test_around_every_change_of_the_clocks_every_hour_is_found_again(zone):
    """Each transition of eleven years: asked at noon before it for every half hour of the day that it falls on."""
    for change in transitions(zone):
        noon = change - DAY // 2
        for minute in range(0, 1440, 30):
            found = next_time_of_day(noon, minute, WEEKDAYS, zone)
            shown = local(found, zone)
            assert noon < found <= noon + DAY + DAY // 8
            if shown.hour * 60 + shown.minute != minute:
                assert local(found - 1, zone).utcoffset() != shown.utcoffset()


def test_a_day_that_a_zone_left_out_is_passed_over():
    before = milliseconds(datetime(2011, 12, 29, 20, tzinfo=UTC))  # Thursday, ten in the morning in Apia
    found = next_time_of_day(before, 540, WEEKDAYS, "Pacific/Apia")
    assert local_text(found, "Pacific/Apia") == "2011-12-31T09:00:00+14:00"
    friday = next_time_of_day(before, 540, ("fri",), "Pacific/Apia")
    assert local_text(friday, "Pacific/Apia") == "2012-01-06T09:00:00+14:00"
    evening = before + 9 * 3_600_000
    assert within_window(evening, 540, 1080, WEEKDAYS, "Pacific/Apia") == found


def test_a_gap_at_midnight_leads_to_no_other_weekday():
    """In Nuuk the last hour of a Saturday in March does not exist."""
    noon = milliseconds(datetime(2026, 3, 28, 14, tzinfo=UTC))
    daily = next_time_of_day(noon, 23 * 60 + 30, WEEKDAYS, "America/Nuuk")
    assert local_text(daily, "America/Nuuk") == "2026-03-29T00:00:00-01:00"
    saturdays = next_time_of_day(noon, 23 * 60 + 30, ("sat",), "America/Nuuk")
    assert local_text(saturdays, "America/Nuuk") == "2026-04-04T23:30:00-01:00"


@pytest.mark.parametrize("year", [2024, 2028])
def test_a_leap_day_is_a_day_and_in_other_years_it_is_none(year):
    assert local_text(at_date(f"{year}-02-29", 540, "Europe/Berlin"), "Europe/Berlin") == f"{year}-02-29T09:00:00+01:00"
    assert at_date(f"{year + 1}-02-29", 540, "Europe/Berlin") is None
    leap_day = at_date(f"{year}-02-29", 540, "Europe/Berlin")
    a_year_on = local_date(add_calendar_days(leap_day, 365, "Europe/Berlin"), "Europe/Berlin")
    assert a_year_on == date(year + 1, 2, 28)


@given(st.text() | st.sampled_from(ZONES) | st.none() | st.integers() | st.booleans())
@example("\x00")
@example("/etc/localtime")
@example("../UTC")
@example("Europe/Berlin\n")
def test_any_name_of_a_zone_gives_a_zone_that_there_is(written):
    zone, doubt = resolve_zone(written, "Asia/Kolkata")
    assert zone_exists(zone)
    assert (doubt is None) or zone == "Asia/Kolkata"
