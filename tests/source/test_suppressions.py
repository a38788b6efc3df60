import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyscript.compiler import compile_project
from journeyscript.diagnostics import Severity
from journeyscript.rules import RULES
from journeyscript.source.comments import comments_in
from journeyscript.source.suppressions import can_be_ignored
from tests.projects import lay_out

CONSTANT = """\
journey: trial
entry: { event: signed_up, again: never }
steps:
  - branch:
      - if: 1 < 2%s
        steps: [{ send: reminder }]
      - else: []
"""

SHADOWED = """\
journey: trial
entry: { event: signed_up, again: never }
steps:
  - branch:
      - if: customer.vip
        steps: [{ send: reminder }]
      - if: customer.vip%s
        steps: [{ send: reminder, id: never }]
      - else: []
"""


def ignored(text, path="journeys/a.yaml"):
    """Return the lines that comments are about, with the rules that they ignore."""
    return [(comment.line, [name for name, _ in comment.names]) for comment in comments_in(path, text)]


@pytest.fixture
def findings(tmp_path):
    """Compile the base project with files laid over it; return the codes of what is found, and the project."""

    def compiled(journey, **files):
        laid = {name.replace("__", "/", 1).replace("_", "."): text for name, text in files.items()}
        project = compile_project(lay_out(tmp_path / "project", {"journeys/trial.yaml": journey, **laid}))
        return [found.code for found in project.diagnostics], project

    return compiled


# Where a comment is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("a: 1 # journeyscript: ignore[JS207]\n", [(1, ["JS207"])]),
        ("# journeyscript: ignore[JS207]\na: 1\n", [(2, ["JS207"])]),
        ("# journeyscript: ignore[JS207]\n\n# why\na: 1\n", [(4, ["JS207"])]),
        ("#journeyscript:ignore[ JS207 ,JS902 ] it is meant\na: 1\n", [(2, ["JS207", "JS902"])]),
        ("a: 1 # why # journeyscript: ignore[js207]\n", [(1, ["JS207"])]),
        ("a: 1 # journeyscript: ignore[constant-guard]\r\nb: 1\r\n", [(1, ["JS207"])]),
        ("a: [1, # journeyscript: ignore[JS207]\n 2]\n", [(1, ["JS207"])]),
        ("a: | # journeyscript: ignore[JS207]\n  text\n", [(1, ["JS207"])]),
        ("a: |\n  text\n# journeyscript: ignore[JS207]\nb: 1\n", [(4, ["JS207"])]),
        ("a: 'x' # journeyscript: ignore[JS207]\n", [(1, ["JS207"])]),
        ("a: 日本 # journeyscript: ignore[JS207]\n", [(1, ["JS207"])]),
        ("a: 1\n# journeyscript: ignore[JS207]", [(2, ["JS207"])]),
        ("a: 1 # journeyscript: ignore\n", [(1, [])]),
        ("a: 1 # journeyscript: ignore[]\n", [(1, [])]),
    ],
)
def test_a_comment_is_about_its_line_or_the_next_one_with_content(text, about):
    assert ignored(text) == about


@pytest.mark.parametrize(
    "text",
    [
        'a: "# journeyscript: ignore[JS207]"\n',
        "a: 'it''s # journeyscript: ignore[JS207]'\n",
        'a: "x\n  # journeyscript: ignore[JS207]\n  y"\n',
        "a: |\n  # journeyscript: ignore[JS207]\n  text\nb: 1\n",
        "a: >-\n\n  x # journeyscript: ignore[JS207]\n",
        "a: x# journeyscript: ignore[JS207]\n",
        "a: journeyscript: ignore[JS207]\n",
        "a: 1 # journeyscript: ignored[JS207]\n",
        "a: [ # journeyscript: ignore[JS207]\n",
        "[" * 100_000 + " # journeyscript: ignore[JS207]\n",
        "a: \x00 # journeyscript: ignore[JS207]\n",
        "",
    ],
    ids=range(12),
)
def test_what_is_no_comment_ignores_nothing(text):
    assert ignored(text) == []


@pytest.mark.parametrize(
    ("path", "text", "about"),
    [
        ("m.md", "Hi {{ a }} {% # journeyscript: ignore[JS602] %}\n", [(1, ["JS602"])]),
        ("m.md", "{%- # journeyscript: ignore[JS602] it is meant -%}\n\nHi {{ a }}\n", [(3, ["JS602"])]),
        ("m.md", "<!-- journeyscript: ignore[JS602] -->\nHi {{ a }}\n", [(2, ["JS602"])]),
        ("m.txt", "<!-- journeyscript: ignore[JS602] -->\nHi {{ a }}\n", []),
        ("m.txt", "---\nclass: marketing # journeyscript: ignore[JS602]\n---\nHi\n", [(2, ["JS602"])]),
        ("m.md", "---\nsubject: x\n---\n{% # journeyscript: ignore[JS602] %}\nHi\n", [(5, ["JS602"])]),
        ("m.md", "# journeyscript: ignore[JS602]\nHi\n", []),
        ("m.md", "{% raw %}{% # journeyscript: ignore[JS602] %}{% endraw %}\n", []),
        ("m.md", "---\nsubject: '# journeyscript: ignore[JS602]'\n---\nHi\n", []),
    ],
)
def test_a_message_has_comments_of_its_own_kind(path, text, about):
    assert ignored(text, path) == about


