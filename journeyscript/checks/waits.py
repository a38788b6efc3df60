"""Waits that miss what they wait for, that nobody gets past, or that nothing follows."""

from collections.abc import Iterator
from heapq import heappop, heappush

from journeyscript.checks.places import place
from journeyscript.diagnostics import Diagnostic, Label, Occasion, Situation
from journeyscript.machine.graph import path_to
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import After, CalendarDays, Due, Machine, NotSent, On, State, Transition
from journeyscript.machine.naming import END
from journeyscript.machine.needs import expressions_of_state, nodes
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.types import Milliseconds
from journeyscript.syntax.duration import DAY, show_duration

_WAITS = ("wait", "wait_until", "wait_for")


def wait_after_measured_send(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS217: between a send and the wait for an event stands another wait, during which nobody looks for the event."""
    machine = compiled.machine
    for state in machine.states:
        if state.lookback is not None:
            continue  # How far it looks back is the author's to say.
        for event in dict.fromkeys(t.trigger.event for t in state.transitions if isinstance(t.trigger, On)):
            found = None if _ends_the_journey(machine, event) else _missing_stretch(machine, state, event)
            if found is None:
                continue
            send, wait = found
            yield finding(
                "JS217",
                f"`{event}` is missed if it happens between `{send}` and `{state.id}`",
                place(compiled, state.id),
                help="write `lookback: since entry`, or how far back it is to count",
                labels=(
                    Label(span=place(compiled, send), text="the message that it may answer"),
                    Label(span=place(compiled, wait), text=f"nobody looks for `{event}` meanwhile"),
                ),
                journey=machine.journey,
                step=state.id,
                witness=(send, wait, f"{event} meanwhile", state.id, f"waits for another {event}"),
                situation=Situation(path=(send, wait, state.id), timeline=(Occasion(step=wait, event=event),)),
            )


def trailing_wait(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS218: whatever ends a wait, the journey is over; a journey with a goal may be waiting for that."""
    if compiled.machine.goal is not None:
        return
    for state in compiled.machine.states:
        if state.step in _WAITS and all(transition.target == END for transition in state.transitions):
            yield finding(
                "JS218",
                f"nothing comes behind `{state.id}`",
                place(compiled, state.id),
                help="take it out; to keep customers from entering again, write `again: after …` in the entry",
                journey=compiled.machine.journey,
                step=state.id,
                witness=(*path_to(compiled.machine, state.id), END),
                situation=Situation(path=(state.id, END)),
            )


def wait_outlives_journey(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS211: on the quickest way, the end of a wait comes after the longest life of an enrollment."""
    machine = compiled.machine
    arrival = _earliest(machine)
    for state in machine.states:
        length = _shortest(state)
        if state.id not in arrival or arrival[state.id] > machine.lifetime:
            continue
        if arrival[state.id] + length > machine.lifetime:
            yield finding(
                "JS211",
                f"nobody waits out `{state.id}`: the journey ends {show_duration(machine.lifetime)} after entry",
                place(compiled, state.id),
                help="shorten the wait, or write a longer `max_lifetime`",
                journey=machine.journey,
                step=state.id,
                witness=(*path_to(machine, state.id), f"exited(expired) {show_duration(machine.lifetime)} after entry"),
                situation=Situation(path=(state.id,), timeline=(Occasion(step=state.id, lasts=machine.lifetime),)),
            )


def _ends_the_journey(machine: Machine, event: str) -> bool:
    """Return whether the event ends the journey whenever it happens, so that it cannot be missed."""
    goal = machine.goal
    if goal is not None and goal.exit and goal.event == event and goal.where is None:
        return True
    return any(rule.event == event and rule.when is None for rule in machine.exits)


def _missing_stretch(machine: Machine, state: State, event: str) -> tuple[str, str] | None:
    """Return a send and a wait behind it on a way to a state, on which nothing else looks for the event."""
    arriving: dict[str, list[tuple[State, Transition]]] = {}
    for before in machine.states:
        for transition in before.transitions:
            arriving.setdefault(transition.target, []).append((before, transition))
    open_ends: list[tuple[str, str | None]] = [(state.id, None)]
    seen = set(open_ends)
    while open_ends:
        name, wait = open_ends.pop(0)
        for before, transition in arriving.get(name, ()):
            if before.step == "wait_for" or isinstance(transition.trigger, NotSent) or _looks_for(before, event):
                continue
            if before.step == "send":
                if wait is not None:
                    return before.id, wait
                continue
            end = (before.id, wait or (before.id if before.step in _WAITS else None))
            if end not in seen:
                seen.add(end)
                open_ends.append(end)
    return None


def _looks_for(state: State, event: str) -> bool:
    return any(
        isinstance(node, typed.History) and node.event == event
        for expression in expressions_of_state(state)
        for node in nodes(expression)
    )


def _earliest(machine: Machine) -> dict[str, Milliseconds]:
    """Return how long after entry each state can be reached at the earliest."""
    states = {state.id: state for state in machine.states}
    found: dict[str, Milliseconds] = {}
    queue: list[tuple[Milliseconds, str]] = [(0, machine.initial)]
    while queue:
        at, name = heappop(queue)
        if name in found:
            continue
        found[name] = at
        for transition in states[name].transitions:
            length = _shortest(states[name]) if isinstance(transition.trigger, Due) else 0
            heappush(queue, (at + length, transition.target))
    return found


def _shortest(state: State) -> Milliseconds:
    """Return how long the timer of a state takes at least; zones that change can make calendar days short."""
    match state.timer:
        case After(duration=duration):
            return duration
        case CalendarDays(days=days):
            return max(days - 2, 0) * DAY
        case _:
            return 0
