"""What a project is compared with: a revision of git, another folder, a journey's file, or what a store has deployed.

Gives machines by journey. The files of a revision are read through `git archive` into a temporary folder, so that
nothing of the working tree is touched.
"""

import contextlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from journeyscript.cli.shared import CannotAnswer, cannot, source_reader

if TYPE_CHECKING:
    from journeyscript.compiler import Project
    from journeyscript.diagnostics import Diagnostic
    from journeyscript.stores.records import Deployment

REVISION = "git:"


def revision_of(root: Path, revision: str) -> "dict[str, Deployment]":
    """Return the journeys of a project's folder as they were in a revision, by name; or end the command."""
    with project_at(root, revision) as project:
        return journeys_of(project)


@contextlib.contextmanager
def project_at(root: Path, revision: str) -> "Iterator[Project]":
    """Give a project's folder as it was in a revision, for as long as its files are there; or end the command."""
    _verified(root, revision)
    prefix = _git(root, revision, "rev-parse", "--show-prefix").decode().removesuffix("\n")
    top = Path(_git(root, revision, "rev-parse", "--show-toplevel").decode().removesuffix("\n"))
    archive = _git(top, revision, "archive", "--format=tar", f"{revision}:{prefix}")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        yield project_in(Path(folder), f"{REVISION}{revision}", f"{revision}:")


def project_there(root: Path, revision: str) -> bool:
    """Return whether a project's folder held a project in a revision; end the command where there is no such one."""
    _verified(root, revision)
    return bool(_git(root, revision, "ls-tree", "--name-only", revision, "--", "journeyscript.yaml"))


def _verified(root: Path, revision: str) -> None:
    _git(root, revision, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")


class BrokenProjectError(CannotAnswer):
    """What a project is compared with has errors that leave a hole; `project` is what there is beside it.

    `told` are the errors as they stand in the files of back then.
    """

    def __init__(self, project: "Project", shown: str, told: str, number: int) -> None:
        errors = "an error" if number == 1 else f"{number} errors"
        super().__init__(f"the project in `{shown}` has {errors}, so it cannot be compared with", "name a sound one")
        self.project, self.shown, self.told, self.number = project, shown, told, number

    def show(self, file: Any = None) -> None:  # noqa: ANN401 - click's own signature
        """Print the errors, and what they stand in the way of."""
        click.echo(f"{self.told}\n", err=True, file=file)
        super().show(file)


def folder_of(folder: Path, shown: str) -> "dict[str, Deployment]":
    """Return the journeys of another project, by name; or end the command."""
    return journeys_of(project_in(folder, shown))


def project_in(folder: Path, shown: str, prefix: str = "") -> "Project":
    """Return another project as compiled, with what errors leave to run; or end the command.

    `prefix` stands before the paths of its files; it is the folder's where none is said.

    Raises:
        BrokenProjectError: it has errors that leave nothing to run in their place.
    """
    from journeyscript.compiler import compile_in_spite

    if not (folder / "journeyscript.yaml").is_file():
        cannot(f"there is no project in `{shown}`", _elsewhere(folder, shown))
    try:
        project = compile_in_spite(folder)
    except OSError as problem:
        cannot(f"`{shown}` cannot be read: {problem.strerror}")
    errors = holes_in(project)
    if errors:
        from journeyscript.cli.showing.findings.diagnostics import render
        from journeyscript.cli.showing.findings.placing import behind, placed

        prefix = prefix or f"{folder.as_posix()}/"
        told = render([placed(one, prefix) for one in errors], "full", behind(prefix, source_reader(folder)))
        raise BrokenProjectError(project, shown, told, len(errors))
    return project


def holes_in(project: "Project") -> "list[Diagnostic]":
    """Return the errors that leave no machine in their place; what tests and populations say is no part of one."""
    from journeyscript.diagnostics import Severity
    from journeyscript.source.suppressions import can_be_ignored

    beside = {*project.files.tests, *project.files.simulations}
    return [
        one
        for one in project.diagnostics
        if one.severity == Severity.ERROR and not can_be_ignored(one.code) and one.span.path not in beside
    ]


def _elsewhere(folder: Path, shown: str) -> str:
    """Return what to name instead."""
    if not folder.exists() and shown != "store":
        return f"`{REVISION}{shown}` is a revision of git, `store` what is deployed, anything else a path"
    return "name `git:REVISION`, a folder with a journeyscript.yaml, or `store`"


def journeys_of(project: "Project") -> "dict[str, Deployment]":
    """Return the journeys of a compiled project, by name."""
    from journeyscript.runtime.session import deployments_of

    return {one.machine.journey: one for one in deployments_of(project)}


def store_of(path: Path) -> "dict[str, Deployment]":
    """Return the journeys that a store has as its current ones, by name; or end the command."""
    from journeyscript.cli.shared import open_store
    from journeyscript.stores.records import StoreError

    if not path.exists():
        cannot(
            f"there is no store at `{path}` to compare with", "name `--against git:REVISION`, or run the project first"
        )
    try:
        with contextlib.closing(open_store(path, read_only=True)) as store:
            kept, current = store.deployments()
    except StoreError as problem:
        cannot(str(problem))
    return {kept[version].machine.journey: kept[version] for version in current}


def _git(root: Path, revision: str, *arguments: str) -> bytes:
    git = shutil.which("git")
    if git is None:
        cannot("there is no `git` here to ask for a revision", "install git, or compare with a folder or the store")
    answer = subprocess.run([git, "-C", str(root), *arguments], capture_output=True, check=False)  # noqa: S603 - no shell
    if answer.returncode != 0:
        _refuse(root, revision, answer.stderr.decode(errors="replace"))
    return answer.stdout


def _refuse(root: Path, revision: str, said: str) -> NoReturn:
    if "not a git repository" in said:
        cannot(f"`{root}` is in no git repository", "compare with a folder or the store")
    if not said or "Needed a single revision" in said:
        cannot(f"git knows no revision `{revision}`", "`git log --oneline` lists some")
    lines = said.strip().splitlines()
    cannot(f"git cannot give the files of `{revision}`: {lines[-1].removeprefix('fatal: ')}")
