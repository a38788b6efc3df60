"""Journeys that start each other: a round of them that nothing holds back would go on for ever."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from journeyscript.checks.places import place, place_of_condition
from journeyscript.checks.regions import survey
from journeyscript.diagnostics import Diagnostic, Label
from journeyscript.machine.graph import reachable, reached_at_once
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import ByApi, Emit, Enter, Entry, Machine
from journeyscript.rules import finding
from journeyscript.semantics import typed


class Start(Struct, frozen=True, kw_only=True):
    """A step of one journey that starts another.

    `waits`: some time passes before the step. `lingers`: some time passes behind it before the journey ends, in
    which an event that would start it again does not.
    """

    journey: str
    step: str
    starts: str
    waits: bool
    lingers: bool


def trigger_cycle(journeys: Mapping[str, Compiled]) -> Iterator[Diagnostic]:
    """JS703: round and round, each journey starts the next one, by its event or by `enter`, with `again: always`.

    A cool-down anywhere on the round, of any length, holds it back. A wait does not: it makes the round slower. Nor
    does a condition, unless the properties that are given can never fulfil it: nobody can prove that it ever fails. A
    journey that is still going on when the round comes back to it ignores that, which ends the round too.
    """
    starts = {name: list(_starts(compiled.machine, journeys)) for name, compiled in journeys.items()}
    told: set[str] = set()
    for name in journeys:
        round_of = None if name in told else _round(name, starts)
        if round_of is None:
            continue
        told |= {start.journey for start in round_of}
        listed = " and ".join(dict.fromkeys(f"`{start.journey}`" for start in round_of))
        yield finding(
            "JS703",
            f"{listed} start each other for ever" if len(round_of) > 1 else f"{listed} starts itself for ever",
            place_of_condition(journeys[name], "entry"),
            help="write a cool-down in one of their entries, such as `again: after 1 day`",
            labels=[
                Label(span=place(journeys[start.journey], start.step), text=f"starts `{start.starts}`")
                for start in round_of
            ],
            journey=name,
            witness=[part for start in round_of for part in (start.journey, f"{start.step} starts {start.starts}")],
        )


def _starts(machine: Machine, journeys: Mapping[str, Compiled]) -> Iterator[Start]:
    if not any(isinstance(state.action, Emit | Enter) for state in machine.states):
        return  # As most journeys are, which need no walk through them.
    found, at_entry = reachable(machine), reached_at_once(machine, machine.initial)
    final = {state.id for state in machine.states if state.final is not None}
    for state in machine.states:
        if state.id not in found or not isinstance(state.action, Emit | Enter):
            continue
        for name, other in journeys.items():
            entry = other.machine.entry
            if entry.again == 0 and _asks(state.action, name, entry) and _admits(entry, state.action, machine.timezone):
                yield Start(
                    journey=machine.journey,
                    step=state.id,
                    starts=name,
                    waits=state.id not in at_entry,
                    lingers=machine.entry.key is None
                    and machine.entry.while_active != "restart"
                    and not final & reached_at_once(machine, state.id),
                )


def _asks(action: Emit | Enter, journey: str, entry: Entry) -> bool:
    """Return whether a step does what may start a journey."""
    if isinstance(action, Enter):
        return action.journey == journey and isinstance(entry.trigger, ByApi)
    return entry.event == action.event


def _admits(entry: Entry, given: Emit | Enter, timezone: str) -> bool:
    """Return whether an entry's condition can hold of properties that are known as far as they are constants."""
    if entry.where is None:
        return True
    constants = [
        typed.Compare(op="==", left=typed.Property(name=name, type=value.type), right=value)
        for name, value in given.properties
        if isinstance(value, typed.Literal)
    ]
    found = survey([entry.where, *constants], timezone)
    return found is None or any(all(row.holds) for row in found.rows)


def _round(name: str, starts: Mapping[str, list[Start]]) -> tuple[Start, ...] | None:
    """Return the shortest round from a journey back to itself."""
    open_ends: list[tuple[Start, ...]] = [(start,) for start in starts[name]]
    seen: set[str] = set()
    while open_ends:
        way = open_ends.pop(0)
        last = way[-1].starts
        if last == name and _comes_back(way):
            return way
        if last != name and last not in seen:
            seen.add(last)
            open_ends += [(*way, start) for start in starts[last]]
    return None


def _comes_back(way: tuple[Start, ...]) -> bool:
    """Return whether each journey can have ended by the time the round comes back to it."""
    return all(
        not start.lingers or any(other.waits for other in way if other.journey != start.journey) for start in way
    )
