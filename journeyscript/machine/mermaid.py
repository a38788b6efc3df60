"""A machine as a Mermaid flowchart: people see the journey as it was compiled, not as it was meant.

Text in, text out; GitHub and most editors draw it. Labels are quoted and escaped, so that nothing in a journey can
change the picture's structure.
"""

from journeyscript.machine.model import Due, Machine, Send, State
from journeyscript.machine.wording import timer_in_words, trigger_in_words

_SHAPES = {
    "send": ("[", "]"),
    "wait": ("(", ")"),
    "wait_until": ("(", ")"),
    "wait_for": ("(", ")"),
    "branch": ("{", "}"),
    "split": ("{", "}"),
    "repeat": ("{{", "}}"),
    "exit": ("([", "])"),
    "end": ("([", "])"),
}
_LONGEST = 60


def mermaid(machine: Machine) -> str:
    """Return the flowchart of a machine, states in the order of the file."""
    names = {state.id: f"s{number}" for number, state in enumerate(machine.states)}
    lines = ["flowchart TD", f"  start(({_quoted(machine.entry.event)})) --> {names[machine.initial]}"]
    lines += [f"  {names[state.id]}{_shape(state)}" for state in machine.states]
    for state in machine.states:
        for transition in state.transitions:
            label = trigger_in_words(transition.trigger, state)
            if isinstance(transition.trigger, Due) and len(state.transitions) == 1:
                label = ""  # the state's title says it already
            arrow = f"-->|{_quoted(label)}|" if label else "-->"
            lines.append(f"  {names[state.id]} {arrow} {names[transition.target]}")
    return "\n".join(lines) + "\n"


def _shape(state: State) -> str:
    opening, closing = _SHAPES.get(state.step, ("[", "]"))
    return f"{opening}{_quoted(_title(state))}{closing}"


def _title(state: State) -> str:
    match state:
        case State(step="send", action=Send(message=message, via=via)):
            return f"send {message} by {', '.join(via)}"
        case State(step="wait" | "wait_until", timer=timer, transitions=(_,)) if timer is not None:
            return "wait " + timer_in_words(timer).removeprefix("after ")
        case State(step="end"):
            return "completed"
        case State(final=final) if final is not None:
            return f"exit {final.reason}"
        case _:
            return state.id


def _quoted(text: str) -> str:
    short = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return '"' + short.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;") + '"'
