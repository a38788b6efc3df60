"""Whatever journey is drawn: nothing lies upon anything else, nothing is missing, and it is always the same."""

import json
import time
from itertools import combinations, pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from journeyscript.machine.pictures.glyphs import broken, text_width
from journeyscript.machine.pictures.layout import lay_out
from journeyscript.machine.pictures.picture import picture_of
from journeyscript.machine.pictures.svg import svg
from journeyscript.machine.pictures.tracks import Net, tracks
from tests.projects import compile_text
from tests.strategies import journeys, text_of

SIZES = st.tuples(st.integers(20, 300), st.integers(20, 80))
LABELS = st.just((0, 0)) | st.tuples(st.integers(20, 200), st.integers(10, 60))


@st.composite
def graphs(draw):
    """Draw boxes, arrows between any two of them, rounds included, and the sizes of labels."""
    sizes = draw(st.lists(SIZES, min_size=1, max_size=14))
    node = st.integers(0, len(sizes) - 1)
    # Nothing leads back to where everything begins.
    arrows = draw(st.lists(st.tuples(node, node).filter(lambda arrow: arrow[1] > 0), max_size=24))
    return sizes, arrows, draw(st.lists(LABELS, min_size=len(arrows), max_size=len(arrows)))


def apart(one, other):
    return (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )


def crosses(here, there, box):
    """Return whether a piece of a way goes through the inside of a box."""
    left, right = sorted((here[0], there[0]))
    top, bottom = sorted((here[1], there[1]))
    return (
        left < box.x + box.width - 0.1
        and right > box.x + 0.1
        and top < box.y + box.height - 0.1
        and bottom > box.y + 0.1
    )


def check(layout, arrows):
    boxes, labels = list(layout.boxes), [label for label in layout.labels if label is not None]
    assert all(apart(one, other) for one, other in combinations([*boxes, *labels], 2))
    width, height = layout.size
    for one in (*boxes, *labels):
        assert one.x >= -0.01
        assert one.y >= -0.01
        assert one.x + one.width <= width + 0.01
        assert one.y + one.height <= height + 0.01
    for (source, target), way, label in zip(arrows, layout.ways, layout.labels, strict=True):
        start, end = boxes[source], boxes[target]
        assert way[0] == pytest.approx((start.x + start.width / 2, start.y + start.height), abs=0.01)
        assert way[-1] == pytest.approx((end.x + end.width / 2, end.y), abs=0.01)
        assert way[-2][1] < way[-1][1], "an arrow comes into its target from above"
        for here, there in pairwise(way):
            assert here[0] == there[0] or here[1] == there[1]
            assert not any(crosses(here, there, box) for box in boxes)
            assert not any(crosses(here, there, other) for other in labels if other is not label)
        if label is not None:
            assert any(crosses(here, there, label) for here, there in pairwise(way)), "an arrow goes by its label"


@settings(max_examples=150)
@given(graphs())
@example(([(22, 22), (60, 30)], [(0, 1), (1, 1), (1, 1)], [(0, 0), (40, 12), (0, 0)]))
@example(([(22, 22), (60, 30), (60, 30)], [(0, 1), (1, 2), (2, 1), (1, 2)], [(0, 0)] * 4))
def test_boxes_labels_and_ways_of_any_graph_keep_clear_of_each_other(graph):
    sizes, arrows, labels = graph
    layout = lay_out(sizes, arrows, labels)
    check(layout, arrows)
    assert [(box.width, box.height) for box in layout.boxes] == sizes
    assert [(0, 0) if label is None else (label.width, label.height) for label in layout.labels] == labels
    assert lay_out(sizes, arrows, labels) == layout


@settings(max_examples=40)
@given(journeys())
def test_every_state_and_every_transition_of_a_random_journey_is_drawn_once(journey):
    compiled, _ = compile_text(text_of(journey))
    machine = compiled.machine
    picture = picture_of(machine)
    assert [box.id for box in picture.boxes] == ["", *(state.id for state in machine.states)]
    assert [(arrow.source, arrow.target) for arrow in picture.arrows] == [
        ("", machine.initial),
        *((state.id, transition.target) for state in machine.states for transition in state.transitions),
    ]
    drawn = svg(picture)
    assert drawn.count('class="box"') == len(picture.boxes)
    assert drawn.count('class="way"') == drawn.count('class="head"') == len(picture.arrows)
    assert svg(picture_of(machine)) == drawn


