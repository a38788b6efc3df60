"""`journeyscript diff`: what is different between two versions of the journeys."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyscript.cli.shared import (
    CONTEXT,
    Exit,
    cannot,
    format_option,
    load_sound_project,
    project_option,
    store_option,
)

if TYPE_CHECKING:
    from journeyscript.compiler import Project
    from journeyscript.machine.comparison import Tier
    from journeyscript.stores.records import Deployment


@click.command("diff", context_settings=CONTEXT)
@click.argument("journeys", nargs=-1, metavar="[JOURNEY]...")
@project_option
@store_option
@click.option(
    "--against",
    default="store",
    show_default=True,
    help="With what: `git:REVISION`, the folder of another project, a journey's file (YAML, or what `compile` prints, "
    "as .json), or `store`, which is what is deployed.",
)
@click.option(
    "--tier",
    type=click.Choice(("any", "report", "history", "inflight")),
    default="any",
    show_default=True,
    help="How deep a difference has to go.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 4 where there is a difference.")
@format_option("full", "json", "markdown")
def diff_command(
    journeys: tuple[str, ...],
    folder: Path | None,
    store_path: Path | None,
    against: str,
    tier: "Tier",
    exit_code: bool,
    output_format: str,
) -> None:
    """Tell what is different in each JOURNEY, or all of them, compared as machines and never as text.

    Comments, the order of keys and formatting make no difference.

    Each tier holds those behind it. `any`: all there is, also in which file a journey stands and what its `migrate`
    says. `report`: what people read of it, too: title, owner, stage, segment. `history`: what would have made last
    month go otherwise, which is what makes another version: who gets in, and all that follows. `inflight`: what matters
    to somebody who is inside: all of that but who gets in.

    \b
    journeyscript diff
    journeyscript diff welcome --against git:main
    journeyscript diff --against drafts/welcome.yaml
    journeyscript diff --tier inflight --exit-code
    journeyscript diff --against git:main --output-format markdown   # for a comment on a pull request
    """
    from journeyscript.cli.revisions import journeys_of
    from journeyscript.cli.showing.differences import Report, as_json, as_markdown, as_text, compared

    project = load_sound_project(folder)
    after = journeys_of(project)
    before = _before(project, store_path, against, journeys)
    if against != "store" and Path(against).is_file():
        (only,) = before
        if set(journeys) - {only}:
            cannot(f"`{against}` is the journey `{only}`, and no other one can be compared with it", "leave them out")
        journeys = (only,)
    for name in journeys:
        if name not in after and name not in before:
            from journeyscript.semantics.catalog import suggestion

            cannot(f"there is no journey `{name}`, neither now nor before", suggestion(name, {*after, *before}))
    report = Report(against=against, tier=tier, journeys=compared(before, after, journeys, tier))
    match output_format:
        case "json":
            click.echo(as_json(report))
        case "markdown":
            click.echo(as_markdown(report))
        case _ if report.journeys:
            click.echo(as_text(report))
        case _:
            click.echo(f"no journey is different from {against}", err=True)
    if report.journeys and exit_code:
        sys.exit(Exit.CHANGES)


def _before(
    project: "Project", store_path: Path | None, against: str, names: tuple[str, ...]
) -> "dict[str, Deployment]":
    """Return what is compared with; where all journeys are sound that were named, others need not be."""
    from journeyscript.cli.journey_files import journey_in
    from journeyscript.cli.revisions import REVISION, BrokenProjectError, folder_of, journeys_of, revision_of, store_of
    from journeyscript.cli.stores import live_store_path

    root = project.files.root
    if against == "store":
        return store_of(live_store_path(root, project.config, store_path))
    try:
        if against.startswith(REVISION):
            return revision_of(root, against.removeprefix(REVISION))
        if Path(against).is_file():
            one = journey_in(project, Path(against), against)
            return {one.machine.journey: one}
        return folder_of(Path(against), against)
    except BrokenProjectError as broken:
        before = journeys_of(broken.project)
        if not names or not set(names) <= set(before):
            raise
        return before
