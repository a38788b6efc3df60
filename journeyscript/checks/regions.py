"""Where conditions come out alike: comparisons with constants cut each value into regions.

Takes typed conditions, gives one representative customer for each combination of regions, with what each condition
says of that customer; the engine's own evaluator is asked, so that the answer is the one of production. What cannot be
cut (a comparison of two values, a function of one, a text that starts with another) counts as a value of its own that
may be anything: what holds of every row then holds of everybody, but a row may be nobody unless `exact`.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise, product
from math import ceil, floor, prod

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.diagnostics import Known
from journeyscript.engine.evaluate import Evaluator, compile_expression, never_unknown
from journeyscript.engine.values import Facts
from journeyscript.machine.needs import nodes
from journeyscript.semantics import typed
from journeyscript.semantics.show import show, show_value
from journeyscript.semantics.types import BOOLEAN, INTEGER, Type, Value

MOST_ROWS = 4_096
"""Of more combinations than this nothing is said."""

READS_NOTHING = (typed.Literal, typed.Items, typed.Not, typed.And, typed.Or, typed.Compare, typed.In,
                 typed.Arithmetic, typed.Coalesce, typed.Known)  # fmt: skip
"""Nodes that look at nothing but what stands inside them."""

_PLAIN = (typed.Attribute, typed.Property, typed.EntryProperty, typed.Consent)
_WHOLE = ("integer", "duration", "timestamp")
_REAL = ("number", "money")
ORDERED = (*_WHOLE, *_REAL, "date")
"""Kinds of values that have an order, so that a comparison cuts them in two."""


class Leaf(Struct, frozen=True, kw_only=True):
    """One thing that conditions read. `derived`: it may hang together with other leaves in ways nobody looked at."""

    name: str
    type: Type
    values: tuple[Value, ...]
    derived: bool


class Row(Struct, frozen=True, kw_only=True):
    """One representative: the value of each leaf, and whether each condition is true of it."""

    values: tuple[Value, ...]
    holds: tuple[bool, ...]


class Survey(Struct, frozen=True, kw_only=True):
    """All representatives. `exact`: each of them is a customer that there can be."""

    leaves: tuple[Leaf, ...]
    rows: tuple[Row, ...]
    exact: bool

    def customer(self, row: Row) -> tuple[str, ...]:
        """Return a representative in words, one line for each value."""
        return tuple(_in_words(leaf, value) for leaf, value in zip(self.leaves, row.values, strict=True))

    def known(self, row: Row) -> Known:
        """Return what is so of a representative, as a situation says it."""
        pairs = zip(self.leaves, row.values, strict=True)
        return tuple((leaf.name, value) for leaf, value in pairs if not isinstance(value, list | dict))


def survey(conditions: Sequence[typed.Expression], timezone: str) -> Survey | None:
    """Return what conditions say of every kind of customer, or `None` where there are too many kinds."""
    cutting = _Cutting()
    rewritten = [cutting.condition(node) for node in conditions]
    leaves = cutting.leaves()
    if prod(len(leaf.values) for leaf in leaves) > MOST_ROWS:
        return None
    asked = [_compiled(node, timezone) for node in rewritten]
    names = [leaf.name for leaf in leaves]
    rows = []
    for values in product(*(leaf.values for leaf in leaves)):
        facts = Facts(external_id="", attributes=dict(zip(names, values, strict=True)))
        rows.append(Row(values=values, holds=tuple(ask(facts, None, None, 0) is True for ask in asked)))
    return Survey(leaves=leaves, rows=tuple(rows), exact=cutting.exact())


@lru_cache(maxsize=1_024)
def _compiled(condition: typed.Expression, timezone: str) -> Evaluator:
    """Return a condition as the engine asks it; what is known somewhere is asked again at each condition behind it."""
    return compile_expression(condition, timezone)


def survey_knowing(
    conditions: Sequence[typed.Expression], given: Sequence[tuple[typed.Expression, bool]], timezone: str
) -> Survey | None:
    """Return what conditions say of every kind of customer of whom something is known to be true, or not to be.

    What has nothing to do with the conditions is left out, and where there are too many kinds, all of it: then what
    holds of every row still holds of everybody, but a row may be nobody.
    """
    read = frozenset(name for condition in conditions for name in leaf_names(condition))
    useful = [given[number] for number in related(read, given)]
    found = survey([*conditions, *(condition for condition, _ in useful)], timezone)
    if found is None:
        bare = survey(conditions, timezone) if useful else None
        return None if bare is None else replace(bare, exact=False)
    asked, wanted = len(conditions), tuple(truth for _, truth in useful)
    rows = [Row(values=row.values, holds=row.holds[:asked]) for row in found.rows if row.holds[asked:] == wanted]
    return replace(found, rows=tuple(rows))


def related(read: frozenset[str], given: Sequence[tuple[typed.Expression, bool]]) -> list[int]:
    """Return which of the given share a leaf with those read, or with another that does; what has none counts."""
    names = [leaf_names(condition) for condition, _ in given]
    found = {number for number, own in enumerate(names) if not own}
    while more := {number for number, own in enumerate(names) if own & read} - found:
        found |= more
        read = read.union(*(names[number] for number in more))
    return sorted(found)


def leaf_names(condition: typed.Expression) -> frozenset[str]:
    """Return the names of what a condition reads."""
    cutting = _Cutting()
    cutting.condition(condition)
    return frozenset(leaf.name for leaf in cutting.leaves())


def reads_nothing(node: typed.Expression) -> bool:
    """Return whether an expression is made of constants alone."""
    return all(isinstance(part, READS_NOTHING) for part in nodes(node))


class _Cutting:
    """Replaces what conditions read by attributes of that name, and collects where comparisons cut them."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[typed.Expression, Type, bool]] = {}
        self._cuts: dict[str, list[Value]] = {}

    def leaves(self) -> tuple[Leaf, ...]:
        return tuple(
            Leaf(name=name, type=kind, values=_values(node, kind, self._cuts[name]), derived=derived)
            for name, (node, kind, derived) in self._found.items()
        )

    def exact(self) -> bool:
        """Return whether every combination is possible: nothing is derived, nothing is asked in two ways."""
        past = [node.event for node, _, _ in self._found.values() if isinstance(node, typed.History)]
        roots = {type(node) for node, _, _ in self._found.values()}
        twice = len(past) != len(set(past)) or {typed.Property, typed.EntryProperty} <= roots
        return not twice and not any(derived for _, _, derived in self._found.values())

    def condition(self, node: typed.Expression) -> typed.Expression:
        """Return a condition over the leaves alone."""
        if reads_nothing(node):
            return node
        match node:
            case typed.And(items=items):
                return typed.And(items=tuple(map(self.condition, items)))
            case typed.Or(items=items):
                return typed.Or(items=tuple(map(self.condition, items)))
            case typed.Not(of=inner):
                return typed.Not(of=self.condition(inner))
            case typed.InSegment(name=name, condition=inner):
                return typed.InSegment(name=name, condition=self.condition(inner))
            case typed.Coalesce(left=left, right=right):
                return typed.Coalesce(left=self.condition(left), right=self.condition(right))
            case typed.Known(of=inner) if _is_term(inner):
                return typed.Known(of=self.term(inner, ()))
            case typed.Compare(op=op, left=left, right=typed.Literal(value=cut)) if _is_cut(op, left, cut):
                return typed.Compare(op=op, left=self.term(left, (cut,)), right=node.right)
            case typed.Compare(op=op, left=typed.Literal(value=cut), right=right) if _is_cut(op, right, cut):
                return typed.Compare(op=op, left=node.left, right=self.term(right, (cut,)))
            case typed.In(left=left, right=typed.Items(items=items)) if _is_term(left) and _are_constants(items):
                cuts = tuple(item.value for item in items if isinstance(item, typed.Literal))
                return typed.In(left=self.term(left, cuts), right=node.right)
            case typed.History(function="did"):
                # `did` and `count` ask the same of the past, so they are one leaf.
                counted = typed.History(
                    function="count", event=node.event, type=INTEGER, where=node.where, window=node.window
                )
                zero = typed.Literal(value=0, type=INTEGER)
                return typed.Compare(op=">", left=self.term(counted, (0,)), right=zero)
            case typed.Attribute() | typed.Property() | typed.EntryProperty() | typed.Consent():
                return self.term(node, ())
            case _:
                return self.leaf(node, BOOLEAN, (), derived=True)

    def term(self, node: typed.Expression, cuts: tuple[Value, ...]) -> typed.Expression:
        """Return a value over the leaves alone, and note where it is cut."""
        match node:
            case typed.Literal():
                return node
            case typed.Coalesce(left=left, right=right):
                return typed.Coalesce(left=self.term(left, cuts), right=self.term(right, cuts))
            case typed.History(where=where):
                derived = where is not None and any(isinstance(part, typed.Attribute) for part in nodes(where))
                bounds = (node.window.start, node.window.end)
                return self.leaf(node, type_of(node), cuts, derived=derived or bounds != (None, None))
            case _:
                return self.leaf(node, type_of(node), cuts, derived=not isinstance(node, _PLAIN))

    def leaf(self, node: typed.Expression, kind: Type, cuts: tuple[Value, ...], *, derived: bool) -> typed.Expression:
        name = show(node)
        self._found.setdefault(name, (node, kind, derived))
        known = self._cuts.setdefault(name, [])
        known += [cut for cut in cuts if cut not in known]
        return typed.Attribute(name=name, type=kind)


