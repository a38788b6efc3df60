"""Takes away what ended long ago, and keeps what still counts of it: in memory. Knows no journeys."""

from collections.abc import Mapping

from journeyscript.engine.values import Enrollment
from journeyscript.semantics.types import Instant
from journeyscript.stores.counts import Pruned
from journeyscript.stores.memory.shelves import Past, Shelves
from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, KeptEvent


def prune(shelves: Shelves, before: Instant, keep: Mapping[str, Instant | None], *, dry: bool) -> Pruned:
    """Take away what ended before an instant, or only count it; see `Store.prune`."""
    ended = {
        one.id: one
        for profile in shelves.profiles.values()
        for one in profile.enrollments.values()
        if one.status != "active" and one.ended_at is not None and one.ended_at < before
    }
    sends = {number: shelves.outbox.of_enrollment(number) for number in ended}
    for number, found in sends.items():
        if any(send.status in {"pending", "sending"} for send in found):
            del ended[number]
    # The last event stays, as it does in every store.
    events = [
        arrival
        for arrival, kept in enumerate(shelves.events[:-1])
        if kept is not None and kept.event.at < before and _may_go(shelves, kept, keep)
    ]
    pruned = Pruned(
        enrollments=len(ended),
        decisions=shelves.trace.count(ended),
        sends=sum(len(sends[number]) for number in ended),
        events=len(events),
    )
    if not dry:
        for enrollment in ended.values():
            _remember(shelves, enrollment)
        for number, state in shelves.trace.drop(ended):
            one = ended[number]
            if not one.test:
                shelves.pruned_states[one.journey, one.version, state] += 1
        shelves.outbox.drop(ended)
        _drop_events(shelves, events)
    return pruned


def passages(shelves: Shelves, journey: str, since: Instant) -> tuple[list[int], int]:
    """Return people's enrollments in a journey, active or ended from `since` on; and how many were taken away."""
    there = (profile for number, profile in shelves.profiles.items() if number not in shelves.gone)
    kept = (one for profile in there for one in profile.enrollments.values())
    found = sorted(
        one.id
        for one in kept
        if one.journey == journey
        and not one.test
        and (one.status == "active" or (one.ended_at is not None and one.ended_at >= since))
    )
    return found, sum(count for what, count in shelves.pruned[False].items() if what[0] == journey)


def _may_go(shelves: Shelves, kept: KeptEvent, keep: Mapping[str, Instant | None]) -> bool:
    event, profile = kept.event, shelves.home(kept.customer)
    if event.name in keep:
        since = keep[event.name]
        if since is None or event.at >= since:
            return False
    return all(event.at < one.entered_at for one in profile.enrollments.values() if one.status == "active")


def _remember(shelves: Shelves, enrollment: Enrollment) -> None:
    """Take an enrollment away; keep it in the counts, and that and when it was."""
    profile = shelves.profiles[enrollment.customer]
    del profile.enrollments[enrollment.id]
    kept = enrollment.journey, enrollment.version, enrollment.status, enrollment.state, enrollment.reason
    shelves.pruned[enrollment.test][kept] += 1
    if enrollment.customer in shelves.gone:
        return
    past = shelves.past.setdefault(enrollment.customer, {})
    known = past.setdefault(
        (enrollment.journey, enrollment.key),
        Past(entered_at=enrollment.entered_at, ended_at=enrollment.ended_at or enrollment.since, behind=0),
    )
    known.entered_at = max(known.entered_at, enrollment.entered_at)
    known.ended_at = max(known.ended_at, enrollment.ended_at or enrollment.since)
    known.behind = max(known.behind, enrollment.id % ENROLLMENTS_PER_CUSTOMER + 1)


def _drop_events(shelves: Shelves, arrivals: list[int]) -> None:
    for arrival in arrivals:
        kept = shelves.events[arrival]
        if kept is None:
            continue
        shelves.events[arrival] = None
        if kept.source_id is not None:
            shelves.seen.discard((kept.source, kept.source_id))
        history = shelves.home(kept.customer).history
        if kept.event.name in history:
            left = [placed for placed in history[kept.event.name] if placed[1] != arrival]
            history[kept.event.name] = left
            if not left:
                del history[kept.event.name]
