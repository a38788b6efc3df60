"""The steps of the action, run as GitHub runs them: bash scripts, one after the other, until one fails."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = [step for step in ACTION["runs"]["steps"] if "run" in step]
TESTS = """
journey: welcome
tests:
  - name: a new customer hears from us
    at: 2026-03-28T20:00+01:00
    timeline: [{ event: signed_up }]
    expect: { sends: [{ message: MESSAGE }] }
"""
GH = """#!/bin/sh
# What GitHub's own program was asked for is written down; it knows one comment, if any.
echo "$@" >> "{folder}/gh.txt"
case "$*" in "pr view"*) cat "{folder}/last.md" ;; *) exit "$(cat "{folder}/refuses")" ;; esac
"""
FLAW = "\njourney: flawed\nentry: { event: signed_up, again: never }\nsteps:\n  - send: nothing\n"

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="the action's scripts are for bash")


@dataclass
class Outcome:
    """What a run of the action left behind: the failed step, what was printed, the summary and the outputs."""

    failed: str | None
    printed: str
    summary: str
    outputs: str


def filled(text, inputs):
    """Return a value with the action's own expressions filled in, as the runner does."""
    return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: inputs[found[1]], text)


@pytest.fixture
def act(tmp_path):
    """Return a function that runs the action's scripts, after its installation, in the root of a repository."""
    commands = tmp_path / "commands"
    commands.mkdir()
    program = commands / "journeyscript"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m journeyscript "$@"\n')
    program.chmod(0o755)

    def run(repository, base="", **given):
        inputs = {name: entry["default"] for name, entry in ACTION["inputs"].items()} | given
        files = {name: tmp_path / name.lower() for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
        for path in files.values():
            path.write_text("")
        environment = {
            **os.environ,
            **{name: str(path) for name, path in files.items()},
            "GITHUB_WORKSPACE": str(repository),
            "GITHUB_BASE_REF": base,
            "GITHUB_REF": "refs/pull/7/merge" if base else "refs/heads/main",
            "GITHUB_REPOSITORY": "shop/journeys",
            "RUNNER_TEMP": str(tmp_path),
            "PATH": os.pathsep.join([str(commands), os.environ["PATH"]]),
        }
        failed, printed = None, ""
        for step in STEPS:
            if step["name"] == "Install" or (failed is not None and step.get("if") != "always()"):
                continue
            if step.get("if") == "inputs.test == 'true'" and inputs["test"] != "true":
                continue
            variables = {name: filled(text, inputs) for name, text in step.get("env", {}).items()}
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
                cwd=repository,
                env={**environment, **variables},
                capture_output=True,
                text=True,
                encoding="utf-8",
                timeout=100,
                check=False,
            )
            printed += done.stdout + done.stderr
            failed = failed or (step["name"] if done.returncode else None)
        summary, outputs = (path.read_text(encoding="utf-8") for path in files.values())
        return Outcome(failed, printed, summary, outputs)

    return run


def test_every_value_of_a_step_is_one_that_the_action_takes():
    told = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text()))
    assert told == set(ACTION["inputs"])
    # A value inside a script would be code; in the environment it is only text.
    assert all("${{" not in step["run"] for step in STEPS)
    assert {step.get("if") for step in STEPS} == {None, "always()", "inputs.test == 'true'"}


@needs_bash
def test_a_sound_project_passes_and_says_so(make_shop, act, tmp_path):
    shop = make_shop({"journeys/welcome.test.yaml": TESTS.replace("MESSAGE", "welcome")}, root=tmp_path / "shop")
    outcome = act(shop.root)
    assert outcome.failed is None, outcome.printed
    assert "::error" not in outcome.printed
    assert "1 passed" in outcome.summary
    assert "no findings" in outcome.summary
    assert outcome.outputs.startswith("result=nothing found")


@needs_bash
def test_a_wrong_journey_is_shown_at_its_line_and_stops_the_rest(make_shop, act, tmp_path):
    shop = make_shop({"journeys/flawed.yaml": FLAW}, root=tmp_path / "shop")
    outcome = act(shop.root)
    assert outcome.failed == "Validate"
    assert "::error file=journeys/flawed.yaml,line=5,endLine=5,col=11," in outcome.printed
    assert "journeys/flawed.yaml:5:11" in outcome.summary
    assert "JS105" in outcome.summary
    assert "Tests of journeys" not in outcome.summary
    assert outcome.outputs == "result=1 error, 2 warnings in 2 files\n"


@needs_bash
@pytest.mark.parametrize("project", ["shops/one", "./shops/one/"])
def test_a_project_in_a_folder_is_shown_where_the_repository_has_it(make_shop, act, tmp_path, project):
    make_shop({"journeys/flawed.yaml": FLAW}, root=tmp_path / "mono" / "shops" / "one")
    outcome = act(tmp_path / "mono", project=project)
    assert outcome.failed == "Validate"
    assert "::error file=shops/one/journeys/flawed.yaml,line=5," in outcome.printed


@needs_bash
def test_a_journey_that_does_something_else_than_its_tests_say_fails(make_shop, act, tmp_path):
    shop = make_shop({"journeys/welcome.test.yaml": TESTS.replace("MESSAGE", "later")}, root=tmp_path / "shop")
    outcome = act(shop.root)
    assert outcome.failed == "Test"
    assert "1 failed" in outcome.summary
    assert act(shop.root, test="false").failed is None


