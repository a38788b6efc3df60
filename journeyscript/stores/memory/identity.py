"""Who a name belongs to, two customers made one, a customer erased, and everything there is of one: in memory.

What stays and what goes is decided by `stores.merging` and `stores.forgetting`; this module carries it out.
"""

from collections.abc import Collection
from itertools import islice

from msgspec.structs import replace

from journeyscript.engine.values import Event
from journeyscript.semantics.types import Instant
from journeyscript.stores import forgetting, held, merging
from journeyscript.stores.addresses import possible_addresses
from journeyscript.stores.counts import Erased, Merged
from journeyscript.stores.memory.profile import Profile, new_profile
from journeyscript.stores.memory.shelves import Past, Shelves
from journeyscript.stores.numbers import Numbers
from journeyscript.stores.records import Dossier, KeptEvent, KeptSend, Rejected, Story


def merge(
    shelves: Shelves, numbers: Numbers, deployed: held.Deployed, external_id: str, into: str, at: Instant
) -> Merged | None:
    """Make one customer of two; see `Store.merge`."""
    stays, leaves = shelves.find(into), shelves.find(external_id)
    if external_id == into or (stays is not None and stays is leaves):
        return None
    if leaves is not None and leaves.external_id != external_id:
        merging.check_name(external_id, leaves.external_id, into)
    if stays is not None and leaves is not None:
        return _unite(shelves, deployed, stays, leaves, at)
    if leaves is not None:
        shelves.by_name[into] = shelves.by_name.pop(external_id)
        leaves.external_id = into
    kept = stays or leaves
    if kept is None:
        kept = shelves.by_name[into] = new_profile(numbers.newcomer(into))
        shelves.profiles[kept.number] = kept
    shelves.aliases[external_id] = kept.number
    return Merged(customer=kept.number, taken_over=0, ended=0)


def _unite(shelves: Shelves, deployed: held.Deployed, stays: Profile, leaves: Profile, at: Instant) -> Merged:
    one, other = shelves.record(stays, history=False), shelves.record(leaves, history=False)
    ended = merging.doubles(one.enrollments, other.enrollments, at)
    places = merging.new_places(leaves.enrollments, stays.number, one.next_enrollment)
    inside = {**stays.enrollments, **leaves.enrollments}
    before = [inside[double.id] for double in ended]
    sends = [send for double in ended for send in shelves.outbox.of_enrollment(double.id)]
    shelves.outbox.keep(held.let_go(before, deployed, sends, at, "cancelled", merging.CANCELLED))
    for double in ended:
        shelves.keep(stays if double.customer == stays.number else leaves, double)
        shelves.outbox.cancel(double.id, merging.CANCELLED, at)
    for old, new in places.items():
        enrollment = leaves.enrollments.pop(old)
        shelves.due.remove(old)
        shelves.keep(stays, replace(enrollment, id=new, customer=stays.number))
    shelves.trace.move(leaves.number, stays.number, places)
    shelves.outbox.move(leaves.number, stays.number, places)
    shelves.refusals.move(leaves.number, stays.number)
    for placed in leaves.history.values():
        for _, arrival, event in placed:
            stays.keep_event(event, arrival)
    _inherit(shelves, stays.number, leaves.number)
    shelves.memberships.forget(leaves.number)
    stays.update(merging.united(one, other))
    _empty(shelves, leaves)
    shelves.heirs[leaves.number] = stays.number
    shelves.aliases[other.external_id] = stays.number
    return Merged(
        customer=stays.number, taken_over=len(places), ended=len(ended), ended_test=sum(one.test for one in ended)
    )


def _inherit(shelves: Shelves, stays: int, leaves: int) -> None:
    for name, number in shelves.aliases.items():
        if number == leaves:
            shelves.aliases[name] = stays
    for number, heir in shelves.heirs.items():
        if heir == leaves:
            shelves.heirs[number] = stays
    for where, past in shelves.past.pop(leaves, {}).items():
        own = shelves.past.setdefault(stays, {}).get(where)
        shelves.past[stays][where] = Past(
            entered_at=past.entered_at if own is None else max(own.entered_at, past.entered_at),
            ended_at=past.ended_at if own is None else max(own.ended_at, past.ended_at),
            behind=0 if own is None else own.behind,
        )


def _empty(shelves: Shelves, profile: Profile) -> None:
    """Leave of a customer who is gone nothing but the number, which nobody gets again."""
    del shelves.by_name[profile.external_id]
    profile.external_id = merging.tombstone(profile.number)
    shelves.by_name[profile.external_id] = profile
    profile.attributes, profile.consent, profile.suppressed, profile.history = {}, {}, frozenset(), {}
    profile.taken = ()
    shelves.gone.add(profile.number)


