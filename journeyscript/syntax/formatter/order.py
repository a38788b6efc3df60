"""In which order the keys of a mapping stand: the one in which the schema of its file lists them.

Takes the parts of a schema that apply to a mapping and gives its pairs, sorted. Where the names are the writer's own,
such as attributes or the variables of a message, the order is the writer's as well.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from journeyscript.source.nodes import Mapping, Pair
from journeyscript.syntax.structure import step_keywords
from journeyscript.syntax.validating import FileKind, Schema, schema

Parts: TypeAlias = tuple[Schema, ...]

_TIMES = ("after", "at")
"""In a timeline, when something happens is read before what it is."""


class KeyOrder:
    """The order of keys in files of one kind."""

    def __init__(self, kind: FileKind) -> None:
        self._schema = schema(kind)
        self.root: Parts = tuple(self._expand(self._schema))

    def value(self, parts: Parts, key: str) -> Parts:
        """Return what the schema says of the value of a key."""
        found: list[Schema] = []
        for part in parts:
            child = part.get("properties", {}).get(key, part.get("additionalProperties"))
            if isinstance(child, dict):
                found.extend(self._expand(child))
        return tuple(found)

    def item(self, parts: Parts) -> Parts:
        """Return what the schema says of each item of a list."""
        items = (part["items"] for part in parts if isinstance(part.get("items"), dict))
        return tuple(part for child in items for part in self._expand(child))

    def pairs(self, parts: Parts, mapping: Mapping) -> Sequence[Pair]:
        """Return a mapping's pairs in their order; keys that the schema does not know stay at the end, as they were."""
        forms = [list(part["properties"]) for part in parts if part.get("additionalProperties") is False]
        if not forms:
            return mapping.pairs
        keys = {pair.key.text for pair in mapping.pairs}
        order = max(forms, key=lambda names: len(keys.intersection(names)))
        titles = {part.get("title") for part in parts}
        if "step" in titles:
            # What a step does comes first, then its name.
            order = [*[name for name in order if name in step_keywords() and name in keys][:1], "id", *order]
        elif {"after", "event"} <= set(order):
            order = [*_TIMES, *order]
        rank = {name: number for number, name in reversed(list(enumerate(order)))}
        return sorted(mapping.pairs, key=lambda pair: rank.get(pair.key.text, len(order)))

    def _expand(self, part: Schema) -> Iterator[Schema]:
        """Yield a schema and everything that can apply beside it, without going down to its values."""
        yield part
        if "$ref" in part:
            yield from self._expand(self._schema["$defs"][part["$ref"].removeprefix("#/$defs/")])
        for child in (*part.get("allOf", ()), part.get("then"), part.get("else")):
            if isinstance(child, dict):
                yield from self._expand(child)
