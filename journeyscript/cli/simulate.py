"""`journeyscript simulate`: a population through the journeys, on virtual time."""

import os
import sys
from collections.abc import Mapping
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
    source_reader,
)
from journeyscript.cli.showing.terminal import share_bar

if TYPE_CHECKING:
    from journeyscript.compiler import Project
    from journeyscript.runtime.simulation.population import Population
    from journeyscript.stores.records import Deployment, Store, Story


@click.command("simulate", context_settings=CONTEXT)
@click.argument("population", required=False)
@project_option
@click.option("--seed", type=click.IntRange(min=0), help="Draw with this number instead of the file's.")
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with pictures to this file."
)
@click.option(
    "--cores",
    type=click.IntRange(min=1),
    help="Use at most so many cores; all of this machine's where nothing is said. The answer is the same.",
)
@click.option("--explain", "explained", metavar="CUSTOMER", help="Tell every step of this customer instead.")
@format_option("full", "json")
def simulate_command(
    population: str | None,
    folder: Path | None,
    seed: int | None,
    html: Path | None,
    cores: int | None,
    explained: str | None,
    output_format: str,
) -> None:
    """Forecast what the journeys do with a population.

    POPULATION is a file of simulations/, by its name: who comes when, and what they do when they hear from us. It may
    be left out where there is only one. Weeks pass in seconds, through the same code as in production, with consent,
    caps and quiet hours; nothing is sent. The same seed gives the same answer. With --explain, what became of one
    customer is told as `explain` does it; those who are drawn are called c0000001, c0000002 and so on.

    \b
    journeyscript simulate welcome
    journeyscript simulate welcome --html forecast.html
    journeyscript simulate welcome --seed 8 --output-format json
    journeyscript simulate welcome --explain c0000042
    """
    from msgspec.structs import replace

    from journeyscript.runtime.simulation.forecast import forecast
    from journeyscript.runtime.simulation.run import collect_seldom, simulate

    project = load_sound_project(folder)
    chosen = _population(project, population)
    chosen = chosen if seed is None else replace(chosen, seed=seed)
    if explained is not None and html is not None:
        cannot("`--html` is a page on everybody, `--explain` is about one customer")
    collect_seldom()
    if explained is not None:
        _explain(project, chosen, explained, output_format)
        return
    with share_bar("simulating") as told:
        tally = simulate(project, chosen, lambda done: told(done, 1.0), cores=cores or os.cpu_count() or 1)
    found = forecast(project, chosen, tally)
    if html is not None:
        from journeyscript.cli.showing.simulations.page import page

        try:
            html.write_text(page(project, found, tally), encoding="utf-8", newline="\n")
        except OSError as problem:
            cannot(f"`{html}` cannot be written: {problem.strerror}")
    if output_format == "json":
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        from journeyscript.cli.showing.simulations.tables import parts_of
        from journeyscript.cli.showing.summary import print_parts

        print_parts(list(parts_of(found)))
    if html is not None:
        click.echo(f"wrote {html}", err=True)


def _explain(project: "Project", population: "Population", customer: str, output_format: str) -> None:
    """Tell what became of one customer, or end the command with 3 where nobody of that name comes."""
    from journeyscript.cli.explain import tell
    from journeyscript.runtime.simulation.run import simulate

    found: list[tuple[Story, Mapping[str, Deployment]]] = []

    def look(store: "Store") -> None:
        story = store.story(customer)
        if story is not None:
            found.append((story, store.deployments()[0]))

    with share_bar("simulating") as told:
        simulate(project, population, lambda done: told(done, 1.0), look)
    if not found:
        click.echo(f"nobody who is called `{customer}` comes in `{population.name}`", err=True)
        sys.exit(Exit.NOTHING)
    story, deployments = found[0]
    tell(story, deployments, project.config.timezone, None, output_format)


def _population(project: "Project", name: str | None) -> "Population":
    """Return the population of that name, or end the command with what is wrong with it."""
    from journeyscript.cli.showing.findings.diagnostics import render
    from journeyscript.runtime.simulation.reading import read_population

    files = {Path(path).stem: path for path in project.simulations}
    if not files:
        click.echo("there is no population: write `simulations/NAME.yaml`", err=True)
        sys.exit(Exit.NOTHING)
    there = "there is " + ", ".join(f"`{known}`" for known in files)
    if name is None and len(files) > 1:
        cannot("say which population to simulate", there)
    path = next(iter(files.values())) if name is None else files.get(name, name)
    if path not in project.simulations:
        cannot(f"there is no population `{name}`", there)
    population, findings = read_population(project, project.simulations[path])
    if findings:
        color = sys.stderr.isatty()
        click.echo(render(findings, "full", source_reader(project.files.root), color=color), err=True)
    if population is None:
        sys.exit(Exit.NO)
    return population
