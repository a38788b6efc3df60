"""The names a project declares: attributes, events, segments, channels, messages.

Plain data, already checked for shape; lookups only. Where a name is wrong, `suggestion` offers the one that was
probably meant. Knows nothing of files.
"""

from collections.abc import Iterable

from msgspec import Struct

from journeyscript.semantics.types import STRING, TIMESTAMP, Type
from journeyscript.syntax.wording import meant

RESERVED_ATTRIBUTES = {"id": STRING}
"""Attributes every customer has without declaring them: `id`, the name the customer goes by outside."""

EVENT_TIME = "at"
"""The property every event has: when it happened."""


class AttributeDefinition(Struct, frozen=True, kw_only=True):
    """One attribute of a customer, or one property of an event."""

    name: str
    type: Type
    optional: bool = False
    sensitive: bool = False
    description: str = ""


class EventDefinition(Struct, frozen=True, kw_only=True):
    """One event and its properties."""

    name: str
    properties: dict[str, AttributeDefinition]
    description: str = ""

    def property(self, name: str) -> AttributeDefinition | None:
        """Return the definition of a property, the event's own time included, or `None`."""
        if name == EVENT_TIME:
            return AttributeDefinition(name=EVENT_TIME, type=TIMESTAMP)
        return self.properties.get(name)


class Catalog(Struct, frozen=True, kw_only=True):
    """What expressions may name. `segments` maps a name to the text of its condition."""

    attributes: dict[str, AttributeDefinition]
    events: dict[str, EventDefinition]
    segments: dict[str, str]
    channels: tuple[str, ...] = ()

    def attribute(self, name: str) -> AttributeDefinition | None:
        """Return the definition of a customer attribute, the reserved ones included, or `None`."""
        if name in RESERVED_ATTRIBUTES:
            return AttributeDefinition(name=name, type=RESERVED_ATTRIBUTES[name])
        return self.attributes.get(name)


def suggestion(name: str, known: Iterable[str], prefix: str = "") -> str | None:
    """Return what to write instead: the closest name, else all of them where there are at most twelve."""
    names = sorted(known)
    near = meant(name, names)
    if near is not None:
        return f"did you mean `{prefix}{near}`?"
    if 0 < len(names) <= 12:
        return "there is " + ", ".join(f"`{prefix}{n}`" for n in names)
    return None
