"""Findings as GitHub's workflow commands, which it shows at their lines in a pull request.

Takes findings in reading order and gives text. GitHub keeps ten errors and ten warnings of a step and drops the rest
without a word; what it would drop is written as plain lines into the log, and counted.
"""

from collections.abc import Callable, Sequence

from journeyscript.diagnostics import Diagnostic, Severity

MOST = 10
"""How many annotations of one weight GitHub takes from a step."""

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def annotations(diagnostics: Sequence[Diagnostic], plain: Callable[[Diagnostic], str]) -> str:
    """Return a command for each finding that GitHub will show, and the others as `plain` writes them."""
    shown: list[Diagnostic] = []
    more: list[Diagnostic] = []
    for item in diagnostics:
        room = sum(other.severity == item.severity for other in shown) < MOST
        (shown if room else more).append(item)
    lines = [_annotation(item) for item in shown]
    if more:
        lines += [*(plain(item) for item in more), _left_out(more)]
    return "\n".join(lines)


def _left_out(more: Sequence[Diagnostic]) -> str:
    counts = {weight: sum(item.severity is weight for item in more) for weight in Severity}
    told = [f"{count} more {_COMMANDS[weight]}{'s' * (count != 1)}" for weight, count in counts.items() if count]
    return f"{' and '.join(told)} without an annotation: GitHub shows {MOST} of each"


def _annotation(item: Diagnostic) -> str:
    span = item.span
    properties = {"file": span.path, "line": str(span.line), "endLine": str(span.end_line), "col": str(span.column)}
    if span.line == span.end_line:
        properties["endColumn"] = str(span.end_column)  # GitHub takes it only for one line.
    properties["title"] = f"{item.code} {item.name}"
    told = ",".join(f"{name}={_escaped_property(value)}" for name, value in properties.items())
    text = item.message
    if item.witness:
        text += f"\nwitness: {', '.join(item.witness)}"
    if item.help is not None:
        text += f"\nhelp: {item.help}"
    return f"::{_COMMANDS[item.severity]} {told}::{_escaped(text)}"


def _escaped(text: str) -> str:
    encodable = text.encode("utf-8", "replace").decode("utf-8")
    return encodable.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
