"""Conditions that cannot be otherwise, that overlap, or that leave nothing: decided on one customer of each kind.

Takes a compiled journey; `regions` decides. Where there are too many kinds of customers, nothing is said.
"""

from collections.abc import Iterator

from journeyscript.checks.places import Asked, conditions, place_of_condition
from journeyscript.checks.regions import ORDERED, Row, Survey, survey
from journeyscript.diagnostics import Diagnostic, Label
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import ExitRule, Goal, If, State
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.show import show
from journeyscript.semantics.types import BOOLEAN

_EXAMPLES = 3
"""So many customers are shown where any of them would do."""

_TRUE = typed.Literal(value=True, type=BOOLEAN)


def constant_guard(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS207: a condition has the same outcome for every kind of customer."""
    for asked in conditions(compiled):
        found = survey([asked.condition], compiled.machine.timezone)
        outcome = None if found is None else _constant(found)
        if found is None or outcome is None:
            continue
        yield finding(
            "JS207",
            f"`{show(asked.condition)}` is {'always' if outcome else 'never'} true",
            asked.span,
            help="take the condition out, or change what it compares",
            journey=compiled.machine.journey,
            step=asked.step,
            witness=_examples(found, "true" if outcome else "not true"),
        )


def shadowed_branch(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS206: whoever fits an alternative fits one before it, so it is never taken."""
    for state in compiled.machine.states:
        alternatives = _alternatives(compiled, state)
        for number, asked in enumerate(alternatives):
            found = survey([a.condition for a in alternatives[: number + 1]], compiled.machine.timezone)
            fitting = [] if found is None else [row for row in found.rows if row.holds[number]]
            if found is None or not fitting or not all(any(row.holds[:number]) for row in fitting):
                continue
            winners = sorted({row.holds.index(True) for row in fitting})
            if any(_is_constant(alternatives[winner], compiled) for winner in winners):
                continue  # JS207 tells the cause.
            yield finding(
                "JS206",
                f"this is never taken: {_taken_by(winners)} before it",
                asked.span,
                help="take it out, put it in front, or change its condition",
                labels=[Label(span=alternatives[winner].span, text="taken here") for winner in winners],
                journey=compiled.machine.journey,
                step=state.id,
                witness=(*found.customer(fitting[0]), f"takes alternative {fitting[0].holds.index(True) + 1}"),
            )


def overlapping_branches(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS205: two ranges of one value overlap at an end, so the order of the alternatives decides at the boundary."""
    for state in compiled.machine.states:
        alternatives = _alternatives(compiled, state)
        for second, asked in enumerate(alternatives):
            for first in range(second):
                found = survey([alternatives[first].condition, asked.condition], compiled.machine.timezone)
                both = None if found is None else _boundary(found)
                if found is None or both is None:
                    continue
                yield finding(
                    "JS205",
                    f"alternatives {first + 1} and {second + 1} both fit the same customer",
                    asked.span,
                    help="let one range end where the other begins: `<` on one side, `>=` on the other",
                    labels=[Label(span=alternatives[first].span, text="this one is taken")],
                    journey=compiled.machine.journey,
                    step=state.id,
                    witness=(*found.customer(both), f"takes alternative {first + 1}"),
                )


def unreachable_goal(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS214: the event that reaches the goal ends the journey first, as exits go before goals."""
    goal = compiled.machine.goal
    if goal is None:
        return
    for number, rule in enumerate(compiled.machine.exits, 1):
        found = _reaching(goal, rule, compiled.machine.timezone)
        if found is not None:
            yield finding(
                "JS214",
                f"the goal is never reached: the exit `{rule.id}` comes first",
                place_of_condition(compiled, "goal"),
                help="take the exit out, and write `exit: true` in the goal",
                labels=[Label(span=place_of_condition(compiled, f"exit/{number}"), text="this ends the journey")],
                journey=compiled.machine.journey,
                witness=(f"entered on {compiled.machine.entry.event}", goal.event, *found, f"exited({rule.id})"),
            )


def _reaching(goal: Goal, rule: ExitRule, timezone: str) -> tuple[str, ...] | None:
    """Return who would reach the goal and is taken by the exit, where that is everybody who would."""
    if rule.event != goal.event:
        return None
    found = survey([goal.where or _TRUE, rule.when or _TRUE], timezone)
    reaching = [] if found is None else [row for row in found.rows if row.holds[0]]
    if found is None or not reaching or not all(row.holds[1] for row in reaching):
        return None
    return found.customer(reaching[0])


def _alternatives(compiled: Compiled, state: State) -> list[Asked]:
    found = []
    for number, transition in enumerate(state.transitions, 1):
        if isinstance(transition.trigger, If):
            span = place_of_condition(compiled, f"{state.id}/{number}", state.id)
            found.append(Asked(condition=transition.trigger.condition, span=span, step=state.id, number=number))
    return found


def _constant(found: Survey) -> bool | None:
    outcomes = {row.holds[0] for row in found.rows}
    return outcomes.pop() if len(outcomes) == 1 else None


def _is_constant(asked: Asked, compiled: Compiled) -> bool:
    found = survey([asked.condition], compiled.machine.timezone)
    return found is not None and _constant(found) is not None


def _boundary(found: Survey) -> Row | None:
    """Return who fits both ranges of one ordered value, where neither range lies within the other."""
    if not found.exact or len(found.leaves) != 1 or found.leaves[0].type.kind not in ORDERED:
        return None
    outcomes = {row.holds for row in found.rows}
    if not {(True, True), (True, False), (False, True)} <= outcomes:
        return None
    return next(row for row in found.rows if row.holds == (True, True))


def _examples(found: Survey, outcome: str) -> tuple[str, ...]:
    if not found.leaves:
        return ("it reads nothing of the customer",)
    return tuple(f"{' and '.join(found.customer(row))}: {outcome}" for row in found.rows[:_EXAMPLES])


def _taken_by(winners: list[int]) -> str:
    listed = " or ".join(str(winner + 1) for winner in winners)
    return f"whoever fits takes alternative {listed}"
