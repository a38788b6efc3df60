"""`test --update`: files of tests rewritten to what happened, and the difference shown."""

import difflib

import click

from journeyscript.cli.shared import cannot
from journeyscript.cli.showing.findings.snippets import clean
from journeyscript.cli.testing.running import Ran
from journeyscript.cli.testing.updating import CannotUpdateError, updated
from journeyscript.compiler import Project


def rewrite(project: Project, ran: list[Ran]) -> None:
    """Rewrite what failed in each file; print the differences on standard error."""
    changed: dict[str, tuple[str, str]] = {}
    for one in ran:
        path = one.file.path
        try:
            before = (project.files.root / path).read_text(encoding="utf-8")
            after = updated(before, path, one.tests, project.catalog)
        except CannotUpdateError as problem:
            cannot(str(problem))
        except OSError as problem:
            cannot(f"`{path}` cannot be read: {problem.strerror}")
        if after != before:
            changed[path] = before, after
    for path, (before, after) in changed.items():
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{path}", f"b/{path}", lineterm="")
        click.echo("\n".join(clean(line) for line in lines), err=True)
        try:
            (project.files.root / path).write_text(after, encoding="utf-8", newline="\n")
        except OSError as problem:
            cannot(f"`{path}` cannot be written: {problem.strerror}")
    if not changed:
        click.echo("there is nothing to update", err=True)
