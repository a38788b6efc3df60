"""Expressions exactly as written: text in, a tree of nodes out, or the one place where the text stops making sense.

A node knows its first and last code point in the text and nothing of types or the catalog. The grammar is
`expression.lark`; it is the sandbox too, as nothing that it does not say can be written.
"""

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from msgspec import Struct

from journeyscript.syntax.duration import LONGEST, UNITS

if TYPE_CHECKING:
    from lark import Lark

MAX_LENGTH = 4_000
MAX_DEPTH = 40
"""Longer or deeper expressions are refused: nobody can read them, and the compiler's stack is finite."""

MAX_NUMBER = 2**63 - 1
"""Larger numbers are refused: no store could keep them."""


class Written(Struct, frozen=True, kw_only=True):
    """A stretch of the expression's text, from `start` up to and not including `end`, in code points."""

    start: int
    end: int


class Name(Written, frozen=True, kw_only=True):
    """A dotted name: `customer.country`."""

    parts: tuple[str, ...]


class Constant(Written, frozen=True, kw_only=True):
    """A string, a number, a truth value, or a duration in milliseconds."""

    value: str | int | float | bool
    duration: bool = False


class ListOf(Written, frozen=True, kw_only=True):
    """A list in brackets."""

    items: tuple["Tree", ...]


class Unary(Written, frozen=True, kw_only=True):
    """`not x`, `-x`, `x is known`, `x is unknown`."""

    op: str
    of: "Tree"


class Binary(Written, frozen=True, kw_only=True):
    """A comparison, a membership test or an arithmetic operation."""

    op: str
    left: "Tree"
    right: "Tree"


class Chain(Written, frozen=True, kw_only=True):
    """Two or more parts joined by `and`, `or` or `??`."""

    op: str
    parts: tuple["Tree", ...]


class SegmentTest(Written, frozen=True, kw_only=True):
    """`customer in segment vip`."""

    subject: "Tree"
    segment: str
    negated: bool


class WrittenWindow(Written, frozen=True, kw_only=True):
    """`last 30 days` (in milliseconds), `since entry`, or `between a and b`."""

    last: int | None = None
    since_entry: bool = False
    between: "tuple[Tree, Tree] | None" = None


class HistoryCall(Written, frozen=True, kw_only=True):
    """`count(order where event.total > 5, last 30 days)`; `member` is what is read of a first or last one."""

    function: str
    event: Name
    where: "Tree | None"
    window: WrittenWindow | None
    member: str | None


class FunctionCall(Written, frozen=True, kw_only=True):
    """`days_since(x)`."""

    function: str
    arguments: tuple["Tree", ...]


Tree: TypeAlias = Name | Constant | ListOf | Unary | Binary | Chain | SegmentTest | HistoryCall | FunctionCall


class SyntaxProblem(Exception):
    """The text is not an expression. Carries where (`offset`, `length` in code points), what, and what to do."""

    def __init__(self, message: str, offset: int, length: int = 1, help_text: str | None = None) -> None:
        super().__init__(message)
        self.message, self.offset, self.length, self.help_text = message, offset, length, help_text


def parse_expression(text: str) -> Tree:
    """Return the tree of an expression.

    Raises:
        SyntaxProblem: the text is no expression; it names the first place that does not fit.
    """
    from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedToken, VisitError

    if not text.strip():
        raise SyntaxProblem("the expression is empty", 0)
    if len(text) > MAX_LENGTH:
        raise SyntaxProblem(f"the expression is longer than {MAX_LENGTH} characters", 0, help_text=_DIVIDE)
    try:
        tree = _parser().parse(text)
    except UnexpectedCharacters as error:
        offset = cast("int", error.pos_in_stream)
        written = text[offset]
        raise SyntaxProblem(f"`{written}` cannot stand here", offset, 1, _ADVICE.get(written)) from None
    except UnexpectedToken as error:
        raise _unexpected(text, error) from None
    except UnexpectedEOF:
        raise SyntaxProblem("the expression ends too early", len(text)) from None
    _check_depth(tree)
    try:
        result: Tree = _builder().transform(tree)
    except VisitError as error:
        raise error.orig_exc from None
    return result


