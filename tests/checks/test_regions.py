"""One representative of each region decides conditions exactly; what is said of all of them holds of everybody."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeyscript.checks.regions import MOST_ROWS, survey
from journeyscript.engine.evaluate import compile_expression
from journeyscript.semantics.checker import check_condition
from tests.expressions import SCOPE, conditions, worlds

ZONE = "Europe/Berlin"


def surveyed(*texts):
    nodes = []
    for text in texts:
        checked, _, findings = check_condition(text, SCOPE, lambda _start, _length: None)
        assert checked is not None, findings
        nodes.append(checked.node)
    found = survey(nodes, ZONE)
    assert found is not None
    return found


def outcomes(*texts):
    return {row.holds for row in surveyed(*texts).rows}


SLOW = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@SLOW
@given(st.lists(conditions(), min_size=1, max_size=2), st.lists(worlds(), min_size=3, max_size=6))
def test_what_the_engine_says_of_anybody_is_said_of_some_representative(asked, people):
    found = survey(asked, ZONE)
    if found is None:
        return
    said = {row.holds for row in found.rows}
    for facts, event, enrollment, now in people:
        real = tuple(compile_expression(node, ZONE)(facts, event, enrollment, now) is True for node in asked)
        assert real in said


@pytest.mark.parametrize(
    "text",
    [
        "customer.visits > 5 and customer.visits < 3",
        "customer.visits > 5 and customer.visits < 6",
        "customer.score == 2 and customer.score > 2",
        'customer.country == "DE" and customer.country in ["AT", "CH"]',
        'customer.status == "active" and customer.status == "blocked"',
        'has customer.status and customer.status != "active" and customer.status != "blocked"',
        'customer.joined > date("2026-02-28") and customer.joined < date("2026-03-01")',
        'customer.seen_at < timestamp("2026-01-01T00:00Z") and customer.seen_at > timestamp("2026-06-01T00:00Z")',
        "customer.patience > 2 days and customer.patience < 1 day",
        "consent.sms and not consent.sms",
        "did(purchased) and count(purchased) == 0",
        "count(purchased) < 0",
        "customer.vip and customer.vip is unknown",
        "(customer.age ?? 5) < 3 and customer.age is unknown",
        "1 > 2",
        "customer in segment reachable and not consent.sms",
    ],
)
def test_what_cannot_be_is_never_true(text):
    assert outcomes(text) == {(False,)}


@pytest.mark.parametrize(
    "text",
    [
        "customer.score > 5 and customer.score < 6",
        'customer.joined > date("2026-02-27") and customer.joined < date("2026-03-01")',
        "customer.visits >= 3 or customer.visits < 3",  # Unknown is neither.
        "not (customer.visits > 3)",
        'customer.country != "DE"',
        "did(purchased, last 3 days) and count(purchased) == 0",  # Two windows, two questions.
        'customer.country starts with "D" and customer.country == "AT"',  # Nobody looks into a text.
        "days_since(customer.joined) > 30 and days_since(customer.joined) < 32",
    ],
)
def test_what_can_be_either_way_is_said_to_be_so(text):
    assert outcomes(text) == {(True,), (False,)}


def test_whatever_is_not_unknown_is_somewhere():
    everything = "customer.age is unknown or customer.age > 3 or customer.age == 3 or customer.age <= 2"
    assert outcomes(everything) == {(True,)}


def test_two_conditions_are_asked_of_the_same_customer():
    assert outcomes("customer.visits > 3", "customer.visits >= 4") == {(True, True), (False, False)}


def test_a_customer_is_shown_by_what_they_are():
    found = surveyed('consent.sms and customer.country == "DE" and customer.age > 3 and has customer.home')
    row = next(row for row in found.rows if row.holds == (True,))
    assert found.customer(row) == (
        "consent.sms", 'customer.country = "DE"', "customer.age = 4", "customer.home is known",
    )  # fmt: skip
    assert "customer.age is unknown" in {line for row in found.rows for line in found.customer(row)}


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("customer.visits > 3 and consent.sms", True),
        ("count(purchased) > 3", True),
        ("customer.visits > customer.score", False),
        ("days_since(customer.joined) > 3", False),
        ("did(purchased, last 2 days) and did(purchased)", False),
        ('event.total > 3 and entry.event.source == "web"', False),
    ],
)
def test_what_hangs_together_in_ways_nobody_looked_at_is_not_exact(text, exact):
    assert surveyed(text).exact is exact


def test_of_too_many_kinds_of_customers_nothing_is_said():
    names = ["visits", "score", "rating", "age", "balance", "credit"]
    wide = " or ".join(f"customer.{name} > {n}" for name in names for n in range(3))
    checked, _, findings = check_condition(wide, SCOPE, lambda _start, _length: None)
    assert checked is not None, findings
    assert survey([checked.node], ZONE) is None
    assert len(surveyed("customer.visits > 1 or customer.score > 1").rows) <= MOST_ROWS
