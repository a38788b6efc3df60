"""When schedules fire and dates are due: nothing twice, nothing lost, whatever the clocks do."""

from calendar import isleap
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st
from whenever import available_timezones

from journeyscript.engine.calendar import local_date, local_text, resolve_zone
from journeyscript.engine.clocks import all_zones, in_step, week_of
from journeyscript.engine.schedule import _FOUND, last_firing, next_firing, next_moment, next_on_the_clock
from journeyscript.machine.model import ByDate, BySchedule
from journeyscript.semantics import typed
from journeyscript.semantics.types import BOOLEAN, DATE

EVERYBODY = typed.Literal(value=True, type=BOOLEAN)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
YEAR_2026 = 1_767_225_600_000

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
crons = st.sampled_from(
    [
        "0 9 * * mon",
        "30 2 * * *",
        "*/15 * * * *",
        "0 * * * *",
        "5 1,2,3 * * *",
        "0 0 1 * *",
        "0 12 29 2 *",
        "15 2 * 3,10 sun",
    ]
)
instants = st.integers(YEAR_2026 - 400 * DAY, YEAR_2026 + 1_000 * DAY)


def schedule(cron, zone="project"):
    return BySchedule(cron=cron, audience=EVERYBODY, zone=zone)


def firings(cron, zone, start, end):
    """Return every firing after `start` and not after `end`, asked for one by one."""
    found, at = [], start
    while (following := next_on_the_clock(cron, zone, at)) is not None and following <= end:
        assert following > at
        found.append(at := following)
    return found


@settings(max_examples=300, deadline=None)
@given(crons, st.sampled_from(ZONES), instants, st.integers(0, 4 * DAY))
def test_it_does_not_matter_from_where_the_next_firing_is_looked_for(cron, zone, start, later):
    """Whoever looks at any moment in between finds the firings that one who looked from the start finds."""
    end = start + 8 * DAY
    everything = firings(cron, zone, start, end)
    assert firings(cron, zone, start + later, end) == [at for at in everything if at > start + later]


@settings(max_examples=100, deadline=None)
@given(crons, st.sampled_from(ZONES), instants)
def test_firings_are_those_of_debian_cron(cron, zone, start):
    simulated = CronSim(cron, datetime.fromtimestamp(start // 1000, UTC).astimezone(ZoneInfo(zone)))
    expected = [int(next(simulated).timestamp()) * 1000 for _ in range(5)]
    assert firings(cron, zone, start, expected[-1]) == expected


@pytest.mark.parametrize(
    ("cron", "start", "expected"),
    [
        ("30 2 * * *", "2026-03-28T12:00:00+01:00", ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]),
        ("30 2 * * *", "2026-10-24T12:00:00+02:00", ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]),
        ("0 9 * * mon", "2026-03-23T09:00:00+01:00", ["2026-03-30T09:00:00+02:00", "2026-04-06T09:00:00+02:00"]),
    ],
)
def test_the_nights_on_which_clocks_change(cron, start, expected):
    at = int(datetime.fromisoformat(start).timestamp() * 1000)
    for one in expected:
        at = next_on_the_clock(cron, "Europe/Berlin", at)
        assert local_text(at, "Europe/Berlin") == one


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("30 2 * * *", "2026-10-26T02:30:00+01:00"),
        ("5 1,2,3 * * *", "2026-10-25T03:05:00+01:00"),
        ("*/30 * * * *", "2026-10-25T02:30:00+01:00"),
    ],
)
def test_who_looks_in_the_hour_that_comes_twice_finds_what_comes_behind_it(cron, expected):
    for second in ("02:00:00", "02:04:59"):
        at = int(datetime.fromisoformat(f"2026-10-25T{second}+01:00").timestamp() * 1000)
        assert local_text(next_on_the_clock(cron, "Europe/Berlin", at), "Europe/Berlin") == expected


def test_on_the_customers_clocks_every_zone_fires_once_a_day():
    fired, at, end = {}, YEAR_2026, YEAR_2026 + DAY
    while (firing := next_firing(schedule("0 9 * * *", "customer"), "UTC", at)).at <= end:
        for zone in firing.zones:
            fired.setdefault(zone, []).append(firing.at)
        at = firing.at
    assert set(fired) == {resolve_zone(name, "UTC")[0] for name in available_timezones()}
    assert all(len(moments) == 1 for moments in fired.values())
    assert {local_text(at, zone)[11:16] for zone, (at,) in fired.items()} == {"09:00"}


CHANGES = [1_774_746_000_000, 1_792_890_000_000, 1_793_512_800_000, 1_325_239_200_000]
"""Instants at which clocks changed: in Europe forward and back, in America back, and a day that Samoa left out."""


