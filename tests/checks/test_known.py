"""What was asked on the way to a condition counts where no wait and no write stands between, and nowhere else."""

import pytest

from journeyscript.checks.alternatives import overlapping_branches, shadowed_branch
from journeyscript.checks.capabilities import stale_fact
from journeyscript.checks.conditions import constant_guard, redundant_condition
from journeyscript.checks.known import known_at
from tests.projects import compile_text, steps_of

HEAD = "entry: { event: signed_up, again: always }"


def compiled(steps, entry="", *, head=()):
    first = HEAD.replace("again", f"where: '{entry}', again") if entry else HEAD
    found, findings = compile_text(steps_of(steps, "\n".join([first, *head])))
    assert found is not None, findings
    return found


def said(check, *arguments, **options):
    return [found.message for found in check(compiled(*arguments, **options))]


def branch(*pairs, name="inner", otherwise="[]"):
    """Return a branch in one line, of conditions with their steps."""
    items = [f"{{ if: '{condition}', steps: {steps} }}" for condition, steps in pairs]
    return f"{{ id: {name}, branch: [{', '.join([*items, f'{{ else: {otherwise} }}'])}] }}"


def asks(condition, name="inner"):
    return branch((condition, "[{ emit: app_installed }]"), name=name)


ALWAYS = "`customer.visits > 3` is always true here"
NEVER = "`customer.visits <= 3` is never true here"


@pytest.mark.parametrize(
    ("steps", "entry"),
    [
        ("- " + asks("customer.visits > 3"), "customer.visits > 5"),
        ("- " + branch(("customer.visits > 4", f"[{asks('customer.visits > 3')}]"), name="outer"), ""),
        ("- " + branch(("customer.visits > 4 and customer.vip", f"[{asks('customer.visits > 3')}]"), name="outer"), ""),
        ("- split: a\n  arms:\n    - { arm: x, weight: 100, steps: ["
         + asks("customer.visits > 3") + "] }", "customer.visits > 3"),
        ("- set: { visits: 4 }\n- " + asks("customer.visits > 3"), ""),
        ("- wait: 1 day\n- set: { vip: true, visits: 9 }\n- " + asks("customer.visits > 3"), ""),
        # An alternative ends in an exit, so only the others come here.
        ("- " + branch(("customer.visits <= 3 or customer.visits is unknown", "[{ exit: few }]"), name="outer")
         + "\n- " + asks("customer.visits > 3"), ""),
        # Both ways come here, and it is known on both.
        ("- " + branch(("customer.vip", "[{ emit: app_installed }]"), name="outer") + "\n- "
         + asks("customer.visits > 3"), "customer.visits > 3"),
    ],
)  # fmt: skip
def test_what_is_settled_on_the_way_is_always_true(steps, entry):
    assert said(constant_guard, steps, entry) == [ALWAYS]


@pytest.mark.parametrize(
    "between",
    [
        "- wait: 1 day\n",
        "- wait_until: { time: '09:00' }\n",
        "- wait_until: { between: ['09:00', '18:00'] }\n",
        "- wait_until: { when: customer.vip, timeout: 1 day }\n",
        "- wait_for: purchased\n  timeout: 1 day\n",
        "- set: { visits: customer.visits + 1 }\n",
        "- repeat: { times: 2 }\n  steps: [{ wait: 1 hour }]\n",
        "- send: welcome\n",  # Quiet hours may hold it, and the customer with it.
    ],
)
def test_what_time_or_a_write_may_have_changed_is_asked_anew(between):
    asked = "- " + branch(
        ("customer.visits > 3", "[{ emit: app_installed }]"), ("customer.visits > 2", "[{ exit: a }]")
    )
    assert said(constant_guard, between + asked, "customer.visits > 3") == []
    assert said(shadowed_branch, between + asked, "customer.visits > 3") == []


def test_the_alternatives_before_are_not_true_inside_the_next():
    inside = asks("customer.visits <= 3")
    steps = "- " + branch(("customer.visits <= 5", "[{ exit: few }]"), ("customer.vip", f"[{inside}]"), name="outer")
    assert said(constant_guard, steps) == [NEVER]
    steps = "- " + branch(("customer.visits <= 5", "[{ exit: few }]"), name="outer", otherwise=f"[{inside}]")
    assert said(constant_guard, steps) == [NEVER]


def test_the_last_of_all_alternatives_may_be_the_rest_of_them():
    steps = "- " + branch(("consent.sms", "[{ exit: a }]"), ("not consent.sms", "[{ exit: b }]"))
    assert said(constant_guard, steps) == said(shadowed_branch, steps) == []


