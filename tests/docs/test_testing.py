"""The page about testing: its edits are made and its commands are run, in its order, in a new project."""

import re
import shlex

import pytest
from click.testing import CliRunner

from journeyscript.cli.main import cli

PAGE = "docs/testing.md"
BLOCK = re.compile(
    r"<!-- (?P<kind>edit|shown): (?P<name>[^>]*?) -->\n```\w+\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
COMMANDS = {
    "run": ["journeyscript test"],
    "failure": ["journeyscript test -k buyer"],
    "update": ["journeyscript test --update"],
    "coverage": ["journeyscript test --coverage -k buyer"],
    "generate": ["journeyscript test --generate"],
    "record": ["journeyscript run --events samples/events.jsonl", "journeyscript test --record c1"],
}
CODES = {"failure": 1}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    assert CliRunner().invoke(cli, ["init", str(tmp_path / "shop")]).exit_code == 0
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"


def edit(path, text):
    """Make the change that a difference shows; the lines around it stand there once."""
    lines = [(line[:1], line[1:]) for line in text.splitlines()]
    old, new = ("\n".join(words for sign, words in lines if sign != other) for other in "+-")
    before = path.read_text(encoding="utf-8")
    assert before.count(old) == 1, old
    path.write_text(before.replace(old, new), encoding="utf-8")


def test_the_page_says_what_happens(shop, document):
    page, tests = document(PAGE), shop / "journeys" / "welcome.test.yaml"
    seen, kept = set(), ""
    for block in list(BLOCK.finditer(page.text)):
        name = block["name"]
        if block["kind"] == "edit":
            edit(shop / name, block["text"])
        elif name in ("generated", "recorded"):
            page.shows(name, tests.read_text(encoding="utf-8").partition(kept)[2].lstrip("\n"))
        else:
            if name == "generate":
                # Most tests are taken away, so that something is missing.
                kept = tests.read_text(encoding="utf-8").partition("\n  - name: the others")[0] + "\n"
                tests.write_text(kept, encoding="utf-8")
            else:
                kept = tests.read_text(encoding="utf-8")
            page.shows(name, printed(name))
            seen.add(name)
    assert seen == COMMANDS.keys()


def printed(name):
    shown = ""
    for line in COMMANDS[name]:
        answer = CliRunner().invoke(cli, shlex.split(line)[1:], prog_name="journeyscript")
        last = line == COMMANDS[name][-1]
        assert answer.exit_code == (CODES.get(name, 0) if last else 0), answer.output
        if last:
            output = re.sub(r"in \d+\.\d+ s$", "in 0.01 s", answer.output, flags=re.MULTILINE)
            shown += f"$ {line}\n" + "".join(f"{part.rstrip()}\n" for part in output.splitlines())
    return shown
