"""What of a customer's data no decision may keep: what the catalog calls sensitive, or does not declare any more.

Takes a machine and the catalog as it is now; says of an attribute, of a property and of what a condition reads whether
its value stays out of the trace. Knows no value and no customer.
"""

from collections.abc import Mapping

from msgspec import Struct

from journeyscript.machine.model import BEST_TIME, ENTERED, ByApi, Machine
from journeyscript.machine.needs import ALWAYS_READ
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import EVENT_TIME, AttributeDefinition, Catalog, EventDefinition

HIDDEN = "(sensitive)"
"""What a decision keeps instead of a value: that it was there, and looked at."""

_UNDECLARED = {*ALWAYS_READ, BEST_TIME}
"""Attributes that mean something to the engine, where a project declares them and where it does not."""


class Sensitive(Struct, frozen=True, kw_only=True):
    """What is sensitive to one machine; `events` are those that it may have in hand. Without a catalog nothing is."""

    catalog: Catalog | None = None
    events: Mapping[str, EventDefinition] = {}

    def attribute(self, name: str) -> bool:
        """Return whether the value of a customer's attribute is kept out."""
        if self.catalog is None:
            return False
        found = self.catalog.attribute(name)
        return name not in _UNDECLARED if found is None else found.sensitive

    def property(self, event: str, name: str) -> bool:
        """Return whether the value of an event's property is kept out."""
        if self.catalog is None:
            return False
        definition = self.events.get(event) or self.catalog.events.get(event)
        found = None if definition is None else definition.property(name)
        return found is None or found.sensitive

    def read(self, leaf: typed.Expression) -> bool:
        """Return whether what a condition reads of the world is kept out.

        Which event is in hand is not known here: it is kept out where it would be of any.
        """
        match leaf:
            case typed.Attribute(name=name):
                return self.attribute(name)
            case typed.Property(name=name) | typed.EntryProperty(name=name):
                return self.catalog is not None and name != EVENT_TIME and self._in_hand(name)
            case typed.History(event=event, property=str(name)):
                return self.property(event, name)
            case _:
                return False

    def _in_hand(self, name: str) -> bool:
        found = [one for event in self.events.values() if (one := event.property(name)) is not None]
        return not found or any(one.sensitive for one in found)


def sensitive_to(machine: Machine, catalog: Catalog | None) -> Sensitive:
    """Return what is sensitive to a machine; a request to enter has the properties that its journey asks for."""
    if catalog is None:
        return Sensitive()
    names = {machine.entry.event, *machine.needs.events}
    events = {name: catalog.events[name] for name in sorted(names) if name in catalog.events}
    if isinstance(machine.entry.trigger, ByApi):
        asked = machine.entry.trigger.properties
        given = {name: AttributeDefinition(name=name, type=kind) for name, kind in asked.items()}
        events[ENTERED] = EventDefinition(name=ENTERED, properties=given)
    return Sensitive(catalog=catalog, events=events)
