"""A typed expression as text, which means the same again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyscript.diagnostics import Span
from journeyscript.semantics.checker import check_expression
from journeyscript.semantics.show import show, show_instant, show_value
from journeyscript.semantics.types import DATE, DURATION, TIMESTAMP
from tests.expressions import SCALARS, SCOPE, conditions, values

PLACE = Span(path="here")


def checked(text):
    found, _, findings = check_expression(text, SCOPE, lambda _start, _length: PLACE)
    assert not findings, (text, findings)
    return found.node


@settings(max_examples=200)
@given(conditions())
def test_a_condition_shown_and_read_again_is_the_same(tree):
    assert checked(show(tree)) == tree


@settings(max_examples=150)
@given(st.sampled_from(SCALARS).flatmap(lambda kind: values(kind, 3, "purchased")))
def test_a_value_shown_and_read_again_is_the_same(tree):
    assert checked(show(tree)) == tree


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("(customer.vip)", "customer.vip"),
        ("customer.vip  and(customer.visits>3)", "customer.vip and customer.visits > 3"),
        ("customer.age is known", "has customer.age"),
        ("not has customer.age", "customer.age is unknown"),
        ("not (customer in segment loyal)", "customer not in segment loyal"),
        ("customer.status == 'active'", 'customer.status == "active"'),
        ("did(purchased, last 48 hours)", "did(purchased, last 2 days)"),
        ("customer.patience > 36 hours", "customer.patience > 36 hours"),
        ("customer.patience > 1 day", "customer.patience > 1 day"),
        ("-(customer.visits + 1) < 0", "-(customer.visits + 1) < 0"),
        ("0.0 - customer.visits < 1", "0.0 - customer.visits < 1"),
        ("0 - customer.balance < 1.0", "0 - customer.balance < 1.0"),
        ("customer.score > 0.00001", "customer.score > 0.00001"),
        ("entry.event.at < entry.at", "entry.at < entry.at"),
        (
            'customer.registered_at > timestamp("2026-03-01T09:00+01:00")',
            'customer.registered_at > timestamp("2026-03-01T08:00:00Z")',
        ),
    ],
)
def test_there_is_one_way_to_write_an_expression(written, shown):
    assert show(checked(written)) == shown


def test_values_are_shown_as_the_language_writes_them():
    assert show_value(None) == "unknown"
    assert show_value(True) == "true"
    assert show_value(90_000, DURATION) == "1 minute 30 seconds"
    assert show_value(0, TIMESTAMP) == 'timestamp("1970-01-01T00:00:00Z")'
    assert show_value("2026-02-28", DATE) == 'date("2026-02-28")'
    assert show_value(1e22) == "10000000000000000000000.0"
    assert show_value('é"') == '"é\\""'


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (1, "1970-01-01T00:00:00.001Z"),
        (-62135596800000, "0001-01-01T00:00:00Z"),
        (253402300799000, "9999-12-31T23:59:59Z"),
    ],
)
def test_instants_are_shown_in_utc(moment, text):
    assert show_instant(moment) == text
