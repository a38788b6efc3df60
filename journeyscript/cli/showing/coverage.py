"""Coverage of journeys as text, as data, and on a picture.

Takes what tests have taken, by journey; gives text without a final line feed, plain data, or an SVG document. Decides
nothing.
"""

from collections.abc import Sequence
from typing import Any

from journeyscript.cli.showing.findings.snippets import clean
from journeyscript.machine.model import Machine
from journeyscript.machine.pictures.picture import picture_of
from journeyscript.machine.pictures.svg import svg
from journeyscript.runtime.trials.coverage import COUNTED, Coverage, Place, PlaceKind, percent

_COLUMNS: tuple[tuple[str, tuple[PlaceKind, ...]], ...] = (
    ("steps", ("step",)),
    ("transitions", ("transition",)),
    ("exits and goal", ("exit", "goal")),
    ("reasons to skip", ("skip",)),
)


def as_text(every: Sequence[Coverage]) -> str:
    """Return a table of journeys, and below it everything that no test took, with its place."""
    rows = [["coverage", "", *(title for title, _ in _COLUMNS)]]
    for coverage in every:
        counts = [coverage.counts(*kinds) for _, kinds in _COLUMNS]
        shown = [f"{taken} of {there}" if there else "-" for taken, there in counts]
        rows.append([clean(coverage.journey), share(percent([coverage])), *shown])
    if len(every) > 1:
        rows.append(["all", share(percent(every)), *("" for _ in _COLUMNS)])
    widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    places = [place for coverage in every for place in coverage.missing]
    lines += _listed("no test takes:", [place for place in places if place.kind in COUNTED])
    lines += _listed("no test shows why a message is skipped:", [place for place in places if place.kind == "skip"])
    return "\n".join(lines)


def share(number: float) -> str:
    """Return a percentage that says 100 only of all: `99.9 %`."""
    return "100 %" if number == 100 else f"{min(number, 99.9):.1f} %"


def _listed(title: str, places: Sequence[Place]) -> list[str]:
    if not places:
        return []
    width = max(len(_place(place)) for place in places)
    return ["", title, *(f"  {_place(place):<{width}}  {in_words(place)}" for place in places)]


def in_words(place: Place) -> str:
    """Return what a place is, in one line: `wait: time is up, after 1 day -> send.hello`."""
    step = f"{place.step}: " if place.kind == "transition" else ""
    target = f" -> {place.target}" if place.target else ""
    name = f" ({place.step})" if place.kind in ("step", "skip") else ""
    return clean(f"{step}{place.words}{target}{name}")


def _place(place: Place) -> str:
    return "" if place.span is None else f"{clean(place.span.path)}:{place.span.line}"


def as_data(coverage: Coverage) -> dict[str, Any]:
    """Return what JSON says of one journey."""
    kinds: tuple[PlaceKind, ...] = ("step", "transition", "exit", "goal", "skip")
    counts = {kind: coverage.counts(kind) for kind in kinds}
    return {
        "journey": coverage.journey,
        "percent": round(percent([coverage]), 2),
        **{f"{kind}s": {"taken": taken, "of": there} for kind, (taken, there) in counts.items()},
        "missing": [
            {
                "kind": place.kind,
                "step": place.step,
                "what": place.words,
                "leads_to": place.target or None,
                "path": None if place.span is None else place.span.path,
                "line": None if place.span is None else place.span.line,
            }
            for place in coverage.missing
        ],
    }


def as_picture(machine: Machine, coverage: Coverage) -> str:
    """Return the picture of a journey, on which what no test took stands out."""
    missed = {(place.step, None) for place in coverage.missing if place.kind == "step"}
    ways = {(place.step, place.number) for place in coverage.missing if place.kind == "transition"}
    return svg(picture_of(machine, missed=missed | ways))