PIECES = st.sampled_from(
    ["# journeyscript: ignore[JS207]", "{% # journeyscript: ignore[a, JS1] %}", "<!-- journeyscript: ignore -->", "---",
     "\n", " ", "a: ", "'", '"', "|", ">-", "- ", "\r\n", "\t", "{% raw %}", "{% endraw %}", "x", "[", "\x00"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join), st.sampled_from(["a.yaml", "m.md", "m.txt"]))
def test_every_comment_stands_where_it_says(text, path):
    lines = text.split("\n")
    for comment in comments_in(path, text):
        here = lines[comment.span.line - 1]
        written = here[comment.span.column - 1 : comment.span.end_column - 1]
        assert written.startswith(("#", "{%", "<!--"))
        assert "journeyscript: ignore" in written
        assert comment.span.line <= comment.line <= len(lines) + 1
        for _, span in comment.names:
            assert here[span.column - 1 : span.end_column - 1] in ("JS207", "a", "JS1")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("path", "piece"),
    [
        ("a.yaml", "# journeyscript: ignore[JS207]\n"),
        ("a.yaml", "# journeyscript: ignore["),
        ("m.md", "<!-- journeyscript: ignore["),
        ("m.md", "{% # journeyscript: ignore[a]"),
        ("m.md", "{% raw %}"),
        ("m.md", "{% # journeyscript: ignore[JS602] %}\n"),
    ],
)
def test_a_very_large_file_is_looked_through_in_good_time(path, piece):
    assert len(comments_in(path, "# journeyscript:" + piece * 30_000)) <= 30_000


# What a comment does -----------------------------------------------------------------------------------------------


def test_a_warning_is_ignored_on_its_line(findings):
    assert findings(CONSTANT % "")[0] == ["JS207"]
    assert findings(CONSTANT % "   # journeyscript: ignore[JS207]")[0] == []
    assert findings(CONSTANT.replace("      - if", "      # journeyscript: ignore[JS207]\n      - if") % "")[0] == []


def test_another_rule_is_not_ignored_and_the_comment_was_of_no_use(findings):
    assert findings(CONSTANT % "   # journeyscript: ignore[JS902]")[0] == ["JS207", "JS010"]


def test_an_ignored_error_leaves_a_journey_that_runs(findings):
    found, project = findings(SHADOWED % "")
    assert (found, list(project.journeys)) == (["JS206"], [])
    comment = "   # journeyscript: ignore[JS206]"
    found, project = findings(
        SHADOWED.replace("      - if: customer.vip\n", f"      - if: customer.vip{comment}\n") % comment
    )
    assert "JS206" not in found
    assert (project.sound, list(project.journeys)) == (True, ["trial"])


def test_an_error_that_leaves_nothing_to_run_is_not_ignored(findings):
    found, project = findings(CONSTANT.replace("1 < 2", "customer.age > 2") % "   # journeyscript: ignore[JS304]")
    assert found == ["JS304", "JS010"]
    assert not project.sound
    assert project.journeys == {}


def test_while_there_is_an_error_no_comment_is_called_unused(findings):
    text = CONSTANT % "   # journeyscript: ignore[JS902]"
    assert findings(text.replace("reminder", "remindr"))[0] == ["JS105"]


@pytest.mark.parametrize(
    ("comment", "found"), [("", ["JS602"]), ("{% # journeyscript: ignore[JS602] %}\n", [])], ids=["bare", "ignored"]
)
def test_a_message_is_settled_in_its_own_file(tmp_path, comment, found):
    journey = "journey: trial\nentry: { event: signed_up, again: never }\nsteps: [{ send: hello, via: push }]\n"
    text = f"{comment}Hello {{{{ customer.first_name }}}}\n"
    root = lay_out(tmp_path, {"journeys/trial.yaml": journey, "channels/push/hello.txt": text})
    assert [item.code for item in compile_project(root).diagnostics] == found


def test_a_pattern_ignores_rules_in_its_files_only(findings):
    config = "name: base\nrules: { JS902: 'off', JS207: error }\nper_file_ignores: { 'journeys/old*': [JS207] }\n"
    assert findings(CONSTANT % "", journeyscript_yaml=config)[0] == ["JS207"]
    assert findings(CONSTANT % "", journeyscript_yaml=config.replace("old", "tri"))[0] == []


@pytest.mark.parametrize(
    ("code", "found"), [("JS304", "JS005"), ("JS299", "JS005"), ("js2077", "JS005"), ("JS010", "JS005")]
)
def test_a_pattern_names_rules_that_can_be_ignored(findings, code, found):
    config = f"name: base\nrules: {{ JS902: 'off' }}\nper_file_ignores: {{ 'journeys/*': [{code}] }}\n"
    codes, project = findings((CONSTANT % "").replace("1 < 2", "customer.vip"), journeyscript_yaml=config)
    assert codes[0] == found
    assert project.diagnostics[0].span.line == 3


def test_only_what_leaves_something_to_run_can_be_ignored():
    fixed = {rule.code for rule in RULES if not can_be_ignored(rule.code)}
    assert {f"JS{number:03}" for number in (1, 2, 3, 4, 5, 6, 8, 10, 12)} <= fixed
    assert {"JS304", "JS204", "JS210", "JS212", "JS601"} <= fixed
    warnings = {rule.code for rule in RULES if rule.severity != Severity.ERROR}
    assert warnings & fixed == {"JS010"}
