"""What is found in ordinary journeys, and what is not: a check that cries wolf is soon turned off."""

import pytest

from journeyscript.checks.alternatives import overlapping_branches, shadowed_branch, unreachable_goal
from journeyscript.checks.capabilities import send_may_be_skipped, stale_fact
from journeyscript.checks.conditions import constant_guard
from journeyscript.checks.together import back_to_back_sends
from journeyscript.checks.waits import trailing_wait, wait_after_measured_send, wait_outlives_journey
from tests.projects import compile_text, steps_of, surroundings

HEAD = "entry: { event: signed_up, again: always }"


def found_by(check, steps, *more, head=()):
    compiled, findings = compile_text(steps_of(steps, "\n".join([HEAD, *head])))
    assert compiled is not None, findings
    return list(check(compiled, *more))


def steps_found(check, steps, head=()):
    return [found.step for found in found_by(check, steps, head=head)]


# Facts that a wait makes stale ------------------------------------------------------------------------------------

UNLESS_BOUGHT = """
- branch:
    - if: did(purchased, since entry)
      steps: [{ exit: bought }]
    - else: []
- wait: 3 days
- send: reminder
"""


def test_not_having_bought_is_stale_after_a_wait():
    (found,) = found_by(stale_fact, UNLESS_BOUGHT)
    assert (
        found.message == "`not did(purchased, since entry)` was checked before a wait, and `send.reminder` relies on it"
    )
    assert found.witness == (
        "branch", "not did(purchased, since entry)", "wait", "purchased meanwhile", "send.reminder",
    )  # fmt: skip
    assert [label.text for label in found.labels] == [
        "checked here",
        "what was checked before this wait no longer holds",
    ]


@pytest.mark.parametrize(
    "head",
    [
        "exit: [{ event: purchased }]",
        "exit: [{ when: 'count(purchased, since entry) > 1' }]",
        "goal: { event: purchased, exit: true }",
    ],
)
def test_what_an_exit_watches_is_never_stale(head):
    assert steps_found(stale_fact, UNLESS_BOUGHT, head=[head]) == []


def test_another_exit_does_not_watch_it():
    assert steps_found(stale_fact, UNLESS_BOUGHT, head=["exit: [{ event: account_closed }]"]) == ["send.reminder"]
    assert steps_found(stale_fact, UNLESS_BOUGHT, head=["goal: { event: purchased, exit: false }"]) == ["send.reminder"]


_WITHIN = "- branch:\n    - if: {condition}\n      steps: [{{ wait: 1 day }}, {{ {then} }}]\n    - else: []\n"


@pytest.mark.parametrize(
    "steps",
    [
        # It is asked again.
        UNLESS_BOUGHT.replace("- send", "- branch:\n    - if: did(purchased)\n      steps: [{ exit: late }]\n"
                              "    - else: []\n  id: again\n- send"),
        # The wait would have noticed.
        UNLESS_BOUGHT.replace("- wait: 3 days", "- wait_for: purchased\n  timeout: 3 days\n  then: [{ exit: late }]"),
        UNLESS_BOUGHT.replace("- wait: 3 days", "- wait_until: { when: did(purchased), timeout: 3 days }"),
        # Nothing was waited for.
        UNLESS_BOUGHT.replace("- wait: 3 days\n", ""),
        # What has happened stays so.
        "- branch:\n    - if: did(purchased)\n      steps: [{ wait: 1 day }, { send: reminder }]\n    - else: []\n",
        # Both ways come here, so nobody relies on it.
        UNLESS_BOUGHT.replace("[{ exit: bought }]", "[]"),
        # A text or a number says what somebody is like; consent and addresses are looked at at every send.
        _WITHIN.format(condition="'customer.country == \"DE\" and customer.visits > 3'", then="send: reminder"),
        _WITHIN.format(condition="has customer.phone and consent.sms", then="send: welcome, via: sms"),
        # Written since.
        _WITHIN.format(
            condition="'customer.status == \"active\"'",
            then="set: { status: '\"active\"' } }, { send: reminder",
        ),
        # Not marketing.
        UNLESS_BOUGHT.replace("- send: reminder", "- send: code\n  with: { code: '\"1\"' }"),
    ],
)  # fmt: skip
def test_what_is_not_stale_is_left_in_peace(steps):
    assert steps_found(stale_fact, steps) == []


def test_a_status_is_stale_after_a_wait_and_told_once():
    steps = """
- branch:
    - if: customer.status in ["active"]
      steps:
        - send: welcome
        - wait: 1 day
        - send: reminder
        - wait: 1 day
          id: second_wait
        - send: reminder
          id: another
    - else: []
"""
    (found,) = found_by(stale_fact, steps)
    assert found.step == "send.reminder"
    assert "customer.status changes meanwhile" in found.witness


