"""Personal data replaced: by type, and the same value by the same one everywhere in a test.

Takes values with their definitions; gives values as a file says them. Replaced are the customer's own names, values of
sensitive attributes and properties, addresses that channels write to, and e-mail addresses and telephone numbers
wherever they stand in a text.
"""

import re
from collections.abc import Mapping

from journeyscript.compiler import Project
from journeyscript.runtime.trials.telling import anything, written
from journeyscript.semantics.catalog import AttributeDefinition
from journeyscript.semantics.types import Type, Value

_MAIL = re.compile(r"[\w.+'%-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<!\w)(?:\+|00)[1-9][\d ()/.-]{5,18}\d(?!\w)")
_CALLED = re.compile(r"phone|mobile|tel(?:$|_)|fax", re.IGNORECASE)

SHORTEST = 3
"""A replaced text that is shorter than this is replaced only where it is all there is."""

_PLAIN = ("enum", "boolean", "timestamp", "date", "duration", "integer", "number", "money")


class Masking:
    """One customer's data being replaced. `replaced` and `kept` name what was, and which texts were not."""

    def __init__(self, project: Project, own: tuple[str, ...], name: str) -> None:
        self.name = name
        self._addresses = {channel.address for channel in project.channels.values() if channel.address}
        self._instead: dict[str, str] = {one.casefold(): name for one in own}
        self._replaced: dict[str, None] = {"id": None}
        self._kept: dict[str, None] = {}

    @property
    def replaced(self) -> tuple[str, ...]:
        """The names of attributes and properties with another value than before."""
        return tuple(self._replaced)

    @property
    def kept(self) -> tuple[str, ...]:
        """The names of those whose text is as it was."""
        return tuple(name for name in self._kept if name not in self._replaced)

    def learn(self, values: Mapping[str, Value], definitions: Mapping[str, AttributeDefinition]) -> None:
        """Take note of personal texts, so that they are replaced inside of others that come before them as well."""
        for name, value in values.items():
            definition = definitions.get(name)
            if definition is None or not isinstance(value, str) or definition.type.kind != "string":
                continue
            if self._is_personal(definition):
                self._whole(name, value)

    def value(self, place: str, value: Value, definition: AttributeDefinition) -> Value:
        """Return the value of an attribute or a property, `place` by name."""
        if isinstance(value, str) and definition.type.kind == "string":
            if self._is_personal(definition):
                self._replaced[place] = None
                return self._whole(definition.name, value)
        elif definition.sensitive:
            self._replaced[place] = None
            return anything(definition.type)
        return self.typed(place, value, definition.type)

    def typed(self, place: str, value: Value, kind: Type) -> Value:
        """Return a value that nobody marked as sensitive; what is personal inside of texts is replaced."""
        if kind.kind in _PLAIN:
            return written(value, kind)
        found = self._inside(value)
        if found != value:
            self._replaced[place] = None
        elif isinstance(value, str | list | dict):
            self._kept[place] = None
        return found

    def _inside(self, value: Value) -> Value:
        match value:
            case str():
                return self._text(value)
            case list():
                return [self._inside(item) for item in value]
            case dict():
                return {name: self._inside(item) for name, item in value.items()}
            case _:
                return value

    def _is_personal(self, definition: AttributeDefinition) -> bool:
        called = _CALLED.search(definition.name) is not None
        return definition.sensitive or called or definition.name in self._addresses

    def _whole(self, name: str, text: str) -> str:
        if _MAIL.fullmatch(text.strip()):
            return self._mail(text)
        if _CALLED.search(name) or _PHONE.fullmatch(text.strip()):
            return self._phone(text)
        return self._put(text, f"{name} {{}}")

    def _text(self, text: str) -> str:
        known = self._instead.get(text.strip().casefold())
        if known is not None:
            return known
        text = _MAIL.sub(lambda found: self._mail(found[0]), text)
        text = _PHONE.sub(lambda found: self._phone(found[0]), text)
        for original, instead in self._instead.items():
            if len(original) >= SHORTEST and instead not in text:
                whole = re.compile(rf"(?<!\w){re.escape(original)}(?!\w)", re.IGNORECASE)
                text = whole.sub(instead.replace("\\", r"\\"), text)
        return text

    def _mail(self, text: str) -> str:
        return self._put(text, "customer-{}@example.com")

    def _phone(self, text: str) -> str:
        return self._put(re.sub(r"^00", "+", re.sub(r"[ ()/.-]", "", text.strip())), "+1202555{:04}")

    def _put(self, text: str, form: str) -> str:
        """Return what stands for a text: the same for the same one, whatever its case."""
        key = text.strip().casefold()
        if key not in self._instead:
            used = set(self._instead.values())
            number = 1 if "{:04}" not in form else 100
            while form.format(number) in used:
                number += 1
            self._instead[key] = form.format(number)
        return self._instead[key]
