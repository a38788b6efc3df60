"""Verdicts on journey tests as text: for people (`full`, `concise`), for programs (`json`), for CI servers (`junit`).

Takes verdicts by file; gives text without a final line feed. Reads no file itself and decides nothing.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from journeyscript.cli.showing import coverage as covering
from journeyscript.cli.showing.findings.diagnostics import render as render_findings
from journeyscript.cli.showing.findings.snippets import PLAIN, Palette, clean, snippet
from journeyscript.diagnostics import Diagnostic, Severity, Span
from journeyscript.runtime.trials.causes import value_in_words, values_in_words
from journeyscript.runtime.trials.coverage import Coverage, percent
from journeyscript.runtime.trials.deciding import in_scope
from journeyscript.runtime.trials.happened import Failure
from journeyscript.runtime.trials.trial import Line, Verdict

JSON_FORMAT = "journeyscript.tests/1"

_GREEN, _RED, _BLUE, _BOLD, _END = "\x1b[32m", "\x1b[1;31m", "\x1b[34m", "\x1b[1m", "\x1b[0m"

Verdicts = Mapping[str, Sequence[Verdict]]
"""Test file to the verdicts on its tests, in order."""


def render(
    verdicts: Verdicts,
    output_format: str,
    seconds: float,
    read_source: Callable[[str], str | None],
    *,
    color: bool = False,
    coverage: Sequence[Coverage] | None = None,
    findings: Sequence[Diagnostic] = (),
) -> str:
    """Return verdicts as text; `seconds` is how long the tests took, `color` adds terminal colours to `full`.

    `coverage` and `findings` about the tests as a whole are told as well, where there are some; JUnit has no place for
    them.
    """
    behind = "" if coverage is None else f"\n\n{covering.as_text(coverage)}"
    if findings:
        behind += "\n\n" + render_findings(
            findings, "concise" if output_format == "concise" else "full", read_source, color=color
        )
    match output_format:
        case "json":
            return _json(verdicts, seconds, coverage, findings)
        case "junit":
            return _junit(verdicts, seconds)
        case "concise":
            return _concise(verdicts, seconds) + behind
        case _:
            return _full(verdicts, seconds, read_source, color=color) + behind


def summary(verdicts: Verdicts, seconds: float) -> str:
    """Return how many tests passed and failed: `12 passed, 0 failed in 0.08 s`."""
    every = [verdict for found in verdicts.values() for verdict in found]
    passed = sum(verdict.passed for verdict in every)
    return f"{passed} passed, {len(every) - passed} failed in {seconds:.2f} s"


def _full(verdicts: Verdicts, seconds: float, read_source: Callable[[str], str | None], *, color: bool) -> str:
    width = max(len(clean(path)) for path in verdicts)
    out = []
    failed = False
    for path, found in verdicts.items():
        signs = "".join("." if verdict.passed else "F" for verdict in found)
        out.append(f"{clean(path):<{width}}  {signs}")
        for verdict in found:
            if not verdict.passed:
                failed = True
                out += ["", *told(verdict, read_source, color=color), ""]
    if out[-1]:
        out.append("")
    line = summary(verdicts, seconds)
    out.append(f"{_RED if failed else _GREEN}{line}{_END}" if color else line)
    return "\n".join(out)


def told(verdict: Verdict, read_source: Callable[[str], str | None], *, color: bool) -> list[str]:
    """Return the lines that tell of one failed test."""
    paint, bold, end = (_RED, _BOLD, _END) if color else ("", "", "")
    head = f"{paint}FAILED{end} {_place(verdict.span)} {bold}{clean(verdict.name)}{end}"
    if verdict.findings:
        return [head, "", *render_findings(verdict.findings, "full", read_source, color=color).split("\n")]
    lines = [head]
    for failure in verdict.failures:
        lines += ["", *_shown(failure, read_source, color=color)]
        lines += [f"    expected  {clean(failure.expected)}", f"    happened  {clean(failure.happened)}"]
        lines += [f"    {'because' if number == 0 else '':<8}  {clean(why)}" for number, why in enumerate(failure.why)]
        lines += _decided(failure)
    return [*lines, *_scope(verdict), "", f"  what happened, in {clean(verdict.zone)}:", *_timeline(verdict.lines)]


def _shown(failure: Failure, read_source: Callable[[str], str | None], *, color: bool) -> list[str]:
    """Return the lines of the file at which a failure is, marked."""
    item = Diagnostic(code="", name="", severity=Severity.ERROR, message="", span=failure.span)
    palette = Palette(error=_RED, frame=_BLUE, end=_END) if color else PLAIN
    _, lines = snippet(item, lambda path: (read_source(path) or "").split("\n"), palette)
    return [f"  {line}" for line in lines]


def _decided(failure: Failure) -> list[str]:
    decided = failure.decided
    if decided is None:
        return []
    place = "" if decided.span is None else f", {_place(decided.span)}"
    return [f"    decided   at `{clean(decided.step)}`{place}: {clean(decided.why + values_in_words(decided.values))}"]


def _scope(verdict: Verdict) -> list[str]:
    """Return what conditions could look at in the end."""
    known = () if verdict.happened is None else in_scope(verdict.happened)
    if not known:
        return []
    width = max(len(clean(name)) for name, _ in known)
    values = (f"    {clean(name):<{width}}  {clean(value_in_words(value))}" for name, value in known)
    return ["", "  in scope at the end:", *values]


def _timeline(lines: Sequence[Line]) -> list[str]:
    if not lines:
        return ["    nothing"]
    width = max(len(clean(line.what)) for line in lines)
    return [
        f"    {line.at}  {clean(line.what):<{width}}  {clean(line.why + values_in_words(line.values))}".rstrip()
        for line in lines
    ]


def _concise(verdicts: Verdicts, seconds: float) -> str:
    out = []
    for found in verdicts.values():
        for verdict in found:
            name = clean(verdict.name)
            out += [
                f"{_place(f.span)}:{f.span.column}: {f.severity} {f.code} {clean(f.message)} [{name}]"
                for f in verdict.findings
            ]
            out += [f"{_place(f.span)}:{f.span.column}: {clean(_sentence(f))} [{name}]" for f in verdict.failures]
    return "\n".join([*out, summary(verdicts, seconds)])


def _sentence(failure: Failure) -> str:
    return f"expected {failure.expected}; happened {failure.happened}"


def _json(
    verdicts: Verdicts, seconds: float, coverage: Sequence[Coverage] | None, about_all: Sequence[Diagnostic]
) -> str:
    every = [(path, verdict) for path, found in verdicts.items() for verdict in found]
    passed = sum(verdict.passed for _, verdict in every)
    findings = [*(finding for _, verdict in every for finding in verdict.findings), *about_all]
    document: dict[str, Any] = {
        "format": JSON_FORMAT,
        "summary": {"passed": passed, "failed": len(every) - passed, "seconds": round(seconds, 3)},
        "tests": [_json_item(path, verdict) for path, verdict in every],
        "diagnostics": json.loads(render_findings(findings, "json", lambda _: None))["diagnostics"],
    }
    if coverage is not None:
        journeys = [covering.as_data(one) for one in coverage]
        document["coverage"] = {"percent": round(percent(coverage), 2), "journeys": journeys}
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _json_item(path: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "path": path,
        "line": verdict.span.line,
        "journey": verdict.journey,
        "name": verdict.name,
        "passed": verdict.passed,
        "failures": [
            {
                "line": failure.span.line,
                "column": failure.span.column,
                "expected": failure.expected,
                "happened": failure.happened,
                "why": list(failure.why),
                "decided": _json_decided(failure),
            }
            for failure in verdict.failures
        ],
        "timezone": verdict.zone,
        "scope": {} if verdict.passed or verdict.happened is None else dict(in_scope(verdict.happened)),
        "timeline": [
            {"at": line.at, "what": line.what, "why": line.why, "values": dict(line.values)} for line in verdict.lines
        ],
    }


def _json_decided(failure: Failure) -> dict[str, Any] | None:
    decided = failure.decided
    if decided is None:
        return None
    place = (
        {"path": None, "line": None} if decided.span is None else {"path": decided.span.path, "line": decided.span.line}
    )
    return {"step": decided.step, **place, "why": decided.why, "values": dict(decided.values)}


def _junit(verdicts: Verdicts, seconds: float) -> str:
    """Return the form of JUnit's XML that CI servers read: a suite for each file, a case for each test."""
    from xml.etree import ElementTree as ET

    every = [verdict for found in verdicts.values() for verdict in found]
    counts = {"tests": str(len(every)), "failures": str(sum(not verdict.passed for verdict in every))}
    root = ET.Element("testsuites", {"name": "journeyscript", **counts, "time": f"{seconds:.3f}"})
    for path, found in verdicts.items():
        failed = sum(not verdict.passed for verdict in found)
        attributes = {"name": clean(path), "tests": str(len(found)), "failures": str(failed)}
        suite = ET.SubElement(root, "testsuite", attributes)
        for verdict in found:
            place = {"file": clean(path), "line": str(verdict.span.line)}
            name = {"classname": clean(verdict.journey), "name": clean(verdict.name)}
            case = ET.SubElement(suite, "testcase", {**name, **place})
            if not verdict.passed:
                sentences = [*(f.message for f in verdict.findings), *map(_sentence, verdict.failures)]
                element = ET.SubElement(case, "failure", {"message": clean(sentences[0])})
                element.text = "\n".join([*map(clean, sentences), *_timeline(verdict.lines)])
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")


def _place(span: Span) -> str:
    return f"{clean(span.path)}:{span.line}"
