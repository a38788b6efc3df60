"""From a journey as written to its machine, or to findings.

Takes a journey of the right shape and the names of the project; resolves every name, types every condition and
turns steps into states. The order of states is that of the file. Knows nothing of the engine or a store.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from journeyscript.diagnostics import Diagnostic
from journeyscript.machine.canonical import digest_of
from journeyscript.machine.entries import lower_entry
from journeyscript.machine.model import (
    MACHINE_FORMAT,
    About,
    Content,
    ExitRule,
    Final,
    Goal,
    Machine,
    Migration,
    Send,
    State,
)
from journeyscript.machine.naming import END, name_steps
from journeyscript.machine.needs import find_needs
from journeyscript.machine.reading import Reader
from journeyscript.machine.steps import StepLowering
from journeyscript.semantics.catalog import Catalog, EventDefinition, suggestion
from journeyscript.semantics.scope import Scope
from journeyscript.semantics.templates import TemplateReads, check_reads
from journeyscript.source.nodes import Scalar
from journeyscript.syntax.config import ChannelConfig
from journeyscript.syntax.duration import DAY
from journeyscript.syntax.journey import Journey
from journeyscript.syntax.message import MessageFile

DEFAULT_LIFETIME = 365 * DAY

LEAVES = "exit"
"""What stands in `migrate` instead of a step where those who are inside leave the journey."""

Messages = Mapping[str, Mapping[str, Mapping[str, MessageFile]]]
"""Message name -> channel -> locale (empty: everyone else) -> file."""


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a journey is compiled against: the project's names.

    `reads` holds what each message file reads, by its path, and what each channel's own templates read, by its name.
    """

    catalog: Catalog
    channels: Mapping[str, ChannelConfig]
    messages: Messages
    reads: Mapping[str, TemplateReads]
    timezone: str


class Compiled(Struct, frozen=True, kw_only=True):
    """A machine, what people want to know of it, and the message contents it is pinned to, by digest."""

    machine: Machine
    about: About
    contents: dict[str, str]

    def machine_state(self, name: str) -> State:
        """Return the state of a name."""
        return next(state for state in self.machine.states if state.id == name)


def lower(journey: Journey, surroundings: Surroundings) -> tuple[Compiled | None, list[Diagnostic]]:
    """Return the compiled journey and its findings; no machine where a finding leaves a hole in it."""
    findings: list[Diagnostic] = []
    reader = Reader(journey=journey.name.text, findings=findings)
    if journey.segment is not None:
        reader.segment(journey.segment, surroundings.catalog)
    start = lower_entry(journey, reader, surroundings.catalog)
    known = start.known
    inside = Scope(catalog=surroundings.catalog, event=start.event, entry=start.event, in_journey=True).knowing(
        known | frozenset("entry." + path for path in known if path.startswith("event."))
    )
    goal = _goal(journey, reader, inside)
    exits = _exits(journey, reader, inside)
    lifetime = reader.milliseconds(journey.lifetime) if journey.lifetime is not None else DEFAULT_LIFETIME
    ids, naming = name_steps(journey.steps, reader.journey)
    findings += naming
    steps = StepLowering(
        reader=reader,
        ids=ids,
        messages=surroundings.messages,
        channels=surroundings.channels,
        reads=surroundings.reads,
    )
    initial, _ = steps.block(journey.steps, END, inside)
    states = (*steps.in_file_order(), State(id=END, step="end", final=Final(status="completed")))
    findings += _template_findings(states, surroundings, start.event, reader.journey)
    migration = _migration(journey, reader, [state.id for state in states])
    if any(f.severity == "error" for f in findings):
        return None, findings
    contents, documents = _contents(states, surroundings.messages)
    machine = Machine(
        format=MACHINE_FORMAT,
        journey=reader.journey,
        timezone=surroundings.timezone,
        entry=start.entry,
        goal=goal,
        exits=exits,
        initial=initial,
        states=states,
        lifetime=lifetime,
        contents=contents,
        needs=find_needs(start.entry, goal, exits, states, lifetime),
    )
    return Compiled(machine=machine, about=_about(journey, steps, migration), contents=documents), findings


