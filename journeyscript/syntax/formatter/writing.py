"""Nodes written out again in the one form that the formatter gives them.

Takes nodes with their comments and gives lines. Text in quotes stays in quotes unless nobody could misread it without;
what stands in brackets or braces stays there as long as it fits the line.
"""

import re

from journeyscript.source.nodes import Mapping, Node, Pair, Scalar, Sequence
from journeyscript.source.scalars import read_plain
from journeyscript.syntax.formatter.comments import CannotFormatError, Commented, Entry
from journeyscript.syntax.formatter.order import KeyOrder, Parts

WIDTH = 120
"""Columns that a list or mapping in brackets or braces may take."""

_HARMLESS = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_BLOCK_HEADER = re.compile(r"([|>][-+]?)(?:[ \t]+(#.*))?")


class Writer:
    """Writes one document."""

    def __init__(self, text: str, commented: Commented, order: KeyOrder) -> None:
        self._lines = text.split("\n")
        self._commented = commented
        self._order = order

    def document(self, root: Node) -> str:
        """Return the whole file."""
        body = self._block(root, 0, self._order.root)
        if body is None:
            body = [self._flow(root, self._order.root)]
        lines = [*self._commented.head, *body, *self._commented.foot]
        kept = [line for n, line in enumerate(lines) if line or (n and lines[n - 1])]
        return "\n".join(kept).strip("\n") + "\n"

    def _block(self, node: Node, indent: int, parts: Parts) -> list[str] | None:
        """Return the lines of a list or mapping that is not written in brackets, or `None` where it is."""
        if isinstance(node, Scalar):
            return None
        commented = self._commented.inside(node)
        if self._commented.in_flow(node) and not commented:
            return None
        lines: list[str] = []
        match node:
            case Mapping():
                for pair in self._order.pairs(parts, node):
                    lines += self._entry(
                        self._commented.of(id(pair)),
                        self._pair(pair, indent, parts),
                        indent,
                        beside=not _is_long(pair.value),
                    )
            case Sequence():
                for index, item in enumerate(node.items):
                    entry = self._commented.of((id(node), index))
                    beside = isinstance(item, Scalar) and not _is_long(item)
                    lines += self._entry(
                        entry, self._item(item, indent, self._order.item(parts)), indent, beside=beside
                    )
        while lines and not lines[0]:
            lines.pop(0)
        return lines or None

    def _entry(self, entry: Entry, lines: list[str], indent: int, *, beside: bool) -> list[str]:
        """Return an entry's lines with its comments around them; `beside`: one can stand at the end of the first."""
        space = " " * indent
        first = next((n for n, line in enumerate(lines) if not line.lstrip().startswith("#") and line), 0)
        above, body = [line for line in lines[:first] if line], lines[first:]
        if entry.trailing:
            last = entry.trailing[-1:] if beside else []
            above = [space + text for text in entry.trailing[: len(entry.trailing) - len(last)]] + above
            body = [" ".join((body[0], *last)), *body[1:]]
        leading = [space + text if text else "" for text in entry.leading]
        behind = [space + text if text else "" for text in entry.behind]
        return [*leading, *above, *body, *behind]

    def _pair(self, pair: Pair, indent: int, parts: Parts) -> list[str]:
        key = self._scalar(pair.key)
        return self._valued(f"{' ' * indent}{key}:", pair.value, indent, self._order.value(parts, pair.key.text))

    def _item(self, item: Node, indent: int, parts: Parts) -> list[str]:
        start = " " * indent + "-"
        nested = self._nested(item, indent + 2, parts, len(start) + 1)
        if nested is None:
            return self._valued(start, item, indent, parts)
        first = next(n for n, line in enumerate(nested) if line and not line.lstrip().startswith("#"))
        above = [" " * indent + line.lstrip() for line in nested[:first] if line]
        return [*above, f"{start} {nested[first].lstrip()}", *nested[first + 1 :]]

    def _nested(self, node: Node, indent: int, parts: Parts, before: int) -> list[str] | None:
        """Return the lines of a list or mapping that goes below its key or dash, or `None` where it stays beside it."""
        lines = self._block(node, indent, parts)
        if lines is None and not isinstance(node, Scalar) and not self._fits(node, parts, before):
            return self._opened(node, indent, parts)
        return lines

    def _fits(self, node: Node, parts: Parts, before: int) -> bool:
        if _is_empty(node):
            return True
        return not _has_long_text(node) and before + len(self._flow(node, parts)) <= WIDTH

    def _opened(self, node: Node, indent: int, parts: Parts) -> list[str]:
        """Return the lines of what was written in brackets or braces and is too long for it."""
        lines: list[str] = []
        match node:
            case Mapping():
                for pair in self._order.pairs(parts, node):
                    lines += self._pair(pair, indent, parts)
            case Sequence():
                for item in node.items:
                    lines += self._item(item, indent, self._order.item(parts))
            case Scalar():
                pass
        return lines

    def _valued(self, start: str, value: Node, indent: int, parts: Parts) -> list[str]:
        if isinstance(value, Scalar):
            return self._text(start, value, indent)
        nested = self._nested(value, indent + 2, parts, len(start) + 1)
        return [f"{start} {self._flow(value, parts)}"] if nested is None else [start, *nested]

    def _text(self, start: str, value: Scalar, indent: int) -> list[str]:
        span = value.span
        if value.block:
            return self._block_text(start, value, indent)
        if span.line == span.end_line:
            return [f"{start} {self._scalar(value)}".rstrip()]
        written = [line.strip() for line in self._source(value)]
        return [f"{start} {written[0]}", *[" " * (indent + 2) + line if line else "" for line in written[1:]]]

    def _block_text(self, start: str, value: Scalar, indent: int) -> list[str]:
        source = self._source(value)
        header = _BLOCK_HEADER.fullmatch(source[0].strip())
        if header is None or header.group(1).endswith("+"):
            raise CannotFormatError("it has a block of text with an indentation or `+` of its own")
        depth = min((len(line) - len(line.lstrip(" ")) for line in source[1:] if line.strip()), default=0)
        space = " " * (indent + 2)
        body = [space + line[depth:] if line.strip() else "" for line in source[1:]]
        return [f"{start} {header.group(1)} {header.group(2) or ''}".rstrip(), *body]

    def _source(self, value: Scalar) -> list[str]:
        span = value.span
        lines = self._lines[span.line - 1 : span.end_line]
        if len(lines) == 1:
            return [lines[0][span.column - 1 : span.end_column - 1]]
        return [lines[0][span.column - 1 :], *lines[1:-1], lines[-1][: span.end_column - 1]]

    def _scalar(self, value: Scalar) -> str:
        """Return a value on one line."""
        written = self._source(value)[0]
        if not value.quoted:
            return written
        if _HARMLESS.fullmatch(value.text) and read_plain(value.text) == (value.text, None):
            return value.text
        if written.startswith("'") and not set(value.text) & set("\"\\'"):
            return f'"{value.text}"'
        return written

    def _flow(self, node: Node, parts: Parts) -> str:
        """Return a node on one line."""
        match node:
            case Scalar():
                return self._scalar(node)
            case Sequence():
                items = self._order.item(parts)
                return "[" + ", ".join(self._flow(item, items) for item in node.items) + "]"
            case Mapping():
                pairs = []
                for pair in self._order.pairs(parts, node):
                    value = self._flow(pair.value, self._order.value(parts, pair.key.text))
                    pairs.append(f"{self._scalar(pair.key)}: {value}".rstrip())
                return "{ " + ", ".join(pairs) + " }" if pairs else "{}"


def _is_long(node: Node) -> bool:
    return isinstance(node, Scalar) and (node.block or node.span.line != node.span.end_line)


def _is_empty(node: Node) -> bool:
    return not (node.pairs if isinstance(node, Mapping) else node.items if isinstance(node, Sequence) else (1,))


def _has_long_text(node: Node) -> bool:
    """Return whether a text of several lines stands in a node."""
    match node:
        case Scalar():
            return node.span.line != node.span.end_line
        case Sequence():
            return any(map(_has_long_text, node.items))
        case Mapping():
            return any(_has_long_text(pair.key) or _has_long_text(pair.value) for pair in node.pairs)
