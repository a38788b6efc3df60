"""The quick yes and the library agree on every value, so that no file gets through that departs from its schema."""

import copy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyscript.source.nodes import plain
from journeyscript.source.yaml import read_yaml
from journeyscript.syntax.accepting import make_acceptor
from journeyscript.syntax.validating import SCHEMA_KINDS, _acceptor, _departures

ROOT = Path(__file__).parents[2]
GLOBS = {
    "journey": ["journeys/*.yaml", "tests/golden/ok/*.yaml", "tests/golden/err/*.yaml"],
    "test": ["journeys/*.test.yaml", "tests/conformance/project/journeys/*.test.yaml"],
    "customer": ["catalog/customer.yaml", "tests/golden/base/catalog/customer.yaml"],
    "events": ["catalog/events.yaml", "tests/golden/base/catalog/events.yaml"],
    "segments": ["catalog/segments.yaml", "tests/golden/base/catalog/segments.yaml"],
    "channel": ["channels/*/channel.yaml", "tests/golden/err/*/channels/*/channel.yaml"],
    "project": ["journeyscript.yaml", "tests/golden/err/*/journeyscript.yaml"],
    "population": ["simulations/*.yaml"],
    "mapping": [],
    "message": [],
}
WRITTEN = {
    "mapping": [
        {
            "format": "csv",
            "header": True,
            "customer": "who",
            "event": {"constant": "bought"},
            "time": {"column": "when"},
        }
    ],
    "message": [{"subject": "Hello", "class": "marketing"}],
}


def documents(kind):
    """Return real files of a kind as plain values, right ones and wrong ones."""
    paths = [path for pattern in GLOBS[kind] for path in sorted(ROOT.glob(pattern))]
    nodes = [read_yaml(path.name, path.read_text(encoding="utf-8"))[0] for path in paths]
    return [*WRITTEN.get(kind, []), *(plain(node) for node in nodes if node is not None)]


DOCUMENTS = {kind: documents(kind) for kind in SCHEMA_KINDS}
WORDS = ["send", "wait", "steps", "else", "if", "event", "again", "never", "when", "email", "type", "1 day", "", "x y"]
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 200), st.floats(allow_nan=False), st.sampled_from(WORDS)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def changed(draw, kind):
    """Return a real file in which something is replaced, added or taken away."""
    document = copy.deepcopy(draw(st.sampled_from(DOCUMENTS[kind])))
    for _ in range(draw(st.integers(0, 2))):
        place = document
        while True:
            if not isinstance(place, dict | list) or not place:
                break
            key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if draw(st.booleans()) and isinstance(place[key], dict | list):
                place = place[key]
                continue
            match draw(st.sampled_from(["replace", "remove", "add", "repeat"])):
                case "replace":
                    place[key] = draw(values)
                case "remove":
                    del place[key]
                case "add" if isinstance(place, dict):
                    place[draw(st.sampled_from(WORDS))] = draw(values)
                case _ if isinstance(place, list):
                    place.append(copy.deepcopy(place[key]))
            break
    return document


@given(st.data(), st.sampled_from(SCHEMA_KINDS))
def test_the_quick_answer_is_that_of_the_library(data, kind):
    document = data.draw(changed(kind))
    assert _acceptor(kind)(document) == (next(_departures(kind, document), None) is None)


@pytest.mark.parametrize("kind", SCHEMA_KINDS)
def test_right_files_need_no_library(kind):
    answers = [_acceptor(kind)(document) for document in DOCUMENTS[kind]]
    assert answers == [next(_departures(kind, document), None) is None for document in DOCUMENTS[kind]]
    assert True in answers


def test_a_keyword_that_is_not_known_leaves_everything_to_the_library():
    assert not make_acceptor({"type": "object", "dependentRequired": {"a": ["b"]}})({})
    assert not make_acceptor({"enum": [1]})(1)


def test_depth_is_left_to_the_library():
    recursive = {"$ref": "#/$defs/steps", "$defs": {"steps": {"type": "array", "items": {"$ref": "#/$defs/steps"}}}}
    deep = []
    for _ in range(10_000):
        deep = [deep]
    assert not make_acceptor(recursive)(deep)
    assert make_acceptor(recursive)([[[]]])
