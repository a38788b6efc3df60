"""What a plan finds of a change, and what it leaves alone: two versions, and three people in the older one."""

import pytest

from tests.changing import changed

HEAD = "journey: trial\nentry: { event: signed_up, again: never }\n"
WAIT = "  - { id: rest, wait: 3 days }\n"
SEND = "  - { send: reminder, via: push }\n"
PLAIN = f"{HEAD}steps:\n{WAIT}{SEND}"


@pytest.fixture
def found(tmp_path):
    """Return what is found when one journey takes the place of another: codes with what they say.

    How what is recorded would have gone (JS805) is asked by `tests/runtime/changing/test_histories.py`.
    """

    def find(before, after, catalog=(None, None)):
        sides = []
        for text, events in zip((before, after), catalog, strict=True):
            files = {"journeys/trial.yaml": text}
            sides.append(files if events is None else {**files, "catalog/events.yaml": events})
        _, planned = changed(tmp_path, *sides)
        return [(one.code, one.message) for one in planned.findings if one.code != "JS805"]

    return find


def codes(findings):
    return [code for code, _ in findings]


def test_a_change_behind_everybody_and_one_ahead_of_them_are_fine(found):
    before = PLAIN.replace("steps:\n", "steps:\n  - { send: welcome, via: email }\n")
    assert found(before, PLAIN + "  - { id: more, wait: 1 day }\n  - { id: last, send: reminder, via: push }\n") == []


def test_a_step_at_which_nobody_stands_may_go(found):
    before = PLAIN + "  - { id: more, wait: 1 day }\n  - { id: last, send: reminder, via: push }\n"
    assert found(before, PLAIN) == []


def test_a_step_that_is_gone_is_no_new_name_of_two_alike(found):
    after = PLAIN.replace(WAIT, "  - { id: one, wait: 3 days }\n  - { id: two, wait: 3 days }\n")
    assert codes(found(PLAIN, after)) == ["JS801"]


def test_with_migrate_a_step_that_it_does_not_name_is_still_missed(found):
    after = PLAIN.replace(WAIT, "  - { id: one, wait: 5 days }\n").replace("steps:", "migrate: { timer: keep }\nsteps:")
    assert found(PLAIN, after) == [("JS801", "`rest` is gone, and 3 people are at it")]


def test_a_wait_at_which_nobody_stands_may_change(found):
    before = PLAIN + "  - { id: more, wait: 1 day }\n  - { id: last, send: reminder, via: push }\n"
    assert found(before, before.replace("id: more, wait: 1 day", "id: more, wait: 2 days")) == []


@pytest.mark.parametrize("timer", ["keep", "recompute"])
def test_a_wait_may_change_where_the_file_says_which_time_holds(found, timer):
    after = PLAIN.replace("3 days", "1 day").replace("steps:", f"migrate: {{ timer: {timer} }}\nsteps:")
    assert found(PLAIN, after) == []


SPLIT = """  - split: offer
    arms:
      - { arm: a, weight: 50, steps: [{ send: welcome, via: email }] }
      - { arm: b, weight: 50, steps: [{ send: reminder, via: push }] }
"""


def test_other_weights_of_an_experiment_are_fine_and_other_arms_are_not(found):
    before = f"{HEAD}steps:\n{WAIT}{SPLIT}"
    assert (
        found(before, before.replace("a, weight: 50", "a, weight: 60").replace("b, weight: 50", "b, weight: 40")) == []
    )
    assert codes(found(before, before.replace("arm: b", "arm: c"))) == ["JS806"]
    per = before.replace("split: offer\n", "split: offer\n    per: entry\n")
    assert codes(found(before, per)) == ["JS806"]
    assert found(before, per.replace("split: offer", "split: offer_2")) == []


GOAL = PLAIN.replace("steps:", "goal: { event: purchased, exit: false }\nsteps:")


def test_a_goal_that_comes_or_goes_is_another_one(found):
    assert found(PLAIN, GOAL) == [
        ("JS807", "the goal was none and is `purchased`; 3 people are on the way to the old one")
    ]
    assert codes(found(GOAL, PLAIN)) == ["JS807"]


