import json

import pytest

from journeyscript.cli.showing.findings.diagnostics import OUTPUT_FORMATS, render, summary
from journeyscript.diagnostics import Fix, Label, Span
from journeyscript.rules import finding


def at(line, column, end_column, path="journeys/winback.yaml", end_line=None):
    return Span(path=path, line=line, column=column, end_line=end_line or line, end_column=end_column)


SOURCE = "\n" * 23 + "    - wait: 3 days\n" + "\n" * 6 + '        if: customer.phone starts with "+49"\n'

PHONE = finding(
    "JS304",
    "`customer.phone` may be missing here",
    at(31, 13, 27),
    help="add `has customer.phone and` in front",
    labels=[
        Label(span=at(24, 7, 19), text="what was checked before this wait no longer holds"),
        Label(span=at(31, 13, 27), text="optional"),
    ],
    journey="winback",
    step="remind_sms",
    witness=["order_placed", "wait 3 days (phone removed on day 2)", "remind_sms"],
)


def nothing(path):
    return None


def full(found, **sources):
    """Render one finding in full, without the closing summary."""
    text = render([found], "full", {name.replace("_", ".", 1): text for name, text in sources.items()}.get)
    return text.rpartition("\n\n")[0]


# full --------------------------------------------------------------------------------------------------------------


def test_a_finding_is_shown_with_its_lines_labels_place_witness_and_help():
    text = render([PHONE], "full", {"journeys/winback.yaml": SOURCE}.get)
    assert (
        text
        == """\
error[JS304]: `customer.phone` may be missing here
  --> journeys/winback.yaml:31:13
   |
24 |     - wait: 3 days
   |       ------------ what was checked before this wait no longer holds
31 |         if: customer.phone starts with "+49"
   |             ^^^^^^^^^^^^^^ optional
   |
   = at: winback / remind_sms
   = witness: order_placed, wait 3 days (phone removed on day 2), remind_sms
   = help: add `has customer.phone and` in front

1 error in 1 file"""
    )


def test_a_finding_without_anything_else_is_shown_with_its_line():
    found = finding("JS902", "no tests", at(1, 1, 3, "a.yaml"))
    assert (
        full(found, a_yaml="xyz")
        == """\
warning[JS902]: no tests
 --> a.yaml:1:1
  |
1 | xyz
  | ^^"""
    )


def test_a_file_that_cannot_be_shown_leaves_the_place():
    found = finding("JS001", "the file cannot be read", at(1, 1, 1, "a.yaml"), help="look")
    assert (
        full(found)
        == """\
error[JS001]: the file cannot be read
 --> a.yaml:1:1
  |
  = help: look"""
    )


def test_a_place_behind_the_end_of_the_file_shows_no_line():
    assert full(finding("JS001", "bad", at(9, 1, 2, "a.yaml")), a_yaml="x\n") == "error[JS001]: bad\n --> a.yaml:9:1"


def test_marks_on_the_same_line_stand_below_each_other():
    found = finding(
        "JS002", "twice", at(1, 7, 8, "a.yaml"), labels=[Label(span=at(1, 1, 2, "a.yaml"), text="first written here")]
    )
    assert full(found, a_yaml="a: 1, a: 2").splitlines()[3:] == [
        "1 | a: 1, a: 2",
        "  | - first written here",
        "  |       ^",
    ]


def test_a_label_in_another_file_gets_a_frame_of_its_own():
    found = finding(
        "JS008", "twice", at(12, 1, 2, "a.yaml"), labels=[Label(span=at(2, 3, 4, "b.yaml"), text="the first one")]
    )
    assert (
        full(found, a_yaml="\n" * 11 + "x\n", b_yaml="\nabc")
        == """\
error[JS008]: twice
  --> a.yaml:12:1
   |
12 | x
   | ^
  ::: b.yaml:2:3
   |
 2 | abc
   |   - the first one"""
    )


