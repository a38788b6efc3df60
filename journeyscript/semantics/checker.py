"""The type checker: from an expression as written to the typed tree, or to findings that say what is wrong.

Takes a tree and the scope it stands in; names are resolved against the catalog, segments are inlined, optional
values must be guarded. Every finding points at the part of the text that causes it; one cause gives one finding.
"""

from datetime import UTC, date, datetime

from journeyscript.diagnostics import Diagnostic
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import AttributeDefinition, EventDefinition, suggestion
from journeyscript.semantics.functions import CONSTANTS, FUNCTIONS, NUMERIC
from journeyscript.semantics.names import Checked, NameChecker, Rejected
from journeyscript.semantics.operators import arithmetic_type, comparable, comparison_problem
from journeyscript.semantics.scope import Place, Scope, known_if_not_true, known_if_true
from journeyscript.semantics.types import (
    ANY,
    BOOLEAN,
    DATE,
    DURATION,
    INTEGER,
    NUMBER,
    STRING,
    TIMESTAMP,
    Type,
)
from journeyscript.syntax.expression import (
    Binary,
    Chain,
    Constant,
    FunctionCall,
    HistoryCall,
    ListOf,
    Name,
    SegmentTest,
    SyntaxProblem,
    Tree,
    Unary,
    WrittenWindow,
    parse_expression,
)

MAX_NESTED_SEGMENTS = 5

_OFFSET = "add an offset, such as `+00:00`"
MAX_TYPED_DEPTH = 60
MAX_TYPED_SIZE = 3_000
"""Segments are inlined, so a few short ones can make a large expression: larger ones are refused."""


def check_expression(text: str, scope: Scope, place: Place) -> tuple[Checked | None, Tree | None, list[Diagnostic]]:
    """Return the typed expression and the tree it was made from, or the findings that prevent it."""
    try:
        tree = parse_expression(text)
    except SyntaxProblem as problem:
        span = place(problem.offset, problem.length)
        return None, None, [finding("JS300", problem.message, span, help=problem.help_text)]
    checker = _Checker(place)
    try:
        checked = checker.check(tree, scope)
        if _is_too_large(checked.node):
            raise checker.reject(
                "JS300", "this is too large with the segments it asks for", tree, "ask for less at once"
            )
    except Rejected as rejected:
        return None, tree, [rejected.diagnostic]
    return checked, tree, []


def _is_too_large(root: typed.Expression) -> bool:
    open_ends: list[tuple[object, int]] = [(root, 0)]
    seen = 0
    while open_ends:
        value, depth = open_ends.pop()
        if isinstance(value, tuple):
            open_ends.extend((item, depth) for item in value)
        elif isinstance(value, typed.Node | typed.Window):
            seen += 1
            if seen > MAX_TYPED_SIZE or depth > MAX_TYPED_DEPTH:
                return True
            open_ends.extend((getattr(value, name), depth + 1) for name in value.__struct_fields__)
    return False


def check_condition(text: str, scope: Scope, place: Place) -> tuple[Checked | None, Tree | None, list[Diagnostic]]:
    """Return like `check_expression`, and refuse what is not true or false."""
    checked, tree, findings = check_expression(text, scope, place)
    if checked is not None and checked.type.kind not in ("boolean", "any"):
        return (
            None,
            tree,
            [
                finding(
                    "JS308",
                    f"a condition is true or false, this is {_article(checked.type)}",
                    place(0, len(text)),
                    help="compare it with something, or write `has …`",
                )
            ],
        )
    return checked, tree, findings


