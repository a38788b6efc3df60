"""Each kind of step as the states, timers and transitions that it means."""

import pytest

from journeyscript.machine.canonical import canonical_json, version_of
from journeyscript.machine.model import (
    After,
    Always,
    Arm,
    Assign,
    AtDate,
    AtTime,
    CalendarDays,
    Due,
    Emit,
    Enter,
    Final,
    If,
    Lap,
    NotSent,
    On,
    Send,
    When,
    Within,
)
from journeyscript.semantics.show import show
from journeyscript.syntax.policies import WEEKDAYS
from tests.projects import codes, compile_text, machine_of, steps_of

DAY = 86_400_000
HOUR = 3_600_000


def machine(steps, head="entry: { event: signed_up, again: always }"):
    compiled, findings = compile_text(steps_of(steps, head))
    assert compiled is not None, findings
    return compiled.machine


def state(steps, name):
    return next(state for state in machine(steps).states if state.id == name)


def ways(found):
    """Return a state's ways out: (kind of trigger, target)."""
    return [(type(t.trigger), t.target) for t in found.transitions]


def test_a_send_goes_on_and_a_send_with_else_goes_through_it_where_nothing_was_sent():
    plain = state("- send: reminder\n", "send.reminder")
    assert isinstance(plain.action, Send)
    assert (plain.action.via, plain.action.prefer, plain.action.kind) == (("email", "push"), True, "marketing")
    assert ways(plain) == [(Always, "end")]
    with_else = state("- send: reminder\n  via: push\n  else: [{ wait: 1 day }]\n", "send.reminder")
    assert (with_else.action.via, with_else.action.prefer) == (("push",), False)
    assert ways(with_else) == [(NotSent, "wait"), (Always, "end")]


def test_a_message_is_transactional_only_where_every_file_says_so():
    assert state("- send: code\n  with: { code: '\"x\"' }\n", "send.code").action.kind == "transactional"
    assert state("- send: reminder\n  class: transactional\n", "send.reminder").action.kind == "transactional"


def test_a_send_names_what_its_content_and_its_channel_read():
    action = state("- send: welcome\n  via: email\n", "send.welcome").action
    assert action.reads == {"customer.first_name": "string", "customer.id": "string"}


@pytest.mark.parametrize(
    ("written", "timer"),
    [
        ("- wait: 36 hours", After(duration=36 * HOUR)),
        ("- wait: { days: 1, hours: 12 }", After(duration=36 * HOUR)),
        ("- wait: 2 calendar days", CalendarDays(days=2)),
        ('- wait_until: { time: "09:30" }', AtTime(minute=570)),
        ('- wait_until: { time: "09:30", days: weekend }', AtTime(minute=570, days=("sat", "sun"))),
        ('- wait_until: { time: "09:30", days: [fri, mon], spread: 1 hour }', AtTime(minute=570, days=("mon", "fri"), spread=HOUR)),  # noqa: E501
        ('- wait_until: { between: ["22:00", "06:00"] }', Within(start=1320, end=360, days=WEEKDAYS)),
        ("- wait_for: app_installed\n  timeout: 3 days", After(duration=3 * DAY)),
    ],
)  # fmt: skip
def test_waits_have_timers(written, timer):
    assert machine(written).states[0].timer == timer


def test_a_date_is_a_timer_over_an_expression():
    written = '- wait_until: { date: customer.birthday - 3 days, time: "08:00", if_missing: exit }'
    timer = state(written, "wait_until").timer
    assert isinstance(timer, AtDate)
    assert show(timer.moment) == "customer.birthday - 3 days"
    assert (timer.minute, timer.if_missing, timer.if_past) == (480, "exit", "continue")


def test_a_wait_for_a_condition_goes_on_when_it_holds_or_when_time_is_up():
    found = state("- wait_until: { when: customer.vip, timeout: 1 day }\n- exit: done\n", "wait_until")
    assert ways(found) == [(When, "exit.done"), (Due, "exit.done")]
    assert found.timer == After(duration=DAY)


