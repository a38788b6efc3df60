"""The rules about a change, JS801 to JS812: each yields findings of one `Change`, with the number of people.

Takes changes and the names of the project as they are now. What cannot be decided exactly is not said.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from journeyscript.checks.changes.change import Change, Occupied, counted, crowd
from journeyscript.diagnostics import Diagnostic
from journeyscript.machine.graph import reachable
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import Arm, On, Send, State
from journeyscript.machine.needs import expressions_of_state, nodes
from journeyscript.machine.wording import goal_in_words, timer_in_words
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import Catalog, suggestion


def check_change(change: Change, catalog: Catalog) -> list[Diagnostic]:
    """Return what is found of a changed journey."""
    if change.after is None:
        return [*version_not_drained(change)]
    found = [item for check in _CHECKS for item in check(change, change.after)]
    return [*found, *event_property_removed(change, catalog)]


def occupied_step_removed(change: Change, after: Compiled) -> Iterator[Diagnostic]:
    """JS801 and JS802: people stand at a step that is gone; where another one does the same, that is its new name."""
    old = {state.id: state for one in change.inside for state in one.machine.states}
    gone_before = {state.id for one in change.inside for state in one.machine.states}
    added = [state for state in after.machine.states if state.id not in gone_before]
    for step, (people, test) in change.stranded().items():
        alike = [state.id for state in added if _alike(old[step], state)]
        others = [name for name in change.stranded() if name != step and _alike(old[step], old[name])]
        if len(alike) == 1 and not others:
            yield finding(
                "JS802",
                f"`{step}` seems to be called `{alike[0]}` now, and nothing says so of those who stand at it: "
                f"{crowd(people, test)}",
                change.place,
                help=f"write `migrate: {{ from: {{ {step}: {alike[0]} }} }}`",
                journey=change.journey,
                step=step,
                witness=_standing(change, step),
            )
            continue
        near = suggestion(step, change.steps)
        yield finding(
            "JS801",
            f"`{step}` is gone, and {counted(people, test)} at it",
            change.place,
            help=f"write `migrate: {{ from: {{ {step}: STEP }} }}`, or `exit` for STEP" + (f"; {near}" if near else ""),
            journey=change.journey,
            step=step,
            witness=_standing(change, step),
        )


def wait_changed(change: Change, after: Compiled) -> Iterator[Diagnostic]:
    """JS803: people wait by a timer that is another one now, and nothing says which of the two holds for them."""
    if change.migration is not None:
        return
    for state in after.machine.states:
        waiting: Counter[str] = Counter()
        for one in change.inside:
            was = one.states.get(state.id)
            if was is not None and was.timer is not None and state.timer is not None and was.timer != state.timer:
                waiting[timer_in_words(was.timer)] += one.people.get(state.id, 0)
        for words, people in waiting.items():
            if people and state.timer is not None:
                yield finding(
                    "JS803",
                    f"`{state.id}` ended {words} and ends {timer_in_words(state.timer)} now: {crowd(people)} "
                    f"{'keeps' if people == 1 else 'keep'} the old time",
                    after.about.spans.get(state.id, change.place),
                    help="write `migrate: { timer: keep }`, or `recompute` to move their time, too",
                    journey=change.journey,
                    step=state.id,
                    witness=_standing(change, state.id),
                )


def split_changed(change: Change, after: Compiled) -> Iterator[Diagnostic]:
    """JS806: an experiment has other arms, or draws by another name, while people are in it."""
    for state in after.machine.states:
        now = _arms(state)
        if now is None:
            continue
        people = 0
        for one in change.inside:
            splits = {
                was.id for was in one.machine.states if (arms := _arms(was)) and arms != now and arms[0] == now[0]
            }
            # Whoever has not come to the split yet, and whoever has gone through it.
            people += _around(one, splits)
        if people:
            yield finding(
                "JS806",
                f"the experiment `{now[0]}` has other arms now, and {counted(people)} in it",
                after.about.spans.get(state.id, change.place),
                help=f"call what is another experiment by another name, such as `{now[0]}_2`",
                journey=change.journey,
                step=state.id,
                witness=_inside(change),
            )


def goal_redefined(change: Change, after: Compiled) -> Iterator[Diagnostic]:
    """JS807: what counts as success is something else, while people are on their way to it."""
    now = after.machine.goal
    people = sum(sum(one.people.values()) for one in change.inside if one.machine.goal != now)
    if people:
        was = next(one.machine.goal for one in change.inside if one.machine.goal != now)
        yield finding(
            "JS807",
            f"the goal was {_quoted(goal_in_words(was))} and is {_quoted(goal_in_words(now))}; {counted(people)} on "
            "the way to the old one",
            after.about.conditions.get("goal", change.place),
            help="keep the goal until they have left, or make it another journey: the counts of both add up",
            journey=change.journey,
            witness=_inside(change),
        )


def consent_weakened(change: Change, after: Compiled) -> Iterator[Diagnostic]:
    """JS810: a message that went only to those who agreed goes to everybody, without quiet hours and caps."""
    for state in after.machine.states:
        if not isinstance(state.action, Send) or state.action.kind != "transactional":
            continue
        people = 0
        for one in change.inside:
            was = one.states.get(state.id)
            if was is not None and isinstance(was.action, Send) and was.action.kind == "marketing":
                people += sum(one.people.values())
        if people:
            yield finding(
                "JS810",
                f"`{state.action.message}` was marketing and is transactional now: it asks nobody for consent; "
                f"{counted(people)} inside",
                after.about.spans.get(state.id, change.place),
                help="leave it marketing, unless somebody who said no may get it",
                journey=change.journey,
                step=state.id,
                witness=_inside(change),
            )


def audience_widened(change: Change, after: Compiled) -> Iterator[Diagnostic]:
    """JS811: `where` of the entry asks less than it did: a part of it is gone, and none has come."""
    now = _asked(after.machine.entry.where)
    people = sum(
        sum(one.people.values())
        for one in change.inside
        if _same_start(one, after) and _less(now, _asked(one.machine.entry.where))
    )
    if people:
        yield finding(
            "JS811",
            f"the entry lets in more customers than before; {counted(people)} inside by the narrower condition",
            after.about.conditions.get("entry", change.place),
            help="make sure that what is sent further on is meant for the others, too",
            journey=change.journey,
            witness=_inside(change),
        )


def event_property_removed(change: Change, catalog: Catalog) -> Iterator[Diagnostic]:
    """JS804: people stay in a version that reads what the catalog does not have any more."""
    people: Counter[tuple[str, str | None]] = Counter()
    for one in change.inside:
        staying = {state: count for state, count in one.people.items() if change.fate(state)[0] == "stay"}
        left = replace(one, people=staying)
        readers: dict[tuple[str, str | None], set[str]] = {}
        for (event, name), states in _reads(one).items():
            definition = catalog.events.get(event)
            if definition is None or definition.property(name) is None:
                readers.setdefault((event, None if definition is None else name), set()).update(states)
        for missing, states in readers.items():
            people[missing] += left.before(states)
    for (event, lost), count in people.items():
        if count:
            what = f"event `{event}`" if lost is None else f"property `{lost}` of `{event}`"
            yield finding(
                "JS804",
                f"the {what} is not in the catalog any more, and the version that {counted(count)} in reads it",
                change.place,
                help="leave it in the catalog until they have left, or move them by `migrate`",
                journey=change.journey,
                witness=_inside(change),
            )


def version_not_drained(change: Change) -> Iterator[Diagnostic]:
    """JS812: the journey is taken away while people are inside of it."""
    yield finding(
        "JS812",
        f"`{change.journey}` is taken away, and {counted(change.people, change.test)} inside of it",
        change.place,
        help=f"leave it until they have left: `journeyscript stop {change.journey}` lets nobody in any more",
        journey=change.journey,
        witness=_inside(change),
    )


_CHECKS: tuple[Callable[[Change, Compiled], Iterable[Diagnostic]], ...] = (
    occupied_step_removed,
    wait_changed,
    split_changed,
    goal_redefined,
    consent_weakened,
    audience_widened,
)


def _standing(change: Change, step: str) -> tuple[str, ...]:
    return tuple(_at(one, step) for one in change.inside if one.people.get(step) or one.test.get(step))


def _inside(change: Change) -> tuple[str, ...]:
    return tuple(
        _at(one, step)
        for one in change.inside
        for step in dict.fromkeys((*one.people, *one.test))
        if one.people.get(step) or one.test.get(step)
    )


def _at(one: Occupied, step: str) -> str:
    return f"{crowd(one.people.get(step, 0), one.test.get(step, 0))} at {step} of version {one.version}"


def _quoted(words: str) -> str:
    return f"`{words}`" if words else "none"


def _alike(was: State, now: State) -> bool:
    """Return whether two steps do the same, wherever they lead."""
    return (was.step, was.action, was.timer, was.lookback, was.final, [way.trigger for way in was.transitions]) == (
        now.step, now.action, now.timer, now.lookback, now.final, [way.trigger for way in now.transitions]
    )  # fmt: skip


def _arms(state: State) -> tuple[str, frozenset[tuple[str, str]]] | None:
    """Return a split's experiment, and its arms with what they are drawn by."""
    arms = [way.trigger for way in state.transitions if isinstance(way.trigger, Arm)]
    return (arms[0].experiment, frozenset((arm.arm, arm.per) for arm in arms)) if arms else None


