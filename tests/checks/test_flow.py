"""What is proved of a machine's shape, on machines made by hand: no file can break some of these laws."""

from journeyscript.checks.flow import dead_end, loop_without_wait, no_exit, unreachable_step
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import (
    About,
    After,
    Always,
    Due,
    Entry,
    Final,
    Machine,
    Needs,
    State,
    Transition,
    Within,
)
from tests.projects import codes, compile_text, steps_of

END = State(id="end", step="end", final=Final(status="completed"))


def made(*states):
    machine = Machine(
        format=1, journey="trial", timezone="UTC", entry=Entry(event="signed_up"), initial=states[0].id,
        states=(*states, END), lifetime=1, needs=Needs(),
    )  # fmt: skip
    return Compiled(machine=machine, about=About(), contents={})


def wait(name, target, timer=None):
    due = Transition(trigger=Due(), target=target)
    return State(id=name, step="wait", timer=timer or After(duration=1), transitions=(due,))


def test_a_state_that_nobody_can_leave_is_a_dead_end():
    (found,) = dead_end(made(wait("first", "stuck"), State(id="stuck", step="wait")))
    assert (found.code, found.step, found.witness) == ("JS202", "stuck", ("first", "stuck"))


def test_states_that_only_lead_to_each_other_have_no_exit():
    (found,) = no_exit(made(wait("first", "round"), wait("round", "first")))
    assert (found.code, found.step) == ("JS203", "first")


def test_a_round_takes_time_only_if_some_wait_on_it_surely_does():
    always = (Transition(trigger=Always(), target="a"),)
    assert not list(loop_without_wait(made(wait("a", "b"), State(id="b", step="set", transitions=always))))
    open_window = wait("a", "b", Within(start=0, end=60))
    (found,) = loop_without_wait(made(open_window, State(id="b", step="set", transitions=always)))
    assert (found.code, found.witness) == ("JS208", ("a", "b", "a"))


def test_only_the_first_step_behind_a_closed_way_is_told():
    found = list(unreachable_step(made(wait("a", "end"), wait("b", "c"), wait("c", "b"), wait("d", "c"))))
    assert [item.step for item in found] == ["b", "d"]


def test_nothing_is_said_of_a_sound_machine():
    sound = made(wait("a", "b"), wait("b", "end"))
    for check in (dead_end, no_exit, loop_without_wait, unreachable_step):
        assert not list(check(sound))


def test_a_loop_with_a_way_round_its_wait_is_refused():
    steps = """
- repeat: { times: 3 }
  steps:
    - branch:
        - if: customer.vip
          steps: [{ wait: 1 day }]
        - else: []
"""
    _, findings = compile_text(steps_of(steps))
    assert codes(findings) == ["JS208"]


def test_a_time_of_day_takes_time():
    _, findings = compile_text(steps_of('- repeat: { times: 3 }\n  steps: [{ wait_until: { time: "09:00" } }]\n'))
    assert codes(findings) == []
