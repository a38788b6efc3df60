"""`journeyscript fmt`: every file in its one form."""

import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyscript.cli.shared import CONTEXT, Exit, cannot, find_root, project_option

if TYPE_CHECKING:
    from journeyscript.syntax.validating import FileKind


@click.command("fmt", context_settings=CONTEXT)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@project_option
@click.option("--check", is_flag=True, help="Write nothing; name the files that would change.")
@click.option("--diff", "show_diff", is_flag=True, help="Write nothing; show what would change.")
def fmt_command(paths: tuple[Path, ...], folder: Path | None, check: bool, show_diff: bool) -> None:
    """Format journeys, tests, catalog, channels and the project file: order of keys, spacing, quotes.

    With PATHS, only these files or folders. Comments stay with what they speak of, and what a journey does never
    changes. Exits with 0 where all is well, 1 where --check or --diff finds something to change, 2 where a file cannot
    be formatted (it is left alone), 3 where no file of the project is among PATHS.

    \b
    journeyscript fmt
    journeyscript fmt --check
    journeyscript fmt --diff journeys/welcome.yaml
    """
    root = find_root(folder)
    files = _chosen(paths, root)
    if not files:
        click.echo("nothing to format: no such file in the project", err=True)
        sys.exit(Exit.NOTHING)
    changed = failed = 0
    for path, kind in files:
        texts = _formatted(root, path, kind)
        if texts is None:
            failed += 1
            continue
        before, after = texts
        if before == after:
            continue
        changed += 1
        if show_diff:
            click.echo(_difference(path, before, after), nl=False)
        elif check:
            click.echo(f"would format {path}")
        else:
            _replace(root / path, after)
            click.echo(f"formatted {path}")
    click.echo(f"{len(files)} files, {changed} {'to change' if check or show_diff else 'changed'}", err=True)
    sys.exit(Exit.CANNOT if failed else Exit.NO if changed and (check or show_diff) else Exit.YES)


def _chosen(paths: tuple[Path, ...], root: Path) -> list[tuple[str, "FileKind"]]:
    """Return the project's files that are among the paths or below one of them, each with its kind."""
    from journeyscript.source.project import list_project

    try:
        files = list_project(root)
    except OSError as problem:
        cannot(f"`{root}` cannot be read: {problem.strerror}")
    single: list[tuple[str | None, FileKind]] = [
        (files.config, "project"),
        (files.customer, "customer"),
        (files.events, "events"),
        (files.segments, "segments"),
    ]
    known = [(path, kind) for path, kind in single if path is not None]
    known += [(path, "journey") for path in files.journeys]
    known += [(path, "test") for path in files.tests]
    known += [(path, "channel") for path in files.channels]
    known += [(path, "population") for path in files.simulations]
    wanted = [path.resolve() for path in paths]
    return sorted(
        (path, kind)
        for path, kind in known
        if not wanted or any((root / path).resolve().is_relative_to(place) for place in wanted)
    )


def _formatted(root: Path, path: str, kind: "FileKind") -> tuple[str, str] | None:
    """Return a file's text before and after, or `None` once it is told why it is left alone."""
    from journeyscript.cli.shared import source_reader
    from journeyscript.cli.showing.findings.diagnostics import render
    from journeyscript.source.text import read_text
    from journeyscript.syntax.formatter import format_text

    text, findings = read_text(root, path)
    if text is not None:
        result = format_text(kind, path, text)
        if result.text is not None:
            # Ends of lines count as well, and reading leaves them as they are.
            return text, result.text
        if result.refused is not None:
            click.echo(f"{path} is left alone: {result.refused}", err=True)
            return None
        findings = list(result.findings)
    click.echo(render(findings, "full", source_reader(root), color=sys.stderr.isatty()), err=True)
    return None


def _difference(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), path, f"{path} formatted", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _replace(file: Path, text: str) -> None:
    """Write a text in place of a file in one stroke, so that nobody ever reads half of it."""
    target = file.resolve()
    beside = target.with_name(f".{target.name}.tmp")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.chmod(target.stat().st_mode & 0o777)
        beside.replace(target)
    except OSError as problem:
        beside.unlink(missing_ok=True)
        cannot(f"`{file}` cannot be written: {problem.strerror}")
