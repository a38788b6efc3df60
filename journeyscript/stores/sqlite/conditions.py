# ruff: noqa: S608 - SQL of closed forms; whatever a project says is bound
"""A typed condition to SQL over the store's tables: which customers it is true of, in three-valued logic.

Takes an expression without an event in hand and without an enrollment; gives a `Selection`: SQL that is true of every
customer of whom the condition is, and tests of a customer's data under which it is true of nobody else. Whatever SQL
would say differently from the generated Python is left out or tested for, never approximated. Everything that comes
from a project is bound as a parameter; knows no connection.
"""

from msgspec import Struct

from journeyscript.semantics import typed
from journeyscript.semantics.types import Instant, Type
from journeyscript.stores.sqlite.operands import (
    HUGE,
    Bound,
    Inexpressible,
    Operand,
    Sort,
    joined,
    json_type,
    sort_of,
    whole_quotient,
)

LONGEST = 50_000
"""Characters of SQL; a condition that needs more is left to Python."""

MOST_PRODUCTS = 8
"""Products of numbers in one condition: as many can never grow beyond what a number holds."""

_OPERATORS = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class Selection(Struct, frozen=True, kw_only=True):
    """SQL over a row of `customers`: `where` is true of all of whom the condition is.

    Where all `checks` (never unknown) hold of a row and `exact` is set, `where` is true of nobody else; where they do
    not hold, it says nothing.
    """

    where: str
    checks: tuple[str, ...]
    exact: bool
    parameters: dict[str, str | int | float]


def select(condition: typed.Expression, now: Instant) -> Selection:
    """Return which customers a condition is true of at `now`, as far as SQL can say it."""
    compiler = _Compiler(now)
    try:
        where, exact = f"({compiler.truth(condition)}) IS TRUE", True
    except Inexpressible:
        where, exact = compiler.implied(condition, outcome=True), False
    if len(where) + sum(map(len, compiler.checks)) > LONGEST:
        return Selection(where="1", checks=(), exact=False, parameters={})
    return Selection(where=where, checks=tuple(compiler.checks), exact=exact, parameters=compiler.bound.values)


