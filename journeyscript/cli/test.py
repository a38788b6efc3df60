"""`journeyscript test`: journeys tried on invented customers."""

import sys
import time
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

if TYPE_CHECKING:
    from journeyscript.cli.testing.running import Ran
    from journeyscript.compiler import Project
    from journeyscript.runtime.trials.coverage import Coverage


@click.command("test", context_settings=CONTEXT)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@project_option
@click.option("-k", "text", metavar="TEXT", help="Only tests with this text in their name, in any case.")
@click.option("--journey", metavar="NAME", help="Only tests of this journey.")
@click.option("--select", type=click.Choice(("changed",)), help="Only tests of journeys that changed.")
@click.option(
    "--against",
    default="git:HEAD",
    show_default=True,
    help="Since when, for --select: `git:REVISION`, the folder of another project, or `store`.",
)
@click.option("--coverage", is_flag=True, help="Tell what of each journey the tests take, and what they do not.")
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit with 1 where they take less than this of the steps, transitions, exits and goals; shows the coverage.",
)
@click.option(
    "--coverage-picture",
    "picture",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw the journey as SVG, with what no test takes standing out.",
)
@click.option("--generate", is_flag=True, help="Write a test for everything that no test takes.")
@click.option("--record", metavar="CUSTOMER", help="Write a test of what happened to a customer, with made-up data.")
@click.option(
    "--store",
    "store_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The store, for --record and --against store; by default the one that was written to last.",
)
@click.option(
    "--into",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where --generate and --record write to; by default behind the journey's other tests.",
)
@click.option(
    "--update", is_flag=True, help="Rewrite expectations that fail to what happened, and show the difference."
)
@format_option("full", "concise", "json", "junit")
def test_command(  # noqa: PLR0913, PLR0917 - one for each option
    paths: tuple[Path, ...],
    folder: Path | None,
    text: str | None,
    journey: str | None,
    select: str | None,
    against: str,
    coverage: bool,
    fail_under: float | None,
    picture: Path | None,
    generate: bool,
    record: str | None,
    store_path: Path | None,
    into: Path | None,
    update: bool,
    output_format: str,
) -> None:
    """Run the tests of journeys, in journeys/*.test.yaml or in PATHS.

    Each test is a customer's story: it runs on virtual time through the same code as in production, and nothing is
    sent. Exits with 0 where all passed, 1 where one failed, too little was taken or the project has errors, 3 where no
    test was chosen. Where the project file says `coverage`, journeys whose tests take less of them are told.

    \b
    journeyscript test
    journeyscript test journeys/welcome.test.yaml -k "day two"
    journeyscript test --select changed --against git:main
    journeyscript test --coverage --fail-under 90
    journeyscript test --journey welcome --generate
    journeyscript test --record c003 --journey welcome
    journeyscript test --update
    journeyscript test --output-format junit > tests.xml
    """
    if sum((generate, record is not None, update)) > 1:
        cannot("`--generate`, `--record` and `--update` each write in their own way", "give one of them at a time")
    project = load_sound_project(folder)
    if record is not None:
        from journeyscript.cli.testing.recording import write_recorded

        sys.exit(write_recorded(project, record, journey, store_path, into))
    from journeyscript.cli.testing.running import chosen, run_tests

    journeys = _journeys(project, journey, against if select else None, store_path)
    files = list(chosen(project, paths, journeys))
    if generate:
        from journeyscript.cli.testing.generating import write_generated

        names = (
            {file.journey.text for file in files} if paths else set(project.journeys if journeys is None else journeys)
        )
        sys.exit(write_generated(project, files, sorted(names), into) if names else _nothing(project))
    started = time.perf_counter()
    ran = run_tests(project, files, text)
    if not ran:
        sys.exit(_nothing(project))
    if update:
        from journeyscript.cli.testing.rewriting import rewrite

        rewrite(project, ran)
        project = load_sound_project(folder)
        ran = run_tests(project, chosen(project, paths, journeys), text)
    shown = coverage or fail_under is not None or picture is not None
    took, whole = time.perf_counter() - started, not paths and text is None
    sys.exit(_tell(project, ran, output_format, took, shown, fail_under, picture, whole))


def _journeys(project: "Project", journey: str | None, against: str | None, store_path: Path | None) -> set[str] | None:
    """Return the journeys that were asked for; `None` for all."""
    named = None if journey is None else {journey} & set(project.journeys)
    if against is None:
        return named
    from journeyscript.cli.testing.changed import changed_journeys

    changed = changed_journeys(project, against, store_path)
    return changed if named is None else named & changed


def _nothing(project: "Project") -> Exit:
    """Say that there is nothing to run."""
    there = bool(project.tests)
    click.echo("no test was chosen" if there else "there are no tests: write `journeys/NAME.test.yaml`", err=True)
    return Exit.NOTHING


def _tell(
    project: "Project",
    ran: "list[Ran]",
    output_format: str,
    took: float,
    shown: bool,
    fail_under: float | None,
    picture: Path | None,
    whole: bool,
) -> Exit:
    """Print the verdicts, and what the tests take where that is asked for; return the exit code.

    `whole`: all tests of each journey ran, so that what they leave out no test takes.
    """
    from journeyscript.cli.showing.verdicts import render
    from journeyscript.cli.testing.running import coverage_by_journey
    from journeyscript.diagnostics import Severity
    from journeyscript.runtime.trials.coverage import percent
    from journeyscript.runtime.trials.enough import coverage_below

    every = coverage_by_journey(ran) if shown else None
    below = coverage_below(project, coverage_by_journey(ran)) if whole else ()
    verdicts = {one.file.path: one.verdicts for one in ran}
    reader = source_reader(project.files.root)
    color = sys.stdout.isatty()
    click.echo(render(verdicts, output_format, took, reader, color=color, coverage=every, findings=below))
    if below and output_format == "junit":
        from journeyscript.cli.showing.findings.diagnostics import render as render_findings

        click.echo(render_findings(below, "concise", reader), err=True)
    if picture is not None and every is not None:
        _draw(project, every, picture)
    passed = all(verdict.passed for found in verdicts.values() for verdict in found)
    passed = passed and not any(one.severity == Severity.ERROR for one in below)
    if every is not None and fail_under is not None and percent(every) < fail_under:
        from journeyscript.cli.showing.coverage import share

        click.echo(f"the tests take {share(percent(every))}, which is less than {fail_under:g} %", err=True)
        return Exit.NO
    return Exit.YES if passed else Exit.NO


def _draw(project: "Project", every: "list[Coverage]", file: Path) -> None:
    """Write the picture of the one journey that was tested."""
    from journeyscript.cli.showing.coverage import as_picture

    if len(every) != 1:
        cannot("a picture shows one journey", "say which with `--journey NAME`")
    drawn = as_picture(project.journeys[every[0].journey].machine, every[0])
    try:
        file.write_text(drawn, encoding="utf-8", newline="\n")
    except OSError as problem:
        cannot(f"`{file}` cannot be written: {problem.strerror}")
    click.echo(f"wrote {file}", err=True)
