"""Typed expressions to Python code objects: the back end that decides for one customer.

Takes a typed tree, gives a function of (facts, event, enrollment, now). Code is built from `ast` nodes and
compiled; no text is ever put together, so nothing in a journey can become code. Unknown is `None`.
"""

import ast
from collections.abc import Callable
from typing import TypeAlias

from journeyscript.engine import operations
from journeyscript.engine.values import Enrollment, Event, Facts
from journeyscript.semantics import typed
from journeyscript.semantics.types import Instant, Kind, Type, Value

Evaluator: TypeAlias = Callable[[Facts, Event | None, Enrollment | None, Instant], Value]

_GLOBALS = {
    "__builtins__": {},
    "aggregate": operations.aggregate,
    "select": operations.select,
    "multiply": operations.multiply,
    "whole": operations.whole,
    "member": operations.member,
    "contains": operations.contains,
    "divide": operations.divide,
    "shift_date": operations.shift_date,
    "between_dates": operations.between_dates,
    **{f"call_{name}": function for name, function in operations.CALLS.items()},
}

MISFITS = (TypeError, ValueError, ArithmeticError, AttributeError)
"""What data of another type than the catalog's make of an operation."""

_COMPARISONS: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}
_OPERATORS: dict[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub}


def compile_expression(node: typed.Expression, timezone: str) -> Evaluator:
    """Return the expression as a total function; `timezone` is the project's, for customers without their own."""
    function = compile_part(node, timezone)

    def evaluate(facts: Facts, event: Event | None, enrollment: Enrollment | None, now: Instant) -> Value:
        try:
            return operations.representable(function(facts, event, enrollment, now))
        except MISFITS:
            # Data that a catalog of another day let in may be of another type: that is unknown, not a failure.
            return None

    return evaluate


def compile_part(node: typed.Expression, timezone: str) -> Evaluator:
    """Return a part of an expression as it is within the whole: one of `MISFITS` is raised where data do not fit."""
    body = ast.Expression(body=_lambda(("facts", "event", "enrollment", "now"), _Generator(timezone).make(node)))
    code = compile(ast.fix_missing_locations(body), "<journey>", "eval")
    function: Evaluator = eval(code, dict(_GLOBALS))  # noqa: S307 - built from the closed family of typed nodes above
    return function


class _Generator:
    """Builds Python nodes; keeps count of temporaries and of the event that is in hand."""

    def __init__(self, timezone: str) -> None:
        self.timezone = timezone
        self._temporaries = 0
        self._event = "event"

    def make(self, node: typed.Expression) -> ast.expr:  # noqa: C901, PLR0912 - one case for each node
        """Return the Python expression for a node."""
        match node:
            case typed.Literal(value=value):
                return ast.Constant(value)
            case typed.Items(items=items):
                return ast.List([self.make(item) for item in items], ast.Load())
            case typed.Attribute(name="id"):
                return _attribute(_name("facts"), "external_id")
            case typed.Attribute(name=name):
                return _call(_attribute(_name("facts"), "attributes", "get"), ast.Constant(name))
            case typed.Property(name="at"):
                return _attribute(_name(self._event), "at")
            case typed.Property(name=name):
                return _call(_attribute(_name(self._event), "properties", "get"), ast.Constant(name))
            case typed.EntryProperty(name="at"):
                return _attribute(_name("enrollment"), "entry", "at")
            case typed.EntryProperty(name=name):
                return _call(_attribute(_name("enrollment"), "entry", "properties", "get"), ast.Constant(name))
            case typed.JourneyFact(name=fact):
                return _attribute(_name("enrollment"), "journey" if fact == "name" else fact)
            case typed.Consent(channel=channel):
                given = _call(_attribute(_name("facts"), "consent", "get"), ast.Constant(channel))
                return _compare(given, ast.Is(), ast.Constant(value=True))
            case typed.Known(of=inner) if never_unknown(inner):
                return ast.Constant(value=True)
            case typed.Known(of=inner):
                # Kept, as Python warns of a constant, or of what it folds into one, beside `is`.
                kept, _ = self.keep(inner)
                return _compare(kept, ast.IsNot(), ast.Constant(None))
            case typed.Not(of=inner):
                return self.strict([inner], lambda parts: ast.UnaryOp(ast.Not(), parts[0]))
            case typed.And(items=items):
                return self.joined(items, decisive=False)
            case typed.Or(items=items):
                return self.joined(items, decisive=True)
            case typed.Compare(op=op, left=left, right=right):
                return self.strict([left, right], lambda parts: _comparison(op, *parts))
            case typed.In(left=left, right=right):
                if isinstance(right, typed.Items) and never_unknown(right):
                    return self.strict([left, right], lambda parts: _compare(parts[0], ast.In(), parts[1]))
                return self.strict([left, right], lambda parts: _call(_name("member"), *parts))
            case typed.Arithmetic():
                return self.strict([node.left, node.right], lambda parts: _arithmetic(node, *parts))
            case typed.Coalesce(left=left, right=right):
                kept, again = self.keep(left)
                missing = _compare(kept, ast.Is(), ast.Constant(None))
                return ast.IfExp(missing, self.make(right), again)
            case typed.InSegment(condition=condition):
                return _compare(self.make(condition), ast.Is(), ast.Constant(value=True))
            case typed.History():
                return self.history(node)
            case typed.Call(function=function, arguments=arguments):
                parts = [self.make(argument) for argument in arguments]
                context = (_name("facts"), _name("now"), ast.Constant(self.timezone))
                return _call(_name(f"call_{function}"), *parts, *context)

    def keep(self, node: typed.Expression) -> tuple[ast.expr, ast.expr]:
        """Return an expression that computes a node and keeps it, and one that reads what was kept."""
        self._temporaries += 1
        name = f"t{self._temporaries}"
        return ast.NamedExpr(ast.Name(name, ast.Store()), self.make(node)), _name(name)

    def strict(self, nodes: list[typed.Expression], build: Callable[[list[ast.expr]], ast.expr]) -> ast.expr:
        """Return an operation that is unknown as soon as one of its operands is."""
        tests: list[ast.expr] = []
        parts: list[ast.expr] = []
        for node in nodes:
            if never_unknown(node):
                parts.append(self.make(node))
            else:
                kept, again = self.keep(node)
                tests.append(_compare(kept, ast.Is(), ast.Constant(None)))
                parts.append(again)
        if not tests:
            return build(parts)
        missing = tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)
        return ast.IfExp(missing, ast.Constant(None), build(parts))

    def joined(self, items: tuple[typed.Expression, ...], *, decisive: bool) -> ast.expr:
        """Return `and` (decided by a false part) or `or` (decided by a true part) in three-valued logic."""
        if all(map(never_unknown, items)):
            return ast.BoolOp(ast.Or() if decisive else ast.And(), [self.make(item) for item in items])
        decided: list[ast.expr] = []
        unknown: list[ast.expr] = []
        for item in items:
            kept, again = self.keep(item)
            decided.append(_compare(kept, ast.Is(), ast.Constant(decisive)))
            unknown.append(_compare(again, ast.Is(), ast.Constant(None)))
        return ast.IfExp(
            ast.BoolOp(ast.Or(), decided),
            ast.Constant(decisive),
            ast.IfExp(ast.BoolOp(ast.Or(), unknown), ast.Constant(None), ast.Constant(not decisive)),
        )

    def history(self, node: typed.History) -> ast.expr:
        """Return a question about past events; the condition looks at one of them at a time."""
        window = node.window
        start: ast.expr = ast.Constant(None)
        end: ast.expr = _name("now")
        if window.last is not None:
            start = ast.BinOp(_name("now"), ast.Sub(), ast.Constant(window.last))
        elif window.since_entry:
            start = _attribute(_name("enrollment"), "entered_at")
        elif window.start is not None and window.end is not None:
            bounds = [window.start, window.end]
            return self.strict(bounds, lambda parts: self.selection(node, parts[0], parts[1]))
        return self.selection(node, start, end)

    def selection(self, node: typed.History, start: ast.expr, end: ast.expr) -> ast.expr:
        """Return what is asked of the events between two instants, both included."""
        where: ast.expr = ast.Constant(None)
        if node.where is not None:
            outer, self._event = self._event, "past"
            where = _lambda(("past",), self.make(node.where))
            self._event = outer
        selected = _call(_name("select"), _name("facts"), ast.Constant(node.event), start, end, where)
        return _call(_name("aggregate"), ast.Constant(node.function), selected, ast.Constant(node.property))


