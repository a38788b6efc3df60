"""The index of what must hold names proofs that there are: nothing is left out of it, and nothing in it is made up."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.running import runs
from tests.worlds import examples

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
INDEX = yaml.safe_load((HERE / "acceptance.yaml").read_text(encoding="utf-8"))
CASES, ANSWERS = INDEX["cases"], INDEX["answers"]
DOCUMENT = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")
TOLD_BY_TESTS = {
    "A send has one identity",
    "Three outcomes, each final",
    "What a message says is settled when it is decided",
    "Other weights move the fewest",
    "Always true",
}
"""Answers that no journey, and nothing that comes in, can show; the document names their tests."""


@cache
def defined_in(path):
    """Return the names of tests at the top of a file: functions, and classes that a state machine gives."""
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    functions = {node.name for node in body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
    given = {
        target.id
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id.startswith("Test")
    }
    return functions | given


@pytest.fixture(scope="module")
def collected():
    """Return what pytest really collects of the files that are named: the ids of runs by the id of a test."""
    files = sorted({test.partition("::")[0] for one in (*CASES, *ANSWERS) for test in one.get("tests", ())})
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n0", "-p", "no:cacheprovider", *files],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-2_000:] + ran.stderr[-2_000:]
    found = {}
    for line in ran.stdout.splitlines():
        if line.startswith("tests/"):
            test, _, run = line.partition("[")
            path, name = test.split("::")[:2]
            found.setdefault(f"{path}::{name}", []).append(run)
    return found


def test_every_proof_that_is_named_is_collected(collected):
    assert [test for one in (*CASES, *ANSWERS) for test in one.get("tests", ()) if test not in collected] == []


def test_every_case_is_told_on_both_stores_or_says_why_not(collected):
    """Journeys are, by `test_case`."""
    for case in CASES:
        runs_of_it = [run for test in case.get("tests", ()) for run in collected[test]]
        both = all(any(re.search(rf"\b{kind}\b", run) for run in runs_of_it) for kind in ("memory", "sqlite"))
        assert bool(case.get("journeys") or both) != ("no_memory" in case), case["case"]


def journeys_there():
    """Return the journeys of this folder's projects that have tests."""
    files = [path.name for project in ("project", "policies") for path in (HERE / project / "journeys").iterdir()]
    return {name.removesuffix(".test.yaml") for name in files if name.endswith(".test.yaml")}


def headed(text):
    """Return what stands below each heading of a document: text by title."""
    parts = re.split(r"^##+ (.+)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_case_is_there_once_in_its_order():
    assert [case["case"] for case in CASES] == list(range(1, 37))
    assert len({one["says"] for one in (*CASES, *ANSWERS)}) == len(CASES) + len(ANSWERS)


@pytest.mark.parametrize("one", [*CASES, *ANSWERS], ids=lambda one: one["says"])
def test_every_proof_that_is_named_is_there(one):
    assert one.get("journeys") or one.get("tests")
    assert set(one.get("journeys", ())) <= journeys_there()
    for test in one.get("tests", ()):
        path, _, name = test.partition("::")
        assert Path(path).name.startswith("test_")
        assert name in defined_in(path), test


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["case"]))
def test_every_case_is_proved_in_simulation_or_says_why_not(case):
    """Journeys are, by `test_case_in_simulation`; other tests of a simulation are called so, or lie with them."""
    simulated = [test for test in case.get("tests", ()) if re.search(r"simulat|test_the_forecast", test)]
    assert bool(case.get("journeys") or simulated) != ("no_simulation" in case)


def test_what_is_called_after_a_case_is_named_by_it():
    named = {case["case"]: {*case.get("journeys", ()), *case.get("tests", ())} for case in CASES}
    for journey in journeys_there():
        if found := re.match(r"case_(\d\d)_", journey):
            assert journey in named[int(found[1])]
    for path in sorted(HERE.glob("test_*.py")):
        for name in defined_in(path.relative_to(ROOT)):
            if found := re.match(r"test_case_(\d\d)_", name):
                assert f"{path.relative_to(ROOT).as_posix()}::{name}" in named[int(found[1])]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer["says"])
def test_every_answer_has_an_example_in_the_document_and_a_proof_on_every_store(answer):
    section = headed(DOCUMENT)[answer["section"]]
    shown = "```yaml\ntests:" in section or "```yaml\nrun:" in section
    assert shown != (answer["section"] in TOLD_BY_TESTS)
    here = [test for test in answer.get("tests", ()) if test.startswith("tests/conformance/")]
    assert shown or here or answer.get("journeys")


def test_every_section_of_the_document_is_an_answer_or_is_held_otherwise():
    """The other ones are about how the program works, and hold without being asked for."""
    answered = {answer["section"] for answer in ANSWERS}
    others = {title for title, body in headed(DOCUMENT).items() if body.strip() and title not in answered}
    for title in others:
        body = headed(DOCUMENT)[title]
        assert "```yaml\ntests:" in body or "::test_" in body or title == "Which comes first", title


def test_examples_of_the_document_are_found_by_those_who_run_them():
    shown = len(re.findall(r"^```yaml\ntests:", DOCUMENT, re.MULTILINE))
    ran = len(re.findall(r"^```yaml\nrun:", DOCUMENT, re.MULTILINE))
    assert (len(examples(DOCUMENT)), len(runs(DOCUMENT))) == (shown, ran)
    assert shown > 40
    assert ran > 15


READING = {
    "sqlite3", "random", "time", "os", "threading", "logging", "yaml", "socket", "secrets", "uuid", "pathlib", "io",
    "subprocess", "asyncio",
}  # fmt: skip


@pytest.mark.parametrize("package", ["engine", "machine"])
def test_the_engine_is_held_to_reading_nothing_but_its_arguments(package):
    """What it imports cannot tell the time or read anything, and it calls nothing that can."""
    for path in sorted((ROOT / "journeyscript" / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            imported = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert READING.isdisjoint(name.partition(".")[0] for name in imported), f"{path}: {imported}"
            match node:
                case ast.Call(func=ast.Name(id=name)):
                    assert name not in {"open", "input"}, path
                case ast.Call(func=ast.Attribute(attr=name)):
                    assert name not in {"now", "utcnow", "today", "read_text", "read_bytes", "getenv"}, path
                case _:
                    pass
