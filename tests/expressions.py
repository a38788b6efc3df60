"""Random typed expressions over the base project's catalog, and random data for them.

Every tree is one that the type checker could have made: types fit, names exist, lists are of one type.
"""

import json
from datetime import date

from hypothesis import strategies as st
from msgspec.structs import replace

from journeyscript.engine.values import Enrollment, Event, Facts
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import AttributeDefinition
from journeyscript.semantics.checker import check_condition
from journeyscript.semantics.operators import arithmetic_type
from journeyscript.semantics.scope import Scope
from journeyscript.semantics.types import (
    BOOLEAN,
    DATE,
    DURATION,
    INTEGER,
    MONEY,
    NUMBER,
    STRING,
    TIMESTAMP,
    Type,
)
from tests.projects import surroundings

CATALOG = surroundings().catalog
NOW = 1_772_000_000_000
DAY = 86_400_000
ENTRY = CATALOG.events["signed_up"]
IN_HAND = CATALOG.events["purchased"]


def _required(definitions: dict[str, AttributeDefinition]) -> dict[str, AttributeDefinition]:
    return {name: replace(found, optional=False) for name, found in definitions.items()}


COMPLETE = replace(
    CATALOG,
    attributes=_required(CATALOG.attributes),
    events={n: replace(event, properties=_required(event.properties)) for n, event in CATALOG.events.items()},
)
"""The catalog with nothing optional, so that no expression needs a guard."""

SCOPE = Scope(catalog=COMPLETE, event=COMPLETE.events["purchased"], entry=COMPLETE.events["signed_up"], in_journey=True)

SCALARS = (INTEGER, NUMBER, MONEY, STRING, TIMESTAMP, DATE, DURATION)
TEXTS = st.text(alphabet="ab \"'\\\n\t\r\x07é中🎉", max_size=4) | st.sampled_from(["DE", "AT", "web", "dogs"])
DAYS = st.dates(min_value=date(1950, 1, 1), max_value=date(2060, 1, 1))


def segments() -> dict[str, typed.Expression]:
    """Return the conditions of the catalog's segments."""
    scope = Scope(catalog=CATALOG)
    place = lambda _start, _length: None  # noqa: E731
    checked = {name: check_condition(text, scope, place)[0] for name, text in CATALOG.segments.items()}
    return {name: found.node for name, found in checked.items() if found is not None}


SEGMENTS = segments()


def literals(kind: Type) -> st.SearchStrategy[typed.Expression]:
    """Return constants as they can be written: none is negative."""
    match kind.kind:
        case "boolean":
            values = st.booleans()
        case "integer":
            values = st.integers(0, 10**6)
        case "number":
            values = st.floats(0, 10**6, allow_nan=False, allow_subnormal=False).map(lambda x: round(x, 9)).map(abs)
        case "string":
            values = TEXTS
        case "timestamp":
            values = st.integers(NOW - 10**12, NOW + 10**11)
        case "duration":
            values = st.integers(0, 400 * DAY) | st.sampled_from([0, 1, 1_000, 60_000, DAY, 90 * DAY])
        case "date":
            values = DAYS.map(lambda day: day.isoformat())
        case other:
            raise AssertionError(other)
    return values.map(lambda value: typed.Literal(value=value, type=kind))


def _matching(definitions: dict[str, AttributeDefinition], kind: Type) -> list[str]:
    return [name for name, found in definitions.items() if found.type == kind]


def names(kind: Type, event: str) -> list[typed.Expression]:
    """Return everything in scope that has a type."""
    found: list[typed.Expression] = [typed.Attribute(name=n, type=kind) for n in _matching(CATALOG.attributes, kind)]
    found += [typed.Property(name=n, type=kind) for n in _matching(CATALOG.events[event].properties, kind)]
    found += [typed.EntryProperty(name=n, type=kind) for n in _matching(ENTRY.properties, kind)]
    if kind == TIMESTAMP:
        found += [
            typed.Property(name="at", type=TIMESTAMP),
            typed.EntryProperty(name="at", type=TIMESTAMP),
            typed.JourneyFact(name="entered_at"),
        ]
    if kind == STRING:
        found += [typed.JourneyFact(name="name"), typed.Attribute(name="id", type=STRING)]
    if kind == BOOLEAN:
        found += [typed.Consent(channel=channel) for channel in CATALOG.channels]
    return found


