"""`journeyscript compile`: the machine that a journey is."""

from pathlib import Path

import click

from journeyscript.cli.shared import CONTEXT, Exit, cannot, load_sound_project, project_option


@click.command("compile", context_settings=CONTEXT)
@click.argument("journey", required=False)
@project_option
@click.option("--version-only", is_flag=True, help="Print the version instead of the machine.")
@click.option("--pretty", is_flag=True, help="Indent the JSON, for reading; its hash is taken of the plain form.")
def compile_command(journey: str | None, folder: Path | None, version_only: bool, pretty: bool) -> None:
    """Print the canonical machine of JOURNEY as JSON; without JOURNEY, the version of each.

    The version is a hash of the machine: comments, formatting and file names never change it.

    \b
    journeyscript compile
    journeyscript compile welcome --pretty
    """
    import msgspec

    from journeyscript.machine.canonical import canonical_json, version_of

    project = load_sound_project(folder)
    if journey is None:
        if not project.journeys:
            click.echo("there are no journeys", err=True)
            raise SystemExit(Exit.NOTHING)
        for name, compiled in project.journeys.items():
            click.echo(f"{version_of(compiled.machine)}  {name}  {compiled.about.path}")
        return
    if journey not in project.journeys:
        cannot(f"there is no journey `{journey}`", "there is " + ", ".join(f"`{name}`" for name in project.journeys))
    machine = project.journeys[journey].machine
    document = canonical_json(machine)
    if version_only:
        click.echo(version_of(machine))
    else:
        click.echo(msgspec.json.format(document, indent=2) if pretty else document)
