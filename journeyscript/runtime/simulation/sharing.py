"""Whether customers of a simulation may be counted by others who went the same way, and what then tells ways apart.

Takes what all lives go by; gives the names of what decides, or that every customer has to be lived. A journey that asks
nothing but which of two moments is earlier, and looks at values as they are, can be shared; one that looks at a clock
or a calendar cannot.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from journeyscript.engine.program import Program
from journeyscript.machine.model import BEST_TIME, After, Arm, ByApi, Machine, On, Send
from journeyscript.machine.needs import ALWAYS_READ, expressions_of_state, nodes
from journeyscript.runtime.simulation.life import Setting
from journeyscript.runtime.simulation.population import Choice, Constant, Crowd
from journeyscript.semantics import typed

_AS_THEY_ARE = (
    typed.Literal,
    typed.Items,
    typed.Attribute,
    typed.Property,
    typed.EntryProperty,
    typed.Known,
    typed.Not,
    typed.And,
    typed.Or,
    typed.Compare,
    typed.In,
    typed.Coalesce,
    typed.Consent,
    typed.InSegment,
    typed.History,
    typed.Arithmetic,
)
"""What looks at values as they are; of moments it only asks which is earlier."""


def read_by_name(setting: Setting) -> frozenset[str] | None:
    """Return which attributes and properties decide anything, or `None` where every customer has to be lived."""
    rules, who = setting.rules, setting.population.who
    programs = list(rules.programs.started.values())
    if not isinstance(who, Crowd) or rules.test_customers is not None or rules.programs.bounded or setting.firings:
        return None
    if any(channel.quiet_hours for channel in rules.channels.values()) or not all(map(_is_plain, programs)):
        return None
    asked = [node for program in programs for root in _expressions(program.machine) for node in nodes(root)]
    if not all(isinstance(node, _AS_THEY_ARE) and _names_no_moment(node) for node in asked):
        return None
    happens = [(who.event, who.properties), *((one.event, one.properties) for one in setting.population.reactions)]
    compared = {program.machine.entry.event for program in programs if _looks_for_another(program.machine)}
    read = {*ALWAYS_READ, BEST_TIME, *filter(None, map(_name_of, asked))}
    read |= {one.name for event, properties in happens if event in compared for one in properties}
    drawn = (*who.attributes, *(one for _, properties in happens for one in properties))
    if not all(isinstance(one.source, Constant | Choice) for one in drawn if one.name in read):
        return None
    # Of an address matters only whether it is blank: those of one template all are, those of a choice may not be.
    return frozenset(read | {one.address for one in rules.channels.values() if one.address is not None})


def _looks_for_another(machine: Machine) -> bool:
    """Return whether events are told from the one that somebody entered on: by all their properties."""
    entered = machine.entry.event
    return (machine.entry.holdout > 0 and machine.goal is not None and machine.goal.event == entered) or any(
        isinstance(one.trigger, On) and one.trigger.event == entered
        for state in machine.states
        if state.lookback is not None
        for one in state.transitions
    )


def _name_of(node: typed.Expression) -> str | None:
    match node:
        case typed.Attribute(name=name) | typed.Property(name=name) | typed.EntryProperty(name=name):
            return name
        case typed.History(property=name):
            return name
        case _:
            return None


def _is_plain(program: Program) -> bool:
    """Return whether a journey knows elapsed time only, and draws for the customer only."""
    machine = program.machine
    triggers = [transition.trigger for state in machine.states for transition in state.transitions]
    return (
        isinstance(machine.entry.trigger, ByApi | None)
        and not program.timed
        and not any(step.timed for step in program.steps.values())
        and all(isinstance(state.timer, After | None) for state in machine.states)
        and not any(isinstance(state.action, Send) and state.action.best_time for state in machine.states)
        and not any(isinstance(trigger, Arm) and trigger.per != "customer" for trigger in triggers)
    )


def _expressions(machine: Machine) -> Iterator[typed.Expression]:
    """Yield what a machine decides by; what it only hands on to a message is not among it."""
    goal = () if machine.goal is None else (machine.goal.where,)
    for root in (machine.entry.where, machine.entry.key, *goal, *(rule.when for rule in machine.exits)):
        if root is not None:
            yield root
    for state in machine.states:
        yield from expressions_of_state(replace(state, action=None) if isinstance(state.action, Send) else state)


def _names_no_moment(node: typed.Expression) -> bool:
    match node:
        case typed.Attribute(name="id") | typed.Property(name="at") | typed.EntryProperty(name="at"):
            return False
        case typed.History(property="at"):
            return False
        case typed.History(window=typed.Window(start=start, end=end)):
            return start is None and end is None
        case _:
            return True
