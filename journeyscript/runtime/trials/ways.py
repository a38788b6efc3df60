"""Customers and timelines that should take somebody along a given way through a journey.

Takes a compiled journey and a situation; gives candidates as the plain data of a test, the likeliest first. Conditions
on the way are solved by `regions`; what nobody asks about gets a value that goes with its type. Whether a candidate
really goes that way is for the engine to say, not for this module.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.checks.regions import survey
from journeyscript.compiler import Project
from journeyscript.diagnostics import Occasion, Situation
from journeyscript.machine.graph import path_to
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import After, Arm, CalendarDays, Due, If, Machine, On, State, Transition, When
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import AttributeDefinition, Catalog
from journeyscript.semantics.types import Milliseconds, Type, Value
from journeyscript.syntax.duration import DAY, HOUR, MINUTE, show_duration

Data: TypeAlias = dict[str, Any]
Facts: TypeAlias = dict[str, Value]
Asked: TypeAlias = tuple[typed.Expression, bool]

MOST_CUSTOMERS = 12
"""So many kinds of customers who fit all conditions are tried."""

MOST_NAMES = 60
"""So many names are tried where chance decides, which is drawn from the name."""

LONG = 9 * DAY
"""Longer than any wait for a time of day or a window."""

_COUNTED = re.compile(r"count\((\w+)(?P<more>.*)\)$")


class Candidate(Struct, frozen=True, kw_only=True):
    """A customer and what they do, as a test writes it."""

    customer: Data
    timeline: list[Data]


class Leg(Struct, frozen=True, kw_only=True):
    """A state on the way, and the transition out of it; the last one has none."""

    state: State
    number: int | None


def candidates(project: Project, compiled: Compiled, situation: Situation) -> Iterator[Candidate]:
    """Yield candidates, none where no way leads through the situation."""
    legs = way(compiled.machine, situation.path)
    if legs is None:
        return
    chance = any(isinstance(t.trigger, Arm) for t in (_taken(leg) for leg in legs) if t is not None)
    names = [f"customer {number}" for number in range(1, MOST_NAMES + 1)] if chance else [None]
    for facts in _customers(project.catalog, compiled, legs, situation):
        for name in names:
            try:
                yield _Telling(project, compiled.machine, facts).candidate(legs, situation, name)
            except (OverflowError, ValueError):  # A moment that no calendar has.
                break


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


def _taken(leg: Leg) -> Transition | None:
    return None if leg.number is None else leg.state.transitions[leg.number]


def _asked(compiled: Compiled, legs: Sequence[Leg]) -> list[Asked]:
    """Return the conditions that decide on the way, each with what it has to say."""
    where = compiled.machine.entry.where
    asked: list[Asked] = [] if where is None else [(where, True)]
    for leg in legs:
        if leg.number is None:
            continue
        for number, transition in enumerate(leg.state.transitions[: leg.number + 1]):
            if isinstance(transition.trigger, If | When):
                asked.append((transition.trigger.condition, number == leg.number))
    return asked


def _customers(catalog: Catalog, compiled: Compiled, legs: Sequence[Leg], situation: Situation) -> Iterator[Facts]:
    """Yield what may be so of a customer who goes the way; of whom nobody can be, what is so in the situation."""
    given: Facts = dict(situation.customer)
    asked = [*_asked(compiled, legs), *_equalities(catalog, given)]
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


class _Telling:
    """The telling of one candidate: what is so is spread over the customer, their past and their events."""

    def __init__(self, project: Project, machine: Machine, facts: Facts) -> None:
        self.catalog, self.channels, self.machine, self.facts = project.catalog, project.channels, machine, facts
        self.timeline: list[Data] = []

    def candidate(self, legs: Sequence[Leg], situation: Situation, name: str | None) -> Candidate:
        entry = self.properties(self.machine.entry.event, self.about("entry.event.") | self.about("event."))
        self.past(before=True)
        self.happens(self.machine.entry.event, entry)
        self.past(before=False)
        for leg in legs:
            self.rest(leg, [item for item in situation.timeline if item.step == leg.state.id])
        return Candidate(customer=self.customer(name), timeline=self.timeline)

    def about(self, prefix: str) -> Facts:
        return {name.removeprefix(prefix): v for name, v in self.facts.items() if name.startswith(prefix)}

    def customer(self, name: str | None) -> Data:
        """Return the customer: whoever is not said to lack something can be written to."""
        known: Data = {} if name is None else {"id": name}
        definitions = self.catalog.attributes
        reached = {c.address for c in self.channels.values() if c.address is not None}
        values: Facts = {**{name: _address(name) for name in sorted(reached)}, **self.about("customer.")}
        for attribute, value in values.items():
            if attribute in definitions and value is not None:
                known[attribute] = written(value, definitions[attribute].type)
        consent = {c.name: True for c in self.channels.values() if c.consent != "none"} | {
            channel: value for channel, value in self.about("consent.").items() if channel in self.channels
        }
        given = {channel: value for channel, value in sorted(consent.items()) if value is not None}
        return {**known, "consent": given} if given else known

    def properties(self, event: str, known: Mapping[str, Value]) -> Data:
        definition = self.catalog.events.get(event)
        found: Data = {}
        for prop in () if definition is None else definition.properties.values():
            value = known.get(prop.name)
            if value is not None:
                found[prop.name] = written(value, prop.type)
            elif not prop.optional:
                found[prop.name] = anything(prop.type)
        return found

    def happens(self, event: str, properties: Data, after: Milliseconds = 0) -> None:
        moment: Data = {"after": show_duration(after)} if after else {}
        self.timeline.append({**moment, "event": event, **({"properties": properties} if properties else {})})

    def past(self, *, before: bool) -> None:
        """Have the events happen that conditions count: before the journey starts, or since then."""
        for name, value in self.facts.items():
            match = _COUNTED.match(name)
            if match is None or not isinstance(value, int) or ("since entry" in match["more"]) == before:
                continue
            for _ in range(min(value, 20)):
                self.happens(match[1], self.properties(match[1], {}), after=MINUTE if self.timeline else 0)

    def rest(self, leg: Leg, occasions: Sequence[Occasion]) -> None:
        """Have pass what passes at a state."""
        taken = _taken(leg)
        trigger = None if taken is None else taken.trigger
        length = _length(leg.state) if isinstance(trigger, Due) else 0
        pause = min(HOUR, length // (len(occasions) + 1)) if length else HOUR
        for occasion in occasions:
            self.occasion(occasion, pause)
            length = max(length - max(pause, occasion.lasts), 0)
        if isinstance(trigger, On):
            self.happens(trigger.event, self.properties(trigger.event, self.solved(trigger)), after=pause)
        elif length:
            self.timeline.append({"after": show_duration(length)})

    def occasion(self, occasion: Occasion, pause: Milliseconds) -> None:
        if occasion.lasts:
            self.timeline.append({"after": show_duration(occasion.lasts)})
        if occasion.event is not None:
            self.happens(occasion.event, self.properties(occasion.event, dict(occasion.properties)), after=pause)
        if occasion.attribute is not None and occasion.attribute in self.catalog.attributes:
            definition = self.catalog.attributes[occasion.attribute]
            value = other(definition, self.facts.get(f"customer.{occasion.attribute}"))
            self.timeline.append({"after": show_duration(pause), "attributes": {occasion.attribute: value}})
        if occasion.consent is not None:
            self.timeline.append({"after": show_duration(pause), "consent": {occasion.consent: False}})

    def solved(self, trigger: On) -> Facts:
        """Return properties with which an event is one that is waited for."""
        found = None if trigger.where is None else survey([trigger.where], self.machine.timezone)
        row = None if found is None else next((row for row in found.rows if row.holds == (True,)), None)
        if found is None or row is None:
            return {}
        return {leaf.name.removeprefix("event."): value for leaf, value in zip(found.leaves, row.values, strict=True)}


def _address(attribute: str) -> str:
    if "mail" in attribute:
        return "ada@example.com"
    return "+49 30 5550100" if "phone" in attribute else "something"


def _length(state: State) -> Milliseconds:
    match state.timer:
        case After(duration=duration):
            return duration
        case CalendarDays(days=days):
            return days * DAY + HOUR  # A day can have 25 hours.
        case None:
            return 0
        case _:
            return LONG


def written(value: Value, kind: Type) -> Value:
    """Return a value as a file says it.

    Raises:
        OverflowError, ValueError: it is a moment that no calendar has.
    """
    match kind.kind, value:
        case "timestamp", int():
            return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case "duration", int():
            return show_duration(value)
        case (("list" | "object" | "any"), _):
            return anything(kind)
        case _:
            return value


def anything(kind: Type) -> Value:
    """Return some value of a type, as a file says it."""
    match kind.kind:
        case "integer" | "number" | "money":
            return 1
        case "boolean":
            return True
        case "enum":
            return kind.values[0]
        case "date":
            return "2026-01-01"
        case "timestamp":
            return "2026-01-01T00:00Z"
        case "duration":
            return "1 day"
        case "list":
            return []
        case "object":
            return {}
        case _:
            return "something"


def other(definition: AttributeDefinition, value: Value) -> Value:
    """Return a value that an attribute can change to, as a file says it."""
    match definition.type.kind:
        case "enum":
            return next((name for name in definition.type.values if name != value), None)
        case "boolean":
            return not value
        case _:
            return None if definition.optional else anything(definition.type)
