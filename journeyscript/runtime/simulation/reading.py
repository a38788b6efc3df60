"""A population file to a population, or to everything that is wrong with it.

Takes a node whose shape was checked, and the project whose names and types it uses. Names are for `checks` to judge;
distributions are checked against the catalog here, once, so that nothing that is drawn later can be of a wrong type.
"""

from collections.abc import Iterator

from journeyscript.checks.crowds import DEFAULT_START, pairs_of, share_of
from journeyscript.checks.populations import check_population
from journeyscript.compiler import Project
from journeyscript.diagnostics import Diagnostic, Severity, Span
from journeyscript.rules import finding
from journeyscript.runtime.intake.recorded import UnreadableFileError, read_recorded
from journeyscript.runtime.intake.records import Incoming, Intake
from journeyscript.runtime.intake.values import BadValue, parse_instant
from journeyscript.runtime.session import requests_of
from journeyscript.runtime.simulation.distributions import BadDistribution, source_of
from journeyscript.runtime.simulation.population import (
    Between,
    CauseKind,
    Crowd,
    Delay,
    Drawn,
    Exponential,
    Lognormal,
    Population,
    Reaction,
    Recorded,
)
from journeyscript.runtime.trials.invented import attribute_definitions
from journeyscript.semantics.catalog import AttributeDefinition, EventDefinition
from journeyscript.semantics.types import Instant, Milliseconds
from journeyscript.source.nodes import Mapping, Node, Scalar, Sequence
from journeyscript.syntax.duration import DurationProblem, parse_duration

_KINDS: tuple[CauseKind, ...] = ("message", "event", "stage")


def read_population(project: Project, node: Mapping) -> tuple[Population | None, list[Diagnostic]]:
    """Return the population of a file of the right shape and no findings, or `None` and all that is wrong with it."""
    stages = {one.about.stage for one in project.journeys.values()} - {""}
    unknown = list(check_population(node, project.surroundings, stages))
    if unknown:
        return None, unknown
    reading = _Reading(project)
    population = reading.population(node)
    wrong = any(found.severity == Severity.ERROR for found in reading.findings)
    return (None if wrong else population), reading.findings


