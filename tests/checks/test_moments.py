"""What the calendar has against waits, and that the day comes from whoever asks."""

from datetime import date

import pytest

from journeyscript.checks.moments import (
    HORIZON,
    below_resolution,
    dst_gap,
    past_date,
    short_days,
    zones_of,
)
from journeyscript.checks.slips import window_slip
from journeyscript.compiler import compile_project
from journeyscript.engine.calendar import instant_of, local_text, next_time_of_day
from journeyscript.machine.model import WEEKDAYS
from tests.projects import TODAY, codes, compile_text, lay_out, steps_of, surroundings

BERLIN = ("Europe/Berlin",)


def compiled(steps):
    found, findings = compile_text(steps_of(steps))
    assert found is not None, findings
    return found


def gaps(steps, zones=BERLIN, today=TODAY):
    return [(found.step, found.message) for found in dst_gap(compiled(steps), zones, today)]


# Hours that the clocks skip ---------------------------------------------------------------------------------------


def test_a_time_in_the_hour_that_is_skipped_is_found_with_the_day_and_what_happens_instead():
    (found,) = dst_gap(compiled('- wait_until: { time: "02:30" }\n- send: reminder'), BERLIN, TODAY)
    assert found.message == "`02:30` does not exist on 2026-03-29 in `Europe/Berlin`"
    assert found.witness == ("wait_until", "on 2026-03-29 goes on at 2026-03-29T03:00:00+02:00")


@pytest.mark.parametrize("time", ["01:59", "03:00", "09:00", "00:00"])
def test_a_time_outside_of_that_hour_is_fine(time):
    assert gaps(f'- wait_until: {{ time: "{time}" }}\n- send: reminder') == []


def test_a_time_on_days_that_never_lose_an_hour_is_fine():
    assert gaps('- wait_until: { time: "02:30", days: weekdays }\n- send: reminder') == []


def test_after_this_years_change_next_years_is_found():
    (found,) = gaps('- wait_until: { time: "02:30" }\n- send: reminder', today=date(2026, 3, 30))
    assert found[1] == "`02:30` does not exist on 2027-03-28 in `Europe/Berlin`"


def test_a_zone_without_summer_time_has_no_gaps():
    assert gaps('- wait_until: { time: "02:30" }\n- send: reminder', zones=("Asia/Tokyo", "UTC")) == []


def test_where_the_day_itself_begins_late_midnight_does_not_exist():
    ((_, message),) = gaps('- wait_until: { time: "00:00" }\n- send: reminder', zones=("Africa/Cairo",))
    assert message == "`00:00` does not exist on 2026-04-24 in `Africa/Cairo`"


def test_an_hour_that_is_skipped_at_the_days_end_leads_to_a_weekday_that_was_asked_for():
    # In Nuuk the clocks go forward on Saturday at 23:00, to Sunday.
    found = dst_gap(compiled('- wait_until: { time: "23:30", days: [sat] }\n- send: reminder'), ["America/Nuuk"], TODAY)
    (witness,) = [item.witness for item in found]
    late = next_time_of_day(instant_of(date(2026, 3, 28), 0, "America/Nuuk"), 23 * 60 + 30, ("sat",), "America/Nuuk")
    assert witness[-1] == f"on 2026-03-28 goes on at {local_text(late, 'America/Nuuk')}"


def test_a_date_with_a_time_in_that_hour_is_found_and_one_without_a_time_means_the_day():
    dated = "- wait_until: {{ date: customer.joined, {}if_missing: exit }}\n- send: reminder"
    assert gaps(dated.format('time: "02:15", '))
    assert gaps(dated.format(""), zones=("Africa/Cairo",)) == []


@pytest.mark.parametrize(("day", "found"), [("2026-03-29", True), ("2026-03-30", False)])
def test_of_a_constant_date_only_that_day_counts(day, found):
    steps = f"""- wait_until: {{ date: 'date("{day}")', time: "02:15", if_missing: exit }}\n- send: reminder"""
    assert bool(gaps(steps)) is found


def test_a_timestamp_is_a_moment_in_every_zone():
    steps = '- wait_until: { date: customer.registered_at, time: "02:15", if_missing: exit }\n- send: reminder'
    assert gaps(steps) == []


