"""`test --record CUSTOMER`: what happened to a real customer as a test, with somebody else in their place."""

from pathlib import Path

import click

from journeyscript.cli.shared import Exit, cannot, source_reader
from journeyscript.cli.showing.findings.snippets import clean
from journeyscript.cli.showing.verdicts import told
from journeyscript.cli.testing.adding import alone, file_of
from journeyscript.cli.testing.generating import write_tests
from journeyscript.cli.writing import asking
from journeyscript.compiler import Project
from journeyscript.runtime.trials.recording import Recording, record
from journeyscript.runtime.trials.trial import Trial
from journeyscript.source.nodes import Mapping
from journeyscript.source.yaml import read_yaml
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Dossier
from journeyscript.syntax.trial_file import read_tests

_SHOWN = "recorded.test.yaml"


def write_recorded(
    project: Project, customer: str, journey: str | None, store_path: Path | None, into: Path | None
) -> Exit:
    """Write a customer's test where the journey does today what the store says; show it, and where not, otherwise."""
    with asking(project.files.root, store_path) as store:
        dossier = store.dossier(customer)
    if dossier is None:
        click.echo(f"the store knows no customer `{clean(customer)}`", err=True)
        return Exit.NOTHING
    chosen = _journey(project, dossier, customer, journey)
    if chosen is None:
        click.echo(f"`{clean(customer)}` has never entered {f'`{journey}`' if journey else 'any journey'}", err=True)
        return Exit.NOTHING
    trial = Trial(project, chosen)
    found = record(trial, dossier, _title(project, chosen))
    assert found is not None, "the customer was in it"
    _tell_of_data(found)
    if found.verdict.passed:
        path = write_tests(project, chosen, [found.test], into)
        click.echo(f"wrote `{found.test['name']}` to {path}; it passes")
        return Exit.YES
    text = alone(chosen, [found.test], _SHOWN)
    click.echo(text, nl=False)
    click.echo("nothing was written: the journey as it is now does otherwise than the store says\n", err=True)
    node, _ = read_yaml(_SHOWN, text)
    assert isinstance(node, Mapping), "it was run before"
    verdict = trial.run(read_tests(_SHOWN, node).tests[0], MemoryStore())
    reader = source_reader(project.files.root)
    shown = told(verdict, lambda path: text if path == _SHOWN else reader(path), color=False)
    click.echo("\n".join(shown), err=True)
    return Exit.NO


def _journey(project: Project, dossier: Dossier, customer: str, journey: str | None) -> str | None:
    """Return the journey to record; end the command where it is not clear which, or where there is none any more."""
    entered = list(dict.fromkeys(one.journey for one in dossier.story.enrollments))
    if journey is not None:
        if journey not in project.journeys:
            cannot(f"there is no journey `{journey}`")
        return journey if journey in entered else None
    there = [name for name in entered if name in project.journeys]
    if len(there) > 1:
        listed = ", ".join(f"`{name}`" for name in there)
        cannot(f"`{customer}` was in several journeys: {listed}", "say which with `--journey NAME`")
    return there[0] if there else None


def _title(project: Project, journey: str) -> str:
    """Return a name that no test of the journey's file has."""
    own = file_of(project, journey)
    names = set() if own is None else {test.name.text for test in read_tests(own, project.tests[own]).tests}
    number, name = 1, "what happened to a customer"
    while name in names:
        number += 1
        name = f"what happened to a customer ({number})"
    return name


def _tell_of_data(found: Recording) -> None:
    """Say whose data is in the test: somebody has to look before it is shared."""
    click.echo(f"replaced: {', '.join(found.replaced)}", err=True)
    if found.kept:
        click.echo(f"kept as it is, look at it before you share it: {', '.join(found.kept)}", err=True)
