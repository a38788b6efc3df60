"""What a send may rely on: checks expire at waits, and nobody is reached without an address and consent.

Takes a compiled journey and the channels' policies; `facts` says what is known where.
"""

from collections.abc import Iterator, Mapping

import msgspec

from journeyscript.checks.facts import Fact, Key, asked_of, flow
from journeyscript.checks.places import place, place_of_condition
from journeyscript.diagnostics import Diagnostic, Label
from journeyscript.machine.graph import path_to
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import Machine, NotSent, Send
from journeyscript.rules import finding
from journeyscript.syntax.config import ChannelConfig


def stale_fact(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS317: a marketing message stands behind a check and a wait, and nothing looks again.

    The facts are that an event has not happened, and the value of an enum attribute. What an exit watches is looked
    at all the time, so it never is stale. Each check is told once, at the first message that relies on it.
    """
    machine = compiled.machine
    known, watched = flow(machine), _watched(machine)
    told: set[tuple[str, Key]] = set()
    for state in machine.states:
        if not isinstance(state.action, Send) or state.action.kind != "marketing":
            continue
        for key, fact in known.get(state.id, {}).items():
            if key[0] not in ("absent", "status") or fact.stale is None or key in watched:
                continue
            if (fact.state, key) not in told:
                told.add((fact.state, key))
                yield _stale(compiled, state.id, key, fact, fact.stale)


def _stale(compiled: Compiled, send: str, key: Key, fact: Fact, wait: str) -> Diagnostic:
    kind, name = key
    happens = name if kind == "absent" else f"customer.{name} changes"
    watch = f"`- event: {name}`" if kind == "absent" else "a condition"
    checked = place_of_condition(compiled, f"{fact.state}/{fact.number}", fact.state)
    return finding(
        "JS317",
        f"`{fact.text}` was checked before a wait, and `{send}` relies on it",
        place(compiled, send),
        help=f"put {watch} under `exit`, which is watched all the time, or ask again behind the wait",
        labels=(
            Label(span=checked, text="checked here"),
            Label(span=place(compiled, wait), text="what was checked before this wait no longer holds"),
        ),
        journey=compiled.machine.journey,
        step=send,
        witness=(
            *path_to(compiled.machine, fact.state),
            fact.text,
            *_between(compiled.machine, fact.state, wait),
            f"{happens} meanwhile",
            *_between(compiled.machine, wait, send),
        ),
    )


def send_may_be_skipped(compiled: Compiled, channels: Mapping[str, ChannelConfig]) -> Iterator[Diagnostic]:
    """JS510: no channel of a send is known to be reachable and consented to, and there is no `else`."""
    known = flow(compiled.machine)
    for state in compiled.machine.states:
        if not isinstance(state.action, Send) or state.id not in known:
            continue
        if any(isinstance(transition.trigger, NotSent) for transition in state.transitions):
            continue
        missing = [_missing(state.action, channels[name], known[state.id]) for name in state.action.via]
        if all(missing):
            yield finding(
                "JS510",
                f"some customers cannot be sent `{state.action.message}` here",
                place(compiled, state.id),
                help="add `else:` with what is to happen then, or check for the address and the consent in front",
                journey=compiled.machine.journey,
                step=state.id,
                witness=tuple(dict.fromkeys(text for texts in missing for text in texts)),
            )


def _missing(send: Send, channel: ChannelConfig, known: Mapping[Key, Fact]) -> list[str]:
    """Return what a customer may lack whom a channel cannot reach; nothing where it reaches everybody."""
    lacking = []
    if channel.address is not None and not _is_fresh(known.get(("has", channel.address))):
        lacking.append(f"customer.{channel.address} is unknown")
    asks = channel.consent != "none" and send.kind == "marketing"
    if asks and not _is_fresh(known.get(("consent", channel.name))):
        lacking.append(f"not consent.{channel.name}")
    return lacking


def _is_fresh(fact: Fact | None) -> bool:
    return fact is not None and fact.stale is None


def _watched(machine: Machine) -> frozenset[Key]:
    """Return what ends the journey as soon as it changes."""
    found: set[Key] = set()
    for rule in machine.exits:
        if rule.event is not None:
            found.add(("absent", rule.event))
        elif rule.when is not None:
            found |= asked_of(rule.when)
    if machine.goal is not None and machine.goal.exit:
        found.add(("absent", machine.goal.event))
    return frozenset(found)


def _between(machine: Machine, start: str, end: str) -> tuple[str, ...]:
    """Return the way from one state to another, without the first."""
    return path_to(msgspec.structs.replace(machine, initial=start), end)[1:]
