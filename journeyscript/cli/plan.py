"""`journeyscript plan`: what a change does to the people inside."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyscript.cli.shared import (
    CONTEXT,
    Exit,
    cannot,
    format_option,
    load_sound_project,
    open_store,
    project_option,
    source_reader,
    store_option,
)

if TYPE_CHECKING:
    from journeyscript.compiler import Project
    from journeyscript.runtime.changing.outlook import Outlook
    from journeyscript.runtime.changing.planning import Planned
    from journeyscript.semantics.types import Instant
    from journeyscript.stores.records import Store

HISTORIES = 2_000
"""How much of the past is looked at where nothing is said: seconds, in any store."""


@click.command("plan", context_settings=CONTEXT)
@project_option
@store_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Keep the plan, for `apply`.")
@click.option(
    "--histories",
    type=click.IntRange(min=0),
    default=HISTORIES,
    show_default=True,
    help="How many recorded histories are replayed, and customers' weeks gone through; 0 leaves both out.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 4 where something would change.")
@format_option("full", "json", "markdown")
def plan_command(
    folder: Path | None,
    store_path: Path | None,
    out: Path | None,
    histories: int,
    exit_code: bool,
    output_format: str,
) -> None:
    """Tell what becomes of everybody who is inside of a journey that has changed, by numbers from the store.

    They stay in the version they came into; nobody moves until the file says so. With `migrate` everybody moves who is
    inside of an older version: to the step of the same name, to the one that is named, or out of the journey. The plan
    says who, how many have their time changed or go on at once, and who would receive again what they have received.

    What is recorded of those inside, and of those who left in the last weeks, goes through the changed journeys too:
    the plan says how many would have gone another way. And it says what is to be expected in a week, before and now:
    entries, and messages on each channel. Both look at a sample, the same one each time; neither is part of the plan
    that is kept for `apply`.

    It is blocked, and exits with 1, where somebody stands at a step that is gone and the file does not say where they
    go. The store is only read, and may be in use.

    \b
    journeyscript plan
    journeyscript plan --out change.plan && journeyscript apply change.plan
    """
    from journeyscript.cli.showing.outlooks import outlook_as_text
    from journeyscript.cli.showing.plans import as_json, as_markdown, as_text, saved

    project = load_sound_project(folder)
    with planning(project, store_path, histories) as made:
        if made is None:
            click.echo("there is no store yet: nobody is inside of anything", err=True)
            return
        planned, outlook = made
        match output_format:
            case "json":
                click.echo(as_json(planned, outlook))
            case "markdown":
                click.echo(as_markdown(planned, outlook))
            case _:
                click.echo(as_text(planned.plan) if planned.plan.journeys else "no journey changes")
                if ahead := outlook_as_text(outlook):
                    click.echo(f"\n{ahead}")
                show_findings(project, planned)
        if planned.blocked:
            sys.exit(Exit.NO)
        if out is not None:
            try:
                out.write_bytes(saved(planned.plan))
            except OSError as problem:
                cannot(f"`{out}` cannot be written: {problem.strerror}")
            click.echo(f"wrote {out}: `journeyscript apply {out}` does what it says, and nothing else", err=True)
        if planned.plan.journeys and exit_code:
            sys.exit(Exit.CHANGES)


def show_findings(project: "Project", planned: "Planned") -> None:
    """Print what is found of a plan."""
    from journeyscript.cli.showing.findings.diagnostics import render

    if planned.findings:
        text = render(planned.findings, "full", source_reader(project.files.root), color=sys.stdout.isatty())
        click.echo(f"\n{text}")


@contextlib.contextmanager
def planning(project: "Project", store_path: Path | None, histories: int) -> "Iterator[tuple[Planned, Outlook] | None]":
    """Give the plan for a project over the store of live runs, or the one that is named; `None` without a store.

    So many `histories` are looked at; what they show is among what is found of the plan.
    """
    from journeyscript.cli.stores import live_store_path
    from journeyscript.cli.writing import moment_of
    from journeyscript.runtime.changing.planning import plan_change
    from journeyscript.stores.records import StoreError

    path = live_store_path(project.files.root, project.config, store_path)
    if not path.exists():
        yield None
        return
    try:
        with contextlib.closing(open_store(path, read_only=True)) as store:
            now = moment_of(store)
            yield ahead(project, store, plan_change(project, store, now), now, histories)
    except StoreError as problem:
        cannot(str(problem))


def ahead(
    project: "Project", store: "Store", planned: "Planned", now: "Instant", histories: int
) -> "tuple[Planned, Outlook]":
    """Return a plan with its outlook, and with what that finds."""
    import msgspec

    from journeyscript.cli.running.replaying import progress_bar
    from journeyscript.runtime.changing.outlook import look_ahead

    outlook = look_ahead(project, store, planned, now, histories, lambda total: progress_bar(total, "looking ahead"))
    return msgspec.structs.replace(planned, findings=outlook.findings), outlook
