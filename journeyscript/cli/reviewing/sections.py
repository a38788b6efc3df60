"""What is found, tested, different and drawn of a change, as sections of a comment.

Takes a project and what it is compared with; gives sections. Reads no store and simulates nothing.
"""

from collections.abc import Mapping, Sequence

from journeyscript.cli.reviewing.comment import Section
from journeyscript.cli.revisions import BrokenProjectError
from journeyscript.cli.shared import source_reader
from journeyscript.cli.showing import coverage as covering
from journeyscript.cli.showing.differences import Compared, Report
from journeyscript.cli.showing.differences import as_markdown as differences_as_markdown
from journeyscript.cli.showing.findings.diagnostics import render, summary
from journeyscript.cli.showing.findings.markdown import MOST, escaped, fold, folded, inline, table_of
from journeyscript.cli.showing.findings.placing import behind, placed, prefix_of
from journeyscript.cli.showing.verdicts import told
from journeyscript.cli.showing.worst_cases import numbers, worst_cases
from journeyscript.cli.testing.running import chosen, coverage_by_journey, run_tests
from journeyscript.compiler import Project
from journeyscript.diagnostics import Diagnostic, Severity
from journeyscript.machine.pictures.change import picture_of_change
from journeyscript.machine.pictures.mermaid import mermaid
from journeyscript.machine.pictures.picture import Picture, picture_of
from journeyscript.runtime.trials.coverage import percent
from journeyscript.runtime.trials.enough import coverage_below
from journeyscript.stores.records import Deployment

_MOST_ARROWS, _LONGEST_PICTURE = 400, 20_000
"""Mermaid draws no more than 500 arrows on a page of GitHub, and the comment has other parts."""


def of_findings(project: Project) -> Section:
    """Return what is found in the project's files; errors stand in the way."""
    found = project.diagnostics
    return Section(
        name="Findings",
        said=summary(found) if found else "none",
        blocks=finding_blocks(project, found),
        whole="journeyscript validate",
        blocked=not project.sound,
    )


def finding_blocks(project: Project, found: Sequence[Diagnostic]) -> tuple[str, ...]:
    """Return a table of findings, and below it each of them as a terminal shows it."""
    if not found:
        return ()
    prefix = prefix_of(project.files.root)
    reader = behind(prefix, source_reader(project.files.root))
    shown = [placed(one, prefix) for one in sorted(found, key=lambda one: one.severity != Severity.ERROR)]
    below = (folded(one, render([one], "full", reader).rpartition("\n\n")[0]) for one in shown[:MOST])
    return (*table_of(shown), "", *below)


def of_tests(project: Project) -> Section:
    """Return what came of the tests, each failed one with its story, and what they take; a failed one is in the way."""
    ran = run_tests(project, chosen(project, (), None), None)
    if not ran:
        return Section(name="Tests", said="there are none")
    verdicts = [verdict for one in ran for verdict in one.verdicts]
    failed = [verdict for verdict in verdicts if not verdict.passed]
    every = coverage_by_journey(ran)
    reader = source_reader(project.files.root)
    below = coverage_below(project, every)
    stories = (fold(f"failed: {one.name}", "\n".join(told(one, reader, color=False))) for one in failed)
    return Section(
        name="Tests",
        said=f"{len(verdicts) - len(failed)} passed, {len(failed)} failed; "
        f"they take {covering.share(percent(every))} of what they test",
        blocks=(*stories, *finding_blocks(project, below), fold("Coverage", covering.as_text(every))),
        whole="journeyscript test --coverage",
        blocked=bool(failed) or any(one.severity == Severity.ERROR for one in below),
    )


def of_broken(before: BrokenProjectError) -> Section:
    """Return what is wrong with what the project is compared with; that is not for the change to answer for."""
    errors = "is an error" if before.number == 1 else f"are {before.number} errors"
    return Section(
        name="Compared",
        said=f"with nothing, as there {errors} in {inline(f'`{before.shown}`')}",
        blocks=(fold("What is wrong there", before.told),),
    )


def of_differences(against: str, found: tuple[Compared, ...]) -> Section:
    """Return what is different in each journey."""
    if not found:
        return Section(name="Journeys", said="none is different")
    counts = {
        "changed": sum(bool(one.before and one.after) for one in found),
        "new": sum(not one.before for one in found),
        "gone": sum(not one.after for one in found),
    }
    report = Report(against=against, tier="any", journeys=found)
    return Section(
        name="Journeys",
        said=", ".join(f"{count} {word}" for word, count in counts.items() if count),
        blocks=tuple(differences_as_markdown(report).split("\n")),
        whole=f"journeyscript diff --against {against}",
    )


def pictures_of(
    before: Mapping[str, Deployment], after: Mapping[str, Deployment], found: tuple[Compared, ...]
) -> tuple[Picture, ...]:
    """Return a picture of each journey that is new, or whose machine is another one."""
    pictures = []
    for one in found:
        if not one.before:
            pictures.append(picture_of(after[one.journey].machine))
        elif one.after and one.before != one.after:
            machines = before[one.journey].machine, after[one.journey].machine
            pictures.append(picture_of_change(*machines, one.differences))
    return tuple(pictures)


def of_pictures(pictures: tuple[Picture, ...]) -> Section | None:
    """Return the pictures as GitHub draws them; `None` where there is none."""
    if not pictures:
        return None
    blocks = (_drawn(picture) for picture in pictures)
    return Section(
        name="Pictures",
        said=", ".join(picture.journey for picture in pictures[:5]) + (", …" if len(pictures) > 5 else ""),
        blocks=("Green is new, yellow is changed; red and dashed is gone.\n", *blocks),
        whole="journeyscript graph",
    )


def _drawn(picture: Picture) -> str:
    text = mermaid(picture)
    if len(picture.arrows) > _MOST_ARROWS or len(text) > _LONGEST_PICTURE:
        return f"**{picture.journey}** is too large to be drawn here: `journeyscript graph` draws it.\n"
    return f"**{picture.journey}**\n\n```mermaid\n{text}```\n"


def of_worst_cases(before: Project | None, after: Project) -> Section:
    """Return the numbers of messages for one customer that are others now."""
    was, now = ({} if one is None else numbers(worst_cases(one, tuple(one.journeys))) for one in (before, after))
    rows = [
        f"| {' | '.join(escaped(words) for words in (*key, was.get(key, '-'), now.get(key, '-')))} |"
        for key in dict.fromkeys((*now, *was))
        if was.get(key) != now.get(key)
    ]
    if not rows:
        return Section(name="Most messages for one customer", said="as before")
    return Section(
        name="Most messages for one customer",
        said="1 number changes" if len(rows) == 1 else f"{len(rows)} numbers change",
        blocks=("| journey | channel | class | within | before | now |", "|---|---|---|---|---:|---:|", *rows),
        whole="journeyscript worst-case",
    )
