"""`journeyscript validate`: yes or no, and where."""

import sys
from pathlib import Path
from typing import Literal

import click

from journeyscript.cli.shared import CONTEXT, Exit, format_option, load_project, project_option, source_reader


@click.command("validate", context_settings=CONTEXT)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@project_option
@format_option("full", "concise", "json", "github")
def validate_command(
    paths: tuple[Path, ...], folder: Path | None, output_format: Literal["full", "concise", "json", "github"]
) -> None:
    """Check every file of a project: journeys, catalog, channels, messages and tests.

    With PATHS, only findings in these files or folders are shown. Exits with 0 where there is no error, 1 where there
    is one, 3 where no file of the project is among PATHS.

    \b
    journeyscript validate
    journeyscript validate journeys/welcome.yaml
    journeyscript validate --output-format github   # annotations on a pull request
    """
    from journeyscript.cli.diagnostics import render, summary
    from journeyscript.diagnostics import Severity

    project = load_project(folder)
    files = project.files
    known = [*files.journeys, *files.tests, *files.channels, *files.messages]
    known += [path for path in (files.config, files.customer, files.events, files.segments) if path is not None]
    chosen = _chosen(paths, files.root, known)
    if not chosen:
        click.echo(
            "nothing to check: " + ("no such file in the project" if paths else "there are no journeys"), err=True
        )
        sys.exit(Exit.NOTHING)
    found = [d for d in project.diagnostics if not paths or d.span.path in chosen]
    text = render(found, output_format, source_reader(files.root), color=sys.stdout.isatty())
    if text:
        click.echo(text)
    if not found and output_format in ("full", "concise"):
        journeys = sum(path in chosen for path in files.journeys)
        click.echo(f"{journeys} journey{'s' if journeys != 1 else ''}, {len(chosen)} files, no findings")
    elif output_format == "github":
        click.echo(summary(found))
    sys.exit(Exit.NO if any(d.severity == Severity.ERROR for d in found) else Exit.YES)


def _chosen(paths: tuple[Path, ...], root: Path, known: list[str]) -> set[str]:
    """Return the project's files that are among the paths, or below one of them; all of them where none is named."""
    if not paths:
        return set(known)
    wanted = [path.resolve() for path in paths]
    return {name for name in known if any((root / name).resolve().is_relative_to(path) for path in wanted)}
