"""A machine as a directed graph: which state leads where, and which rounds take no time."""

from collections.abc import Iterable

from journeyscript.machine.model import AtDate, Due, Machine, On, State, Transition, Within


def successors(machine: Machine) -> dict[str, tuple[str, ...]]:
    """Return for every state the states its transitions lead to, in order, each once."""
    return {state.id: tuple(dict.fromkeys(t.target for t in state.transitions)) for state in machine.states}


def reachable(machine: Machine, starts: Iterable[str] | None = None) -> frozenset[str]:
    """Return the states that can be reached from the given ones; from the initial one where none are given."""
    onward = successors(machine)
    found: set[str] = set()
    open_ends = [machine.initial] if starts is None else list(starts)
    while open_ends:
        name = open_ends.pop()
        if name not in found:
            found.add(name)
            open_ends.extend(onward[name])
    return frozenset(found)


def leads_to_final(machine: Machine) -> frozenset[str]:
    """Return the states from which some final state can be reached."""
    backward: dict[str, list[str]] = {state.id: [] for state in machine.states}
    for name, targets in successors(machine).items():
        for target in targets:
            backward[target].append(name)
    found: set[str] = set()
    open_ends = [state.id for state in machine.states if state.final is not None]
    while open_ends:
        name = open_ends.pop()
        if name not in found:
            found.add(name)
            open_ends.extend(backward[name])
    return frozenset(found)


def path_to(machine: Machine, target: str) -> tuple[str, ...]:
    """Return the shortest way from the initial state to a state, both included; empty where there is none."""
    onward = successors(machine)
    previous: dict[str, str | None] = {machine.initial: None}
    queue = [machine.initial]
    for name in queue:
        for following in onward[name]:
            if following not in previous:
                previous[following] = name
                queue.append(following)
    if target not in previous:
        return ()
    path = [target]
    while (before := previous[path[-1]]) is not None:
        path.append(before)
    return tuple(reversed(path))


def instant_cycle(machine: Machine) -> tuple[str, ...]:
    """Return a round of states that may take no time, the first one repeated at the end; empty for none."""
    onward = {
        state.id: tuple(dict.fromkeys(t.target for t in state.transitions if _may_be_instant(state, t)))
        for state in machine.states
    }
    done: set[str] = set()
    for start in onward:
        trail: list[str] = []
        stack: list[tuple[str, int]] = [(start, 0)]
        while stack:
            name, depth = stack.pop()
            del trail[depth:]
            if name in trail:
                return (*trail[trail.index(name) :], name)
            if name in done and depth:
                continue
            done.add(name)
            trail.append(name)
            stack.extend((following, depth + 1) for following in onward[name])
    return ()


def reached_at_once(machine: Machine, start: str) -> frozenset[str]:
    """Return the states that may be reached from one in no time, itself included."""
    states = {state.id: state for state in machine.states}
    found: set[str] = set()
    open_ends = [start]
    while open_ends:
        name = open_ends.pop()
        if name not in found:
            found.add(name)
            open_ends.extend(t.target for t in states[name].transitions if _may_be_instant(states[name], t))
    return frozenset(found)


def _may_be_instant(state: State, transition: Transition) -> bool:
    """Return whether a way out can be gone at once; a window may be open already, and a date missing or past."""
    match transition.trigger:
        case On():
            return False
        case Due():
            return isinstance(state.timer, Within | AtDate)
        case _:
            return True