@needs_bash
def test_a_project_without_tests_passes_with_a_warning(make_shop, act, tmp_path):
    outcome = act(make_shop(root=tmp_path / "shop").root)
    assert outcome.failed is None, outcome.printed
    assert "::warning file=journeys/welcome.yaml" in outcome.printed


@needs_bash
def test_a_repository_without_a_project_fails_and_says_so(act, tmp_path):
    (tmp_path / "empty").mkdir()
    outcome = act(tmp_path / "empty")
    assert outcome.failed == "Validate"
    assert "there is no journeyscript.yaml" in outcome.printed


def git(repository, *arguments):
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for name in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{name}_NAME": "Ada", f"GIT_{name}_EMAIL": "ada@example.com"}
    subprocess.run(["git", "-C", repository, *arguments], env=environment, check=True, capture_output=True)


@pytest.fixture
def pull_request(make_shop, tmp_path):
    """A checkout of one commit, as a pull request gets it: it does not hold the branch that the change goes to."""
    origin = make_shop({"journeys/welcome.test.yaml": TESTS.replace("MESSAGE", "welcome")}, root=tmp_path / "origin")
    git(origin.root, "init", "--quiet", "--initial-branch", "main")
    git(origin.root, "add", "--all")
    git(origin.root, "commit", "--quiet", "--message", "first")
    git(origin.root, "switch", "--quiet", "--create", "change")
    welcome = origin.root / "journeys" / "welcome.yaml"
    welcome.write_text(welcome.read_text().replace("1 second", "2 hours"))
    git(origin.root, "commit", "--quiet", "--all", "--message", "second")
    checkout = tmp_path / "checkout"
    url = f"file://{origin.root}"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--single-branch", "--branch=change", url, str(checkout))
    return checkout


@pytest.fixture
def gh(tmp_path):
    """GitHub's program, which writes down what it is asked for; return what it wrote."""
    program = tmp_path / "commands" / "gh"
    program.parent.mkdir(exist_ok=True)
    program.write_text(GH.format(folder=tmp_path))
    program.chmod(0o755)

    def knows(last="", refuses=0):
        (tmp_path / "last.md").write_text(last)
        (tmp_path / "refuses").write_text(str(refuses))
        (tmp_path / "gh.txt").write_text("")

    def asked():
        return [line for line in (tmp_path / "gh.txt").read_text().splitlines() if line.startswith("pr comment")]

    knows()
    return knows, asked


@needs_bash
def test_a_pull_request_is_reviewed_against_the_branch_it_goes_to(pull_request, act, gh, tmp_path):
    outcome = act(pull_request, base="main")
    assert outcome.failed is None, outcome.printed
    assert outcome.summary.startswith("<!-- journeyscript review -->\n")
    assert "after 1 second | after 2 hours |" in outcome.summary
    assert "```mermaid" in outcome.summary
    (review,) = re.findall(r"^review=(.*)$", outcome.outputs, re.MULTILINE)
    assert (tmp_path / "journey-review.md").samefile(review)
    assert gh[1]() == [], "nothing is written to a pull request without a token"


@needs_bash
@pytest.mark.parametrize(
    ("last", "edited"), [("", False), ("<!-- journeyscript review -->\nold", True), ("<!-- another -->\nold", False)]
)
def test_with_a_token_the_review_is_a_comment_that_the_next_run_writes_over(pull_request, act, gh, last, edited):
    knows, asked = gh
    knows(last)
    outcome = act(pull_request, base="main", token="t")
    assert outcome.failed is None, outcome.printed
    (line,) = asked()
    assert line.startswith("pr comment 7 --repo shop/journeys ")
    assert ("--edit-last" in line) is edited


@needs_bash
def test_a_token_that_may_not_write_is_a_warning(pull_request, act, gh):
    gh[0](refuses=1)
    outcome = act(pull_request, base="main", token="t")
    assert outcome.failed is None
    assert "::warning::the review could not be written" in outcome.printed
    assert outcome.summary.startswith("<!-- journeyscript review -->")


@needs_bash
def test_what_stands_in_the_way_fails_the_review_and_is_written_all_the_same(pull_request, act, gh):
    (pull_request / "journeys" / "flawed.yaml").write_text(FLAW)
    outcome = act(pull_request, base="main", token="t")
    assert outcome.failed == "Validate"
    assert "❌ not yet: findings" in outcome.summary
    assert len(gh[1]()) == 1


@needs_bash
def test_a_store_that_is_not_there_is_no_review_and_fails(pull_request, act):
    outcome = act(pull_request, base="main", store="nowhere.db")
    assert outcome.failed == "Review"
    assert "there is no store at `nowhere.db`" in outcome.printed
    assert "1 passed" in outcome.summary


def fenced(path):
    """Return what the YAML blocks of a document say."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)]


def test_the_documented_workflow_uses_the_action_and_the_hook_that_there_are():
    workflow, hooks = fenced("docs/ci.md")
    ours = [step for step in workflow["jobs"]["journeys"]["steps"] if "/journeyscript@" in step["uses"]]
    assert [set(step["with"]) <= set(ACTION["inputs"]) for step in ours] == [True]
    offered = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert {hook["id"] for repo in hooks["repos"] for hook in repo["hooks"]} == {hook["id"] for hook in offered}
    table = (ROOT / "docs/ci.md").read_text().partition("| input |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([\w-]+)`", table, re.MULTILINE) == list(ACTION["inputs"])
