"""`test --generate`: a test for everything that no test takes yet."""

from pathlib import Path

import click

from journeyscript.cli.shared import Exit, cannot
from journeyscript.cli.showing.coverage import in_words
from journeyscript.cli.testing.adding import NotTestsError, added
from journeyscript.cli.testing.running import Ran, run_tests
from journeyscript.compiler import Project
from journeyscript.machine.wording import counted
from journeyscript.runtime.trials.generated import generate
from journeyscript.runtime.trials.trial import Trial
from journeyscript.syntax.trial_file import WrittenTests


def write_generated(project: Project, files: list[WrittenTests], journeys: list[str], into: Path | None) -> Exit:
    """Write tests for what the files leave out of the journeys; say what was written and what nobody reaches."""
    ran = run_tests(project, files, None)
    if into is not None and len(journeys) != 1:
        cannot("a file tests one journey", "say which with `--journey NAME`")
    missing = 0
    for journey in journeys:
        missing += _of_journey(project, journey, [one for one in ran if one.file.journey.text == journey], into)
    return Exit.NO if missing else Exit.YES


def _of_journey(project: Project, journey: str, ran: list[Ran], into: Path | None) -> int:
    """Write the tests of one journey; return how much of it nobody was found for."""
    trial = Trial(project, journey)
    coverage = trial.coverage(verdict for one in ran for verdict in one.verdicts)
    names = [test.name.text for one in ran for test in one.file.tests]
    made = generate(trial, coverage, names)
    if made.tests:
        path = write_tests(project, journey, list(made.tests), into)
        click.echo(f"{journey}: wrote {counted(len(made.tests), 'test')} to {path}")
        for test in made.tests:
            click.echo(f"  {test['name']}")
    elif not made.unreached:
        click.echo(f"{journey}: its tests take everything already")
    # A step that no way leads to is told by its ways.
    told = [place for place in made.unreached if place.kind != "step"] or list(made.unreached)
    if told:
        click.echo(f"{journey}: nobody was found who goes here; write a test by hand, or ask whether anybody can:")
        for place in told:
            line = "" if place.span is None else f"{place.span.path}:{place.span.line}  "
            click.echo(f"  {line}{in_words(place)}")
    return len(made.unreached)


def write_tests(project: Project, journey: str, tests: list[dict[str, object]], into: Path | None) -> str:
    """Write tests behind those of a journey, or into a file; return its path as shown."""
    try:
        result = added(project, journey, tests, into)
        file = Path(result.path) if into is not None else project.files.root / result.path
        file.write_text(result.text, encoding="utf-8", newline="\n")
    except NotTestsError as problem:
        cannot(str(problem), "name a new file, or one of the journey's tests")
    except OSError as problem:
        cannot(f"the tests cannot be written: {problem.strerror}")
    return result.path
