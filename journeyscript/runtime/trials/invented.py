"""An invented customer's story, as a test tells it, to the records that the production path takes in.

Takes a written test and the project's catalog; gives records with their instants, or findings at the places that are
wrong. Time starts at the test's `at` and only ever goes on; calendar days are those of the customer's zone.
"""

from collections.abc import Iterator

from msgspec import Struct

from journeyscript.compiler import Project
from journeyscript.diagnostics import Diagnostic
from journeyscript.engine.calendar import add_calendar_days, resolve_zone
from journeyscript.engine.values import Event
from journeyscript.machine.model import ENTERED
from journeyscript.machine.needs import ALWAYS_READ
from journeyscript.rules import finding
from journeyscript.runtime.intake.records import Incoming
from journeyscript.runtime.intake.values import BadValue, parse_instant, typed_value
from journeyscript.runtime.session import requests_of
from journeyscript.semantics.catalog import AttributeDefinition, Catalog, EventDefinition, suggestion
from journeyscript.semantics.types import Instant, Value
from journeyscript.source.nodes import Mapping, Pair, Scalar, plain
from journeyscript.syntax.duration import DurationProblem, parse_duration
from journeyscript.syntax.trial_file import Happening, WrittenTest

DEFAULT_START = 1_767_603_600_000
"""2026-01-05T09:00Z, a Monday: when a story begins that does not say so."""

DEFAULT_NAME = "customer"
"""What an invented customer goes by who was given no `id`."""

_ALWAYS_READ = {name: AttributeDefinition(name=name, type=kind) for name, kind in ALWAYS_READ.items()}
"""Attributes that the engine reads whether the catalog declares them or not."""

_BESIDE_ATTRIBUTES = ("id", "consent")


class Moment(Struct, frozen=True, kw_only=True):
    """An instant of the story; `record` is what comes in then, `None` where time only passes."""

    at: Instant
    record: Incoming | None


class Invented(Struct, frozen=True, kw_only=True):
    """A story that can be lived through. `profile` is the customer as they are before anything happens."""

    customer: str
    profile: Incoming
    moments: tuple[Moment, ...]

    @property
    def ends(self) -> Instant:
        """The last instant: what is due later does not happen any more."""
        return max((moment.at for moment in self.moments), default=self.profile.at)


def invent(project: Project, journey: str, test: WrittenTest) -> tuple[Invented | None, list[Diagnostic]]:
    """Return the story of a test and no findings, or no story and all that is wrong with it."""
    reading = _Reading(project, journey, test)
    invented = reading.story()
    return (None if reading.findings else invented), reading.findings


def typed_mapping(
    node: Mapping | None, definitions: dict[str, AttributeDefinition], whose: str
) -> tuple[dict[str, Value], list[Diagnostic]]:
    """Return written values in their declared types, and what is wrong with the others.

    `whose` names the owner for the message, such as `customers` or an event in backticks.
    """
    values: dict[str, Value] = {}
    findings: list[Diagnostic] = []
    for pair in () if node is None else node.pairs:
        name = pair.key.text
        definition = definitions.get(name)
        if definition is None:
            findings.append(_undeclared(pair, definitions, whose))
            continue
        try:
            values[name] = typed_value(plain(pair.value), definition.type)
        except BadValue as problem:
            code = "JS307" if definition.type.kind == "enum" else "JS303"
            findings.append(finding(code, f"`{name}`: {problem}", pair.value.span))
    return values, findings


def attribute_definitions(catalog: Catalog) -> dict[str, AttributeDefinition]:
    """Return the attributes that a test may give a customer."""
    return {**_ALWAYS_READ, **catalog.attributes}


def _undeclared(pair: Pair, definitions: dict[str, AttributeDefinition], whose: str) -> Diagnostic:
    code, what = ("JS301", "attribute") if whose == "customers" else ("JS302", "property")
    verb = "have" if whose == "customers" else "has"
    message = f"{whose} {verb} no {what} `{pair.key.text}`"
    return finding(code, message, pair.key.span, help=suggestion(pair.key.text, definitions))


