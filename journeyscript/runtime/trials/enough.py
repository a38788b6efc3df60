"""Journeys of which the tests take less than the project asks for.

Takes a project and what its tests took; gives findings as the project's files weigh them. Runs no test.
"""

from collections.abc import Iterable, Iterator

from journeyscript.compiler import Project, weigh_later
from journeyscript.diagnostics import Diagnostic, Label, Span
from journeyscript.rules import finding
from journeyscript.runtime.trials.coverage import COUNTED, Coverage, Place, percent

_EXAMPLES = 3
"""So many places that no test takes are shown."""


def coverage_below(project: Project, every: Iterable[Coverage]) -> tuple[Diagnostic, ...]:
    """Return JS903 for each journey whose tests take less than `coverage` in the project file; none without it.

    Each coverage is to be that of all tests of its journey.
    """
    return weigh_later(project, _below(project, every))


def _below(project: Project, every: Iterable[Coverage]) -> Iterator[Diagnostic]:
    wanted = project.config.coverage
    for coverage in every:
        share = percent([coverage])
        if wanted is None or share >= wanted:
            continue
        about = project.journeys[coverage.journey].about
        missing = [place for place in coverage.missing if place.kind in COUNTED]
        spans = [place.span for place in missing[:_EXAMPLES] if place.span is not None]
        yield finding(
            "JS903",
            f"the tests take {_share(share)} of `{coverage.journey}`, which is less than {wanted:g} %",
            about.place or Span(path=about.path),
            help=f"`journeyscript test --journey {coverage.journey} --generate` writes tests that take the rest",
            labels=[Label(span=span, text="no test takes all of this") for span in dict.fromkeys(spans)],
            journey=coverage.journey,
            witness=[_in_words(place) for place in missing[:_EXAMPLES]],
        )


def _share(share: float) -> str:
    # Rounded down, so that what is too little never reads as enough.
    return f"{int(share * 10) / 10:.1f} %"


def _in_words(place: Place) -> str:
    if place.kind == "step":
        return place.step
    return f"{place.step}: {place.words} -> {place.target}" if place.kind == "transition" else place.words
