import re
import sys

import pytest

from journeyscript.cli.init import scaffold

ROWS = 4
"""Rows of a table that the README shows."""


@pytest.fixture
def readme(document):
    return document("README.md")


@pytest.fixture
def shop(tmp_path, say):
    say("init shop", folder=tmp_path)
    return tmp_path / "shop"


def shortened(report):
    """Return a report without how long it took, and with the first rows of each table only."""
    lines, row = [], None
    for line in re.sub(r", in [0-9.]+ s\.", ", in 0.3 s.", report).splitlines():
        if line.startswith(" ───"):
            row = 0
        elif not line:
            row = None
        elif row is not None:
            row += 1
        if row is None or row <= ROWS:
            lines.append(line)
        elif row == ROWS + 1:
            lines.append(" …")
    return "\n".join(lines) + "\n"


def test_the_journey_is_the_one_that_init_writes(readme):
    journey = scaffold("shop")["journeys/welcome.yaml"]
    readme.shows("journey", journey)
    assert sum(bool(line) for line in journey.splitlines()) <= 25


def test_the_picture_is_that_journey_as_drawn(readme, shop, say):
    readme.shows("picture", say("journeyscript graph welcome", folder=shop))


def test_the_mistake_gives_the_finding(readme, shop, say):
    mistake = readme.blocks()["mistake"]
    file = shop / "journeys" / "welcome.yaml"
    written = file.read_text()
    changed = written[: written.rindex("  - send: reminder")] + mistake
    assert changed != written
    file.write_text(changed)
    readme.shows("finding", say("journeyscript validate", folder=shop, code=1))


def test_the_two_commands_are_those_of_the_makefile(readme, root):
    commands = [line.split("#")[0].strip() for line in readme.blocks()["commands"].splitlines()]
    assert commands == ["make run", "make test"]
    makefile = (root / "Makefile").read_text()
    assert re.search(r"^run: .*\n\t\$\(BIN\)/journeyscript run --events samples/events.jsonl\n", makefile, re.MULTILINE)
    assert re.search(r"^test: .*\n\t\$\(BIN\)/python -m pytest", makefile, re.MULTILINE)


def test_what_make_run_shows_is_what_it_prints(readme, repository, say, monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(repository / ".venv" / "bin" / "journeyscript")])
    readme.shows("run", shortened(say("journeyscript run --events samples/events.jsonl", folder=repository)))


def test_the_explanation_is_what_is_told_after_that_run(readme, repository, say):
    say("journeyscript run --events samples/events.jsonl", folder=repository)
    readme.shows("explain", say("journeyscript explain c051 welcome", folder=repository))


def test_the_first_steps_after_installing_all_work(readme, tmp_path, say):
    install, init, enter, *rest = readme.blocks()["install"].splitlines()
    assert (install, init, enter) == ("pip install .", "journeyscript init shop", "cd shop")
    say(init, folder=tmp_path)
    assert rest
    for command in rest:
        say(command, folder=tmp_path / "shop")


def test_everything_in_a_fence_is_produced_by_a_test(readme):
    shown = {"journey", "picture", "mistake", "finding", "commands", "run", "explain", "install"}
    assert set(readme.blocks()) == shown
    assert len(re.findall(r"^```\w+$", readme.text, re.MULTILINE)) == len(shown)


def test_a_table_longer_than_the_readme_shows_is_cut():
    report = "in 12.5 s.\n\nA\n\n a\n ───\n" + "".join(f" {n}\n" for n in range(9)) + "\nend, in 3.1 s.\n"
    assert shortened(report) == "in 12.5 s.\n\nA\n\n a\n ───\n 0\n 1\n 2\n 3\n …\n\nend, in 0.3 s.\n"
