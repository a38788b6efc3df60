"""The most messages that the compiler says a customer can get is put to the engine: nobody ever gets more.

Random journeys and customers, with quiet hours and frequency caps; what is said to be lost is lost, what is said to go
out never does not.
"""

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from journeyscript.checks.journey import check_sending
from journeyscript.checks.regions import survey
from journeyscript.checks.worst_case import caps, possible
from journeyscript.checks.worst_case.figures import figures
from journeyscript.checks.worst_case.times import Sending
from journeyscript.engine.program import link
from journeyscript.engine.values import SendMessage, SkipMessage
from journeyscript.machine.canonical import version_of
from journeyscript.machine.model import If
from journeyscript.syntax.policies import FrequencyCap, Policies, QuietWindow
from tests.engine.driving import DAY, POLICIES, START, Drive, purchased, signed_up
from tests.engine.test_laws import customers, timelines
from tests.projects import compile_text, steps_of, surroundings
from tests.strategies import journeys, text_of

HOUR = 3_600_000
LENGTHS = (DAY, 7 * DAY)
SLOW = settings(
    max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None
)


class Timed(Drive):
    """A drive under policies that keeps the time of each answer to a send."""

    def __init__(self, program, policies, **facts):
        channels = {
            name: msgspec.structs.replace(channel, quiet_hours=policies.quiet_hours)
            for name, channel in POLICIES.items()
        }
        super().__init__(program, **facts)
        self.facts = msgspec.structs.replace(self.facts, policies=policies, channels=channels)
        self.asked = []

    def check(self, after, outcome, before, now):
        super().check(after, outcome, before, now)
        self.asked += ((now, effect) for effect in outcome.effects if isinstance(effect, SendMessage | SkipMessage))

    def busiest(self, length, question=None):
        """Return the most messages that fall into one stretch of a length; `None` for all time."""
        times = [now for now, effect in self.asked if question is None or self.answers(question, effect)]
        if length is None:
            return len(times)
        return max((sum(at - length < time <= at for time in times) for at in times), default=0)

    def answers(self, question, effect):
        """Return whether a message is one of those that a question is about; without a channel, any counts."""
        if question.channel is None:
            return question.kind in (None, effect.kind)
        sent = isinstance(effect, SendMessage) and effect.channel == question.channel
        return sent and question.kind in (None, effect.kind)


def sending_of(policies):
    return Sending(channels=surroundings().channels, policies=policies)


def compiled_of(journey):
    compiled, _ = compile_text(journey if isinstance(journey, str) else text_of(journey))
    assert compiled is not None
    return compiled


def lived(compiled, policies, customer, timeline):
    drive = Timed(link(compiled.machine, version_of(compiled.machine)), policies, **customer).enter(signed_up())
    for event in timeline:
        drive.happen(event)
    return drive.finish()


def patient(value, sends):
    """Return a journey's steps in which sends say how long they wait."""
    if isinstance(value, list):
        return [patient(item, sends) for item in value]
    if not isinstance(value, dict):
        return value
    more = next(sends) if "send" in value else {}
    return {**{key: patient(item, sends) for key, item in value.items()}, **more}


LENIENT = (
    {},
    {},
    {"when_capped": {"delay": "2 hours"}},
    {"when_capped": {"delay": "3 days"}, "max_age": "5 days"},
    {"max_age": "30 minutes"},
    {"max_age": "3 days"},
)


@st.composite
def sending_journeys(draw):
    journey = draw(journeys())
    chosen = draw(st.lists(st.sampled_from(LENIENT), min_size=1, max_size=5))
    journey["steps"] = patient(journey["steps"], iter(chosen * 40))
    return journey


POLICY = st.builds(
    Policies,
    caps=st.lists(
        st.builds(
            FrequencyCap,
            messages=st.integers(1, 3),
            per=st.sampled_from([HOUR, DAY, 7 * DAY]),
            channel=st.sampled_from([None, None, "email", "push"]),
        ),
        max_size=2,
        unique_by=lambda cap: (cap.per, cap.channel),
    ).map(tuple),
    quiet_hours=st.sampled_from(
        [
            (),
            (QuietWindow(start=21 * 60, end=8 * 60),),
            (QuietWindow(start=12 * 60, end=11 * 60), QuietWindow(start=0, end=0, days=("sun",))),
            (QuietWindow(start=0, end=0),),
        ]
    ),
    release_over=st.sampled_from([1_000, 900_000]),
)


