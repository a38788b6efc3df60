"""What each decision of the engine means, one situation at a time."""

import msgspec
import pytest

from journeyscript.engine.step import step
from journeyscript.engine.values import Event, SendMessage, SetAttributes, SkipMessage, TimerFired
from tests.engine.driving import DAY, START, Drive, program_of, purchased, signed_up
from tests.projects import steps_of

HOUR = 3_600_000
REACHABLE = {"attributes": {"email": "ada@shop.example", "visits": 0}, "consent": {"email": True}}


def driven(steps, *, head="entry: { event: signed_up, again: always }", customer=None, entry=None):
    """Return a drive that has entered a journey of these steps."""
    facts = {**REACHABLE, **(customer or {})}
    return Drive(program_of(steps_of(steps, head)), **facts).enter(entry or signed_up())


WAIT_FOR = """
- wait_for: purchased
  timeout: 1 day
  then: [{ exit: bought }]
  else: [{ exit: silent }]
"""


# Waiting for events ---------------------------------------------------------------------------------------------------


def test_an_event_one_millisecond_before_the_wait_is_not_counted():
    drive = driven("- wait: 1 hour\n" + WAIT_FOR)
    drive.happen(purchased(START + HOUR - 1))
    drive.fire_until(START + HOUR)
    assert drive.current.since == START + HOUR
    drive.take(purchased(START + HOUR - 1), START + HOUR)
    assert drive.current.status == "active"
    assert drive.finish().current.reason == "silent"


def test_an_event_at_the_instant_the_wait_is_reached_counts():
    drive = driven(WAIT_FOR)
    drive.happen(purchased(START))
    assert drive.current.reason == "bought"


def test_an_event_at_the_deadline_counts_and_one_behind_it_does_not():
    on_time, late = driven(WAIT_FOR), driven(WAIT_FOR)
    on_time.happen(purchased(START + DAY))
    assert on_time.current.reason == "bought"
    late.take(purchased(START + DAY + 1), START + DAY + 1)
    assert late.current.status == "active"
    assert late.finish().current.reason == "silent"


def test_of_several_cases_the_first_in_the_file_wins():
    steps = """
- wait_for:
    - { event: purchased, where: event.total >= 50, steps: [{ exit: large }] }
    - { event: purchased, steps: [{ exit: any }] }
  timeout: 1 day
"""
    large, small = driven(steps), driven(steps)
    large.happen(purchased(START + 1, total=50))
    small.happen(purchased(START + 1, total=49))
    assert (large.current.reason, small.current.reason) == ("large", "any")


# The order of things ------------------------------------------------------------------------------------------------

EVERYTHING_AT_ONCE = """entry: { event: signed_up, again: always }
goal: { event: purchased, exit: true }
exit: [{ event: purchased, where: event.total == 0 }, { when: customer.vip }]"""


def test_at_one_instant_exit_comes_before_goal_before_event_before_timer():
    deadline = START + DAY
    gone = driven(WAIT_FOR, head=EVERYTHING_AT_ONCE)
    gone.happen(purchased(deadline, total=0))
    assert (gone.current.status, gone.current.reason, gone.current.goal_at) == ("exited", "purchased", None)
    reached = driven(WAIT_FOR, head=EVERYTHING_AT_ONCE)
    reached.happen(purchased(deadline))
    assert (reached.current.reason, reached.current.goal_at) == ("goal", deadline)
    event = driven(WAIT_FOR, head=EVERYTHING_AT_ONCE.replace("exit: true", "exit: false"))
    event.happen(purchased(deadline))
    assert (event.current.reason, event.current.goal_at) == ("bought", deadline)


def test_an_exit_condition_that_holds_when_a_timer_fires_wins_over_the_timer():
    drive = driven("- wait: 1 day\n- send: reminder\n", head=EVERYTHING_AT_ONCE)
    drive.facts = msgspec.structs.replace(drive.facts, attributes={"vip": True})
    drive.finish()
    assert drive.current.reason == "condition 2"
    assert drive.sends == []


