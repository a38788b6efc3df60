"""`journeyscript worst-case`: the most messages that one customer can get."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyscript.cli.shared import CONTEXT, Exit, cannot, find_root, format_option, project_option, show_errors

if TYPE_CHECKING:
    from journeyscript.cli.showing.worst_cases import WorstCase
    from journeyscript.compiler import Project


@click.command("worst-case", context_settings=CONTEXT)
@click.argument("journeys", nargs=-1, metavar="[JOURNEY]...")
@project_option
@format_option("table", "markdown", "json")
def worst_case_command(journeys: tuple[str, ...], folder: Path | None, output_format: str) -> None:
    """Count the most messages that one customer can get, by what the files say; nobody is asked and nothing is run.

    For each JOURNEY, or all of them, and for the chosen ones together, each entered once: how many messages in all, in
    any 24 hours, in any 7 days, and in the time of each frequency cap. The caps are not applied: that is what the
    numbers are to be held against.

    In all, `2-6` says that nobody who goes to an end gets fewer than 2 and nobody more than 6; an exit, a missing
    address or consent make it fewer. Within a time, `2-6` says that on some way 2 fall into it for sure, and that more
    than 6 never do. A send that may take several channels counts for each of them, and once for all. Customers are
    taken to stay in one time zone, and the runtime to keep up. `?` means that there are too many ways to tell.

    Below the table stands a way on which it is the most, and what a customer can enter again: the numbers are for one
    entry.

    \b
    journeyscript worst-case
    journeyscript worst-case welcome winback
    journeyscript worst-case --output-format markdown   # for a comment on a pull request
    """
    from journeyscript.cli.showing.worst_cases import as_json, as_markdown, print_tables

    found = _found(folder, journeys)
    match output_format:
        case "json":
            click.echo(as_json(found))
        case "markdown":
            click.echo(as_markdown(found))
        case _:
            print_tables(found)


def _found(folder: Path | None, wanted: tuple[str, ...]) -> "list[WorstCase]":
    from journeyscript.cli.showing.worst_cases import worst_cases
    from journeyscript.semantics.catalog import suggestion

    project = _project(folder)
    if not project.journeys:
        click.echo("nothing to count: there are no journeys", err=True)
        sys.exit(Exit.NOTHING)
    for name in wanted:
        if name not in project.journeys:
            listed = ", ".join(f"`{one}`" for one in project.journeys)
            cannot(f"there is no journey `{name}`", suggestion(name, project.journeys) or f"there is {listed}")
    return worst_cases(project, tuple(dict.fromkeys(wanted)) or tuple(project.journeys))


def _project(folder: Path | None) -> "Project":
    """Return the compiled project; one whose errors leave something to count is good enough, as over a cap is one."""
    from journeyscript.compiler import compile_in_spite
    from journeyscript.diagnostics import Severity
    from journeyscript.source.suppressions import can_be_ignored

    root = find_root(folder)
    try:
        project = compile_in_spite(root)
    except OSError as problem:
        cannot(f"`{root}` cannot be read: {problem.strerror}")
    if any(found.severity == Severity.ERROR and not can_be_ignored(found.code) for found in project.diagnostics):
        show_errors(project)
        sys.exit(Exit.NO)
    return project
