"""`journeyscript fmt`: what it writes, what it only shows, and how it ends."""

import pytest
from click.testing import CliRunner

from journeyscript.cli.fmt import fmt_command
from tests.projects import lay_out

UGLY = "entry: {again: never, event: signed_up}\njourney: trial\nsteps:\n- wait: 1 day # a day\n"
TIDY = "journey: trial\nentry: { event: signed_up, again: never }\nsteps:\n  - wait: 1 day # a day\n"


@pytest.fixture
def project(tmp_path):
    root = lay_out(tmp_path, {"journeys/trial.yaml": UGLY})
    return root, root / "journeys/trial.yaml"


def fmt(root, *arguments):
    return CliRunner().invoke(fmt_command, ["-C", str(root), *map(str, arguments)])


def test_files_are_written_in_their_one_form_and_then_left_alone(project):
    root, file = project
    ran = fmt(root)
    assert (ran.exit_code, file.read_text()) == (0, TIDY)
    assert "formatted journeys/trial.yaml\n" in ran.stdout
    assert (fmt(root).stdout, fmt(root, "--check").exit_code) == ("", 0)


@pytest.mark.parametrize(
    ("option", "said"),
    [("--check", "would format journeys/trial.yaml\n"), ("--diff", "+entry: { event: signed_up, again: never }\n")],
)
def test_looking_writes_nothing_and_ends_with_no(project, option, said):
    root, file = project
    ran = fmt(root, option, file)
    assert (ran.exit_code, file.read_text()) == (1, UGLY)
    assert said in ran.stdout


def test_a_file_with_errors_is_left_alone_with_its_finding(project):
    root, file = project
    file.write_text("journey: [\n")
    ran = fmt(root, file)
    assert (ran.exit_code, file.read_text()) == (2, "journey: [\n")
    assert "JS001" in ran.stderr


def test_a_file_that_would_lose_something_is_left_alone_with_a_sentence(project):
    root, file = project
    file.write_text("journey: &a trial\nowner: *a\n")
    ran = fmt(root, file)
    assert ran.exit_code == 2
    assert "journeys/trial.yaml is left alone: it uses anchors, tags or directives" in ran.stderr


def test_no_file_of_the_project_is_nothing_to_do(project):
    root, _ = project
    assert fmt(root, root / "elsewhere").exit_code == 3
