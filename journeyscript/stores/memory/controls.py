"""What an operator orders of a journey: to stand still, to go on, to let nobody in; and who is inside of it.

Changes the shelves in place. Who is inside of a paused journey is taken off the agenda until it is resumed.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from journeyscript.engine.calendar import whole_second
from journeyscript.engine.values import UNCONTROLLED, Control, Enrollment
from journeyscript.semantics.types import Instant
from journeyscript.stores.memory.profile import Profile
from journeyscript.stores.memory.shelves import Shelves
from journeyscript.stores.records import KeptSend, Overdue


def pause(shelves: Shelves, journey: str, at: Instant) -> bool:
    """Let a journey stand still; see `Store.pause`."""
    before = shelves.controls.get(journey, UNCONTROLLED)
    if before.paused_at is not None:
        return False
    _keep(shelves, journey, replace(before, paused_at=at))
    shelves.paused.add(journey)
    for _, enrollment in _active(shelves, journey):
        shelves.schedule(enrollment)
    return True


def resume(shelves: Shelves, journey: str, at: Instant, overdue: Overdue) -> bool:
    """Let a journey go on; see `Store.resume`."""
    before = shelves.controls.get(journey, UNCONTROLLED)
    paused_at = before.paused_at
    if paused_at is None and before.stopped_at is None:
        return False
    stale_before = at if paused_at is not None and overdue == "skip_stale" else before.stale_before
    _keep(shelves, journey, Control(stale_before=stale_before))
    if paused_at is None:
        return True
    shelves.paused.discard(journey)
    for profile, enrollment in _active(shelves, journey):
        released = _released(enrollment, at, paused_at if overdue == "recompute" else None)
        shelves.keep(profile, released)
    for send in shelves.outbox.unsent(journey):
        shelves.outbox.put(_released_send(send, at, paused_at, overdue))
    return True


def stop(shelves: Shelves, journey: str, at: Instant) -> bool:
    """Let nobody into a journey any more; see `Store.stop`."""
    before = shelves.controls.get(journey, UNCONTROLLED)
    if before.stopped_at is not None:
        return False
    _keep(shelves, journey, replace(before, stopped_at=at))
    return True


def inside(shelves: Shelves, journey: str, after: int, limit: int) -> list[int]:
    """Return at most `limit` customers inside a journey, in order, from behind the number `after` on."""
    numbers = {profile.number for profile, _ in _active(shelves, journey) if profile.number > after}
    return sorted(numbers)[:limit]


def _keep(shelves: Shelves, journey: str, control: Control) -> None:
    if control == UNCONTROLLED:
        shelves.controls.pop(journey, None)
    else:
        shelves.controls[journey] = control


def _active(shelves: Shelves, journey: str) -> Iterator[tuple[Profile, Enrollment]]:
    for profile in shelves.profiles.values():
        for enrollment in list(profile.enrollments.values()):
            if enrollment.journey == journey and enrollment.status == "active":
                yield profile, enrollment


def _released(enrollment: Enrollment, at: Instant, paused_at: Instant | None) -> Enrollment:
    """Return an enrollment that goes on; `paused_at` where its timers are moved by the length of the pause."""
    if paused_at is not None:
        lasted = max(0, at - max(paused_at, enrollment.since))
        moved = whole_second(lasted)
        enrollment = replace(
            enrollment,
            # A look at conditions stays when it was; what it comes before is moved.
            due_at=enrollment.due_at if enrollment.until is not None else _later(enrollment.due_at, moved),
            until=_later(enrollment.until, moved),
            deadline=_later(enrollment.deadline, moved),
            since=enrollment.since if enrollment.held is None else enrollment.since + lasted,
        )
    if enrollment.held is not None and enrollment.held.reason == "paused" and enrollment.due_at is not None:
        return replace(enrollment, due_at=min(enrollment.due_at, whole_second(at)), until=None)
    return enrollment


def _later(moment: Instant | None, moved: int) -> Instant | None:
    return None if moment is None else moment + moved


def _released_send(send: KeptSend, at: Instant, paused_at: Instant, overdue: Overdue) -> KeptSend:
    match overdue:
        case "recompute" if send.expires_at is not None:
            return replace(send, expires_at=send.expires_at + max(0, at - max(paused_at, send.created_at)))
        case "skip_stale" if send.status == "pending":
            return replace(send, status="skipped", reason="stale", settled_at=at)
        case _:
            return send
