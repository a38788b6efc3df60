"""Nodes out of the YAML parser's events, with a stack of its own and within limits.

Takes events and gives one document with its findings. Aliases share the node they stand for, and count as often as
they are used, so that an unfolded tree is never larger than the limits.
"""

from collections.abc import Iterable
from typing import TypeAlias

import yaml
from msgspec import Struct
from msgspec.structs import replace

from journeyscript.diagnostics import Diagnostic, Fix, Label, Span
from journeyscript.rules import finding
from journeyscript.source.nodes import Mapping, Node, Pair, Scalar, Sequence
from journeyscript.source.scalars import Value, read_plain

MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_FINDINGS = 100
"""A file with more findings than this is of another kind altogether; the rest would say nothing new."""

_SHOWN = 40
_WRITE_OUT = "write the value itself"

Start: TypeAlias = yaml.SequenceStartEvent | yaml.MappingStartEvent


class LimitReachedError(Exception):
    """Reading stopped, with the finding that says why."""

    def __init__(self, found: Diagnostic) -> None:
        super().__init__(found.message)
        self.found = found


class _Measured(Struct, frozen=True, gc=False):
    """A node, how many nodes it stands for and how deep it is, aliases unfolded."""

    node: Node
    size: int = 1
    depth: int = 0


class _Open(Struct):
    """A list or mapping whose end has not been read yet.

    `key` waits for its value; `last` is where the latest node stands; `dropping` says that the next value belongs to
    a key which was refused.
    """

    start: Span
    is_mapping: bool
    flow: bool
    anchor: str | None
    last: Span
    items: list[Node] = []
    pairs: list[Pair] = []
    keys: dict[str, Scalar] = {}
    key: Scalar | None = None
    dropping: bool = False
    size: int = 1
    depth: int = 1

    @property
    def awaits_key(self) -> bool:
        """Whether the next node is a key and not a value."""
        return self.is_mapping and self.key is None and not self.dropping


