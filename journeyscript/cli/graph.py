"""`journeyscript graph`: a picture of a journey."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyscript.cli.shared import CONTEXT, cannot, load_sound_project, project_option

if TYPE_CHECKING:
    from journeyscript.compiler import Project
    from journeyscript.machine.lowering import Compiled
    from journeyscript.machine.pictures.picture import Heat, Picture

_FORMATS = ("mermaid", "dot", "svg")
_ENDINGS = {".svg": "svg", ".dot": "dot", ".gv": "dot"}


@click.command("graph", context_settings=CONTEXT)
@click.argument("journey", required=False)
@project_option
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="What to draw it in; by default what the ending of --output says, else mermaid.",
)
@click.option("--heat", is_flag=True, help="Show how many stand at each state, and how many went on from it.")
@click.option(
    "--store",
    "store_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The store to count in, for --heat; by default the one that was written to last.",
)
def graph_command(
    journey: str | None, folder: Path | None, output: Path | None, form: str | None, heat: bool, store_path: Path | None
) -> None:
    """Draw JOURNEY as a flowchart, as it was compiled.

    GitHub and many editors draw Mermaid from a ```mermaid block; SVG needs nothing but a browser to look at. JOURNEY
    may be left out where there is only one.

    \b
    journeyscript graph welcome
    journeyscript graph welcome -o welcome.svg
    journeyscript graph welcome -o welcome.svg --heat
    """
    from journeyscript.machine.pictures.picture import picture_of

    project = load_sound_project(folder)
    machine = _chosen(project, journey).machine
    counts = _counts(project, machine.journey, store_path) if heat else None
    if counts is not None:
        _tell_of_others(counts, {state.id for state in machine.states})
    chosen = form or _ENDINGS.get("" if output is None else output.suffix.lower(), "mermaid")
    drawn = _draw(picture_of(machine, counts), chosen)
    if output is None:
        click.echo(drawn, nl=False)
        return
    try:
        output.write_text(drawn, encoding="utf-8", newline="\n")
    except OSError as problem:
        cannot(f"`{output}` cannot be written: {problem.strerror}")
    click.echo(f"wrote {output}", err=True)


def _chosen(project: "Project", journey: str | None) -> "Compiled":
    names = ", ".join(f"`{name}`" for name in project.journeys)
    if journey is None:
        if len(project.journeys) != 1:
            cannot("say which journey to draw", f"there is {names}" if names else "there are no journeys")
        journey = next(iter(project.journeys))
    if journey not in project.journeys:
        cannot(f"there is no journey `{journey}`", f"there is {names}")
    return project.journeys[journey]


def _draw(picture: "Picture", form: str) -> str:
    match form:
        case "svg":
            from journeyscript.machine.pictures.svg import svg

            return svg(picture)
        case "dot":
            from journeyscript.machine.pictures.dot import dot

            return dot(picture)
        case _:
            from journeyscript.machine.pictures.mermaid import mermaid

            return mermaid(picture)


def _counts(project: "Project", journey: str, store_path: Path | None) -> dict[str, "Heat"]:
    from journeyscript.cli.stores import open_latest, shown_path
    from journeyscript.runtime.reporting.heat import heat_of
    from journeyscript.stores.records import StoreError

    store, path = open_latest(project.files.root, project.config, store_path)
    try:
        with contextlib.closing(store):
            counts = heat_of(store, journey)
    except StoreError as problem:
        cannot(str(problem))
    click.echo(f"counted in {shown_path(path)}", err=True)
    return counts


def _tell_of_others(counts: dict[str, "Heat"], states: set[str]) -> None:
    """Say how many stand where the picture shows nothing: at steps that only older versions have."""
    others = sum(heat.here for state, heat in counts.items() if state not in states)
    if others:
        who = "1 customer stands" if others == 1 else f"{others:,} customers stand"
        click.echo(f"{who} at steps that this version no longer has; they are not shown", err=True)
