"""A journey in a file of its own, which a project's is compared with: YAML as somebody wrote it, or a machine.

Takes the project and the file; gives the journey as it would be in that project, or ends the command. Reads nothing
but the file and the project.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from journeyscript.cli.shared import cannot

if TYPE_CHECKING:
    from journeyscript.compiler import Project
    from journeyscript.diagnostics import Diagnostic
    from journeyscript.stores.records import Deployment


def journey_in(project: "Project", file: Path, shown: str) -> "Deployment":
    """Return the journey in a file: YAML over the project's catalog and channels, or what `compile` has printed."""
    try:
        data = file.read_bytes()
    except OSError as problem:
        cannot(f"`{shown}` cannot be read: {problem.strerror}")
    return _machine(project, data, shown) if file.suffix == ".json" else _written(project, file, data, shown)


def _machine(project: "Project", data: bytes, shown: str) -> "Deployment":
    import msgspec

    from journeyscript.machine.canonical import machine_from_json, version_of
    from journeyscript.machine.model import About
    from journeyscript.stores.records import Deployment

    try:
        machine = machine_from_json(data)
    except msgspec.DecodeError as problem:
        cannot(f"`{shown}` is no machine: {problem}", "`journeyscript compile JOURNEY` prints one")
    # A machine says nothing of titles, owners and files: so there is nothing different about them.
    now = project.journeys.get(machine.journey)
    about = About() if now is None else now.about
    return Deployment(version=version_of(machine), machine=machine, about=about, contents={})


def _written(project: "Project", file: Path, data: bytes, shown: str) -> "Deployment":
    from journeyscript.cli.revisions import holes_in, journeys_of
    from journeyscript.compiler import compile_in_spite
    from journeyscript.source.nodes import Mapping, Scalar
    from journeyscript.source.yaml import read_file

    node, findings = read_file(file.parent, file.name)
    if node is None:
        _refuse(findings, data, shown)
    written = node.get("journey") if isinstance(node, Mapping) else None
    if not isinstance(written, Scalar):
        cannot(f"there is no journey in `{shown}`", "a journey's file begins with `journey: NAME`")
    known = project.journeys.get(written.text)
    # In the place of the journey of that name, so that it is no second one.
    path = f"journeys/{written.text}.yaml" if known is None else known.about.path
    compiled = compile_in_spite(project.files.root, {path: data})
    errors = [one for one in holes_in(compiled) if one.span.path == path]
    found = [one for one in journeys_of(compiled).values() if one.about.path == path]
    if errors or not found:
        _refuse(errors, data, shown)
    return found[0]


def _refuse(errors: "Sequence[Diagnostic]", data: bytes, shown: str) -> NoReturn:
    """End the command with what is wrong with a file."""
    from journeyscript.cli.showing.findings.diagnostics import render
    from journeyscript.cli.showing.findings.placing import renamed

    text = data.decode(errors="replace")
    click.echo(render((renamed(one, lambda _: shown) for one in errors), "full", lambda _: text) + "\n", err=True)
    cannot(f"the journey in `{shown}` has errors, so it cannot be compared with", "name a sound one")