@st.composite
def values(draw: st.DrawFn, kind: Type, depth: int, event: str) -> typed.Expression:
    """Draw an expression of a type that is no condition."""
    here = st.sampled_from(names(kind, event) or [None])
    # Money has no constants: a number stands for it.
    leaf = here if kind == MONEY else literals(kind) | here if names(kind, event) else literals(kind)
    if depth <= 0 or draw(st.booleans()):
        return draw(leaf)
    form = draw(st.sampled_from(["arithmetic", "default", "history", "call", "minus"]))
    match form:
        case "arithmetic":
            pairs = [
                (op, left, right)
                for op in "+-*/"
                for left in SCALARS
                for right in SCALARS
                if arithmetic_type(op, left, right) == kind
            ]
            if pairs:
                op, left, right = draw(st.sampled_from(pairs))
                return typed.Arithmetic(
                    op=op,
                    left=draw(values(left, depth - 1, event)),
                    right=draw(values(right, depth - 1, event)),
                    type=kind,
                )
        case "minus" if kind in (INTEGER, NUMBER, MONEY, DURATION):
            inner = draw(values(kind, depth - 1, event))
            return typed.Arithmetic(op="-", left=typed.Literal(value=0, type=kind), right=inner, type=kind)
        case "default":
            left, right = draw(values(kind, depth - 1, event)), draw(values(kind, depth - 1, event))
            return typed.Coalesce(left=left, right=right)
        case "history":
            found = draw(histories(kind, depth - 1))
            if found is not None:
                return found
        case _:
            found = draw(calls(kind, depth - 1, event))
            if found is not None:
                return found
    return draw(leaf)


@st.composite
def calls(draw: st.DrawFn, kind: Type, depth: int, event: str) -> typed.Expression | None:
    """Draw a function call of a type, or nothing where no function gives it."""
    choices: list[tuple[str, Type]] = []
    if kind == INTEGER:
        choices = [("days_since", TIMESTAMP), ("days_until", DATE), ("hours_since", TIMESTAMP), ("length", STRING)]
        choices += [("round", NUMBER), ("abs", INTEGER), ("days_since", DATE), ("days_until", TIMESTAMP)]
    elif kind == STRING:
        choices = [("lower", STRING), ("upper", STRING)]
    elif kind in (NUMBER, MONEY, DURATION):
        choices = [("abs", kind)]
    if not choices:
        return None
    function, takes = draw(st.sampled_from(choices))
    return typed.Call(function=function, arguments=(draw(values(takes, depth, event)),), type=kind)


@st.composite
def windows(draw: st.DrawFn, depth: int, event: str) -> typed.Window:
    """Draw how far back to look."""
    match draw(st.sampled_from(["all", "last", "entry", "between"])):
        case "last":
            return typed.Window(last=draw(st.sampled_from([1_500, 60_000, DAY, 36 * 3_600_000, 90 * DAY])))
        case "entry":
            return typed.Window(since_entry=True)
        case "between":
            start, end = draw(values(TIMESTAMP, depth, event)), draw(values(TIMESTAMP, depth, event))
            return typed.Window(start=start, end=end)
        case _:
            return typed.Window()


@st.composite
def histories(draw: st.DrawFn, kind: Type, depth: int) -> typed.Expression | None:
    """Draw a question about the past of a type, or nothing where none gives it."""
    options: list[tuple[str, str, str | None]] = []
    for event in CATALOG.events.values():
        properties = {**event.properties, "at": AttributeDefinition(name="at", type=TIMESTAMP)}
        if kind == BOOLEAN:
            options.append(("did", event.name, None))
        if kind == INTEGER:
            options.append(("count", event.name, None))
        for name, found in properties.items():
            numeric = found.type in (INTEGER, NUMBER, MONEY, DURATION)
            if found.type == kind:
                options += [("first", event.name, name), ("last", event.name, name)]
                options += [("sum", event.name, name)] if numeric else []
                options += [("min", event.name, name), ("max", event.name, name)] if numeric or name == "at" else []
            if kind == NUMBER and numeric:
                options.append(("average", event.name, name))
    if not options:
        return None
    function, event_name, prop = draw(st.sampled_from(options))
    return typed.History(
        function=function,
        event=event_name,
        type=kind,
        property=prop,
        where=draw(st.none() | conditions(depth - 1, event_name)) if depth > 0 else None,
        window=draw(windows(depth - 1, IN_HAND.name)),
    )


