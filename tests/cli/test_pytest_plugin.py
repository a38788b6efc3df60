"""One `pytest` runs tests of Python and of journeys, where somebody asked for it."""

import pytest

pytest_plugins = ["pytester"]

FILES = {
    "journeyscript.yaml": "name: small\n",
    "catalog/events.yaml": "events:\n  signed_up: {}\n",
    "channels/note/channel.yaml": "adapter: console\nmedium: text\nconsent: none\n",
    "channels/note/hello.txt": "Hello.",
    "journeys/first.yaml": "journey: first\nentry: { event: signed_up, again: never }\nsteps:\n  - send: hello\n",
    "journeys/first.test.yaml": """journey: first
tests:
  - name: somebody is greeted
    timeline: [{ event: signed_up }]
    expect: { sends: [{ message: hello }] }
  - name: somebody is greeted twice
    timeline: [{ event: signed_up }]
    expect: { sends: [{ message: hello }, { message: hello }] }
""",
}


@pytest.fixture
def folder(pytester):
    for path, text in FILES.items():
        (pytester.path / path).parent.mkdir(parents=True, exist_ok=True)
        (pytester.path / path).write_text(text, encoding="utf-8")
    pytester.makepyfile(test_python="def test_python(): pass")
    return pytester


def test_nothing_is_collected_unasked(folder):
    folder.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize("how", [["--journeyscript"], ["-o", "journeyscript=true"]])
def test_tests_of_journeys_run_beside_those_of_python(folder, how):
    result = folder.runpytest_subprocess(*how)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "FAILED journeys/first.test.yaml:6 somebody is greeted twice",
            "*--> journeys/first.test.yaml:8:43",
            "*expected  sent, in this order: `hello`, `hello`",
            "*happened  sent: `hello`",
            "*what happened, in UTC:",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_one_test_is_chosen_as_any_other(folder):
    folder.runpytest_subprocess("--journeyscript", "-k", "greeted and not twice").assert_outcomes(
        passed=1, deselected=2
    )


def test_a_project_with_an_error_is_an_error_with_its_finding(folder):
    (folder.path / "journeys" / "first.yaml").write_text("journey: first\nentry: { event: sined_up, again: never }\n")
    result = folder.runpytest_subprocess("--journeyscript")
    result.assert_outcomes(errors=1, passed=0)
    result.stdout.fnmatch_lines(["*error?JS*"])


def test_a_file_outside_of_any_project_is_left_alone(folder):
    (folder.path / "journeyscript.yaml").unlink()
    folder.runpytest_subprocess("--journeyscript").assert_outcomes(passed=1)
