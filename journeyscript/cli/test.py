"""`journeyscript test`: journeys tried on invented customers."""

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyscript.cli.shared import CONTEXT, Exit, format_option, load_sound_project, project_option, source_reader

if TYPE_CHECKING:
    from journeyscript.compiler import Project
    from journeyscript.runtime.trials.trial import Verdict
    from journeyscript.syntax.trial_file import WrittenTests


@click.command("test", context_settings=CONTEXT)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@project_option
@click.option("-k", "text", metavar="TEXT", help="Only tests with this text in their name, in any case.")
@click.option("--journey", metavar="NAME", help="Only tests of this journey.")
@format_option("full", "concise", "json", "junit")
def test_command(
    paths: tuple[Path, ...], folder: Path | None, text: str | None, journey: str | None, output_format: str
) -> None:
    """Run the tests of journeys, in journeys/*.test.yaml or in PATHS.

    Each test is a customer's story: it runs on virtual time through the same code as in production, and nothing is
    sent. Exits with 0 where all passed, 1 where one failed or the project has errors, 3 where no test was chosen.

    \b
    journeyscript test
    journeyscript test journeys/welcome.test.yaml -k "day two"
    journeyscript test --output-format junit > tests.xml
    """
    from journeyscript.cli.verdicts import render

    project = load_sound_project(folder)
    files = list(_chosen(project, paths, journey))
    started = time.perf_counter()
    verdicts = {file.path: _verdicts(project, file, text) for file in files}
    verdicts = {path: found for path, found in verdicts.items() if found}
    if not verdicts:
        click.echo(
            "no test was chosen" if project.tests else "there are no tests: write `journeys/NAME.test.yaml`", err=True
        )
        sys.exit(Exit.NOTHING)
    took = time.perf_counter() - started
    reader = source_reader(project.files.root)
    click.echo(render(verdicts, output_format, took, reader, color=sys.stdout.isatty()))
    passed = all(verdict.passed for found in verdicts.values() for verdict in found)
    sys.exit(Exit.YES if passed else Exit.NO)


def _chosen(project: "Project", paths: tuple[Path, ...], journey: str | None) -> "Iterable[WrittenTests]":
    """Yield the test files that are among the paths, or below one of them, and test the journey."""
    from journeyscript.syntax.trial_file import read_tests

    wanted = [path.resolve() for path in paths]
    for path, node in project.tests.items():
        place = (project.files.root / path).resolve()
        if wanted and not any(place.is_relative_to(one) for one in wanted):
            continue
        written = read_tests(path, node)
        if journey is None or written.journey.text == journey:
            yield written


def _verdicts(project: "Project", file: "WrittenTests", text: str | None) -> "list[Verdict]":
    """Return the verdicts on the tests of a file that have the text in their name."""
    from journeyscript.runtime.trials.trial import Trial
    from journeyscript.stores.memory import MemoryStore

    tests = [test for test in file.tests if text is None or text.casefold() in test.name.text.casefold()]
    if not tests:
        return []
    trial = Trial(project, file.journey.text)
    return [trial.run(test, MemoryStore()) for test in tests]