_DIVIDE = "name a part of it as a segment in `catalog/segments.yaml`"


_ADVICE = {
    "=": "write `==` to compare",
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`, or `!=` to compare",
    '"': "this text has no closing quote",
    "'": "this text has no closing quote",
}


def _check_depth(root: Any) -> None:
    """Refuse what is nested too deeply; with a stack of its own, as it looks at trees of any depth."""
    from lark import Tree as Parsed

    open_ends = [(root, 0)]
    while open_ends:
        tree, depth = open_ends.pop()
        if depth > MAX_DEPTH:
            start = getattr(tree.meta, "start_pos", 0)
            raise SyntaxProblem(f"the expression is nested deeper than {MAX_DEPTH}", start, help_text=_DIVIDE)
        open_ends.extend((child, depth + 1) for child in tree.children if isinstance(child, Parsed))


def _unexpected(text: str, error: Any) -> SyntaxProblem:
    token = error.token
    if token.type == "$END":
        return SyntaxProblem("the expression ends too early", len(text.rstrip()), 1, _expectation(error))
    written = str(token)
    return SyntaxProblem(
        f"`{written}` cannot stand here",
        token.start_pos,
        len(written),
        _expectation(error),
    )


def _expectation(error: Any) -> str | None:
    expected = set(error.accepts or error.expected or ())
    if {"NAME", "NUMBER", "STRING"} <= expected:
        return "a name, a value or `(` is expected here"
    if "RPAR" in expected:
        return "a `)` is missing"
    if "RSQB" in expected:
        return "a `]` is missing"
    return "an operator such as `and`, `or`, `==`, `in` is expected here" if "_AND" in expected else None


@cache
def _parser() -> "Lark":
    from lark import Lark

    grammar = (files("journeyscript.syntax") / "expression.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", propagate_positions=True, maybe_placeholders=True)


_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def _unquote(literal: str) -> str:
    def unescaped(match: re.Match[str]) -> str:
        escaped = match[1]
        return chr(int(escaped[1:], 16)) if len(escaped) == 5 else _ESCAPES.get(escaped, escaped)

    return _ESCAPE.sub(unescaped, literal[1:-1])


def _number(token: Any) -> int | float:
    value = float(token) if "." in token else int(token)
    if value > MAX_NUMBER:
        raise SyntaxProblem("this number is too large", token.start_pos, len(token))
    return value


def _length(token: Any, unit: int) -> int:
    """Return a number of units in milliseconds."""
    length = round(_number(token) * unit)
    if length > LONGEST:
        raise SyntaxProblem("this is longer than a hundred years", token.start_pos, len(token))
    return length


@cache
def _builder() -> Any:  # noqa: C901 - one method for each rule of the grammar
    """Return the transformer from lark's tree to ours; made on first use, as lark is slow to import."""
    from lark import Transformer, v_args

    @v_args(meta=True)
    class Builder(Transformer[Any, Any]):
        def start(self, _: Any, children: list[Any]) -> Tree:
            tree: Tree = children[0]
            return tree

        def path(self, meta: Any, children: list[Any]) -> Name:
            return Name(start=meta.start_pos, end=meta.end_pos, parts=tuple(str(c) for c in children))

        def event(self, meta: Any, children: list[Any]) -> Name:
            return Name(start=meta.start_pos, end=meta.end_pos, parts=tuple(str(c) for c in children if c))

        def unit(self, _: Any, children: list[Any]) -> int:
            return UNITS[str(children[0])]

        def number(self, meta: Any, children: list[Any]) -> Constant:
            return Constant(start=meta.start_pos, end=meta.end_pos, value=_number(children[0]))

        def duration(self, meta: Any, children: list[Any]) -> Constant:
            value = _length(children[0], children[1])
            return Constant(start=meta.start_pos, end=meta.end_pos, value=value, duration=True)

        def string(self, meta: Any, children: list[Any]) -> Constant:
            return Constant(start=meta.start_pos, end=meta.end_pos, value=_unquote(children[0]))

        def true(self, meta: Any, _: list[Any]) -> Constant:
            return Constant(start=meta.start_pos, end=meta.end_pos, value=True)

        def false(self, meta: Any, _: list[Any]) -> Constant:
            return Constant(start=meta.start_pos, end=meta.end_pos, value=False)

        def items(self, meta: Any, children: list[Any]) -> ListOf:
            return ListOf(start=meta.start_pos, end=meta.end_pos, items=tuple(c for c in children if c is not None))

        def either(self, meta: Any, children: list[Any]) -> Chain:
            return Chain(start=meta.start_pos, end=meta.end_pos, op="or", parts=tuple(children))

        def both(self, meta: Any, children: list[Any]) -> Chain:
            return Chain(start=meta.start_pos, end=meta.end_pos, op="and", parts=tuple(children))

        def coalesce(self, meta: Any, children: list[Any]) -> Chain:
            return Chain(start=meta.start_pos, end=meta.end_pos, op="??", parts=tuple(children))

        def negate(self, meta: Any, children: list[Any]) -> Unary:
            return Unary(start=meta.start_pos, end=meta.end_pos, op="not", of=children[0])

        def minus(self, meta: Any, children: list[Any]) -> Unary:
            return Unary(start=meta.start_pos, end=meta.end_pos, op="-", of=children[0])

        def is_known(self, meta: Any, children: list[Any]) -> Unary:
            return Unary(start=meta.start_pos, end=meta.end_pos, op="known", of=children[0])

        def is_unknown(self, meta: Any, children: list[Any]) -> Unary:
            return Unary(start=meta.start_pos, end=meta.end_pos, op="unknown", of=children[0])

        def compare(self, meta: Any, children: list[Any]) -> Binary:
            return _binary(str(children[1]), meta, children[0], children[2])

        arithmetic = compare

        def contains(self, meta: Any, children: list[Any]) -> Binary:
            return _binary("contains", meta, *children)

        def starts_with(self, meta: Any, children: list[Any]) -> Binary:
            return _binary("starts with", meta, *children)

        def ends_with(self, meta: Any, children: list[Any]) -> Binary:
            return _binary("ends with", meta, *children)

        def within(self, meta: Any, children: list[Any]) -> Binary:
            return _binary("in", meta, *children)

        def not_within(self, meta: Any, children: list[Any]) -> Unary:
            inner = _binary("in", meta, *children)
            return Unary(start=meta.start_pos, end=meta.end_pos, op="not", of=inner)

        def in_segment(self, meta: Any, children: list[Any]) -> SegmentTest:
            return _segment(meta, children, negated=False)

        def not_in_segment(self, meta: Any, children: list[Any]) -> SegmentTest:
            return _segment(meta, children, negated=True)

        def window_last(self, meta: Any, children: list[Any]) -> WrittenWindow:
            length = _length(children[1], children[2])
            return WrittenWindow(start=meta.start_pos, end=meta.end_pos, last=length)

        def window_since_entry(self, meta: Any, _: list[Any]) -> WrittenWindow:
            return WrittenWindow(start=meta.start_pos, end=meta.end_pos, since_entry=True)

        def window_between(self, meta: Any, children: list[Any]) -> WrittenWindow:
            return WrittenWindow(start=meta.start_pos, end=meta.end_pos, between=(children[0], children[1]))

        def history(self, meta: Any, children: list[Any]) -> HistoryCall:
            function, event, where, window, member = children
            return HistoryCall(
                start=meta.start_pos,
                end=meta.end_pos,
                function=str(function),
                event=event,
                where=where,
                window=window,
                member=None if member is None else str(member),
            )

        def call(self, meta: Any, children: list[Any]) -> FunctionCall:
            arguments = tuple(c for c in children[1:] if c is not None)
            return FunctionCall(start=meta.start_pos, end=meta.end_pos, function=str(children[0]), arguments=arguments)

    return Builder()


def _binary(op: str, meta: Any, left: Tree, right: Tree) -> Binary:
    return Binary(start=meta.start_pos, end=meta.end_pos, op=op, left=left, right=right)


def _segment(meta: Any, children: list[Any], *, negated: bool) -> SegmentTest:
    return SegmentTest(
        start=meta.start_pos, end=meta.end_pos, subject=children[0], segment=str(children[1]), negated=negated
    )