class _Compiler:
    """Builds SQL; `checks` are what must hold of the data for it to say the same as Python does."""

    def __init__(self, now: Instant) -> None:
        self.bound = Bound()
        self.checks: dict[str, None] = {}
        self._now = self.bound.name(now)
        self._in_event = False
        self._products = 0

    def implied(self, node: typed.Expression, *, outcome: bool) -> str:
        """Return SQL, never unknown, that holds wherever the condition comes out as `outcome`."""
        try:
            return f"({self.truth(node)}) IS {'TRUE' if outcome else 'FALSE'}"
        except Inexpressible:
            pass
        match node:
            case typed.Not(of=inner):
                return self.implied(inner, outcome=not outcome)
            case typed.And(items=items) | typed.Or(items=items):
                parts = [self.implied(item, outcome=outcome) for item in items]
                all_of_them = isinstance(node, typed.And) is outcome
                return joined(parts, "AND" if all_of_them else "OR")
            case typed.InSegment(condition=condition) if outcome:
                return self.implied(condition, outcome=True)
            case _:
                return "1"

    def truth(self, node: typed.Expression) -> str:
        """Return a condition: true, false or unknown.

        Raises:
            Inexpressible: SQL would not say the same.
        """
        match node:
            case typed.Not(of=inner):
                return f"NOT ({self.truth(inner)})"
            case typed.And(items=items):
                return _short(joined([self.truth(item) for item in items], "AND"))
            case typed.Or(items=items):
                return _short(joined([self.truth(item) for item in items], "OR"))
            case typed.Compare():
                return _short(self.comparison(node))
            case typed.In(left=left, right=right):
                return self.member(left, right)
            case typed.Known(of=inner):
                return self.known(inner)
            case typed.Consent(channel=channel):
                path = self.bound.path(channel)
                return f"coalesce(json_type(customers.consent, {path}) = 'true', 0)"
            case typed.InSegment(condition=condition):
                return f"coalesce({self.truth(condition)}, 0)"
            case _:
                operand = self.value(node)
                if operand.sort != "flag":
                    raise Inexpressible
                return operand.sql

    def value(self, node: typed.Expression) -> Operand:
        """Return a value; unknown is `NULL`.

        Raises:
            Inexpressible: SQL would not say the same.
        """
        match node:
            case typed.Literal(value=value):
                return self.bound.literal(value)
            case typed.Attribute(name="id"):
                self.check("instr(customers.external_id, char(0)) = 0")
                return Operand("customers.external_id", "text")
            case typed.Attribute(name=name, type=kind):
                return self.field("customers.attributes", name, kind)
            case typed.Property(name="at") if self._in_event:
                return Operand("events.at", "whole")
            case typed.Property(name=name, type=kind) if self._in_event:
                return self.field("events.properties", name, kind)
            case typed.Arithmetic():
                return self.arithmetic(node)
            case typed.Coalesce(left=left, right=right):
                return self.coalesce(self.value(left), self.value(right))
            case typed.Call(function=function, arguments=(argument,)):
                return self.call(function, self.value(argument))
            case typed.History():
                return self.history(node)
            case (
                typed.Not() | typed.And() | typed.Or() | typed.Compare() | typed.In() | typed.Known() | typed.Consent()
                | typed.InSegment()
            ):  # fmt: skip
                return Operand(self.truth(node), "flag")
            case _:
                raise Inexpressible

    def check(self, sql: str) -> None:
        """Note what must hold of the data; never unknown."""
        self.checks[_short(sql)] = None

    def field(self, column: str, name: str, kind: Type) -> Operand:
        """Return a field of a JSON column, which must be of its type."""
        path = self.bound.path(name)
        raw, found = f"json_extract({column}, {path})", json_type(column, path)
        sort = sort_of(kind.kind)
        match sort:
            case "text":
                # SQLite ends a text at a NUL.
                self.check(f"{found} IN ('null', 'text') AND coalesce(instr({column}, '\\u0000') = 0, 1)")
            case "flag":
                self.check(f"{found} IN ('null', 'true', 'false')")
            case "whole":
                self.check(f"{found} IN ('null', 'integer') AND typeof({raw}) IN ('null', 'integer')")
            case "number":
                self.check(f"{found} IN ('null', 'integer', 'real') AND coalesce(abs({raw} * 1.0) <= {HUGE}, 1)")
        return Operand(raw, sort)

    def known(self, node: typed.Expression) -> str:
        """Return whether there is a value, of whatever type."""
        match node:
            case typed.Attribute(name=name) if name != "id":
                return f"{json_type('customers.attributes', self.bound.path(name))} <> 'null'"
            case typed.Property(name=name) if name != "at" and self._in_event:
                return f"{json_type('events.properties', self.bound.path(name))} <> 'null'"
            case _:
                return f"({self.value(node).sql}) IS NOT NULL"

    def comparison(self, node: typed.Compare) -> str:
        """Return a comparison of two values of one sort."""
        if node.op == "contains" and _list_of_texts(node.left) is not None:
            return self.member(node.right, node.left)
        left, right = self.value(node.left), self.value(node.right)
        both = {left.sort, right.sort}
        if node.op in _OPERATORS:
            if both == {"flag"} and node.op not in ("==", "!="):
                raise Inexpressible
            if len(both) > 1 and not both <= {"whole", "number"}:
                raise Inexpressible
            self.apart(left, right)
            return f"({left.sql}) {_OPERATORS[node.op]} ({right.sql})"
        if both != {"text"}:
            raise Inexpressible
        holder, part = f"({left.sql})", f"({right.sql})"
        match node.op:
            case "contains":
                return f"instr({holder}, {part}) > 0"
            case "starts with":
                return f"substr({holder}, 1, length({part})) = {part}"
            case _:
                behind = f"length({holder}) - length({part})"
                return f"{behind} >= 0 AND substr({holder}, {behind} + 1) = {part}"

    def apart(self, left: Operand, right: Operand) -> None:
        """Check that two numbers are so far apart, or whole, that no rounding decides between them."""
        if "number" in (left.sort, right.sort):
            off = f"1e-9 * ({left.size} + {right.size}) + 1e-100"
            difference = f"abs(({left.sql}) * 1.0 - ({right.sql}) * 1.0)"
            unknown = f"({left.sql}) IS NULL OR ({right.sql}) IS NULL"
            self.check(f"coalesce({unknown} OR {difference} > {off}, 0)")

    def member(self, left: typed.Expression, right: typed.Expression) -> str:
        """Return whether a list of constants, or a list of texts that the customer has, holds a value."""
        value = self.value(left)
        if isinstance(right, typed.Items) and right.items:
            items = [self.value(item) for item in right.items if isinstance(item, typed.Literal)]
            sorts = {value.sort, *(item.sort for item in items)}
            if len(items) < len(right.items) or (len(sorts) > 1 and not sorts <= {"whole", "number"}):
                raise Inexpressible
            for item in items:
                self.apart(value, item)
            return f"({value.sql}) IN ({', '.join(item.sql for item in items)})"
        found = _list_of_texts(right)
        if found is None or value.sort != "text" or (isinstance(right, typed.Property) and not self._in_event):
            raise Inexpressible
        path = self.bound.path(found[1])
        held, column = f"json_each({found[0]}, {path}) AS item", found[0]
        is_list = f"{json_type(column, path)} = 'array'"
        self.check(
            f"{json_type(column, path)} IN ('null', 'array') AND coalesce(instr({column}, '\\u0000') = 0, 1) AND "
            f"NOT ({is_list} AND EXISTS (SELECT 1 FROM {held} WHERE item.type <> 'text'))"
        )
        holds = f"EXISTS (SELECT 1 FROM {held} WHERE item.value = ({value.sql}))"
        return f"CASE WHEN ({value.sql}) IS NULL OR NOT {is_list} THEN NULL ELSE {holds} END"

    def arithmetic(self, node: typed.Arithmetic) -> Operand:
        """Return a sum, a difference or a product of numbers."""
        left, right = self.value(node.left), self.value(node.right)
        sorts = {left.sort, right.sort}
        if node.op == "/" or not sorts <= {"whole", "number"}:
            raise Inexpressible
        sql = _short(f"(({left.sql}) {node.op} ({right.sql}))")
        if sorts == {"whole"}:
            self.check(f"typeof({sql}) IN ('null', 'integer')")
            return Operand(sql, "whole")
        if node.type.kind in ("duration", "timestamp"):
            raise Inexpressible  # Rounded to whole milliseconds, halves to even.
        self._products += node.op == "*"
        if self._products > MOST_PRODUCTS:
            raise Inexpressible
        size = f"({left.size} {'*' if node.op == '*' else '+'} {right.size})"
        return Operand(sql, "number", _short(size))

    def coalesce(self, left: Operand, right: Operand) -> Operand:
        """Return the left value, or the right one where the left one is unknown."""
        sql = _short(f"coalesce({left.sql}, {right.sql})")
        if left.sort == right.sort != "number":
            return Operand(sql, left.sort)
        if not {left.sort, right.sort} <= {"whole", "number"}:
            raise Inexpressible
        return Operand(sql, "number", _short(f"coalesce({left.size}, {right.size})"))

    def call(self, function: str, argument: Operand) -> Operand:
        """Return what a function of the language gives."""
        match function, argument.sort:
            case "length", "text":
                return Operand(f"length({argument.sql})", "whole")
            case "days_since" | "hours_since" | "days_until", "whole":
                ahead = (
                    f"(({argument.sql}) - {self._now})"
                    if function == "days_until"
                    else (f"({self._now} - ({argument.sql}))")
                )
                self.check(f"typeof({ahead}) IN ('null', 'integer')")
                return Operand(whole_quotient(ahead, 3_600_000 if function == "hours_since" else 86_400_000), "whole")
            case _:
                raise Inexpressible

    def history(self, node: typed.History) -> Operand:
        """Return a question about the customer's past events, as a subquery over them."""
        window = node.window
        if self._in_event or window.since_entry or (window.start is None) != (window.end is None):
            raise Inexpressible
        bounds = []
        if window.start is not None and window.end is not None:
            bounds = [self.value(window.start), self.value(window.end)]
            if any(bound.sort != "whole" for bound in bounds):
                raise Inexpressible
        past = f"FROM events WHERE {self.within(node, bounds)}"
        outer, self.checks, self._in_event = self.checks, {}, True
        try:
            where = "" if node.where is None else f" AND ({self.truth(node.where)})"
            taken = self.taken(node)
        finally:
            inner, self.checks, self._in_event = self.checks, outer, False
        if inner:
            self.check(f"NOT EXISTS (SELECT 1 {past} AND NOT {joined(list(inner), 'AND')})")
        answer = self.summary(node, past + where, taken)
        if not bounds:
            return answer
        unknown = " OR ".join(f"({bound.sql}) IS NULL" for bound in bounds)
        return Operand(f"CASE WHEN {unknown} THEN NULL ELSE {answer.sql} END", answer.sort, answer.size)

    def within(self, node: typed.History, bounds: list[Operand]) -> str:
        """Return which events of the customer are looked at."""
        name = self.bound.name(node.event)
        sql = (
            "events.customer = customers.number AND events.needed = 1 "
            f"AND events.name = (SELECT id FROM names WHERE names.name = {name})"
        )
        if bounds:
            return f"{sql} AND events.at >= ({bounds[0].sql}) AND events.at <= ({bounds[1].sql})"
        if node.window.last is not None:
            sql += f" AND events.at >= {self._now} - {self.bound.name(node.window.last)}"
        return f"{sql} AND events.at <= {self._now}"

    def taken(self, node: typed.History) -> Operand:
        """Return what is taken of each event."""
        match node.property:
            case None:
                return Operand("1", "whole")
            case "at":
                return Operand("events.at", "whole")
            case name:
                return self.field("events.properties", name, _TYPES.get(node.function, node.type))

    def summary(self, node: typed.History, past: str, taken: Operand) -> Operand:
        """Return what a history function makes of the events."""
        value, size = taken.sql, f"(SELECT total(abs(({taken.sql}) * 1.0)) {past})"
        match node.function:
            case "did":
                return Operand(f"EXISTS (SELECT 1 {past})", "flag")
            case "count":
                return Operand(f"(SELECT count(*) {past})", "whole")
            case "sum" if taken.sort == "whole":
                # `sum` fails beyond 64 bits; up to here the sum of floats is exact.
                self.check(f"{size} < 9e15")
                return Operand(f"(SELECT CAST(total({value}) AS INTEGER) {past})", "whole")
            case "sum" if taken.sort == "number":
                return Operand(f"(SELECT total({value}) {past})", "number", size)
            case "average" if taken.sort in ("whole", "number"):
                count = f"nullif((SELECT count({value}) {past}), 0)"
                return Operand(f"(SELECT total({value}) {past}) / {count}", "number", f"({size} / {count})")
            case "min" | "max" as extreme if taken.sort != "flag":
                return _same_sort(f"(SELECT {extreme}({value}) {past})", taken.sort)
            case "first":
                return _same_sort(f"(SELECT {value} {past} ORDER BY events.at, events.id LIMIT 1)", taken.sort)
            case "last":
                down = "ORDER BY events.at DESC, events.id DESC LIMIT 1"
                return _same_sort(f"(SELECT {value} {past} {down})", taken.sort)
            case _:
                raise Inexpressible


_TYPES = {"average": Type(kind="number")}
"""An average is a number, whatever it is taken of."""


def _same_sort(sql: str, sort: Sort) -> Operand:
    return Operand(_short(sql), sort)


def _short(sql: str) -> str:
    """Return the SQL, where it has not grown beyond measure: what stands twice in each part doubles with each."""
    if len(sql) > LONGEST:
        raise Inexpressible
    return sql


def _list_of_texts(node: typed.Expression) -> tuple[str, str] | None:
    """Return the column and the name of a list of texts."""
    match node:
        case typed.Attribute(name=name, type=Type(kind="list", items=Type(kind="string" | "enum" | "date"))):
            return "customers.attributes", name
        case typed.Property(name=name, type=Type(kind="list", items=Type(kind="string" | "enum" | "date"))):
            return "events.properties", name
        case _:
            return None