def test_an_exit_condition_is_looked_at_before_every_send():
    head = "entry: { event: signed_up, again: always }\nexit: [{ when: customer.visits > 0 }]"
    drive = driven("- set: { visits: customer.visits + 1 }\n- send: reminder\n", head=head)
    assert (drive.current.status, drive.current.reason) == ("exited", "condition 1")
    assert drive.sends == []


def test_a_goal_counts_once_within_its_window_and_only_where_it_holds():
    head = "entry: { event: signed_up, again: always }\ngoal: { event: purchased, where: event.total > 5, within: 2 days, exit: false }"  # noqa: E501
    drive = driven("- wait: 30 days\n", head=head)
    drive.happen(purchased(START + 1, total=5))
    assert drive.current.goal_at is None
    drive.happen(purchased(START + 2, total=6))
    drive.happen(purchased(START + 3, total=7))
    assert drive.current.goal_at == START + 2
    late = driven("- wait: 30 days\n", head=head)
    late.happen(purchased(START + 2 * DAY + 1))
    assert late.current.goal_at is None
    on_time = driven("- wait: 30 days\n", head=head)
    on_time.happen(purchased(START + 2 * DAY))
    assert on_time.current.goal_at == START + 2 * DAY


# Conditions -----------------------------------------------------------------------------------------------------------

UNTIL_VIP = "- wait_until: { when: customer.vip, timeout: 1 day }\n- exit: done\n"


def test_a_condition_that_already_holds_goes_on_at_once():
    drive = driven(UNTIL_VIP, customer={"attributes": {"vip": True}})
    assert (drive.current.status, drive.current.ended_at) == ("exited", START)
    assert drive.rules == ["entry", "when"]


def test_a_condition_is_looked_at_again_at_every_event():
    drive = driven(UNTIL_VIP)
    drive.happen(Event(name="app_installed", at=START + HOUR))
    assert drive.current.status == "active"
    drive.facts = msgspec.structs.replace(drive.facts, attributes={"vip": True})
    drive.happen(Event(name="app_installed", at=START + 2 * HOUR))
    assert drive.current.ended_at == START + 2 * HOUR


def test_what_is_set_is_seen_by_the_branches_behind_it_at_once():
    steps = """
- set: { visits: customer.visits + 1, level: '"gold"' }
- branch:
    - if: customer.visits == 1 and has customer.level
      steps: [{ exit: seen }]
    - else: []
"""
    drive = driven(steps)
    assert drive.current.reason == "seen"
    assert drive.effects == [SetAttributes(values={"visits": 1, "level": "gold"})]


def test_an_unknown_condition_counts_as_false():
    steps = "- branch:\n    - if: customer.score > 1 or customer.balance > 1\n      steps: [{ exit: above }]\n    - else: [{ exit: below }]\n"  # noqa: E501
    assert driven(steps).current.reason == "below"