def test_a_loop_makes_stale_what_was_checked_in_front_of_it():
    steps = UNLESS_BOUGHT.replace(
        "- wait: 3 days\n- send: reminder", "- repeat: { times: 3 }\n  steps: [{ wait: 1 day }, { send: reminder }]"
    )
    assert steps_found(stale_fact, steps) == ["send.reminder"]


# Who may be left out ----------------------------------------------------------------------------------------------


def skipped(steps):
    return found_by(send_may_be_skipped, steps, surroundings().channels)


def test_a_send_that_leaves_somebody_out_shows_whom():
    (found,) = skipped("- send: welcome\n  via: sms\n")
    assert found.witness == ("customer.phone is unknown", "not consent.sms")


def test_a_send_with_another_way_or_a_check_in_front_leaves_nobody_out():
    assert not skipped("- send: welcome\n  via: sms\n  else: [{ wait: 1 day }]\n")
    guarded = "- branch:\n    - if: {}\n      steps: [{{ send: welcome, via: sms }}]\n    - else: []\n"
    assert not skipped(guarded.format("has customer.phone and consent.sms"))
    assert not skipped(guarded.format("customer in segment reachable"))
    assert [found.witness for found in skipped(guarded.format("consent.sms"))] == [("customer.phone is unknown",)]
    waited = guarded.format("customer in segment reachable").replace("[{ send", "[{ wait: 1 day }, { send")
    assert len(skipped(waited)) == 1


# Conditions -------------------------------------------------------------------------------------------------------


def branch(*conditions):
    items = [
        f"    - if: '{condition}'\n      steps: [{{ set: {{ visits: {n} }} }}]\n"
        for n, condition in enumerate(conditions)
    ]
    return "- branch:\n" + "".join(items) + "    - else: []\n"


def test_an_alternative_is_shadowed_by_several_together():
    (found,) = found_by(shadowed_branch, branch("customer.visits > 9", "customer.visits <= 9", "has customer.visits"))
    assert found.message == "this is never taken: whoever fits takes alternative 1 or 2 before it"
    assert found.witness == ("customer.visits = 8", "takes alternative 2")


@pytest.mark.parametrize(
    "conditions",
    [
        ("customer.visits > 9", "customer.visits > 3"),
        ("customer.vip", "not customer.vip", "customer.visits > 3"),  # Nobody may know whether somebody is a VIP.
        ("did(purchased, last 3 days)", "did(purchased, last 30 days)"),
        ("customer.visits > customer.score", "customer.score < customer.visits"),
    ],
)
def test_an_alternative_that_somebody_takes_is_not_shadowed(conditions):
    assert not found_by(shadowed_branch, branch(*conditions))


def test_what_a_constant_condition_shadows_is_told_once_at_the_cause():
    steps = branch("has customer.age or customer.age is unknown", "customer.vip")
    assert not found_by(shadowed_branch, steps)
    assert [found.message for found in found_by(constant_guard, steps)] == [
        "`has customer.age or customer.age is unknown` is always true"
    ]


def test_a_condition_that_is_sometimes_true_is_no_constant():
    assert not found_by(constant_guard, branch("customer.visits > 3", "not did(purchased)", "customer.vip"))


def test_only_ranges_of_one_value_that_cross_are_said_to_overlap():
    crossing = branch("customer.visits >= 1 and customer.visits <= 5", "customer.visits >= 5 and customer.visits < 9")
    (found,) = found_by(overlapping_branches, crossing)
    assert found.witness == ("customer.visits = 5", "takes alternative 1")
    for quiet in (
        branch("customer.visits >= 1 and customer.visits < 5", "customer.visits >= 5 and customer.visits < 9"),
        branch("customer.visits > 9", "customer.visits > 3"),
        branch("customer.vip", "customer.visits > 3"),
        branch("customer.vip and customer.visits > 3", "customer.visits > 1 and customer.visits < 5"),
    ):
        assert not found_by(overlapping_branches, quiet)


def test_a_goal_is_reached_where_the_exit_lets_somebody_through():
    goal = "goal: { event: purchased, where: event.total > 100, exit: true }"
    for rule, codes in {"event.total > 99": ["JS214"], "event.total > 101": [], "event.gift ?? false": []}.items():
        head = [goal, f"exit: [{{ event: purchased, where: '{rule}' }}]"]
        assert [found.code for found in found_by(unreachable_goal, "- send: welcome\n", head=head)] == codes
    head = [goal, "exit: [{ event: account_closed }]"]
    assert not found_by(unreachable_goal, "- send: welcome\n", head=head)


# Waits ------------------------------------------------------------------------------------------------------------

MEASURED = "- send: welcome\n- wait: 1 day\n- wait_for: purchased\n  timeout: 3 days\n"


