"""What can be said of a machine's shape alone: every step reached, every state left, every loop taking time."""

from collections.abc import Callable, Iterator

from journeyscript.diagnostics import Diagnostic, Span
from journeyscript.machine.graph import conditions_of, instant_cycle, leads_to_final, path_to, reachable
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.naming import END
from journeyscript.machine.needs import nodes
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.show import show

Check = Callable[[Compiled], Iterator[Diagnostic]]

_READS_NOTHING = (typed.Literal, typed.Items, typed.Not, typed.And, typed.Or, typed.Compare, typed.In,
                  typed.Arithmetic, typed.Coalesce, typed.Known)  # fmt: skip


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
                _place(compiled, state.id),
                help="every step in front of it leaves the journey; move it, or take it out",
                journey=machine.journey,
                step=state.id,
                witness=("the steps in front end in " + ", ".join(_ends_before(compiled)),),
            )


def dead_end(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS202: a state that is not final has no way out."""
    for state in compiled.machine.states:
        if state.final is None and not state.transitions:
            yield finding(
                "JS202",
                f"nobody can leave `{state.id}`",
                _place(compiled, state.id),
                journey=compiled.machine.journey,
                step=state.id,
                witness=path_to(compiled.machine, state.id),
            )


def no_exit(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS203: from a state, no way leads to an end of the journey."""
    ending = leads_to_final(compiled.machine)
    stuck = [state for state in compiled.machine.states if state.id not in ending and state.transitions]
    for state in stuck[:1]:
        yield finding(
            "JS203",
            f"no way leads from `{state.id}` to an end of the journey",
            _place(compiled, state.id),
            journey=compiled.machine.journey,
            step=state.id,
            witness=path_to(compiled.machine, state.id),
        )


def loop_without_wait(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS208: a round of steps takes no time, so all its laps would happen at one instant."""
    cycle = instant_cycle(compiled.machine)
    if cycle:
        loop = next((name for name in cycle if compiled.machine_state(name).step == "repeat"), cycle[0])
        yield finding(
            "JS208",
            f"`{loop}` goes round without waiting",
            _place(compiled, loop),
            help="put a `wait` or a `wait_for` on every way through its steps; a window may be open already",
            journey=compiled.machine.journey,
            step=loop,
            witness=cycle,
        )


def constant_guard(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS207: a condition reads nothing, so it always comes out the same."""
    for state in compiled.machine.states:
        for trigger in conditions_of(state):
            if all(isinstance(node, _READS_NOTHING) for node in nodes(trigger.condition)):
                yield finding(
                    "JS207",
                    f"`{show(trigger.condition)}` always comes out the same",
                    _place(compiled, state.id),
                    help="take the condition out, or compare something of the customer",
                    journey=compiled.machine.journey,
                    step=state.id,
                    witness=path_to(compiled.machine, state.id),
                )


def shadowed_branch(compiled: Compiled) -> Iterator[Diagnostic]:
    """JS206: an alternative stands behind one with the same condition, so it is never taken."""
    for state in compiled.machine.states:
        seen: dict[str, int] = {}
        for number, trigger in enumerate(conditions_of(state), 1):
            text = show(trigger.condition)
            if text in seen:
                yield finding(
                    "JS206",
                    f"alternative {number} is never taken: alternative {seen[text]} asks the same, `{text}`",
                    _place(compiled, state.id),
                    help="take it out, or change its condition",
                    journey=compiled.machine.journey,
                    step=state.id,
                    witness=path_to(compiled.machine, state.id),
                )
            seen.setdefault(text, number)


FLOW_CHECKS: tuple[Check, ...] = (
    unreachable_step,
    dead_end,
    no_exit,
    loop_without_wait,
    constant_guard,
    shadowed_branch,
)


def _place(compiled: Compiled, state: str) -> Span:
    return compiled.about.spans.get(state, Span(path=compiled.about.path))


def _ends_before(compiled: Compiled) -> list[str]:
    found = reachable(compiled.machine)
    return [f"`{s.id}`" for s in compiled.machine.states if s.id in found and s.final is not None and s.id != END] or [
        "`end`"
    ]
