"""What an operator has ordered of a journey, as the engine sees it: who is let in, what is sent."""

import pytest
from msgspec.structs import replace

from journeyscript.engine.entry import Admitted, Refreshes, Refused, Standing, admit, enroll, stop
from journeyscript.engine.values import Control, Decision, Event, Facts, SkipMessage
from tests.engine.driving import DAY, START, Drive, program_of, signed_up
from tests.projects import steps_of

PAUSED, STOPPED = Control(paused_at=START), Control(stopped_at=START)
STEPS = """
- wait: 1 day
- send: welcome
  via: email
- wait: 1 day
  id: later
"""
SENDING = steps_of(STEPS, "entry: { event: signed_up, again: always }")
REACHABLE = {"attributes": {"email": "ada@example.com", "score": 1}, "consent": {"email": True}}


def controlled(**control):
    return {"controls": {"trial": Control(**control)}}


def asked(head, control, *, inside=None):
    program = program_of(steps_of("- wait: 1 day", f"entry: {head}"))
    facts = Facts(external_id="ada", controls={"trial": control})
    standing = Standing(inside={} if inside is None else {("trial", ""): inside})
    return admit(program, signed_up(START + 5), facts, START + 5, standing)


@pytest.mark.parametrize(("control", "reason"), [(PAUSED, "paused"), (STOPPED, "stopped")])
def test_nobody_is_let_into_a_paused_or_stopped_journey(control, reason):
    assert asked("{ event: signed_up, again: never }", control) == Refused(reason=reason)
    full = "{ event: signed_up, again: never, max_active: 1 }"
    assert asked(full, control) == Refused(reason=reason)
    assert asked(full, Control(stale_before=START + DAY)) == Admitted(key="")


@pytest.mark.parametrize("control", [PAUSED, STOPPED])
def test_whoever_is_inside_stays_and_is_neither_restarted_nor_kept_from_new_data(control):
    program = program_of(steps_of("- wait: 1 day", "entry: { event: signed_up, again: never }"))
    event = signed_up()
    inside = enroll(
        program, number=1, customer=1, key="", event=event, facts=Facts(external_id="ada"), now=START
    ).enrollment
    head = "{ event: signed_up, again: never%s }"
    assert asked(head % "", control, inside=inside) == Refused(reason="inside")
    assert isinstance(asked(head % ", while_active: restart", control, inside=inside), Refused)
    assert asked(head % ", while_active: refresh", control, inside=inside) == Refreshes(enrollment=inside)


def test_a_message_of_a_paused_journey_waits_as_long_as_its_enrollment_can_live():
    drive = Drive(program_of(SENDING), **REACHABLE, **controlled(paused_at=START)).enter(signed_up())
    drive.fire_until(START + DAY + 1_000)
    assert drive.rules[-1] == "held paused"
    assert drive.current.held.reason == "paused"
    assert drive.current.due_at >= START + drive.program.machine.lifetime
    assert drive.sends == []
    drive.finish()
    assert (drive.current.status, drive.current.reason) == ("exited", "expired")
    assert [send.reason for send in drive.sends] == ["cancelled"]


def test_a_message_that_was_held_leaves_once_the_journey_goes_on():
    drive = Drive(program_of(SENDING), **REACHABLE, **controlled(paused_at=START)).enter(signed_up())
    drive.fire_until(START + DAY + 1_000)
    drive.facts = replace(drive.facts, controls={})
    drive.enrollment = replace(drive.current, due_at=START + DAY + 5_000)
    drive.finish()
    assert [type(send).__name__ for send in drive.sends] == ["SendMessage"]
    assert drive.rules[-1] == "done" or drive.current.status == "completed"


@pytest.mark.parametrize(("before", "reasons"), [(START + DAY + 1_000, ["stale"]), (START + DAY - 1_000, [None])])
def test_what_should_have_been_sent_before_the_resumption_is_stale(before, reasons):
    drive = Drive(program_of(SENDING), **REACHABLE, **controlled(stale_before=before)).enter(signed_up()).finish()
    assert [send.reason if isinstance(send, SkipMessage) else None for send in drive.sends] == reasons
    assert drive.current.status == "completed"


def test_another_journey_s_controls_are_not_its_own():
    drive = Drive(program_of(SENDING), **REACHABLE, controls={"other": PAUSED}).enter(signed_up()).finish()
    assert len(drive.sends) == 1
    assert drive.current.status == "completed"


def test_whoever_a_stop_lets_go_says_so_and_takes_the_held_message_along():
    drive = Drive(program_of(SENDING), **REACHABLE, **controlled(paused_at=START)).enter(signed_up())
    drive.fire_until(START + DAY + 1_000)
    outcome = stop(drive.program, drive.current, drive.facts, START + 2 * DAY)
    assert (outcome.enrollment.status, outcome.enrollment.reason) == ("exited", "stopped")
    assert outcome.enrollment.due_at is None
    assert [effect.reason for effect in outcome.effects] == ["cancelled"]
    assert outcome.trace == (
        Decision(visit=drive.current.visit, state=drive.current.state, at=START + 2 * DAY, rule="stopped"),
    )
    assert isinstance(drive.current.entry, Event)