def test_what_the_entry_event_was_is_known_for_ever():
    asked = "- wait: 9 days\n- " + asks('entry.event.source == "app"')
    assert said(constant_guard, asked, 'event.source == "web"') == ['`entry.event.source == "app"` is never true here']
    assert said(constant_guard, asked, 'event.source != "import"') == []
    head = ["exit: [{ event: account_closed }]"]
    assert said(constant_guard, asked, 'event.source == "web" and customer.vip', head=head) != []


def test_an_exit_that_has_just_been_looked_at_does_not_hold():
    head = ["exit: [{ when: 'customer.visits > 3' }]"]
    (found,) = constant_guard(compiled("- wait: 1 day\n- " + asks("customer.visits > 4"), head=head))
    assert found.message == "`customer.visits > 4` is never true here"
    assert [label.text for label in found.labels] == ["not true, from here"]
    assert said(constant_guard, "- send: welcome\n- " + asks("customer.visits > 4"), head=head) == [found.message]
    # At entry nobody looks at exits.
    assert said(constant_guard, "- " + asks("customer.visits > 4"), head=head) == []


def test_a_condition_that_is_waited_for_may_come_true_later():
    wait = "- wait_until: {{ when: '{}', timeout: 1 day }}\n- emit: app_installed"
    assert said(constant_guard, wait.format("customer.visits <= 3"), "customer.visits > 3") == []
    assert said(constant_guard, wait.format("customer.visits > 3"), "customer.visits > 3") == [ALWAYS]


def test_what_is_asked_of_the_past_is_a_condition_too():
    steps = "- " + asks("did(purchased where event.total > 5 and event.total < 3) or customer.vip")
    assert said(constant_guard, steps) == ["`event.total > 5 and event.total < 3` is never true"]


def test_an_alternative_is_shadowed_under_what_is_known_here():
    inner = branch(("customer.visits > 7", "[{ exit: a }]"), ("customer.visits <= 7", "[{ exit: b }]"),
                   ("has customer.age", "[{ exit: c }]"))  # fmt: skip
    steps = "- " + branch(("customer.visits > 3", f"[{inner}]"), name="outer")
    (found,) = shadowed_branch(compiled(steps))
    assert found.message == "this is never taken: whoever fits takes alternative 1 or 2 before it"
    assert "takes alternative 2" in found.witness
    assert said(shadowed_branch, "- " + inner) == []  # Nobody may know the number of visits.


CASES = "- wait_for:\n{}  timeout: 1 day\n"


def cases(*wheres, event="purchased"):
    lines = [
        f"    - {{ event: {event}, where: '{where}', steps: [{{ exit: e{n} }}] }}\n" for n, where in enumerate(wheres)
    ]
    return CASES.format("".join(lines))


def test_a_case_is_shadowed_by_those_before_it_of_the_same_event():
    (found,) = shadowed_branch(compiled(cases("event.total > 10", "event.total > 50")))
    assert found.message == "this is never taken: whoever fits is taken by case 1 before it"
    assert found.witness == ("purchased", "event.total = 51", "is taken by case 1")
    three = cases("event.total > 50", "event.total <= 50", "event.items > 1 and event.total > 0")
    assert said(shadowed_branch, three) == ["this is never taken: whoever fits is taken by case 1 or 2 before it"]
    assert said(shadowed_branch, cases("event.total > 50", "event.total > 10")) == []
    other = CASES.format(
        "    - { event: purchased, steps: [] }\n    - { event: app_installed, steps: [{ exit: a }] }\n"
    )
    assert said(shadowed_branch, other) == []


def test_a_wait_never_sees_the_event_that_ends_the_journey_first():
    wait = "- wait_for: purchased\n  where: event.total > 50\n  timeout: 1 day\n  then: [{ send: welcome }]\n"
    rule = "this is never taken: whoever fits is taken by {} before it"
    for head, taker in {
        "goal: { event: purchased, exit: true }": "the goal",
        "goal: { event: purchased, where: event.total > 20, exit: true }": "the goal",
        "exit: [{ event: purchased }]": "the exit `purchased`",
        "goal: { event: purchased, exit: false }": None,
        "goal: { event: purchased, within: 1 day, exit: true }": None,
        "goal: { event: purchased, where: event.total > 90, exit: true }": None,
        "exit: [{ event: account_closed }]": None,
    }.items():
        assert said(shadowed_branch, wait, head=[head]) == ([] if taker is None else [rule.format(taker)])


def test_a_wait_that_looks_back_sees_what_no_exit_looked_at():
    wait = "- wait_for: purchased\n  lookback: 2 hours\n  timeout: 1 day\n  then: [{ send: welcome }]\n"
    assert said(shadowed_branch, wait, head=["exit: [{ event: purchased }]"]) == []
    two = cases("event.total > 10", "event.total > 50") + "  lookback: since entry\n"
    assert said(shadowed_branch, two) == ["this is never taken: whoever fits is taken by case 1 before it"]


