"""Findings as JUnit XML, which Jenkins, GitLab and most of continuous integration show as tests.

Takes findings in reading order and the files that were looked at; gives a document in which each file is one test. A
file with an error has failed; one with warnings has passed, and they stand in its output.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from html import escape

from journeyscript.diagnostics import Diagnostic, Severity

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(diagnostics: Sequence[Diagnostic], files: Iterable[str], told: Callable[[Diagnostic], str]) -> str:
    """Return a test for each of the files and for each other file with a finding; `told` gives a finding in full."""
    by_file: dict[str, list[Diagnostic]] = {path: [] for path in sorted(files)}
    for item in diagnostics:
        by_file.setdefault(item.span.path, []).append(item)
    failed = sum(any(item.severity == Severity.ERROR for item in found) for found in by_file.values())
    counts = f'tests="{len(by_file)}" failures="{failed}" errors="0"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites name="journeyscript" {counts}>',
            f'  <testsuite name="journeyscript validate" {counts} skipped="0">',
            *(_case(path, found, told) for path, found in by_file.items()),
            "  </testsuite>",
            "</testsuites>",
        ]
    )


def _case(path: str, found: Sequence[Diagnostic], told: Callable[[Diagnostic], str]) -> str:
    folder, _, _ = path.rpartition("/")
    case = f'    <testcase classname="{_safe(folder or ".")}" name="{_safe(path)}" file="{_safe(path)}" time="0"'
    errors = [item for item in found if item.severity == Severity.ERROR]
    others = [item for item in found if item.severity != Severity.ERROR]
    parts = []
    if errors:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        message = _safe(f"{first.code} line {first.span.line}: {first.message}{more}")
        text = _safe("\n\n".join(told(item) for item in errors))
        parts.append(f'      <failure type="{first.code}" message="{message}">{text}\n</failure>')
    if others:
        parts.append("      <system-out>" + _safe("\n\n".join(told(item) for item in others)) + "\n</system-out>")
    return "\n".join([f"{case}>", *parts, "    </testcase>"]) if parts else f"{case}/>"


def _safe(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
