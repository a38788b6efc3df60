"""What becomes of the people inside, and of a population, as sections of a comment.

Takes a project, the one before, a store or the name of a population; gives sections, or ends the command where what was
named is not there.
"""

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from journeyscript.checks.changes.change import crowd
from journeyscript.cli.plan import HISTORIES, planning
from journeyscript.cli.reviewing.comment import Section
from journeyscript.cli.reviewing.sections import finding_blocks
from journeyscript.cli.shared import cannot
from journeyscript.cli.showing.findings.markdown import escaped, inline
from journeyscript.cli.showing.plans import as_markdown
from journeyscript.cli.showing.simulations.words import amount
from journeyscript.compiler import Project
from journeyscript.runtime.simulation.forecast import Forecast, forecast
from journeyscript.runtime.simulation.population import Population
from journeyscript.runtime.simulation.reading import read_population
from journeyscript.runtime.simulation.run import simulate


def of_people(project: Project, store_path: Path | None) -> Section:
    """Return what becomes of everybody inside, by numbers from the store; a plan that is blocked stands in the way."""
    if store_path is not None and not store_path.exists():
        cannot(f"there is no store at `{store_path}`", "leave `--store` out where nobody is to be counted")
    with planning(project, store_path, HISTORIES) as made:
        if made is None:
            return Section(name="People inside", said="there is no store here, so nobody was counted")
        planned, outlook = made
        if not planned.plan.journeys:
            return Section(name="People inside", said="nothing changes for anybody")
        lines = [line for one in planned.plan.journeys for line in one.lines]
        return Section(
            name="People inside",
            said=f"{crowd(sum(one.people for one in lines), sum(one.test_customers for one in lines))} in what changes",
            blocks=(
                *as_markdown(replace(planned, findings=()), outlook).split("\n"),
                "",
                *finding_blocks(project, planned.findings),
            ),
            whole="journeyscript plan",
            blocked=planned.blocked,
        )


def of_forecast(before: Project | None, after: Project, wanted: str | None) -> Section:
    """Return what a population of the project would get, before and now."""
    files = {Path(path).stem: path for path in after.simulations}
    there = "there is " + ", ".join(f"`{name}`" for name in files) if files else "write `simulations/NAME.yaml`"
    if wanted is not None and files.get(wanted, wanted) not in after.simulations:
        cannot(f"there is no population `{wanted}`", there)
    if not files:
        return Section(name="Forecast", said="there is no population to simulate")
    if wanted is None and len(files) > 1:
        return Section(name="Forecast", said=f"not made, as nothing says for which population; {there}")
    path = next(iter(files.values())) if wanted is None else files.get(wanted, wanted)
    population, findings = read_population(after, after.simulations[path])
    if population is None:
        blocks = finding_blocks(after, findings)
        return Section(name="Forecast", said=f"`{path}` has errors", blocks=blocks, whole="simulate", blocked=True)
    now = _forecast(after, population)
    if before is None:
        return _compared(None, now, ())
    was, problems = read_population(before, after.simulations[path])
    if was is None:
        return _compared(None, now, (f"It cannot be simulated as it was: {inline(problems[0].message)}.\n",))
    return _compared(_forecast(before, was), now, ())


def _forecast(project: Project, population: Population) -> Forecast:
    return forecast(project, population, simulate(project, population))


def _compared(old: Forecast | None, new: Forecast, notes: tuple[str, ...]) -> Section:
    """Return totals, and of all other numbers those that are others now."""
    was, now = {} if old is None else dict(_numbers(old)), dict(_numbers(new))
    totals = dict(_totals(new))
    rows = [
        f"| {escaped(what)} | {was.get(what, '?' if old is None else '-')} | {now.get(what, '-')} |"
        for what in dict.fromkeys((*now, *was))
        if what in totals or was.get(what) != now.get(what)
    ]
    first = now["messages"] if old is None else f"{was['messages']} → {now['messages']}"
    return Section(
        name="Forecast",
        said=f"{first} messages for {new.customers:,} customers of {escaped(new.population)}",
        blocks=(*notes, "| | before | now |", "|---|---:|---:|", *rows),
        whole=f"journeyscript simulate {new.population}",
    )


def _totals(found: Forecast) -> Iterator[tuple[str, str]]:
    yield "messages", f"{sum(one.sent for one in found.messages):,}"
    yield "not sent", f"{sum(one.count for one in found.skipped):,}"
    if found.cost is not None:
        yield "cost", amount(found.cost)


def _numbers(found: Forecast) -> Iterator[tuple[str, str]]:
    """Yield what is counted, in words, and how many."""
    yield from _totals(found)
    for journey in found.journeys:
        yield f"{journey.journey}: entered", f"{journey.entered:,}"
        if journey.goal is not None:
            yield f"{journey.journey}: reached the goal", f"{journey.goal:,}"
    for one in found.messages:
        yield f"{one.journey}: {one.message} by {one.channel}", f"{one.sent:,}"
    for skip in found.skipped:
        yield f"{skip.journey}: {skip.message} not sent, {skip.reason}", f"{skip.count:,}"
    for hold in found.held:
        yield f"{hold.journey}: had to wait, {hold.reason}", f"{hold.count:,}"
    for channel in found.channels:
        yield f"busiest hour of {channel.channel}", f"{channel.peak:,}"
