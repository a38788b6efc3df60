"""Customers and timelines that should take somebody along a given way through a journey.

Takes a compiled journey and a situation; gives candidates as the plain data of a test, the likeliest first. Conditions
on the way are solved by `regions`; what nobody asks about gets a value that goes with its type. Whether a candidate
really goes that way is for the engine to say, not for this module.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice, pairwise, product
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.checks.regions import survey
from journeyscript.compiler import Project
from journeyscript.diagnostics import Occasion, Situation
from journeyscript.engine.chance import draw
from journeyscript.engine.schedule import next_firing, next_moment
from journeyscript.machine.graph import path_to
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import (
    After,
    Always,
    Arm,
    AtDate,
    ByApi,
    ByDate,
    BySchedule,
    BySegment,
    CalendarDays,
    Due,
    If,
    Lap,
    Machine,
    On,
    State,
    Transition,
    When,
)
from journeyscript.machine.needs import nodes
from journeyscript.runtime.trials.invented import DEFAULT_START
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import AttributeDefinition, Catalog
from journeyscript.semantics.types import TIMESTAMP, Milliseconds, Type, Value
from journeyscript.syntax.duration import DAY, HOUR, MINUTE, show_duration

Data: TypeAlias = dict[str, Any]
Facts: TypeAlias = dict[str, Value]
Asked: TypeAlias = tuple[typed.Expression, bool]

MOST_CUSTOMERS = 12
"""So many kinds of customers who fit all conditions are tried."""

MOST_ROUNDS = 20
"""So many rounds of a loop are gone through at most."""

MOST_NAMES = 60
"""So many names are tried where chance decides, which is drawn from the name."""

LONG = 9 * DAY
"""Longer than any wait for a time of day or a window."""

MOST_VARIANTS = 16
"""So many variants of a way, which differ in what leads from one step to the next, are tried."""

MOST_DRAWN = 2_000
"""So many names are looked at for one that draws the arms of a way."""

FEW_NAMES = 3
"""So many of them are tried where the name alone decides."""

SOME_DAY = "2026-01-08"
"""A few days behind the beginning of a story."""

_COUNTED = re.compile(r"count\((\w+)(?P<more>.*)\)$")
_SUMMED = re.compile(r"(?:sum|average|min|max)\((\w+)\.(\w+)(?P<more>.*)\)$")


class Candidate(Struct, frozen=True, kw_only=True):
    """A customer and what they do, as a test writes it."""

    customer: Data
    timeline: list[Data]


class Leg(Struct, frozen=True, kw_only=True):
    """A state on the way, and the transition out of it; the last one has none. `fixed`: no other one will do."""

    state: State
    number: int | None
    fixed: bool = False


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
        for facts in _customers(project.catalog, compiled, chosen, situation):
            known = {**_days(chosen), **facts}
            for name in names:
                try:
                    yield Telling(project, compiled.machine, known).candidate(chosen, situation, name)
                except (OverflowError, ValueError):  # A moment that no calendar has.
                    break


def _variants(legs: Sequence[Leg]) -> Iterator[Sequence[Leg]]:
    """Yield the way with every other transition that leads to the same next step: an event, or the end of the wait."""
    choices = []
    for leg in legs:
        taken = _taken(leg)
        others = () if taken is None or leg.fixed else enumerate(leg.state.transitions)
        same = [n for n, other in others if taken is not None and other.target == taken.target and n != leg.number]
        choices.append([leg, *(Leg(state=leg.state, number=number) for number in same)])
    yield from product(*choices)


def _names(machine: Machine, legs: Sequence[Leg]) -> Iterator[str | None]:
    """Yield names with which somebody draws the arms on the way, and is not held out; `None` where chance is not asked.

    What is drawn for each entry hangs on more than the name: then any may do.
    """
    arms = [t.trigger for t in (_taken(leg) for leg in legs) if t is not None and isinstance(t.trigger, Arm)]
    if not arms:
        yield None
    if not arms and not machine.entry.holdout:
        return
    number = 0
    for name in (f"customer {count}" for count in range(1, MOST_DRAWN + 1)):
        drawn = all(
            arm.low <= draw(1_000_000, arm.experiment, name) < arm.high for arm in arms if arm.per == "customer"
        )
        if drawn and number < (MOST_NAMES if any(arm.per == "entry" for arm in arms) else FEW_NAMES):
            number += 1
            yield name


def _days(legs: Sequence[Leg]) -> Facts:
    """Return some day for each date that is waited for on the way."""
    days: Facts = {}
    for leg in legs:
        if isinstance(leg.state.timer, AtDate):
            for node in nodes(leg.state.timer.moment):
                match node:
                    case typed.Attribute(name=name, type=kind) if kind.kind in ("date", "timestamp"):
                        days[f"customer.{name}"] = _some_day(kind)
                    case typed.EntryProperty(name=name, type=kind) if kind.kind in ("date", "timestamp"):
                        days[f"entry.event.{name}"] = _some_day(kind)
                    case _:
                        pass
    return days


def _some_day(kind: Type) -> Value:
    return SOME_DAY if kind.kind == "date" else DEFAULT_START + 3 * DAY


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


def _taken(leg: Leg) -> Transition | None:
    return None if leg.number is None else leg.state.transitions[leg.number]


def _asked(compiled: Compiled, legs: Sequence[Leg]) -> list[Asked]:
    """Return the conditions that decide on the way, each with what it has to say."""
    entry = compiled.machine.entry
    asked: list[Asked] = [] if entry.where is None else [(entry.where, True)]
    match entry.trigger:
        case BySchedule(audience=audience):
            asked.append((audience, True))
        case BySegment(condition=condition, on=on):
            asked.append((condition, on == "enter"))
        case _:
            pass
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


class Telling:
    """The telling of one candidate: what is so is spread over the customer, their past and their events."""

    def __init__(self, project: Project, machine: Machine, facts: Facts) -> None:
        self.catalog, self.channels, self.machine, self.facts = project.catalog, project.channels, machine, facts
        self.timeline: list[Data] = []
        self.late: Data = {}

    def candidate(self, legs: Sequence[Leg], situation: Situation, name: str | None) -> Candidate:
        self.past(before=True)
        self.starts()
        self.past(before=False)
        for leg in legs:
            self.rest(leg, [item for item in situation.timeline if item.step == leg.state.id])
        customer = {name: value for name, value in self.customer(name).items() if name not in self.late}
        return Candidate(customer=customer, timeline=self.timeline)

    def starts(self) -> None:
        """Have happen what the journey starts on."""
        entry, known = self.machine.entry, self.about("entry.event.") | self.about("event.")
        match entry.trigger:
            case None:
                self.happens(entry.event, self.properties(entry.event, known))
            case ByApi(properties=kinds, optional=optional):
                asked = {n: known.get(n) for n in kinds if known.get(n) is not None or n not in optional}
                values = {n: anything(kinds[n]) if v is None else written(v, kinds[n]) for n, v in asked.items()}
                self.timeline.append({"enter": values})
            case BySchedule():
                firing = next_firing(entry.trigger, self.machine.timezone, DEFAULT_START)
                if firing is not None:
                    self.timeline.append({"at": written(firing.at, TIMESTAMP)})
            case ByDate(moment=typed.Attribute(name=name)):
                self.facts = {f"customer.{name}": SOME_DAY, **self.facts}
                value = self.facts[f"customer.{name}"]
                moment = next_moment(entry.trigger, value, None, self.machine.timezone, DEFAULT_START)
                if moment is not None:
                    self.timeline.append({"at": written(moment, TIMESTAMP)})
            case BySegment() | ByDate():
                # Who is in a segment from the beginning does not come into it: they get there by what changes.
                changes = self.customer(None)
                self.late = {n: changes[n] for n in self.about("customer.") if n in changes}
                self.timeline.append({"after": "1 hour", **({"attributes": self.late} if self.late else {})})

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
            value = known.get(prop.name, self.summed(event, prop.name))
            if value is not None:
                found[prop.name] = written(value, prop.type)
            elif not prop.optional:
                found[prop.name] = anything(prop.type)
        return found

    def summed(self, event: str, name: str) -> Value:
        """Return what a condition wants the values of a property to add up to."""
        for leaf, value in self.facts.items():
            match = _SUMMED.match(leaf)
            if match is not None and (match[1], match[2]) == (event, name):
                return value
        return None

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
        for name, value in self.facts.items():
            match = _SUMMED.match(name)
            if match is None or value is None or ("since entry" in match["more"]) == before:
                continue
            if match[1] not in (self.machine.entry.event, *(item.get("event") for item in self.timeline)):
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
