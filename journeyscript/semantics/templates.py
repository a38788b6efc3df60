"""Message templates against the catalog: what a template reads, and whether it will be there.

Takes a message file, gives the dotted paths its Liquid reads and findings with their place in the file. Knows the
variables that a send offers, and nothing of how a message is rendered.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

from journeyscript.diagnostics import Diagnostic, Span
from journeyscript.rules import finding
from journeyscript.semantics.catalog import Catalog, EventDefinition, suggestion
from journeyscript.syntax.message import MessageFile

if TYPE_CHECKING:
    from liquid import Environment

OFFERED = ("unsubscribe_url",)
"""Variables that every send of a channel offers beside `customer`, `entry` and the step's own `with`."""

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


_LINK = re.compile(r"(?:https?://|mailto:)[^\s<>\"']*\Z", re.IGNORECASE)

_WITHHELD = frozenset({"safe", "escapejs"})
_OWN = frozenset({"link_target"})
_NO_FILES = ("include", "render")
"""Tags that would read another file; a message stands alone."""


class Read(Struct, frozen=True, kw_only=True):
    """One place where a template reads a variable. `excused`: a default or a condition covers a missing value.

    `in_link`: what is read becomes part of an address that somebody follows.
    """

    path: tuple[str, ...]
    span: Span
    excused: bool
    in_link: bool = False


class TemplateReads(Struct, frozen=True, kw_only=True):
    """What one message file reads, and what is wrong with it on its own."""

    reads: tuple[Read, ...]
    findings: tuple[Diagnostic, ...]


def read_templates(message: MessageFile) -> TemplateReads:
    """Return every variable that the subject and the body read, with its place."""
    reads: list[Read] = []
    findings: list[Diagnostic] = []
    for text, place in _parts(message):
        found, problems = _analyse(text, place)
        reads += found
        findings += problems
    return TemplateReads(reads=tuple(reads), findings=tuple(findings))


def read_line(text: str, span: Span) -> TemplateReads:
    """Return what a template on one line of a configuration file reads."""
    reads, findings = _analyse(text, _Place(path=span.path, line=span.line, fixed=span, starts=(0,)))
    return TemplateReads(reads=tuple(reads), findings=tuple(findings))


class _Place(Struct, frozen=True, kw_only=True):
    """From an offset within a text to where that stands in the file."""

    path: str
    line: int
    fixed: Span | None
    starts: tuple[int, ...]

    def span(self, offset: int, length: int) -> Span:
        if self.fixed is not None:
            return self.fixed
        row = bisect_right(self.starts, offset) - 1
        start = Span(path=self.path, line=self.line + row, column=1, end_line=self.line + row, end_column=1)
        return start.within(offset - self.starts[row], length)


def _parts(message: MessageFile) -> Iterator[tuple[str, _Place]]:
    if message.content.subject is not None:
        yield (
            message.content.subject,
            _Place(path=message.path, line=1, fixed=message.subject_span or message.span, starts=(0,)),
        )
    body = message.content.body
    starts = (0, *(match.end() for match in re.finditer("\n", body)))
    yield body, _Place(path=message.path, line=message.body_line, fixed=None, starts=starts)


def _analyse(text: str, place: _Place) -> tuple[list[Read], list[Diagnostic]]:
    from liquid.exceptions import LiquidError

    try:
        analysis = _liquid().from_string(text).analyze(include_partials=False)
    except LiquidError as error:
        offset = error.token.start_index if error.token is not None else 0
        message = str(error.args[0] if error.args else error)
        return [], [finding("JS610", f"the template does not parse: {message}", place.span(offset, 1))]
    known = known_filters()
    problems = [
        finding(
            "JS610",
            f"there is no filter `{name}`",
            place.span(spans[0].index, len(name)),
            help=suggestion(name, known),
        )
        for name, spans in analysis.filters.items()
        if name not in known
    ]
    tags = [(match.start(), match.end(), match.group()) for match in _TAG.finditer(text)]
    tested = {name for _, _, tag in tags if tag.startswith("{%") for name in re.findall(r"[\w.]+", tag)}
    reads = []
    for variables in analysis.globals.values():
        for variable in variables:
            path = tuple(str(segment) for segment in variable.segments)
            offset = variable.span.index
            begins, tag = next(((start, body) for start, end, body in tags if start <= offset < end), (offset, ""))
            excused = tag.startswith("{%") or "default:" in tag or ".".join(path) in tested
            linked = tag.startswith("{{") and _LINK.search(_TAG.sub(_masked, text[:begins])) is not None
            span = place.span(offset, len(".".join(path)))
            reads.append(Read(path=path, span=span, excused=excused, in_link=linked))
    return reads, problems


def _masked(tag: re.Match[str]) -> str:
    return "x" * len(tag[0])


def known_filters() -> frozenset[str]:
    """Return the names of the filters that a template may use."""
    return frozenset(_liquid().filters) - _WITHHELD | _OWN


@cache
def _liquid() -> "Environment":
    from liquid import Environment  # slow to import, and only projects with messages need it

    environment = Environment()
    for tag in _NO_FILES:
        del environment.tags[tag]
    return environment


def check_reads(
    reads: Iterable[Read], catalog: Catalog, entry: EventDefinition, variables: Iterable[str], journey: str
) -> list[Diagnostic]:
    """Return what is wrong with the reads of a template when this journey sends it with these variables."""
    findings = []
    offered = {*variables, *OFFERED}
    for read in reads:
        match read.path:
            case ("customer", name, *_):
                definition, known, prefix = catalog.attribute(name), tuple(catalog.attributes), "customer."
            case ("entry", "at"):
                continue
            case ("entry", "event", name, *_):
                definition, known, prefix = entry.property(name), tuple(entry.properties), "entry.event."
            case (name, *_) if name in offered:
                continue
            case _:
                definition, known, prefix = None, tuple(offered), ""
                name = read.path[0]
        written = ".".join(read.path)
        if definition is None:
            findings.append(
                finding(
                    "JS601",
                    f"`{written}` is not there when `{journey}` sends this",
                    read.span,
                    help=suggestion(name, known, prefix),
                    journey=journey,
                )
            )
        elif definition.optional and not read.excused:
            findings.append(
                finding(
                    "JS602",
                    f"`{written}` may be missing, and nothing stands in for it",
                    read.span,
                    help=f'write `{{{{ {written} | default: "…" }}}}`',
                    journey=journey,
                )
            )
    return findings