class NodeBuilder:
    """Builds one document; `root` is there once its events were read, `findings` at any time."""

    def __init__(self, path: str, text: str, first_line: int) -> None:
        self.root: Node | None = None
        self.findings: list[Diagnostic] = []
        self._path = path
        self._first_line = first_line
        self._text = text
        self._lines: list[str] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, _Measured | None] = {}
        self._nodes = 0

    def read(self, events: Iterable[yaml.Event]) -> None:
        """Read the events of the first document.

        Raises:
            LimitReachedError: the text is too deep or too large, or uses an alias that cannot be unfolded.
        """
        documents = 0
        for event in events:
            match event:
                case yaml.ScalarEvent():
                    self._scalar(event)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self._start(event)
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self._end(event)
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        self._report(
                            "JS012", "a second document starts here", self._span(event), "put it into a file of its own"
                        )
                        return
                    self._directives(event)
                case _:
                    pass  # Ends of the document and the stream.

    def _span(self, event: yaml.Event) -> Span:
        start, end, first = event.start_mark, event.end_mark, self._first_line
        assert start is not None
        assert end is not None
        return Span(
            path=self._path,
            line=start.line + first,
            column=start.column + 1,
            end_line=end.line + first,
            end_column=end.column + 1,
        )

    def _block_span(self, event: yaml.ScalarEvent) -> Span:
        """Return where a block of text stands: the parser's end is behind the empty lines that follow it."""
        self._lines = self._lines or self._text.split("\n")
        span = self._span(event)
        first, behind = span.line - self._first_line, span.end_line - self._first_line
        last = min(behind if span.end_column > 1 else behind - 1, len(self._lines) - 1)
        while last > first and not self._lines[last].strip():
            last -= 1
        column = len(self._lines[last].rstrip("\r")) + 1
        return replace(span, end_line=last + self._first_line, end_column=column)

    def _report(self, code: str, message: str, span: Span, help_text: str, *, labels: tuple[Label, ...] = ()) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding(code, message, span, help=help_text, labels=labels))

    def _directives(self, event: yaml.DocumentStartEvent) -> None:
        if event.version or event.tags:
            span = self._span(event)
            span = replace(span, end_line=span.line, end_column=span.column + 1)
            self._report("JS012", "a directive has no place in a journey's files", span, "delete the line")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        block = event.style in ("|", ">")
        span = self._block_span(event) if block else self._span(event)
        self._refuse_tag(event, span)
        if block or event.style in ("'", '"'):
            node = Scalar(span=span, value=event.value, text=event.value, quoted=True, block=block)
        else:
            node = Scalar(span=span, value=self._plain_value(event.value, span), text=event.value)
        self._add(_Measured(node), event.anchor)

    def _plain_value(self, text: str, span: Span) -> Value:
        """Return the value of a plain scalar. A key is text as it stands: its mapping decides what it means."""
        if self._open and self._open[-1].awaits_key:
            return text
        value, trouble = read_plain(text)
        if trouble is not None and len(self.findings) < MAX_FINDINGS:
            fix = Fix(title="put it in quotes", span=span, replacement=f'"{text}"')
            self.findings.append(finding(trouble.code, trouble.message, span, help=trouble.help, fix=fix))
        return value

    def _start(self, event: Start) -> None:
        span = self._span(event)
        self._refuse_tag(event, span)
        if len(self._open) >= MAX_DEPTH:
            raise LimitReachedError(_too_deep(span))
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # Known, and of no use before its end.
        self._open.append(
            _Open(
                start=span,
                is_mapping=isinstance(event, yaml.MappingStartEvent),
                flow=bool(event.flow_style),
                anchor=event.anchor,
                last=span,
            )
        )

    def _end(self, event: yaml.SequenceEndEvent | yaml.MappingEndEvent) -> None:
        closed = self._open.pop()
        # The parser sees the end of an indented block only where the next one starts.
        last = self._span(event) if closed.flow else closed.last
        span = replace(closed.start, end_line=last.end_line, end_column=last.end_column)
        node: Node
        if closed.is_mapping:
            node = Mapping(span=span, pairs=tuple(closed.pairs))
        else:
            node = Sequence(span=span, items=tuple(closed.items))
        self._add(_Measured(node, closed.size, closed.depth), closed.anchor)

    def _alias(self, event: yaml.AliasEvent) -> None:
        span = self._span(event)
        assert event.anchor is not None
        name = f"`*{shorten(event.anchor)}`"
        if event.anchor not in self._anchors:
            raise LimitReachedError(finding("JS001", f"{name} stands for nothing", span, help=_WRITE_OUT))
        known = self._anchors[event.anchor]
        if known is None:
            raise LimitReachedError(finding("JS012", f"{name} contains itself", span, help=_WRITE_OUT))
        if len(self._open) + known.depth > MAX_DEPTH:
            raise LimitReachedError(_too_deep(span))
        node = replace(known.node, span=span) if isinstance(known.node, Scalar) else known.node
        self._add(_Measured(node, known.size, known.depth), None, span)

    def _refuse_tag(self, event: yaml.ScalarEvent | Start, span: Span) -> None:
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            first = replace(span, end_line=span.line, end_column=span.column + 1)
            self._report(
                "JS012", f"the tag `{shorten(tag)}` has no place in a journey's files", first, "delete the tag"
            )

    def _add(self, measured: _Measured, anchor: str | None, written: Span | None = None) -> None:
        """Put a finished node where it belongs; `written` is where it stands if that is not the node's own place."""
        span = written or measured.node.span
        if anchor is not None:
            self._anchors[anchor] = measured
        # An open list or mapping counts once it is closed, so only what stands here is new.
        self._nodes += measured.size if written else 1
        if self._nodes > MAX_NODES:
            message = f"there are more than {MAX_NODES:,} values in this file, aliases unfolded"
            raise LimitReachedError(finding("JS012", message, span, help="split it into several files"))
        if not self._open:
            self.root = measured.node
            return
        parent = self._open[-1]
        parent.last = span
        parent.size += measured.size
        parent.depth = max(parent.depth, measured.depth + 1)
        if not parent.is_mapping:
            parent.items.append(measured.node)
        elif parent.awaits_key:
            self._take_key(parent, measured.node, span)
        else:
            if parent.key is not None:
                parent.pairs.append(Pair(key=parent.key, value=measured.node))
            parent.key, parent.dropping = None, False

    def _take_key(self, parent: _Open, node: Node, span: Span) -> None:
        """Make a node the key of the next value, or report it and leave that value out."""
        parent.dropping = True
        if not isinstance(node, Scalar):
            self._report(
                "JS005",
                "a key must be text, not a list or a mapping",
                span,
                "put text that starts with `{` or `[` in quotes",
            )
        elif not node.text and not node.quoted:
            self._report("JS005", "there is no key in front of this colon", span, "write `key: value`")
        elif node.text == "<<" and not node.quoted:
            self._report(
                "JS012", "the merge key `<<` has no place in a journey's files", span, "write the keys themselves"
            )
        elif (first := parent.keys.get(node.text)) is not None:
            label = Label(span=first.span, text="first written here")
            message = f"the key `{shorten(node.text)}` is written twice"
            self._report("JS002", message, span, "keep one of the two", labels=(label,))
        else:
            parent.key, parent.dropping = replace(node, value=node.text), False
            parent.keys[node.text] = parent.key


def shorten(text: str) -> str:
    """Return a text on one line, short enough to be named in a message."""
    line = " ".join(text[: 4 * _SHOWN].split())
    return line if len(line) <= _SHOWN and len(text) <= 4 * _SHOWN else line[: _SHOWN - 1] + "…"


def _too_deep(span: Span) -> Diagnostic:
    message = f"lists and mappings are nested more than {MAX_DEPTH} deep"
    return finding("JS012", message, span, help="put a part of it into a journey of its own")
