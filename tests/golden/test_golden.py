"""Golden pairs: what the compiler says of wrong projects, and the machines it makes of right ones.

`err/JS###-name*.yaml` is a journey laid into the project `base` as `journeys/trial.yaml`; a folder of such a name
holds files of any kind, which are laid over `base`. `.out` beside it is all that the compiler says.
`tested/JS###-name` is such a folder with tests, and `.out` is what is found once they ran. `change/JS8##-name` holds
two, `before` and `after`: three people came in before, and `.out` is what a plan finds. `ok/*.yaml` are journeys
without findings, with machines in `.machine.json`. Write them anew with `--update-golden` or UPDATE_GOLDEN=1.
"""

import json
import os
import re
from pathlib import Path

import pytest

from journeyscript.cli.showing.findings.diagnostics import render
from journeyscript.cli.testing.running import chosen, coverage_by_journey, run_tests
from journeyscript.compiler import compile_project
from journeyscript.machine.canonical import canonical_json, machine_from_json, version_of
from journeyscript.machine.model import Machine
from journeyscript.rules import RULES
from journeyscript.runtime.trials.enough import coverage_below
from journeyscript.syntax.journey import STEP_KEYWORDS
from tests.changing import changed, files_in
from tests.projects import TODAY, lay_out

HERE = Path(__file__).parent
WRONG = sorted(path for path in (HERE / "err").iterdir() if path.is_dir() or path.suffix == ".yaml")
TESTED = sorted(path for path in (HERE / "tested").iterdir() if path.is_dir())
CHANGED = sorted(path for path in (HERE / "change").iterdir() if path.is_dir())
RIGHT = sorted((HERE / "ok").glob("*.yaml"))

PROVED = {"JS202", "JS203"}
"""No file can break these: they hold of every machine that steps can make. `tests/checks` breaks them by hand."""


def code_of(path: Path) -> str:
    return path.name[:5]


@pytest.fixture
def updating(request):
    try:
        asked = request.config.getoption("--update-golden")
    except ValueError:  # The option is known only where this folder is asked for by name.
        asked = False
    return asked or os.environ.get("UPDATE_GOLDEN") == "1"


def compare(path: Path, text: str, updating: bool) -> None:
    if updating:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_wrong_project_is_told_what_is_wrong(path, tmp_path, updating):
    if path.is_dir():
        root = lay_out(tmp_path / "project", over=path)
    else:
        root = lay_out(tmp_path / "project", {"journeys/trial.yaml": path.read_text(encoding="utf-8")})
    found = compile_project(root, today=TODAY).diagnostics
    assert {item.code for item in found} == {code_of(path)}
    text = render(found, "full", lambda name: (root / name).read_text(encoding="utf-8")) + "\n"
    compare(path.with_suffix(".out") if path.is_file() else path.parent / f"{path.name}.out", text, updating)


@pytest.mark.parametrize("path", CHANGED, ids=lambda path: path.stem)
def test_a_change_is_told_what_it_does_to_those_inside(path, tmp_path, updating):
    project, planned = changed(tmp_path, files_in(path / "before"), files_in(path / "after"))
    assert {item.code for item in planned.findings} == {code_of(path)}
    assert planned.blocked == any(item.severity == "error" for item in planned.findings)
    text = render(planned.findings, "full", lambda name: _text_of(project.files.root / name)) + "\n"
    compare(path.parent / f"{path.name}.out", text, updating)


@pytest.mark.parametrize("path", TESTED, ids=lambda path: path.stem)
def test_tests_that_take_too_little_are_told_what_they_leave_out(path, tmp_path, updating):
    project = compile_project(lay_out(tmp_path / "project", over=path), today=TODAY)
    assert project.diagnostics == ()
    ran = run_tests(project, chosen(project, (), None), None)
    assert all(verdict.passed for one in ran for verdict in one.verdicts)
    found = coverage_below(project, coverage_by_journey(ran))
    assert {item.code for item in found} == {code_of(path)}
    text = render(found, "full", lambda name: _text_of(project.files.root / name)) + "\n"
    compare(path.parent / f"{path.name}.out", text, updating)


def _text_of(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def test_every_rule_has_a_golden_pair():
    assert {code_of(path) for path in WRONG + CHANGED + TESTED} | PROVED == {rule.code for rule in RULES}


def test_golden_pairs_are_called_after_their_rules():
    names = {rule.code: rule.name for rule in RULES}
    for path in WRONG + CHANGED + TESTED:
        assert re.fullmatch(rf"{code_of(path)}-{names[code_of(path)]}(-[a-z-]+)?", path.stem), path.name


def test_no_output_is_left_without_its_project():
    for folder, projects in (("err", WRONG), ("change", CHANGED), ("tested", TESTED)):
        assert {path.stem for path in (HERE / folder).glob("*.out")} == {path.stem for path in projects}


@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
def test_a_right_journey_compiles_to_its_machine(path, tmp_path, updating):
    # Beside it stands the one that starts by `api`, which others may enter.
    both = (path.with_name("entry_api.yaml"), path)
    root = lay_out(tmp_path, {f"journeys/{one.name}": one.read_text(encoding="utf-8") for one in both})
    project = compile_project(root, today=TODAY)
    assert project.diagnostics == ()
    machine = project.journeys[path.stem].machine
    document = {"version": version_of(machine), "machine": json.loads(canonical_json(machine))}
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    compare(path.with_suffix(".machine.json"), text, updating)
    assert machine_from_json(canonical_json(machine)) == machine


def test_the_right_journeys_show_every_kind_of_step():
    machines = (json.loads(path.read_text())["machine"] for path in (HERE / "ok").glob("*.machine.json"))
    kinds = {state["step"] for machine in machines for state in machine["states"]}
    assert kinds == {*STEP_KEYWORDS, "end"}


def test_every_part_of_a_machine_is_shown():
    text = "".join(path.read_text() for path in (HERE / "ok").glob("*.machine.json"))
    parts = re.findall(r'"is": "([a-z_]+)"', text)
    from journeyscript.machine import model

    written = {kind.__struct_config__.tag for kind in vars(model).values() if _is_part(kind, model.Part)}
    assert written <= set(parts), written - set(parts)
    assert Machine.__struct_fields__


def _is_part(kind: object, part: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, part) and kind is not part
