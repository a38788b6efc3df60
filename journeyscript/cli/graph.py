"""`journeyscript graph`: a picture of a journey."""

from pathlib import Path

import click

from journeyscript.cli.shared import CONTEXT, cannot, load_sound_project, project_option


@click.command("graph", context_settings=CONTEXT)
@click.argument("journey", required=False)
@project_option
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
def graph_command(journey: str | None, folder: Path | None, output: Path | None) -> None:
    """Draw JOURNEY as a Mermaid flowchart, as it was compiled.

    GitHub and many editors draw it from a ```mermaid block. JOURNEY may be left out where there is only one.

    \b
    journeyscript graph welcome
    journeyscript graph welcome -o welcome.mmd
    """
    from journeyscript.machine.mermaid import mermaid

    project = load_sound_project(folder)
    names = ", ".join(f"`{name}`" for name in project.journeys)
    if journey is None:
        if len(project.journeys) != 1:
            cannot("say which journey to draw", f"there is {names}" if names else "there are no journeys")
        journey = next(iter(project.journeys))
    if journey not in project.journeys:
        cannot(f"there is no journey `{journey}`", f"there is {names}")
    picture = mermaid(project.journeys[journey].machine)
    if output is None:
        click.echo(picture, nl=False)
        return
    try:
        output.write_text(picture, encoding="utf-8")
    except OSError as problem:
        cannot(f"`{output}` cannot be written: {problem.strerror}")
    click.echo(f"wrote {output}", err=True)