def type_of(node: typed.Expression) -> Type:
    """Return the type of a term."""
    match node:
        case typed.Consent():
            return BOOLEAN
        case typed.JourneyFact(name=name):
            return Type(kind="string" if name == "name" else "timestamp")
        case typed.Coalesce(left=left):
            return type_of(left)
        case _:
            kind: Type = getattr(node, "type", Type(kind="any"))
            return kind


def _is_term(node: typed.Expression) -> bool:
    match node:
        case typed.Coalesce(left=left, right=right):
            return _is_term(left) and (isinstance(right, typed.Literal) or _is_term(right))
        case typed.History(function="did"):
            return False
        case _:
            terms = (*_PLAIN, typed.History, typed.JourneyFact, typed.Call, typed.Arithmetic)
            return isinstance(node, terms)


def _is_cut(op: str, term: typed.Expression, cut: Value) -> bool:
    if cut is None or not _is_term(term):
        return False
    kind = type_of(term).kind
    if kind in ORDERED:
        return op in ("==", "!=", "<", "<=", ">", ">=")
    return kind in ("string", "enum", "boolean") and op in ("==", "!=")


def _are_constants(items: Sequence[typed.Expression]) -> bool:
    return all(isinstance(item, typed.Literal) and item.value is not None for item in items)


