"""Alternatives of which one takes what is meant for another: of a branch, of a wait for events, of exits and the goal.

Takes a compiled journey; `known` says what is settled on arrival, `regions` decides. Where there are too many kinds of
customers, nothing is said.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.checks.conditions import constant, pairs
from journeyscript.checks.known import TRUE, Given, Known, after_action, frozen, known_at
from journeyscript.checks.places import place_of_condition
from journeyscript.checks.regions import ORDERED, Survey, survey, survey_knowing
from journeyscript.diagnostics import Diagnostic, Label, Occasion, Severity, Situation, Span
from journeyscript.diagnostics import Known as KnownFacts
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import ExitRule, Goal, If, On, State
from journeyscript.rules import finding
from journeyscript.semantics import typed


class Taker(Struct, frozen=True, kw_only=True):
    """What takes a customer, in words, under which condition, and where it stands. `event`: on which event only.

    `leaves`: it ends the journey.
    """

    words: str
    condition: typed.Expression
    span: Span
    event: str | None = None
    leaves: bool = False


def shadowed_branch(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS206: whoever fits an alternative is taken by something before it, so it is never taken."""
    known = known_at(compiled.machine)
    for state in compiled.machine.states:
        if state.id not in known:
            continue
        here = after_action(compiled.machine, state, known[state.id])
        own = _takers(compiled, state)
        for number, taker in enumerate(own):
            if taker.event is None:
                yield from _shadowed(compiled, state, own[:number], taker, here)
            else:
                before = [*_before_all(compiled, state, taker.event), *own[:number]]
                same = [item for item in before if item.event in (None, taker.event)]
                yield from _shadowed(compiled, state, same, taker, frozen(compiled.machine, here))


def _shadowed(
    compiled: Compiled, state: State, before: Sequence[Taker], taker: Taker, known: Known
) -> Iterator[Diagnostic]:
    if not before:
        return
    given, timezone = pairs(tuple(known.values())), compiled.machine.timezone
    found = survey_knowing([*(item.condition for item in before), taker.condition], given, timezone)
    fitting = [] if found is None else [row for row in found.rows if row.holds[-1]]
    if found is None or not fitting or not all(any(row.holds[:-1]) for row in fitting):
        return
    winners = [before[number] for number in sorted({row.holds.index(True) for row in fitting})]
    if any(winner.condition != TRUE and _is_constant(winner, given, timezone) for winner in winners):
        return  # JS207 tells the cause.
    first = before[fitting[0].holds.index(True)]
    verb = "takes" if taker.event is None else "is taken by"
    told = finding(
        "JS206",
        f"this is never taken: whoever fits {verb} {_listed(winners)} before it",
        taker.span,
        help="take it out, put it in front, or change its condition",
        labels=[Label(span=winner.span, text="taken here") for winner in winners],
        journey=compiled.machine.journey,
        step=state.id,
        witness=(
            *(() if taker.event is None else (taker.event,)),
            *found.customer(fitting[0]),
            f"{verb} {first.words}",
        ),
        situation=_situation(state.id, taker.event, found.known(fitting[0])),
    )
    # Where it is an exit or the goal that takes them, the journey does what these say: of no use, but no mistake.
    yield replace(told, severity=Severity.WARNING) if any(winner.leaves for winner in winners) else told


def _situation(step: str, event: str | None, known: KnownFacts) -> Situation:
    """Return a customer at a step; what is known of an event is of the one that happens there."""
    if event is None:
        return Situation(customer=known, path=(step,))
    properties = tuple((name.removeprefix("event."), value) for name, value in known if name.startswith("event."))
    others = tuple((name, value) for name, value in known if not name.startswith("event."))
    occasion = Occasion(step=step, event=event, properties=properties)
    return Situation(customer=others, path=(step,), timeline=(occasion,))