def test_a_wait_for_events_has_a_way_for_each_in_the_order_of_the_file():
    found = state(
        "- wait_for:\n"
        "    - { event: purchased, where: event.total > 5, steps: [{ exit: large }] }\n"
        "    - { event: purchased, steps: [] }\n"
        "  timeout: 1 day\n"
        "  else: [{ exit: late }]\n",
        "wait_for",
    )
    assert ways(found) == [(On, "exit.large"), (On, "end"), (Due, "exit.late")]
    assert show(found.transitions[0].trigger.where) == "event.total > 5"


def test_a_branch_tries_its_conditions_in_order():
    found = state(
        "- branch:\n    - if: customer.vip\n      steps: [{ wait: 1 day }]\n    - if: consent.sms\n      steps: []\n    - else: [{ exit: other }]\n",  # noqa: E501
        "branch",
    )
    assert ways(found) == [(If, "wait"), (If, "end"), (Always, "exit.other")]


def test_a_split_gives_each_arm_its_weight():
    found = state(
        "- split: offer\n  per: entry\n  arms:\n"
        "    - { arm: a, weight: 33, steps: [] }\n    - { arm: b, weight: 0, steps: [] }\n    - { arm: c, weight: 67, steps: [] }\n",  # noqa: E501
        "split.offer",
    )
    arms = [t.trigger for t in found.transitions]
    assert all(isinstance(arm, Arm) and arm.per == "entry" and arm.experiment == "offer" for arm in arms)
    assert [(arm.arm, arm.weight) for arm in arms] == [("a", 33), ("b", 0), ("c", 67)]


def test_a_loop_is_left_by_its_condition_or_when_its_rounds_are_over():
    found = machine("- repeat: { times: 3, until: customer.vip }\n  steps: [{ wait: 1 day }]\n")
    loop, wait, end = found.states
    assert ways(loop) == [(If, "end"), (Lap, "wait"), (Always, "end")]
    assert loop.transitions[1].trigger == Lap(times=3)
    assert ways(wait) == [(Due, "repeat")]
    assert end.final == Final(status="completed")


def test_set_emit_and_exit():
    found = machine('- set: { vip: true }\n- emit: became_vip\n  properties: { spent: "3" }\n- exit: done\n')
    assign, emit, leave, _ = found.states
    assert isinstance(assign.action, Assign)
    assert [name for name, _ in assign.action.values] == ["vip"]
    assert isinstance(emit.action, Emit)
    assert (emit.action.event, show(emit.action.properties[0][1])) == ("became_vip", "3")
    assert leave.final == Final(status="exited", reason="done")


def test_stage_writes_an_attribute_and_enter_names_a_journey():
    found = machine("- stage: active\n- enter: offer\n  with: { points: customer.visits * 2 }\n- stage: active\n")
    stage, enter, again, _ = found.states
    assert isinstance(stage.action, Assign)
    assert [(name, show(value)) for name, value in stage.action.values] == [("stage", '"active"')]
    assert isinstance(enter.action, Enter)
    assert enter.action.journey == "offer"
    assert [(name, show(value)) for name, value in enter.action.properties] == [("points", "customer.visits * 2")]
    assert "visits" in found.needs.attributes
    assert [state.id for state in (stage, enter, again)] == ["stage.active", "enter.offer", "stage.active.2"]


def test_the_head_of_a_journey():
    head = """entry: { event: purchased, where: event.total > 5, key: event.order_id, again: after 30 days }
goal: { event: app_installed, within: 2 days, exit: true }
exit: [{ event: account_closed }, { when: customer.vip }]
max_lifetime: 90 days"""
    found = machine("- wait: 1 day", head)
    assert (found.entry.event, found.entry.again, show(found.entry.key)) == ("purchased", 30 * DAY, "event.order_id")
    assert found.goal is not None
    assert (found.goal.event, found.goal.within, found.goal.exit) == ("app_installed", 2 * DAY, True)
    assert [(rule.id, rule.event) for rule in found.exits] == [
        ("account_closed", "account_closed"),
        ("condition 2", None),
    ]
    assert (found.lifetime, found.timezone, found.initial) == (90 * DAY, "Europe/Berlin", "wait")


