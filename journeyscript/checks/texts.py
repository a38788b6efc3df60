"""Expressions that were written as text: by quotes too many, a name is set, sent or compared instead of its value."""

import re
from collections.abc import Iterator

from journeyscript.checks.places import conditions, place
from journeyscript.diagnostics import Diagnostic, Span
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import Assign, Emit, Enter, Send
from journeyscript.machine.needs import nodes
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.syntax.expression import MAX_LENGTH, Name, SyntaxProblem, parse_expression

_ROOTS = ("customer", "event", "entry", "consent", "journey")
_NAMES_SOMETHING = re.compile(rf"\b(?:{'|'.join(_ROOTS)})\.\w")


def expression_as_text(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS011: a text constant is an expression by its looks, and names a value."""
    for state in compiled.machine.states:
        match state.action:
            case Send(variables=pairs) | Assign(values=pairs) | Emit(properties=pairs) | Enter(properties=pairs):
                for name, value in pairs:
                    yield from _texts(compiled, value, place(compiled, state.id), state.id, name)
            case None:
                pass
    for asked in conditions(compiled):
        yield from _texts(compiled, asked.condition, asked.span, asked.step, None)


def _texts(
    compiled: Compiled, root: typed.Expression, span: Span, step: str | None, name: str | None
) -> Iterator[Diagnostic]:
    for node in nodes(root):
        if isinstance(node, typed.Literal) and isinstance(node.value, str) and names_a_value(node.value):
            where = "" if name is None else f" in `{name}`"
            yield finding(
                "JS011",
                f"`{node.value}` is a text{where}, not the value that it names",
                span,
                help="take away the inner quotes",
                journey=compiled.machine.journey,
                step=step,
            )


def names_a_value(text: str) -> bool:
    """Return whether a text is an expression in which `customer.…` or the like stands."""
    if len(text) > MAX_LENGTH or _NAMES_SOMETHING.search(text) is None:
        return False
    try:
        tree = parse_expression(text)
    except SyntaxProblem:
        return False
    return _has_name(tree)


def _has_name(tree: object) -> bool:
    match tree:
        case Name(parts=(root, _, *_)) if root in _ROOTS:
            return True
        case tuple():
            return any(_has_name(item) for item in tree)
        case _:
            fields = getattr(tree, "__struct_fields__", ())
            return any(_has_name(getattr(tree, field)) for field in fields)
