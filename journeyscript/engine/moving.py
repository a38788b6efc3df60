"""What becomes of an enrollment that is moved into another version: pure, like `step`.

Takes both versions and what the file says of the move; gives an outcome as any other: the enrollment in its new
version, effects, the trace. A visit is counted, so that no name of a send is used twice. Knows no store and no plan.
"""

from msgspec.structs import replace

from journeyscript.engine.calendar import whole_second
from journeyscript.engine.program import Program, Step
from journeyscript.engine.sending import skip
from journeyscript.engine.timers import Fixed, Passed, set_timer
from journeyscript.engine.values import Effect, Enrollment, Facts, Outcome
from journeyscript.engine.walk import Walk
from journeyscript.machine.model import AtDate, Migration, Send
from journeyscript.machine.needs import nodes
from journeyscript.semantics import typed
from journeyscript.semantics.types import Instant

MOVED = "moved from "
"""The rule of the decision by which somebody comes into another version; what follows is the one they were in."""

MIGRATED = "migrated"
"""Why those ended whom `migrate` sends to `exit`."""


def move(
    program: Program, before: Program, enrollment: Enrollment, migration: Migration, facts: Facts, now: Instant
) -> Outcome:
    """Return an active enrollment moved from the version `before` into another one, as of `now`.

    It rests where it goes, where one can rest there; else it arrives there, and goes on as far as that goes at once. A
    message that waits is asked again where it goes to a send, and cancelled elsewhere.

    Raises:
        KeyError: the other version has no step to go to.
    """
    target = migration.moves.get(enrollment.state, enrollment.state)
    now = max(now, enrollment.since)
    if target is None:
        leaving = Walk(before, enrollment, None, facts, now)
        leaving.leave(MIGRATED)
        return leaving.outcome()
    here, rule = program.steps[target], f"{MOVED}{before.version}"
    to_send = isinstance(here.state.action, Send)
    came = replace(
        enrollment,
        version=program.version,
        laps=_laps(program, enrollment, migration),
        held=enrollment.held if to_send else None,
    )
    walk = Walk(program, came, None, facts, now)
    if _rests(here) and enrollment.held is None:
        _settle(walk, before, here, migration)
    else:
        waited = enrollment.held is not None and to_send
        walk.arrive(target, rule, (), now - enrollment.since if waited else 0)
        if waited and walk.held is not None:
            walk.since = enrollment.since
    outcome = walk.outcome()
    return replace(outcome, effects=(*_cancelled(before, enrollment, kept=to_send), *outcome.effects))


def _settle(walk: Walk, before: Program, here: Step, migration: Migration) -> None:
    """Stand at a state where one rests, with the time that is left, or that its own timer gives."""
    came, rule = walk.enrollment, f"{MOVED}{before.version}"
    timer = here.state.timer
    if timer is None:
        walk.settle(here.state.id, rule, None)
        return
    timed_before = before.steps[came.state].state.timer is not None
    reads_event = isinstance(timer, AtDate) and any(isinstance(node, typed.Property) for node in nodes(timer.moment))
    if timed_before and (migration.timer == "keep" or reads_event) and came.over_at is not None:
        walk.settle(here.state.id, rule, Fixed(at=came.over_at), came.deadline if here.on else None)
        return
    match set_timer(walk.program, here, came, came.visit + 1, None, walk.facts, came.since):
        case Fixed() as fixed:
            walk.settle(here.state.id, rule, fixed)
        case Passed(leave=leave, rule=passed):
            walk.settle(here.state.id, rule, Fixed(at=walk.now))
            if leave and walk.status == "active":
                walk.leave(passed.replace(" ", "_"))
    if walk.status == "active" and walk.due_at is not None:
        walk.due_at = max(walk.due_at, whole_second(walk.now))


def _rests(here: Step) -> bool:
    """Return whether one can stand at a state without having done what it does."""
    state = here.state
    return state.action is None and (state.timer is not None or bool(here.on) or bool(here.when))


def _laps(program: Program, enrollment: Enrollment, migration: Migration) -> dict[str, int]:
    """Return how often each loop that the version has, too, was gone through."""
    named = ((migration.moves.get(name, name), laps) for name, laps in enrollment.laps.items())
    return {name: laps for name, laps in named if name in program.steps}


def _cancelled(before: Program, enrollment: Enrollment, *, kept: bool) -> tuple[Effect, ...]:
    """Return what becomes of the message that kept somebody at a step, where it does not go along."""
    send = before.steps[enrollment.state].state.action
    if enrollment.held is None or kept or not isinstance(send, Send):
        return ()
    return (skip(send, enrollment.state, enrollment.visit, "cancelled"),)
