"""Source lines with what they are marked with, lined up on a terminal.

Takes a finding and the lines of files; gives lines of text. Columns are those of the screen: a tab is four wide, an
East Asian character two, a combining one none, and what would steer the terminal is made visible.
"""

import unicodedata
from collections.abc import Callable

from msgspec import Struct

from journeyscript.diagnostics import Diagnostic, Severity, Span

_TAB = "    "
_WIDEST = 200
"""Code points of a line that are shown: a file can be one line of megabytes."""

_LEAD = 60


class Palette(Struct, frozen=True, kw_only=True):
    """What switches colours on, all empty where there are none."""

    error: str = ""
    warning: str = ""
    info: str = ""
    frame: str = ""
    strong: str = ""
    end: str = ""

    def of(self, severity: Severity) -> str:
        """Return the colour of a severity."""
        return {Severity.ERROR: self.error, Severity.WARNING: self.warning, Severity.INFO: self.info}[severity]


PLAIN = Palette()


class _Mark(Struct, frozen=True, kw_only=True):
    """A stretch of one line to underline, and what to say there."""

    start: int
    end: int
    text: str
    primary: bool


def clean(text: str) -> str:
    """Return a text on one line, in which nothing can steer a terminal and everything can be encoded."""
    return "".join(_visible(character) for character in text.replace("\n", " ").replace("\t", " "))


def snippet(item: Diagnostic, lines: Callable[[str], list[str]], palette: Palette) -> tuple[int, list[str]]:
    """Return the width of the line numbers, and the lines that show where a finding is.

    A label on the finding's own span is written beside its carets. Labels in other files follow in frames of their own.
    """
    spans = [item.span, *(label.span for label in item.labels)]
    paths = list(dict.fromkeys(span.path for span in spans))
    numbers = [span.line for span in spans if span.line <= len(lines(span.path))]
    width = max((len(str(number)) for number in numbers), default=1)
    shown: list[str] = []
    for path in paths:
        marks = _marks(item, path)
        first = item.span if path == item.span.path else next(span for span in spans if span.path == path)
        arrow = "-->" if path == item.span.path else ":::"
        place = f"{clean(path)}:{first.line}:{first.column}"
        shown.append(f"{' ' * width}{palette.frame}{arrow}{palette.end} {place}")
        shown += _frame(marks, lines(path), width, palette, palette.of(item.severity))
    return width, shown


def _marks(item: Diagnostic, path: str) -> dict[int, list[_Mark]]:
    """Return the marks of a file by line, the lines in order."""
    said = {label.span: label.text for label in item.labels if label.span == item.span}
    marks: dict[int, list[_Mark]] = {}
    if item.span.path == path:
        marks.setdefault(item.span.line, []).append(_mark(item.span, said.get(item.span, ""), primary=True))
    for label in item.labels:
        if label.span.path == path and label.span != item.span:
            marks.setdefault(label.span.line, []).append(_mark(label.span, label.text, primary=False))
    return dict(sorted(marks.items()))


def _mark(span: Span, text: str, *, primary: bool) -> _Mark:
    end = span.end_column if span.end_line == span.line else -1
    return _Mark(start=span.column - 1, end=end - 1 if end > 0 else -1, text=clean(text), primary=primary)


def _frame(marks: dict[int, list[_Mark]], lines: list[str], width: int, palette: Palette, paint: str) -> list[str]:
    """Return a file's marked lines, each with what is below it; nothing where the file cannot be shown."""
    bar = f"{' ' * (width + 1)}{palette.frame}|{palette.end}"
    shown: list[str] = []
    for number, on_line in marks.items():
        if number > len(lines):
            continue
        line = lines[number - 1].rstrip("\r")
        offset, visible = _window(line, min(mark.start for mark in on_line))
        prefix = f"{palette.frame}{number:>{width}} |{palette.end}"
        shown.append(f"{prefix} {_drawn(visible)}".rstrip())
        for mark in sorted(on_line, key=lambda mark: mark.start):
            before, carets = _underline(visible, mark, offset)
            color = paint if mark.primary else palette.frame
            shown.append(f"{bar} {before}{color}{carets}{f' {mark.text}' if mark.text else ''}{palette.end}")
    return [bar, *shown] if shown else []


def _window(line: str, start: int) -> tuple[int, str]:
    """Return the part of a line that is shown, and how many code points are left out in front of it."""
    if len(line) <= _WIDEST:
        return 0, line
    offset = max(0, start - _LEAD)
    part = line[offset : offset + _WIDEST]
    if offset:
        part = "…" + part[1:]
    return offset, part[:-1] + "…" if offset + _WIDEST < len(line) else part


def _underline(visible: str, mark: _Mark, offset: int) -> tuple[str, str]:
    """Return the spaces in front of a mark and its carets, as wide as what stands above; at least one caret."""
    start = max(0, mark.start - offset)
    end = len(visible) if mark.end < 0 else mark.end - offset
    before = sum(_width(character) for character in visible[:start]) + max(0, start - len(visible))
    length = sum(_width(character) for character in visible[start : max(end, start)])
    return " " * before, ("^" if mark.primary else "-") * max(1, length)


def _drawn(text: str) -> str:
    return "".join(_TAB if character == "\t" else _visible(character) for character in text)


def _width(character: str) -> int:
    """Return how many columns of the screen a character takes."""
    if character == "\t":
        return len(_TAB)
    if _visible(character) != character:
        return 1
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _visible(character: str) -> str:
    """Return a character, or a sign in its place if it would steer the terminal or turn the text around."""
    category = unicodedata.category(character)
    turns = character in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    return "\ufffd" if category in ("Cc", "Cs", "Zl", "Zp") or turns else character