def test_a_span_over_several_lines_is_marked_to_the_end_of_its_first():
    assert full(finding("JS005", "bad", at(1, 4, 2, "a.yaml", end_line=3)), a_yaml="a: [1,\n2,\n]") .endswith(
        "1 | a: [1,\n  |    ^^^"
    )  # fmt: skip


def test_an_empty_span_is_marked_by_one_caret():
    assert full(finding("JS005", "bad", at(1, 3, 3, "a.yaml")), a_yaml="a:").endswith("1 | a:\n  |   ^")


@pytest.mark.parametrize(
    ("line", "start", "end", "before", "carets"),
    [
        ("\tsend: x", 2, 6, 4, 4),
        ("a:\t\tx", 5, 6, 10, 1),
        ("日本語: x", 6, 7, 8, 1),
        ("a: 日本", 4, 6, 3, 4),
        ("e\u0301e\u0301: x", 7, 8, 4, 1),
    ],
    ids=["tab", "two tabs", "after wide", "wide", "combining"],
)
def test_carets_stand_below_what_they_mark_on_the_screen(line, start, end, before, carets):
    shown, below = full(finding("JS005", "bad", at(1, start, end, "a.yaml")), a_yaml=line).splitlines()[-2:]
    assert "\t" not in shown
    assert below == "  | " + " " * before + "^" * carets


def test_windows_line_ends_are_not_shown():
    assert "\r" not in full(finding("JS005", "bad", at(1, 1, 2, "a.yaml")), a_yaml="a: b\r\nc: d\r\n")


def test_a_very_long_line_is_shown_around_its_mark():
    line = "x" * 50_000 + "HERE" + "y" * 50_000
    shown, below = full(finding("JS005", "bad", at(1, 50_001, 50_005, "a.yaml")), a_yaml=line).splitlines()[-2:]
    assert len(shown) < 220
    assert shown[4] == shown[-1] == "…"
    assert shown[below.index("^") : below.rindex("^") + 1] == "HERE"


def test_nothing_in_a_file_or_a_message_can_steer_the_terminal():
    found = finding("JS005", "bad \x1b[31m\nnext", at(1, 1, 2, "a.yaml"), help="see \u202e this \udc80")
    text = render([found], "full", {"a.yaml": "x: \x1b[2J \u202e \x07"}.get)
    assert not any(character in text for character in "\x1b\u202e\x07\udc80")
    assert text.encode()


def test_colours_are_added_only_when_asked_for():
    plain = render([PHONE], "full", nothing)
    colored = render([PHONE], "full", nothing, color=True)
    assert "\x1b" not in plain
    assert "\x1b[1;31merror[JS304]\x1b[0m" in colored


# concise ------------------------------------------------------------------------------------------------------------


def test_concise_is_a_line_for_each_finding_errors_first_then_by_place():
    found = [
        finding("JS902", "no tests", at(1, 1, 2, "a.yaml"), journey="a"),
        finding("JS005", "second", at(10, 1, 2, "b.yaml")),
        PHONE,
        finding("JS005", "first", at(9, 7, 8, "b.yaml")),
    ]
    assert render(found, "concise", nothing).splitlines() == [
        "b.yaml:9:7: error JS005 first",
        "b.yaml:10:1: error JS005 second",
        "journeys/winback.yaml:31:13: error JS304 `customer.phone` may be missing here [winback/remind_sms]",
        "a.yaml:1:1: warning JS902 no tests [a]",
        "3 errors, 1 warning in 3 files",
    ]


def test_the_same_finding_is_told_once():
    assert render([PHONE, PHONE], "concise", nothing).count("JS304") == 1


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["JS001"], "1 error in 1 file"),
        (["JS001", "JS002"], "2 errors in 1 file"),
        (["JS902"], "1 warning in 1 file"),
        (["JS001", "JS902", "JS207"], "1 error, 2 warnings in 1 file"),
    ],
)
def test_the_summary_counts_what_there_is(codes, expected):
    assert summary([finding(code, "x", at(1, 1, 2)) for code in codes]) == expected