def _values(node: typed.Expression, kind: Type, cuts: list[Value]) -> tuple[Value, ...]:
    """Return one value of each region, and unknown where it can be."""
    values = list(_known_values(kind, cuts))
    if isinstance(node, typed.History) and node.function == "count":
        values = [value for value in values if isinstance(value, int) and value >= 0] or [0]
    return tuple(values) if never_unknown(node) else (*values, None)


def _known_values(kind: Type, cuts: list[Value]) -> Iterator[Value]:
    match kind.kind:
        case "boolean":
            yield from (True, False)
        case "enum":
            unasked = [value for value in kind.values if value not in cuts]
            yield from [value for value in kind.values if value in cuts] + unasked[:1]
        case "string":
            yield from cuts
            yield next(word for word in ("other", *(f"other {n}" for n in range(len(cuts)))) if word not in cuts)
        case "date":
            yield from _one_of_each([day for cut in cuts for day in _days_around(str(cut))], cuts) or ["2026-01-01"]
        case whole if whole in _WHOLE:
            near = [n for cut in _numbers(cuts) for n in (floor(cut) - 1, floor(cut), ceil(cut), ceil(cut) + 1)]
            yield from _one_of_each(near, cuts) or [1]
        case real if real in _REAL:
            marks = sorted(_numbers(cuts))
            between = [(low + high) / 2 for low, high in pairwise(marks)]
            ends = [marks[0] - 1, marks[-1] + 1] if marks else [1]
            yield from _one_of_each([*marks, *between, *ends], cuts)
        case _:
            yield "something"


def _numbers(cuts: Sequence[Value]) -> list[int | float]:
    return [cut for cut in cuts if isinstance(cut, int | float)]


def _days_around(day: str) -> Iterator[str]:
    for off in (-1, 0, 1):
        try:
            yield (date.fromisoformat(day) + timedelta(days=off)).isoformat()
        except OverflowError:
            continue


def _one_of_each(candidates: Sequence[Value], cuts: Sequence[Value]) -> list[Value]:
    """Return the first candidate of each region, in order."""
    seen: dict[tuple[int, ...], Value] = {}
    for value in sorted(candidates):  # type: ignore[type-var]  # all are numbers, or all are dates
        region = tuple((value > cut) - (value < cut) for cut in cuts)  # type: ignore[operator]
        seen.setdefault(region, value)
    return list(seen.values())


def _in_words(leaf: Leaf, value: Value) -> str:
    if value is None:
        return f"{leaf.name} is unknown"
    if leaf.type.kind == "boolean":
        return leaf.name if value else f"not {leaf.name}"
    if value == "something":
        return f"{leaf.name} is known"
    return f"{leaf.name} = {show_value(value, leaf.type)}"