class _Reading:
    """The reading of one file; findings are collected."""

    def __init__(self, project: Project) -> None:
        self.project, self.catalog = project, project.catalog
        self.findings: list[Diagnostic] = []
        self.keys: dict[str, int] = {}

    def population(self, node: Mapping) -> Population:
        customers, behaviour, seed = node.get("customers"), node.get("behaviour"), node.get("seed")
        assert isinstance(customers, Mapping), "the schema lets nothing else come here"
        reactions = behaviour.items if isinstance(behaviour, Sequence) else ()
        found = [self.reaction(item) for item in reactions if isinstance(item, Mapping)]
        who = self.recorded(customers) if customers.get("file") is not None else self.crowd(customers)
        start = self.start(node.get("start"), who)
        return Population(
            name=_text(node, "population"),
            seed=seed.value if isinstance(seed, Scalar) and isinstance(seed.value, int) else 1,
            start=start,
            end=start + self.duration(node.get("for")),
            who=who,
            reactions=tuple(reaction for reaction in found if reaction is not None),
        )

    def start(self, written: Node | None, who: Crowd | Recorded) -> Instant:
        """Return when it begins: with the first record of a file where nothing is written."""
        if not isinstance(written, Scalar):
            return who.records[0].at if isinstance(who, Recorded) and who.records else DEFAULT_START
        try:
            return parse_instant(written.text)
        except BadValue as problem:
            self.note("JS005", str(problem), written.span)
            return DEFAULT_START

    # Who ------------------------------------------------------------------------------------------------------------

    def recorded(self, node: Mapping) -> Recorded:
        path = self.project.files.root / _text(node, "file")
        try:
            records = read_recorded(path, None, Intake(self.catalog, requests_of(self.project)), 0)
        except UnreadableFileError as problem:
            written = node.get("file")
            assert written is not None, "it is what chose this form"
            self.note("JS005", str(problem), written.span)
            records = []
        taken = tuple(record for record in records if isinstance(record, Incoming))
        return Recorded(records=taken, left_out=len(records) - len(taken))

    def crowd(self, node: Mapping) -> Crowd:
        number, arrive = node.get("number"), node.get("arrive")
        assert isinstance(number, Scalar), "the schema lets nothing without a number come here"
        arrive = arrive if isinstance(arrive, Mapping) else None
        event = self.event(node.get("event"))
        return Crowd(
            number=number.value if isinstance(number.value, int) else 1,
            over=0 if arrive is None else self.duration(arrive.get("over")),
            pattern="uniform" if arrive is not None and _text(arrive, "as") == "uniform" else "poisson",
            event="" if event is None else event.name,
            properties=self.properties(node, event),
            attributes=tuple(self.drawn(node.get("attributes"), attribute_definitions(self.catalog))),
            consent=tuple((pair.key.text, share_of(pair.value)) for pair in pairs_of(node.get("consent"))),
        )

    def event(self, written: Node | None) -> EventDefinition | None:
        if not isinstance(written, Scalar):
            return None
        return self.catalog.events[written.text]

    def properties(self, node: Mapping, event: EventDefinition | None) -> tuple[Drawn, ...]:
        return () if event is None else tuple(self.drawn(node.get("properties"), event.properties))

    def drawn(self, node: Node | None, definitions: dict[str, AttributeDefinition]) -> Iterator[Drawn]:
        for pair in pairs_of(node):
            definition = definitions[pair.key.text]
            missing = pair.value.get("missing") if isinstance(pair.value, Mapping) else None
            try:
                source = source_of(pair.value, definition.type)
            except BadDistribution as problem:
                code = "JS307" if definition.type.kind == "enum" else "JS303"
                self.note(code, f"`{pair.key.text}`: {problem}", pair.value.span)
                continue
            yield Drawn(name=pair.key.text, source=source, missing=share_of(missing))

    # What they do ---------------------------------------------------------------------------------------------------

    def reaction(self, node: Mapping) -> Reaction | None:
        kind, cause, channel = self.cause(node.get("after"))
        event, consents = self.event(node.get("event")), pairs_of(node.get("consent"))
        what = event.name if event is not None else ",".join(pair.key.text for pair in consents)
        key = f"{kind} {cause} {channel or ''} > {what}"
        self.keys[key] = self.keys.get(key, 0) + 1
        return Reaction(
            key=f"{key} {self.keys[key]}",
            kind=kind,
            cause=cause,
            channel=channel,
            event=None if event is None else event.name,
            chance=share_of(node.get("chance")),
            delay=self.delay(node.get("within")),
            properties=self.properties(node, event),
            consent=tuple(
                (pair.key.text, isinstance(pair.value, Scalar) and pair.value.value is True) for pair in consents
            ),
        )

    def cause(self, node: Node | None) -> tuple[CauseKind, str, str | None]:
        assert isinstance(node, Mapping), "the schema lets nothing else come here"
        kind = next(kind for kind in _KINDS if node.get(kind) is not None)
        written, channel = node.get(kind), node.get("channel")
        assert isinstance(written, Scalar), "the schema lets nothing else come here"
        return kind, written.text, channel.text if isinstance(channel, Scalar) else None

    def delay(self, node: Node | None) -> Delay:
        if not isinstance(node, Mapping):
            return Between(low=0, high=self.duration(node))
        form = node.pairs[0]
        match form.key.text, form.value:
            case "uniform", Sequence(items=(first, second)):
                low, high = self.duration(first), self.duration(second)
                if low > high:
                    self.note("JS005", "the first of the two is longer than the second", form.value.span)
                return Between(low=low, high=high)
            case "exponential", Mapping() as given:
                return Exponential(median=self.duration(given.get("median")))
            case "lognormal", Mapping() as given:
                spread = given.get("spread")
                factor = spread.value if isinstance(spread, Scalar) else 3
                assert isinstance(factor, int | float), "the schema lets nothing else come here"
                return Lognormal(median=self.duration(given.get("median")), spread=float(factor))
            case _:
                fixed = self.duration(form.value)
                return Between(low=fixed, high=fixed)

    def duration(self, node: Node | None) -> Milliseconds:
        assert isinstance(node, Scalar), "the schema lets nothing else come here"
        try:
            duration = parse_duration(node.text)
        except DurationProblem as problem:
            self.note("JS408" if problem.ambiguous else "JS005", problem.message, node.span, problem.help_text)
            return 0
        return duration.elapsed

    def note(self, code: str, message: str, span: Span, help_text: str | None = None) -> None:
        self.findings.append(finding(code, message, span, help=help_text))


def _text(node: Mapping, key: str) -> str:
    value = node.get(key)
    return value.text if isinstance(value, Scalar) else ""