def _around(one: Occupied, splits: set[str]) -> int:
    """Return how many people may still come to one of these states, or have it behind them."""
    behind = reachable(one.machine, splits) if splits else frozenset()
    return sum(
        count
        for state, count in one.people.items()
        if state in behind or not reachable(one.machine, [state]).isdisjoint(splits)
    )


def _asked(condition: typed.Expression | None) -> tuple[typed.Expression, ...]:
    match condition:
        case None:
            return ()
        case typed.And(items=items):
            return items
        case other:
            return (other,)


def _less(now: tuple[typed.Expression, ...], before: tuple[typed.Expression, ...]) -> bool:
    return len(now) < len(before) and all(part in before for part in now)


def _same_start(one: Occupied, after: Compiled) -> bool:
    was, now = one.machine.entry, after.machine.entry
    return (was.event, was.trigger) == (now.event, now.trigger)


def _reads(one: Occupied) -> dict[tuple[str, str], set[str]]:
    """Return which properties of which events are still to be read, with the states that read them.

    A condition that the whole journey has, of an exit or the goal, is read at every state. An event that is waited for
    without a condition reads its time.
    """
    found: dict[tuple[str, str], set[str]] = {}
    everywhere = {state.id for state in one.machine.states}
    goal = one.machine.goal
    roots: list[tuple[str | None, typed.Expression | None, set[str]]] = [
        (rule.event, rule.when, everywhere) for rule in one.machine.exits
    ]
    if goal is not None:
        roots.append((goal.event, goal.where, everywhere))
    for state in one.machine.states:
        roots += [
            (way.trigger.event, way.trigger.where, {state.id})
            for way in state.transitions
            if isinstance(way.trigger, On)
        ]
        roots += [(None, expression, {state.id}) for expression in expressions_of_state(state)]
    for event, root, states in roots:
        names = {(event, "at")} if event is not None else set()
        for owner, name in (*names, *([] if root is None else _properties(event, root))):
            if owner is not None:
                found.setdefault((owner, name), set()).update(states)
    return found


def _properties(event: str | None, root: typed.Expression) -> Iterator[tuple[str | None, str]]:
    """Yield each event and property that an expression reads; `event` is the one in scope."""
    asked = [node for node in nodes(root) if isinstance(node, typed.History)]
    for question in asked:
        yield question.event, question.property or "at"
        if question.where is not None:
            yield from _properties(question.event, question.where)
    inside = {id(node) for question in asked if question.where is not None for node in nodes(question.where)}
    for node in nodes(root):
        if isinstance(node, typed.Property) and id(node) not in inside:
            yield event, node.name