class _Reading:
    """The reading of one test; findings are collected."""

    def __init__(self, project: Project, journey: str, test: WrittenTest) -> None:
        self.project, self.journey = project, journey
        self.catalog, self.timezone, self.test = project.catalog, project.config.timezone, test
        self.findings: list[Diagnostic] = []
        self.zone: Value = None

    def story(self) -> Invented:
        test = self.test
        now = DEFAULT_START if test.at is None else self.instant(test.at, DEFAULT_START)
        given = test.customer
        name = given.get("id") if given is not None else None
        customer = name.text if isinstance(name, Scalar) else DEFAULT_NAME
        attributes = None if given is None else _without(given, _BESIDE_ATTRIBUTES)
        consent = given.get("consent") if given is not None else None
        profile = self.record(customer, now, attributes, consent if isinstance(consent, Mapping) else None)
        moments: list[Moment] = []
        for number, happening in enumerate(test.timeline, 1):
            now = self.later(happening, now)
            moments.append(Moment(at=now, record=self.happening(customer, happening, now, number)))
        return Invented(customer=customer, profile=profile, moments=tuple(moments))

    def later(self, happening: Happening, now: Instant) -> Instant:
        """Return when an item of the timeline happens."""
        if happening.at is not None:
            at = self.instant(happening.at, now)
            if at < now:
                message = "this is before what stands above it, and time only goes on"
                self.findings.append(finding("JS005", message, happening.at.span))
            return max(at, now)
        if happening.after is None:
            return now
        try:
            duration = parse_duration(happening.after.text)
        except DurationProblem as problem:
            code = "JS408" if problem.ambiguous else "JS005"
            self.findings.append(finding(code, problem.message, happening.after.span, help=problem.help_text))
            return now
        if duration.calendar_days:
            zone, _ = resolve_zone(self.zone, self.timezone)
            return add_calendar_days(now, duration.calendar_days, zone)
        return now + duration.milliseconds

    def happening(self, customer: str, happening: Happening, now: Instant, number: int) -> Incoming | None:
        event = None if happening.event is None else self.event(happening.event, happening, now)
        if happening.enter is not None:
            event = self.request(happening.enter, now)
        if event is None and happening.attributes is None and happening.consent is None:
            return None
        source_id = None if happening.id is None else happening.id.text
        return self.record(
            customer, now, happening.attributes, happening.consent, event=event, source_id=source_id, number=number
        )

    def request(self, written: Mapping, now: Instant) -> Event | None:
        """Return the request to enter the tested journey."""
        request = requests_of(self.project).get(self.journey)
        if request is None:
            message = f"`{self.journey}` starts on something else than a request"
            self.findings.append(finding("JS005", message, written.span, help="write `event`, or `entry: { api: {} }`"))
            return None
        properties, findings = typed_mapping(written, request.properties, "the request")
        self.findings += findings
        for missing in _missing(request, written):
            self.findings.append(finding("JS004", f"the request needs the property `{missing}`", written.span))
        return Event(name=request.name, at=now, properties=properties)

    def event(self, name: Scalar, happening: Happening, now: Instant) -> Event | None:
        definition = self.catalog.events.get(name.text)
        if definition is None:
            message = f"there is no event `{name.text}`"
            advice = suggestion(name.text, self.catalog.events)
            self.findings.append(finding("JS103", message, name.span, help=advice))
            return None
        properties, findings = typed_mapping(happening.properties, definition.properties, f"`{name.text}`")
        self.findings += findings
        for missing in _missing(definition, happening.properties):
            message = f"`{name.text}` needs the property `{missing}`"
            self.findings.append(finding("JS004", message, name.span, help="add it to `properties`"))
        return Event(name=name.text, at=now, properties=properties)

    def record(
        self,
        customer: str,
        now: Instant,
        attributes: Mapping | None,
        consent: Mapping | None,
        *,
        event: Event | None = None,
        source_id: str | None = None,
        number: int = 0,
    ) -> Incoming:
        values, findings = typed_mapping(attributes, attribute_definitions(self.catalog), "customers")
        self.findings += findings
        self.zone = values.get("timezone", self.zone)
        return Incoming(
            customer=customer,
            at=now,
            event=event,
            attributes=values,
            consent=self.consent(consent),
            source="test",
            source_id=source_id,
            position=str(number),
            enters=self.journey if event is not None and event.name == ENTERED else "",
        )

    def consent(self, node: Mapping | None) -> dict[str, bool]:
        given: dict[str, bool] = {}
        for pair in () if node is None else node.pairs:
            channel = pair.key.text
            if channel not in self.catalog.channels:
                advice = suggestion(channel, self.catalog.channels)
                self.findings.append(finding("JS104", f"there is no channel `{channel}`", pair.key.span, help=advice))
            given[channel] = isinstance(pair.value, Scalar) and pair.value.value is True
        return given

    def instant(self, written: Scalar, otherwise: Instant) -> Instant:
        try:
            return parse_instant(written.text)
        except BadValue as problem:
            self.findings.append(finding("JS005", str(problem), written.span))
            return otherwise


def _missing(definition: EventDefinition, written: Mapping | None) -> Iterator[str]:
    """Yield the properties that an event cannot do without and that have no value."""
    given = {} if written is None else {pair.key.text: plain(pair.value) for pair in written.pairs}
    for expected in definition.properties.values():
        if not expected.optional and given.get(expected.name) is None:
            yield expected.name


def _without(node: Mapping, names: tuple[str, ...]) -> Mapping:
    return Mapping(span=node.span, pairs=tuple(pair for pair in node.pairs if pair.key.text not in names))
