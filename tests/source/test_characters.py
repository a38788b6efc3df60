"""Characters that deceive are found, and those that a language needs are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyscript.source.characters import misleading_characters


def places(text):
    return [(found.span.line, found.span.column, found.span.end_column) for found in misleading_characters("a", text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\u202eb", [(1, 2, 3)]),
        ("a\u202eb\u202c", [(1, 2, 3)]),
        ("\n  \u2067a\n", [(2, 3, 4)]),
        ("\u2067a\u2069", []),
        ("\u2066a\u2067b\u2069", [(1, 1, 2)]),
        ("\u202aa\u202c", []),
        ("a\u2069", []),
        ("\u200eab\u200f", []),
    ],
)
def test_an_order_that_reaches_beyond_its_line_or_overrides_letters_is_found(text, found):
    assert places(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("P\u0430ypal", [(1, 1, 7)]),
        ("at \u0430pple", [(1, 4, 9)]),
        ("\u0391lpha", [(1, 1, 6)]),
        ("\u0441\u043f\u0430\u0441\u0438\u0431\u043e", []),
        ("\u0421\u0421\u0421", []),
        ("\u0394t and caf\u00e9 and \u00b5s", []),
        ("Windows-\u0441\u0435\u0440\u0432\u0435\u0440", []),
        ("\u6b22\u8fce Ada", []),
    ],
)
def test_a_word_of_latin_letters_with_one_that_only_looks_so_is_found(text, found):
    assert places(text) == found


def test_the_help_gives_the_word_as_it_was_meant():
    (found,) = misleading_characters("a", "p\u0430yp\u0430l")
    assert found.help == "write `paypal`"
    assert found.message.endswith("is Cyrillic")


@given(st.text(alphabet="ab\u0430\u0391\u202e\u2066\u2069 \n\U0001f600"))
def test_what_is_found_lies_within_its_line(text):
    lines = text.split("\n")
    for line, start, end in places(text):
        assert 1 <= start < end <= len(lines[line - 1]) + 1
