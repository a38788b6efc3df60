"""Customers and timelines that should take somebody along a given way through a journey.

Takes a compiled journey and a situation; gives candidates as the plain data of a test, the likeliest first. Conditions
on the way are solved by `regions`; what nobody asks about gets a value that goes with its type. Whether a candidate
really goes that way is for the engine to say, not for this module.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise, product
from typing import TypeAlias

from msgspec.structs import replace

from journeyscript.checks.regions import survey
from journeyscript.compiler import Project
from journeyscript.diagnostics import Situation
from journeyscript.engine.chance import draw_arm
from journeyscript.machine.graph import path_to
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import (
    Always,
    Arm,
    AtDate,
    BySchedule,
    BySegment,
    If,
    Lap,
    Machine,
    State,
    When,
)
from journeyscript.machine.needs import nodes
from journeyscript.runtime.trials.manners import Manner, manners
from journeyscript.runtime.trials.telling import Candidate, Facts, Leg, Telling, some_day, taken
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import Catalog

Asked: TypeAlias = tuple[typed.Expression, bool]

MOST_CUSTOMERS = 12
"""So many kinds of customers who fit all conditions are tried."""

MOST_ROUNDS = 20
"""So many rounds of a loop are gone through at most."""

MOST_NAMES = 60
"""So many names are tried where chance decides, which is drawn from the name."""

MOST_VARIANTS = 16
"""So many variants of a way, which differ in what leads from one step to the next, are tried."""

MOST_DRAWN = 2_000
"""So many names are looked at for one that draws the arms of a way."""

FEW_NAMES = 3
"""So many of them are tried where the name alone decides."""


def candidates(project: Project, compiled: Compiled, situation: Situation) -> Iterator[Candidate]:
    """Yield candidates, none where no way leads through the situation."""
    legs = way(compiled.machine, situation.path)
    if legs is not None:
        yield from candidates_along(project, compiled, legs, situation)


def candidates_along(
    project: Project, compiled: Compiled, legs: Sequence[Leg], situation: Situation
) -> Iterator[Candidate]:
    """Yield candidates who should go from leg to leg, of whom the situation is so."""
    for chosen in islice(_variants(legs), MOST_VARIANTS):
        names = list(islice(_names(compiled.machine, chosen), MOST_NAMES))
        for manner in manners(compiled.machine, [leg.state for leg in chosen]):
            for facts in _customers(project.catalog, compiled, chosen, situation, manner):
                known = {**_days(chosen), **facts}
                for name in names:
                    try:
                        yield Telling(project, compiled.machine, known, manner).candidate(chosen, situation, name)
                    except (OverflowError, ValueError):  # A moment that no calendar has.
                        break


def _variants(legs: Sequence[Leg]) -> Iterator[Sequence[Leg]]:
    """Yield the way with every other transition that leads to the same next step: an event, or the end of the wait."""
    choices = []
    for leg in legs:
        going = taken(leg)
        others = () if going is None or leg.fixed else enumerate(leg.state.transitions)
        same = [n for n, other in others if going is not None and other.target == going.target and n != leg.number]
        choices.append([leg, *(Leg(state=leg.state, number=number) for number in same)])
    yield from product(*choices)


def _names(machine: Machine, legs: Sequence[Leg]) -> Iterator[str | None]:
    """Yield names with which somebody draws the arms on the way, and is not held out; `None` where chance is not asked.

    What is drawn for each entry hangs on more than the name: then any may do.
    """
    splits = [leg.state for leg in legs if (t := taken(leg)) is not None and isinstance(t.trigger, Arm)]
    arms = [t.trigger for t in (taken(leg) for leg in legs) if t is not None and isinstance(t.trigger, Arm)]
    if not arms:
        yield None
    if not arms and not machine.entry.holdout:
        return
    number = 0
    for name in (f"customer {count}" for count in range(1, MOST_DRAWN + 1)):
        drawn = all(
            arm.per == "entry" or draw_arm(_weights(split), arm.experiment, name) == arm.arm
            for split, arm in zip(splits, arms, strict=True)
        )
        if drawn and number < (MOST_NAMES if any(arm.per == "entry" for arm in arms) else FEW_NAMES):
            number += 1
            yield name


def _weights(split: State) -> list[tuple[str, int]]:
    return [(t.trigger.arm, t.trigger.weight) for t in split.transitions if isinstance(t.trigger, Arm)]


def _days(legs: Sequence[Leg]) -> Facts:
    """Return some day for each date that is waited for on the way."""
    days: Facts = {}
    for leg in legs:
        if isinstance(leg.state.timer, AtDate):
            for node in nodes(leg.state.timer.moment):
                match node:
                    case typed.Attribute(name=name, type=kind) if kind.kind in ("date", "timestamp"):
                        days[f"customer.{name}"] = some_day(kind)
                    case typed.EntryProperty(name=name, type=kind) if kind.kind in ("date", "timestamp"):
                        days[f"entry.event.{name}"] = some_day(kind)
                    case _:
                        pass
    return days


def way(machine: Machine, path: Sequence[str]) -> list[Leg] | None:
    """Return the shortest way from the start through the steps in order; `None` where there is none."""
    states = {state.id: state for state in machine.states}
    names = [machine.initial]
    for step in path:
        if step == names[-1]:
            continue
        onward = path_to(replace(machine, initial=names[-1]), step) if step in states else ()
        if not onward:
            return None
        names += onward[1:]
    legs = [Leg(state=states[one], number=_leading(states[one], other)) for one, other in pairwise(names)]
    return [*legs, Leg(state=states[names[-1]], number=None)]


def _leading(state: State, target: str) -> int:
    return next(number for number, transition in enumerate(state.transitions) if transition.target == target)


def way_by(machine: Machine, state: State, number: int) -> list[Leg] | None:
    """Return a way through one transition of a state; `None` where none leads there.

    A loop is left for want of rounds after all of them were gone through.
    """
    legs = way(machine, (state.id,))
    if legs is None:
        return None
    lap = next((t for t in state.transitions if isinstance(t.trigger, Lap)), None)
    if lap is not None and isinstance(lap.trigger, Lap) and isinstance(state.transitions[number].trigger, Always):
        legs = [*legs[:-1], *_round(machine, state, lap.target) * min(lap.trigger.times, MOST_ROUNDS), legs[-1]]
    target = next(one for one in machine.states if one.id == state.transitions[number].target)
    return [*legs[:-1], Leg(state=state, number=number, fixed=True), Leg(state=target, number=None)]


def _round(machine: Machine, loop: State, first: str) -> list[Leg]:
    """Return the shortest way from a loop through its body and back."""
    states = {state.id: state for state in machine.states}
    names = [loop.id, *path_to(replace(machine, initial=first), loop.id)]
    return [Leg(state=states[one], number=_leading(states[one], other)) for one, other in pairwise(names)]


def _asked(compiled: Compiled, legs: Sequence[Leg], manner: Manner) -> list[Asked]:
    """Return the conditions that decide on the way, each with what it has to say of the customer at first."""
    entry = compiled.machine.entry
    asked: list[Asked] = [] if entry.where is None else [(entry.where, True)]
    match entry.trigger:
        case BySchedule(audience=audience):
            asked.append((audience, True))
        case BySegment(condition=condition, on=on):
            asked.append((condition, on == "enter" or manner.start > 0))
        case _:
            pass
    for leg in legs:
        if leg.number is None:
            continue
        for number, transition in enumerate(leg.state.transitions[: leg.number + 1]):
            if isinstance(transition.trigger, When) and number == leg.number and manner.patience:
                continue  # Time makes it so.
            if isinstance(transition.trigger, If | When):
                asked.append((transition.trigger.condition, number == leg.number))
    return asked


def _customers(
    catalog: Catalog, compiled: Compiled, legs: Sequence[Leg], situation: Situation, manner: Manner
) -> Iterator[Facts]:
    """Yield what may be so of a customer who goes the way; of whom nobody can be, what is so in the situation."""
    given: Facts = dict(situation.customer)
    asked = [*_asked(compiled, legs, manner), *_equalities(catalog, given)]
    found = survey([condition for condition, _ in asked], compiled.machine.timezone)
    if found is None:
        yield given
        return
    wanted, number = tuple(truth for _, truth in asked), 0
    for row in found.rows:
        facts = {leaf.name: value for leaf, value in zip(found.leaves, row.values, strict=True)}
        agrees = all(facts.get(name, value) == value for name, value in given.items())
        if row.holds == wanted and agrees and number < MOST_CUSTOMERS:
            number += 1
            yield {**facts, **given}
    if not number and not situation.path:
        yield given


def _equalities(catalog: Catalog, given: Facts) -> Iterator[Asked]:
    """Yield that attributes have their values, so that these are among those which are tried."""
    for name, value in given.items():
        definition = catalog.attributes.get(name.removeprefix("customer."))
        if definition is None or not name.startswith("customer."):
            continue
        if isinstance(value, str | int | float):  # Which a boolean is too.
            attribute = typed.Attribute(name=definition.name, type=definition.type)
            equal = typed.Compare(op="==", left=attribute, right=typed.Literal(value=value, type=definition.type))
            yield equal, True
