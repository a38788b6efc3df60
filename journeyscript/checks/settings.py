"""What the project file says: its time zone, who is a test customer, what its rules weigh, what is ignored, and where.

Takes the settings with the node they were read from, and gives findings; weighs those of everybody else.
"""

from collections.abc import Collection, Iterable, Mapping

from msgspec.structs import replace

from journeyscript.diagnostics import Diagnostic, Severity
from journeyscript.engine.calendar import zone_exists
from journeyscript.machine.needs import nodes
from journeyscript.rules import RULE_BY_CODE, finding
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import Catalog, suggestion
from journeyscript.semantics.checker import check_condition
from journeyscript.semantics.scope import Scope
from journeyscript.source.nodes import Mapping as MappingNode
from journeyscript.source.nodes import Scalar, Sequence
from journeyscript.source.suppressions import can_be_ignored
from journeyscript.syntax.config import ProjectConfig
from journeyscript.syntax.duration import DurationProblem


def check_settings(config: ProjectConfig, node: MappingNode) -> list[Diagnostic]:
    """Return what is wrong with the project file beyond its shape."""
    return [*_zone(config.timezone, node), *_weights(config, node), *_ignored(node)]


def check_caps(node: MappingNode, channels: Collection[str]) -> list[Diagnostic]:
    """Return the frequency caps that are for a channel which is none."""
    policies = node.get("policies")
    caps = policies.get("caps") if isinstance(policies, MappingNode) else None
    names = (
        [cap.get("channel") for cap in caps.items if isinstance(cap, MappingNode)] if isinstance(caps, Sequence) else []
    )
    return [
        finding("JS104", f"there is no channel `{name.text}`", name.span, help=suggestion(name.text, channels))
        for name in names
        if isinstance(name, Scalar) and name.text not in channels
    ]


def read_test_customers(node: MappingNode, catalog: Catalog) -> tuple[typed.Expression | None, list[Diagnostic]]:
    """Return the condition of who is a test customer, and what is wrong with it; `None` where there is none.

    It is asked at every entry, and of nothing but the customer: the past is loaded for what journeys look at alone.
    """
    written = node.get("test_customers")
    if not isinstance(written, Scalar):
        return None, []
    checked, _, findings = check_condition(written.text, Scope(catalog=catalog), written.part)
    if checked is None:
        return None, findings
    asked = next((one.event for one in nodes(checked.node) if isinstance(one, typed.History)), None)
    if asked is None:
        return checked.node, findings
    message = f"a test customer is told by attributes, and this asks whether `{asked}` happened"
    help_text = "write an attribute such as `customer.tester`, and set it on those who test"
    return None, [*findings, finding("JS311", message, written.span, help=help_text)]


def _zone(timezone: str, node: MappingNode) -> list[Diagnostic]:
    if zone_exists(timezone):
        return []
    value = node.get("timezone")
    span = value.span if value is not None else node.span
    return [finding("JS401", f"there is no time zone `{timezone}`", span, help="write it as `Europe/Berlin`")]


def _weights(config: ProjectConfig, node: MappingNode) -> list[Diagnostic]:
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


def _ignored(node: MappingNode) -> list[Diagnostic]:
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


def wrong_duration(problem: DurationProblem, node: MappingNode) -> Diagnostic:
    """Return that a text in a file is no duration."""
    return finding("JS408" if problem.ambiguous else "JS005", problem.message, node.span, help=problem.help_text)


def weighed(findings: Iterable[Diagnostic], rules: Mapping[str, str], asked: Collection[str]) -> list[Diagnostic]:
    """Return the findings as the project weighs them.

    A rule that is off, as information is by itself, is left out unless it is asked for.
    """
    left = []
    for found in findings:
        weight = rules.get(found.code)
        if weight is not None and _is_lighter(found.code, weight):
            weight = None  # Said where the weight is written: a journey with an error has no machine.
        if weight == "off" or (weight is None and found.severity == Severity.INFO):
            left += [found] if found.code in asked else []
            continue
        left.append(found if weight is None else replace(found, severity=Severity(weight)))
    return left
