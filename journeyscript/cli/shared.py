"""What every command does alike: finding the project, exit codes, errors as one sentence, options of the same name.

An expected failure is a `CannotAnswer` and ends as a line on standard error and exit code 2, never as a traceback.
"""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from journeyscript.compiler import Project
    from journeyscript.semantics.types import Instant
    from journeyscript.stores.records import Store
    from journeyscript.syntax.config import ProjectConfig


class Exit(IntEnum):
    """The exit codes of every command."""

    YES = 0
    NO = 1
    CANNOT = 2
    NOTHING = 3
    CHANGES = 4


CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""How every command shows its help."""


class CannotAnswer(click.ClickException):
    """The command cannot do what it was asked for, for a reason outside the user's journeys."""

    exit_code = Exit.CANNOT

    def __init__(self, message: str, help_text: str | None = None) -> None:
        super().__init__(message)
        self.help_text = help_text

    def show(self, file: Any = None) -> None:  # noqa: ANN401 - click's own signature
        """Print the sentence, and what to do."""
        click.echo(f"error: {self.message}", err=True, file=file)
        if self.help_text is not None:
            click.echo(f"  help: {self.help_text}", err=True, file=file)


project_option = click.option(
    "--project",
    "-C",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="The project's folder; by default the nearest one with a journeyscript.yaml, from here upwards.",
)

store_option = click.option(
    "--store",
    "store_path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="The store's file; by default the one that journeyscript.yaml names.",
)


NO_CACHE = "journeyscript.no_cache"
"""Where a command's context says that `no_cache_option` was given."""


def _leave_cache_alone(context: click.Context, _: click.Parameter, asked: bool) -> None:
    context.meta[NO_CACHE] = asked


no_cache_option = click.option(
    "--no-cache",
    is_flag=True,
    expose_value=False,
    callback=_leave_cache_alone,
    help="Check everything anew, and keep nothing in .journeyscript/cache.",
)


def format_option(*formats: str) -> Callable[[Any], Any]:
    """Return the option that chooses how a command's answer looks; the first format is the default."""
    return click.option(
        "--output-format",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How the answer looks.",
    )


def find_root(folder: Path | None) -> Path:
    """Return the project's folder, or end the command."""
    from journeyscript.source.project import find_project

    start = folder or Path.cwd()
    root = find_project(start)
    if root is None:
        raise CannotAnswer(
            f"there is no journeyscript.yaml in `{start}` or above it", "run `journeyscript init` to start a project"
        )
    return root


def load_settings(folder: Path | None) -> "tuple[Path, ProjectConfig]":
    """Return the project's folder and what its project file says, without compiling anything."""
    from journeyscript.compiler import read_settings

    root = find_root(folder)
    try:
        return root, read_settings(root)
    except OSError as problem:
        raise CannotAnswer(f"`{root}` cannot be read: {problem.strerror}") from None


def today() -> date:
    """Return which day it is in UTC: the compiler has no clock, and some moments are past one day."""
    return datetime.now(UTC).date()


def load_project(folder: Path | None) -> "Project":
    """Return the compiled project, errors included; end the command where there is none to read."""
    from journeyscript.compiler import compile_project

    root = find_root(folder)
    try:
        return compile_project(root, today=today())
    except OSError as problem:
        raise CannotAnswer(f"`{root}` cannot be read: {problem.strerror}") from None


def load_sound_project(folder: Path | None) -> "Project":
    """Return the compiled project; show its errors and end the command where it has any."""
    project = load_project(folder)
    if not project.sound:
        show_errors(project)
        sys.exit(Exit.NO)
    return project


def show_errors(project: "Project") -> None:
    """Print a project's errors to standard error."""
    from journeyscript.cli.showing.findings.diagnostics import render
    from journeyscript.diagnostics import Severity

    errors = [d for d in project.diagnostics if d.severity == Severity.ERROR]
    color = sys.stderr.isatty()
    click.echo(render(errors, "full", source_reader(project.files.root), color=color), err=True)


def source_reader(root: Path) -> Callable[[str], str | None]:
    """Return a function that gives the text of a project's file, or `None` where it cannot be read."""

    def read(path: str) -> str | None:
        try:
            return (root / path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    return read


def open_store(path: Path, *, read_only: bool = False) -> "Store":
    """Return the SQLite store at a path, or end the command with the store's own words."""
    from journeyscript.stores.records import StoreError
    from journeyscript.stores.sqlite import open_sqlite

    try:
        return open_sqlite(path, read_only=read_only)
    except StoreError as problem:
        cannot(str(problem))


def cannot(message: str, help_text: str | None = None) -> NoReturn:
    """End the command: it could not answer."""
    raise CannotAnswer(message, help_text)


def in_milliseconds(moment: datetime) -> "Instant":
    """Return a moment of the command line as an instant; one without a zone is in UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)
