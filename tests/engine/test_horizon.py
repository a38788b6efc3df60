"""A condition keeps its value until its horizon; and the horizon of what people write is the very instant."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from journeyscript.engine.evaluate import compile_expression
from journeyscript.engine.horizon import compile_horizon
from journeyscript.engine.values import Event, Facts
from journeyscript.semantics import typed
from journeyscript.semantics.checker import check_condition
from journeyscript.semantics.scope import Scope
from tests.expressions import COMPLETE, DAY, NOW, conditions, dumped, worlds

HOUR = 3_600_000
ZONE = "Europe/Berlin"
BERLIN_MIDNIGHT = 1_772_060_400_000
"""The first midnight in Berlin after `NOW`."""


def checked(text: str) -> typed.Expression:
    """Return a condition as it is written."""
    found, *problems = check_condition(text, Scope(catalog=COMPLETE), lambda _start, _length: None)
    assert found is not None, problems
    return found.node


def horizon_of(text: str, facts: Facts, now: int = NOW) -> int | None:
    """Return the horizon of a condition as it is written."""
    horizon = compile_horizon(checked(text), ZONE)
    return None if horizon is None else horizon(facts, None, None, now)


def bought(*days_ago: float, **properties: object) -> Facts:
    """Return a customer who bought so many days before `NOW`."""
    events = [Event(name="purchased", at=NOW - round(ago * DAY), properties=properties) for ago in sorted(days_ago)]
    return Facts(external_id="ada", history={"purchased": events[::-1]})


def registered(days_ahead: int) -> Facts:
    """Return a customer whose registration lies ahead."""
    return Facts(external_id="ada", attributes={"registered_at": NOW + days_ahead * DAY})


@settings(max_examples=400)
@given(conditions(), worlds(), st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_a_condition_keeps_its_value_until_its_horizon(condition, world, places):
    facts, event, enrollment, now = world
    evaluate, horizon = compile_expression(condition, ZONE), compile_horizon(condition, ZONE)
    end = None if horizon is None else horizon(facts, event, enrollment, now)
    assert end is None or end > now
    last = min(now + 500 * DAY, now + 500 * DAY if end is None else end - 1)
    instants = {now + round(place * (last - now)) for place in places} | {last, min(now + 1, last)}
    instants |= {min(last, now + step) for step in (HOUR, DAY, 7 * DAY, 30 * DAY)}
    expected = dumped(evaluate(facts, event, enrollment, now))
    assert {dumped(evaluate(facts, event, enrollment, at)) for at in instants} == {expected}


@settings(max_examples=100)
@given(conditions(), worlds(wrong=True))
def test_a_horizon_lies_ahead_whatever_the_data_are(condition, world):
    facts, event, enrollment, now = world
    horizon = compile_horizon(condition, ZONE)
    end = None if horizon is None else horizon(facts, event, enrollment, now)
    assert end is None or end > now


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        # Silent for 90 days, said in three ways: one instant, however often they bought.
        ("days_since(last(purchased).at) >= 90", bought(1, 2, 50), NOW + 89 * DAY),
        ("not did(purchased, last 90 days)", bought(1, 2, 50), NOW + 89 * DAY + 1),
        ("90 <= days_since(last(purchased).at)", bought(1), NOW + 89 * DAY),
        ("(days_since(last(purchased).at) ?? 999) > 89.5", bought(1), NOW + 89 * DAY),
        ("hours_since(last(purchased).at) < 36", bought(1), NOW + 12 * HOUR),
        ("did(purchased where event.total > 5, last 90 days)", bought(1, total=6), NOW + 89 * DAY + 1),
        ("did(purchased where event.total > 5, last 90 days)", bought(1, total=5), None),
        ("count(purchased, last 30 days) < 2", bought(1, 2), NOW + 28 * DAY + 1),
        # It has come to pass, and nothing but a purchase makes it undone.
        ("days_since(last(purchased).at) >= 90", bought(90), None),
        ("not did(purchased, last 90 days)", bought(91), None),
        ("days_since(last(purchased).at) == 90", bought(90), NOW + DAY),
        ("days_since(last(purchased).at) != 90", bought(90), NOW + DAY),
        ("days_since(last(purchased).at) == 90", bought(91), None),
        # Somebody who never bought.
        ("days_since(last(purchased).at) >= 90", bought(), None),
        ("(days_since(last(purchased).at) ?? 999) >= 90", bought(), None),
        # To a moment that lies ahead: the day before last begins a millisecond after it is two days away.
        ("days_until(customer.registered_at) < 2", registered(5), NOW + 3 * DAY + 1),
        ("days_until(customer.registered_at) == 7", registered(5), None),
        # An event that was told before an earlier one comes into view at its own time.
        ("count(purchased) > 1", bought(1, -5), NOW + 5 * DAY),
        # Days of the calendar begin at midnight where the customer is.
        ("days_since(customer.birthday) > 400", Facts(external_id="ada", attributes={"birthday": "2025-01-21"}),
         BERLIN_MIDNIGHT),
        ("days_until(customer.birthday) == 3", Facts(external_id="ada", attributes={"birthday": "2026-03-02"}),
         BERLIN_MIDNIGHT + DAY),
        # What cannot matter before something else has changed is not asked for.
        ("did(purchased, last 7 days) or did(purchased, last 30 days)", bought(1), NOW + 29 * DAY + 1),
        ("did(purchased, last 7 days) and did(purchased, last 30 days)", bought(1), NOW + 6 * DAY + 1),
        ("consent.sms and days_since(last(purchased).at) >= 90", bought(1), None),
    ],
)  # fmt: skip
def test_the_horizon_of_what_people_write_is_the_instant(text, facts, expected):
    found = horizon_of(text, facts)
    assert found == expected
    if found is not None:
        evaluate = compile_expression(checked(text), ZONE)
        if "count" not in text:
            assert evaluate(facts, None, None, found - 1) is not evaluate(facts, None, None, found)


@pytest.mark.parametrize(
    "text", ['customer.country == "DE"', "consent.email", 'customer.registered_at < timestamp("2026-01-01T00:00Z")']
)  # fmt: skip
def test_a_condition_that_knows_no_time_has_no_horizon(text):
    assert compile_horizon(checked(text), ZONE) is None


@given(st.lists(st.integers(-100, 100), max_size=5), st.integers(1, 95), st.integers(0, 3))
@example([1, 30], 30, 1)
def test_following_horizons_finds_every_change_and_nothing_else_is_needed(days, window, least):
    """Going from horizon to horizon sees the same as looking every hour."""
    facts = Facts(
        external_id="ada", history={"purchased": [Event(name="purchased", at=NOW + d * DAY) for d in sorted(days)]}
    )
    condition = checked(f"count(purchased, last {window} days) > {least}")
    evaluate, horizon = compile_expression(condition, ZONE), compile_horizon(condition, ZONE)
    assert horizon is not None
    at, value, seen = NOW, evaluate(facts, None, None, NOW), []
    while (at := horizon(facts, None, None, at) or 0) and at < NOW + 250 * DAY:
        if (after := evaluate(facts, None, None, at)) is not value:
            seen.append(at)
            value = after
    hourly, value = [], evaluate(facts, None, None, NOW)
    for at in range(NOW + HOUR, NOW + 250 * DAY, HOUR):
        if (after := evaluate(facts, None, None, at)) is not value:
            hourly.append(at)
            value = after
    assert [-(-(one - NOW) // HOUR) for one in seen] == [(one - NOW) // HOUR for one in hourly]