@pytest.mark.parametrize(
    ("window", "found"),
    [('"02:10", "02:50"', True), ('"02:10", "03:30"', False), ('"01:30", "02:30"', False), ('"02:50", "02:10"', False)],
)
def test_a_window_that_lies_within_that_hour_does_not_open(window, found):
    assert bool(gaps(f"- wait_until: {{ between: [{window}] }}\n- send: reminder")) is found


def test_the_zones_that_the_catalog_names_count_too(tmp_path):
    files = {
        "catalog/customer.yaml": """attributes:
  email: { type: string, optional: true }
  phone: { type: string, optional: true }
  push_token: { type: string, optional: true }
  first_name: { type: string, optional: true }
  timezone: { type: enum, values: [Asia/Tokyo, America/New_York, Nowhere/Else] }
""",
        "catalog/segments.yaml": "segments: {}\n",
        "journeyscript.yaml": 'name: x\nrules: { JS902: "off" }\n',
        "journeys/trial.yaml": steps_of('- wait_until: { time: "02:30" }\n- send: reminder'),
    }
    (found,) = compile_project(lay_out(tmp_path, files), today=TODAY).diagnostics
    assert found.message == "`02:30` does not exist on 2026-03-08 in `America/New_York`"


def test_a_customer_zone_that_is_any_text_leaves_the_projects_zone():
    assert zones_of("Europe/Berlin", surroundings().catalog) == BERLIN


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Africa/Cairo", "America/Santiago", "Australia/Lord_Howe", "UTC"])
def test_a_time_is_missing_only_on_a_short_day(zone):
    short = short_days(zone, TODAY)
    for ahead in range(HORIZON):
        day = date.fromordinal(TODAY.toordinal() + ahead)
        for minute in range(0, 1440, 30):
            if local_text(instant_of(day, minute, zone), zone)[:16] != f"{day}T{minute // 60:02}:{minute % 60:02}":
                assert day in short


# Moments that are past --------------------------------------------------------------------------------------------


def past(steps, today=TODAY):
    return [found.message for found in past_date(compiled(steps), today)]


WAIT = """- wait_until: {{ date: '{}', if_missing: exit, if_past: {} }}\n- send: reminder"""


def test_a_wait_for_a_day_that_is_over_is_found_and_says_what_everybody_does():
    (found,) = past_date(compiled(WAIT.format('date("2026-02-28")', "exit")), TODAY)
    assert found.message == "`wait_until` waits for 2026-02-28, which is past"
    assert found.witness == ("wait_until", "on 2026-03-01 everybody leaves the journey")
    (found,) = past_date(compiled(WAIT.format('date("2026-02-28")', "continue")), TODAY)
    assert found.witness[-1] == "on 2026-03-01 everybody goes on at once"


@pytest.mark.parametrize(
    "moment",
    ['date("2026-03-01")', 'timestamp("2026-03-01T00:00+01:00")', 'date("2027-01-01")', "customer.birthday",
     "customer.joined - 3 days"],
)  # fmt: skip
def test_today_and_what_is_to_come_or_differs_by_customer_is_not_past(moment):
    assert past(WAIT.format(moment, "continue")) == []


def test_a_timestamp_is_past_by_the_projects_own_day():
    assert past(WAIT.format('timestamp("2026-02-28T23:59+01:00")', "continue")) == [
        "`wait_until` waits for 2026-02-28T23:59:00+01:00, which is past"
    ]


def test_days_counted_to_what_is_over_are_found_and_days_since_are_not():
    branch = "- branch:\n    - if: {}\n      steps: [{{ send: reminder }}]\n    - else: []"
    assert past(branch.format('days_until(date("2025-12-24")) < 3')) == [
        "2025-12-24, to which days are counted, is past"
    ]
    assert past(branch.format('days_since(date("2025-12-24")) < 3')) == []
    assert past(branch.format('customer.joined > date("2025-12-24")')) == []


def test_without_a_day_the_compiler_says_nothing_of_days(tmp_path):
    files = {"journeys/trial.yaml": steps_of('- wait_until: { time: "02:30" }\n- send: reminder')}
    root = lay_out(tmp_path, files)
    assert compile_project(root).diagnostics == ()
    assert codes(list(compile_project(root, today=TODAY).diagnostics)) == ["JS403"]


