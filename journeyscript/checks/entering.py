"""Steps that put the customer into another journey: whether there is such a journey, and whether it can be asked so.

Takes the names of all journeys and the machines of those that compile; what a target asks for, its entry says. Of a
journey whose own file is wrong, no more is known than its name.
"""

from collections.abc import Collection, Iterable, Iterator

from journeyscript.checks.places import place, place_of_given
from journeyscript.checks.regions import type_of
from journeyscript.diagnostics import Diagnostic
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import ByApi, Enter, State
from journeyscript.machine.wording import start_in_words
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import suggestion
from journeyscript.semantics.operators import comparable
from journeyscript.semantics.types import BOOLEAN, Type

_CONDITIONS = (typed.Compare, typed.In, typed.And, typed.Or, typed.Not, typed.Known, typed.InSegment)


def check_entering(names: Collection[str], journeys: Iterable[Compiled]) -> Iterator[Diagnostic]:
    """Yield JS107 for a step that enters what cannot be entered; JS302, JS303 and JS004 for what it is asked with."""
    compiled = {one.machine.journey: one for one in journeys}
    for one in compiled.values():
        for state in one.machine.states:
            if isinstance(state.action, Enter):
                yield from _asked(one, state, state.action, names, compiled.get(state.action.journey))


def _asked(
    asking: Compiled, state: State, enter: Enter, names: Collection[str], target: Compiled | None
) -> Iterator[Diagnostic]:
    journey, span = asking.machine.journey, place(asking, state.id)
    if enter.journey not in names:
        message, advice = f"there is no journey `{enter.journey}`", suggestion(enter.journey, names)
        yield finding("JS107", message, span, help=advice, journey=journey, step=state.id)
    elif target is not None and isinstance(target.machine.entry.trigger, ByApi):
        yield from _given(asking, state, enter, target.machine.entry.trigger)
    elif target is not None:
        starts = start_in_words(target.machine.entry)
        yield finding(
            "JS107",
            f"no step can enter `{enter.journey}`, which starts by `{starts}` and not by `api`",
            span,
            help=f"write `entry: {{ api: {{}}, … }}` in `{target.about.path}`, or `emit` an event that it starts on",
            journey=journey,
            step=state.id,
        )


def _given(asking: Compiled, state: State, enter: Enter, entry: ByApi) -> Iterator[Diagnostic]:
    """Yield what is wrong with the properties of a step, going by the entry that they are for."""
    journey = asking.machine.journey
    for name, value in enter.properties:
        span, wanted, kind = place_of_given(asking, f"{state.id}/{name}"), entry.properties.get(name), _type(value)
        if wanted is None:
            message, advice = f"`{enter.journey}` asks for no `{name}`", suggestion(name, entry.properties)
            yield finding("JS302", message, span, help=advice, journey=journey, step=state.id)
        elif not comparable(wanted, kind):
            message = f"`{name}` holds {wanted}, this is {kind}"
            yield finding("JS303", message, span, journey=journey, step=state.id)
    given = {name for name, _ in enter.properties}
    missing = [f"`{name}`" for name in entry.properties if name not in {*given, *entry.optional}]
    if missing:
        message = f"`{enter.journey}` needs {', '.join(missing)} under `with`"
        yield finding("JS004", message, place(asking, state.id), journey=journey, step=state.id)


def _type(value: typed.Expression) -> Type:
    return BOOLEAN if isinstance(value, _CONDITIONS) else type_of(value)