# Loops ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_loop_goes_round_as_often_as_it_says(times):
    drive = driven(f"- repeat: {{ times: {times} }}\n  steps: [{{ wait: 1 hour }}]\n").finish()
    assert drive.path.count("wait") == times
    assert drive.current.status == "completed"
    assert drive.current.ended_at == -(-(START + times * HOUR) // 1000) * 1000
    assert drive.current.laps == {}


def test_a_loop_is_left_as_soon_as_its_condition_holds():
    steps = "- repeat: { times: 5, until: customer.visits >= 2 }\n  steps:\n    - wait: 1 hour\n    - set: { visits: customer.visits + 1 }\n"  # noqa: E501
    assert driven(steps).finish().path.count("wait") == 2


def test_an_inner_loop_starts_anew_in_every_round_of_the_outer_one():
    nested = """
- repeat: {{ times: 2 }}
  id: outer
  steps:
    - repeat: {{ times: 3{until} }}
      id: inner
      steps: [{{ wait: 1 hour }}, {{ set: {{ visits: customer.visits + 1 }} }}]
    - {{ wait: 1 day, id: rest }}
    - set: {{ visits: "0" }}
      id: again
"""
    assert driven(nested.format(until="")).finish().path.count("wait") == 6
    # Left by its condition after two of three rounds, it has all three again.
    by_condition = driven(nested.format(until=", until: customer.visits == 2")).finish()
    assert by_condition.path.count("wait") == 4
    assert by_condition.current.laps == {}


def test_a_long_loop_whose_waits_are_short_never_counts_as_endless():
    drive = driven("- repeat: { times: 1500 }\n  steps: [{ wait: 1 second }]\n").finish()
    assert drive.current.status == "completed"


def test_a_journey_of_very_many_steps_at_one_instant_completes():
    steps = "\n".join("- set: { visits: customer.visits + 1 }" for _ in range(1_500))
    drive = driven(steps)
    assert (drive.current.status, drive.facts.attributes["visits"]) == ("completed", 1_500)


# Time -----------------------------------------------------------------------------------------------------------------


def test_timers_are_due_on_whole_seconds_and_never_early():
    drive = Drive(program_of(steps_of("- wait: 1 hour")), **REACHABLE).enter(signed_up(START + 1))
    assert drive.current.due_at == START + HOUR + 1_000


def test_nobody_stays_longer_than_the_journey_lasts():
    head = "entry: { event: signed_up, again: always }\nmax_lifetime: 2 days"
    drive = driven("- wait: 30 days\n- send: reminder\n", head=head)
    assert drive.current.due_at == START + 2 * DAY
    assert (drive.finish().current.status, drive.current.reason) == ("exited", "expired")
    assert drive.sends == []


def test_a_timer_of_an_earlier_visit_is_stale():
    drive = driven("- wait: 1 day\n- wait: 2 days\n  id: second\n")
    stale = TimerFired(visit=drive.current.visit)
    drive.fire_until(START + DAY)
    assert step(drive.program, drive.current, stale, drive.facts, START + 9 * DAY).trace == ()


def test_a_late_timer_says_how_late_it_was():
    drive = driven("- wait: 1 day\n- exit: done\n")
    drive.take(TimerFired(visit=drive.current.visit), START + DAY + 61_000)
    assert drive.trace[-1].values == (("late_seconds", 61),)
    assert drive.current.ended_at == START + DAY + 61_000


@pytest.mark.parametrize(
    ("moment", "zone", "due"),
    [
        ('{ time: "09:00" }', "Europe/Berlin", "2026-02-25T08:00:00Z"),
        ('{ time: "09:00" }', "Mars/Olympus", "2026-02-25T08:00:00Z"),
        ('{ time: "09:00", days: weekend }', "Asia/Tokyo", "2026-02-28T00:00:00Z"),
        ('{ time: "18:00", days: [tue] }', "America/Los_Angeles", "2026-03-04T02:00:00Z"),
        ('{ between: ["09:00", "18:00"] }', "Europe/Berlin", "2026-02-25T08:00:00Z"),
        ('{ between: ["22:00", "07:00"] }', "America/Los_Angeles", None),
        ('{ date: customer.birthday, time: "08:00", if_missing: continue }', "Europe/Berlin", "2026-03-29T06:00:00Z"),
        ("{ date: customer.seen_at, if_missing: continue }", "Europe/Berlin", None),
        ("{ date: customer.joined, if_missing: exit, if_past: continue }", "Europe/Berlin", None),
    ],
)
def test_moments_are_on_the_customers_clock(moment, zone, due):
    attributes = {"timezone": zone, "birthday": "2026-03-29", "joined": "2020-01-01"}
    drive = driven(f"- wait_until: {moment}\n- wait: 1 day\n", customer={"attributes": attributes})
    if due is None:
        assert drive.current.state == "wait"
    else:
        from journeyscript.semantics.show import show_instant

        assert show_instant(drive.current.due_at) == due


@pytest.mark.parametrize(
    ("moment", "attributes", "reason"),
    [
        ("{ date: customer.birthday, if_missing: exit }", {}, "date_missing"),
        ("{ date: customer.birthday, if_missing: exit }", {"birthday": "soon"}, "date_missing"),
        ("{ date: customer.joined, if_missing: continue, if_past: exit }", {"joined": "2020-01-01"}, "date_past"),
    ],
)
def test_a_missing_or_past_date_takes_the_declared_path(moment, attributes, reason):
    drive = driven(f"- wait_until: {moment}\n", customer={"attributes": attributes})
    assert (drive.current.status, drive.current.reason) == ("exited", reason)


def test_a_spread_scatters_within_its_length_and_always_alike():
    steps = '- wait_until: { time: "09:00", spread: 10 minutes }\n'
    first = [Drive(program_of(steps_of(steps)), customer=f"c{n}").enter(signed_up()).current.due_at for n in range(50)]
    again = [Drive(program_of(steps_of(steps)), customer=f"c{n}").enter(signed_up()).current.due_at for n in range(50)]
    opening = 1_772_006_400_000
    assert first == again
    assert len(set(first)) > 30
    assert all(opening <= due <= opening + 10 * 60_000 for due in first)


# Sending --------------------------------------------------------------------------------------------------------------


def sent(drive):
    return [
        (effect.message, effect.channel) if isinstance(effect, SendMessage) else (effect.message, effect.reason)
        for effect in drive.sends
    ]


@pytest.mark.parametrize(
    ("customer", "expected"),
    [
        ({"attributes": {"email": " a@b.c "}, "consent": {"email": True}}, "email"),
        ({"attributes": {"email": "a@b.c"}, "consent": {}}, "no_consent"),
        ({"attributes": {"email": "a@b.c"}, "consent": {"email": False}}, "no_consent"),
        ({"attributes": {"email": "  "}, "consent": {"email": True}}, "no_address"),
        ({"attributes": {"email": 7}, "consent": {"email": True}}, "no_address"),
        (
            {"attributes": {"email": "a@b.c"}, "consent": {"email": True}, "suppressed": frozenset({"a@b.c"})},
            "suppressed",
        ),
        ({"attributes": {"push_token": "t"}, "consent": {}}, "push"),
        ({"attributes": {"push_token": "t"}, "consent": {"push": False}}, "no_address"),
        (
            {
                "attributes": {"email": "a@b.c", "push_token": "t", "preferred_channel": "push"},
                "consent": {"email": True},
            },
            "push",
        ),
        ({"attributes": {"email": "a@b.c", "preferred_channel": "fax"}, "consent": {"email": True}}, "email"),
    ],
)
def test_the_first_channel_that_may_carry_a_message_does(customer, expected):
    assert sent(driven("- send: reminder\n", customer=customer)) == [("reminder", expected)]


def test_a_written_order_of_channels_comes_before_the_customers_own():
    customer = {
        "attributes": {"email": "a@b.c", "push_token": "t", "preferred_channel": "push"}, "consent": {"email": True}
    }  # fmt: skip
    assert sent(driven("- send: reminder\n  via: [email, push]\n", customer=customer)) == [("reminder", "email")]


def test_what_could_not_be_sent_goes_through_else():
    steps = "- send: reminder\n  else: [{ set: { visits: customer.visits + 1 } }]\n- exit: done\n"
    drive = driven(steps, customer={"consent": {}})
    assert drive.facts.attributes["visits"] == 1
    assert drive.sends[0].tried == (("email", "no_consent"), ("push", "no_address"))
    assert isinstance(drive.sends[0], SkipMessage)
    assert drive.current.reason == "done"
    assert driven(steps).facts.attributes["visits"] == 0


def test_a_transactional_message_asks_for_no_consent():
    customer = {"attributes": {"phone": "+49151"}, "consent": {"sms": False}}
    drive = driven("- send: code\n  with: { code: '\"x1\"' }\n", customer=customer)
    assert sent(drive) == [("code", "sms")]
    assert drive.sends[0].data["code"] == "x1"


@pytest.mark.parametrize(
    ("locale", "expected"), [("de", "de"), ("de-AT", "de"), ("de_AT", "de"), ("fr", ""), (None, ""), (7, "")]
)
def test_the_content_follows_the_customers_language(locale, expected):
    customer = {"attributes": {"email": "a@b.c", "locale": locale}, "consent": {"email": True}}
    assert driven("- send: welcome\n", customer=customer).sends[0].locale == expected


def test_a_send_carries_what_its_content_reads_and_no_more():
    customer = {"attributes": {"email": "a@b.c", "first_name": "Ada", "phone": "1"}, "consent": {"email": True}}
    data = driven("- send: welcome\n", customer=customer).sends[0].data
    assert data == {"customer": {"id": "ada", "first_name": "Ada"}, "entry": {}}
