"""The catalog files to a `Catalog`: what customers have, what can happen, who is in which segment.

Takes nodes of the right shape; a file that is absent declares nothing. Each segment's condition is checked where it
is written, so a wrong one is reported once and not in every journey that asks for it.
"""

from collections.abc import Iterable

from journeyscript.diagnostics import Diagnostic
from journeyscript.rules import finding
from journeyscript.semantics.catalog import (
    EVENT_TIME,
    RESERVED_ATTRIBUTES,
    AttributeDefinition,
    Catalog,
    EventDefinition,
)
from journeyscript.semantics.checker import check_condition
from journeyscript.semantics.scope import Scope
from journeyscript.semantics.types import KINDS, Type
from journeyscript.source.nodes import Mapping, Node, Pair, Scalar, Sequence


def read_catalog(
    customer: Node | None, events: Node | None, segments: Node | None, channels: Iterable[str]
) -> tuple[Catalog, list[Diagnostic]]:
    """Return the catalog that the three files declare, and what is wrong with them."""
    findings: list[Diagnostic] = []
    conditions = {pair.key.text: _condition(pair.value) for pair in _pairs(segments, "segments")}
    catalog = Catalog(
        attributes=_attributes(_pairs(customer, "attributes"), RESERVED_ATTRIBUTES, findings),
        events={
            pair.key.text: EventDefinition(
                name=pair.key.text,
                properties=_attributes(_pairs(pair.value, "properties"), (EVENT_TIME,), findings),
                description=_text(pair.value, "description"),
            )
            for pair in _pairs(events, "events")
        },
        segments={name: scalar.text for name, scalar in conditions.items()},
        channels=tuple(channels),
    )
    for name, scalar in conditions.items():
        _, _, problems = check_condition(scalar.text, Scope(catalog=catalog, segments=(name,)), scalar.part)
        findings += problems
    return catalog, findings


def _attributes(
    pairs: tuple[Pair, ...], reserved: Iterable[str], findings: list[Diagnostic]
) -> dict[str, AttributeDefinition]:
    definitions = {}
    for pair in pairs:
        name = pair.key.text
        if name in reserved:
            findings.append(finding("JS109", f"`{name}` is there by itself", pair.key.span, help="leave it out"))
            continue
        definitions[name] = AttributeDefinition(
            name=name,
            type=_type(pair.value),
            optional=_flag(pair.value, "optional"),
            sensitive=_flag(pair.value, "sensitive"),
            description=_text(pair.value, "description"),
        )
    return definitions


def _type(node: Node) -> Type:
    kind = next(kind for kind in KINDS if kind == _text(node, "type"))
    values = node.get("values") if isinstance(node, Mapping) else None
    items = node.get("items") if isinstance(node, Mapping) else None
    return Type(
        kind=kind,
        values=tuple(item.text for item in values.items if isinstance(item, Scalar))
        if isinstance(values, Sequence)
        else (),
        items=_items(items),
    )


def _items(node: Node | None) -> Type | None:
    match node:
        case Scalar(text=text):
            return Type(kind=next(kind for kind in KINDS if kind == text))
        case Mapping():
            return _type(node)
        case _:
            return None


def _condition(node: Node) -> Scalar:
    when = node.get("when") if isinstance(node, Mapping) else None
    assert isinstance(when, Scalar), "the schema lets no segment without a condition come here"
    return when


def _pairs(node: Node | None, key: str) -> tuple[Pair, ...]:
    inner = node.get(key) if isinstance(node, Mapping) else None
    return inner.pairs if isinstance(inner, Mapping) else ()


def _text(node: Node, key: str) -> str:
    value = node.get(key) if isinstance(node, Mapping) else None
    return value.text if isinstance(value, Scalar) else ""


def _flag(node: Node, key: str) -> bool:
    value = node.get(key) if isinstance(node, Mapping) else None
    return isinstance(value, Scalar) and value.value is True
