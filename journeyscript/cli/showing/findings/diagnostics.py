"""Findings as text, in every format that a command offers.

Takes findings and a way to read the lines they point at; gives text without a final line feed, the same whatever order
the findings came in. `full` and `concise` are for people, `json` for programs; the others are written by modules of
their own for those who read them. Reads no file itself and decides nothing.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias, get_args

from journeyscript.cli.showing.findings.annotations import annotations
from journeyscript.cli.showing.findings.junit import junit
from journeyscript.cli.showing.findings.markdown import markdown
from journeyscript.cli.showing.findings.snippets import PLAIN, Palette, clean, snippet
from journeyscript.diagnostics import Diagnostic, Severity, Span, in_reading_order

OutputFormat: TypeAlias = Literal["full", "concise", "json", "github", "sarif", "junit", "markdown"]
OUTPUT_FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)

JSON_FORMAT = "journeyscript.diagnostics/1"

_COLORS = Palette(
    error="\x1b[1;31m", warning="\x1b[1;33m", info="\x1b[1;36m", frame="\x1b[34m", strong="\x1b[1m", end="\x1b[0m"
)


def render(
    diagnostics: Iterable[Diagnostic],
    output_format: OutputFormat,
    read_source: Callable[[str], str | None],
    *,
    color: bool = False,
    files: Iterable[str] = (),
) -> str:
    """Return findings as text, errors first.

    `read_source` gives the text of the file at a path, or `None` where there is none to show. Without findings `full`,
    `concise` and `github` give an empty text. `color` adds terminal colours to `full` and `concise`. `files` are those
    that were looked at, which `junit` tells of even where nothing was found in them.
    """
    ordered = in_reading_order(list(diagnostics))
    palette = _COLORS if color else PLAIN
    lines_of = _Sources(read_source).lines

    def told(item: Diagnostic) -> str:
        return _full(item, lines_of, PLAIN)

    match output_format:
        case "full":
            blocks = [_full(item, lines_of, palette) for item in ordered]
            return "\n\n".join([*blocks, summary(ordered)] if ordered else [])
        case "concise":
            lines = [_concise(item, palette) for item in ordered]
            return "\n".join([*lines, summary(ordered)] if ordered else [])
        case "json":
            return _json(ordered)
        case "github":
            return annotations(ordered, lambda item: _concise(item, PLAIN))
        case "sarif":
            from journeyscript.cli.showing.findings.sarif import sarif

            return sarif(ordered, lines_of)
        case "junit":
            return junit(ordered, files, told)
        case "markdown":
            return markdown(ordered, summary(ordered), told)


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """Return how many findings there are: `2 errors, 1 warning in 3 files`."""
    found = list(diagnostics)
    counts = [
        (sum(item.severity is Severity.ERROR for item in found), "error", "errors"),
        (sum(item.severity is Severity.WARNING for item in found), "warning", "warnings"),
        (sum(item.severity is Severity.INFO for item in found), "note", "notes"),
    ]
    parts = [f"{count} {one if count == 1 else many}" for count, one, many in counts if count]
    files = len({item.span.path for item in found})
    return f"{', '.join(parts) or 'nothing found'} in {files} {'file' if files == 1 else 'files'}"


class _Sources:
    """The lines of files, each read once."""

    def __init__(self, read_source: Callable[[str], str | None]) -> None:
        self._read = read_source
        self._known: dict[str, list[str]] = {}

    def lines(self, path: str) -> list[str]:
        """Return a file's lines, none where it cannot be shown."""
        if path not in self._known:
            text = (self._read(path) or "").removeprefix("\ufeff")
            self._known[path] = text.split("\n") if text else []
        return self._known[path]


def _full(item: Diagnostic, lines: Callable[[str], list[str]], palette: Palette) -> str:
    paint, strong, end = palette.of(item.severity), palette.strong, palette.end
    head = f"{paint}{item.severity}[{item.code}]{end}{strong}: {clean(item.message)}{end}"
    width, shown = snippet(item, lines, palette)
    notes = []
    if item.journey is not None:
        notes.append(("at", item.journey if item.step is None else f"{item.journey} / {item.step}"))
    if item.witness:
        notes.append(("witness", ", ".join(item.witness)))
    if item.help is not None:
        notes.append(("help", item.help))
    margin = " " * (width + 1)
    written = [f"{margin}{palette.frame}={end} {strong}{name}{end}: {clean(text)}" for name, text in notes]
    if written:
        shown.append(f"{margin}{palette.frame}|{end}")
    return "\n".join([head, *shown, *written])


def _concise(item: Diagnostic, palette: Palette) -> str:
    place = f"{clean(item.span.path)}:{item.span.line}:{item.span.column}"
    where = "" if item.journey is None else f" [{'/'.join(part for part in (item.journey, item.step) if part)}]"
    return f"{place}: {palette.of(item.severity)}{item.severity} {item.code}{palette.end} {clean(item.message)}{where}"


def _json(diagnostics: list[Diagnostic]) -> str:
    count = {weight: sum(item.severity is weight for item in diagnostics) for weight in Severity}
    document = {
        "format": JSON_FORMAT,
        "summary": {
            "errors": count[Severity.ERROR],
            "warnings": count[Severity.WARNING],
            "notes": count[Severity.INFO],
            "files": len({item.span.path for item in diagnostics}),
        },
        "diagnostics": [_json_item(item) for item in diagnostics],
    }
    text = json.dumps(document, indent=2, ensure_ascii=False)
    # A file name that is not text arrives with lone surrogates, which only an escape can carry.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _json_item(item: Diagnostic) -> dict[str, Any]:
    fix = item.fix
    return {
        "code": item.code,
        "name": item.name,
        "severity": item.severity.value,
        "message": item.message,
        "help": item.help,
        "path": item.span.path,
        "range": _range(item.span),
        "journey": item.journey,
        "step": item.step,
        "labels": [{"path": label.span.path, "range": _range(label.span), "text": label.text} for label in item.labels],
        "witness": list(item.witness),
        "fix": None
        if fix is None
        else {
            "title": fix.title,
            "path": fix.span.path,
            "range": _range(fix.span),
            "replacement": fix.replacement,
        },
    }


def _range(span: Span) -> dict[str, dict[str, int]]:
    return {
        "start": {"line": span.line, "column": span.column},
        "end": {"line": span.end_line, "column": span.end_column},
    }
