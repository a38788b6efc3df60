"""What becomes of somebody who is moved into another version: laws over one move."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from journeyscript.engine.moving import move
from journeyscript.engine.step import step
from journeyscript.engine.values import Held, SendMessage, SkipMessage, TimerFired
from journeyscript.machine.model import Migration
from journeyscript.syntax.policies import Policies, QuietWindow
from tests.engine.driving import DAY, POLICIES, START, Drive, program_of, signed_up
from tests.engine.test_laws import SLOW, customers
from tests.projects import steps_of
from tests.strategies import journeys, text_of

HOUR = 3_600_000
KEEP, RECOMPUTE = Migration(), Migration(timer="recompute")
REACHABLE = {"attributes": {"email": "ada@example.com", "push_token": "t"}, "consent": {"email": True, "push": True}}


def inside(steps, **facts):
    """Return somebody who has come as far as these steps go at once."""
    return Drive(program_of(steps_of(steps)), **{**REACHABLE, **facts}).enter(signed_up())


def moved(drive, steps, migration=KEEP, at=START + DAY):
    program = program_of(steps_of(steps))
    return program, move(program, drive.program, drive.current, migration, drive.facts, at)


WAIT = "- { id: rest, wait: 3 days }\n- { send: reminder, via: push }\n"


def test_a_move_keeps_the_time_or_takes_that_of_the_new_version():
    drive = inside(WAIT)
    shorter, longer = WAIT.replace("3 days", "2 days"), WAIT.replace("3 days", "9 days")
    for steps, migration, due in (
        (shorter, KEEP, 3 * DAY),
        (longer, KEEP, 3 * DAY),
        (shorter, RECOMPUTE, 2 * DAY),
        (longer, RECOMPUTE, 9 * DAY),
    ):
        program, outcome = moved(drive, steps, migration)
        now = outcome.enrollment
        assert (now.version, now.state, now.since, now.due_at) == (program.version, "rest", START, START + due)
        assert outcome.effects == ()


def test_whose_time_would_be_up_goes_on_once_and_now():
    drive = inside(WAIT)
    program, outcome = moved(drive, WAIT.replace("3 days", "1 hour"), RECOMPUTE)
    assert outcome.enrollment.due_at == START + DAY
    after = Drive(program, **REACHABLE)
    after.enrollment = outcome.enrollment
    after.finish()
    assert [effect.message for effect in after.effects if isinstance(effect, SendMessage)] == ["reminder"]


def test_who_waits_for_an_event_waits_on_for_it_with_its_grace():
    steps = "- { id: rest, wait_for: purchased, timeout: 3 days, then: [{ send: welcome, via: email }], else: [] }\n"
    drive = inside(steps, policies=Policies(grace=HOUR))
    for migration in (KEEP, RECOMPUTE):
        _, outcome = moved(drive, steps, migration)
        now = outcome.enrollment
        assert (now.due_at, now.deadline) == (START + 3 * DAY + HOUR, START + 3 * DAY)


def test_a_condition_that_holds_already_is_not_waited_for_after_a_move():
    drive = inside(WAIT)
    steps = "- { id: rest, wait_until: { when: customer.vip, timeout: 9 days } }\n- { send: welcome, via: email }\n"
    drive.facts = replace(drive.facts, attributes={**drive.facts.attributes, "vip": True})
    _, outcome = moved(drive, steps)
    assert [decision.rule.partition(" ")[0] for decision in outcome.trace] == ["moved", "when", "send"]
    assert [effect.message for effect in outcome.effects] == ["welcome"]


def test_who_comes_to_a_send_gets_the_message_by_the_move():
    drive = inside(WAIT)
    _, outcome = moved(drive, "- { send: welcome, via: email }\n", Migration(moves={"rest": "send.welcome"}))
    assert [effect.message for effect in outcome.effects] == ["welcome"]
    assert outcome.enrollment.status == "completed"


def test_who_is_sent_out_leaves_in_the_version_they_are_in():
    drive = inside(WAIT)
    _, outcome = moved(drive, "- { send: welcome, via: email }\n", Migration(moves={"rest": None}))
    now = outcome.enrollment
    assert (now.version, now.status, now.reason) == (drive.current.version, "exited", "migrated")


ALL_DAY = (QuietWindow(start=0, end=0),)


def held_back():
    """Return somebody whose message waits for quiet hours to end."""
    quiet = {name: replace(channel, quiet_hours=ALL_DAY) for name, channel in POLICIES.items()}
    drive = inside("- { send: welcome, via: email }\n- wait: 1 day\n- { send: reminder, via: push }\n", channels=quiet)
    assert isinstance(drive.current.held, Held)
    return drive


def test_a_message_that_waits_is_asked_again_and_gets_no_younger():
    drive = held_back()
    drive.facts = replace(drive.facts, channels=POLICIES)
    letter = "- { id: letter, send: welcome, via: email }\n- wait: 1 day\n- { send: reminder, via: push }\n"
    _, outcome = moved(drive, letter, Migration(moves={"send.welcome": "letter"}), START + HOUR)
    (send,) = outcome.effects
    assert (send.message, send.step, send.visit) == ("welcome", "letter", 2)
    assert send.expires_at == START + drive.facts.policies.max_age
    _, late = moved(drive, letter, Migration(moves={"send.welcome": "letter"}), START + 9 * DAY)
    assert [effect.reason for effect in late.effects] == ["quiet_expired"]


def test_a_message_that_still_waits_after_the_move_was_asked_for_when_it_was():
    drive = held_back()
    letter = "- { id: letter, send: welcome, via: email }\n- wait: 1 day\n- { send: reminder, via: push }\n"
    _, outcome = moved(drive, letter, Migration(moves={"send.welcome": "letter"}), START + HOUR)
    now = outcome.enrollment
    assert (now.state, now.since, now.held.reason, outcome.effects) == ("letter", START, "quiet_hours", ())


def test_a_message_that_waits_is_cancelled_where_its_customer_goes_elsewhere():
    drive = held_back()
    _, outcome = moved(drive, WAIT, Migration(moves={"send.welcome": "rest"}))
    (skip,) = outcome.effects
    assert isinstance(skip, SkipMessage)
    assert (skip.step, skip.visit, skip.reason) == ("send.welcome", 1, "cancelled")
    now = outcome.enrollment
    assert (now.state, now.held, now.due_at) == ("rest", None, START + 4 * DAY)


def test_how_often_a_loop_was_gone_through_is_kept_under_its_new_name():
    loop = (
        "- id: {0}\n  repeat: {{ times: 3 }}\n  steps:\n    - {{ id: rest, wait: 1 day }}\n"
        "    - {{ send: reminder, via: push }}\n"
    )
    drive = inside(loop.format("round"))
    assert drive.current.laps == {"round": 1}
    _, outcome = moved(drive, loop.format("turn"), Migration(moves={"round": "turn"}))
    assert outcome.enrollment.laps == {"turn": 1}


@SLOW
@given(journeys(), customers(), st.sampled_from([KEEP, RECOMPUTE]), st.integers(0, 40))
def test_a_move_into_the_same_journey_changes_nothing_that_matters(journey, customer, migration, days):
    program = program_of(text_of(journey))
    drive = Drive(program, **customer).enter(signed_up())
    before = drive.current
    if before.status != "active":
        return
    at = START + days * DAY
    after = replace(program, version="another")
    outcome = move(after, program, before, migration, drive.facts, at)
    assert outcome == move(after, program, before, migration, drive.facts, at)
    now = outcome.enrollment
    assert now.visit > before.visit, "no name of a send is used twice"
    assert outcome.trace[0].rule == f"moved from {program.version}"
    assert all(effect.visit >= before.visit for effect in outcome.effects if isinstance(effect, SkipMessage))
    if now.status == "active":
        assert now.version == "another"
        assert now.due_at is not None, "nobody gets stuck"
    if before.held is None and migration is KEEP and now.visit == before.visit + 1:
        assert (now.state, now.since, now.over_at, now.deadline) == (
            before.state, before.since, before.over_at, before.deadline
        )  # fmt: skip
    going_on = Drive(after, **customer)
    going_on.enrollment = now
    going_on.finish()
    assert going_on.current.status != "active"


def test_a_timer_from_before_the_move_is_stale():
    drive = inside(WAIT)
    program, outcome = moved(drive, WAIT.replace("3 days", "9 days"), RECOMPUTE)
    fired = step(program, outcome.enrollment, TimerFired(visit=drive.current.visit), drive.facts, START + 3 * DAY)
    assert fired.enrollment == outcome.enrollment