@st.composite
def conditions(draw: st.DrawFn, depth: int = 3, event: str = IN_HAND.name) -> typed.Expression:
    """Draw a condition; `event` is the event in hand."""
    if depth <= 0:
        return draw(st.sampled_from(names(BOOLEAN, event)) | literals(BOOLEAN))
    inner = conditions(depth - 1, event)
    match draw(
        st.sampled_from(["and", "or", "not", "compare", "text", "in", "known", "enum", "segment", "did", "leaf"])
    ):
        case "and":
            return typed.And(items=tuple(draw(st.lists(inner, min_size=2, max_size=3))))
        case "or":
            return typed.Or(items=tuple(draw(st.lists(inner, min_size=2, max_size=3))))
        case "not":
            return typed.Not(of=draw(inner))
        case "compare":
            kind = draw(st.sampled_from(SCALARS))
            op = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
            left, right = draw(values(kind, depth - 1, event)), draw(values(kind, depth - 1, event))
            return typed.Compare(op=op, left=left, right=right)
        case "text":
            op = draw(st.sampled_from(["contains", "starts with", "ends with"]))
            left, right = draw(values(STRING, depth - 1, event)), draw(values(STRING, depth - 1, event))
            return typed.Compare(op=op, left=left, right=right)
        case "in":
            kind = draw(st.sampled_from(SCALARS))
            items = draw(st.lists(values(kind, depth - 1, event), max_size=3))
            return typed.In(left=draw(values(kind, depth - 1, event)), right=typed.Items(items=tuple(items)))
        case "known":
            kind = draw(st.sampled_from(SCALARS))
            return typed.Known(of=draw(values(kind, depth - 1, event)))
        case "enum":
            name = draw(st.sampled_from(["status", "level"]))
            kind = CATALOG.attributes[name].type
            value = draw(st.sampled_from(kind.values))
            return typed.Compare(
                op=draw(st.sampled_from(["==", "!="])),
                left=typed.Attribute(name=name, type=kind),
                right=typed.Literal(value=value, type=STRING),
            )
        case "segment":
            name = draw(st.sampled_from(sorted(SEGMENTS)))
            return typed.InSegment(name=name, condition=SEGMENTS[name])
        case "did":
            found = draw(histories(BOOLEAN, depth - 1))
            assert found is not None
            return found
        case _:
            return draw(st.sampled_from(names(BOOLEAN, event)))


# Data -------------------------------------------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


def fitting(kind: Type) -> st.SearchStrategy[object]:
    """Return values that a type allows at run time."""
    match kind.kind:
        case "integer":
            return st.integers(-1_000, 10**6)
        case "number" | "money":
            return st.integers(-1_000, 10**6) | st.floats(-1e6, 1e6, allow_nan=False)
        case "boolean":
            return st.booleans()
        case "timestamp":
            return st.integers(NOW - 400 * DAY, NOW + 30 * DAY)
        case "duration":
            return st.integers(0, 90 * DAY)
        case "date":
            return DAYS.map(lambda day: day.isoformat())
        case "enum":
            return st.sampled_from(kind.values)
        case "list":
            assert kind.items is not None
            return st.lists(fitting(kind.items), max_size=3)
        case "object":
            return st.just({})
        case _:
            return TEXTS


def records(definitions: dict[str, AttributeDefinition], *, wrong: bool) -> st.SearchStrategy[dict[str, object]]:
    """Return values for some of the names; `wrong`: of any type whatever."""
    options = {name: ANYTHING if wrong else fitting(found.type) for name, found in definitions.items()}
    if not wrong and "timezone" in options:
        options["timezone"] = st.sampled_from(["Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia", "Mars/Olympus", ""])
    return st.fixed_dictionaries({}, optional=options)


@st.composite
def events(draw: st.DrawFn, name: str, *, wrong: bool = False) -> Event:
    """Draw an event of the catalog."""
    at = draw(st.integers(NOW - 100 * DAY, NOW + DAY))
    return Event(name=name, at=at, properties=draw(records(CATALOG.events[name].properties, wrong=wrong)))


@st.composite
def worlds(draw: st.DrawFn, *, wrong: bool = False) -> tuple[Facts, Event, Enrollment, int]:
    """Draw what an evaluator is given: facts, the event in hand, an enrollment, now."""
    history = {}
    for name in CATALOG.events:
        past = draw(st.lists(events(name, wrong=wrong), max_size=3))
        history[name] = sorted(past, key=lambda event: event.at)
    facts = Facts(
        external_id=draw(TEXTS),
        attributes=draw(records(CATALOG.attributes, wrong=wrong)),
        consent=draw(st.dictionaries(st.sampled_from(CATALOG.channels), st.booleans())),
        history=history,
    )
    entry = draw(events(ENTRY.name, wrong=wrong))
    enrollment = Enrollment(
        id=1, customer=1, journey="trial", version="v", state="s", visit=1,
        entered_at=entry.at, since=entry.at, entry=entry,
    )  # fmt: skip
    return facts, draw(events(IN_HAND.name, wrong=wrong)), enrollment, NOW


def dumped(value: object) -> str:
    """Return any value as text, for comparing two of them with their types."""
    return json.dumps(value, sort_keys=True)
