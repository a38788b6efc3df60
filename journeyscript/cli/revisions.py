"""What a project is compared with: a revision of git, another folder, or what a store has deployed.

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
from typing import TYPE_CHECKING, NoReturn

from journeyscript.cli.shared import cannot

if TYPE_CHECKING:
    from journeyscript.compiler import Project
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
        yield project_in(Path(folder), f"{REVISION}{revision}")


def project_there(root: Path, revision: str) -> bool:
    """Return whether a project's folder held a project in a revision; end the command where there is no such one."""
    _verified(root, revision)
    return bool(_git(root, revision, "ls-tree", "--name-only", revision, "--", "journeyscript.yaml"))


def _verified(root: Path, revision: str) -> None:
    _git(root, revision, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")


def folder_of(folder: Path, shown: str) -> "dict[str, Deployment]":
    """Return the journeys of another project, by name; or end the command."""
    return journeys_of(project_in(folder, shown))


def project_in(folder: Path, shown: str) -> "Project":
    """Return another project as compiled, with what errors leave to run; or end the command."""
    from journeyscript.compiler import compile_in_spite
    from journeyscript.diagnostics import Severity
    from journeyscript.source.suppressions import can_be_ignored

    if not (folder / "journeyscript.yaml").is_file():
        cannot(
            f"there is no project in `{shown}`", "name `git:REVISION`, a folder with a journeyscript.yaml, or `store`"
        )
    try:
        project = compile_in_spite(folder)
    except OSError as problem:
        cannot(f"`{shown}` cannot be read: {problem.strerror}")
    errors = [d for d in project.diagnostics if d.severity == Severity.ERROR and not can_be_ignored(d.code)]
    if errors:
        first = errors[0]
        cannot(f"the project in `{shown}` has errors, the first of them in {first.span.path}: {first.message}")
    return project


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
