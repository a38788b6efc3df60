"""What a send may rely on: checks expire at waits, and nobody is reached without an address and consent.

Takes a compiled journey and the channels' policies; `facts` says what is known where.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from journeyscript.checks.facts import Fact, Key, asked_of, flow
from journeyscript.checks.places import place, place_of_condition
from journeyscript.diagnostics import Diagnostic, Label, Occasion, Situation
from journeyscript.machine.graph import path_to
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import Machine, NotSent, Send
from journeyscript.machine.wording import start_in_words
from journeyscript.rules import finding
from journeyscript.syntax.config import ChannelConfig


def stale_fact(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS317: a marketing message stands behind a check and a wait, and nothing looks again.

    The facts are that an event has not happened, and the value of an enum attribute. What an exit watches is looked
    at all the time, so it never is stale. Each check is told once, at the first message that relies on it.
    """
    machine = compiled.machine
    known, watched = flow(machine), _watched(machine)
    told: set[tuple[str | None, Key]] = set()
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
    machine, checked = compiled.machine, _asked_at(fact)
    return finding(
        "JS317",
        f"`{fact.text}` was checked before a wait, and `{send}` relies on it",
        place(compiled, send),
        help=f"put {watch} under `exit`, which is watched all the time, or ask again behind the wait",
        labels=(
            Label(span=place_of_condition(compiled, checked, fact.state), text="checked here"),
            Label(span=place(compiled, wait), text="what was checked before this wait no longer holds"),
        ),
        journey=machine.journey,
        step=send,
        witness=(
            *((start_in_words(machine.entry),) if fact.state is None else path_to(machine, fact.state)),
            fact.text,
            *(path_to(machine, wait) if fact.state is None else _between(machine, fact.state, wait)),
            f"{happens} meanwhile",
            *_between(machine, wait, send),
        ),
        situation=Situation(
            path=(*(() if fact.state is None else (fact.state,)), wait, send),
            timeline=(Occasion(step=wait, event=name) if kind == "absent" else Occasion(step=wait, attribute=name),),
        ),
    )


def _asked_at(fact: Fact) -> str:
    return "entry" if fact.state is None else f"{fact.state}/{fact.number}"


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
                witness=tuple(dict.fromkeys(lack.words for lacks in missing for lack in lacks)),
                situation=_lacking(state.id, [lack for lacks in missing for lack in lacks]),
            )


class Lack(Struct, frozen=True, kw_only=True):
    """What a customer may lack: an address, or consent to a channel. `since`: the wait in which they may lose it."""

    address: str | None = None
    consent: str | None = None
    since: str | None = None

    @property
    def words(self) -> str:
        """What is so, as a condition would say it."""
        return f"not consent.{self.consent}" if self.address is None else f"customer.{self.address} is unknown"


def _missing(send: Send, channel: ChannelConfig, known: Mapping[Key, Fact]) -> list[Lack]:
    """Return what a customer may lack whom a channel cannot reach; nothing where it reaches everybody."""
    lacking = []
    if channel.address is not None:
        fact = known.get(("has", channel.address))
        if not _is_fresh(fact):
            lacking.append(Lack(address=channel.address, since=None if fact is None else fact.stale))
    if channel.consent != "none" and send.kind == "marketing":
        fact = known.get(("consent", channel.name))
        if not _is_fresh(fact):
            lacking.append(Lack(consent=channel.name, since=None if fact is None else fact.stale))
    return lacking


def _lacking(send: str, lacks: Sequence[Lack]) -> Situation:
    """Return a customer who comes to a send and lacks all that is said, or loses it on the way."""
    lost = dict.fromkeys(lack.since for lack in lacks if lack.since is not None)
    return Situation(
        customer=tuple(
            (f"customer.{lack.address}", None) if lack.address is not None else (f"consent.{lack.consent}", False)
            for lack in lacks
            if lack.since is None
        ),
        path=(*lost, send),
        timeline=tuple(
            Occasion(step=lack.since, attribute=lack.address, consent=lack.consent)
            for lack in lacks
            if lack.since is not None
        ),
    )


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
