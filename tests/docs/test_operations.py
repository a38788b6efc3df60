"""The page for operators: its commands are run, in its order, in one shop; its unit file is one that works."""

import configparser
import contextlib
import json
import os
import re
import shlex
import subprocess
import sys

import pytest
from click.testing import CliRunner

from journeyscript.cli.main import cli
from journeyscript.cli.run import run_command
from journeyscript.runtime.operating.metrics import Metrics
from journeyscript.stores.sqlite import open_sqlite
from tests.docs.conftest import ROOT

TASKS = ["doctor", "backup", "outbox", "suppressions", "pause", "resume", "stop", "erase", "merge", "prune"]
NAMES = ["ada", "bo", "visitor-1", "visitor-2"]
SIGNED_UP = {"event": "signed_up", "properties": {"source": "web"}}


@pytest.fixture
def page(document):
    return document("docs/operations.md")


@pytest.fixture(scope="module")
def make_operated(tmp_path_factory):
    def make():
        folder = tmp_path_factory.mktemp("operated")
        assert CliRunner().invoke(cli, ["init", str(folder / "shop")]).exit_code == 0
        live(folder / "shop", [SIGNED_UP | {"customer": name} for name in NAMES])
        return folder / "shop"

    return make


def live(shop, records):
    """Hand records to a run on the clock that ends when they are taken in."""
    lines = "".join(f"{json.dumps(record)}\n" for record in records)
    ran = subprocess.run(
        [sys.executable, "-m", "journeyscript", "run", "--once"],
        input=lines, cwd=shop, capture_output=True, text=True, timeout=100, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert f"Took in {len(records)} records" in ran.stderr


def told(shop, question):
    store = open_sqlite(shop / ".journeyscript" / "store.db", read_only=True)
    try:
        return question(store)
    finally:
        store.close()


def commands_of(block):
    """Run the commands of a block; return what it should show."""
    shown = ""
    for line in block.splitlines():
        if line.startswith("$ "):
            answer = CliRunner().invoke(cli, shlex.split(line)[2:], prog_name="journeyscript")
            assert "Traceback" not in answer.output
            assert answer.exit_code in (0, 3), answer.output
            shown += f"{line}\n" + re.sub(r"[\d,]+ bytes", "200,000 bytes", answer.output)
    return shown


@pytest.fixture(scope="module")
def operated(document, make_operated):
    """Do every task of the page in its order, in one shop; return what each should show."""
    blocks = document("docs/operations.md").blocks()
    with contextlib.chdir(make_operated()):
        return {task: commands_of(blocks[task]) for task in TASKS}


@pytest.mark.parametrize("task", TASKS)
def test_what_a_task_shows_is_what_its_commands_print(page, operated, task):
    page.shows(task, operated[task])


def test_a_record_of_an_erasure_does_what_the_page_says(page, make_operated):
    shop = make_operated()
    live(shop, [json.loads(page.blocks()["erase record"])])
    assert told(shop, lambda store: store.story("ada")) is None
    assert told(shop, lambda store: store.totals(0)).customers == 3


def test_a_record_of_a_merge_does_what_the_page_says(page, make_operated):
    shop = make_operated()
    live(shop, [json.loads(page.blocks()["merge record"])])
    assert told(shop, lambda store: store.survivors(NAMES)) == {"visitor-2": "ada"}


def test_every_thing_that_doctor_looks_for_is_on_the_page(page, root):
    source = (root / "journeyscript/runtime/reporting/doctor.py").read_text() + (
        root / "journeyscript/cli/doctor.py"
    ).read_text()
    abouts = set(re.findall(r'(?:_problem\(\s*|about=)"(\w+)"', source))
    part = page.text.partition("## Ask whether all is well")[2].partition("\n## ")[0]
    assert abouts
    assert abouts == {about for about in re.findall(r"`(\w+)`", part) if about != "doctor"}


def test_every_metric_is_on_the_page_and_only_counters_have_labels(page, tmp_path):
    metrics = Metrics([], lambda: 0, file=tmp_path / "run.prom")
    metrics.show(0, None, None)
    made = dict(re.findall(r"^# TYPE (\w+) (\w+)$", (tmp_path / "run.prom").read_text(), re.MULTILINE))
    told = dict(re.findall(r"^\| `(journeyscript_\w+)` \|(.*?)\|", page.text, re.MULTILINE))
    assert told.keys() == made.keys()
    assert {name for name, labels in told.items() if labels.strip()} == {
        n for n, kind in made.items() if kind == "counter"
    }


def test_the_unit_file_runs_commands_that_there_are(root):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(root / "deploy" / "journeyscript.service")
    program, command, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert program.endswith("/bin/journeyscript")
    assert command == "run"
    context = run_command.make_context("run", arguments)
    assert context.params["follow"] == ("/var/spool/shop/events",)
    assert shlex.split(unit["Service"]["ExecStartPre"])[1:] == ["validate"]
    assert unit["Service"]["KillSignal"] == "SIGTERM"
    assert "deploy/journeyscript.service" in (root / "docs" / "operations.md").read_text()
