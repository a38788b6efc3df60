"""Chance is a hash: the same for ever, even over many, and the fewest move when shares change."""

from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction
from math import sqrt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from journeyscript.engine.chance import draw, draw_arm
from tests.engine.driving import Drive, program_of, signed_up
from tests.projects import steps_of

CUSTOMERS = [f"customer-{number}" for number in range(20_000)]


def arms(weights, customers, *, per="customer", number=1):
    """Return the arm that each customer is given."""
    written = "".join(
        f"    - {{ arm: {name}, weight: {w}, steps: [{{ exit: {name} }}] }}\n" for name, w in weights.items()
    )
    program = program_of(steps_of(f"- split: offer\n  per: {per}\n  arms:\n{written}"))
    return {name: Drive(program, number=number, customer=name).enter(signed_up()).current.reason for name in customers}


def test_a_draw_is_fixed_for_ever():
    assert [draw(1_000_000, "offer", name) for name in ("ada", "grace", "")] == [631_682, 828_859, 747_270]


def test_arms_are_fixed_for_ever():
    weights = (("a", 45), ("b", 45), ("control", 10))
    assert [draw_arm(weights, "offer", name) for name in ("ada", "grace", "", "linus", "edsger")] == [
        "a",
        "b",
        "a",
        "b",
        "a",
    ]


@pytest.mark.parametrize("weights", [(45, 45, 10), (1, 99), (25, 1, 24, 20, 30)])
def test_shares_are_those_of_the_weights_over_many_customers(weights):
    arms, many = [(f"a{number}", weight) for number, weight in enumerate(weights)], 100_000
    counts = Counter(draw_arm(arms, "offer", f"customer-{number}") for number in range(many))
    for name, weight in arms:
        share = weight / 100
        assert abs(counts[name] / many - share) <= 4.5 * sqrt(share * (1 - share) / many)


def test_a_customer_has_the_same_arm_in_every_enrollment():
    some = CUSTOMERS[:200]
    assert arms({"a": 50, "b": 50}, some, number=1) == arms({"a": 50, "b": 50}, some, number=2)


def test_per_entry_every_enrollment_draws_anew():
    some = CUSTOMERS[:200]
    first, second = (arms({"a": 50, "b": 50}, some, per="entry", number=number) for number in (1, 2))
    assert 60 < sum(first[name] != second[name] for name in some) < 140


def test_new_weights_move_the_fewest():
    some = CUSTOMERS[:2_000]
    before, after = arms({"a": 50, "b": 50}, some), arms({"a": 60, "b": 40}, some)
    moved = [name for name in some if before[name] != after[name]]
    assert {(before[name], after[name]) for name in moved} == {("b", "a")}
    assert abs(len(moved) / len(some) - 0.10) < 0.025


NAMES = st.text(max_size=12)
WEIGHTS = st.lists(st.integers(0, 100), min_size=2, max_size=6).filter(any)


def named(weights):
    return [(f"arm {number}", weight) for number, weight in enumerate(weights)]


@given(WEIGHTS, NAMES, st.randoms(use_true_random=False))
def test_the_order_of_the_arms_makes_no_difference(weights, customer, chance):
    arms = named(weights)
    shuffled = chance.sample(arms, len(arms))
    assert draw_arm(arms, "offer", customer) == draw_arm(shuffled, "offer", customer)


@given(WEIGHTS, NAMES)
def test_an_arm_wins_by_the_logarithm_of_its_draw_over_its_weight(weights, customer):
    with localcontext(prec=60):
        drawn = {arm: Decimal(draw(2**64, "offer", customer, arm) + 1) / 2**64 for arm, weight in named(weights)}
        least = min((-drawn[arm].ln() / weight, arm) for arm, weight in named(weights) if weight)
    assert draw_arm(named(weights), "offer", customer) == least[1]


@given(st.integers(2, 6).flatmap(lambda n: st.tuples(*[st.lists(st.integers(0, 100), min_size=n, max_size=n)] * 2)))
def test_new_weights_move_only_to_arms_that_gained_on_the_one_that_is_left(weights):
    before, after = map(named, weights)
    assume(any(weights[0]) and any(weights[1]))
    was_weight, is_weight = dict(before), dict(after)
    for customer in CUSTOMERS[:40]:
        was, now = draw_arm(before, "offer", customer), draw_arm(after, "offer", customer)
        assert was == now or is_weight[now] * was_weight[was] > is_weight[was] * was_weight[now]


@given(st.lists(st.integers(1, 100), min_size=1, max_size=5), st.integers(0, 100), st.integers(0, 100))
def test_one_arm_that_gains_takes_from_all_and_gives_to_none(others, before, after):
    # Then no fewer can move: the least is what the arm gained, and nobody else changes.
    for customer in CUSTOMERS[:40]:
        was, now = (draw_arm(named([weight, *others]), "offer", customer) for weight in (before, after))
        moved = {was, now} if was != now else set()
        assert not moved or (now if after > before else was) == "arm 0"


@given(st.integers(0, 100), st.integers(0, 100))
def test_two_arms_move_one_way_whatever_their_weights_become(before, after):
    some = CUSTOMERS[:60]
    was, now = ({c: draw_arm(named([w, 100 - w]), "offer", c) for c in some} for w in (before, after))
    moved = {(was[c], now[c]) for c in some if was[c] != now[c]}
    assert moved <= {("arm 1", "arm 0") if after > before else ("arm 0", "arm 1")}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((50, 50), (60, 40)),
        ((45, 45, 10), (40, 40, 20)),
        ((50, 50, 0), (40, 40, 20)),
        ((45, 45, 10), (50, 45, 5)),
        ((20, 30, 50), (50, 30, 20)),
        ((20, 20, 20, 20, 20), (10, 20, 20, 20, 30)),
    ],
)
def test_no_more_move_than_any_hash_without_a_memory_must(before, after):
    # With t the least that could move, knowing both: no rule that knows one of them at a time can promise less than
    # 2t / (1 + t) for all weights.
    least = sum(max(0, now - was) for was, now in zip(before, after, strict=True)) / 100
    moved = sum(draw_arm(named(before), "offer", c) != draw_arm(named(after), "offer", c) for c in CUSTOMERS)
    proportional = len({Fraction(now, was) for was, now in zip(before, after, strict=True) if was}) <= 2
    bound = least if proportional else 2 * least / (1 + least)
    assert least - 0.012 < moved / len(CUSTOMERS) < bound + 0.012


def test_a_split_draws_the_same_whatever_the_order_of_the_file():
    some = CUSTOMERS[:300]
    assert arms({"a": 30, "b": 50, "c": 20}, some) == arms({"c": 20, "a": 30, "b": 50}, some)


def test_an_arm_of_no_weight_is_given_to_nobody():
    assert set(arms({"a": 0, "b": 100}, CUSTOMERS[:300]).values()) == {"b"}
    assert set(arms({"a": 100, "b": 0}, CUSTOMERS[:300]).values()) == {"a"}


def test_different_experiments_are_independent():
    both = Counter((draw(2, "offer", name), draw(2, "colour", name)) for name in CUSTOMERS)
    assert all(abs(count / len(CUSTOMERS) - 0.25) < 0.012 for count in both.values())