def _goal(journey: Journey, reader: Reader, scope: Scope) -> Goal | None:
    written = journey.goal
    if written is None:
        return None
    event = reader.event(written.event, scope.catalog)
    return Goal(
        event=written.event.text,
        where=reader.condition(written.where, scope.after_wait().at_event(event)),
        within=None if written.within is None else reader.milliseconds(written.within),
        exit=written.exit,
    )


def _exits(journey: Journey, reader: Reader, scope: Scope) -> tuple[ExitRule, ...]:
    later = scope.after_wait().at_event(None)
    rules: list[ExitRule] = []
    for number, written in enumerate(journey.exits, 1):
        if written.event is not None:
            event = reader.event(written.event, scope.catalog)
            condition = reader.condition(written.where, later.at_event(event))
            rules.append(ExitRule(id=written.event.text, event=written.event.text, when=condition))
        else:
            rules.append(ExitRule(id=f"condition {number}", when=reader.condition(written.when, later)))
    return tuple(rules)


def _migration(journey: Journey, reader: Reader, steps: Sequence[str]) -> Migration | None:
    """Return where those inside go; a target has to be a step of this journey, a source is one of another version."""
    written = journey.migrate
    if written is None:
        return None
    reader.step = None
    moves: dict[str, str | None] = {}
    for source, target in written.moves:
        if target.text != LEAVES and target.text not in steps:
            reader.note("JS101", f"there is no step `{target.text}` to go to", target, suggestion(target.text, steps))
        moves[source.text] = None if target.text == LEAVES else target.text
    recomputed = written.timer is not None and written.timer.text == "recompute"
    return Migration(moves=moves, timer="recompute" if recomputed else "keep", span=written.span)


def _template_findings(
    states: Iterable[State], surroundings: Surroundings, entry: EventDefinition, journey: str
) -> list[Diagnostic]:
    findings: list[Diagnostic] = []
    for state in states:
        if not isinstance(state.action, Send):
            continue
        variables = [name for name, _ in state.action.variables]
        for channel in state.action.via:
            files = surroundings.messages[state.action.message][channel].values()
            # The channel's own templates are rendered over the same data, without the step's variables.
            for source, given in ((channel, ()), *((file.path, variables) for file in files)):
                if source in surroundings.reads:
                    reads = surroundings.reads[source].reads
                    findings += check_reads(reads, surroundings.catalog, entry, given, journey)
    return findings


def _contents(states: Iterable[State], messages: Messages) -> tuple[tuple[Content, ...], dict[str, str]]:
    contents: set[Content] = set()
    documents: dict[str, str] = {}
    for state in states:
        if not isinstance(state.action, Send):
            continue
        message = state.action.message
        for channel in state.action.via:
            for locale, file in messages[message][channel].items():
                document = file.content.to_json()
                digest = digest_of(document)
                documents[digest] = document
                contents.add(Content(message=message, channel=channel, locale=locale, digest=digest))
    return tuple(sorted(contents)), documents


def _about(journey: Journey, steps: StepLowering, migration: Migration | None) -> About:
    entry = journey.entry
    written: dict[str, Scalar | None] = {"entry": entry.where or entry.kind}
    written |= {"audience": entry.audience, "segment": entry.segment}
    if journey.goal is not None:
        written["goal"] = journey.goal.where or journey.goal.event
    written |= {f"exit/{number}": rule.where or rule.when or rule.event for number, rule in enumerate(journey.exits, 1)}
    places = {name: scalar.span for name, scalar in written.items() if scalar is not None}
    return About(
        title=journey.title,
        owner=journey.owner,
        stage=journey.stage,
        segment="" if journey.segment is None else journey.segment.text,
        path=journey.path,
        spans=steps.spans,
        conditions={**places, **steps.conditions},
        migrate=migration,
        place=journey.name.span,
    )
