import pytest
import yaml

from journeyscript.diagnostics import Span
from journeyscript.source import yaml as reader
from journeyscript.source.building import MAX_DEPTH, MAX_FINDINGS, MAX_NODES
from journeyscript.source.nodes import Mapping, Scalar, Sequence, locate, plain
from journeyscript.source.yaml import read_yaml


def marked(text):
    """Return a text without its marks «…», and the place that they stood around as (line, column, line, column)."""
    before, _, rest = text.partition("«")
    inside, _, after = rest.partition("»")

    def place(part):
        return part.count("\n") + 1, len(part) - part.rfind("\n")

    return before + inside + after, (*place(before), *place(before + inside))


def where(span):
    return span.line, span.column, span.end_line, span.end_column


def only(text, code):
    """Read a text that has one finding, assert that it stands at the mark, and return the node and the finding."""
    text, place = marked(text)
    node, findings = read_yaml("x.yaml", text)
    assert [found.code for found in findings] == [code]
    assert where(findings[0].span) == place
    return node, findings[0]


@pytest.fixture(params=["C", "Python"])
def loader(request, monkeypatch):
    if request.param == "Python":
        monkeypatch.setattr(reader, "LOADER", yaml.SafeLoader)


SAMPLE = """\
journey: welcome   # a comment
"quoted key": 'it''s'
entry: { event: signed_up, again: never }
steps:
- send: welcome
  via: [push, email]
- wait: 3
- set:
    vip: true
    none:
text: |
  one

  two

folded: >-
  a
  b
last: two
  lines
"""


def test_a_document_becomes_plain_values(loader):
    node, findings = read_yaml("x.yaml", SAMPLE)
    assert findings == []
    assert plain(node) == {
        "journey": "welcome",
        "quoted key": "it's",
        "entry": {"event": "signed_up", "again": "never"},
        "steps": [
            {"send": "welcome", "via": ["push", "email"]},
            {"wait": 3},
            {"set": {"vip": True, "none": None}},
        ],
        "text": "one\n\ntwo\n",
        "folded": "a b",
        "last": "two lines",
    }


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("journey",), (1, 10, 1, 17)),
        (("quoted key",), (2, 15, 2, 22)),
        (("entry",), (3, 8, 3, 42)),
        (("entry", "again"), (3, 35, 3, 40)),
        (("steps",), (5, 1, 10, 10)),
        (("steps", 0), (5, 3, 6, 21)),
        (("steps", 0, "via", 1), (6, 15, 6, 20)),
        (("steps", 2, "set"), (9, 5, 10, 10)),
        (("steps", 2, "set", "none"), (10, 10, 10, 10)),
        (("text",), (11, 7, 14, 6)),
        (("folded",), (16, 9, 18, 4)),
        (("last",), (19, 7, 20, 8)),
        ((), (1, 1, 20, 8)),
    ],
)
def test_every_node_knows_where_it_stands(path, place, loader):
    node, _ = read_yaml("x.yaml", SAMPLE)
    assert where(locate(node, path).span) == place


def test_keys_know_where_they_stand(loader):
    node, _ = read_yaml("x.yaml", SAMPLE)
    assert where(node.key_span("quoted key")) == (2, 1, 2, 13)
    assert where(locate(node, ("steps", 0)).key_span("via")) == (6, 3, 6, 6)


def test_quotes_and_blocks_are_remembered():
    node, _ = read_yaml("x.yaml", "a: '1'\nb: |\n  1\nc: 1")
    assert [(pair.value.value, pair.value.quoted, pair.value.block) for pair in node.pairs] == [
        ("1", True, False),
        ("1\n", True, True),
        (1, False, False),
    ]


def test_columns_are_counted_in_code_points():
    node, _ = read_yaml("x.yaml", "\ufeff日本: 🎉é x\r\nb: {ñ: 1}\r\n")
    assert where(node.get("日本").span) == (1, 5, 1, 9)
    assert where(node.get("b").get("ñ").span) == (2, 8, 2, 9)


