"""The comments of a file that ask for findings to be ignored.

Takes the text of a YAML or a message file and gives its comments of the form `journeyscript: ignore[JS207]`, with their
places and the lines that they are about. Text in quotes or in a block that only looks like one is left alone. Whatever
the text is, this takes time in proportion to its length.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator

import yaml
from msgspec import Struct

from journeyscript.diagnostics import Span
from journeyscript.rules import RULES
from journeyscript.source.building import MAX_DEPTH
from journeyscript.source.text import unwelcome_character
from journeyscript.source.yaml import LOADER

_WORDS = r"journeyscript:[ \t]*ignore\b(?:[ \t]*\[(?P<codes>[^\]\n]{0,500})\])?"
_YAML_COMMENT = re.compile(rf"(?:(?<=[ \t])|^)#[ \t]*{_WORDS}[^\n]*", re.MULTILINE)
_LIQUID_COMMENT = re.compile(rf"\{{%-?\s*#[ \t]*{_WORDS}[^\n%]*%\}}")
_HTML_COMMENT = re.compile(rf"<!--\s*{_WORDS}[^\n<]*?-->")
_RAW = re.compile(r"\{%-?\s*(end)?raw\s*-?%\}")
_ONLY_COMMENTS = re.compile(r"\s*(?:#.*|(?:\{%-?\s*#.*?%\}|<!--.*?-->)\s*)?")


class Comment(Struct, frozen=True, kw_only=True):
    """A comment that ignores rules on one line of its file.

    `line` is the line it is about: its own, or the next one with content where it stands alone. `names` are the rules
    as written, with their places; `removal` is what to cut out so that nothing of it is left, if that changes nothing.
    """

    span: Span
    line: int
    names: tuple[tuple[str, Span], ...]
    removal: Span | None


class _Text:
    """A file's text with its lines, numbered from 1, and for each the next one that is more than comments."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.lines = text.split("\n")
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.bare = [_ONLY_COMMENTS.fullmatch(line) is not None for line in self.lines]
        following, number = [], len(self.lines) + 1
        for line in range(len(self.lines), 0, -1):
            following.append(number)
            number = number if self.bare[line - 1] else line
        self._following = following[::-1]

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, the line from 1 and the column from 0."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1]

    def about(self, line: int) -> int:
        """Return the line that a comment on a line is about."""
        following = self._following[line - 1]
        return following if self.bare[line - 1] and following <= len(self.lines) else line


def comments_in(path: str, text: str) -> tuple[Comment, ...]:
    """Return the comments of a file that ignore rules; none of a text that is not YAML where it has to be."""
    whole = _Text(path, text)
    if path.endswith((".yaml", ".yml")):
        return tuple(_in_yaml(whole, text, 0))
    if whole.lines[0].rstrip() != "---":
        return tuple(_in_body(whole, text, 0))
    behind = next((n for n, line in enumerate(whole.lines[1:], 1) if line.rstrip() == "---"), len(whole.lines) - 1)
    start, end = whole.starts[1] if len(whole.lines) > 1 else len(text), whole.starts[behind]
    return (*_in_yaml(whole, text[start:end], start), *_in_body(whole, text[end:], end))


def _in_yaml(whole: _Text, part: str, start: int) -> Iterator[Comment]:
    """Yield the comments of YAML that begins at an offset of the text."""
    written = None if unwelcome_character(whole.path, part) else _quoted(part)
    if written is None:
        return
    first_line = whole.place(start)[0]
    starts = [first for first, _ in written]
    for match in _YAML_COMMENT.finditer(part):
        line, column = whole.place(start + match.start())
        before = bisect_right(starts, (line - first_line, column)) - 1
        if before < 0 or (line - first_line, column) >= written[before][1]:
            yield _comment(whole, match, line, column, safe=True)


def _in_body(whole: _Text, body: str, start: int) -> Iterator[Comment]:
    """Yield the comments of a message's body. Cutting one out would change the content, so there is no removal."""
    forms = (_LIQUID_COMMENT, _HTML_COMMENT) if whole.path.endswith(".md") else (_LIQUID_COMMENT,)
    found = sorted((match for form in forms for match in form.finditer(body)), key=lambda match: match.start())
    raw = iter([*_RAW.finditer(body), None])
    sign, verbatim = next(raw), False
    for match in found:
        while sign is not None and sign.start() < match.start():
            verbatim = sign[1] is None
            sign = next(raw)
        if not verbatim:
            yield _comment(whole, match, *whole.place(start + match.start()), safe=False)


def _quoted(text: str) -> list[tuple[tuple[int, int], tuple[int, int]]] | None:
    """Return where quotes and blocks of text stand, lines and columns from 0; `None` where the text is not YAML."""
    places: list[tuple[tuple[int, int], tuple[int, int]]] = []
    depth = 0
    try:
        for event in yaml.parse(text, Loader=LOADER):
            match event:
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    depth += 1
                    if depth > MAX_DEPTH:
                        return None
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    depth -= 1
                case yaml.ScalarEvent(style=style) if style is not None:
                    assert event.start_mark is not None
                    assert event.end_mark is not None
                    start, end = event.start_mark, event.end_mark
                    # Behind the sign that starts a block there may be a comment.
                    first = (start.line + 1, 0) if style in ("|", ">") else (start.line, start.column)
                    places.append((first, (end.line, end.column)))
                case _:
                    pass
    except yaml.YAMLError:
        return None
    return places


def _comment(whole: _Text, match: re.Match[str], line: int, column: int, *, safe: bool) -> Comment:
    """Return a comment that starts at a line from 1 and a column from 0."""
    here, end = whole.lines[line - 1], column + 1 + len(match[0].rstrip())
    span = Span(path=whole.path, line=line, column=column + 1, end_line=line, end_column=end)
    names = () if match["codes"] is None else _names(match["codes"], span, match.start("codes") - match.start())
    before = here[:column].rstrip()
    removal = None
    if safe and not before and line < len(whole.lines):
        removal = Span(path=whole.path, line=line, column=1, end_line=line + 1, end_column=1)
    elif safe:
        removal = Span(path=whole.path, line=line, column=len(before) + 1, end_line=line, end_column=end)
    return Comment(span=span, line=whole.about(line), names=names, removal=removal)


def _names(written: str, span: Span, offset: int) -> tuple[tuple[str, Span], ...]:
    """Return the rules that a list names, by code where there is such a rule, each with its place."""
    codes = {rule.name: rule.code for rule in RULES}
    places = (match for match in re.finditer(r"[^,\s][^,]*", written))
    return tuple(
        (codes.get(name, name.upper()), span.within(offset + match.start(), len(name)))
        for match in places
        for name in [match[0].rstrip()]
    )
