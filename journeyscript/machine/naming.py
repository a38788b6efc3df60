"""Which id each step of a journey has: the one that is written, or the one that its keyword gives.

People stand in waits, and sends are named by their step, so two such steps never share an id: one of them has to
be given one. Steps that are only passed through are numbered where they repeat.
"""

from collections.abc import Iterator

from journeyscript.diagnostics import Diagnostic, Label, Span
from journeyscript.rules import finding
from journeyscript.syntax.journey import (
    BranchStep,
    EmitStep,
    EnterStep,
    ExitStep,
    RepeatStep,
    SendStep,
    SetStep,
    SplitStep,
    StageStep,
    Step,
    Steps,
    WaitForStep,
    WaitStep,
    WaitUntilStep,
)

END = "end"
"""The id of the state in which every journey that runs to its end is completed."""

StepIds = dict[int, str]
"""From `id(step)` to the step's name, for the steps of one journey in memory."""


def blocks_of(step: Step) -> tuple[Steps, ...]:
    """Return the lists of steps inside a step, in the order of the file."""
    match step:
        case SendStep(otherwise=otherwise):
            return (otherwise,)
        case WaitForStep(cases=cases, otherwise=otherwise):
            return (*(case.steps for case in cases), otherwise)
        case BranchStep(alternatives=alternatives, otherwise=otherwise):
            return (*(alternative.steps for alternative in alternatives), otherwise)
        case SplitStep(arms=arms):
            return tuple(arm.steps for arm in arms)
        case RepeatStep(steps=steps):
            return (steps,)
        case WaitStep() | WaitUntilStep() | SetStep() | EmitStep() | EnterStep() | StageStep() | ExitStep():
            return ()


def walk(steps: Steps) -> Iterator[Step]:
    """Yield every step, outer before inner, in the order of the file."""
    for step in steps:
        yield step
        for block in blocks_of(step):
            yield from walk(block)


def name_steps(steps: Steps, journey: str) -> tuple[StepIds, list[Diagnostic]]:
    """Return the id of every step, and findings where two claim the same one."""
    ids: StepIds = {}
    taken: dict[str, Span] = {}
    findings: list[Diagnostic] = []
    for step in walk(steps):
        span = step.span if step.id is None else step.id.span
        name = _default_id(step) if step.id is None else step.id.text
        if name == END:
            findings.append(
                finding(
                    "JS109",
                    f"`{END}` is where a journey ends by itself",
                    span,
                    help="choose another id",
                    journey=journey,
                )
            )
        elif name in taken and (step.id is not None or _keeps_people(step)):
            findings.append(_duplicate(name, span, taken[name], journey))
        elif name in taken:
            number = 2
            while f"{name}.{number}" in taken:
                number += 1
            name = f"{name}.{number}"
        taken.setdefault(name, span)
        ids[id(step)] = name
    return ids, findings


def _duplicate(name: str, span: Span, first: Span, journey: str) -> Diagnostic:
    return finding(
        "JS102",
        f"two steps are called `{name}`",
        span,
        help="write `id:` on one of them; it stays the step's name for the people inside",
        labels=(Label(span=first, text="the other one"),),
        journey=journey,
        step=name,
    )


def _keeps_people(step: Step) -> bool:
    return isinstance(step, SendStep | WaitStep | WaitUntilStep | WaitForStep | RepeatStep)


def _default_id(step: Step) -> str:
    match step:
        case SendStep(message=message):
            return f"send.{message.text}"
        case WaitStep():
            return "wait"
        case WaitUntilStep():
            return "wait_until"
        case WaitForStep(cases=(case,)):
            return f"wait_for.{case.event.text}"
        case WaitForStep():
            return "wait_for"
        case BranchStep():
            return "branch"
        case SplitStep(name=name):
            return f"split.{name.text}"
        case RepeatStep():
            return "repeat"
        case SetStep():
            return "set"
        case EmitStep(event=event):
            return f"emit.{event.text}"
        case EnterStep(journey=journey):
            return f"enter.{journey.text}"
        case StageStep(stage=stage):
            return f"stage.{stage.text}"
        case ExitStep(reason=reason):
            return f"exit.{reason.text}"
