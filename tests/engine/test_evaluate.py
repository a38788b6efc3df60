"""Generated code decides as three-valued logic does, and never fails whatever the data are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyscript.engine.evaluate import compile_expression, never_unknown
from journeyscript.engine.operations import CALLS
from journeyscript.engine.values import Enrollment, Event, Facts
from journeyscript.semantics.checker import check_expression
from journeyscript.semantics.functions import FUNCTIONS
from tests.engine.reference import Reference
from tests.expressions import COMPLETE, NOW, SCALARS, SCOPE, conditions, values, worlds

ZONE = "Europe/Berlin"
ANY_VALUE = st.sampled_from(SCALARS).flatmap(lambda kind: values(kind, 3, "purchased"))


@settings(max_examples=200)
@given(conditions() | ANY_VALUE, worlds())
def test_generated_code_agrees_with_the_reference(tree, world):
    facts, event, enrollment, now = world
    expected = Reference(facts, enrollment, now, ZONE).result(tree, event)
    found = compile_expression(tree, ZONE)(facts, event, enrollment, now)
    assert found == expected
    assert type(found) is type(expected)
    if never_unknown(tree):
        assert found is not None


@settings(max_examples=150)
@given(conditions() | ANY_VALUE, worlds(wrong=True))
def test_data_of_any_type_never_makes_an_evaluation_fail(tree, world):
    facts, event, enrollment, now = world
    compile_expression(tree, ZONE)(facts, event, enrollment, now)


def test_the_checker_and_the_engine_know_the_same_functions():
    assert set(CALLS) == set(FUNCTIONS)


def evaluate(text, *, attributes=None, consent=None, history=None, properties=None, now=NOW):
    checked, _, findings = check_expression(text, SCOPE, lambda _start, _length: None)
    assert not findings, findings
    facts = Facts(external_id="ada", attributes=attributes or {}, consent=consent or {}, history=history or {})
    event = Event(name="purchased", at=now, properties=properties or {})
    entry = Event(name="signed_up", at=now - 1_000, properties={})
    enrollment = Enrollment(
        id=1, customer=1, journey="trial", version="v", state="s", visit=1, entered_at=entry.at, since=now, entry=entry
    )
    return compile_expression(checked.node, ZONE)(facts, event, enrollment, now)


PURCHASES = {
    "purchased": [
        Event(name="purchased", at=NOW - 3_000, properties={"total": 5, "category": "dogs"}),
        Event(name="purchased", at=NOW - 1_000, properties={"total": 7}),
        Event(name="purchased", at=NOW, properties={"total": 1, "category": "cats"}),
    ]
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("customer.age > 1", None),
        ("customer.age > 1 and false", False),
        ("customer.age > 1 or true", True),
        ("customer.age > 1 and true", None),
        ("not customer.age > 1", None),
        ("customer.age == customer.age", None),
        ("(customer.age ?? 3) == 3", True),
        ("customer.age is unknown", True),
        ("has customer.age", False),
        ("1 + 1 is known", True),
        ("3 is unknown", False),
        ("consent.sms", False),
        ("customer.visits / 0", None),
        ("customer.visits / customer.visits", None),
        ("customer.visits in [1, last(purchased).items]", None),
        ("2 in [2, last(purchased).items]", True),
        ("customer.id", "ada"),
        ("journey.name", "trial"),
        ("average(purchased.total)", None),
        ("sum(purchased.total)", 0),
        ("did(purchased)", False),
        ("last(purchased).at", None),
        ("count(purchased, between last(purchased).at and journey.entered_at)", None),
        ("customer.joined + 1 day", None),
    ],
)
def test_unknown_values_follow_three_valued_logic(text, expected):
    assert evaluate(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("count(purchased)", 3),
        ("count(purchased, last 1 second)", 2),
        ("count(purchased, since entry)", 2),
        ("count(purchased where event.total > 4)", 2),
        ("sum(purchased.total where has event.category)", 6),
        ("average(purchased.total)", 13 / 3),
        ("min(purchased.total)", 1),
        ("max(purchased.total)", 7),
        ("first(purchased).total", 5),
        ("last(purchased).total", 1),
        ("last(purchased where event.total == 7).category", None),
        ('first(purchased, last 1 second).category ?? "none"', "none"),
        ("last(purchased).at - first(purchased).at", 3_000),
        ("count(purchased, between first(purchased).at and journey.entered_at)", 2),
        ("customer in segment loyal", True),
    ],
)
def test_history_functions_look_at_past_events(text, expected):
    assert evaluate(text, history=PURCHASES) == expected


@pytest.mark.parametrize(
    ("text", "attributes", "expected"),
    [
        ("customer.joined + 1 day", {"joined": "2024-02-28"}, "2024-02-29"),
        ("customer.joined - 36 hours", {"joined": "2024-03-01"}, "2024-02-29"),
        ("customer.joined + 3 days * 1.5", {"joined": "2024-03-01"}, "2024-03-05"),
        ("customer.joined + 36500 days", {"joined": "9999-01-01"}, None),
        ('(customer.birthday ?? date("2000-01-02")) - date("2000-01-01")', {}, 86_400_000),
        ("customer.registered_at + 1 day * 0.5", {"registered_at": 0}, 43_200_000),
        ("days_since(customer.registered_at + 1 day * 0.5)", {"registered_at": NOW - 86_400_000 * 2}, 1),
        ("customer.visits * 3", {"visits": "ha"}, None),
        ("customer.visits * 9000000000", {"visits": 9_000_000_000}, None),
        ("customer.score * 2", {"score": 1e308}, None),
        ("round(customer.score)", {"score": 2.5}, 2),
        ("abs(customer.score)", {"score": -2.5}, 2.5),
        ("length(customer.country)", {"country": "中国"}, 2),
        ('customer.tags contains "a"', {"tags": ["b", None]}, None),
        ('customer.tags contains "b"', {"tags": ["b", None]}, True),
        ('"b" in customer.tags', {"tags": ["a"]}, False),
        ("days_since(customer.joined)", {"joined": "2026-02-24", "timezone": "Pacific/Kiritimati"}, 1),
        ("days_since(customer.joined)", {"joined": "2026-02-24", "timezone": "Pacific/Pago_Pago"}, 0),
    ],
)
def test_operations_have_their_meaning(text, attributes, expected):
    assert evaluate(text, attributes=attributes, now=1_772_000_000_000) == expected


def test_an_expression_can_be_as_large_as_the_checker_allows():
    assert COMPLETE
    text = " + ".join(["customer.visits"] * 40)
    assert evaluate(text, attributes={"visits": 2}) == 80
    assert evaluate(" ?? ".join(["customer.age"] * 50 + ["7"])) == 7
    assert evaluate(" and ".join(["customer.vip"] * 200), attributes={"vip": True}) is True
