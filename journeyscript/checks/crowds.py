"""The customers of a population file, as far as shares can be told: what they have, and how many of them have it.

Takes a node whose shape and names are right. What is drawn from many values is known to be there and no more.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import product
from math import prod

from msgspec import Struct

from journeyscript.diagnostics import Span
from journeyscript.semantics.catalog import Catalog
from journeyscript.semantics.types import Instant, Kind, Milliseconds, Type, Value
from journeyscript.source.nodes import Mapping as MappingNode
from journeyscript.source.nodes import Node, Pair, Scalar, Sequence
from journeyscript.syntax.duration import DurationProblem, parse_duration

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")

MOST_KINDS = 1_024
"""Of more kinds of customers than this nothing is said."""

DEFAULT_START: Instant = 1_767_571_200_000
"""2026-01-05T00:00Z, a Monday, when a population starts that does not say when."""


class Shares(Struct, frozen=True, kw_only=True):
    """The values of something, each with the share of customers who have it. `open`: it may be any other value, too."""

    values: tuple[tuple[Value, float], ...]
    open: bool = False


class Crowd(Struct, frozen=True, kw_only=True):
    """Customers who come with an event between `start` and `over` milliseconds later.

    `place` is where their number stands. `acts`: they do something later; `changes_mind`: they give or take consent.
    """

    number: int
    place: Span
    event: str
    start: Instant
    over: Milliseconds
    until: Instant
    properties: Mapping[str, Shares]
    attributes: Mapping[str, Shares]
    consent: Mapping[str, Shares]
    acts: bool
    changes_mind: bool


class Person(Struct, frozen=True, kw_only=True):
    """One kind of customer, and the share of all who are of it."""

    share: float
    attributes: dict[str, Value]
    properties: dict[str, Value]
    consent: dict[str, bool]


def read_crowd(node: MappingNode, catalog: Catalog) -> Crowd | None:
    """Return the customers of a population; `None` where they are read from a file, or a time is no duration."""
    customers, behaviour = node.get("customers"), node.get("behaviour")
    if not isinstance(customers, MappingNode):
        return None
    number, event, arrive = customers.get("number"), customers.get("event"), customers.get("arrive")
    if not (isinstance(number, Scalar) and isinstance(number.value, int) and isinstance(event, Scalar)):
        return None
    try:
        over = _milliseconds(arrive.get("over")) if isinstance(arrive, MappingNode) else 0
        lasts = _milliseconds(node.get("for"))
        start = _start(node.get("start"))
    except (DurationProblem, ValueError):
        return None
    definition = catalog.events.get(event.text)
    types = {} if definition is None else {name: one.type for name, one in definition.properties.items()}
    reactions = behaviour.items if isinstance(behaviour, Sequence) else ()
    return Crowd(
        number=number.value,
        place=number.span,
        event=event.text,
        start=start,
        over=over,
        until=start + lasts,
        properties=_shares(customers.get("properties"), types),
        attributes=_shares(customers.get("attributes"), {n: one.type for n, one in catalog.attributes.items()}),
        consent={pair.key.text: _agreed(pair.value) for pair in pairs_of(customers.get("consent"))},
        acts=bool(reactions),
        changes_mind=any(isinstance(one, MappingNode) and one.get("consent") is not None for one in reactions),
    )


def kinds(
    crowd: Crowd, attributes: frozenset[str], properties: frozenset[str], channels: frozenset[str]
) -> list[Person]:
    """Return every kind of customer by what matters of them; none where there are too many kinds."""
    looked_at = (
        {name: shares for name, shares in crowd.attributes.items() if name in attributes},
        {name: shares for name, shares in crowd.properties.items() if name in properties},
        {name: shares for name, shares in crowd.consent.items() if name in channels},
    )
    if prod(len(shares.values) for part in looked_at for shares in part.values()) > MOST_KINDS:
        return []
    return [
        Person(share=first * second * third, attributes=has, properties=came_with, consent=_plain(agreed))
        for (first, has), (second, came_with), (third, agreed) in product(*map(list, map(_combined, looked_at)))
    ]


def _combined(part: Mapping[str, Shares]) -> Iterator[tuple[float, dict[str, Value]]]:
    for drawn in product(*(shares.values for shares in part.values())):
        share = prod(one for _, one in drawn)
        if share > 0:
            yield share, dict(zip(part, (value for value, _ in drawn), strict=True))


def _plain(agreed: Mapping[str, Value]) -> dict[str, bool]:
    return {channel: value is True for channel, value in agreed.items()}


def _shares(node: Node | None, types: Mapping[str, Type]) -> dict[str, Shares]:
    # What is read although nobody declares it, such as the zone, is text.
    return {
        p.key.text: _drawn(p.value, types[p.key.text].kind if p.key.text in types else "string") for p in pairs_of(node)
    }


def _drawn(node: Node, kind: Kind) -> Shares:
    if not isinstance(node, MappingNode):
        return _of(((node, 1.0),), kind, 0.0)
    missing = share_of(node.get("missing"))
    choice, value = node.get("choice"), node.get("value")
    if isinstance(choice, MappingNode):
        weights = [(pair.key, _number(pair.value)) for pair in choice.pairs]
        total = sum(weight for _, weight in weights)
        return _of(tuple((key, weight / total) for key, weight in weights), kind, missing)
    return _of(((value, 1.0),), kind, missing)


def _of(drawn: tuple[tuple[Node | None, float], ...], kind: Kind, missing: float) -> Shares:
    values = [(_value(node, kind), share * (1 - missing)) for node, share in drawn]
    lacks = [(None, missing)] if missing else []
    if any(value is None for value, _ in values):
        return Shares(values=(("something", 1 - missing), *lacks), open=True)
    return Shares(values=(*values, *lacks))


def _value(node: Node | None, kind: Kind) -> Value:
    """Return a written value of a type that is compared as it is written, `None` for any other."""
    if not isinstance(node, Scalar):
        return None
    match kind:
        case "string" | "enum":
            return node.text
        case "boolean":
            return node.text == "true"
        case "integer" | "number" | "money" if _NUMBER.fullmatch(node.text):
            return float(node.text)
        case _:
            return None


def _agreed(node: Node) -> Shares:
    share = share_of(node)
    return Shares(values=((True, share), (False, 1 - share)))


def share_of(node: Node | None) -> float:
    """Return a written share such as `30%` as a number from 0 to 1, 0 where there is none."""
    return float(node.text.removesuffix("%")) / 100 if isinstance(node, Scalar) else 0.0


def _number(node: Node) -> float:
    assert isinstance(node, Scalar), "the schema lets nothing else come here"
    assert isinstance(node.value, int | float), "the schema lets nothing else come here"
    return float(node.value)


def _milliseconds(node: Node | None) -> Milliseconds:
    assert isinstance(node, Scalar), "the schema asks for it"
    return parse_duration(node.text).elapsed


def _start(node: Node | None) -> Instant:
    if not isinstance(node, Scalar):
        return DEFAULT_START
    return round(datetime.fromisoformat(node.text).timestamp() * 1000)


def pairs_of(node: Node | None) -> tuple[Pair, ...]:
    """Return the pairs of a mapping, none where there is no mapping."""
    return node.pairs if isinstance(node, MappingNode) else ()