def test_lines_are_counted_from_where_the_text_starts_in_its_file():
    node, findings = read_yaml("x.md", "subject: hi\na: NO\n", first_line=2)
    assert findings[0].span == Span(path="x.md", line=3, column=4, end_line=3, end_column=6)
    assert node.get("subject").span.line == 2
    _, findings = read_yaml("x.md", "subject: [", first_line=2)
    assert (findings[0].span.line, findings[0].labels) == (2, ())


def test_keys_are_text_as_they_stand(loader):
    node, findings = read_yaml("x.yaml", "on: 1\n2: two\nnull: n1\nyes: 4")
    assert findings == []
    assert [(pair.key.text, pair.key.value) for pair in node.pairs] == [(k, k) for k in ("on", "2", "null", "yes")]


def test_an_alias_stands_for_what_was_anchored(loader):
    node, findings = read_yaml("x.yaml", "a: &x [1, 2]\nb: *x\nc: &y hi\nd: *y")
    assert findings == []
    assert plain(node) == {"a": [1, 2], "b": [1, 2], "c": "hi", "d": "hi"}
    assert where(node.get("d").span) == (4, 4, 4, 6)


# JS001 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n b«:» 2\n",
        "a: b«:» c",
        "«\t»a: 1",
        "a: «@»x",
        "- a\n«b»: 1",
        "a: b\n...\n«c»: d",
        "a: «*b»",
        "a: 1«\r»b: 2",
        "a: «\0»",
        "a: x«\u2028»y",
        "a: x«\ud800»y",
        "b: 1\na: x«\x1b»[31m",
        "a: «!»e!x 1",
    ],
)
def test_what_is_not_yaml_is_pointed_at(text):
    node, found = only(text, "JS001")
    assert node is None
    assert found.help


def test_a_quote_that_never_ends_is_shown_from_its_beginning():
    node, findings = read_yaml("x.yaml", 'a: "x\nb: y\n')
    assert node is None
    assert [(found.code, where(found.span)) for found in findings] == [("JS001", (2, 5, 2, 6))]
    assert [where(label.span) for label in findings[0].labels] == [(1, 4, 1, 5)]


def test_findings_in_front_of_a_syntax_error_are_kept():
    node, findings = read_yaml("x.yaml", "a: NO\nb: [")
    assert node is None
    assert [found.code for found in findings] == ["JS006", "JS001"]


# JS002 ------------------------------------------------------------------------------------------------------------


def test_a_key_that_is_written_twice_is_shown_with_the_first_one():
    node, found = only("a: 1\nb: {c: 1}\n«a»: 2\n", "JS002")
    assert [where(label.span) for label in found.labels] == [(1, 1, 1, 2)]
    assert plain(node) == {"a": 1, "b": {"c": 1}}


def test_a_quoted_key_is_the_same_key():
    only('a: 1\n«"a"»: 2', "JS002")


def test_the_same_key_in_two_mappings_is_no_repetition():
    assert read_yaml("x.yaml", "a: {a: 1}\nb: {a: 1}")[1] == []


# JS005 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a: 1\n? «[b, c]»\n: 2\nd: 3", {"a": 1, "d": 3}),
        ("a: {«{b: 1}»: 2}", {"a": {}}),
        ("a: 1\n?«»\n: 2\nb: 3", {"a": 1, "b": 3}),
    ],
)
def test_a_key_is_text(text, left):
    node, _ = only(text, "JS005")
    assert plain(node) == left


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "\ufeff"])
def test_a_text_without_anything_in_it_is_a_finding(text):
    node, findings = read_yaml("x.yaml", text)
    assert node is None
    assert [(found.code, where(found.span)) for found in findings] == [("JS005", (1, 1, 1, 1))]


def test_a_number_too_large_to_keep_is_a_finding():
    node, _ = only("order: «123456789012345678901234567890»", "JS005")
    assert node.get("order").value == "123456789012345678901234567890"