@pytest.mark.parametrize(
    ("before", "after", "wider"),
    [
        ('event.source != "import" and customer.vip', "customer.vip", True),
        ('event.source != "import"', None, True),
        ("customer.vip", 'event.source != "import" and customer.vip', False),
        (None, "customer.vip", False),
        ('event.source != "import"', 'event.source != "app"', False),
    ],
)
def test_an_entry_is_wider_only_where_a_part_of_its_condition_is_gone(found, before, after, wider):
    texts = [
        PLAIN.replace("again: never", f"again: never, where: '{where}'" if where else "again: never")
        for where in (before, after)
    ]
    # Everybody who signs up in these tests comes by the web, and nobody is a vip.
    if before is not None and "vip" in before:
        assert found(*texts) == [], "nobody is inside"
    else:
        assert codes(found(*texts)) == (["JS811"] if wider else [])


EVENTS = (
    "events:\n  signed_up: { properties: { source: { type: string } } }\n"
    "  purchased: { properties: { total: { type: money } } }\n  opened: { properties: { link: { type: string } } }\n"
)
LESS = EVENTS.replace("  opened: { properties: { link: { type: string } } }\n", "  opened: {}\n")
GONE = EVENTS.replace("  opened: { properties: { link: { type: string } } }\n", "")
READING = f"""{HEAD}steps:
{WAIT}  - wait_for: opened
    where: event.link != ""
    timeout: 1 day
    else: [{{ send: reminder, via: push }}]
"""


@pytest.mark.parametrize(
    ("after", "what"), [(LESS, "property `link` of `opened`"), (GONE, "event `opened`")], ids=["property", "event"]
)
def test_what_somebody_who_stays_still_reads_may_not_go(found, after, what):
    assert found(READING, PLAIN, (EVENTS, after)) == [
        ("JS804", f"the {what} is not in the catalog any more, and the version that 3 people are in reads it")
    ]


def test_what_nobody_reads_any_more_may_go(found):
    behind = f"""{HEAD}steps:
  - wait_for: opened
    where: event.link != ""
    id: first
    timeout: 1 second
    then: [{{ exit: opened }}]
    else: []
{WAIT}{SEND}"""
    moved = PLAIN.replace("steps:", "migrate: { from: { first: rest } }\nsteps:")
    assert found(behind, moved, (EVENTS, GONE)) == [], "who is moved reads what the new version reads"
    unread = READING.replace('\n    where: event.link != ""', "")
    assert found(unread, PLAIN, (EVENTS, LESS)) == []
    assert codes(found(unread, PLAIN, (EVENTS, GONE))) == ["JS804"]


def test_history_that_is_asked_of_an_event_is_read_as_well(found):
    asking = f"""{HEAD}steps:
{WAIT}  - branch:
      - if: did(opened where event.link != "", since entry)
        steps: [{{ send: welcome, via: email }}]
      - else: []
"""
    assert codes(found(asking, PLAIN, (EVENTS, LESS))) == ["JS804"]


def test_a_finding_about_a_change_may_be_ignored_and_is_not_missed_by_validate(found):
    from tests.projects import compile_text

    after = PLAIN.replace("id: rest", "id: other").replace(
        "journey: trial", "journey: trial  # journeyscript: ignore[JS802]"
    )
    assert found(PLAIN, after) == []
    assert compile_text(after)[1] == []


def test_a_rule_can_weigh_more_in_a_project(tmp_path):
    after = {
        "journeys/trial.yaml": PLAIN.replace("3 days", "1 day"),
        "journeyscript.yaml": 'name: golden\nrules: { JS902: "off", JS803: error }\n',
    }
    _, planned = changed(tmp_path, {"journeys/trial.yaml": PLAIN}, after)
    assert (codes([(one.code, one.message) for one in planned.findings if one.code != "JS805"]), planned.blocked) == (
        ["JS803"],
        True,
    )
