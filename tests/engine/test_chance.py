"""Chance is a hash: the same for ever, even over many, and the fewest move when shares change."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from journeyscript.engine.chance import draw
from journeyscript.machine.model import Arm
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


def test_shares_are_near_their_weights_over_many_customers():
    program = program_of(steps_of("""
- split: offer
  arms:
    - { arm: a, weight: 45, steps: [] }
    - { arm: b, weight: 45, steps: [] }
    - { arm: control, weight: 10, steps: [] }
"""))  # fmt: skip
    ranges = [t.trigger for t in program.machine.states[0].transitions if isinstance(t.trigger, Arm)]
    counts = Counter(
        next(arm.arm for arm in ranges if arm.low <= draw(1_000_000, "offer", name) < arm.high) for name in CUSTOMERS
    )
    for name, share in (("a", 0.45), ("b", 0.45), ("control", 0.10)):
        assert abs(counts[name] / len(CUSTOMERS) - share) < 0.012


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


def ranges(weights):
    """Return the hash space that each arm takes."""
    arms = "".join(f"    - {{ arm: a{n}, weight: {w}, steps: [{{ exit: e{n} }}] }}\n" for n, w in enumerate(weights))
    program = program_of(steps_of(f"- split: offer\n  arms:\n{arms}"))
    found = [way.trigger for way in program.machine.states[0].transitions]
    return [(arm.low, arm.high) for arm in found if isinstance(arm, Arm)]


def share_moved(before, after):
    """Return the share of hash space, in parts per million, that has another arm now."""
    pairs = zip(ranges(before), ranges(after), strict=True)
    return 1_000_000 - sum(max(0, min(was[1], now[1]) - max(was[0], now[0])) for was, now in pairs)


@given(st.integers(1, 99), st.integers(1, 99))
def test_two_arms_move_the_smallest_share_whatever_their_weights_become(before, after):
    assert share_moved([before, 100 - before], [after, 100 - after]) == abs(before - after) * 10_000


@given(st.lists(st.integers(2, 19), min_size=2, max_size=5), st.data())
def test_neighbours_that_trade_weight_move_the_smallest_share(weights, data):
    weights = [*weights, 100 - sum(weights)]
    place = data.draw(st.integers(0, len(weights) - 2))
    traded = data.draw(st.integers(0, weights[place] - 1))
    changed = [*weights]
    changed[place] -= traded
    changed[place + 1] += traded
    assert share_moved(weights, changed) == traded * 10_000


def test_arms_that_are_no_neighbours_move_as_much_again_for_each_arm_between_them():
    # No hash without a memory of the weights before can do with the least for any three arms.
    assert share_moved([20, 60, 20], [30, 60, 10]) == 2 * 100_000


def test_an_arm_of_no_weight_is_given_to_nobody():
    assert set(arms({"a": 0, "b": 100}, CUSTOMERS[:300]).values()) == {"b"}
    assert set(arms({"a": 100, "b": 0}, CUSTOMERS[:300]).values()) == {"a"}


def test_different_experiments_are_independent():
    both = Counter((draw(2, "offer", name), draw(2, "colour", name)) for name in CUSTOMERS)
    assert all(abs(count / len(CUSTOMERS) - 0.25) < 0.012 for count in both.values())