# JS006 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["time: «10:00»", "a: [x, «NO»]", "- «010»", "«on»", "a:\n  b: &x «1_000»\n  c: *x"])
def test_a_value_that_old_readers_misread_comes_with_its_quotes(text):
    written, _ = marked(text)
    if "&x" in text:  # An anchor is part of where its value stands.
        text = text.replace("&x «", "«&x ")
    _, found = only(text, "JS006")
    inside = text[text.index("«") + 1 : text.index("»")].removeprefix("&x ")
    assert found.fix is not None
    assert found.fix.span == found.span
    assert found.fix.replacement == f'"{inside}"'
    assert inside in written


def test_quoted_values_and_keys_are_never_misread():
    assert read_yaml("x.yaml", "a: \"NO\"\nno: '10:00'\nb: |\n  010\n")[1] == []


# JS012 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a: 1\n«<<»: {b: 2}\nc: 3", {"a": 1, "c": 3}),
        ("a: «!»x b", {"a": "b"}),
        ("a: «!»!str 5", {"a": 5}),
        ("«!»!map\na: 1", {"a": 1}),
        ("a: 1\n«---»\nb: 2", {"a": 1}),
        ("«%»YAML 1.1\n---\na: 1", {"a": 1}),
        ("a: «.nan»", {"a": ".nan"}),
    ],
)
def test_parts_of_yaml_that_journeys_do_without_are_named(text, left):
    node, _ = only(text, "JS012")
    assert plain(node) == left


def test_a_quoted_merge_key_is_a_key_like_any_other():
    assert read_yaml("x.yaml", "'<<': 1")[1] == []


def test_an_alias_inside_of_what_it_stands_for_is_refused(loader):
    node, _ = only("a: &b [1, «*b»]", "JS012")
    assert node is None


# Whatever comes in -------------------------------------------------------------------------------------------------


BOMB = "- &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"- &{chr(98 + level)} [{','.join(['*' + chr(97 + level)] * 10)}]\n" for level in range(9)
)
STAIRS = (
    "- &a [x]\n" + "".join(f"- &{chr(98 + level)} [*{chr(97 + level)}]\n" for level in range(20)) + "- " * 50 + "*u"
)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 100_000, "JS012"),
        ("{" * 100_000, "JS012"),
        ("- " * 100_000, "JS012"),
        ("? " * 100_000, "JS012"),
        ("{a: " * 100_000, "JS012"),
        ("[[]," * 100_000, "JS012"),
        ("[" + "a," * (MAX_NODES + 1), "JS012"),
        ("a: " * 100_000, "JS001"),
        ('"' * 100_000, "JS001"),
        ("a: " + "x" * 6_000_000, "JS012"),
        (BOMB, "JS012"),
        (STAIRS, "JS012"),
        ("\0" * 100_000, "JS001"),
        ("a: b\r" * 100_000, "JS001"),
    ],
    ids=[
        "lists",
        "mappings",
        "items",
        "keys",
        "nested",
        "rows",
        "many",
        "colons",
        "quotes",
        "long",
        "bomb",
        "stairs",
        "nul",
        "cr",
    ],
)
def test_a_hostile_text_is_one_finding(text, code):
    node, findings = read_yaml("x.yaml", text)
    assert node is None
    assert [found.code for found in findings] == [code]


def test_depth_and_number_are_allowed_up_to_the_limit(loader):
    node, findings = read_yaml("x.yaml", "[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert findings == []
    for _ in range(MAX_DEPTH - 1):
        assert isinstance(node, Sequence)
        (node,) = node.items
    assert node.items == ()


def test_a_file_full_of_findings_is_cut_short():
    node, findings = read_yaml("x.yaml", "a: 1\n" * 5_000)
    assert isinstance(node, Mapping)
    assert len(findings) == MAX_FINDINGS


@pytest.mark.parametrize("text", ["plain", "'quoted'", "---\n", "- a\n- b", "null"])
def test_a_document_need_not_be_a_mapping(text, loader):
    node, findings = read_yaml("x.yaml", text)
    assert findings == []
    assert isinstance(node, Scalar | Sequence)
