"""Small projects for tests: the one under `golden/base`, with files laid over it, compiled on disk or in memory."""

import shutil
from datetime import date
from functools import cache
from pathlib import Path

from journeyscript.checks.flow import FLOW_CHECKS
from journeyscript.compiler import compile_project
from journeyscript.diagnostics import Diagnostic, Severity
from journeyscript.machine.lowering import Compiled, Surroundings, lower
from journeyscript.source.nodes import Mapping
from journeyscript.source.yaml import read_yaml
from journeyscript.syntax.journey import Journey, read_journey
from journeyscript.syntax.structure import check_structure

BASE = Path(__file__).parent / "golden" / "base"

TODAY = date(2026, 3, 1)
"""The day on which golden projects are compiled; in Berlin the clocks go forward on the 29th."""


def lay_out(root: Path, files: dict[str, str] | None = None, over: Path | None = None) -> Path:
    """Copy the base project to `root`, and lay files over it: texts by path, or those of a folder."""
    # Whoever looked at it with a command has left a cache there.
    shutil.copytree(BASE, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".journeyscript"))
    if over is not None:
        shutil.copytree(over, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.out"))
    for path, text in (files or {}).items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return root


@cache
def surroundings() -> Surroundings:
    """Return the names of the base project."""
    project = compile_project(BASE)
    assert not project.diagnostics, project.diagnostics
    return project.surroundings


def read(text: str, path: str = "journeys/trial.yaml") -> tuple[Journey | None, list[Diagnostic]]:
    """Return the journey that a text of the right shape says."""
    node, findings = read_yaml(path, text)
    if node is not None:
        findings = [*findings, *check_structure("journey", node)]
    if any(found.severity == Severity.ERROR for found in findings):
        return None, findings
    assert isinstance(node, Mapping)
    return read_journey(path, node), findings


def compile_text(text: str, path: str = "journeys/trial.yaml") -> tuple[Compiled | None, list[Diagnostic]]:
    """Return a journey of the base project, compiled and checked without touching the disk."""
    journey, findings = read(text, path)
    if journey is None:
        return None, findings
    compiled, found = lower(journey, surroundings())
    findings = [*findings, *found]
    if compiled is not None:
        findings += [item for check in FLOW_CHECKS for item in check(compiled)]
    return compiled, findings


def machine_of(text: str) -> Compiled:
    """Return the compiled journey of a text in which nothing is wrong."""
    compiled, findings = compile_text(text)
    assert not findings, findings
    assert compiled is not None
    return compiled


def steps_of(steps: str, head: str = "entry: { event: signed_up, again: always }") -> str:
    """Return a journey of these steps, which are written at the margin."""
    body = "\n".join("  " + line for line in steps.strip().splitlines())
    return f"journey: trial\n{head}\nsteps:\n{body}\n"


def codes(findings: list[Diagnostic]) -> list[str]:
    """Return the codes of findings, in order."""
    return [found.code for found in findings]
