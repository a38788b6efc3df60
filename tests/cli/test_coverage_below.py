"""`coverage` in the project file asks of each journey how much of it its tests take; who takes less is told."""

import json

import pytest

from journeyscript.compiler import compile_project
from tests.changing import files_in
from tests.golden.test_golden import HERE
from tests.projects import TODAY, lay_out

FILES = files_in(HERE / "tested" / "JS903-coverage-below")
SAID = "journeys/trial.yaml:1:10: warning JS903 the tests take 62.5 % of `trial`, which is less than 90 % [trial]"
SETTINGS = "journeyscript.yaml"
OFF = 'JS902: "off"'
AS_ERROR = FILES[SETTINGS].replace(OFF, f"{OFF}, JS903: error")


class Place:
    def __init__(self, root):
        self.root = root


@pytest.fixture
def tried(tmp_path, in_process):
    """Return what runs `journeyscript test` in the project, with some of its files replaced."""

    def run(*arguments, command="test", **replaced):
        files = {
            **FILES,
            **{name.replace("__", "/").replace("_yaml", ".yaml"): text for name, text in replaced.items()},
        }
        return in_process(Place(lay_out(tmp_path / "project", files)), command, *arguments)

    return run


def test_a_journey_whose_tests_take_too_little_is_told_and_nothing_fails(tried):
    ran = tried("--output-format", "concise")
    assert ran.exit_code == 0
    assert ran.stdout.splitlines()[-2:] == [SAID, "1 warning in 1 file"]


def test_as_an_error_it_is_a_no(tried):
    ran = tried(journeyscript_yaml=AS_ERROR)
    assert ran.exit_code == 1
    assert "1 passed, 0 failed" in ran.stdout
    assert "error[JS903]: the tests take 62.5 % of `trial`, which is less than 90 %" in ran.stdout


@pytest.mark.parametrize(
    ("written", "instead"),
    [("coverage: 90%\n", ""), ("90%", "62.5%"), (OFF, f'{OFF}, JS903: "off"')],
)
def test_where_enough_is_taken_or_nobody_asks_nothing_is_told(tried, written, instead):
    ran = tried(journeyscript_yaml=FILES[SETTINGS].replace(written, instead))
    assert (ran.exit_code, "JS903" in ran.stdout) == (0, False)


def test_a_comment_on_the_journey_excuses_it_and_is_no_idle_one(tried, tmp_path):
    written = FILES["journeys/trial.yaml"].replace("journey: trial", "journey: trial  # journeyscript: ignore[JS903]")
    assert "JS903" not in tried(journeys__trial_yaml=written).stdout
    assert compile_project(tmp_path / "project", today=TODAY).diagnostics == ()


def test_of_some_tests_of_a_journey_nothing_is_concluded(tried):
    assert "JS903" not in tried("-k", "who buys").stdout
    assert "JS903" not in tried("journeys/trial.test.yaml").stdout
    assert "JS903" in tried("--journey", "trial").stdout


def test_programs_are_told_as_well(tried):
    document = json.loads(tried("--output-format", "json").stdout)
    (found,) = document["diagnostics"]
    assert (found["code"], found["journey"], found["range"]["start"]["line"]) == ("JS903", "trial", 1)
    assert "coverage" not in document
    ran = tried("--output-format", "junit")
    assert ran.stdout.startswith("<?xml")
    assert SAID in ran.stderr


def test_what_is_generated_is_enough(tried, in_process, tmp_path):
    tried("--generate", journeyscript_yaml=AS_ERROR.replace("90%", "100%"))
    ran = in_process(Place(tmp_path / "project"), "test")
    assert ran.exit_code == 0, ran.output


def test_a_share_is_written_with_its_sign(tried):
    ran = tried(command="validate", journeyscript_yaml=FILES[SETTINGS].replace("90%", "0.9"))
    assert ran.exit_code == 1
    assert "JS005" in ran.stdout