@pytest.mark.parametrize(("again", "expected"), [("never", None), ("always", 0), ("after 1 day 2 hours", 26 * HOUR)])
def test_again_is_a_cool_down(again, expected):
    assert machine("- wait: 1 day", f"entry: {{ event: signed_up, again: {again} }}").entry.again == expected


def test_a_machine_says_what_it_needs_of_the_customer():
    needs = machine(
        "- branch:\n    - if: count(purchased, last 3 days) > 1 and did(app_installed) and sum(page_viewed.at) == 1\n      steps: []\n    - else: []\n".replace(  # noqa: E501
            " and sum(page_viewed.at) == 1", " and did(page_viewed, since entry)"
        )
        + "- wait_for: purchased\n  timeout: 1 day\n- send: welcome\n- branch:\n    - if: customer in segment loyal and customer.vip\n      steps: []\n    - else: []\n  id: second\n"  # noqa: E501
    ).needs
    assert needs.events == ("purchased", "signed_up")
    assert needs.history == {"app_installed": None, "page_viewed": 365 * DAY, "purchased": 365 * DAY}
    assert {"vip", "first_name", "id", "timezone", "locale", "preferred_channel"} <= set(needs.attributes)


# Ids ------------------------------------------------------------------------------------------------------------------


def ids(steps):
    return [found.id for found in machine(steps).states]


def test_ids_come_from_what_a_step_does_and_what_it_names():
    assert ids(
        "- send: welcome\n- wait: 1 day\n- wait_for: purchased\n  timeout: 1 day\n- set: { vip: true }\n- emit: app_installed\n- exit: done\n"  # noqa: E501
    ) == ["send.welcome", "wait", "wait_for.purchased", "set", "emit.app_installed", "exit.done", "end"]


def test_steps_that_nobody_rests_in_are_numbered():
    found = ids(
        "- set: { vip: true }\n- set: { vip: false }\n- set: { vip: true }\n  id: set.3\n- set: { vip: false }\n"
    )
    assert found == ["set", "set.2", "set.3", "set.4", "end"]


@pytest.mark.parametrize(
    "steps",
    [
        "- wait: 1 day\n- wait: 2 days\n",
        "- send: welcome\n- send: welcome\n",
        "- wait: 1 day\n  id: a\n- set: { vip: true }\n  id: a\n",
        "- set: { vip: true }\n- set: { vip: true }\n- wait: 1 day\n  id: set.2\n",
    ],
)
def test_two_steps_of_one_id_are_refused(steps):
    compiled, findings = compile_text(steps_of(steps))
    assert compiled is None
    assert codes(findings) == ["JS102"]
    assert findings[0].labels


def test_everything_wrong_with_a_journey_is_told_at_once():
    _, findings = compile_text(
        steps_of(
            "- send: nothing\n- wait: 1 month\n- set: { nothing: 1, vip: 3 }\n- branch:\n    - if: customer.age > 1\n      steps: []\n    - else: []\n"  # noqa: E501
        )
    )
    assert sorted(codes(findings)) == ["JS105", "JS301", "JS303", "JS304", "JS408"]


@pytest.mark.parametrize("depth", [5, 14])
def test_steps_nested_as_deeply_as_files_allow_compile(depth):
    inner = "{wait: 1 day, id: innermost}"
    for number in range(depth):
        # Each condition is narrower than those it lies in, so that none of them says what is known.
        condition = f"customer.visits < {2 * depth + number}"
        inner = f"{{id: b{number}, branch: [{{if: {condition}, steps: [{inner}]}}, {{else: []}}]}}"
    machine_of(f"{{journey: trial, entry: {{event: signed_up, again: never}}, steps: [{inner}]}}")


# Entry -----------------------------------------------------------------------------------------------------------


def entry(written, more=""):
    return machine("- wait: 1 day\n", f"{more}entry: {{ event: signed_up, {written} }}").entry


@pytest.mark.parametrize(
    ("written", "length", "counted_from"),
    [
        ("never", None, "entry"),
        ("always", 0, "entry"),
        ("after 3 days", 3 * DAY, "entry"),
        ("after 3 days after exit", 3 * DAY, "exit"),
        ("after  1 day 2 hours  after exit", 26 * HOUR, "exit"),
        ("after P1D after exit", DAY, "exit"),
    ],
)
def test_again_is_a_cool_down_from_the_last_entry_or_the_last_exit(written, length, counted_from):
    found = entry(f"again: {written}")
    assert (found.again, found.again_from) == (length, counted_from)