@settings(max_examples=60, deadline=None)
@given(
    crons | st.sampled_from(["0 9 * * *", "*/5 * * * *", "0 9 1 1 *", "0 9 30 12 *"]),
    instants | st.builds(int.__add__, st.sampled_from(CHANGES), st.integers(-9 * DAY, 9 * DAY)),
)
def test_on_the_customers_clocks_the_first_of_all_zones_fires_with_those_that_fire_then(cron, after):
    """What is found for zones together is what asking each of them by itself finds."""
    each = {zone: next_on_the_clock(cron, zone, after) for zone in all_zones()}
    found = next_firing(schedule(cron, "customer"), "UTC", after)
    assert found.at == min(each.values())
    assert found.zones == {zone for zone, at in each.items() if at == found.at}


@pytest.mark.parametrize(("cron", "most"), [("0 9 * * *", 50), ("*/5 * * * *", 50), ("0 9 * * mon", 120)])
def test_zones_whose_clocks_show_the_same_are_asked_together(cron, most):
    """The clock of one zone of each offset is looked at, and of those that change it in the week."""
    week = week_of(YEAR_2026)
    assert sum(len(zones) for zones in in_step(week).values()) == len(all_zones())
    _FOUND.clear()
    next_firing(schedule(cron, "customer"), "UTC", YEAR_2026)
    assert len(_FOUND) <= most < len(all_zones()) / 4


def test_of_what_was_missed_on_one_clock_the_last_counts():
    hourly = schedule("0 * * * *")
    found = last_firing(hourly, "UTC", YEAR_2026, YEAR_2026 + 5 * HOUR + MINUTE)
    assert found.at == YEAR_2026 + 5 * HOUR
    assert last_firing(hourly, "UTC", YEAR_2026, YEAR_2026 + HOUR - 1) is None


def test_of_what_was_missed_on_many_clocks_the_last_counts_of_each():
    daily, until = schedule("0 9 * * *", "customer"), YEAR_2026 + 3 * DAY
    asked, at = [], YEAR_2026
    while (firing := last_firing(daily, "UTC", at, until)) is not None:
        asked += firing.zones
        at = firing.at
    assert len(asked) == len(set(asked))
    assert set(asked) == {resolve_zone(name, "UTC")[0] for name in available_timezones()}


def by_date(**how):
    return ByDate(moment=typed.Attribute(name="birthday", type=DATE), **how)


days = st.dates(min_value=date(1930, 1, 1), max_value=date(2040, 1, 1))


@settings(max_examples=200, deadline=None)
@given(days, st.sampled_from(ZONES), instants, st.integers(0, 1439), st.integers(-40, 40))
def test_every_year_has_one_anniversary(day, zone, start, minute, shift):
    by = by_date(every="year", minute=minute, shift=shift * DAY)
    at, found = start, []
    for _ in range(4):
        following = next_moment(by, day.isoformat(), zone, "UTC", at)
        assert following is not None
        assert following > at
        found.append(at := following)
    for moment in found:
        anniversary = date.fromordinal(local_date(moment, zone).toordinal() - shift)
        usual = day if isleap(anniversary.year) or (day.month, day.day) != (2, 29) else day.replace(day=28)
        # A day that a zone left out, or a time in a gap, may be the next one.
        assert abs((anniversary - usual.replace(year=anniversary.year)).days) <= (zone == "Pacific/Apia")
    years = [date.fromordinal(local_date(moment, zone).toordinal() - shift).year for moment in found]
    assert years == list(range(years[0], years[0] + 4))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2027-05-01", "2027-04-28T09:30:00+02:00"),
        ("2026-01-02", None),
        (1_777_777_777_777, "2026-04-30T05:09:38+02:00"),
        ("no date", None),
        (None, None),
        (True, None),
        ([], None),
    ],
)
def test_a_date_that_does_not_recur_comes_once(value, expected):
    by = by_date(minute=570, shift=-3 * DAY)
    moment = next_moment(by, value, "Europe/Berlin", "UTC", YEAR_2026)
    assert (None if moment is None else local_text(moment, "Europe/Berlin")) == expected
    assert moment is None or next_moment(by, value, "Europe/Berlin", "UTC", moment) is None


def test_a_moment_of_the_day_comes_every_year_at_the_same_time_on_the_clock():
    summer = int(datetime(2020, 2, 29, 12, 0, 5, tzinfo=UTC).timestamp() * 1000)
    found, at = [], YEAR_2026
    for _ in range(3):
        at = next_moment(by_date(every="year"), summer, "Europe/Berlin", "UTC", at)
        found.append(local_text(at, "Europe/Berlin"))
    assert found == ["2026-02-28T13:00:05+01:00", "2027-02-28T13:00:05+01:00", "2028-02-29T13:00:05+01:00"]
