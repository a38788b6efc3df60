"""Channels that cannot carry what a population asks of them at once: the one place where a project says how many come.

Takes a population file and compiled journeys. The engine is asked what each kind of customer is sent on coming in, so
that the answer is the one of production; where it hangs on what nobody can tell beforehand, nothing is said.
"""

from collections.abc import Iterator, Mapping
from math import sqrt
from typing import TypeAlias

from msgspec import Struct

from journeyscript.checks.crowds import Crowd, Person, kinds, read_crowd
from journeyscript.checks.places import place
from journeyscript.checks.worst_case.times import Sending
from journeyscript.diagnostics import Diagnostic, Label
from journeyscript.engine.audience import Audience
from journeyscript.engine.entry import Refused, asked, enroll
from journeyscript.engine.program import Program, link
from journeyscript.engine.schedule import next_firing
from journeyscript.engine.values import ChannelPolicy, Event, Facts, SendMessage
from journeyscript.machine.lowering import Compiled, Surroundings
from journeyscript.machine.model import ENTERED, Arm, Assign, BySchedule, Due, If, Machine, On, Send, State, When
from journeyscript.machine.needs import nodes
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.types import Instant, Milliseconds
from journeyscript.source.nodes import Mapping as MappingNode
from journeyscript.syntax.config import RateConfig
from journeyscript.syntax.duration import HOUR, show_duration

CLOCKS = 26 * HOUR
"""No two clocks on earth show the same time further apart."""

DEVIATIONS = 3.0
"""So many standard deviations fewer messages than expected are still to be too many."""

DRAWS = 50
"""Where a split stands in front of a message, so many customers of each kind are looked at."""


_Way: TypeAlias = tuple[str, str]
"""A channel, and the step that sends by it."""


class Arrival(Struct, frozen=True, kw_only=True):
    """When a crowd comes into a journey: all of them from an instant on, within so many milliseconds."""

    at: Instant
    within: Milliseconds


class Load(Struct, frozen=True, kw_only=True):
    """What a crowd asks of a channel on coming into a journey. `share`: of how many customers; `step`: of most."""

    share: float
    step: str
    max_age: Milliseconds


def rate_exceeds_channel(
    node: MappingNode,
    journeys: Mapping[str, Compiled],
    surroundings: Surroundings,
    sending: Sending,
    written: Mapping[str, MappingNode],
) -> Iterator[Diagnostic]:
    """JS513: of the messages that a population is due on coming in, some are too old when it is their turn.

    `written` are the files of the channels.
    """
    rated = {name: channel.rate for name, channel in sending.channels.items() if channel.rate is not None}
    crowd = read_crowd(node, surroundings.catalog) if rated else None
    if crowd is None:
        return
    assigned = frozenset(name for one in journeys.values() for name in _assigned(one.machine))
    for compiled in journeys.values():
        arrival = _arrival(compiled.machine, crowd)
        if arrival is None or not any(set(send.via) & rated.keys() for _, send in _sends_at_once(compiled.machine)):
            continue
        for channel, load in _loads(compiled, crowd, arrival, sending, assigned).items():
            if channel in rated:
                yield from _told(compiled, crowd, arrival, channel, load, rated[channel], written)


def _arrival(machine: Machine, crowd: Crowd) -> Arrival | None:
    """Return when all of a crowd come into a journey; `None` where they do not, or not all of them for sure."""
    entry = machine.entry
    if entry.max_active is not None or entry.group or entry.key is not None:
        return None
    match entry.trigger:
        case None if entry.event == crowd.event and (machine.goal is None or machine.goal.event != crowd.event):
            return Arrival(at=crowd.start, within=crowd.over)
        case BySchedule(zone=zone) as schedule:
            first = next_firing(schedule, machine.timezone, crowd.start)
            within = 0 if zone == "project" else CLOCKS
            # Who came before an earlier firing is inside already, or was.
            if first is not None and crowd.start + crowd.over <= first.at < crowd.until - within:
                return Arrival(at=first.at, within=within)
        case _:
            pass
    return None


def _at_once(machine: Machine) -> list[State]:
    """Return the states that can be reached on coming in, before any time passes."""
    states = {state.id: state for state in machine.states}
    found, queue = {machine.initial}, [machine.initial]
    while queue:
        for transition in states[queue.pop()].transitions:
            if not isinstance(transition.trigger, On | When | Due) and transition.target not in found:
                found.add(transition.target)
                queue.append(transition.target)
    return [state for state in machine.states if state.id in found]


def _sends_at_once(machine: Machine) -> list[tuple[str, Send]]:
    return [(state.id, state.action) for state in _at_once(machine) if isinstance(state.action, Send)]


def _asked_at_once(machine: Machine) -> list[typed.Expression]:
    """Return all that decides what customers are sent on coming in."""
    trigger = machine.entry.trigger
    first = [machine.entry.where, trigger.audience if isinstance(trigger, BySchedule) else None]
    found = [root for root in (*first, *(rule.when for rule in machine.exits)) if root is not None]
    for state in _at_once(machine):
        found += [t.trigger.condition for t in state.transitions if isinstance(t.trigger, If)]
        found += [value for _, value in state.action.values] if isinstance(state.action, Assign) else []
    return found


def _assigned(machine: Machine) -> Iterator[str]:
    for state in machine.states:
        if isinstance(state.action, Assign):
            yield from (name for name, _ in state.action.values)