@SLOW
@given(sending_journeys(), POLICY, customers(), timelines())
def test_nobody_is_asked_to_get_more_messages_than_the_most(journey, policies, customer, timeline):
    compiled = compiled_of(journey)
    drive = lived(compiled, policies, customer, timeline)
    for row in figures(compiled, sending_of(policies), LENGTHS):
        assert row.in_all.most is not None
        assert drive.busiest(None, row.question) <= row.in_all.most
        for length, figure in row.within.items():
            assert figure.most is not None
            assert drive.busiest(length, row.question) <= figure.most, (row, figure.path)
            assert figure.least <= figure.most


@SLOW
@given(sending_journeys(), POLICY, customers(), timelines())
def test_whoever_goes_to_an_end_is_asked_to_get_at_least_the_fewest(journey, policies, customer, timeline):
    compiled = compiled_of(journey)
    drive = lived(compiled, policies, customer, timeline)
    final = drive.program.steps[drive.current.state].state.final
    if final is not None:
        for row in figures(compiled, sending_of(policies), LENGTHS):
            if row.question.channel is None:
                assert drive.busiest(None, row.question) >= row.in_all.least


def everything_said(compiled, policies):
    """Return what is found where nothing is left out for want of time; `None` where the conditions are too many."""
    triggers = [transition.trigger for state in compiled.machine.states for transition in state.transitions]
    conditions = [trigger.condition for trigger in triggers if isinstance(trigger, If)]
    if survey(conditions, compiled.machine.timezone) is None:
        return None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(caps, "MOST_TRIED", 100_000)
        patch.setattr(possible, "MOST_BEGINNINGS", 100_000)
        return list(check_sending(compiled, sending_of(policies)))


def contains(path, part):
    return any(tuple(path[at : at + len(part)]) == part for at in range(len(path)))


@SLOW
@given(sending_journeys(), POLICY, customers(), timelines())
def test_a_message_is_lost_where_it_is_said_to_be_and_nowhere_else(journey, policies, customer, timeline):
    compiled = compiled_of(journey)
    found = everything_said(compiled, policies)
    assume(found is not None)
    drive = lived(compiled, policies, customer, timeline)
    capped = [effect for _, effect in drive.asked if isinstance(effect, SkipMessage) and effect.reason == "capped"]
    if not {"JS502", "JS503"} & {one.code for one in found}:
        assert not capped
    for one in found:
        if one.code == "JS502" and contains(drive.path, one.witness):
            assert any(isinstance(effect, SkipMessage) for _, effect in drive.asked)
        if one.code == "JS405":
            assert not [effect for _, effect in drive.asked if effect.step == one.step and type(effect) is SendMessage]


LISTENING = {"attributes": {"email": "ada@example.com"}, "consent": {"email": True}}
WEEKLY = """
- repeat: { times: 4 }
  steps:
    - wait_until: { time: "09:00", days: [mon, thu] }
    - send: reminder
      via: email
"""
DAILY = """
- send: welcome
  via: email
- repeat: { times: 9 }
  steps:
    - wait: 23 hours
    - send: reminder
      via: email
"""
REACTING = """
- send: welcome
  via: email
- wait_for: purchased
  timeout: 3 days
  then:
    - send: reminder
      via: email
    - wait: 90 minutes
    - send: reminder
      id: again
      via: email
"""


@pytest.mark.parametrize(
    ("steps", "events", "most"),
    [
        (WEEKLY, [], (4, 1, 3)),
        (DAILY, [], (10, 2, 8)),
        (REACTING, [purchased(START + 60_000)], (3, 3, 3)),
    ],
    ids=["times of day", "a loop", "an event"],
)
def test_somebody_gets_the_most(steps, events, most):
    compiled = compiled_of(steps_of(steps))
    row = figures(compiled, sending_of(Policies()), LENGTHS)[0]
    assert (row.in_all.most, *(figure.most for figure in row.within.values())) == most
    best = (0, 0, 0)
    # The clocks go forward in the last days, so that a week has an hour less.
    for hours in range(25 * 24, 34 * 24, 8):
        moved = [msgspec.structs.replace(event, at=event.at + hours * HOUR) for event in events]
        drive = Timed(link(compiled.machine, version_of(compiled.machine)), Policies(), **LISTENING)
        drive.enter(signed_up(START + hours * HOUR))
        for event in moved:
            drive.happen(event)
        drive.finish()
        if row.in_all.path and len(drive.asked) == most[0]:
            assert contains(drive.path, row.in_all.path)
        seen = (drive.busiest(None), *(drive.busiest(length) for length in LENGTHS))
        best = tuple(map(max, best, seen))
    assert best == most


