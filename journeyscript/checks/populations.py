"""Checks of population files: the names in them that the project must have, and what their events cannot do without.

Takes the node of a file of the right shape, and the project's names. Whether values are of the right type is for
whoever simulates to say.
"""

from collections.abc import Collection, Iterator, Mapping

from journeyscript.diagnostics import Diagnostic
from journeyscript.machine.lowering import Surroundings
from journeyscript.machine.needs import ALWAYS_READ
from journeyscript.rules import finding
from journeyscript.semantics.catalog import suggestion
from journeyscript.source.nodes import Mapping as MappingNode
from journeyscript.source.nodes import Node, Pair, Scalar, Sequence


def check_population(
    node: MappingNode, surroundings: Surroundings, stages: Collection[str] | None
) -> Iterator[Diagnostic]:
    """Yield JS103, JS104, JS105, JS301, JS302, JS004 and JS005 for what a population names and is not there.

    `stages` are those that journeys serve; `None`: not all journeys are known.
    """
    checking = _Checking(surroundings, stages)
    customers, behaviour = node.get("customers"), node.get("behaviour")
    if isinstance(customers, MappingNode):
        yield from checking.customers(customers)
    for item in behaviour.items if isinstance(behaviour, Sequence) else ():
        if isinstance(item, MappingNode):
            yield from checking.reaction(item)


class _Checking:
    """The names of one project, against which a population is held."""

    def __init__(self, surroundings: Surroundings, stages: Collection[str] | None) -> None:
        self.catalog, self.messages, self.stages = surroundings.catalog, surroundings.messages, stages

    def customers(self, node: MappingNode) -> Iterator[Diagnostic]:
        yield from self.event(node)
        known = {**ALWAYS_READ, **self.catalog.attributes}
        for pair in _pairs(node.get("attributes")):
            if pair.key.text not in known:
                yield _unknown("JS301", f"customers have no attribute `{pair.key.text}`", pair.key, known)
        yield from self.channels(node.get("consent"))

    def reaction(self, node: MappingNode) -> Iterator[Diagnostic]:
        after = node.get("after")
        if isinstance(after, MappingNode):
            yield from self.cause(after)
        yield from self.event(node)
        yield from self.channels(node.get("consent"))

    def cause(self, after: MappingNode) -> Iterator[Diagnostic]:
        for pair in after.pairs:
            written = pair.value
            if not isinstance(written, Scalar):
                continue
            match pair.key.text:
                case "event":
                    yield from self.named(written)
                case "channel":
                    yield from self.channel(written)
                case "message" if written.text not in self.messages:
                    yield _unknown("JS105", f"there is no message `{written.text}`", written, self.messages)
                case "stage" if self.stages is not None and written.text not in self.stages:
                    yield _unknown("JS005", f"no journey serves the stage `{written.text}`", written, self.stages)
                case _:
                    pass

    def named(self, written: Scalar) -> Iterator[Diagnostic]:
        if written.text not in self.catalog.events:
            yield _unknown("JS103", f"there is no event `{written.text}`", written, self.catalog.events)

    def event(self, node: MappingNode) -> Iterator[Diagnostic]:
        """Yield what is wrong with the event of a mapping, and with its properties: all that it needs must be there."""
        written = node.get("event")
        if not isinstance(written, Scalar):
            return
        yield from self.named(written)
        event = self.catalog.events.get(written.text)
        if event is None:
            return
        given = {pair.key.text: pair for pair in _pairs(node.get("properties"))}
        for name, pair in given.items():
            if name not in event.properties:
                message = f"`{event.name}` has no property `{name}`"
                yield _unknown("JS302", message, pair.key, event.properties)
        place = node.key_span("event" if node.get("properties") is None else "properties")
        for needed in (name for name, definition in event.properties.items() if not definition.optional):
            if needed not in given:
                message = f"`{event.name}` needs the property `{needed}`"
                yield finding("JS004", message, place, help="add it to `properties`")
            elif _may_be_missing(given[needed].value):
                message = f"`{event.name}` needs the property `{needed}`, so it can never be missing"
                yield finding("JS005", message, place, help="delete `missing`")

    def channels(self, node: Node | None) -> Iterator[Diagnostic]:
        for pair in _pairs(node):
            yield from self.channel(pair.key)

    def channel(self, written: Scalar) -> Iterator[Diagnostic]:
        if written.text not in self.catalog.channels:
            yield _unknown("JS104", f"there is no channel `{written.text}`", written, self.catalog.channels)


def _unknown(code: str, message: str, written: Scalar, known: Collection[str] | Mapping[str, object]) -> Diagnostic:
    return finding(code, message, written.span, help=suggestion(written.text, known))


def _pairs(node: Node | None) -> tuple[Pair, ...]:
    return node.pairs if isinstance(node, MappingNode) else ()


def _may_be_missing(value: Node) -> bool:
    share = value.get("missing") if isinstance(value, MappingNode) else None
    return isinstance(share, Scalar) and float(share.text.removesuffix("%")) > 0