# json ---------------------------------------------------------------------------------------------------------------


def test_json_says_everything_there_is():
    fix = Fix(title="put it in quotes", span=at(3, 4, 9, "a.yaml"), replacement='"10:00"')
    other = finding("JS006", "`10:00` is a number elsewhere", at(3, 4, 9, "a.yaml"), fix=fix)
    document = json.loads(render([PHONE, other], "json", nothing))
    assert document["format"] == "journeyscript.diagnostics/1"
    assert document["summary"] == {"errors": 2, "warnings": 0, "notes": 0, "files": 2}
    first, second = document["diagnostics"]
    assert first == {
        "code": "JS006",
        "name": "yaml-coercion",
        "severity": "error",
        "message": "`10:00` is a number elsewhere",
        "help": None,
        "path": "a.yaml",
        "range": {"start": {"line": 3, "column": 4}, "end": {"line": 3, "column": 9}},
        "journey": None,
        "step": None,
        "labels": [],
        "witness": [],
        "fix": {
            "title": "put it in quotes",
            "path": "a.yaml",
            "range": {"start": {"line": 3, "column": 4}, "end": {"line": 3, "column": 9}},
            "replacement": '"10:00"',
        },
    }
    assert (second["journey"], second["step"], second["witness"]) == ("winback", "remind_sms", list(PHONE.witness))
    assert second["labels"][1]["text"] == "optional"


def test_json_of_nothing_is_still_a_document():
    document = json.loads(render([], "json", nothing))
    assert document["summary"] == {"errors": 0, "warnings": 0, "notes": 0, "files": 0}
    assert document["diagnostics"] == []


def test_a_path_that_is_not_text_can_be_written_as_json():
    found = finding("JS001", "bad", at(1, 1, 2, "journeys/\udce4.yaml"))
    text = render([found], "json", nothing)
    assert json.loads(text.encode())["diagnostics"][0]["path"] == "journeys/\udce4.yaml"


# github -------------------------------------------------------------------------------------------------------------


def test_github_gets_a_command_for_each_finding():
    assert render([PHONE], "github", nothing) == (
        "::error file=journeys/winback.yaml,line=31,endLine=31,col=13,endColumn=27,title=JS304 unguarded-optional::"
        "`customer.phone` may be missing here"
        "%0Awitness: order_placed, wait 3 days (phone removed on day 2), remind_sms"
        "%0Ahelp: add `has customer.phone and` in front"
    )


def test_github_severities_are_its_own_words():
    found = [finding("JS902", "no tests", at(1, 1, 2)), finding("JS001", "bad", at(1, 1, 2))]
    assert [line.split()[0] for line in render(found, "github", nothing).splitlines()] == ["::error", "::warning"]


def test_nothing_in_a_message_or_a_path_can_be_a_command_of_its_own():
    found = finding("JS005", "100%\r\n::error::no", at(1, 1, 2, "a,b:c\n.yaml"))
    text = render([found], "github", nothing)
    assert len(text.splitlines()) == 1
    assert "file=a%2Cb%3Ac%0A.yaml," in text
    assert text.endswith("::100%25%0D%0A::error::no")


def test_a_finding_over_several_lines_has_no_end_column_for_github():
    text = render([finding("JS005", "bad", at(1, 4, 2, end_line=3))], "github", nothing)
    assert "endLine=3" in text
    assert "endColumn" not in text


# all ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output_format", ["full", "concise", "github"])
def test_no_finding_is_no_text(output_format):
    assert render([], output_format, nothing) == ""


@pytest.mark.parametrize("output_format", OUTPUT_FORMATS)
def test_the_order_of_findings_does_not_matter(output_format):
    found = [PHONE, *(finding("JS005", f"item {n}", at(n, 1, 2, "a.yaml")) for n in range(1, 6))]
    assert render(found, output_format, nothing) == render(found[::-1], output_format, nothing)
