"""`journeyscript apply`: a plan carried out."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyscript.cli.shared import CONTEXT, Exit, cannot, load_sound_project, project_option, store_option

if TYPE_CHECKING:
    from journeyscript.runtime.changing.planning import Plan


@click.command("apply", context_settings=CONTEXT)
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--auto", is_flag=True, help="Plan and apply at once, where nothing blocks it.")
@project_option
@store_option
def apply_command(file: Path | None, auto: bool, folder: Path | None, store_path: Path | None) -> None:
    """Deploy the journeys and move those inside, as the plan in FILE says; in one transaction, or not at all.

    It is refused, with 1, where the journeys or what is deployed are others than those of the plan, or where somebody
    stands at a step now that the plan does not speak of, or would fare otherwise there. More people at a step that it
    does speak of fare as it says. Applied a second time, it does nothing. A run has to be stopped first.

    \b
    journeyscript plan --out change.plan
    journeyscript apply change.plan
    journeyscript apply --auto
    """
    if (file is None) != auto:
        cannot("name the file of a plan, or say --auto", "`journeyscript plan --out FILE` makes one")
    from journeyscript.cli.plan import HISTORIES, ahead, show_findings
    from journeyscript.cli.showing.plans import as_text
    from journeyscript.cli.writing import changing, moment_of
    from journeyscript.runtime.changing.applying import apply_plan, outdated
    from journeyscript.runtime.changing.planning import plan_change

    project = load_sound_project(folder)
    plan = None if file is None else _read(file)
    with changing(folder, store_path, "stop the run, apply the plan, and start it again") as store:
        now = moment_of(store)
        planned = plan_change(project, store, now)
        if auto and project.config.rules.get("JS805") == "error":
            planned, _ = ahead(project, store, planned, now, HISTORIES)
        if plan is not None and plan.versions == planned.plan.versions and not planned.plan.journeys:
            click.echo("nothing is left to do: what the plan is for is deployed")
            return
        why = None if plan is None else outdated(plan, planned.plan)
        if why is not None:
            click.echo(f"refused: {why}\n  help: make another plan with `journeyscript plan --out {file}`", err=True)
            sys.exit(Exit.NO)
        if planned.blocked:
            click.echo(as_text(planned.plan))
            show_findings(project, planned)
            sys.exit(Exit.NO)
        if not planned.plan.journeys:
            click.echo("no journey changes")
            return
        apply_plan(store, planned, now)
    click.echo(as_text(planned.plan))
    click.echo("applied")


def _read(file: Path) -> "Plan":
    import msgspec

    from journeyscript.cli.showing.plans import read_saved

    try:
        return read_saved(file.read_bytes())
    except OSError as problem:
        cannot(f"`{file}` cannot be read: {problem.strerror}", "`journeyscript plan --out FILE` makes one")
    except msgspec.DecodeError:
        cannot(f"`{file}` is no plan", "`journeyscript plan --out FILE` makes one")
