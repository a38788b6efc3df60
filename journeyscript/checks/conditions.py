"""Conditions that cannot be otherwise, as a whole or in a part: decided on one customer of each kind.

Takes a compiled journey; `known` says what is settled where a condition stands, `regions` decides. Where there are too
many kinds of customers, nothing is said.
"""

from collections.abc import Iterator, Mapping, Sequence

from journeyscript.checks.known import TRUE, Given, Known, after_action, asking, before_event, frozen, known_at
from journeyscript.checks.places import Asked, conditions, place_of_given
from journeyscript.checks.regions import Survey, leaf_names, related, survey, survey_knowing
from journeyscript.diagnostics import Diagnostic, Label, Situation
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import If, On, When
from journeyscript.machine.needs import nodes
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.show import show

_EXAMPLES = 3
"""So many customers are shown where any of them would do."""


def constant_guard(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS207: a condition has the same outcome for every kind of customer, or of every kind that comes there.

    The conditions that questions about the past carry inside are conditions too.
    """
    known = known_at(compiled.machine)
    for asked in conditions(compiled):
        found = survey([asked.condition], compiled.machine.timezone)
        outcome = None if found is None else constant(found)
        if found is not None and outcome is not None:
            yield _constant(compiled, asked, found, ())
            continue
        yield from _constant_inside(compiled, asked)
        given = _arriving(compiled, asked, known)
        here = survey_knowing([asked.condition], pairs(given), compiled.machine.timezone) if given else None
        outcome = None if here is None else constant(here)
        # What waits for a condition may see it come true later.
        if here is not None and outcome is not None and (outcome or not _waits(compiled, asked)):
            yield _constant(compiled, asked, here, useful(asked.condition, given))


def _constant(compiled: Compiled, asked: Asked, found: Survey, given: Sequence[Given]) -> Diagnostic:
    outcome, here = constant(found), " here" if given else ""
    return finding(
        "JS207",
        f"`{show(asked.condition)}` is {'always' if outcome else 'never'} true{here}",
        asked.span,
        help="take the condition out, or change what it compares",
        labels=labels_of(compiled, given),
        journey=compiled.machine.journey,
        step=asked.step,
        witness=_examples(found, "true" if outcome else "not true"),
        situation=Situation(
            customer=found.known(found.rows[0]) if found.rows else (), path=() if asked.step is None else (asked.step,)
        ),
    )


def _constant_inside(compiled: Compiled, asked: Asked) -> Iterator[Diagnostic]:
    wheres = [
        node.where for node in nodes(asked.condition) if isinstance(node, typed.History) and node.where is not None
    ]
    for where in dict.fromkeys(wheres):
        found = survey([where], compiled.machine.timezone)
        outcome = None if found is None else constant(found)
        if found is not None and outcome is not None:
            yield _constant(compiled, Asked(condition=where, span=asked.span, step=asked.step), found, ())


def redundant_condition(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS314: a part of an `and` changes nothing for anybody who comes there.

    A check that a value is there is left alone unless it was made just before: the type checker may want it.
    """
    known = known_at(compiled.machine)
    for asked in conditions(compiled):
        if not isinstance(asked.condition, typed.And):
            continue
        given = asking_at(compiled, asked, known)
        whole = survey_knowing([asked.condition], pairs(given), compiled.machine.timezone)
        if whole is None or constant(whole) is not None or not whole.rows:
            continue  # JS207 tells it of the whole.
        for part in _redundant(asked.condition.items, given, compiled.machine.timezone):
            others = typed.And(items=tuple(item for item in asked.condition.items if item is not part))
            yield finding(
                "JS314",
                f"`{show(part)}` changes nothing here",
                asked.span,
                help="take it out of the condition",
                labels=labels_of(compiled, useful(part, given)),
                journey=compiled.machine.journey,
                step=asked.step,
                witness=_without_part(others, part, given, compiled.machine.timezone),
            )


def _redundant(items: Sequence[typed.Expression], given: Sequence[Given], timezone: str) -> list[typed.Expression]:
    """Return the parts that can all be left out together, in order."""
    kept = list(items)
    for part in reversed(items):
        others = [item for item in kept if item is not part]
        if _is_check(part):
            implied = any(item.truth and item.condition == part for item in given)
        else:
            found = survey_knowing([_all(others), _all(kept)], pairs(given), timezone)
            implied = found is not None and all(row.holds[0] == row.holds[1] for row in found.rows)
        if implied:
            kept = others
    return [item for item in items if item not in kept]


def _all(items: Sequence[typed.Expression]) -> typed.Expression:
    return typed.And(items=tuple(items)) if len(items) > 1 else next(iter(items), TRUE)


def _is_check(part: typed.Expression) -> bool:
    return isinstance(part, typed.Known) or (isinstance(part, typed.Not) and isinstance(part.of, typed.Known))


def _without_part(others: typed.And, part: typed.Expression, given: Sequence[Given], timezone: str) -> tuple[str, ...]:
    """Return customers of whom the rest of a condition is true, and so is the part."""
    found = survey_knowing([_all(others.items), part], pairs(given), timezone)
    rows = [] if found is None else [row for row in found.rows if row.holds[0]]
    if found is None or not rows:
        return (f"`{show(part)}` is settled before it is asked",)
    return (*found.customer(rows[0]), f"{show(part)}: true")


def _arriving(compiled: Compiled, asked: Asked, known: Mapping[str, Known]) -> tuple[Given, ...]:
    """Return what is known on arrival where a condition is asked; of one behind a wait, what is known for ever."""
    if asked.step is None or asked.step not in known:
        return ()
    state = compiled.machine_state(asked.step)
    here = after_action(compiled.machine, state, known[asked.step])
    is_now = isinstance(state.transitions[asked.number - 1].trigger, If | When)
    return tuple((here if is_now else frozen(compiled.machine, here)).values())


def asking_at(compiled: Compiled, asked: Asked, known: Mapping[str, Known]) -> tuple[Given, ...]:
    """Return all that is known whenever a condition is asked, with what the alternatives before it settle."""
    if asked.step is None or asked.step not in known:
        return ()
    machine, state = compiled.machine, compiled.machine_state(asked.step)
    here = after_action(machine, state, known[asked.step])
    match state.transitions[asked.number - 1].trigger:
        case If():
            return tuple(asking(here, state, asked.number).values())
        case On():
            return tuple({**frozen(machine, here), **before_event(machine, state, asked.number)}.values())
        case _:
            return tuple(frozen(machine, here).values())


def _waits(compiled: Compiled, asked: Asked) -> bool:
    if asked.step is None:
        return False
    return isinstance(compiled.machine_state(asked.step).transitions[asked.number - 1].trigger, When)


def constant(found: Survey) -> bool | None:
    """Return what the first condition of a survey always is; nothing where it may be either, or nobody is there."""
    outcomes = {row.holds[0] for row in found.rows}
    return outcomes.pop() if len(outcomes) == 1 else None


def pairs(given: Sequence[Given]) -> list[tuple[typed.Expression, bool]]:
    """Return what is known as a survey takes it."""
    return [(item.condition, item.truth) for item in given]


def useful(condition: typed.Expression, given: Sequence[Given]) -> list[Given]:
    """Return what of the known has to do with a condition."""
    return [given[number] for number in related(leaf_names(condition), pairs(given))]


def labels_of(compiled: Compiled, given: Sequence[Given]) -> list[Label]:
    """Return labels at the conditions that were asked before, one for each place."""
    found = {item.place: item for item in given}
    return [
        Label(
            span=place_of_given(compiled, item.place), text="known from here" if item.truth else "not true, from here"
        )
        for item in found.values()
    ]


def _examples(found: Survey, outcome: str) -> tuple[str, ...]:
    if not found.leaves:
        return ("it reads nothing of the customer",)
    return tuple(f"{' and '.join(found.customer(row))}: {outcome}" for row in found.rows[:_EXAMPLES])
