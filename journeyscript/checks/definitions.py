"""What a project defines, what its names look like, and which of it nothing uses.

Takes the nodes of the catalog for the places, and the compiled journeys for the uses.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from journeyscript.checks.habits import style
from journeyscript.diagnostics import Diagnostic, Span
from journeyscript.machine.lowering import Compiled, Surroundings
from journeyscript.machine.model import BEST_TIME, Assign, BySegment, Emit, Machine, On, Send
from journeyscript.machine.needs import ALWAYS_READ, expressions_of_entry, expressions_of_state, nodes
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.checker import check_condition
from journeyscript.semantics.scope import Scope
from journeyscript.source.nodes import Mapping as MappingNode

Definition: TypeAlias = tuple[str, str]
"""A kind (`event`, `attribute`, `segment`, `message`, `channel`) and a name."""


def check_definition_names(definitions: Mapping[Definition, Span]) -> Iterator[Diagnostic]:
    """Yield JS108 for what the catalog and the channels define in another style."""
    for (kind, name), span in definitions.items():
        yield from style(kind, name, span, None)


def definitions_of(
    customer: MappingNode | None,
    events: MappingNode | None,
    segments: MappingNode | None,
    channels: Mapping[str, MappingNode],
    surroundings: Surroundings,
) -> dict[Definition, Span]:
    """Return everything that a project defines, and where."""
    found: dict[Definition, Span] = {}
    for kind, key, node in (
        ("attribute", "attributes", customer), ("event", "events", events), ("segment", "segments", segments),
    ):  # fmt: skip
        inner = None if node is None else node.get(key)
        if isinstance(inner, MappingNode):
            found |= {(kind, pair.key.text): pair.key.span for pair in inner.pairs}
    found |= {("channel", name): node.key_span("adapter") for name, node in channels.items()}
    for name, by_channel in surroundings.messages.items():
        found["message", name] = next(file.span for by_locale in by_channel.values() for file in by_locale.values())
    return found


def unused_definition(
    definitions: Mapping[Definition, Span], users: Iterable[Iterable[Definition]], surroundings: Surroundings
) -> Iterator[Diagnostic]:
    """JS110: no journey, no segment, no channel and no setting has any use for a definition.

    `users` are the journeys and settings, each by what it uses.
    """
    used: set[Definition] = {("attribute", name) for name in (*ALWAYS_READ, BEST_TIME)}
    for channel in surroundings.channels.values():
        used |= {("attribute", channel.address)} if channel.address is not None else set()
    for name, text in surroundings.catalog.segments.items():
        inside = Scope(catalog=surroundings.catalog, segments=(name,))
        checked, _, _ = check_condition(text, inside, lambda _start, _length: Span(path=""))
        used |= set() if checked is None else set(definitions_in(checked.node))
    used.update(*users)
    for (kind, name), span in definitions.items():
        if (kind, name) not in used:
            yield finding("JS110", f"nothing uses the {kind} `{name}`", span, help="take it out, or use it")


def used_by(compiled: Compiled) -> tuple[Definition, ...]:
    """Return what a journey uses, each once."""
    return tuple(dict.fromkeys((("segment", compiled.about.segment), *_of_machine(compiled.machine))))


def _of_machine(machine: Machine) -> Iterator[Definition]:
    goal = machine.goal
    trigger = machine.entry.trigger
    yield ("event", machine.entry.event) if not isinstance(trigger, BySegment) else ("segment", trigger.name)
    roots = [
        machine.entry.where,
        machine.entry.key,
        *expressions_of_entry(trigger),
        *(rule.when for rule in machine.exits),
    ]
    yield from (("event", rule.event) for rule in machine.exits if rule.event is not None)
    if goal is not None:
        yield "event", goal.event
        roots.append(goal.where)
    for state in machine.states:
        roots += expressions_of_state(state)
        yield from (("event", t.trigger.event) for t in state.transitions if isinstance(t.trigger, On))
        match state.action:
            case Send(message=message, via=via, reads=reads):
                yield "message", message
                yield from (("channel", name) for name in via)
                paths = (path.split(".") for path in reads)
                yield from (("attribute", path[1]) for path in paths if path[0] == "customer")
            case Assign(values=values):
                yield from (("attribute", name) for name, _ in values)
            case Emit(event=event):
                yield "event", event
            case _:
                pass
    for root in roots:
        if root is not None:
            yield from definitions_in(root)


def definitions_in(root: typed.Expression) -> Iterator[Definition]:
    """Yield what an expression uses."""
    for node in nodes(root):
        match node:
            case typed.Attribute(name=name):
                yield "attribute", name
            case typed.History(event=event):
                yield "event", event
            case typed.InSegment(name=name):
                yield "segment", name
            case typed.Consent(channel=channel):
                yield "channel", channel
            case _:
                pass
