"""Conditions that time alone makes true are seen at their second, and all else goes on as if nobody had looked."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from journeyscript.engine.evaluate import compile_expression
from journeyscript.engine.values import SendMessage, SkipMessage, TimerFired
from journeyscript.syntax.policies import WEEKDAYS, Policies, QuietWindow
from tests.engine.driving import DAY, POLICIES, START, Drive, program_of, purchased, signed_up
from tests.projects import steps_of

HOUR = 3_600_000
GRACE = 300_000
ADA = {"attributes": {"email": "ada@example.com"}, "consent": {"email": True}}
QUIET = QuietWindow(start=0, end=0, days=WEEKDAYS[2:5])
"""From Wednesday to the end of Friday: `START` is a Wednesday."""

DAYS = st.integers(1, 9)
TIMED = st.one_of(
    DAYS.map(lambda n: f"not did(purchased, last {n} days)"),
    DAYS.map(lambda n: f"days_since(last(signed_up).at) >= {n}"),
    st.tuples(DAYS, st.integers(1, 3)).map(lambda p: f"count(purchased, last {p[0]} days) < {p[1]}"),
    st.tuples(DAYS, DAYS).map(
        lambda p: f"did(purchased, last {p[0]} days) and days_since(first(signed_up).at) > {p[1]}"
    ),
)


def journey(exit_when: str, wait_when: str) -> str:
    """Return a journey that waits for a condition, and is left by another one."""
    head = f'entry: {{ event: signed_up, again: always }}\nexit: [{{ when: "{exit_when}" }}]'
    return steps_of(f"- wait_until: {{ when: '{wait_when}', timeout: 12 days }}\n- wait: 5 days", head=head)


@given(TIMED, TIMED, st.lists(st.integers(0, 18 * 24 * 60), max_size=5, unique=True), st.integers(1, 7))
def test_nobody_rests_where_a_condition_has_come_true(exit_when, wait_when, minutes, step):
    program = program_of(journey(exit_when, wait_when))
    drive = Drive(program).enter(signed_up())
    events = [purchased(START + minute * 60_000 + 1_000) for minute in sorted(minutes)]
    ((_, _, exit_condition),) = program.exits

    def true_now(at: int) -> dict[str, bool]:
        found = {"exit": exit_condition.holds(drive.facts, None, drive.current, at) is True}
        for condition, _ in program.steps[drive.current.state].when:
            found["when"] = condition.holds(drive.facts, None, drive.current, at) is True
        return found

    before = true_now(START)
    for at in range(START + step * HOUR, START + 20 * DAY, step * HOUR):
        while events and events[0].at <= at:
            drive.happen(events.pop(0))
            before = {}
        seen = len(drive.trace)
        drive.fire_until(at)
        if drive.current.status != "active":
            return
        now = true_now(at)
        assert not now.get("when", False), "whoever waits for it would have gone on"
        if len(drive.trace) == seen:
            # An exit that held already when they entered is seen at the next input.
            assert before.get("exit", now["exit"]) or not now["exit"]
        before = now


@given(st.lists(st.integers(0, 40 * 24 * 60), max_size=8), DAYS)
def test_looking_changes_no_wait(minutes, days):
    """A condition that never comes true, however often it is looked at, leaves every timer where it was."""
    bought = "- wait_for: purchased\n  timeout: 3 days\n  then: [{ wait: 1 day, id: one }]"
    steps = f"- wait: 2 days\n{bought}\n- wait: 4 days\n  id: four"
    plain = "entry: { event: signed_up, again: always }"
    looking = f'{plain}\nexit: [{{ when: "count(purchased, last {days} days) > 100" }}]'
    lives = []
    for head in (plain, looking):
        drive = Drive(program_of(steps_of(steps, head=head)), policies=Policies(grace=GRACE)).enter(signed_up())
        for minute in sorted(minutes):
            drive.happen(purchased(START + minute * 60_000))
        drive.finish()
        lives.append([(line.at, line.state, line.rule) for line in drive.trace])
    assert lives[0] == lives[1]


def test_without_a_condition_of_time_nobody_is_looked_at():
    head = "entry: { event: signed_up, again: always }\nexit: [{ when: customer.vip }]"
    drive = Drive(program_of(steps_of("- wait: 2 days", head=head))).enter(signed_up())
    assert (drive.current.due_at, drive.current.until) == (START + 2 * DAY, None)


def test_one_look_is_set_and_only_moved_when_it_is_due():
    text = journey("not did(purchased, last 3 days) and did(purchased)", "customer.vip")
    drive = Drive(program_of(text)).enter(signed_up())
    assert drive.current.until is None
    drive.happen(purchased(START + HOUR))
    first = drive.current
    assert (first.due_at, first.until) == (START + HOUR + 3 * DAY + 1_000, START + 12 * DAY)
    drive.happen(purchased(START + 2 * HOUR))
    assert drive.current == first, "an early look costs less than to move it at every purchase"
    drive.fire_until(first.due_at)
    assert drive.current.due_at == START + 2 * HOUR + 3 * DAY + 1_000
    drive.fire_until(drive.current.due_at)
    assert drive.current.reason == "condition 1"


def test_a_message_that_is_held_is_cancelled_by_an_exit_that_time_makes_true():
    drive = held("days_since(last(signed_up).at) >= 2")
    drive.finish()
    assert (drive.current.ended_at, drive.rules[-1]) == (START + 2 * DAY, "exit condition 1")
    assert [(type(send), send.reason) for send in drive.sends] == [(SkipMessage, "cancelled")]


def test_a_message_that_is_held_goes_out_when_it_may_whatever_was_looked_at_before():
    drive = held("days_since(last(signed_up).at) >= 2 and days_since(last(signed_up).at) < 1")
    released = held("customer.vip")
    assert drive.current.until == released.current.due_at
    drive.finish()
    released.finish()
    assert isinstance(drive.sends[0], SendMessage)
    assert drive.trace[-1].at == released.trace[-1].at


def held(exit_when: str) -> Drive:
    """Return somebody whose message waits for Saturday."""
    head = f'entry: {{ event: signed_up, again: always }}\nexit: [{{ when: "{exit_when}" }}]'
    channels = {"email": replace(POLICIES["email"], quiet_hours=(QUIET,))}
    program = program_of(steps_of("- send: welcome\n  via: email", head=head))
    drive = Drive(program, **ADA, channels=channels, policies=Policies(max_age=8 * DAY)).enter(signed_up())
    assert drive.current.held is not None
    return drive


def test_a_condition_that_comes_with_the_timeout_goes_first():
    text = steps_of("- wait_until: { when: days_since(last(signed_up).at) >= 3, timeout: 3 days }")
    drive = Drive(program_of(text)).enter(signed_up())
    drive.finish()
    assert drive.rules[-1] == "when"
    assert drive.current.ended_at == START + 3 * DAY


def test_a_timeout_that_came_before_goes_first_after_a_standstill():
    text = steps_of("- wait_until: { when: days_since(last(signed_up).at) >= 4, timeout: 3 days }")
    drive = Drive(program_of(text)).enter(signed_up())
    late = START + 10 * DAY
    evaluate = compile_expression(drive.program.machine.states[0].transitions[0].trigger.condition, "UTC")
    assert evaluate(drive.facts, None, drive.current, late) is True
    drive.take(TimerFired(visit=drive.current.visit), late)
    assert drive.rules[-1] == "timer"
