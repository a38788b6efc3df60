"""Comments, and the entry of a list or mapping that each belongs to.

Takes a text with its nodes. A comment on a line of its own belongs to the entry below it, or, where it is indented
deeper than that, to the one above it; a comment at the end of a line belongs to the entry of that line.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import TypeAlias

import yaml
from msgspec import Struct, field

from journeyscript.source.nodes import Mapping, Node, Scalar, Sequence

Position: TypeAlias = tuple[int, int]
"""Line and column, both from 1."""

_COMMENT = re.compile(r"#[^\n]*")


class CannotFormatError(Exception):
    """A file uses something that would not survive; the message is a plain sentence."""


class Comment(Struct, frozen=True, kw_only=True):
    """A comment as written, where it starts, and whether nothing stands before it on its line."""

    at: Position
    text: str
    alone: bool


class Entry(Struct, kw_only=True, eq=False):
    """An item of a list or a key with its value, and the lines that go with it; an empty line is an empty string."""

    at: Position
    above: "Entry | None"
    leading: list[str] = field(default_factory=list)
    trailing: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)


class Tokens(Struct, frozen=True, kw_only=True):
    """What the tokens of a text say that its nodes do not: its comments, and the dashes by column."""

    comments: tuple[Comment, ...]
    dashes: dict[int, list[int]]


def read_tokens(text: str) -> Tokens:
    """Return the comments and dashes of a text.

    Raises:
        CannotFormatError: the text uses anchors, tags or directives.
    """
    comments: list[Comment] = []
    dashes: dict[int, list[int]] = {}
    behind = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        match token:
            case yaml.AnchorToken() | yaml.AliasToken() | yaml.TagToken() | yaml.DirectiveToken():
                raise CannotFormatError("it uses anchors, tags or directives")
            case yaml.BlockEntryToken():
                dashes.setdefault(token.start_mark.column + 1, []).append(token.start_mark.line + 1)
            case _:
                pass
        start = token.start_mark.index
        comments += _between(text, behind, start)
        behind = max(behind, token.end_mark.index)
    comments += _between(text, behind, len(text))
    return Tokens(comments=tuple(comments), dashes=dashes)


def _between(text: str, start: int, end: int) -> list[Comment]:
    """Return the comments in a part of a text that belongs to no token."""
    return [
        _comment(text, start + found.start(), found.group().rstrip()) for found in _COMMENT.finditer(text[start:end])
    ]


def _comment(text: str, index: int, written: str) -> Comment:
    line_start = text.rfind("\n", 0, index) + 1
    at = (text.count("\n", 0, index) + 1, index - line_start + 1)
    return Comment(at=at, text=written, alone=not text[line_start:index].strip())


class Commented:
    """The entries of a document with the comments that belong to them; `head` and `foot` belong to the whole file."""

    def __init__(self, text: str, root: Node) -> None:
        self.head: list[str] = []
        self.foot: list[str] = []
        self._lines = text.split("\n")
        self._tokens = read_tokens(text)
        self._places = [comment.at for comment in self._tokens.comments]
        self._entries: dict[object, Entry] = {}
        for key, entry in self._walk(root):
            self._entries[key] = entry
        self._in_order = sorted(self._entries.values(), key=lambda entry: entry.at)
        self._starts = [entry.at for entry in self._in_order]
        self._attach(root)

    def of(self, key: object) -> Entry:
        """Return the entry of a pair, by its identity, or of an item, by the identity of its list and its index."""
        return self._entries[key]

    def inside(self, node: Node) -> bool:
        """Return whether a comment stands within a node."""
        first = bisect_left(self._places, (node.span.line, node.span.column))
        return first < len(self._places) and self._places[first] < (node.span.end_line, node.span.end_column)

    def in_flow(self, node: Node) -> bool:
        """Return whether a list or mapping is written in brackets or braces."""
        return self._lines[node.span.line - 1][node.span.column - 1 : node.span.column] in ("[", "{")

    def _walk(self, root: Node) -> Iterator[tuple[object, Entry]]:
        pending: list[tuple[Node, Entry | None]] = [(root, None)]
        while pending:
            node, above = pending.pop()
            if isinstance(node, Scalar) or (self.in_flow(node) and not self.inside(node)):
                continue
            if isinstance(node, Mapping):
                for pair in node.pairs:
                    entry = Entry(at=(pair.key.span.line, pair.key.span.column), above=above)
                    yield id(pair), entry
                    pending.append((pair.value, entry))
                continue
            for index, (item, at) in enumerate(zip(node.items, self._item_places(node), strict=True)):
                entry = Entry(at=at, above=above)
                yield (id(node), index), entry
                pending.append((item, entry))

    def _item_places(self, node: Sequence) -> list[Position]:
        """Return where the items of a list start: at their dashes where it has any."""
        if self.in_flow(node):
            return [(item.span.line, item.span.column) for item in node.items]
        column = node.span.column
        lines = self._tokens.dashes.get(column, [])
        first = bisect_left(lines, node.span.line)
        return [(line, column) for line in lines[first : first + len(node.items)]]

    def _attach(self, root: Node) -> None:
        for comment in self._tokens.comments:
            if comment.alone:
                self._attach_alone(comment, root)
            elif (entry := self._before(comment.at)) is not None:
                entry.trailing.append(comment.text)
            else:
                self.head.append(comment.text)
        seen = set()
        for entry in self._in_order:
            if entry.at[0] not in seen and self._gap_above(entry.at[0]):
                entry.leading.append("")
            seen.add(entry.at[0])
        self._lift_head()

    def _attach_alone(self, comment: Comment, root: Node) -> None:
        line, column = comment.at
        lines = ["", comment.text] if self._gap_above(line) else [comment.text]
        number = bisect_left(self._starts, (line + 1, 0))
        below = self._in_order[number] if number < len(self._in_order) else None
        if below is not None and column <= below.at[1]:
            below.leading += lines
            return
        entry = self._before(comment.at)
        while entry is not None and entry.at[1] > column:
            entry = entry.above
        if below is None and column <= root.span.column:
            self.foot += lines
        elif entry is not None:
            entry.behind += lines
        elif below is not None:
            below.leading += lines
        else:
            self.foot += lines

    def _before(self, at: Position) -> Entry | None:
        number = bisect_right(self._starts, at)
        return self._in_order[number - 1] if number else None

    def _gap_above(self, line: int) -> bool:
        return line > 1 and not self._lines[line - 2].strip()

    def _lift_head(self) -> None:
        """Keep at the top what speaks of the file: everything above an empty line, and the line that names a schema."""
        if not self._in_order:
            return
        first = self._in_order[0]
        marks = [n for n, text in enumerate(first.leading) if not text or text.startswith("# yaml-language-server:")]
        cut = marks[-1] + 1 if marks else 0
        self.head += first.leading[:cut]
        first.leading = first.leading[cut:]
