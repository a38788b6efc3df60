"""Findings as SARIF 2.1.0, which code scanning on GitHub, GitLab and Azure DevOps and many editors read.

Takes findings in reading order and a way to read lines; gives a JSON document with one run. What identifies a finding
from one run to the next holds no line number, so that it is the same finding after lines were inserted above it.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, TypeAlias
from urllib.parse import quote

from journeyscript import __version__
from journeyscript.cli.rule_texts import rule_page
from journeyscript.diagnostics import Diagnostic, Fix, Severity, Span
from journeyscript.rules import RULE_BY_CODE, Rule

Json: TypeAlias = dict[str, Any]
Lines: TypeAlias = Callable[[str], list[str]]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "journeyscript/v1"

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_AREAS = ("source", "names", "flow", "types", "time", "policy", "content", "project", "change", "habits")


def sarif(diagnostics: Sequence[Diagnostic], lines: Lines) -> str:
    """Return a SARIF log of the findings."""
    codes = sorted({item.code for item in diagnostics})
    seen: Counter[str] = Counter()
    run: Json = {
        "tool": {
            "driver": {
                "name": "JourneyScript",
                "semanticVersion": __version__,
                "rules": [_rule(RULE_BY_CODE[code]) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
        "results": [_result(item, codes.index(item.code), lines, seen) for item in diagnostics],
    }
    text = json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _rule(rule: Rule) -> Json:
    page = rule_page(rule.code)
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "help": {"text": rule.summary if page is None else page, **({} if page is None else {"markdown": page})},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": [_AREAS[int(rule.code[2])]]},
    }


def _result(item: Diagnostic, index: int, lines: Lines, seen: Counter[str]) -> Json:
    text = item.message if item.help is None else f"{item.message}\nhelp: {item.help}"
    location: Json = {"physicalLocation": _physical(item.span)}
    if item.journey is not None:
        named = [part for part in (item.journey, item.step) if part is not None]
        location["logicalLocations"] = [{"name": named[-1], "fullyQualifiedName": "/".join(named)}]
    result: Json = {
        "ruleId": item.code,
        "ruleIndex": index,
        "level": _LEVELS[item.severity],
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {FINGERPRINT: _fingerprint(item, lines, seen)},
    }
    if item.labels:
        result["relatedLocations"] = [
            {"id": number, "physicalLocation": _physical(label.span), "message": {"text": label.text}}
            for number, label in enumerate(item.labels, 1)
        ]
    if item.witness:
        result["codeFlows"] = [_code_flow(item)]
    if item.fix is not None:
        result["fixes"] = [_fix(item.fix)]
    return result


def _code_flow(item: Diagnostic) -> Json:
    """Return the witness as a way through the file: each label's place in turn, then what happens, step by step."""
    places = [(label.span, label.text) for label in item.labels if label.span != item.span]
    told = [*places, *((item.span, text) for text in item.witness)]
    steps = [{"location": {"physicalLocation": _physical(span), "message": {"text": text}}} for span, text in told]
    return {"message": {"text": "how it comes about"}, "threadFlows": [{"locations": steps}]}


def _fix(fix: Fix) -> Json:
    replacement = {"deletedRegion": _region(fix.span), "insertedContent": {"text": fix.replacement}}
    change = {"artifactLocation": _artifact(fix.span.path), "replacements": [replacement]}
    return {"description": {"text": fix.title}, "artifactChanges": [change]}


def _physical(span: Span) -> Json:
    return {"artifactLocation": _artifact(span.path), "region": _region(span)}


def _artifact(path: str) -> Json:
    return {"uri": quote(path, errors="surrogateescape"), "uriBaseId": "%SRCROOT%"}


def _region(span: Span) -> Json:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _fingerprint(item: Diagnostic, lines: Lines, seen: Counter[str]) -> str:
    """Return what is the same for this finding as long as its line, its step and what is said stay as they are.

    Of several alike in one file each has its number, in the order of the file.
    """
    there = lines(item.span.path)
    line = there[item.span.line - 1] if item.span.line <= len(there) else ""
    parts = (item.code, item.span.path, item.journey or "", item.step or "", " ".join(line.split()))
    digest = sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    seen[digest] += 1
    return f"{digest}:{seen[digest]}"
