"""The one form of a file: what it looks like, and what formatting never does."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyscript.machine.canonical import version_of
from journeyscript.source.nodes import plain
from journeyscript.source.yaml import read_yaml
from journeyscript.syntax.formatter import format_text
from tests.projects import compile_text
from tests.strategies import journeys

HEAD = "journey: trial\nentry: { event: signed_up, again: never }\n"


def formatted(text, kind="journey"):
    result = format_text(kind, "trial.yaml", text)
    assert result.text is not None, result
    return result.text


def test_keys_stand_in_the_order_of_the_schema_and_what_a_step_does_comes_first():
    text = (
        "steps:\n- via: push\n  id: first\n  send: welcome\nentry: {again: never,   event: signed_up}\njourney: trial\n"
    )
    assert formatted(text) == HEAD + "steps:\n  - send: welcome\n    id: first\n    via: push\n"


def test_names_of_the_writers_own_keep_their_order():
    text = HEAD + "steps:\n  - set: { visits: customer.visits + 1, level: '\"gold\"', a: 1 }\n"
    assert formatted(text) == text


def test_what_becomes_of_those_inside_stands_in_front_of_the_steps_and_keeps_its_own_order():
    steps = "steps:\n  - wait: 1 day\n"
    migrate = "migrate:\n  from: { b: wait, a: exit }\n  timer: keep\n"
    said = formatted(f"journey: trial\nentry: {{ event: signed_up, again: never }}\n{steps}{migrate}")
    assert said.index("migrate:") < said.index("steps:")
    assert said.index("b: wait") < said.index("a: exit") < said.index("timer: keep")


def test_comments_move_with_what_they_speak_of():
    text = (
        "# yaml-language-server: $schema=x.json\n# About the steps.\nsteps:  # in order\n  # Hello.\n"
        "  - wait: 1 day # a day\n    # Deeper.\njourney: trial # the name\n# How it starts.\n"
        "entry: { event: signed_up, again: never }\n# The end.\n"
    )
    assert formatted(text) == (
        "# yaml-language-server: $schema=x.json\njourney: trial # the name\n# How it starts.\n"
        "entry: { event: signed_up, again: never }\n# About the steps.\nsteps: # in order\n  # Hello.\n"
        "  - wait: 1 day # a day\n    # Deeper.\n# The end.\n"
    )


def test_quotes_go_only_where_every_reader_sees_the_same_text_without_them():
    text = "name: \"shop\"\ntimezone: 'UTC'\nstore: \"on\"\nmax_event_age: '22:00'\n"
    assert formatted(text, "project") == 'name: shop\ntimezone: UTC\nstore: "on"\nmax_event_age: "22:00"\n'


def test_what_is_too_long_for_a_line_is_opened():
    long = "signed_up_on_a_page_with_a_very_long_name_that_nobody_would_ever_want_to_read_or_type_again"
    assert formatted(f"journey: trial\nentry: {{ event: {long}, again: never }}\nsteps: [{{ wait: 1 day }}]\n") == (
        f"journey: trial\nentry:\n  event: {long}\n  again: never\nsteps: [{{ wait: 1 day }}]\n"
    )


def test_a_comment_within_braces_opens_them():
    text = "journey: trial\nentry: {\n  event: signed_up, # once\n  again: never }\nsteps: [{ wait: 1 day }]\n"
    assert formatted(text) == (
        "journey: trial\nentry:\n  event: signed_up # once\n  again: never\nsteps: [{ wait: 1 day }]\n"
    )


def test_text_over_several_lines_keeps_its_lines():
    text = "segments:\n    a:\n        when: >- # why\n            not\n            customer.vip\n    b: { when: x }\n"
    assert formatted(text, "segments") == (
        "segments:\n  a:\n    when: >- # why\n      not\n      customer.vip\n  b: { when: x }\n"
    )


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2\n", "", "a: !!str 1\n"])
def test_a_file_with_errors_is_left_alone_with_its_findings(text):
    result = format_text("journey", "trial.yaml", text)
    assert result.text is None
    assert result.findings


def test_a_file_whose_values_would_not_survive_is_refused_in_a_sentence():
    result = format_text("journey", "trial.yaml", "journey: &a trial\nsteps: *a\n")
    assert (result.text, result.findings) == (None, ())
    assert result.refused == "it uses anchors, tags or directives"


@pytest.mark.parametrize("folder", ["journeys", "tests/golden/ok"])
def test_formatting_the_shipped_journeys_changes_nothing_that_counts(folder):
    for path in sorted((Path(__file__).parents[2] / folder).glob("*.yaml")):
        kind = "test" if path.name.endswith(".test.yaml") else "journey"
        text = path.read_text()
        assert plain(read_yaml("a", formatted(text, kind))[0]) == plain(read_yaml("a", text)[0])


@st.composite
def commented(draw):
    """Draw a journey, its text with keys in any order, and the comments put between and behind its lines."""
    journey = draw(journeys())
    style = draw(st.sampled_from([None, False]))
    # Through JSON, so that nothing is shared and no anchor is written.
    shuffled = json.loads(json.dumps(dict(draw(st.permutations(list(journey.items()))))))
    lines = yaml.safe_dump(shuffled, sort_keys=False, default_flow_style=style, width=1000).splitlines()
    comments = []
    written = []
    for line in lines:
        for _ in range(draw(st.integers(0, 4)) // 3):
            comments.append(f"# c{len(comments)}")
            written.append(" " * draw(st.integers(0, 8)) + comments[-1])
        if draw(st.integers(0, 5)) == 0:
            written.append("")
        if draw(st.integers(0, 5)) == 0:
            comments.append(f"# c{len(comments)}")
            written.append(f"{line}  {comments[-1]}")
        else:
            written.append(line)
    return "\n".join(written) + "\n", comments


@settings(max_examples=40, deadline=None)
@given(commented())
def test_formatting_is_settled_at_once_and_changes_neither_values_nor_machine_nor_comments(drawn):
    text, comments = drawn
    once = formatted(text)
    assert formatted(once) == once
    assert plain(read_yaml("a", once)[0]) == plain(read_yaml("a", text)[0])
    words = once.split()
    assert all(words.count(comment.removeprefix("# ")) == 1 for comment in comments)
    before, found = compile_text(text)
    after, found_after = compile_text(once)
    assert before is not None
    assert after is not None
    assert version_of(before.machine) == version_of(after.machine)
    assert sorted((item.code, item.message) for item in found) == sorted((i.code, i.message) for i in found_after)
