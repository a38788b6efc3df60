"""One candidate's story: what is so is spread over the customer, their past and their events, as a test writes it.

Takes the facts that conditions on a way ask for, and the way; gives a customer and a timeline as plain data. What
nobody asks about gets a value that goes with its type. Knows nothing of which ways there are.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.checks.regions import survey
from journeyscript.compiler import Project
from journeyscript.diagnostics import Occasion, Situation
from journeyscript.engine.schedule import next_firing, next_moment
from journeyscript.machine.model import (
    After,
    ByApi,
    ByDate,
    BySchedule,
    BySegment,
    CalendarDays,
    Due,
    Machine,
    On,
    State,
    Transition,
    When,
)
from journeyscript.machine.needs import nodes
from journeyscript.runtime.trials.invented import DEFAULT_START
from journeyscript.runtime.trials.manners import PLAIN, Manner, events_in
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import AttributeDefinition
from journeyscript.semantics.types import TIMESTAMP, Milliseconds, Type, Value
from journeyscript.syntax.duration import DAY, HOUR, MINUTE, show_duration

Data: TypeAlias = dict[str, Any]
Facts: TypeAlias = dict[str, Value]

LONG = 9 * DAY
"""Longer than any wait for a time of day or a window."""

MOST_AGAIN = 60
"""So often somebody does a thing again in one wait."""

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


def taken(leg: Leg) -> Transition | None:
    """Return the transition that is taken out of a leg's state, or `None` for the last one."""
    return None if leg.number is None else leg.state.transitions[leg.number]


class Telling:
    """The telling of one candidate: what is so is spread over the customer, their past and their events."""

    def __init__(self, project: Project, machine: Machine, facts: Facts, manner: Manner = PLAIN) -> None:
        self.catalog, self.channels, self.machine, self.facts = project.catalog, project.channels, machine, facts
        self.manner = manner
        self.timeline: list[Data] = []
        self.late: Data = {}

    def candidate(self, legs: Sequence[Leg], situation: Situation, name: str | None) -> Candidate:
        """Return the customer and the timeline that go from leg to leg."""
        as_asked = self.facts
        self.facts = {**self.facts, **dict(self.manner.before)}
        first = self.customer(name)
        self.past(before=True)
        self.facts = as_asked
        self.starts()
        self.past(before=False)
        for leg in legs:
            self.rest(leg, [item for item in situation.timeline if item.step == leg.state.id])
        if not self.manner.before:
            first = {name: value for name, value in self.customer(name).items() if name not in self.late}
        return Candidate(customer=first, timeline=self.timeline)

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
                # Whoever says nothing of a zone lives in the project's.
                schedule = replace(entry.trigger, zone="project")
                firing = next_firing(schedule, self.machine.timezone, DEFAULT_START)
                if firing is not None:
                    self.timeline.append({"at": written(firing.at, TIMESTAMP)})
            case ByDate(moment=typed.Attribute(name=name, type=kind)):
                self.facts = {f"customer.{name}": some_day(kind), **self.facts}
                value = self.facts[f"customer.{name}"]
                moment = next_moment(entry.trigger, value, None, self.machine.timezone, DEFAULT_START)
                if moment is not None:
                    self.timeline.append({"at": written(moment, TIMESTAMP)})
            case ByDate(moment=moment_of):
                for node in nodes(moment_of):
                    if isinstance(node, typed.Attribute) and node.type.kind in ("date", "timestamp"):
                        self.facts = {f"customer.{node.name}": some_day(node.type), **self.facts}
                self.timeline.append({"after": "4 days"})
            case BySegment(condition=condition) if self.manner.start:
                self.have_happened(condition)
                if self.manner.then:
                    self.happens(self.manner.then, self.properties(self.manner.then, {}), after=self.manner.start)
                else:
                    self.timeline.append({"after": show_duration(self.manner.start)})
            case BySegment():
                # Who is in a segment from the beginning does not come into it: they get there by what changes.
                changes = self.customer(None)
                names = {*self.about("customer."), *(n.removeprefix("customer.") for n, _ in self.manner.before)}
                self.late = {n: changes.get(n) for n in sorted(names) if n in changes or self.gone(n)}
                self.timeline.append({"after": "1 hour", **({"attributes": self.late} if self.late else {})})

    def gone(self, attribute: str) -> bool:
        """Return whether the customer has an attribute at first, and not any more."""
        known = dict(self.manner.before).get(f"customer.{attribute}")
        return known is not None and self.facts.get(f"customer.{attribute}") is None

    def have_happened(self, condition: typed.Expression) -> None:
        """Have each event happen once that a condition asks the past for, where it has not."""
        for event in sorted(events_in([condition]) - {item.get("event") for item in self.timeline}):
            self.happens(event, self.properties(event, {}), after=MINUTE if self.timeline else 0)

    def about(self, prefix: str) -> Facts:
        """Return what is so of names that begin like this, without that beginning."""
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
        """Return an event's properties: what is known of them, and something for those that it needs."""
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
        """Have an event happen, a while after what stands above it."""
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
        transition = taken(leg)
        trigger = None if transition is None else transition.trigger
        length = _length(leg.state) if isinstance(trigger, Due) else 0
        if isinstance(trigger, When) and self.manner.patience:
            self.have_happened(trigger.condition)
            length = self.manner.patience
        if self.manner.late and length > HOUR:
            self.become(length - HOUR)
            length = HOUR
        if self.manner.event and length > self.manner.every:
            for _ in range(min(length // self.manner.every, MOST_AGAIN)):
                properties = self.properties(self.manner.event, {})
                self.happens(self.manner.event, properties, after=self.manner.every)
                length -= self.manner.every
        pause = min(HOUR, length // (len(occasions) + 1)) if length else HOUR
        for occasion in occasions:
            self.occasion(occasion, pause)
            length = max(length - max(pause, occasion.lasts), 0)
        if isinstance(trigger, On):
            self.happens(trigger.event, self.properties(trigger.event, self.solved(trigger)), after=pause)
        elif length:
            self.timeline.append({"after": show_duration(length)})

    def become(self, after: Milliseconds) -> None:
        """Have the customer become whom conditions ask for, and do what these count."""
        changes = self.customer(None)
        late = {name: changes[name] for name in self.about("customer.") if name in changes}
        changed: list[Data] = [{"attributes": late}] if late else []
        for name, value in self.facts.items():
            match = _COUNTED.match(name)
            if match is not None and isinstance(value, int):
                properties = self.properties(match[1], {})
                happening: Data = {"event": match[1], **({"properties": properties} if properties else {})}
                changed += [happening] * min(value, 20)
        first, *others = changed or [{}]
        self.timeline += [{"after": show_duration(after), **first}, *others]

    def occasion(self, occasion: Occasion, pause: Milliseconds) -> None:
        """Have happen what a situation says of a step."""
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


def some_day(kind: Type) -> Value:
    """Return a day, or a moment, a little behind the beginning of a story."""
    return SOME_DAY if kind.kind == "date" else DEFAULT_START + 3 * DAY


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
