"""Text goes down: a project's files to machines, or to everything that is wrong with them.

Reads a project, folds the stages (source, syntax, semantics, machine, checks) over it, and collects all findings of
all files. Nothing here decides what is right: each stage does. Knows no store and no customer.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec import Struct

from journeyscript.checks.channels import check_channel
from journeyscript.checks.journey import check_journey, check_journeys
from journeyscript.checks.project import check_names, check_tests
from journeyscript.diagnostics import Diagnostic, Severity, in_reading_order
from journeyscript.engine.calendar import zone_exists
from journeyscript.machine.lowering import Compiled, Surroundings, lower
from journeyscript.rules import RULE_BY_CODE, finding
from journeyscript.semantics.catalog import Catalog, suggestion
from journeyscript.semantics.declarations import read_catalog
from journeyscript.semantics.templates import TemplateReads, read_line, read_templates
from journeyscript.source.nodes import Mapping as MappingNode
from journeyscript.source.nodes import Scalar, Sequence
from journeyscript.source.project import ProjectFiles, list_project
from journeyscript.source.suppressions import Suppressions, can_be_ignored, read_suppressions
from journeyscript.source.text import read_text
from journeyscript.source.yaml import read_file
from journeyscript.syntax.config import ChannelConfig, ProjectConfig, read_channel, read_project
from journeyscript.syntax.duration import DurationProblem
from journeyscript.syntax.journey import Journey, read_journey
from journeyscript.syntax.message import MessageFile, read_message
from journeyscript.syntax.structure import FileKind, check_structure

MessagesByName: TypeAlias = dict[str, dict[str, dict[str, MessageFile]]]


class Project(Struct, frozen=True, kw_only=True):
    """A project as compiled. `journeys` holds those without an error, by name, in the order of their files."""

    files: ProjectFiles
    config: ProjectConfig
    catalog: Catalog
    channels: dict[str, ChannelConfig]
    journeys: dict[str, Compiled]
    tests: dict[str, MappingNode]
    surroundings: Surroundings
    diagnostics: tuple[Diagnostic, ...]

    @property
    def sound(self) -> bool:
        """Whether there is no error, so that the project can run."""
        return all(d.severity != Severity.ERROR for d in self.diagnostics)


def compile_project(root: Path) -> Project:
    """Return the project in a folder, with all findings in reading order.

    Raises:
        OSError: the folder is there and cannot be read.
    """
    return _Compilation(list_project(root)).run()


def read_settings(root: Path) -> ProjectConfig:
    """Return what the project file in a folder says, without looking at any journey; defaults where it is wrong.

    Raises:
        OSError: the folder is there and cannot be read.
    """
    return _Compilation(list_project(root)).config()


class _Compilation:
    """The work of one `compile_project`: files are read once, findings are collected."""

    def __init__(self, files: ProjectFiles) -> None:
        self.files = files
        self.findings: list[Diagnostic] = []
        self.suppressions = Suppressions()

    def run(self) -> Project:
        config = self.config()
        self.suppressions = read_suppressions(self.files.root, self.files.every, config.per_file_ignores)
        channels, nodes = self.channels()
        messages = self.messages(channels)
        catalog, problems = read_catalog(
            self.shaped(self.files.customer, "customer"),
            self.shaped(self.files.events, "events"),
            self.shaped(self.files.segments, "segments"),
            channels,
        )
        self.findings += problems
        reads = self.reads(channels, nodes, messages)
        for name, channel in channels.items():
            self.findings += check_channel(channel, nodes[name], catalog)
        surroundings = Surroundings(
            catalog=catalog, channels=channels, messages=messages, reads=reads, timezone=config.timezone
        )
        written = self.journeys()
        self.findings += check_names(written)
        journeys = self.lowered(written, surroundings)
        self.findings += check_journeys(journeys)
        tests = {path: node for path in self.files.tests if (node := self.shaped(path, "test")) is not None}
        self.findings += check_tests(written, tests, catalog)
        return Project(
            files=self.files,
            config=config,
            catalog=catalog,
            channels=channels,
            journeys=journeys,
            tests=tests,
            surroundings=surroundings,
            diagnostics=tuple(in_reading_order(_weighed(self.suppressions.settle(self.findings), config.rules))),
        )

    def shaped(self, path: str | None, kind: FileKind) -> MappingNode | None:
        """Return the node of a file where its shape is right; note what is wrong with it."""
        if path is None:
            return None
        node, findings = read_file(self.files.root, path)
        if node is not None:
            findings = [*findings, *check_structure(kind, node)]
        self.findings += findings
        if any(f.severity == Severity.ERROR for f in findings):
            return None
        assert isinstance(node, MappingNode), "every schema asks for a mapping"
        return node

    def config(self) -> ProjectConfig:
        node = self.shaped(self.files.config, "project")
        fallback = ProjectConfig(name=self.files.root.name)
        if node is None:
            return fallback
        try:
            config = read_project(node)
        except DurationProblem as problem:
            self.findings.append(_duration_finding(problem, node))
            return fallback
        self.findings += [*_zone_findings(config.timezone, node), *_weight_findings(config, node)]
        self.findings += _ignore_findings(node)
        return config

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
                self.findings.append(_duration_finding(problem, node))
        return channels, nodes

    def messages(self, channels: Mapping[str, ChannelConfig]) -> MessagesByName:
        messages: MessagesByName = {}
        for path in self.files.messages:
            channel = path.split("/")[-2]
            if channel not in channels:
                continue
            text, findings = read_text(self.files.root, path)
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
        for name, channel in channels.items():
            if channel.unsubscribe is not None and channel.unsubscribe.url is not None:
                reads[name] = read_line(channel.unsubscribe.url, nodes[name].key_span("unsubscribe"))
        self.findings += (found for file in reads.values() for found in file.findings)
        return reads

    def journeys(self) -> list[Journey]:
        shaped = ((path, self.shaped(path, "journey")) for path in self.files.journeys)
        return [read_journey(path, node) for path, node in shaped if node is not None]

    def lowered(self, written: Iterable[Journey], surroundings: Surroundings) -> dict[str, Compiled]:
        journeys: dict[str, Compiled] = {}
        for journey in written:
            compiled, findings = lower(journey, surroundings)
            if compiled is not None:
                findings = [*findings, *check_journey(compiled, surroundings.channels)]
                if all(f.severity != Severity.ERROR or self.suppressions.cover(f) for f in findings):
                    journeys.setdefault(journey.name.text, compiled)
            self.findings += findings
        return journeys


def _zone_findings(timezone: str, node: MappingNode) -> list[Diagnostic]:
    if zone_exists(timezone):
        return []
    value = node.get("timezone")
    span = value.span if value is not None else node.span
    return [finding("JS401", f"there is no time zone `{timezone}`", span, help="write it as `Europe/Berlin`")]


def _weight_findings(config: ProjectConfig, node: MappingNode) -> list[Diagnostic]:
    """Return that a rule was made lighter whose findings leave nothing to run."""
    rules = node.get("rules")
    assert rules is None or isinstance(rules, MappingNode), "every schema lets only a mapping of rules come here"
    return [
        finding(
            "JS005",
            f"`{code}` is an error, which cannot be made less",
            rules.key_span(code),
            help="take it out; only what is a warning can be turned off",
        )
        for code, weight in config.rules.items()
        if rules is not None and _is_lighter(code, weight)
    ]


def _ignore_findings(node: MappingNode) -> list[Diagnostic]:
    """Return that a rule is ignored in some files that is none, or whose findings leave nothing to run."""
    patterns = node.get("per_file_ignores")
    lists = [pair.value for pair in patterns.pairs] if isinstance(patterns, MappingNode) else []
    findings = []
    for item in (item for codes in lists if isinstance(codes, Sequence) for item in codes.items):
        assert isinstance(item, Scalar), "every schema lets only codes of rules come here"
        if item.text not in RULE_BY_CODE:
            findings.append(
                finding("JS005", f"there is no rule `{item.text}`", item.span, help=suggestion(item.text, RULE_BY_CODE))
            )
        elif not can_be_ignored(item.text):
            message = f"`{item.text}` cannot be ignored"
            findings.append(finding("JS005", message, item.span, help="mend what it finds instead"))
    return findings


def _is_lighter(code: str, weight: str) -> bool:
    return weight != Severity.ERROR and code in RULE_BY_CODE and RULE_BY_CODE[code].severity == Severity.ERROR


def _duration_finding(problem: DurationProblem, node: MappingNode) -> Diagnostic:
    return finding("JS408" if problem.ambiguous else "JS005", problem.message, node.span, help=problem.help_text)


def _weighed(findings: Iterable[Diagnostic], rules: Mapping[str, str]) -> list[Diagnostic]:
    """Return the findings as the project weighs them; a rule that is off, as information is by itself, is left out."""
    weighed = []
    for found in findings:
        weight = rules.get(found.code)
        if weight is not None and _is_lighter(found.code, weight):
            weight = None  # Said where the weight is written: a journey with an error has no machine.
        if weight == "off" or (weight is None and found.severity == Severity.INFO):
            continue
        weighed.append(found if weight is None else msgspec.structs.replace(found, severity=Severity(weight)))
    return weighed
