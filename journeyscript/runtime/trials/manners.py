"""How else a story can be told where the plain way does not come to the place: time passes, or somebody changes.

Takes a machine and a way through it; gives manners, the plain one first. Times are those that conditions name. Whether
a manner helps is for the engine to say, not for this module.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.checks.regions import survey
from journeyscript.machine.model import BySegment, Machine, State, When
from journeyscript.machine.needs import nodes
from journeyscript.semantics import typed
from journeyscript.semantics.types import Milliseconds, Value
from journeyscript.syntax.duration import DAY, HOUR

MOST_MANNERS = 24
"""So many of them are tried."""

_MOST_SPANS, _MOST_ALIVE, _MOST_BEFORE = 4, 3, 2
_MOST_DAYS = 1_000
"""A number up to here may be one of days."""


class Manner(Struct, frozen=True, kw_only=True):
    """What is otherwise than in the plain story.

    `start`: so long passes, in milliseconds, until the customer has come into a segment, or has left it; `then` is what
    they do behind it, by which they leave. `before`: what is so of the customer until they change and leave it.
    `patience`: so long they wait for a condition. `event` is what they do again meanwhile, `every` so many
    milliseconds. `late`: they become whom conditions ask for while they wait.
    """

    start: Milliseconds = 0
    then: str = ""
    before: tuple[tuple[str, Value], ...] = ()
    patience: Milliseconds = 0
    event: str = ""
    every: Milliseconds = 0
    late: bool = False


PLAIN = Manner()


def manners(machine: Machine, way: Sequence[State]) -> Iterator[Manner]:
    """Yield how a story along a way can be told."""
    trigger, starts = machine.entry.trigger, [PLAIN]
    if isinstance(trigger, BySegment):
        if trigger.on == "leave":
            starts += (Manner(before=facts) for facts in _inside(trigger.condition, machine.timezone))
        lengths = list(spans([trigger.condition]))
        starts += (Manner(start=span) for span in lengths)
        if trigger.on == "leave":
            events = sorted(events_in([trigger.condition]))
            starts += (Manner(start=span, then=event) for span, event in product(lengths, events))
    waited = list(spans(_awaited(way)))
    timed = [*_awaited(machine.states), *(rule.when for rule in machine.exits if rule.when is not None)]
    alive = [(event, every // 2) for every in spans(timed) for event in sorted(events_in(timed))][:_MOST_ALIVE]
    told = (
        replace(start, patience=patience, event=event, every=every)
        for (event, every), patience, start in product([("", 0), *alive], [0, *waited], starts)
    )
    yield from islice(told, MOST_MANNERS)
    yield from (replace(start, late=True) for start in starts)


def spans(conditions: Iterable[typed.Expression]) -> Iterator[Milliseconds]:
    """Yield after how long what conditions say of the past may have changed, the shortest first."""
    found: set[Milliseconds] = set()
    for condition in conditions:
        inside = list(nodes(condition))
        if not any(isinstance(node, typed.History | typed.Call) for node in inside):
            continue
        for node in inside:
            match node:
                case typed.History(window=typed.Window(last=int(last))):
                    found.add(last + HOUR)
                case typed.Literal(value=int(days)) if not isinstance(days, bool) and 0 < days < _MOST_DAYS:
                    found.add((days + 1) * DAY)
                case _:
                    pass
    yield from sorted(found)[:_MOST_SPANS]


def events_in(conditions: Iterable[typed.Expression]) -> set[str]:
    """Return the events that conditions ask the past for."""
    return {node.event for one in conditions for node in nodes(one) if isinstance(node, typed.History)}


def _awaited(states: Iterable[State]) -> list[typed.Expression]:
    return [t.trigger.condition for state in states for t in state.transitions if isinstance(t.trigger, When)]


def _inside(condition: typed.Expression, timezone: str) -> Iterator[tuple[tuple[str, Value], ...]]:
    """Yield what may be so of somebody in a segment."""
    found = survey([condition], timezone)
    rows = () if found is None else (row for row in found.rows if row.holds == (True,))
    for row in islice(rows, _MOST_BEFORE):
        assert found is not None, "there are rows of it"
        yield tuple((leaf.name, value) for leaf, value in zip(found.leaves, row.values, strict=True))
