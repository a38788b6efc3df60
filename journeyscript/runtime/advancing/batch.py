"""One batch of inputs to one set of changes: who is touched is loaded at once, and committed at once.

Customers are independent: each one's events and timers are taken in the order of time, an event before a timer
at the same instant. Everything is decided by the engine; this module only carries values to it and from it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec

from journeyscript.runtime.advancing.listed import listed
from journeyscript.runtime.advancing.progress import Move, Progress, Starting
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.intake.records import Incoming
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import (
    Changes,
    Rejected,
    Store,
)

NOT_APART: Mapping[int, Instant] = MappingProxyType({})
"""For all customers of a batch it is the same time."""


def advance(
    store: Store,
    rules: Rules,
    *,
    incoming: Sequence[Incoming | Rejected] = (),
    due: Iterable[int] = (),
    due_until: Mapping[int, Instant] = NOT_APART,
    starting: Starting | None = None,
    positions: Mapping[str, str] | None = None,
    now: Instant,
) -> Changes:
    """Return all that these inputs change; `due` names customers whose timers are up at or before `now`.

    For those whom `due_until` names, time goes on only so far; all others are at `now`.
    `starting` lets a journey begin for many customers. `positions` says how far each source is read with these inputs.
    Nothing is committed.
    """
    rules = msgspec.structs.replace(rules, controls=store.controls())
    changes = Changes(
        rejected=[item for item in incoming if isinstance(item, Rejected)], positions=dict(positions or {})
    )
    accepted = sorted((item for item in incoming if isinstance(item, Incoming)), key=lambda item: item.at)
    accepted = _without_duplicates(store, accepted)
    due = list(due)
    loaded = store.load(
        dict.fromkeys(item.customer for item in accepted),
        due if starting is None else (*due, *starting.numbers),
        history=bool(rules.programs.history),
        recent_since=rules.recent_since(now),
        waiting_at=rules.waiting_at(now),
        memberships=bool(rules.programs.segments or rules.programs.dated),
    )
    rules = msgspec.structs.replace(rules, listed=listed(store, rules.channels, loaded.values(), accepted))
    by_name = {customer.external_id: customer for customer in loaded.values()}
    crowds = store.active(rules.programs.bounded) if rules.programs.bounded else {}
    progress: dict[int, Progress] = {}

    def of(number: int) -> Progress:
        if number not in progress:
            progress[number] = Progress(loaded[number], rules, changes, crowds, now)
        return progress[number]

    for item in accepted:
        of(by_name[item.customer].number).take(item)
    for number in due:
        of(number).fire_until(due_until.get(number, now))
    if starting is not None:
        for number in starting.numbers:
            of(number).start(starting)
    for one in progress.values():
        one.finish()
    return changes


def let_go(store: Store, rules: Rules, journey: str, numbers: Iterable[int], now: Instant) -> Changes:
    """Return what it changes that these customers leave a journey that was stopped. Nothing is committed."""
    changes = Changes()
    for customer in store.load((), numbers, history=False).values():
        one = Progress(customer, rules, changes, {}, now)
        one.let_go(journey)
        one.finish()
    return changes


def transfer(
    store: Store, rules: Rules, numbers: Iterable[int], move: Move, now: Instant, changes: Changes | None = None
) -> Changes:
    """Return what it changes that these customers are moved as `move` says; it gives `None` for who stays.

    It is added to `changes` where there are some. Nothing is committed.
    """
    changes = Changes() if changes is None else changes
    rules = msgspec.structs.replace(rules, controls=store.controls())
    loaded = store.load(
        (),
        numbers,
        history=bool(rules.programs.history),
        recent_since=rules.recent_since(now),
        waiting_at=rules.waiting_at(now),
        memberships=True,
    )
    rules = msgspec.structs.replace(rules, listed=listed(store, rules.channels, loaded.values()))
    crowds = store.active(rules.programs.bounded) if rules.programs.bounded else {}
    for customer in loaded.values():
        one = Progress(customer, rules, changes, crowds, now)
        one.transfer(move)
        one.finish()
    return changes


def _without_duplicates(store: Store, incoming: list[Incoming]) -> list[Incoming]:
    """Return the records that were never seen: an event's id counts once for ever, per source.

    What only changes a profile is known again by its customer.
    """
    keys = {(item.source, item.source_id) for item in incoming if item.source_id is not None and item.event is not None}
    return list(unseen(incoming, store.seen(keys) if keys else set()))


def unseen(incoming: Iterable[Incoming], seen: set[tuple[str, str]]) -> Iterator[Incoming]:
    """Yield the records whose event was not seen before, neither by what is given, which grows, nor among them."""
    for item in incoming:
        if item.source_id is not None and item.event is not None:
            if (item.source, item.source_id) in seen:
                continue
            seen.add((item.source, item.source_id))
        yield item