def test_what_is_not_written_of_an_entry_is_not_in_the_machine():
    found = entry("again: never, while_active: ignore", "priority: 0\n")
    assert found == machine("- wait: 1 day\n", "entry: { event: signed_up, again: never }").entry
    assert canonical_json(machine("- wait: 1 day\n", "entry: { event: signed_up, again: never }")).count(
        b'"entry":{"event":"signed_up"}'
    )


def test_whom_an_entry_lets_in_is_in_the_machine():
    found = entry(
        "again: always, while_active: restart, holdout: 0.0001%, max_active: 0x10",
        "priority: -7\nexclusive_group: offers\n",
    )
    assert (found.while_active, found.holdout, found.max_active) == ("restart", 1, 16)
    assert (found.priority, found.group) == (-7, "offers")


@pytest.mark.parametrize(
    ("written", "parts"), [("5%", 50_000), ("0.5%", 5_000), ("99.9999%", 999_999), ("33%", 330_000)]
)
def test_a_share_in_percent_is_parts_per_million(written, parts):
    assert entry(f"again: never, holdout: {written}").holdout == parts


@pytest.mark.parametrize(
    ("written", "more", "code"),
    [
        ("again: never, holdout: 0%", "", "JS005"),
        ("again: never, holdout: 0.00%", "", "JS005"),
        ("again: never, holdout: 100%", "", "JS005"),
        ("again: never, holdout: 1000%", "", "JS005"),
        ("again: never, holdout: 0.00001%", "", "JS005"),
        ("again: never, holdout: 5", "", "JS005"),
        ("again: never, holdout: 5 %", "", "JS005"),
        ("again: never, holdout: -5%", "", "JS005"),
        ("again: never, holdout: half", "", "JS005"),
        ("again: never, max_active: 0", "", "JS005"),
        ("again: never, max_active: many", "", "JS005"),
        ("again: never, max_active: 2.0", "", "JS005"),
        ("again: never, while_active: repeat", "", "JS005"),
        ("again: after exit", "", "JS005"),
        ("again: after 3 days after", "", "JS005"),
        ("again: after 3 days before exit", "", "JS005"),
        ("again: after 1 month after exit", "", "JS408"),
        ("again: never after exit", "", "JS005"),
        ("again: never", "priority: high\n", "JS005"),
        ("again: never", "priority: 1.5\n", "JS005"),
        ("again: never", "exclusive_group: [a, b]\n", "JS005"),
        ("again: never", 'exclusive_group: "two words"\n', "JS005"),
    ],
)
def test_an_entry_that_makes_no_sense_is_no_machine(written, more, code):
    text = steps_of("- wait: 1 day\n", f"{more}entry: {{ event: signed_up, {written} }}")
    compiled, findings = compile_text(text)
    assert compiled is None
    assert codes(findings) == [code]


MIGRATE = "migrate: { from: { coupon: wait, reminder_2: exit }, timer: recompute }"


def test_what_becomes_of_those_inside_is_known_and_no_part_of_the_version():
    steps = "- wait: 1 day\n- send: welcome\n"
    head = "entry: { event: signed_up, again: always }"
    moved, plain = machine_of(steps_of(steps, f"{head}\n{MIGRATE}")), machine_of(steps_of(steps, head))
    assert moved.about.migrate is not None
    assert moved.about.migrate.moves == {"coupon": "wait", "reminder_2": None}
    assert moved.about.migrate.timer == "recompute"
    assert plain.about.migrate is None
    assert version_of(moved.machine) == version_of(plain.machine)


def test_nobody_is_moved_to_a_step_that_there_is_not():
    head = f"entry: {{ event: signed_up, again: always }}\n{MIGRATE}".replace("coupon: wait", "coupon: wiat")
    _, findings = compile_text(steps_of("- wait: 1 day\n- send: welcome\n", head))
    assert [(found.code, found.message, found.help) for found in findings] == [
        ("JS101", "there is no step `wiat` to go to", "did you mean `wait`?")
    ]
