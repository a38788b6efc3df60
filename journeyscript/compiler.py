"""Text goes down: a project's files to machines, or to everything that is wrong with them.

Reads a project, folds the stages (source, syntax, semantics, machine, checks) over it, and collects all findings of
all files. Nothing here decides what is right: each stage does. Knows no store and no customer.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.channels.unsafe import unescaped_html
from journeyscript.checks.channels import check_channel
from journeyscript.checks.content import check_messages
from journeyscript.checks.definitions import (
    Definition,
    check_definition_names,
    definitions_in,
    definitions_of,
    unused_definition,
    used_by,
)
from journeyscript.checks.entering import check_entering
from journeyscript.checks.habits import check_habits
from journeyscript.checks.journey import (
    check_journey,
    check_journeys,
    check_policies,
    check_rivals,
    check_sending,
    check_within,
    rivals,
)
from journeyscript.checks.loads import rate_exceeds_channel
from journeyscript.checks.moments import DATED
from journeyscript.checks.populations import check_population
from journeyscript.checks.project import Heading, TestsHeading, check_names, check_tests, heading_of, tests_heading_of
from journeyscript.checks.settings import check_caps, check_settings, read_test_customers, weighed, wrong_duration
from journeyscript.checks.worst_case.times import Sending
from journeyscript.diagnostics import Diagnostic, Severity, in_reading_order
from journeyscript.machine.lowering import Compiled, Surroundings, lower
from journeyscript.rules import RULES
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import Catalog
from journeyscript.semantics.declarations import read_catalog
from journeyscript.semantics.templates import TemplateReads, read_line, read_templates
from journeyscript.source.characters import misleading_characters
from journeyscript.source.nodes import Mapping as MappingNode
from journeyscript.source.project import ProjectFiles, list_project
from journeyscript.source.snapshot import Snapshot
from journeyscript.source.suppressions import Suppressions, can_be_ignored, read_suppressions
from journeyscript.source.yaml import read_yaml
from journeyscript.syntax.config import ChannelConfig, ProjectConfig, read_channel, read_project
from journeyscript.syntax.duration import DurationProblem
from journeyscript.syntax.journey import read_journey
from journeyscript.syntax.message import MessageFile, read_message
from journeyscript.syntax.structure import FileKind, check_structure

MessagesByName: TypeAlias = dict[str, dict[str, dict[str, MessageFile]]]
_Part = TypeVar("_Part", bound=Struct)


_FOUND_LATER = frozenset(rule.code for rule in RULES if rule.code.startswith("JS8")) | {"JS903"}
"""What is found only where there are two versions and people inside, or where tests have run."""


class JourneyPart(Struct, frozen=True, kw_only=True):
    """What one journey's file comes to.

    Its names, the machine where there is no hole in it, the definitions that it uses, and what is found in it.
    """

    heading: Heading | None = None
    compiled: Compiled | None = None
    uses: tuple[Definition, ...] = ()
    findings: tuple[Diagnostic, ...] = ()


class TestsPart(Struct, frozen=True, kw_only=True):
    """What one file of tests comes to: its names, its node, and what is found in it."""

    __test__ = False  # Not for pytest.
    heading: TestsHeading | None = None
    node: MappingNode | None = None
    findings: tuple[Diagnostic, ...] = ()


class RivalsPart(Struct, frozen=True, kw_only=True):
    """What is found between the journeys that start on one event."""

    findings: tuple[Diagnostic, ...] = ()


class Parts(Protocol):
    """What parts of a project come to, which may be known from before."""

    def part(self, kind: type[_Part], paths: tuple[str, ...], make: Callable[[], _Part]) -> _Part:
        """Return what `make` does, which depends on the files at `paths` and those that are no journeys or tests."""
        ...


class Afresh:
    """Parts of which nothing is known from before."""

    def part(self, _kind: type[_Part], _paths: tuple[str, ...], make: Callable[[], _Part]) -> _Part:
        """Return what `make` does."""
        return make()


class Project(Struct, frozen=True, kw_only=True):
    """A project as compiled. `journeys` holds those without an error, by name, in the order of their files."""

    files: ProjectFiles
    config: ProjectConfig
    catalog: Catalog
    channels: dict[str, ChannelConfig]
    journeys: dict[str, Compiled]
    tests: dict[str, MappingNode]
    simulations: dict[str, MappingNode]
    surroundings: Surroundings
    diagnostics: tuple[Diagnostic, ...]
    test_customers: typed.Expression | None = None
    """Who is in no count; `None`: nobody."""

    @property
    def sound(self) -> bool:
        """Whether there is no error, so that the project can run."""
        return all(d.severity != Severity.ERROR for d in self.diagnostics)


def compile_project(root: Path, *, today: date | None = None) -> Project:
    """Return the project in a folder, with all findings in reading order.

    What depends on the day, such as a moment that is past, is found only where `today` is said.

    Raises:
        OSError: the folder is there and cannot be read.
    """
    return _Compilation(list_project(root), Snapshot(root), Afresh(), today).run()


def compile_in_spite(root: Path, journeys: Mapping[str, bytes] | None = None) -> Project:
    """Return the project in a folder, with the journeys whose errors leave something to run: those one could ignore.

    `journeys` are contents of journey files, by path, which stand in the place of those in the folder, or beside them.

    Raises:
        OSError: the folder is there and cannot be read.
    """
    files = list_project(root)
    files = replace(files, journeys=tuple(sorted({*files.journeys, *(journeys or {})})))
    compilation = _Compilation(files, Snapshot(root, journeys), Afresh())
    compilation.in_spite = True
    return compilation.run()


def check_files(
    files: ProjectFiles, snapshot: Snapshot, parts: Parts, today: date | None = None, asked: Collection[str] = ()
) -> tuple[Diagnostic, ...]:
    """Return what `compile_project` finds in these files, in reading order; what is known of `parts` is not made anew.

    `asked` are codes of rules that are shown even where they are off, as information is by itself.
    """
    return _Compilation(files, snapshot, parts, today, asked).run().diagnostics


def read_settings(root: Path) -> ProjectConfig:
    """Return what the project file in a folder says, without looking at any journey; defaults where it is wrong.

    Raises:
        OSError: the folder is there and cannot be read.
    """
    return _Compilation(list_project(root), Snapshot(root), Afresh()).config()


def weigh_later(project: Project, findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return what is left of findings made later once the project's files have ignored and weighed them."""
    snapshot = Snapshot(project.files.root)
    suppressions = read_suppressions(snapshot, project.files.every, project.config.per_file_ignores)
    left = [found for found in findings if not suppressions.cover(found)]
    return tuple(in_reading_order(weighed(left, project.config.rules, ())))


