"""`journeyscript review`: all there is to say of a change, in one comment for a pull request."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyscript.cli.shared import CONTEXT, Exit, cannot, load_project, project_option

if TYPE_CHECKING:
    from typing import TypeAlias

    from journeyscript.cli.reviewing.comment import Section
    from journeyscript.cli.revisions import BrokenProjectError
    from journeyscript.compiler import Project
    from journeyscript.machine.pictures.picture import Picture

    Before: TypeAlias = Project | BrokenProjectError | None
    """What is compared with: a project, what is wrong with it, or `None` where the revision had none yet."""


@click.command("review", context_settings=CONTEXT)
@project_option
@click.option(
    "--against",
    default="git:main",
    show_default=True,
    help="With what: `git:REVISION`, or the folder of another project.",
)
@click.option(
    "--store",
    "store_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The store in which people are counted; by default the one that journeyscript.yaml names, if it is there.",
)
@click.option("--population", metavar="NAME", help="Whom to forecast for; may be left out where there is only one.")
@click.option(
    "--picture-folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Draw what changed as SVG too, a file for each journey, into this folder.",
)
def review_command(
    folder: Path | None, against: str, store_path: Path | None, population: str | None, picture_folder: Path | None
) -> None:
    """Write one Markdown comment with all there is to say of a change.

    What `validate` finds, what the tests say and take, what becomes of the people inside (where there is a store), what
    is different, pictures with what is new, changed and gone, the most messages one customer can get, and a forecast
    (where there is a population), before and now. It fits into a comment on GitHub, and says what it cut for that.
    Nothing is written and nobody is moved.

    Exits with 0 where nothing stands in the way, 1 where an error, a failed test or a blocked plan does.

    \b
    journeyscript review
    journeyscript review --against git:origin/main --store production.db > review.md
    journeyscript review --population welcome --picture-folder pictures
    """
    from journeyscript.cli.reviewing.comment import comment
    from journeyscript.cli.reviewing.sections import of_broken, of_findings
    from journeyscript.cli.revisions import BrokenProjectError

    project = load_project(folder)
    with _before(project, against) as before:
        sections = [of_findings(project)]
        pictures: tuple[Picture, ...] = ()
        if isinstance(before, BrokenProjectError):
            sections.append(of_broken(before))
        if project.sound:
            more, pictures = _looked_at(before, project, against, store_path, population)
            sections += more
    click.echo(comment(against, sections))
    if picture_folder is not None:
        _draw(pictures, picture_folder)
    sys.exit(Exit.NO if any(section.blocked for section in sections) else Exit.YES)


@contextlib.contextmanager
def _before(project: "Project", against: str) -> "Iterator[Before]":
    """Give what the project is compared with."""
    from journeyscript.cli.revisions import REVISION, BrokenProjectError, project_at, project_in, project_there

    root, revision = project.files.root, against.removeprefix(REVISION)
    with contextlib.ExitStack() as stack:
        before: Before = None
        try:
            if not against.startswith(REVISION):
                before = project_in(Path(against), against)
            elif project_there(root, revision):
                before = stack.enter_context(project_at(root, revision))
        except BrokenProjectError as broken:
            before = broken
        yield before


def _looked_at(
    before: "Before", after: "Project", against: str, store_path: Path | None, population: str | None
) -> "tuple[list[Section], tuple[Picture, ...]]":
    """Return all that only a project without errors can be asked, and the pictures of what changed."""
    from journeyscript.cli.revisions import BrokenProjectError

    if isinstance(before, BrokenProjectError):
        return _alone(after, store_path, population), ()
    return _side_by_side(before, after, against, store_path, population)


def _alone(after: "Project", store_path: Path | None, population: str | None) -> "list[Section]":
    """Return what can be said of a project without one to compare it with."""
    from journeyscript.cli.reviewing.people import of_forecast, of_people
    from journeyscript.cli.reviewing.sections import of_tests

    return [of_tests(after), of_people(after, store_path), of_forecast(None, after, population)]


def _side_by_side(
    before: "Project | None", after: "Project", against: str, store_path: Path | None, population: str | None
) -> "tuple[list[Section], tuple[Picture, ...]]":
    from journeyscript.cli.reviewing.people import of_forecast, of_people
    from journeyscript.cli.reviewing.sections import (
        of_differences,
        of_pictures,
        of_tests,
        of_worst_cases,
        pictures_of,
    )
    from journeyscript.cli.revisions import journeys_of
    from journeyscript.cli.showing.differences import compared

    was, now = {} if before is None else journeys_of(before), journeys_of(after)
    found = compared(was, now, (), "any")
    pictures = pictures_of(was, now, found)
    sections = [
        of_tests(after),
        of_people(after, store_path),
        of_differences(against, found),
        of_pictures(pictures),
        of_worst_cases(before, after),
        of_forecast(before, after, population),
    ]
    return [section for section in sections if section is not None], pictures


def _draw(pictures: "tuple[Picture, ...]", folder: Path) -> None:
    from journeyscript.machine.pictures.svg import svg

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for picture in pictures:
            (folder / f"{picture.journey}.svg").write_text(svg(picture), encoding="utf-8", newline="\n")
    except OSError as problem:
        cannot(f"`{folder}` cannot be written to: {problem.strerror}")