def test_who_stands_on_a_boundary_may_have_been_held_by_nothing():
    inner = branch(("customer.visits <= 5", "[{ exit: a }]"), ("customer.visits >= 5", "[{ exit: b }]"))
    assert said(overlapping_branches, f"- send: welcome\n- {inner}", "customer.visits > 5") == []
    assert said(overlapping_branches, f"- send: welcome\n- {inner}", "customer.visits > 4") != []


def test_two_ranges_that_cross_are_told_only_where_somebody_stands_on_the_boundary():
    inner = branch(("customer.visits <= 5", "[{ exit: a }]"), ("customer.visits >= 5", "[{ exit: b }]"))
    outer = "- " + branch(("customer.visits > 3", f"[{inner}]"), name="outer")
    (found,) = overlapping_branches(compiled(outer))
    assert found.witness == ("customer.visits = 5", "takes alternative 1")
    assert said(overlapping_branches, outer.replace("> 3", "> 5")) == []
    five = branch(("customer.visits == 5", "[{ exit: c }]"), ("customer.visits <= 5", "[{ exit: a }]"),
                  ("customer.visits >= 5", "[{ exit: b }]"))  # fmt: skip
    assert said(overlapping_branches, "- " + five) == []


@pytest.mark.parametrize(
    ("condition", "entry", "redundant"),
    [
        ("customer.visits > 1 and customer.vip", "customer.visits > 3", ["customer.visits > 1"]),
        ("customer.visits > 3 and customer.visits > 1", "", ["customer.visits > 1"]),
        ("customer.visits > 1 and customer.visits > 3", "", ["customer.visits > 1"]),
        ("customer.visits > 1 and customer.vip", "", []),
        # A check that the types ask for, unless it was made just before.
        ("has customer.age and customer.age > 3", "", []),
        ("has customer.age and customer.age > 3", "has customer.age", ["has customer.age"]),
        # As a whole it is JS207 that tells it.
        ("customer.visits > 1 and customer.visits > 2", "customer.visits > 3", []),
    ],
)
def test_a_part_is_redundant_where_it_holds_nobody_back(condition, entry, redundant):
    found = said(redundant_condition, "- " + asks(condition), entry)
    assert found == [f"`{part}` changes nothing here" for part in redundant]


def test_the_condition_of_the_entry_is_stale_behind_a_wait():
    steps = "- wait: 3 days\n- send: reminder\n"
    (found,) = stale_fact(compiled(steps, "not did(purchased)"))
    assert found.witness == ("signed_up", "not did(purchased)", "wait", "purchased meanwhile", "send.reminder")
    assert [label.span.line for label in found.labels] == [2, 4]
    assert said(stale_fact, "- send: reminder\n", "not did(purchased)") == []
    assert said(stale_fact, steps, "not did(purchased)", head=["exit: [{ event: purchased }]"]) == []
    assert said(stale_fact, steps, 'event.source == "web" and customer.visits > 3') == []


def test_in_a_loop_only_what_holds_in_every_round_is_known():
    steps = "- repeat: {{ times: 2 }}\n  steps: [{}, {{ wait: 1 day }}]\n"
    assert said(constant_guard, steps.format(asks("customer.visits > 3")), "customer.visits > 3") == []
    rounds = steps.format(asks('entry.event.source == "web"'))
    assert said(constant_guard, rounds, 'event.source == "web"') == [
        '`entry.event.source == "web"` is always true here'
    ]


def test_an_alternative_without_steps_leaves_nothing_known_behind_it():
    steps = f"- {branch(('customer.vip', '[]'), name='outer')}\n- {asks('customer.vip')}"
    assert said(constant_guard, steps) == []


def test_nothing_is_known_where_nothing_was_asked():
    assert {tuple(known) for known in known_at(compiled("- send: welcome\n- wait: 1 day\n").machine).values()} == {()}


@pytest.mark.parametrize(
    ("entry", "condition", "label"),
    [
        ("schedule: '0 9 * * mon', audience: customer.visits > 5", "customer.visits > 3", (2, 45)),
        ("segment: favourites", "customer.vip", (2, 19)),
        ("segment: favourites, on: leave", "not (customer in segment favourites)", (2, 19)),
    ],
)
def test_whoever_a_schedule_or_a_segment_lets_in_is_known_by_it(entry, condition, label):
    found, findings = compile_text(steps_of("- " + asks(condition), f"entry: {{ {entry}, again: always }}"))
    assert found is not None, findings
    (one,) = constant_guard(found)
    assert one.message.endswith("is always true here")
    assert [(known.span.line, known.span.column) for known in one.labels] == [label]