DAY_CAP = Policies(caps=(FrequencyCap(messages=2, per=DAY),))


def test_what_is_certainly_lost_is_lost():
    compiled = compiled_of(
        steps_of("- send: welcome\n- wait: 2 hours\n- send: reminder\n- id: last\n  send: welcome\n")
    )
    (found,) = check_sending(compiled, sending_of(DAY_CAP))
    assert (found.code, found.step) == ("JS502", "last")
    drive = lived(compiled, DAY_CAP, LISTENING, [])
    assert [type(effect) for _, effect in drive.asked] == [SendMessage, SendMessage, SkipMessage]


def test_a_message_that_waits_for_the_cap_is_not_lost():
    steps = "- send: welcome\n- send: reminder\n- id: last\n  send: welcome\n  when_capped: { delay: 24 hours }\n"
    compiled = compiled_of(steps_of(steps))
    assert list(check_sending(compiled, sending_of(DAY_CAP))) == []
    drive = lived(compiled, DAY_CAP, LISTENING, [])
    assert [type(effect) for _, effect in drive.asked] == [SendMessage] * 3


NIGHT = Policies(quiet_hours=(QuietWindow(start=21 * 60, end=8 * 60),))


@pytest.mark.parametrize(
    ("wait", "lasts", "lost"),
    [
        ('time: "22:30"', "2 hours", True),
        ('time: "22:30", spread: 30 minutes', "2 hours", True),
        ('between: ["22:00", "23:00"]', "6 hours", True),
        ('time: "22:30"', "12 hours", False),
        ('time: "20:59"', "2 hours", False),
        ('time: "20:30", spread: 2 hours', "2 hours", False),
        ('between: ["22:00", "07:00"]', "2 hours", False),
    ],
)
def test_a_message_that_can_never_go_out_does_not_and_any_other_does(wait, lasts, lost):
    steps = f"- wait_until: {{ {wait} }}\n- send: welcome\n  via: email\n  max_age: {lasts}\n"
    compiled = compiled_of(steps_of(steps))
    assert [found.code for found in check_sending(compiled, sending_of(NIGHT))] == ["JS405"] * lost
    sent = []
    for hours in range(0, 40 * 24, 5):
        drive = Timed(link(compiled.machine, version_of(compiled.machine)), NIGHT, customer=str(hours), **LISTENING)
        drive.enter(signed_up(START + hours * HOUR)).finish()
        sent += [effect for _, effect in drive.asked if isinstance(effect, SendMessage)]
    assert bool(sent) != lost


def test_nothing_is_never_sendable_where_people_come_at_any_time():
    held = "- send: reminder\n  via: email\n"
    behind = "- send: welcome\n  via: email\n  max_age: 2 hours\n"
    night = '- wait_until: { time: "22:30" }\n'
    for steps in (behind, "- wait: 1 day\n" + behind, night + "- wait: 1 hour\n" + behind, night + held + behind):
        found = check_sending(compiled_of(steps_of(steps)), sending_of(NIGHT))
        assert "send.welcome" not in {one.step for one in found if one.code == "JS405"}


def test_quiet_hours_that_leave_nothing_of_the_week_let_no_marketing_out():
    always = Policies(quiet_hours=(QuietWindow(start=0, end=0),))
    compiled = compiled_of(steps_of("- send: welcome\n  via: email\n  max_age: 20 days\n"))
    (found,) = check_sending(compiled, sending_of(always))
    assert found.code == "JS405"
    assert "for ever" in found.witness[-1]
    drive = lived(compiled, always, LISTENING, [])
    assert [effect.reason for _, effect in drive.asked] == ["quiet_expired"]


def test_the_random_journeys_are_worth_judging():
    found = set()

    @settings(max_examples=100, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(sending_journeys(), POLICY)
    def collect(journey, policies):
        found.update(one.code for one in check_sending(compiled_of(journey), sending_of(policies)))

    collect()
    assert found == {"JS405", "JS502", "JS503"}