def test_a_wait_between_a_send_and_its_measure_misses_what_happens_meanwhile():
    (found,) = found_by(wait_after_measured_send, MEASURED)
    assert found.witness[:3] == ("send.welcome", "wait", "purchased meanwhile")


@pytest.mark.parametrize(
    ("steps", "head"),
    [
        (MEASURED.replace("- wait: 1 day\n", ""), ""),
        (MEASURED, "exit: [{ event: purchased }]"),
        (MEASURED, "goal: { event: purchased, exit: true }"),
        (MEASURED.replace("- wait: 1 day", "- wait_until: { when: did(purchased), timeout: 1 day }"), ""),
        (
            MEASURED.replace("- wait: 1 day", "- wait_for: app_installed\n  timeout: 1 day\n  then: [{ wait: 1 day }]"),
            "",
        ),
        (MEASURED.replace("- wait: 1 day", "- wait: 1 day\n- send: reminder"), ""),
    ],
)
def test_a_measure_that_misses_nothing_is_left_in_peace(steps, head):
    assert steps_found(wait_after_measured_send, steps, head=[head] if head else ()) == []


def test_an_exit_that_not_every_event_takes_still_lets_some_be_missed():
    head = ["exit: [{ event: purchased, where: event.total > 100 }]"]
    assert steps_found(wait_after_measured_send, MEASURED, head=head) == ["wait_for.purchased"]


def test_a_wait_at_the_end_is_for_nothing_unless_there_is_a_goal():
    assert steps_found(trailing_wait, "- send: welcome\n- wait: 1 day\n") == ["wait"]
    assert steps_found(trailing_wait, "- wait_for: purchased\n  timeout: 1 day\n") == ["wait_for.purchased"]
    goal = ["goal: { event: purchased, exit: false }"]
    assert steps_found(trailing_wait, "- send: welcome\n- wait: 1 day\n", head=goal) == []
    assert steps_found(trailing_wait, "- wait_for: purchased\n  timeout: 1 day\n  then: [{ exit: bought }]\n") == []
    assert steps_found(trailing_wait, "- repeat: { times: 2 }\n  steps: [{ send: welcome }, { wait: 1 day }]\n") == []


def test_waits_add_up_against_the_life_of_a_journey():
    steps = "- wait: 6 days\n- wait: 5 days\n  id: second\n- send: welcome\n"
    assert steps_found(wait_outlives_journey, steps, head=["max_lifetime: 10 days"]) == ["second"]
    assert steps_found(wait_outlives_journey, steps, head=["max_lifetime: 11 days"]) == []
    assert steps_found(wait_outlives_journey, "- wait: 400 days\n- send: welcome\n") == ["wait"]


def test_an_event_can_come_before_the_end_of_a_long_wait():
    steps = "- wait_for: purchased\n  timeout: 400 days\n- wait: 5 days\n- send: welcome\n"
    assert steps_found(wait_outlives_journey, steps) == ["wait_for.purchased"]


# Messages ---------------------------------------------------------------------------------------------------------


_TWO_BRANCHES = (
    "- branch:\n    - if: {}\n      steps: [{{ send: welcome }}]\n    - else: []\n"
    "- branch:\n    - if: {}\n      steps: [{{ send: reminder }}]\n    - else: []\n  id: second\n"
)


def test_two_messages_at_once_are_told_with_the_way_between_them():
    (found,) = found_by(back_to_back_sends, "- send: welcome\n- set: { visits: 1 }\n- send: reminder\n")
    assert found.witness == ("send.welcome", "set", "send.reminder")


@pytest.mark.parametrize(
    "steps",
    [
        "- send: welcome\n- wait: 1 minute\n- send: reminder\n",
        "- send: welcome\n  via: sms\n- send: reminder\n",
        "- send: welcome\n  else: [{ send: reminder }]\n",
        "- send: welcome\n- send: code\n  with: { code: '\"1\"' }\n",
        # Nobody fits both.
        _TWO_BRANCHES.format("customer.vip", "not customer.vip"),
    ],
)
def test_messages_that_nobody_gets_at_once_are_left_in_peace(steps):
    assert not found_by(back_to_back_sends, steps)


def test_messages_of_two_alternatives_can_follow_each_other():
    steps = _TWO_BRANCHES.format("customer.vip", "customer.visits > 3")
    assert steps_found(back_to_back_sends, steps) == ["send.reminder"]


def test_messages_in_the_else_of_a_send_count_as_well():
    steps = "- send: welcome\n  else: [{ send: reminder }]\n- send: offer\n  with: { discount: 1 }\n"
    found = found_by(back_to_back_sends, steps)
    assert [item.witness for item in found] == [("send.welcome", "send.offer")]
