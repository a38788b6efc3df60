"""The laws of caps, quiet hours and the age of messages, over random journeys, customers, timelines and policies."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from journeyscript.engine.calendar import local_text, quiet_until, resolve_zone
from journeyscript.engine.values import TimerFired
from journeyscript.machine.model import Send
from journeyscript.syntax.policies import WEEKDAYS, FrequencyCap, Policies, QuietWindow
from tests.engine.driving import DAY, POLICIES, START, Drive, program_of, signed_up
from tests.engine.test_laws import SLOW, customers, timelines
from tests.projects import steps_of
from tests.strategies import journeys, text_of

HOUR = 3_600_000

minutes = st.integers(0, 47).map(lambda half: 30 * half)
windows = st.builds(
    QuietWindow, start=minutes, end=minutes, days=st.sampled_from([WEEKDAYS, WEEKDAYS[:5], WEEKDAYS[5:], ("sun",)])
)
quiet = st.lists(windows, max_size=2).map(tuple)
caps = st.builds(
    FrequencyCap,
    messages=st.integers(1, 3),
    per=st.sampled_from([HOUR, DAY, 7 * DAY]),
    channel=st.sampled_from([None, "email", "push"]),
)
policies = st.builds(
    Policies,
    caps=st.lists(caps, max_size=2).map(tuple),
    release_over=st.sampled_from([0, 1_000, HOUR]),
    max_age=st.sampled_from([HOUR, DAY, 8 * DAY]),
)


def lived(journey, customer, timeline, policy, quiet_hours):
    channels = {name: replace(channel, quiet_hours=quiet_hours) for name, channel in POLICIES.items()}
    drive = Drive(program_of(text_of(journey)), **customer, policies=policy, channels=channels).enter(signed_up())
    for event in timeline:
        drive.happen(event)
    return drive.finish()


@SLOW
@given(journeys(), customers(), timelines(), policies, quiet)
def test_policies_hold_and_nobody_gets_stuck(journey, customer, timeline, policy, quiet_hours):
    drive = lived(journey, customer, timeline, policy, quiet_hours)
    assert drive.current.held is None
    for cap in policy.caps:
        times = sorted(slot.at for slot in drive.facts.recent if cap.channel in (None, slot.channel))
        crowded = [later - first for first, later in zip(times, times[cap.messages :], strict=False)]
        assert all(gap >= cap.per for gap in crowded), "more than the cap in a stretch of its length"
    zone, _ = resolve_zone(drive.facts.attributes.get("timezone"), drive.program.machine.timezone)
    assert all(quiet_until(slot.at, quiet_hours, zone) is None for slot in drive.facts.recent)


def test_a_message_held_behind_a_standstill_is_as_old_as_its_step():
    text = steps_of("- wait: 1 day\n- { send: welcome, via: email }")
    channels = {"email": replace(POLICIES["email"], quiet_hours=(QuietWindow(start=0, end=0),))}
    person = {"attributes": {"email": "ada@example.com"}, "consent": {"email": True}}
    drive = Drive(program_of(text), **person, channels=channels, policies=Policies(max_age=DAY)).enter(signed_up())
    due = drive.current.due_at
    drive.take(TimerFired(visit=drive.current.visit), due + 5 * HOUR)
    assert (drive.current.held.reason, drive.current.due_at) == ("quiet_hours", due + DAY)
    drive.fire_until(due + DAY)
    assert [send.reason for send in drive.sends] == ["quiet_expired"]


EVENING = {"email": "ada@example.com", "timezone": "Europe/Berlin", "best_time": "18:30"}


def waiting(attributes, text="- { send: welcome, via: email, at: best_time }", **policy):
    channels = {"email": replace(POLICIES["email"], quiet_hours=policy.pop("quiet_hours", ()))}
    rules = Policies(**{"release_over": 0, **policy})
    person = {"attributes": attributes, "consent": {"email": True}}
    return Drive(program_of(steps_of(text)), **person, channels=channels, policies=rules).enter(signed_up())


def test_a_message_waits_for_the_best_time_on_the_customer_s_own_clock():
    drive = waiting(EVENING)
    held = drive.current
    assert (held.held.reason, local_text(held.due_at, "Europe/Berlin")[11:16]) == ("best_time", "18:30")
    drive.fire_until(held.due_at)
    assert [send.channel for send in drive.sends] == ["email"]


def test_a_best_time_that_is_none_lets_the_message_go_at_once():
    for text in ("", "evening", "24:00", "1830", "18:30:00", 1830, None):
        assert [send.channel for send in waiting({**EVENING, "best_time": text}).sends] == ["email"]


def test_no_message_waits_for_a_best_time_beyond_its_age():
    drive = waiting(EVENING, max_age=HOUR)
    assert drive.current.due_at == drive.current.since + HOUR
    drive.fire_until(drive.current.due_at)
    assert [send.channel for send in drive.sends] == ["email"]


def test_a_best_time_within_quiet_hours_is_asked_about_these_again():
    drive = waiting(EVENING, quiet_hours=(QuietWindow(start=18 * 60, end=20 * 60),))
    drive.fire_until(drive.current.due_at)
    held = drive.current
    assert (held.held.reason, local_text(held.due_at, "Europe/Berlin")[11:16]) == ("quiet_hours", "20:00")
    drive.fire_until(held.due_at)
    assert [send.channel for send in drive.sends] == ["email"]


@SLOW
@given(journeys(), customers(), timelines(), policies, quiet)
def test_every_message_that_a_step_asked_for_has_one_outcome(journey, customer, timeline, policy, quiet_hours):
    drive = lived(journey, customer, timeline, policy, quiet_hours)
    asked = {
        decision.visit
        for decision in drive.trace
        if isinstance(drive.program.steps[decision.state].state.action, Send)
        and not decision.rule.startswith(("exit", "goal", "expired"))
    }
    settled = [effect.visit for effect in drive.sends]
    assert len(settled) == len(set(settled))
    # Whoever leaves by a condition at the very step never asked.
    left_there = {d.visit for d in drive.trace if d.rule.startswith("exit")} & asked
    assert asked - left_there <= set(settled) <= asked


@SLOW
@given(st.integers(START, START + 30 * DAY), quiet, st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]))
def test_quiet_hours_end_where_no_window_is_open(now, quiet_hours, zone):
    end = quiet_until(now, quiet_hours, zone)
    if end is None:
        return
    assert end > now
    assert quiet_until(end, quiet_hours, zone) is None or end - now >= 7 * DAY
    assert quiet_until(end - 1, quiet_hours, zone) is not None
    assert quiet_until((now + end) // 2, quiet_hours, zone) is not None
