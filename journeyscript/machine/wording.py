"""A machine's parts in words: what makes a transition happen, when a timer is up, what a rule of the trace meant."""

from typing import assert_never

from journeyscript.machine.model import (
    After,
    Always,
    Arm,
    Assign,
    AtDate,
    AtTime,
    ByApi,
    ByDate,
    BySchedule,
    BySegment,
    CalendarDays,
    Due,
    Emit,
    Enter,
    Entry,
    ExitRule,
    Goal,
    If,
    Lap,
    Machine,
    NotSent,
    On,
    Send,
    State,
    Timer,
    Transition,
    Trigger,
    When,
    Within,
)
from journeyscript.semantics.show import show
from journeyscript.semantics.typed import Literal
from journeyscript.syntax.duration import show_duration
from journeyscript.syntax.policies import WEEKDAYS, Weekday


def trigger_in_words(trigger: Trigger, state: State) -> str:
    """Return what makes a transition of a state happen."""
    match trigger:
        case Always():
            return "else" if state.step == "branch" else ""
        case If() | When():
            return show(trigger.condition)
        case Arm(arm=arm, weight=weight):
            return f"{arm} {weight} %"
        case Lap(times=times):
            return f"at most {times} times"
        case NotSent():
            return "not sent"
        case On(event=event, where=where):
            return event if where is None else f"{event} where {show(where)}"
        case Due():
            return "" if state.timer is None else timer_in_words(state.timer)
        case _:
            assert_never(trigger)


def timer_in_words(timer: Timer) -> str:
    """Return when the time of a state is up."""
    match timer:
        case After(duration=duration):
            return f"after {show_duration(duration)}"
        case CalendarDays(days=days):
            return f"after {days} calendar day{'s' if days != 1 else ''}"
        case AtTime(minute=minute, days=days):
            return f"at {clock(minute)}{_on(days)}"
        case Within(start=start, end=end, days=days):
            return f"between {clock(start)} and {clock(end)}{_on(days)}"
        case AtDate(moment=moment, minute=minute):
            return f"on {show(moment)}" + (f" at {clock(minute)}" if minute else "")
        case _:
            assert_never(timer)


def entry_in_words(entry: Entry) -> str:
    """Return what starts an enrollment, and of whom it must be true."""
    start = start_in_words(entry)
    return start if entry.where is None else f"{start} where {show(entry.where)}"


def start_in_words(entry: Entry) -> str:
    """Return what starts an enrollment."""
    match entry.trigger:
        case BySegment(name=name, on=on):
            return f"comes into {name}" if on == "enter" else f"leaves {name}"
        case BySchedule(cron=cron, audience=audience, zone=zone):
            whose = " on the customer's clock" if zone == "customer" else ""
            return f"{cron}{whose} for {show(audience)}"
        case ByDate(every=every, minute=minute):
            at = f" at {clock(minute)}" if minute else ""
            return f"on {_date_in_words(entry.trigger)}{at}{' every year' if every else ''}"
        case ByApi():
            return "a request"
        case None:
            return entry.event


def _date_in_words(by: ByDate) -> str:
    if not by.shift:
        return show(by.moment)
    return f"{show(by.moment)} {'+' if by.shift > 0 else '-'} {show_duration(abs(by.shift))}"


def _entered(entry: Entry) -> str:
    """Return what let somebody in."""
    match entry.trigger:
        case BySegment(name=name, on=on):
            return f"came into the segment `{name}`" if on == "enter" else f"left the segment `{name}`"
        case BySchedule(cron=cron):
            return f"entered by the schedule `{cron}`"
        case ByDate():
            return f"entered by the date `{_date_in_words(entry.trigger)}`"
        case ByApi():
            return "entered on request"
        case None:
            return f"entered on `{entry.event}`"


def _once_more(entry: Entry) -> str:
    return f"`{entry.event}` happened again" if entry.trigger is None else f"{_entered(entry)} again"


def goal_in_words(goal: Goal | None) -> str:
    """Return what a journey is for; empty where it has no goal."""
    if goal is None:
        return ""
    event = goal.event if goal.where is None else f"{goal.event} where {show(goal.where)}"
    within = "" if goal.within is None else f" within {show_duration(goal.within)}"
    return event + within + (", which ends the journey" if goal.exit else "")


def exit_in_words(rule: ExitRule) -> str:
    """Return what ends an enrollment wherever it stands."""
    if rule.event is None:
        return "" if rule.when is None else show(rule.when)
    return rule.event if rule.when is None else f"{rule.event} where {show(rule.when)}"


