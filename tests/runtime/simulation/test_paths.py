"""Paths: what a life asked of symbols, compiled, answers for every other life as the life itself would have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyscript.runtime.simulation.symbols import Symbol, Trace
from journeyscript.runtime.simulation.tree import Tree

SECOND = 1_000
numbers = st.integers(-5_000, 5_000)


def whole_second(moment):
    return -(-moment // SECOND) * SECOND


def life(at, delay, *, marks):
    """Wait for something that takes a while, a deadline, and the end of the world; mark when what was."""
    due = whole_second(at + 2_500)
    came = at + delay
    marks.append(("came", at))
    if came <= due and came != due - 500:
        marks.append(("in time", came // 900))
    elif delay > 4_000:
        return
    moments = sorted([due, came, whole_second(came) + 1, 3_000])
    marks.append(("first", moments[0] - 7))
    if moments[1] - at < 2_000 or moments[2] <= 5_000:
        marks.append(("last", max(moments) * 2))


def explored(tree, at, delay):
    trace, marks = Trace(), []
    life(Symbol(trace, at, "at"), Symbol(trace, delay, "delay"), marks=marks)
    # What is marked may have been a number in this life by comparison with one.
    symbols = [(name, one if isinstance(one, Symbol) else Symbol(trace, one, str(one))) for name, one in marks]
    return tree.grow(trace, symbols)


def lived(at, delay):
    marks = []
    life(at, delay, marks=marks)
    return marks


@given(st.lists(st.tuples(numbers, numbers), min_size=1), st.lists(st.tuples(numbers, numbers), min_size=1))
def test_whoever_goes_a_known_path_leaves_the_marks_of_their_own_life(known, others):
    tree = Tree(("at", "delay"), {})
    for at, delay in known:
        explored(tree, at, delay)
    tree.compile()
    for at, delay in [*known, *others]:
        tree.marked.clear()
        path = tree.find(at, delay)
        assert path >= 0 or (at, delay) not in known
        if path >= 0:
            assert sorted(tree.marked.elements()) == sorted(lived(at, delay))


def test_before_anything_is_compiled_nobody_goes_a_known_path():
    tree = Tree(("at", "delay"), {})
    assert tree.find(1, 2) == -1
    assert explored(tree, 1, 2) == (0, True)
    assert tree.find(1, 2) == -1
    assert explored(tree, 1, 2) == (0, False)
    tree.compile()
    assert tree.find(1, 2) == 0


def test_of_two_moments_that_differ_by_a_fixed_time_nothing_is_asked():
    trace = Trace()
    at = Symbol(trace, 5, "at")
    assert at < at + 1
    assert (at + 7) - (at - 1) == 8
    assert max(at, at + 3) - at == 3
    assert trace.questions == []


@pytest.mark.parametrize("use", [hash, str, repr, int, float, range, "{:>3}".format, lambda one: {one: 1}[5]])
def test_what_only_a_number_can_do_pins_the_life(use):
    trace = Trace()
    assert use(Symbol(trace, 5, "at")) == use(5)
    assert trace.pinned


def test_a_life_that_goes_another_way_by_the_same_answers_is_found_out():
    tree = Tree(("at",), {})
    for place, other in enumerate((3, 4)):
        trace = Trace()
        at = Symbol(trace, 5, "at")
        assert at > 1
        assert at > other
        if not place:
            tree.grow(trace, [])
        else:
            with pytest.raises(AssertionError, match="the same answers led to another question"):
                tree.grow(trace, [])


def test_a_path_may_ask_more_questions_than_python_indents():
    tree = Tree(("at",), {})
    for number in range(150):
        trace = Trace()
        at = Symbol(trace, number, "at")
        for step in range(200):
            if at == step:
                break
        tree.grow(trace, [("stopped", at)])
    tree.compile()
    assert [tree.find(number) for number in (0, 70, 149, 150)] == [0, 70, 149, -1]
    assert tree.marked == {("stopped", 0): 1, ("stopped", 70): 1, ("stopped", 149): 1}
