"""What can be said of a machine's shape alone: every step reached, every state left, every loop taking time.

`FLOW_CHECKS` are these and what conditions say of the ways through a machine.
"""

from collections.abc import Callable, Iterable, Iterator

from journeyscript.checks.alternatives import shadowed_branch, unreachable_goal
from journeyscript.checks.conditions import constant_guard
from journeyscript.checks.places import place
from journeyscript.diagnostics import Diagnostic, Situation
from journeyscript.machine.graph import instant_cycle, leads_to_final, path_to, reachable
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import State
from journeyscript.machine.naming import END
from journeyscript.rules import finding

Check = Callable[[Compiled], Iterator[Diagnostic]]


def unreachable_step(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS201: no way leads to a step. Only the first step behind a closed way is named."""
    machine = compiled.machine
    found = reachable(machine)
    told = found | {END}
    for state in machine.states:
        if state.id not in told:
            told |= reachable(machine, [state.id])
            yield finding(
                "JS201",
                f"no way leads to `{state.id}`",
                place(compiled, state.id),
                help="every step in front of it leaves the journey; move it, or take it out",
                journey=machine.journey,
                step=state.id,
                witness=("the steps in front end in " + ", ".join(f"`{name}`" for name in _ends_before(compiled)),),
                situation=Situation(path=(_ends_before(compiled)[0],)),
            )


def dead_end(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS202: a state that is not final has no way out."""
    stuck = [state for state in compiled.machine.states if state.final is None and not state.transitions]
    return _stuck(compiled, "JS202", "nobody can leave `{}`", stuck)


def no_exit(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS203: from a state, no way leads to an end of the journey."""
    ending = leads_to_final(compiled.machine)
    stuck = [state for state in compiled.machine.states if state.id not in ending and state.transitions]
    return _stuck(compiled, "JS203", "no way leads from `{}` to an end of the journey", stuck[:1])


def loop_without_wait(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS208: a round of steps takes no time, so all its laps would happen at one instant."""
    cycle = instant_cycle(compiled.machine)
    if cycle:
        loop = next((name for name in cycle if compiled.machine_state(name).step == "repeat"), cycle[0])
        yield finding(
            "JS208",
            f"`{loop}` goes round without waiting",
            place(compiled, loop),
            help="put a `wait` or a `wait_for` on every way through its steps; a window may be open already",
            journey=compiled.machine.journey,
            step=loop,
            witness=cycle,
        )


FLOW_CHECKS: tuple[Check, ...] = (
    unreachable_step,
    dead_end,
    no_exit,
    loop_without_wait,
    constant_guard,
    shadowed_branch,
    unreachable_goal,
)


def _stuck(compiled: Compiled, code: str, message: str, states: Iterable[State]) -> Iterator[Diagnostic]:
    """Yield a finding for each state in which customers stay."""
    for state in states:
        yield finding(
            code,
            message.format(state.id),
            place(compiled, state.id),
            journey=compiled.machine.journey,
            step=state.id,
            witness=path_to(compiled.machine, state.id),
        )


def _ends_before(compiled: Compiled) -> list[str]:
    found = reachable(compiled.machine)
    return [s.id for s in compiled.machine.states if s.id in found and s.final is not None and s.id != END] or [END]
