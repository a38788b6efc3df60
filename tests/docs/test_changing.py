"""The page about changing journeys: its edits are made and its commands are run, in its order, in a scratch clone."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from journeyscript.cli.main import cli
from journeyscript.stores.sqlite import open_sqlite

PAGE = "docs/changing-journeys.md"
BLOCK = re.compile(
    r"<!-- (?P<kind>file|edit|shown): (?P<name>[^>]*?) -->\n```\w+\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
COMMANDS = {
    "inside": ["git init --quiet", "git add --all", "git commit --quiet --message Clone",
               "journeyscript run --follow people.jsonl --once"],
    "difference": ["journeyscript diff", "journeyscript diff welcome --against git:HEAD --tier inflight --exit-code"],
    "backtested": ["journeyscript backtest --events past.jsonl --against git:HEAD --examples 1"],
    "blocked": ["journeyscript plan"],
    "refused": ["journeyscript run --once"],
    "planned": ["journeyscript plan --out change.plan"],
    "applied": ['git commit --quiet --all --message "Half a day"', "journeyscript apply change.plan"],
    "going on": ["journeyscript run --once"],
    "replayed": ["journeyscript run --events past.jsonl --until 2026-06-06 --store past.db > replay.txt"],
    "recorded": ["journeyscript plan --store past.db"],
    "reverted": ["git revert --no-edit HEAD", "journeyscript plan", "journeyscript apply --auto", "journeyscript diff"],
}  # fmt: skip
"""The commands of each block; what they print is what the block shows."""
CODES = {"blocked": 1, "refused": 2, "difference": 4}
"""How the last command of a block ends, where that is not 0."""


@pytest.fixture
def clone(root, tmp_path, monkeypatch):
    """A scratch clone that git may be used in."""
    for folder in ("catalog", "channels", "journeys"):
        shutil.copytree(root / folder, tmp_path / folder)
    for file in ("journeyscript.yaml", ".gitignore"):
        shutil.copy(root / file, tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ada@example.com")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    return tmp_path


def edit(path, text):
    """Make the change that a difference shows; the lines around it stand there once."""
    lines = [(line[:1], line[1:]) for line in text.splitlines()]
    old, new = ("\n".join(words for sign, words in lines if sign != other) for other in "+-")
    before = path.read_text(encoding="utf-8")
    assert before.count(old) == 1, old
    path.write_text(before.replace(old, new), encoding="utf-8")


def run(line):
    """Run a command; return how it ended and what it printed. Of git and what goes into a file, nothing is shown."""
    line, _, file = line.partition(" > ")
    program, *arguments = shlex.split(line)
    if program == "git":
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return 0, ""
    answer = CliRunner().invoke(cli, arguments, prog_name="journeyscript")
    assert "Traceback" not in answer.output
    if file:
        Path(file).write_text(answer.output, encoding="utf-8")
        return answer.exit_code, ""
    return answer.exit_code, answer.output


def state_of(folder):
    store = open_sqlite(folder / ".journeyscript" / "store.db", read_only=True)
    try:
        return [
            (one.state, one.version, one.since, one.due_at, one.visit)
            for name in ("ada", "bob", "eve")
            for one in store.story(name).enrollments
        ]
    finally:
        store.close()


def test_the_page_says_what_happens(clone, document):
    page = document(PAGE)
    seen = {}
    for block in list(BLOCK.finditer(page.text)):
        name, text = block["name"], block["text"]
        match block["kind"]:
            case "file":
                (clone / name).write_text(text, encoding="utf-8")
            case "edit":
                edit(clone / name, text)
            case _:
                shown = ""
                for line in COMMANDS[name]:
                    code, printed = run(line)
                    last = line == COMMANDS[name][-1]
                    assert code == (CODES.get(name, 0) if last else 0), printed
                    shown += f"$ {line}\n{printed}"
                page.shows(name, "".join(f"{line.rstrip()}\n" for line in shown.splitlines()))
                seen[name] = state_of(clone)
    assert seen.keys() == COMMANDS.keys()
    assert "warning[JS805]: 2 of 3 recorded histories" in page.blocks()["recorded"]
    moved, back = seen["applied"], seen["reverted"]
    assert [one[0] for one in moved] == ["first_day"] * 3
    assert [one[3] - two[3] for one, two in zip(seen["inside"], moved, strict=True)] == [12 * 3_600_000] * 3
    assert [one[:4] for one in back] == [one[:4] for one in seen["inside"]], "who is taken back is where they were"


def test_the_tests_of_the_journey_notice_that_a_message_comes_at_another_time(clone, document):
    for block in BLOCK.finditer(document(PAGE).text):
        if block["kind"] == "edit":
            edit(clone / block["name"], block["text"])
    code, printed = run("journeyscript test journeys/welcome.test.yaml")
    assert code == 1
    assert re.search(r"expected\s+`brand_story` at .*\n\s+happened\s+`brand_story` at ", printed)