def erase(shelves: Shelves, deployed: held.Deployed, external_id: str, at: Instant) -> Erased | None:
    """Erase a customer; see `Store.erase`."""
    profile = shelves.find(external_id)
    if profile is None:
        return None
    sends = shelves.outbox.of_customer(profile.number)
    enrollments = list(profile.enrollments.values())
    rejected = _rejected_of(shelves, profile, sends)
    shelves.outbox.keep(held.let_go(enrollments, deployed, sends, at, "deleted"))
    for enrollment in enrollments:
        shelves.keep(profile, forgetting.forgotten_enrollment(enrollment, at))
    for send in sends:
        shelves.outbox.put(forgetting.forgotten_send(send, at))
    for place in rejected:
        shelves.rejected[place] = forgetting.forgotten_rejected(shelves.rejected[place])
    shelves.trace.forget(profile.number)
    events = _forget_events(shelves, profile)
    shelves.refusals.forget(profile.number)
    shelves.past.pop(profile.number, None)
    shelves.memberships.forget(profile.number)
    for name in names_of(shelves, profile):
        del shelves.aliases[name]
    _empty(shelves, profile)
    return Erased(
        ended=sum(one.status == "active" for one in enrollments),
        enrollments=len(enrollments),
        sends=len(sends),
        events=events,
        rejected=len(rejected),
        ended_test=sum(one.status == "active" and one.test for one in enrollments),
    )


def _forget_events(shelves: Shelves, profile: Profile) -> int:
    count = 0
    for arrival, kept in enumerate(shelves.events):
        if kept is not None and shelves.home(kept.customer) is profile:
            if kept.source_id is not None:
                shelves.seen.discard((kept.source, kept.source_id))
            bare = Event(name=kept.event.name, at=kept.event.at)
            shelves.events[arrival] = replace(kept, event=bare, source_id=None, needed=False)
            count += 1
    return count


def story_of(shelves: Shelves, external_id: str) -> Story | None:
    """Return a customer with all enrollments, decisions and sends."""
    profile = shelves.find(external_id)
    if profile is None:
        return None
    customer = shelves.record(profile, history=True)
    customer.memberships = shelves.memberships.of(profile.number)
    customer.suppressed |= shelves.suppressed(possible_addresses(customer))
    return Story(
        customer=customer,
        enrollments=tuple(sorted(profile.enrollments.values(), key=lambda one: (one.entered_at, one.id))),
        decisions=shelves.trace.of_customer(profile.number),
        sends=tuple(shelves.outbox.of_customer(profile.number)),
        refusals=shelves.refusals.of(profile.number),
    )


def dossier(shelves: Shelves, external_id: str, needed: set[str]) -> Dossier | None:
    """Return everything there is of a customer; `needed` are the events that versions look at."""
    profile, story = shelves.find(external_id), story_of(shelves, external_id)
    if profile is None or story is None:
        return None
    events = [kept for kept in shelves.events if kept is not None and shelves.home(kept.customer) is profile]
    return Dossier(
        story=story,
        names=names_of(shelves, profile),
        events=tuple(_event_of(kept, profile.number, needed) for kept in sorted(events, key=lambda k: k.event.at)),
        rejected=tuple(shelves.rejected[place] for place in _rejected_of(shelves, profile, story.sends)),
    )


def happened(shelves: Shelves, needed: set[str], after: int, limit: int) -> list[tuple[int, KeptEvent]]:
    """Return events with their places, from 1 in the order of arrival; what was pruned has left its place empty."""
    behind = ((place, shelves.events[place - 1]) for place in range(after + 1, len(shelves.events) + 1))
    kept = ((place, one) for place, one in behind if one is not None)
    return [(place, _event_of(one, shelves.home(one.customer).number, needed)) for place, one in islice(kept, limit)]


def happened_to(shelves: Shelves, needed: set[str], numbers: Collection[int]) -> list[KeptEvent]:
    """Return all events of these customers in the order of time."""
    kept = ((shelves.home(one.customer).number, one) for one in shelves.events if one is not None)
    found = [_event_of(one, number, needed) for number, one in kept if number in numbers]
    return sorted(found, key=lambda one: one.event.at)


def _event_of(kept: KeptEvent, customer: int, needed: set[str]) -> KeptEvent:
    return replace(kept, customer=customer, needed=kept.needed or kept.event.name in needed)


def names_of(shelves: Shelves, profile: Profile) -> tuple[str, ...]:
    """Return the names that a customer went by before."""
    return tuple(sorted(name for name, number in shelves.aliases.items() if number == profile.number))


def _rejected_of(shelves: Shelves, profile: Profile, sends: "list[KeptSend] | tuple[KeptSend, ...]") -> list[int]:
    words = forgetting.words_of(shelves.record(profile, history=False), names_of(shelves, profile), sends)
    return [place for place, one in enumerate(shelves.rejected) if _speaks(one, words)]


def _speaks(rejected: Rejected, words: frozenset[str]) -> bool:
    return forgetting.speaks_of(rejected, words)
