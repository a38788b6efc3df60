"""Golden pairs: what the compiler says of wrong projects, and the machines it makes of right ones.

`err/JS###-name*.yaml` is a journey laid into the project `base` as `journeys/trial.yaml`; a folder of such a name holds
files of any kind, which are laid over `base`. `.out` beside it is all that the compiler says. `ok/*.yaml` are journeys
without findings, with their machines in `.machine.json`. Write them anew with `--update-golden` or UPDATE_GOLDEN=1.
"""

import json
import os
import re
from pathlib import Path

import pytest

from journeyscript.cli.findings.diagnostics import render
from journeyscript.compiler import compile_project
from journeyscript.machine.canonical import canonical_json, machine_from_json, version_of
from journeyscript.machine.model import Machine
from journeyscript.rules import RULES
from journeyscript.syntax.journey import STEP_KEYWORDS
from tests.projects import TODAY, lay_out

HERE = Path(__file__).parent
WRONG = sorted(path for path in (HERE / "err").iterdir() if path.is_dir() or path.suffix == ".yaml")
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


def test_every_rule_has_a_golden_pair():
    assert {code_of(path) for path in WRONG} | PROVED == {rule.code for rule in RULES}


def test_golden_pairs_are_called_after_their_rules():
    names = {rule.code: rule.name for rule in RULES}
    for path in WRONG:
        assert re.fullmatch(rf"{code_of(path)}-{names[code_of(path)]}(-[a-z-]+)?", path.stem), path.name


def test_no_output_is_left_without_its_project():
    outputs = {path.stem for path in (HERE / "err").glob("*.out")}
    assert outputs == {path.stem for path in WRONG}


@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
def test_a_right_journey_compiles_to_its_machine(path, tmp_path, updating):
    root = lay_out(tmp_path, {f"journeys/{path.name}": path.read_text(encoding="utf-8")})
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