@settings(max_examples=40)
@given(journeys())
def test_what_leads_on_in_a_random_journey_leads_down(journey):
    compiled, _ = compile_text(text_of(journey))
    picture = picture_of(compiled.machine)
    number = {box.id: index for index, box in enumerate(picture.boxes)}
    arrows = [(number[arrow.source], number[arrow.target]) for arrow in picture.arrows]
    labels = [(text_width(arrow.label, 11), 14 if arrow.label else 0) for arrow in picture.arrows]
    layout = lay_out([(120, 40)] * len(number), arrows, labels)
    check(layout, arrows)
    kinds = {index: box.kind for index, box in enumerate(picture.boxes)}
    for source, target in arrows:
        if layout.boxes[source].y >= layout.boxes[target].y:
            assert kinds[target] == "repeat"


def big(states):
    """Return a journey of about so many states, which branches, waits and goes round at every turn."""
    steps = []
    for n in range(states // 10):
        loop = [{"wait": "1 day", "id": f"w{n}"}, {"send": "welcome", "id": f"s{n}"}]
        wait = {"wait_for": "purchased", "id": f"f{n}", "timeout": "1 day", "then": [{"exit": "done", "id": f"x{n}"}]}
        inner = [{"send": "reminder", "id": f"t{n}"}, {"repeat": {"times": 3}, "id": f"r{n}", "steps": loop}, wait]
        last = {"branch": [{"if": "customer.vip", "steps": []}, {"else": []}], "id": f"c{n}"}
        steps += [
            {"branch": [{"if": "customer.visits > 3", "steps": inner}, {"else": []}], "id": f"b{n}"},
            last,
            {"send": "welcome", "id": f"l{n}"},
        ]
    return {"journey": "trial", "entry": {"event": "signed_up", "again": "never"}, "steps": steps}


def deep(depth):
    """Return a journey of branches within branches, whose ways all come together at the end."""
    steps = []
    for n in range(depth):
        case = {"if": "customer.vip", "steps": [{"send": "welcome", "id": f"s{n}"}, *steps]}
        steps = [{"branch": [case, {"else": [{"send": "welcome", "id": f"t{n}"}]}], "id": f"b{n}"}]
    return {"journey": "trial", "entry": {"event": "signed_up", "again": "never"}, "steps": steps}


@pytest.mark.parametrize(("journey", "states"), [(big(350), 300), (deep(11), 30)], ids=["long", "deep"])
def test_a_big_journey_is_laid_out_in_less_than_a_second(journey, states):
    compiled, _ = compile_text(json.dumps(journey))
    assert len(compiled.machine.states) > states
    picture = picture_of(compiled.machine)
    begun = time.process_time()
    svg(picture)
    assert time.process_time() - begun < 1


@given(st.text(max_size=120), st.integers(30, 300), st.integers(1, 4))
def test_broken_lines_are_no_wider_than_they_may_be_and_lose_only_what_does_not_fit(text, width, most):
    lines = broken(text, 13, width, most)
    assert 1 <= len(lines) <= most
    assert all(text_width(line, 13) <= width for line in lines)
    whole = "".join(text.split())
    if lines[-1].endswith("…") and not whole.endswith("…"):
        assert whole.startswith("".join("".join(lines)[:-1].split()))
    else:
        assert "".join("".join(lines).split()) == whole


def test_lines_break_at_blanks_and_between_ideographs_and_only_then_within_a_word():
    assert broken("customer.country is unknown", 11, 120, 3) == ("customer.country is", "unknown")
    assert broken("顾客所在的国家是中国", 10, 55, 3) == ("顾客所在的", "国家是中国")
    assert broken("a" * 40, 10, 60, 2)[-1].endswith("a…")
    assert text_width("中", 10) > 1.5 * text_width("n", 10)
    assert text_width("e\u0301", 10) == text_width("e", 10)


def test_nets_that_would_run_upon_each_other_get_tracks_of_their_own():
    nets = {
        "straight": Net(tops={5.0}, bottoms={5.0}),
        "below": Net(tops={200.0}, bottoms={0.0, 300.0}),
        "above": Net(tops={0.0, 300.0}, bottoms={100.0}),
        "elsewhere": Net(tops={400.0}, bottoms={500.0}),
    }
    assert tracks(nets) == {"above": 0, "elsewhere": 0, "below": 1}
