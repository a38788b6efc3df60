"""How a project is kept: who owns what, what things are called, which experiments share a name.

Takes journeys as written and compiled. Nearly all of it harms no customer, so it is off until somebody asks for it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from journeyscript.checks.places import place
from journeyscript.diagnostics import Diagnostic, Label, Span
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import Arm
from journeyscript.machine.naming import walk
from journeyscript.rules import finding
from journeyscript.source.nodes import Scalar
from journeyscript.syntax.journey import Journey, SplitStep

_SNAKE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*(?:\.[a-z0-9]+(?:_[a-z0-9]+)*)*")


def check_habits(journey: Journey) -> Iterator[Diagnostic]:
    """Yield JS901 and JS910 for a journey without an owner or a title, JS108 for its names in another style."""
    name = journey.name
    if not journey.owner:
        advice = "write `owner:` with an address that somebody reads"
        yield finding("JS901", f"nobody owns `{name.text}`", name.span, help=advice, journey=name.text)
    if not journey.title:
        advice = "write `title:` with what it is for, in a few words"
        yield finding("JS910", f"`{name.text}` has no title", name.span, help=advice, journey=name.text)
    for kind, scalar in _named(journey):
        yield from style(kind, scalar.text, scalar.span, name.text)


def _named(journey: Journey) -> Iterator[tuple[str, Scalar]]:
    yield "journey", journey.name
    for step in walk(journey.steps):
        if step.id is not None:
            yield "step", step.id
        if isinstance(step, SplitStep):
            yield "experiment", step.name
            yield from (("arm", arm.name) for arm in step.arms)


def style(kind: str, name: str, span: Span, journey: str | None) -> Iterator[Diagnostic]:
    """Yield JS108 for a name in another style than the language's own words."""
    if _SNAKE.fullmatch(name) is None:
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9.]+", "_", name).strip("_").lower()
        message = f"the {kind} `{name}` is not in lower case with `_` between the words"
        yield finding("JS108", message, span, help=f"call it `{words}`", journey=journey)


def shared_experiment_name(journeys: Mapping[str, Compiled]) -> Iterator[Diagnostic]:
    """JS905: two splits of one name divide customers differently, so that neither result means anything."""
    first: dict[str, tuple[str, Compiled, tuple[Arm, ...]]] = {}
    for compiled in journeys.values():
        for state in compiled.machine.states:
            arms = tuple(t.trigger for t in state.transitions if isinstance(t.trigger, Arm))
            if not arms:
                continue
            name = arms[0].experiment
            other = first.setdefault(name, (state.id, compiled, arms))
            if set(other[2]) == set(arms):
                continue
            yield finding(
                "JS905",
                f"`{name}` is split in another way elsewhere, so its arms cannot be compared",
                place(compiled, state.id),
                help="give one of them another name, or both the same arms and weights",
                labels=(Label(span=place(other[1], other[0]), text=f"here it is {_arms(other[2])}"),),
                journey=compiled.machine.journey,
                step=state.id,
                witness=(
                    f"{other[1].machine.journey}: {_arms(other[2])}",
                    f"{compiled.machine.journey}: {_arms(arms)}",
                ),
            )


def _arms(arms: Sequence[Arm]) -> str:
    per = ", per entry" if arms[0].per == "entry" else ""
    return ", ".join(f"{arm.arm} {arm.weight}%" for arm in arms) + per
