"""What has no value for some customer is told, with a customer of whom that is so; who asks in front is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyscript.checks.gaps import may_fail_at_runtime
from journeyscript.engine.evaluate import compile_expression
from journeyscript.engine.values import Facts
from journeyscript.machine.model import If
from tests.projects import compile_text, steps_of, surroundings

SIGNED_UP = "entry: { event: signed_up, again: always }"
PURCHASED = "entry: { event: purchased, again: always }"
MEAN = "set: { score: average(purchased.total) }"


def found(steps, head=SIGNED_UP):
    compiled, findings = compile_text(steps_of(steps, head))
    assert compiled is not None, findings
    return compiled, list(may_fail_at_runtime(compiled, surroundings()))


def shown(steps, head=SIGNED_UP):
    """Return the step and the customer of each finding."""
    return [(one.step, one.witness[0]) for one in found(steps, head)[1]]


def asking(condition):
    return f"- branch:\n    - if: {condition}\n      steps: [{{ emit: app_installed }}]\n    - else: []"


def inside(condition, *steps):
    lines = "\n".join(f"        - {step}" for step in steps)
    return f"- branch:\n    - if: {condition}\n      steps:\n{lines}\n    - else: []"


@pytest.mark.parametrize(
    ("condition", "customer"),
    [
        ("customer.balance / customer.visits > 50", "customer.visits = 0"),
        ("not (customer.balance / customer.visits > 50)", "customer.visits = 0"),
        ("customer.vip and 100 * (customer.balance / customer.visits) in [1, 2]", "customer.visits = 0"),
        ("has customer.age and customer.balance / customer.age > 3", "customer.age = 0"),
        ("customer.visits >= 0 and customer.balance / customer.visits > 3", "customer.visits = 0"),
        ("sum(purchased.total) / count(purchased) > 50", "count(purchased) = 0"),
        ("abs(customer.score / customer.balance) < 1", "customer.balance = 0"),
        ("customer.score / (customer.age ?? 0) < 1", "customer.age = 0"),
    ],
)
def test_a_quotient_by_what_can_be_zero_is_told_with_whom_that_is_so_of(condition, customer):
    assert shown(asking(condition)) == [("branch", customer)]


@pytest.mark.parametrize(
    "condition",
    [
        "customer.visits / 3 > 3",
        "customer.visits > 0 and customer.balance / customer.visits > 50",
        "customer.balance / customer.visits > 50 and customer.visits != 0",
        "customer.visits == 0 or customer.balance / customer.visits > 50",
        "customer.balance / customer.visits ?? 0 > 50",
        "customer.balance / customer.visits is known",
        "did(purchased) and sum(purchased.total) / count(purchased) > 50",
        "count(purchased, last 30 days) >= 2 and sum(purchased.total) / count(purchased) > 50",
        "average(purchased.total) > 50",
        "days_since(last(purchased).at) > 60",
        "count(purchased where event.total / event.items > 5) > 2",
        "customer.score / (customer.visits + 1) > 5",
    ],
)
def test_who_asks_in_front_or_says_what_counts_then_is_told_nothing(condition):
    assert shown(asking(condition)) == []


@pytest.mark.parametrize(
    ("steps", "head", "where"),
    [
        (f"- {MEAN}", SIGNED_UP, ["set"]),
        ("- set: { score: customer.balance / customer.visits }", SIGNED_UP, ["set"]),
        ("- emit: became_vip\n  properties: { spent: max(purchased.total) }", SIGNED_UP, ["emit.became_vip"]),
        ("- send: offer\n  with: { discount: last(purchased).total }", SIGNED_UP, ["send.offer"]),
        (inside("did(purchased)", "set: { score: 'average(purchased.total, last 30 days)' }"), SIGNED_UP, ["set"]),
        (inside("did(purchased where event.total > 5)", "set: { score: min(purchased.total where event.items > 2) }"),
         SIGNED_UP, ["set"]),
        ("- wait_for: purchased\n  timeout: 1 day\n  then: []\n  else:\n    - " + MEAN, SIGNED_UP, ["set"]),
        # What was asked of an attribute does not outlast a wait.
        (inside("customer.visits > 0", "wait: 1 day", "set: { score: customer.balance / customer.visits }"),
         SIGNED_UP, ["set"]),
        (f"- {MEAN}", "entry: { segment: loyal, on: leave, again: always }", ["set"]),
    ],
)  # fmt: skip
def test_what_is_written_or_printed_has_to_have_a_value(steps, head, where):
    assert [step for step, _ in shown(steps, head)] == where


@pytest.mark.parametrize(
    ("steps", "head"),
    [
        (f"- {MEAN}", PURCHASED),
        (f"- wait: 30 days\n- {MEAN}", PURCHASED),
        ("- set: { rating: average(purchased.total) }", SIGNED_UP),
        ("- set: { score: average(purchased.total) ?? 0 }", SIGNED_UP),
        ("- set: { score: sum(purchased.total), visits: count(purchased) }", SIGNED_UP),
        ("- emit: became_vip\n  properties: { spent: 1, note: last(purchased).order_id }", SIGNED_UP),
        ("- send: welcome\n  with: { unread: last(purchased).total }", SIGNED_UP),
        (inside("did(purchased)", MEAN), SIGNED_UP),
        (inside("did(purchased, last 30 days)", "wait: 1 day", MEAN), SIGNED_UP),
        (inside("sum(purchased.total) > 5", MEAN), SIGNED_UP),
        (inside("max(purchased.total) > 5", MEAN), SIGNED_UP),
        (inside("not did(purchased)", "exit: nothing") + f"\n- {MEAN}", SIGNED_UP),
        (inside("customer.visits > 0", "set: { score: customer.balance / customer.visits }"), SIGNED_UP),
        (inside("customer.visits > 0", "send: welcome", "set: { score: customer.balance / customer.visits }"),
         SIGNED_UP),
        (f"- wait_for: purchased\n  timeout: 1 day\n  then:\n    - {MEAN}\n  else: []", SIGNED_UP),
        ("- set: { visits: 2 }\n- set: { score: customer.balance / customer.visits }\n  id: b", SIGNED_UP),
        (f"- {MEAN}", "entry: { segment: loyal, again: always }"),
        (f"- {MEAN}", "entry: { schedule: '0 9 * * mon', audience: did(purchased), again: always }"),
        ("- set: { score: customer.balance / customer.visits }",
         "entry: { schedule: '0 9 * * mon', audience: customer.visits > 0, again: always }"),
    ],
)  # fmt: skip
def test_where_there_is_a_value_for_sure_or_none_is_needed_nothing_is_told(steps, head):
    assert shown(steps, head) == []


def test_the_event_that_is_happening_has_happened():
    quotient = "sum(purchased.total) / count(purchased) > 5"
    head = f"entry: {{ event: purchased, where: {quotient}, again: always }}"
    wait = f"- wait_for: purchased\n  where: {quotient}\n  timeout: 1 day\n  then: []\n  else: []"
    assert shown("- send: welcome", head) == []
    assert shown(wait) == []
    assert shown("- send: welcome", f"{SIGNED_UP}\ngoal: {{ event: purchased, where: {quotient}, exit: false }}") == []
    assert shown("- send: welcome", f"{SIGNED_UP}\nexit:\n  - {{ event: purchased, where: {quotient} }}") == []
    assert shown("- send: welcome", f"{SIGNED_UP}\nexit:\n  - when: {quotient}") == [(None, "count(purchased) = 0")]


def test_an_audience_is_asked_like_any_condition():
    audience = "customer.balance / customer.visits > 3"
    _, (one,) = found("- send: welcome", f"entry: {{ schedule: '0 9 * * mon', audience: {audience}, again: always }}")
    assert (one.span.line, one.step, one.witness[0]) == (2, None, "customer.visits = 0")


NUMBERS = st.integers(-2, 2)
BACKWARDS = "customer.visits / customer.balance"
QUOTIENT = st.sampled_from(
    [
        "customer.balance / customer.visits",
        BACKWARDS,
        "customer.balance / customer.visits ?? 1",
    ]
)
TEST = st.builds(
    "{} {} {}".format,
    st.one_of(QUOTIENT, st.sampled_from(["customer.visits", "customer.balance"])),
    st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
    st.integers(0, 2),
)
CONDITION = st.recursive(
    TEST,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=4,
)


@given(condition=CONDITION, balance=NUMBERS, visits=NUMBERS)
def test_the_engine_agrees_with_what_is_told_and_with_what_is_not(condition, balance, visits):
    compiled, findings = found(asking(f"'{condition}'"))
    asked = compiled.machine_state("branch").transitions[0].trigger
    assert isinstance(asked, If)
    ask = compile_expression(asked.condition, "UTC")
    for one in findings:
        said = {name.removeprefix("customer."): value for name, value in one.situation.customer}
        # What the witness does not name may be anything.
        attributes = {"balance": balance, "visits": visits, **said}
        assert ask(Facts(external_id="ada", attributes=attributes), None, None, 0) is None
    if not findings and BACKWARDS not in condition:  # Each quotient is looked at by itself.
        attributes = {"balance": balance, "visits": visits}
        assert ask(Facts(external_id="ada", attributes=attributes), None, None, 0) is not None