class _Checker(NameChecker):
    def check(self, tree: Tree, scope: Scope) -> Checked:
        """Return the typed form of a tree."""
        match tree:
            case Constant():
                return self.constant(tree)
            case Name():
                return self.name(tree, scope, guarded=False)
            case ListOf():
                return self.items(tree, scope)
            case Unary():
                return self.unary(tree, scope)
            case Binary():
                return self.binary(tree, scope)
            case Chain(op="??"):
                return self.coalesce(tree, scope)
            case Chain():
                return self.chain(tree, scope)
            case SegmentTest():
                return self.segment(tree, scope)
            case HistoryCall():
                return self.history(tree, scope)
            case FunctionCall():
                return self.call(tree, scope)

    def constant(self, tree: Constant) -> Checked:
        match tree.value:
            case bool():
                kind = BOOLEAN
            case int():
                kind = DURATION if tree.duration else INTEGER
            case float():
                kind = NUMBER
            case _:
                kind = STRING
        return Checked(typed.Literal(value=tree.value, type=kind), kind)

    def items(self, tree: ListOf, scope: Scope) -> Checked:
        checked = [self.check(item, scope) for item in tree.items]
        first = checked[0].type if checked else ANY
        for item, (_, kind) in zip(tree.items, checked, strict=True):
            if not comparable(first, kind):
                raise self.reject("JS303", f"a list holds values of one type: {first} and {kind} do not mix", item)
        return Checked(typed.Items(items=tuple(c.node for c in checked)), Type(kind="list", items=first))

    def unary(self, tree: Unary, scope: Scope) -> Checked:
        if tree.op in ("known", "unknown"):
            inner = self.maybe_missing(tree.of, scope)
            known = typed.Known(of=inner.node)
            return Checked(known if tree.op == "known" else typed.Not(of=known), BOOLEAN)
        inner = self.check(tree.of, scope)
        if tree.op == "not":
            self.require_boolean(tree.of, inner)
            return Checked(typed.Not(of=inner.node), BOOLEAN)
        if inner.type.kind not in (*NUMERIC, "duration", "any"):
            raise self.reject("JS303", f"`-` needs a number, this is {_article(inner.type)}", tree.of)
        zero = typed.Literal(value=0, type=inner.type)
        return Checked(typed.Arithmetic(op="-", left=zero, right=inner.node, type=inner.type), inner.type)

    def maybe_missing(self, tree: Tree, scope: Scope) -> Checked:
        """Check a tree in a place where an unknown value is what is asked about."""
        return self.name(tree, scope, guarded=True) if isinstance(tree, Name) else self.check(tree, scope)

    def require_boolean(self, tree: Tree, checked: Checked) -> None:
        if checked.type.kind not in ("boolean", "any"):
            raise self.reject("JS308", f"`and`, `or` and `not` join conditions, this is {_article(checked.type)}", tree)

    def chain(self, tree: Chain, scope: Scope) -> Checked:
        nodes = []
        for part in tree.parts:
            checked = self.check(part, scope)
            self.require_boolean(part, checked)
            nodes.append(checked.node)
            scope = scope.knowing(known_if_true(part) if tree.op == "and" else known_if_not_true(part))
        joined = typed.And(items=tuple(nodes)) if tree.op == "and" else typed.Or(items=tuple(nodes))
        return Checked(joined, BOOLEAN)

    def coalesce(self, tree: Chain, scope: Scope) -> Checked:
        *maybe, last = tree.parts
        result = self.check(last, scope)
        for part in reversed(maybe):
            left = self.maybe_missing(part, scope)
            if not comparable(left.type, result.type):
                raise self.reject(
                    "JS303", f"the default is {_article(result.type)}, the value is {_article(left.type)}", last
                )
            result = Checked(typed.Coalesce(left=left.node, right=result.node), left.type)
        return result

    def binary(self, tree: Binary, scope: Scope) -> Checked:
        left, right = self.check(tree.left, scope), self.check(tree.right, scope)
        match tree.op:
            case "+" | "-" | "*" | "/" as sign:
                kind = arithmetic_type(sign, left.type, right.type)
                if kind is None:
                    code = "JS310" if {left.type.kind, right.type.kind} & {"duration", "money"} else "JS303"
                    raise self.reject(code, f"`{sign}` does not join {left.type} and {right.type}", tree)
                node = typed.Arithmetic(op=sign, left=left.node, right=right.node, type=kind)
                return Checked(node, kind)
            case "in":
                return self.membership(tree, left, right)
            case "==" | "!=" | "<" | "<=" | ">" | ">=" | "contains" | "starts with" | "ends with" as op:
                if problem := comparison_problem(op, left.type, right.type):
                    raise self.reject(problem.code, problem.message, tree, problem.help_text)
                if op == "contains" and left.type.items is not None:
                    self.check_enum(tree.left, Checked(left.node, left.type.items), tree.right, right)
                elif op not in ("contains", "starts with", "ends with"):
                    self.check_enum(tree.left, left, tree.right, right)
                return Checked(typed.Compare(op=op, left=left.node, right=right.node), BOOLEAN)
            case other:
                raise AssertionError(f"the grammar has no operator {other}")

    def membership(self, tree: Binary, left: Checked, right: Checked) -> Checked:
        items = right.type.items
        if right.type.kind == "list" and isinstance(tree.right, ListOf) and isinstance(right.node, typed.Items):
            for item, node in zip(tree.right.items, right.node.items, strict=True):
                self.check_enum(tree.left, left, item, Checked(node, items or ANY))
        if right.type.kind not in ("list", "any") or (items is not None and not comparable(left.type, items)):
            raise self.reject(
                "JS303", f"`in` looks for a value in a list of its type, not {left.type} in {right.type}", tree
            )
        return Checked(typed.In(left=left.node, right=right.node), BOOLEAN)

    def check_enum(self, left_tree: Tree, left: Checked, right_tree: Tree, right: Checked) -> None:
        for kind, node, tree in ((left.type, right.node, right_tree), (right.type, left.node, left_tree)):
            if (
                kind.kind == "enum"
                and isinstance(node, typed.Literal)
                and isinstance(node.value, str)
                and node.value not in kind.values
            ):
                raise self.reject(
                    "JS307", f"`{node.value}` is not one of the values", tree, suggestion(node.value, kind.values)
                )

    def segment(self, tree: SegmentTest, scope: Scope) -> Checked:
        if not (isinstance(tree.subject, Name) and tree.subject.parts == ("customer",)):
            raise self.reject("JS306", "only `customer` can be in a segment", tree.subject)
        text = scope.catalog.segments.get(tree.segment)
        if text is None:
            raise self.unknown(
                "JS106", f"there is no segment `{tree.segment}`", tree, tree.segment, scope.catalog.segments
            )
        if tree.segment in scope.segments:
            raise self.reject("JS306", f"segment `{tree.segment}` is defined by itself", tree)
        if len(scope.segments) >= MAX_NESTED_SEGMENTS:
            raise self.reject("JS306", f"segments ask for each other more than {MAX_NESTED_SEGMENTS} deep", tree)
        inner = Scope(catalog=scope.catalog, segments=(*scope.segments, tree.segment))
        span = self.place(tree.start, tree.end - tree.start)
        condition, _, findings = check_condition(text, inner, lambda _start, _length: span)
        if condition is None:
            raise Rejected(findings[0])
        node: typed.Expression = typed.InSegment(name=tree.segment, condition=condition.node)
        return Checked(typed.Not(of=node) if tree.negated else node, BOOLEAN)

    def history(self, tree: HistoryCall, scope: Scope) -> Checked:
        name = tree.event.parts[0]
        event = scope.catalog.events.get(name)
        if event is None:
            raise self.unknown("JS103", f"there is no event `{name}`", tree.event, name, scope.catalog.events)
        prop = self.history_property(tree, event)
        where = None
        if tree.where is not None:
            checked = self.check(tree.where, scope.at_event(event))
            self.require_boolean(tree.where, checked)
            where = checked.node
        match tree.function:
            case "did":
                kind = BOOLEAN
            case "count":
                kind = INTEGER
            case "average":
                kind = NUMBER
            case _:
                assert prop is not None
                kind = prop.type
        node = typed.History(
            function=tree.function,  # type: ignore[arg-type]  # the grammar knows no other
            event=name,
            type=kind,
            property=None if prop is None else prop.name,
            where=where,
            window=self.window(tree.window, scope),
        )
        return Checked(node, kind)

    def history_property(self, tree: HistoryCall, event: EventDefinition) -> AttributeDefinition | None:
        inside = tree.event.parts[1] if len(tree.event.parts) > 1 else None
        function = tree.function
        if function in ("first", "last"):
            if inside is not None or tree.member is None:
                raise self.reject(
                    "JS306",
                    f"`{function}` gives an event; say what of it",
                    tree,
                    f"write `{function}({event.name}).at`",
                )
            return self.property(tree, tree.member, event)
        if tree.member is not None:
            raise self.reject("JS306", f"`{function}` gives a value, nothing can be read of it", tree)
        if function in ("did", "count"):
            if inside is not None:
                raise self.reject("JS306", f"`{function}` looks at events, not at a property", tree.event)
            return None
        if inside is None:
            raise self.reject(
                "JS306",
                f"`{function}` needs a property to work on",
                tree.event,
                f"write `{function}({event.name}.PROPERTY)`",
            )
        found = self.property(tree.event, inside, event)
        allowed = (
            (*NUMERIC, "duration") if function in ("sum", "average") else (*NUMERIC, "duration", "timestamp", "date")
        )
        if found.type.kind not in allowed:
            raise self.reject("JS306", f"`{function}` cannot work on {_article(found.type)}", tree.event)
        return found

    def window(self, written: WrittenWindow | None, scope: Scope) -> typed.Window:
        if written is None:
            return typed.Window()
        if written.since_entry:
            if not scope.in_journey:
                raise self.reject("JS311", "no journey was entered where this stands", written, "write `last 30 days`")
            return typed.Window(since_entry=True)
        if written.between is None:
            return typed.Window(last=written.last)
        bounds = []
        for tree in written.between:
            bound = self.check(tree, scope)
            if bound.type.kind not in ("timestamp", "any"):
                raise self.reject("JS303", f"a window is bounded by timestamps, not {bound.type}", tree)
            bounds.append(bound.node)
        return typed.Window(start=bounds[0], end=bounds[1])

    def call(self, tree: FunctionCall, scope: Scope) -> Checked:
        if tree.function in CONSTANTS:
            return self.instant_constant(tree)
        function = FUNCTIONS.get(tree.function)
        if function is None:
            names = (*FUNCTIONS, *CONSTANTS, "did", "count", "sum", "average", "min", "max", "first", "last")
            raise self.unknown("JS305", f"there is no function `{tree.function}`", tree, tree.function, names)
        if len(tree.arguments) != len(function.takes):
            raise self.reject(
                "JS306", f"`{function.name}` takes {len(function.takes)} argument, not {len(tree.arguments)}", tree
            )
        checked = [self.check(argument, scope) for argument in tree.arguments]
        for argument, (_, kind), allowed in zip(tree.arguments, checked, function.takes, strict=True):
            if kind.kind not in (*allowed, "any"):
                raise self.reject(
                    "JS306", f"`{function.name}` takes {' or '.join(allowed)}, not {_article(kind)}", argument
                )
        gives = function.gives or checked[0].type
        nodes = tuple(c.node for c in checked)
        return Checked(typed.Call(function=function.name, arguments=nodes, type=gives), gives)

    def instant_constant(self, tree: FunctionCall) -> Checked:
        match tree.arguments:
            case (Constant(value=str(text)),):
                pass
            case _:
                raise self.reject("JS306", f"`{tree.function}` takes one text in quotes", tree)
        try:
            if tree.function == "date":
                return Checked(typed.Literal(value=date.fromisoformat(text).isoformat(), type=DATE), DATE)
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.reject(
                "JS306",
                f"`{text}` is no {tree.function}",
                tree,
                "write it as `2026-03-01T09:00+01:00`, or `2026-03-01` for a date",
            ) from None
        if moment.tzinfo is None:
            raise self.reject("JS309", f"`{text}` says no zone, so it is another moment in each", tree, _OFFSET)
        return Checked(typed.Literal(value=round(moment.timestamp() * 1000), type=TIMESTAMP), TIMESTAMP)


def _article(kind: Type) -> str:
    text = str(kind)
    if kind.kind == "enum":
        return text
    return ("an " if text[0] in "aeiou" else "a ") + text