def overlapping_branches(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS205: two ranges of one value overlap at an end, so the order of the alternatives decides at the boundary."""
    known = known_at(compiled.machine, holding=False)
    for state in compiled.machine.states:
        if state.id not in known:
            continue
        here = tuple(after_action(compiled.machine, state, known[state.id], holding=False).values())
        own = [taker for taker in _takers(compiled, state) if taker.event is None]
        for second, taker in enumerate(own):
            for first in range(second):
                both = _boundary(own[first], taker, own[:first], here, compiled.machine.timezone)
                if both is None:
                    continue
                yield finding(
                    "JS205",
                    f"alternatives {first + 1} and {second + 1} both fit the same customer",
                    taker.span,
                    help="let one range end where the other begins: `<` on one side, `>=` on the other",
                    labels=[Label(span=own[first].span, text="this one is taken")],
                    journey=compiled.machine.journey,
                    step=state.id,
                    witness=(*both.customer(both.rows[0]), f"takes alternative {first + 1}"),
                    situation=Situation(customer=both.known(both.rows[0]), path=(state.id,)),
                )


def _boundary(
    one: Taker, other: Taker, before: Sequence[Taker], known: Sequence[Given], timezone: str
) -> Survey | None:
    """Return those who fit two ranges of one ordered value that cross at an end, and come there."""
    asked = [one.condition, other.condition]
    found = survey(asked, timezone)
    if found is None or not found.exact or len(found.leaves) != 1 or found.leaves[0].type.kind not in ORDERED:
        return None
    if not {(True, True), (True, False), (False, True)} <= {row.holds for row in found.rows}:
        return None
    given = [*pairs(known), *((taker.condition, False) for taker in before)]
    here = survey([*asked, *(condition for condition, _ in given)], timezone)
    if here is None or not here.exact:
        return None
    wanted = (True, True, *(truth for _, truth in given))
    rows = tuple(row for row in here.rows if row.holds == wanted)
    return replace(here, rows=rows) if rows else None


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
                witness=(
                    f"entered on {compiled.machine.entry.event}",
                    goal.event,
                    *found.customer(found.rows[0]),
                    f"exited({rule.id})",
                ),
                situation=_situation(compiled.machine.initial, goal.event, found.known(found.rows[0])),
            )


def _reaching(goal: Goal, rule: ExitRule, timezone: str) -> Survey | None:
    """Return those who would reach the goal and are taken by the exit, where that is everybody who would."""
    if rule.event != goal.event:
        return None
    found = survey([goal.where or TRUE, rule.when or TRUE], timezone)
    reaching = () if found is None else tuple(row for row in found.rows if row.holds[0])
    if found is None or not reaching or not all(row.holds[1] for row in reaching):
        return None
    return replace(found, rows=reaching)


def _takers(compiled: Compiled, state: State) -> list[Taker]:
    """Return the alternatives of a branch, or the cases of a wait for events."""
    found = []
    for number, transition in enumerate(state.transitions, 1):
        span = place_of_condition(compiled, f"{state.id}/{number}", state.id)
        match transition.trigger:
            case If(condition=condition):
                found.append(Taker(words=f"alternative {number}", condition=condition, span=span))
            case On(event=event, where=where):
                found.append(Taker(words=f"case {number}", condition=where or TRUE, span=span, event=event))
            case _:
                pass
    return found


def _before_all(compiled: Compiled, state: State, event: str) -> Iterator[Taker]:
    """Yield what looks at an event before a wait does: the exits, and a goal that ends the journey.

    A wait that looks back sees events at which they did not look in this way.
    """
    if state.lookback is not None:
        return
    for number, rule in enumerate(compiled.machine.exits, 1):
        if rule.event in (None, event):
            span = place_of_condition(compiled, f"exit/{number}")
            yield Taker(
                words=f"the exit `{rule.id}`", condition=rule.when or TRUE, span=span, event=rule.event, leaves=True
            )
    goal = compiled.machine.goal
    if goal is not None and goal.exit and goal.event == event and goal.within is None:
        span = place_of_condition(compiled, "goal")
        yield Taker(words="the goal", condition=goal.where or TRUE, span=span, event=event, leaves=True)


def _is_constant(taker: Taker, given: Sequence[tuple[typed.Expression, bool]], timezone: str) -> bool:
    found = survey_knowing([taker.condition], given, timezone)
    return found is not None and constant(found) is not None


def _listed(takers: Sequence[Taker]) -> str:
    """Return takers in words: `alternative 1 or 2`, `the goal or case 1`."""
    first, *others = (taker.words for taker in takers)
    kind = first.rpartition(" ")[0]
    return " or ".join([first, *(word.removeprefix(f"{kind} ") for word in others)])