class _Compilation:
    """The work of one `compile_project`: files are read once, findings are collected."""

    def __init__(
        self,
        files: ProjectFiles,
        snapshot: Snapshot,
        parts: Parts,
        today: date | None = None,
        asked: Collection[str] = (),
    ) -> None:
        self.files, self.snapshot, self.parts, self.today, self.asked = files, snapshot, parts, today, asked
        self.findings: list[Diagnostic] = []
        self.suppressions = Suppressions()
        self.sending = Sending()
        self.settings: MappingNode | None = None
        self.in_spite = False

    def run(self) -> Project:
        config = self.config()
        self.suppressions = read_suppressions(self.snapshot, self.files.every, config.per_file_ignores)
        channels, nodes = self.channels()
        sending = self.sending = Sending(channels=channels, policies=config.policies)
        messages = self.messages(channels)
        customer, events, segments = (
            self.shaped(self.files.customer, "customer"),
            self.shaped(self.files.events, "events"),
            self.shaped(self.files.segments, "segments"),
        )
        catalog, problems = read_catalog(customer, events, segments, channels)
        self.findings += problems
        test_customers = self.test_customers(catalog)
        reads = self.reads(channels, nodes, messages)
        for name, channel in channels.items():
            self.findings += check_channel(channel, nodes[name], catalog)
        surroundings = Surroundings(
            catalog=catalog, channels=channels, messages=messages, reads=reads, timezone=config.timezone
        )
        self.findings += check_messages(messages, reads, channels, catalog)
        definitions = definitions_of(customer, events, segments, nodes, surroundings)
        self.findings += check_definition_names(definitions)
        parts = [
            self.parts.part(JourneyPart, (path,), partial(self.journey, path, surroundings))
            for path in self.files.journeys
        ]
        headings = [part.heading for part in parts if part.heading is not None]
        self.findings += check_names(headings)
        compiled = (part.compiled for part in parts if part.compiled is not None)
        self.findings += check_entering({heading.name.text for heading in headings}, compiled)
        journeys = self.running(parts)
        self.findings += check_journeys(journeys)
        self.findings += self.between_rivals(journeys)
        if self.settings is not None:
            place = self.settings.key_span("policies" if self.settings.get("policies") is not None else "name")
            self.findings += [*check_caps(self.settings, channels), *check_policies(journeys, sending, place)]
        if len(journeys) == len(self.files.journeys):  # Others may use what these do not.
            settings = () if test_customers is None else tuple(definitions_in(test_customers))
            self.findings += unused_definition(definitions, (settings, *(part.uses for part in parts)), surroundings)
        tests = [self.parts.part(TestsPart, (path,), partial(self.test, path)) for path in self.files.tests]
        self.findings += (found for part in tests for found in part.findings)
        self.findings += check_tests(headings, (part.heading for part in tests if part.heading is not None), catalog)
        found = {path: self.shaped(path, "population") for path in self.files.simulations}
        simulations = {path: node for path, node in found.items() if node is not None}
        known = len(journeys) == len(self.files.journeys)
        stages = {one.about.stage for one in journeys.values()} - {""} if known else None
        for one in simulations.values():
            self.findings += check_population(one, surroundings, stages)
            if known:
                self.findings += rate_exceeds_channel(one, journeys, surroundings, sending, nodes)
        return Project(
            files=self.files,
            config=config,
            catalog=catalog,
            channels=channels,
            journeys=journeys,
            tests={path: part.node for path, part in zip(self.files.tests, tests, strict=True) if part.node},
            simulations=simulations,
            surroundings=surroundings,
            diagnostics=self.settled(config),
            test_customers=test_customers,
        )

    def settled(self, config: ProjectConfig) -> tuple[Diagnostic, ...]:
        """Return what is left to say, as the project weighs it, in reading order."""
        for path in self.files.every:
            text, _ = self.snapshot.text(path)
            self.findings += () if text is None else misleading_characters(path, text)
        left = self.suppressions.settle(
            self.findings, unasked=_FOUND_LATER if self.today is not None else _FOUND_LATER | DATED
        )
        return tuple(in_reading_order(weighed(left, config.rules, self.asked)))

    def shaped(self, path: str | None, kind: FileKind) -> MappingNode | None:
        """Return the node of a file where its shape is right; note what is wrong with it."""
        if path is None:
            return None
        node, findings = self.shape(path, kind)
        self.findings += findings
        return node

    def shape(self, path: str, kind: FileKind) -> tuple[MappingNode | None, list[Diagnostic]]:
        """Return the node of a file where its shape is right, and what is wrong with it."""
        text, findings = self.snapshot.text(path)
        node = None
        if text is not None:
            node, findings = read_yaml(path, text)
        if node is not None:
            findings = [*findings, *check_structure(kind, node)]
        if any(f.severity == Severity.ERROR for f in findings):
            return None, findings
        assert isinstance(node, MappingNode), "every schema asks for a mapping"
        return node, findings

    def config(self) -> ProjectConfig:
        node = self.shaped(self.files.config, "project")
        fallback = ProjectConfig(name=self.files.root.name)
        if node is None:
            return fallback
        try:
            config = read_project(node)
        except DurationProblem as problem:
            self.findings.append(wrong_duration(problem, node))
            return fallback
        self.findings += check_settings(config, node)
        self.settings = node
        return config

    def test_customers(self, catalog: Catalog) -> typed.Expression | None:
        """Return the condition of who is a test customer; note what is wrong with it."""
        if self.settings is None:
            return None
        condition, findings = read_test_customers(self.settings, catalog)
        self.findings += findings
        return condition

    def channels(self) -> tuple[dict[str, ChannelConfig], dict[str, MappingNode]]:
        channels: dict[str, ChannelConfig] = {}
        nodes: dict[str, MappingNode] = {}
        for path in self.files.channels:
            name = path.split("/")[-2]
            node = self.shaped(path, "channel")
            if node is None:
                continue
            try:
                channels[name], nodes[name] = read_channel(name, node), node
            except DurationProblem as problem:
                self.findings.append(wrong_duration(problem, node))
        return channels, nodes

    def messages(self, channels: Mapping[str, ChannelConfig]) -> MessagesByName:
        messages: MessagesByName = {}
        for path in self.files.messages:
            channel = path.split("/")[-2]
            if channel not in channels:
                continue
            text, findings = self.snapshot.text(path)
            message = None
            if text is not None:
                message, found = read_message(path, text, channel, channels[channel].medium)
                findings = [*findings, *found]
            self.findings += findings
            if message is not None:
                messages.setdefault(message.message, {}).setdefault(channel, {})[message.locale] = message
        return messages

    def reads(
        self, channels: Mapping[str, ChannelConfig], nodes: Mapping[str, MappingNode], messages: MessagesByName
    ) -> dict[str, TemplateReads]:
        reads: dict[str, TemplateReads] = {}
        for by_channel in messages.values():
            for by_locale in by_channel.values():
                reads |= {file.path: read_templates(file) for file in by_locale.values()}
                self.findings += (found for file in by_locale.values() for found in unescaped_html(file))
        for name, channel in channels.items():
            if channel.unsubscribe is not None and channel.unsubscribe.url is not None:
                reads[name] = read_line(channel.unsubscribe.url, nodes[name].key_span("unsubscribe"))
        self.findings += (found for file in reads.values() for found in file.findings)
        return reads

    def journey(self, path: str, surroundings: Surroundings) -> JourneyPart:
        """Return what a file comes to by itself, whatever the other journeys are."""
        node, findings = self.shape(path, "journey")
        if node is None:
            return JourneyPart(findings=tuple(findings))
        written = read_journey(path, node)
        compiled, found = lower(written, surroundings)
        findings += [*found, *check_habits(written)]
        if compiled is not None:
            findings += check_journey(compiled, surroundings.channels)
            findings += check_within(compiled, surroundings, self.today)
            findings += check_sending(compiled, self.sending)
        uses = () if compiled is None else used_by(compiled)
        return JourneyPart(heading=heading_of(written), compiled=compiled, uses=uses, findings=tuple(findings))

    def running(self, parts: Iterable[JourneyPart]) -> dict[str, Compiled]:
        """Return the journeys that could run, by name; of two of one name the first."""
        journeys: dict[str, Compiled] = {}
        for part in parts:
            self.findings += part.findings
            if part.compiled is not None and all(self.can_run(found) for found in part.findings):
                journeys.setdefault(part.compiled.machine.journey, part.compiled)
        return journeys

    def can_run(self, found: Diagnostic) -> bool:
        """Return whether a journey runs although this is found in it."""
        if found.severity != Severity.ERROR or self.suppressions.cover(found):
            return True
        return self.in_spite and can_be_ignored(found.code)

    def between_rivals(self, journeys: Mapping[str, Compiled]) -> list[Diagnostic]:
        """Return what is found between the journeys that start on one event, group by group."""
        findings: list[Diagnostic] = []
        for group in rivals(journeys):
            paths = tuple(compiled.about.path for compiled in group.values())
            part = self.parts.part(RivalsPart, paths, partial(_between, group, self.sending))
            findings += part.findings
        return findings

    def test(self, path: str) -> TestsPart:
        node, findings = self.shape(path, "test")
        heading = None if node is None else tests_heading_of(node)
        return TestsPart(heading=heading, node=node, findings=tuple(findings))


def _between(group: Mapping[str, Compiled], sending: Sending) -> RivalsPart:
    return RivalsPart(findings=tuple(check_rivals(group, sending)))