def test_a_comment_about_a_day_is_not_called_useless_where_no_day_is_known(tmp_path):
    wait = '- wait_until: { time: "02:30" } # journeyscript: ignore[JS403]\n- send: reminder'
    root = lay_out(tmp_path, {"journeys/trial.yaml": steps_of(wait)})
    assert compile_project(root).diagnostics == ()
    assert compile_project(root, today=TODAY).diagnostics == ()
    (root / "journeys/trial.yaml").write_text(steps_of(wait.replace("02:30", "09:30")))
    assert compile_project(root).diagnostics == ()
    assert codes(list(compile_project(root, today=TODAY).diagnostics)) == ["JS010"]


# Finer than a second ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("- wait: 1.5 seconds\n- send: reminder", "write `2 seconds`"),
        ("- wait: 0.25 seconds\n- send: reminder", "write `1 second`"),
        ("- wait_for: purchased\n  timeout: 1.0001 minutes\n- send: reminder", "write `1 minute 1 second`"),
        ('- wait_until: { time: "09:00", spread: 0.5 seconds }\n- send: reminder', "write `1 second`"),
    ],
)
def test_a_length_finer_than_a_second_is_found_with_the_one_that_it_becomes(steps, said):
    (found,) = below_resolution(compiled(steps))
    assert found.help == said


def test_whole_seconds_are_fine():
    assert list(below_resolution(compiled("- wait: 90 seconds\n- wait: 1.5 minutes\n  id: b\n- send: reminder"))) == []


# A day too many ---------------------------------------------------------------------------------------------------

SLIP = """
- wait_until: {{ time: "{first}"{days} }}
- send: welcome
- wait: {wait}
- branch:
    - if: customer.vip
      steps: [{{ send: reminder }}]
    - else: []
- wait_until: {{ time: "{second}"{then} }}
  id: later
- send: reminder
  id: again
"""


def slips(first="09:00", wait="2 days", second="09:00", days="", then=""):
    text = SLIP.format(first=first, wait=wait, second=second, days=days, then=then)
    return [found.step for found in window_slip(compiled(text))]


@pytest.mark.parametrize("wait", ["1 day", "24 hours", "2 weeks", "1 calendar day"])
def test_whole_days_before_the_same_time_of_day_add_one_more(wait):
    assert slips(wait=wait) == ["later"]


@pytest.mark.parametrize("change", [{"wait": "23 hours"}, {"second": "10:00"}, {"wait": "25 hours"}])
def test_other_lengths_and_other_times_do_not(change):
    assert slips(**change) == []


def test_the_days_of_the_week_decide_whether_one_arrives_on_a_day_that_counts():
    assert slips(wait="1 day", days=", days: [mon]", then=", days: [mon]") == []
    assert slips(wait="7 days", days=", days: [mon]", then=", days: [mon]") == ["later"]
    assert slips(wait="1 day", days=", days: weekdays", then=", days: [wed]") == ["later"]


def test_every_wait_of_a_journey_that_slips_is_found_once():
    text = SLIP.format(first="09:00", wait="1 day", second="09:00", days="", then="")
    more = '- wait: 1 day\n  id: pause\n- wait_until: { time: "09:00" }\n  id: last\n- send: welcome\n  id: bye'
    assert [found.step for found in window_slip(compiled(text + more))] == ["later", "last"]


def test_the_witness_says_when_each_wait_ends():
    text = SLIP.format(first="09:00", wait="2 days", second="09:00", days="", then=", days: weekdays")
    (found,) = window_slip(compiled(text))
    assert found.message == "`later` begins at 09:00 and ends at the next 09:00, a day later"
    assert found.witness == ("wait_until until mon 09:00", "wait until wed 09:00", "later until thu 09:00")
    text = SLIP.format(first="09:00", wait="7 days", second="09:00", days=", days: [mon]", then=", days: [mon]")
    (found,) = window_slip(compiled(text))
    assert found.message.endswith("7 days later")


def test_what_is_claimed_of_a_day_too_many_is_what_the_calendar_does():
    nine = 9 * 60
    start = next_time_of_day(instant_of(date(2026, 6, 1), 0, "Europe/Berlin"), nine, WEEKDAYS, "Europe/Berlin")
    then = next_time_of_day(start + 2 * 86_400_000, nine, WEEKDAYS, "Europe/Berlin")
    assert then - start == 3 * 86_400_000
