"""`journeyscript test`: which tests run, how the answer looks, and what the exit code says."""

import json
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from journeyscript.cli.test import test_command as command

FILES = {
    "journeyscript.yaml": "name: small\n",
    "catalog/customer.yaml": "attributes:\n  email: { type: string, optional: true }\n",
    "catalog/events.yaml": "events:\n  signed_up: {}\n",
    "channels/note/channel.yaml": "adapter: console\nmedium: text\nconsent: none\n",
    "channels/note/hello.txt": "Hello.",
    "channels/note/goodbye.txt": "Goodbye.",
    "journeys/first.yaml": """
journey: first
entry: { event: signed_up, again: never }
steps:
  - send: hello
  - wait: 1 day
  - send: goodbye
""",
    "journeys/first.test.yaml": """journey: first
tests:
  - name: everybody is greeted
    timeline: [{ event: signed_up }]
    expect: { sends: [{ message: hello }] }
  - name: and let go on the next day
    timeline: [{ event: signed_up }, { after: 1 day }]
    expect: { sends: [{ message: hello }, { message: goodbye }] }
""",
    "journeys/second.yaml": """
journey: second
entry: { event: signed_up, again: never }
steps:
  - send: hello
""",
    "journeys/second.test.yaml": """journey: second
tests:
  - name: a customer is greeted twice
    timeline: [{ event: signed_up }, { after: 1 day }]
    expect:
      sends: [{ message: hello }, { message: hello }]
""",
}


@pytest.fixture
def folder(tmp_path):
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(folder):
    def invoke(*arguments):
        return CliRunner().invoke(command, ["--project", str(folder), *map(str, arguments)], catch_exceptions=False)

    return invoke


def test_where_all_pass_the_answer_is_yes(run, folder):
    result = run(folder / "journeys" / "first.test.yaml")
    assert result.exit_code == 0
    first, empty, last = result.output.splitlines()
    assert (first, empty) == ("journeys/first.test.yaml  ..", "")
    assert last.startswith("2 passed, 0 failed in 0.")


def test_a_failure_is_told_at_its_place_with_everything_that_happened(run):
    result = run()
    assert result.exit_code == 1
    told = result.output.split("\n")
    assert told[0] == "journeys/first.test.yaml   .."
    assert told[1] == "journeys/second.test.yaml  F"
    assert told[3:19] == [
        "FAILED journeys/second.test.yaml:3 a customer is greeted twice",
        "",
        "   --> journeys/second.test.yaml:6:35",
        "    |",
        "  6 |       sends: [{ message: hello }, { message: hello }]",
        "    |                                   ^^^^^^^^^^^^^^^^^^",
        "    expected  sent, in this order: `hello`, `hello`",
        "    happened  sent: `hello`",
        "    because   `hello` was sent only once",
        "    decided   at `send.hello`, journeys/second.yaml:5: sent by note",
        "",
        "  what happened, in UTC:",
        "    2026-01-05T09:00:00+00:00  signed_up   happens",
        "    2026-01-05T09:00:00+00:00  send.hello  entered on `signed_up`",
        "    2026-01-05T09:00:00+00:00  end         sent by note",
        "",
    ]
    assert told[19].startswith("2 passed, 1 failed in ")


def test_concise_is_a_line_for_each_failure(run):
    result = run("--output-format", "concise")
    assert result.exit_code == 1
    assert result.output.splitlines()[0] == (
        "journeys/second.test.yaml:6:35: expected sent, in this order: `hello`, `hello`; happened sent: `hello`"
        " [a customer is greeted twice]"
    )


def test_json_has_every_test_with_its_timeline(run):
    result = run("--output-format", "json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["format"] == "journeyscript.tests/1"
    assert (document["summary"]["passed"], document["summary"]["failed"]) == (2, 1)
    assert [(test["journey"], test["line"], test["passed"]) for test in document["tests"]] == [
        ("first", 3, True),
        ("first", 6, True),
        ("second", 3, False),
    ]
    failure = document["tests"][2]["failures"][0]
    assert failure["line"] == 6
    assert failure["decided"] == {
        "step": "send.hello",
        "path": "journeys/second.yaml",
        "line": 5,
        "why": "sent by note",
        "values": {},
    }
    assert document["tests"][0]["timeline"][0] == {
        "at": "2026-01-05T09:00:00+00:00",
        "what": "signed_up",
        "why": "happens",
        "values": {},
    }


def test_junit_is_xml_with_a_suite_for_each_file(run):
    result = run("--output-format", "junit")
    assert result.exit_code == 1
    root = ET.fromstring(result.stdout)
    assert root.attrib["tests"] == "3"
    assert root.attrib["failures"] == "1"
    assert [suite.attrib["name"] for suite in root] == ["journeys/first.test.yaml", "journeys/second.test.yaml"]
    (failure,) = root.iter("failure")
    assert failure.attrib["message"] == "expected sent, in this order: `hello`, `hello`; happened sent: `hello`"


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [(["-k", "GREETED", "--journey", "first"], 1), (["--journey", "first"], 2), (["-k", "next day"], 1)],
)
def test_tests_are_chosen_by_text_and_by_journey(run, arguments, passed):
    result = run(*arguments)
    assert result.exit_code == 0
    assert f"{passed} passed, 0 failed" in result.output


@pytest.mark.parametrize("arguments", [["-k", "no such thing"], ["--journey", "third"], ["channels"]])
def test_where_nothing_is_chosen_the_answer_is_that(run, arguments):
    result = run(*arguments)
    assert result.exit_code == 3
    assert result.output == "no test was chosen\n"


def test_a_project_without_tests_says_so(run, folder):
    for path in (folder / "journeys").glob("*.test.yaml"):
        path.unlink()
    result = run()
    assert result.exit_code == 3
    assert result.output == "there are no tests: write `journeys/NAME.test.yaml`\n"


def test_a_project_with_an_error_is_not_tested(run, folder):
    (folder / "journeys" / "second.yaml").write_text("journey: second\nentry: { event: signed_in, again: never }\n")
    result = run("--journey", "first")
    assert result.exit_code == 1
    assert "error[JS004]" in result.output


def test_a_folder_without_a_project_is_no_answer(tmp_path):
    result = CliRunner().invoke(command, ["--project", str(tmp_path)])
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("output_format", "shown"),
    [
        ("full", "error[JS301]: customers have no attribute `emial`"),
        ("concise", ":4:17: error JS301 customers have no"),
    ],
)
def test_a_test_that_is_wrong_itself_fails_with_the_finding(run, folder, output_format, shown):
    (folder / "journeys" / "second.test.yaml").write_text("""journey: second
tests:
  - name: somebody is greeted
    customer: { emial: ada@example.com }
    timeline: [{ event: signed_up }]
    expect: { sends: [{ message: hello }] }
""")
    result = run("--output-format", output_format)
    assert result.exit_code == 1
    assert shown in result.output
    assert "2 passed, 1 failed" in result.output


def test_what_would_steer_a_terminal_or_break_xml_is_made_visible(run, folder):
    text = FILES["journeys/second.test.yaml"].replace("a customer is greeted twice", '"\\e[31mred \\0 & <b>"')
    (folder / "journeys" / "second.test.yaml").write_text(text)
    for output_format in ("full", "concise", "junit"):
        result = run("--output-format", output_format)
        assert "\x1b" not in result.stdout
        assert "\x00" not in result.stdout
        if output_format == "junit":
            assert [case.attrib["name"] for case in ET.fromstring(result.stdout).iter("testcase")][-1].endswith("& <b>")
