"""The one function that decides everything: `step(program, enrollment, input, facts, now) -> Outcome`.

Pure and total: no clock, no chance, no input or output; the same arguments give the same outcome, byte for byte.
At one instant the order is exit, goal, event, timer. Production, tests, replays and explanations all call this.
"""

from journeyscript.engine.program import Program
from journeyscript.engine.values import Enrollment, Event, Facts, Input, Outcome, ProfileChanged, TimerFired
from journeyscript.engine.walk import Walk
from journeyscript.semantics.types import Instant


def step(program: Program, enrollment: Enrollment, happened: Input, facts: Facts, now: Instant) -> Outcome:
    """Return what an input does to an enrollment.

    `now` is when the input takes effect, in milliseconds: an event's own time, or the clock when a timer fires. An
    ended enrollment, a stale timer and an event from before entry change nothing.
    """
    if enrollment.status != "active":
        return Outcome(enrollment=enrollment)
    match happened:
        case TimerFired(visit=visit) if visit != enrollment.visit:
            return Outcome(enrollment=enrollment)
        case Event(at=at) | ProfileChanged(at=at) if at < enrollment.entered_at:
            return Outcome(enrollment=enrollment)
        case _:
            pass
    event = happened if isinstance(happened, Event) else None
    walk = Walk(program, enrollment, event, facts, max(now, enrollment.since))
    if walk.leave_by_exit():
        return walk.outcome()
    match happened:
        case TimerFired():
            walk.fire()
        case ProfileChanged():
            walk.take_change()
        case Event():
            if not walk.reach_goal(happened):
                walk.take_event(happened)
    return walk.outcome()


def begin(program: Program, enrollment: Enrollment, event: Event, facts: Facts, now: Instant) -> Outcome:
    """Return a new enrollment taken from the machine's initial state as far as it goes at once."""
    walk = Walk(program, enrollment, event, facts, now)
    walk.arrive(program.machine.initial, "entry", walk.values(program.segment, program.admits))
    return walk.outcome()