def state_in_words(state: State) -> str:
    """Return what happens at a state: what a picture's box says."""
    match state:
        case State(step="end"):
            return "completed"
        case State(final=final) if final is not None:
            return f"exit {final.reason}" if final.reason else "exit"
        case State(action=Send(message=message)):
            return f"send {message}"
        case State(step="stage", action=Assign(values=((_, Literal(value=stage)), *_))):
            return f"stage {stage}"
        case State(action=Assign(values=values)):
            return f"set {', '.join(name for name, _ in values)}"
        case State(action=Emit(event=event)):
            return f"emit {event}"
        case State(action=Enter(journey=journey)):
            return f"enter {journey}"
        case State(step="wait_until", transitions=(Transition(trigger=When(condition=condition)), *_)):
            return f"wait until {show(condition)}"
        case State(step="wait" | "wait_until", timer=timer) if timer is not None:
            words = timer_in_words(timer)
            until = "until " if isinstance(timer, AtTime | AtDate) else ""
            return f"wait {until}{words.removeprefix('after ').removeprefix('at ').removeprefix('on ')}"
        case State(step="wait_for", transitions=transitions):
            events = [t.trigger.event for t in transitions if isinstance(t.trigger, On)]
            return f"wait for {' or '.join(dict.fromkeys(events))}"
        case State(step="split", transitions=(Transition(trigger=Arm(experiment=experiment)), *_)):
            return f"split {experiment}"
        case State(step="repeat", transitions=transitions):
            times = next((t.trigger.times for t in transitions if isinstance(t.trigger, Lap)), 0)
            return f"repeat up to {times} times" if times != 1 else "repeat once"
        case _:
            return state.step if state.id.partition(".")[0] == state.step else state.id


def transition_in_words(transition: Transition, state: State) -> str:
    """Return what a picture says at an arrow; empty where the state's own words say it already."""
    trigger = transition.trigger
    match state.step, trigger:
        case ("wait", Due()):
            return ""
        case ("wait_until", Due()) if len(state.transitions) == 1:
            return ""
        case ("wait_until", When()):
            return "as soon as it holds"
        case ("send", Always()) if len(state.transitions) > 1:
            return "sent"
        case ("repeat", Lap()):
            return "next round"
        case ("repeat", If()):
            return f"until {trigger_in_words(trigger, state)}"
        case ("repeat", Always()):
            return "no round left"
        case _:
            return trigger_in_words(trigger, state)


_REFUSALS = {
    "other event": "the event does not start this journey",
    "where": "the condition of `entry` does not hold",
    "no_key": "the key of `entry` has no value",
    "stale_event": "the event was older than `max_event_age` when it came",
    "inside": "the customer is inside already",
    "exclusive_group": "the customer is inside another journey of its group",
    "again": "`again` does not let the customer enter anew yet",
    "max_active": "as many as `max_active` lets in were inside",
    "paused": "the journey was paused",
    "stopped": "the journey was stopped",
    "future_event": "its time lay ahead",
}


_HELD = {
    "best_time": "held back for the customer's best time",
    "quiet_hours": "held back until quiet hours end",
    "capped": "held back by a frequency cap",
    "paused": "held back until the journey is resumed",
}


_ALWAYS = {
    "done": "done",
    "else": "no condition held",
    "stopped": "the journey was stopped, and let go of everybody",
    "migrated": "left, as `migrate` says",
}
"""Rules that mean the same at every step."""


def refusal_in_words(reason: str) -> str:
    """Return why an event did not get what it asked for."""
    return _REFUSALS.get(reason, reason)


def rule_in_words(machine: Machine, left: str | None, rule: str) -> str:
    """Return a rule of the trace in words; `left` is the state that was left by it, `None` at entry."""
    state = next((s for s in machine.states if s.id == left), None)
    kind, _, rest = rule.partition(" ")
    if kind == "entry":
        return _entered(machine.entry)
    if kind == "holdout":
        if machine.entry.trigger is not None:
            return f"{_entered(machine.entry)}, and kept out to measure what the journey does"
        return f"kept out on `{machine.entry.event}`, to measure what the journey does"
    if kind == "moved":
        return f"moved here from version {rest.removeprefix('from ')}, as `migrate` says"
    if kind in _ALWAYS:
        return _ALWAYS[kind]
    if state is None:
        return rule
    match kind:
        case "event":
            return f"`{rest}` happened"
        case "timer":
            return f"time was up, {trigger_in_words(Due(), state)}"
        case "if":
            return f"because {trigger_in_words(state.transitions[int(rest) - 1].trigger, state)}"
        case "when":
            condition = next(t.trigger.condition for t in state.transitions if isinstance(t.trigger, When))
            return f"because {show(condition)}"
        case "arm":
            return f"drew the arm `{rest}`"
        case "send":
            return f"sent by {rest}"
        case "skipped":
            return f"not sent: {rest}"
        case "late":
            return f"`{rest}` came in behind the step it could have been for; nothing is rewound"
        case "held":
            return _HELD.get(rest, rule)
        case "restarted":
            return f"{_once_more(machine.entry)}: the journey starts anew"
        case "refreshed":
            return f"{_once_more(machine.entry)}: its data takes the place of the first"
        case _:
            return rule


def counted(count: int, noun: str) -> str:
    """Return a count of something in words: `1 message`, `2,000 messages`."""
    return f"1 {noun}" if count == 1 else f"{count:,} {noun}s"


def clock(minute: int) -> str:
    """Return minutes after midnight as a clock shows them."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _on(days: tuple[Weekday, ...]) -> str:
    if days == WEEKDAYS:
        return ""
    if days == WEEKDAYS[:5]:
        return " on weekdays"
    return " on the weekend" if days == WEEKDAYS[5:] else " on " + ", ".join(days)