def _loads(
    compiled: Compiled, crowd: Crowd, arrival: Arrival, sending: Sending, assigned: frozenset[str]
) -> dict[str, Load]:
    """Return what a crowd asks of each channel; nothing where too little is known of it."""
    machine = compiled.machine
    roots, sends = _asked_at_once(machine), dict(_sends_at_once(machine))
    read = [node for root in roots for node in nodes(root)]
    names = frozenset(node.name for node in read if isinstance(node, typed.Attribute))
    properties = frozenset(node.name for node in read if isinstance(node, typed.Property | typed.EntryProperty))
    used = frozenset(channel for send in sends.values() for channel in send.via)
    addresses = frozenset(one.address for name, one in sending.channels.items() if name in used and one.address)
    consents = used | {node.channel for node in read if isinstance(node, typed.Consent)}
    later = machine.entry.trigger is not None
    compared = {"customer.preferred_channel", *(name for root in roots for name in _compared(root))}
    unsure = later and (crowd.changes_mind or (crowd.acts and any(isinstance(node, typed.History) for node in read)))
    looked_at = names | addresses | {"preferred_channel"}
    if unsure or looked_at & assigned or any(_is_open(name, crowd) for name in compared):
        return {}
    program, trigger = link(machine, ""), machine.entry.trigger
    audience = Audience(trigger.audience, machine.timezone, arrival.at) if isinstance(trigger, BySchedule) else None
    found: dict[_Way, float] = {}
    for person in kinds(crowd, looked_at, properties, consents):
        for way, share in _asks(program, audience, crowd, person, arrival, sending).items():
            found[way] = found.get(way, 0.0) + share
    return _by_channel(found, sends, sending, 1 - machine.entry.holdout / 1_000_000)


def _by_channel(
    found: Mapping[_Way, float], sends: Mapping[str, Send], sending: Sending, let_in: float
) -> dict[str, Load]:
    loads = {}
    for channel in dict.fromkeys(channel for channel, _ in found):
        steps = {step: share for (by, step), share in found.items() if by == channel}
        loads[channel] = Load(
            share=min(sum(steps.values()), 1.0) * let_in,
            step=max(steps, key=lambda step: steps[step]),
            max_age=max(sending.max_age(sends[step]) for step in steps),
        )
    return loads


def _compared(root: typed.Expression) -> Iterator[str]:
    """Yield the names of what an expression asks more of than whether it is there."""
    asked_for = [id(node.of) for node in nodes(root) if isinstance(node, typed.Known)]
    for node in nodes(root):
        if isinstance(node, typed.Attribute | typed.Property | typed.EntryProperty) and id(node) not in asked_for:
            yield f"{'customer' if isinstance(node, typed.Attribute) else 'event'}.{node.name}"


def _is_open(name: str, crowd: Crowd) -> bool:
    owner, _, own = name.partition(".")
    shares = (crowd.attributes if owner == "customer" else crowd.properties).get(own)
    return shares is not None and shares.open


def _asks(
    program: Program, audience: Audience | None, crowd: Crowd, person: Person, arrival: Arrival, sending: Sending
) -> dict[_Way, float]:
    """Return what customers of one kind are sent on coming in, each way with the share of all customers."""
    machine, trigger = program.machine, program.machine.entry.trigger
    came = Event(name=crowd.event, at=crowd.start, properties=person.properties)
    start = came if trigger is None else Event(name=ENTERED, at=arrival.at)
    channels = {name: ChannelPolicy(address=one.address, consent=one.consent) for name, one in sending.channels.items()}
    draws = DRAWS if any(isinstance(t.trigger, Arm) for state in _at_once(machine) for t in state.transitions) else 1
    found: dict[_Way, float] = {}
    for number in range(draws):
        facts = Facts(
            external_id=str(number),
            attributes=person.attributes,
            consent=person.consent,
            history={crowd.event: (came,)},
            channels=channels,
        )
        if audience is not None and not audience.has(facts.external_id, facts.attributes, facts.consent, facts.history):
            continue
        if isinstance(asked(program, start, facts, arrival.at), Refused):
            continue
        outcome = enroll(program, number=1, customer=1, key="", event=start, facts=facts, now=arrival.at)
        sent = {effect.channel: effect.step for effect in outcome.effects if isinstance(effect, SendMessage)}
        for way in sent.items():
            found[way] = found.get(way, 0.0) + person.share / draws
    return found


def _told(
    compiled: Compiled,
    crowd: Crowd,
    arrival: Arrival,
    channel: str,
    load: Load,
    rate: RateConfig,
    written: Mapping[str, MappingNode],
) -> Iterator[Diagnostic]:
    due = crowd.number * load.share
    carried = rate.messages * ((arrival.within + load.max_age) // rate.per + 1)
    if due - DEVIATIONS * sqrt(max(due * (1 - load.share), 0.0)) <= carried:
        return
    about = "" if load.share == 1 else "about "
    when = f"within {show_duration(arrival.within)}" if arrival.within else "at once"
    age, per = show_duration(load.max_age), show_duration(rate.per)
    yield finding(
        "JS513",
        f"{about}{round(due):,} messages are due by `{channel}` {when}, and {carried:,} at most go out in time",
        crowd.place,
        help="raise the `rate` if the other side takes more, allow a longer `max_age`, or let fewer in at once",
        labels=(
            Label(span=place(compiled, load.step), text=f"not sent when it is older than {age}"),
            Label(span=written[channel].key_span("rate"), text=f"{rate.messages:,} in {per}"),
        ),
        journey=compiled.machine.journey,
        step=load.step,
        witness=(
            f"{crowd.number:,} customers come into `{compiled.machine.journey}` {when}",
            f"`{load.step}` writes to {about}{round(due):,} of them by `{channel}`",
            f"{carried:,} go out before they are {age} old",
            f"{about}{round(due) - carried:,} are skipped as stale",
        ),
    )
