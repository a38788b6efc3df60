"""YAML as a tree of nodes that know where they stand.

Gives three frozen kinds of node. Values follow the YAML 1.2 core schema: `on`, `NO` and `22:00` are strings. Knows
nothing of journeys.
"""

from typing import TypeAlias

from msgspec import Struct

from journeyscript.diagnostics import Span

Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"


class Scalar(Struct, frozen=True, kw_only=True, tag=True):
    """A single value. `text` is its content before typing; `quoted`: it was written in quotes or as a block."""

    span: Span
    value: str | int | float | bool | None
    text: str
    quoted: bool = False
    block: bool = False

    def part(self, offset: int, length: int) -> Span:
        """Return where `length` code points at `offset` of the content stand in the file.

        Exact for a value on one line without escapes; the whole value's span otherwise.
        """
        if self.block or self.span.line != self.span.end_line:
            return self.span
        written = self.span.end_column - self.span.column
        quotes = 2 if self.quoted else 0
        if written != len(self.text) + quotes:
            return self.span
        return self.span.within(offset + quotes // 2, length)


class Sequence(Struct, frozen=True, kw_only=True, tag=True):
    """A list."""

    span: Span
    items: tuple["Node", ...]


class Pair(Struct, frozen=True, kw_only=True):
    """A key with its value."""

    key: Scalar
    value: "Node"


class Mapping(Struct, frozen=True, kw_only=True, tag=True):
    """Keys with values, in the order of the file; keys are unique."""

    span: Span
    pairs: tuple[Pair, ...]

    def get(self, key: str) -> "Node | None":
        """Return the value of a key, or `None`."""
        return next((pair.value for pair in self.pairs if pair.key.text == key), None)

    def key_span(self, key: str) -> Span:
        """Return where a key stands, or the whole mapping where it does not occur."""
        return next((pair.key.span for pair in self.pairs if pair.key.text == key), self.span)


Node: TypeAlias = Scalar | Sequence | Mapping


def plain(node: Node) -> Plain:
    """Return the node as ordinary Python values."""
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {pair.key.text: plain(pair.value) for pair in node.pairs}


def locate(node: Node, path: tuple[str | int, ...]) -> Node:
    """Return the node at the end of a path of keys and indexes, or the nearest one above it that exists."""
    for step in path:
        match node:
            case Mapping() if isinstance(step, str) and (child := node.get(step)) is not None:
                node = child
            case Sequence() if isinstance(step, int) and step < len(node.items):
                node = node.items[step]
            case _:
                return node
    return node