def never_unknown(node: typed.Expression) -> bool:
    """Return whether a node has a value whatever the data are."""
    match node:
        case typed.Literal(value=value):
            return value is not None
        case typed.Known() | typed.Consent() | typed.InSegment() | typed.JourneyFact() | typed.Attribute(name="id"):
            return True
        case typed.Property(name="at") | typed.EntryProperty(name="at"):
            return True
        case typed.Items(items=items):
            return all(map(never_unknown, items))
        case typed.History(function="did" | "count" | "sum", window=typed.Window(start=start, end=end)):
            return all(bound is None or never_unknown(bound) for bound in (start, end))
        case typed.Not(of=inner):
            return never_unknown(inner)
        case typed.And(items=items) | typed.Or(items=items):
            return all(map(never_unknown, items))
        case typed.Compare(op="contains"):
            return False  # A list may hold unknown items.
        case typed.Compare(left=left, right=right) | typed.In(left=left, right=right):
            return never_unknown(left) and never_unknown(right)
        case typed.Coalesce(left=left, right=right):
            return never_unknown(left) or never_unknown(right)
        case _:
            return False


def _comparison(op: str, left: ast.expr, right: ast.expr) -> ast.expr:
    match op:
        case "contains":
            return _call(_name("contains"), left, right)
        case "starts with":
            return _call(_attribute(left, "startswith"), right)
        case "ends with":
            return _call(_attribute(left, "endswith"), right)
        case _:
            return _compare(left, _COMPARISONS[op](), right)


def _arithmetic(node: typed.Arithmetic, left: ast.expr, right: ast.expr) -> ast.expr:
    match node.op, node.type.kind:
        case "+" | "-", "date":
            return _call(_name("shift_date"), left, right, ast.Constant(1 if node.op == "+" else -1))
        case "-", "duration" if _kind(node.left) == "date":
            return _call(_name("between_dates"), left, right)
        case "*" | "/" as op, kind:
            result = _call(_name("multiply" if op == "*" else "divide"), left, right)
            return _call(_name("whole"), result) if kind == "duration" else result
        case op, _:
            return ast.BinOp(left, _OPERATORS[op](), right)


def _kind(node: typed.Expression) -> Kind | None:
    """Return the kind of a value, where its node says one."""
    match node:
        case typed.Coalesce(left=left):
            return _kind(left)
        case _:
            kind: Type | None = getattr(node, "type", None)
            return None if kind is None else kind.kind


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _attribute(value: ast.expr, *names: str) -> ast.expr:
    for name in names:
        value = ast.Attribute(value, name, ast.Load())
    return value


def _call(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    return ast.Call(function, list(arguments), [])


def _compare(left: ast.expr, op: ast.cmpop, right: ast.expr) -> ast.expr:
    return ast.Compare(left, [op], [right])


def _lambda(parameters: tuple[str, ...], body: ast.expr) -> ast.expr:
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(name) for name in parameters], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    return ast.Lambda(arguments, body)
