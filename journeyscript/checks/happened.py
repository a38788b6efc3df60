"""What has happened for sure on arrival at each state: a forward flow that nothing ends, as the past stays the past.

Takes a machine, what `known` says of it, and the questions that matter: how often something happened. A question that
looks back for some time only is taken as one without an end: too much counts as happened rather than too little.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from msgspec.structs import replace

from journeyscript.checks.known import Given, Known
from journeyscript.checks.regions import survey_knowing
from journeyscript.machine.model import Emit, Machine, On, State
from journeyscript.machine.needs import nodes
from journeyscript.semantics import typed
from journeyscript.semantics.types import INTEGER

_ZERO = typed.Literal(value=0, type=INTEGER)

Counts: TypeAlias = frozenset[typed.History]


def happened_at(machine: Machine, known: Mapping[str, Known], counts: Counts) -> dict[str, Counts]:
    """Return which of the counts are above zero for sure on arrival at each state that can be reached."""
    states = {state.id: state for state in machine.states}
    told = {name: shown(given.values(), counts, machine.timezone) for name, given in known.items()}
    entered = of_any(counts, [machine.entry.event]) if machine.entry.trigger is None else frozenset()
    found: dict[str, Counts] = {machine.initial: entered | told[machine.initial]}
    queue = deque([machine.initial])
    while queue:
        state = states[queue.popleft()]
        for target, arriving in _onward(state, found[state.id], counts):
            before = found.get(target)
            after = told[target] | (arriving if before is None else before & arriving)
            if after != before:
                found[target] = after
                queue.append(target)
    return found


def of_any(counts: Counts, events: Iterable[str]) -> Counts:
    """Return the counts that are above zero as soon as one of the events happens."""
    names = frozenset(events)
    return frozenset(
        count for count in counts if count.event in names and count.where is None and count.window.start is None
    )


def _onward(state: State, here: Counts, counts: Counts) -> Iterable[tuple[str, Counts]]:
    if isinstance(state.action, Emit):
        here |= of_any(counts, [state.action.event])
    for transition in state.transitions:
        event = [transition.trigger.event] if isinstance(transition.trigger, On) else []
        yield transition.target, here | of_any(counts, event)


def shown(given: Iterable[Given], counts: Counts, timezone: str) -> Counts:
    """Return the counts that are above zero by what is known to be true, or not to be."""
    known = [(one.condition, one.truth) for one in given]
    asked = {node for condition, _ in known for node in nodes(condition) if isinstance(node, typed.History)}
    above = [one for one in asked if any(_covers(one, count) for count in counts) and _is_shown(one, known, timezone)]
    return frozenset(count for count in counts if any(_covers(one, count) for one in above))


def _is_shown(asked: typed.History, known: Sequence[tuple[typed.Expression, bool]], timezone: str) -> bool:
    """Return whether it is known that something happened of what a question about the past looks at."""
    question: typed.Expression
    match asked.function:
        case "did" | "count":
            count = replace(asked, function="count", type=INTEGER)
            question = typed.Compare(op=">", left=count, right=_ZERO)
        case "sum":
            question = typed.Compare(op="!=", left=asked, right=_ZERO)
        case _:
            question = typed.Known(of=asked)
    found = survey_knowing([question], known, timezone)
    return found is not None and bool(found.rows) and all(row.holds[0] for row in found.rows)


def _covers(asked: typed.History, count: typed.History) -> bool:
    """Return whether what one question finds is found by the other one, too."""
    if asked.event != count.event or count.where not in (None, asked.where):
        return False
    near, far = asked.window, count.window
    if far in (near, typed.Window()):
        return True
    return near.last is not None and far.last is not None and near.last <= far.last
