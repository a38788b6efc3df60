"""What is different between two machines: every difference is found, in its tier, and nothing where there is none."""

import pytest
from hypothesis import given

from journeyscript.machine.canonical import version_of
from journeyscript.machine.comparison import (
    HeadingChanged,
    JourneyChanged,
    StepAdded,
    StepChanged,
    StepRemoved,
    StepRenamed,
    compare,
    tier_of,
    within,
)
from tests.engine.test_laws import SLOW
from tests.projects import compile_text, machine_of
from tests.strategies import journeys, text_of

BASE = """journey: trial
title: A trial
entry: { event: signed_up, again: never }
goal: { event: purchased, exit: false }
steps:
  - { send: welcome, via: email }
  - { id: rest, wait: 3 days }
  - branch:
      - if: customer.vip
        steps: [{ id: vip, send: reminder, via: push }]
      - else: []
  - split: offer
    arms:
      - { arm: a, weight: 50, steps: [{ id: one, send: reminder, via: push }] }
      - { arm: b, weight: 50, steps: [{ id: two, send: reminder, via: email }] }
"""

REST = "  - { id: rest, wait: 3 days }\n"


def differences(old, new, text=BASE):
    assert old in text
    return between(text, text.replace(old, new))


def between(before, after):
    was, now = compiled(before), compiled(after)
    return compare(was.machine, now.machine, was.about, now.about)


def compiled(text):
    found, findings = compile_text(text)
    assert found is not None, findings
    return found


def test_equal_machines_have_no_difference_whatever_their_text_is():
    same = BASE.replace("id: rest, wait: 3 days", "wait: 72 hours, id: rest") + "# a comment\n"
    assert version_of(machine_of(BASE).machine) == version_of(compiled(same).machine)
    assert between(BASE, same) == ()


@pytest.mark.parametrize(
    ("old", "new", "step", "part", "was", "now"),
    [
        ("wait: 3 days", "wait: 1 day", "rest", "timer", "after 3 days", "after 1 day"),
        ("if: customer.vip", "if: customer.visits > 3", "branch", "conditions", "customer.vip", "customer.visits > 3"),
        (
            "send: welcome, via: email",
            "send: welcome, via: [email, sms]",
            "send.welcome",
            "channels",
            "email",
            "email, sms",
        ),
        ("id: vip, send: reminder", "id: vip, send: welcome", "vip", "message", "reminder", "welcome"),
    ],
)
def test_a_part_of_a_step_is_told_in_words(old, new, step, part, was, now):
    text = BASE.replace("via: push }]\n      - else", "via: email }]\n      - else")
    found = [one for one in differences(old, new, text) if isinstance(one, StepChanged)]
    assert StepChanged(step=step, part=part, was=was, now=now) in found
    assert {tier_of(one) for one in found} == {"inflight"}


def test_arms_are_told_with_their_shares():
    found = between(
        BASE, BASE.replace("arm: a, weight: 50", "arm: a, weight: 60").replace("b, weight: 50", "b, weight: 40")
    )
    assert found == (StepChanged(step="split.offer", part="arms", was="a 50 %, b 50 %", now="a 60 %, b 40 %"),)


def test_a_step_that_comes_and_one_that_goes():
    came = differences(
        "  - { id: rest, wait: 3 days }\n", "  - { id: rest, wait: 3 days }\n  - { id: more, wait: 1 day }\n"
    )
    assert came == (
        StepChanged(step="rest", part="ways", was="branch", now="more"),
        StepAdded(step="more", now="wait 1 day"),
    )
    gone = differences(REST, "")
    assert StepRemoved(step="rest", was="wait 3 days") in gone


def test_what_migrate_calls_by_another_name_is_renamed_and_its_ways_are_the_same():
    text = BASE.replace("goal:", "migrate: { from: { rest: pause } }\ngoal:").replace("id: rest", "id: pause")
    assert between(BASE, text) == (
        HeadingChanged(heading="migrate", was="", now="rest to pause, timer keep"),
        StepRenamed(was="rest", now="pause"),
    )


def test_two_steps_that_become_one_are_no_new_name():
    two = BASE.replace("  - { id: rest", "  - { id: first, wait: 1 day }\n  - { id: rest")
    one = BASE.replace("id: rest", "id: pause").replace(
        "goal:", "migrate: { from: { first: pause, rest: pause } }\ngoal:"
    )
    found = between(two, one)
    assert not [each for each in found if isinstance(each, StepRenamed)]
    assert {each.step for each in found if isinstance(each, StepRemoved)} == {"first", "rest"}


@pytest.mark.parametrize(
    ("old", "new", "part", "tier"),
    [
        ("again: never", "again: always", "entry", "history"),
        ("again: never", "again: never, where: customer.vip", "entry", "history"),
        ("again: never", "again: never, while_active: restart", "while_active", "inflight"),
        ("event: purchased, exit: false", "event: purchased, exit: true", "goal", "inflight"),
        ("goal:", "exit: [{ event: account_closed }]\ngoal:", "exits", "inflight"),
        ("goal:", "max_lifetime: 90 days\ngoal:", "lifetime", "inflight"),
        ("  - { send: welcome, via: email }\n", "", "start", "inflight"),
    ],
)
def test_parts_of_the_journey_have_their_tier(old, new, part, tier):
    found = [one for one in differences(old, new) if isinstance(one, JourneyChanged)]
    assert [(one.part, tier_of(one)) for one in found] == [(part, tier)]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("again: always", "again always"),
        ("again: after 30 days", "again after 30 days"),
        ("again: after 30 days after exit", "again after 30 days after exit"),
        ("again: never, holdout: 12.5%", "again never; holdout 12.5 %"),
        ("again: never, key: event.source", "again never; key event.source"),
        ("again: never, max_active: 10", "again never; max_active 10"),
    ],
)
def test_an_entry_is_told_in_the_words_of_the_file(more, said):
    (found,) = differences("again: never", more)
    assert (found.was, found.now) == ("signed_up; again never", f"signed_up; {said}")


def test_tiers_hold_those_behind_them():
    text = (
        BASE.replace("title: A trial", "title: A try")
        .replace("again: never", "again: always")
        .replace("3 days", "1 day")
    )
    found = between(BASE, text.replace("goal:", "migrate: { timer: keep }\ngoal:"))
    kinds = {tier: len(within(found, tier)) for tier in ("any", "report", "history", "inflight")}
    assert kinds == {"any": 4, "report": 3, "history": 2, "inflight": 1}


def test_another_text_of_a_message_is_a_difference():
    was = compiled(BASE)
    contents = was.machine.contents
    now = was.machine.__class__(
        **{name: getattr(was.machine, name) for name in was.machine.__struct_fields__}
        | {"contents": (contents[0].__class__(message=contents[0].message, channel=contents[0].channel,
                                             locale=contents[0].locale, digest="f" * 16), *contents[1:])}
    )  # fmt: skip
    (found,) = compare(was.machine, now, was.about, was.about)
    assert (found.part, tier_of(found)) == ("content", "inflight")


@SLOW
@given(journeys(), journeys())
def test_machines_differ_where_their_versions_do(one, other):
    was, now = compiled(text_of(one)), compiled(text_of(other))
    found = compare(was.machine, now.machine, was.about, now.about)
    differ = version_of(was.machine) != version_of(now.machine)
    assert bool(within(found, "history")) == differ
    assert compare(was.machine, was.machine, was.about, was.about) == ()
