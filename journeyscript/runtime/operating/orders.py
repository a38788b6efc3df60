"""What an operator orders of a store in use, and what comes of it: pauses, entries, erasures, messages tried again.

Takes an order and carries it out between two batches, in transactions of its own; gives the sentence that its command
prints. Every order can be carried out twice: the second time there is nothing to do. Knows no file and no lock.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

from journeyscript.engine.calendar import local_text
from journeyscript.machine.wording import counted
from journeyscript.runtime.advancing.batch import let_go
from journeyscript.runtime.advancing.identity import merge
from journeyscript.runtime.advancing.programs import Programs
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.operating.requests import Enter, ask
from journeyscript.runtime.operating.retention import looked_at
from journeyscript.semantics.types import Instant
from journeyscript.stores.addresses import Digest
from journeyscript.stores.counts import Pruned
from journeyscript.stores.records import KeptSend, MergeError, Overdue, Settlement, Store
from journeyscript.syntax.wording import meant

AT_ONCE = 1_000
"""Customers who leave a stopped journey in one transaction."""

TRIED_AGAIN = ("gave_up", "render", "no_channel")
"""Reasons of failures that another attempt may mend; the others are a no of the receiving side."""

_ALL = 1_000_000_000


class Pause(Struct, frozen=True, kw_only=True, tag="pause"):
    """Let a journey stand still."""

    journey: str


class Resume(Struct, frozen=True, kw_only=True, tag="resume"):
    """Let a journey go on that was paused or stopped; `overdue` says what becomes of all that was due meanwhile."""

    journey: str
    overdue: Overdue | None


class Stop(Struct, frozen=True, kw_only=True, tag="stop"):
    """Let nobody into a journey any more; with `leave`, those inside go out too."""

    journey: str
    leave: bool


class Erase(Struct, frozen=True, kw_only=True, tag="erase"):
    """Forget a customer."""

    customer: str


class Merge(Struct, frozen=True, kw_only=True, tag="merge"):
    """Make one customer of two: `customer` stays."""

    customer: str
    previous: str


class Retry(Struct, frozen=True, kw_only=True, tag="retry"):
    """Try failed messages again: those of these keys, journey and channel, empty for all."""

    keys: tuple[str, ...] = ()
    journey: str | None = None
    channel: str | None = None
    force: bool = False


class Cancel(Struct, frozen=True, kw_only=True, tag="cancel"):
    """Do not send messages that wait: those of these keys, journey and channel, empty for all."""

    keys: tuple[str, ...] = ()
    journey: str | None = None
    channel: str | None = None


class Suppress(Struct, frozen=True, kw_only=True, tag="suppress"):
    """Never write to these addresses, given by what stands for them: an order lies in a file for a while."""

    digests: tuple[Digest, ...]


class Unsuppress(Struct, frozen=True, kw_only=True, tag="unsuppress"):
    """Take these addresses off the list of those that must not be written to."""

    digests: tuple[Digest, ...]


class Prune(Struct, frozen=True, kw_only=True, tag="prune"):
    """Take away what ended more than `back` milliseconds ago."""

    back: int


Order: TypeAlias = Pause | Resume | Stop | Erase | Merge | Retry | Cancel | Suppress | Unsuppress | Enter | Prune


class Answer(Struct, frozen=True, kw_only=True):
    """What came of an order: one sentence. `refused` orders have changed nothing, `help` says what to do about it.

    `no`: it was carried out, and that was the answer. `count` is how many addresses went on a list or off it, where the
    order was about these.
    """

    kind: Literal["done", "no", "nothing", "refused"]
    said: str
    help: str | None = None
    count: int = 0


def carry_out(store: Store, order: Order, now: Instant, rules: Rules | None = None) -> Answer:
    """Do what was ordered, as of `now`; without `rules`, those are made of what the store has."""
    match order:
        case Pause(journey=journey):
            return _strange(store, journey) or _pause(store, journey, now)
        case Resume(journey=journey):
            return _strange(store, journey) or _resume(store, order, now)
        case Stop(journey=journey):
            return _strange(store, journey) or _stop(store, rules, order, now)
        case Erase(customer=customer):
            return _erase(store, customer, now)
        case Merge():
            return _merge(store, rules or _bare_rules(store), order, now)
        case Retry():
            return _retry(store, order, now)
        case Cancel():
            return _cancel(store, order, now)
        case Enter():
            if rules is None:
                raise ValueError("whether somebody is let in depends on the journeys as they run")
            kind, said = ask(store, rules, order, now)
            return Answer(kind=kind, said=said)
        case Prune(back=back):
            found = store.prune(now - back, looked_at(store, now))
            return Answer(kind="done", said=f"took away {pruned_in_words(found)}")
        case Suppress(digests=digests):
            count = store.suppress(digests)
            return Answer(kind="done", said=f"put on the list: {addresses_in_words(count)}", count=count)
        case Unsuppress(digests=digests):
            count = store.unsuppress(digests)
            said = f"taken off the list: {addresses_in_words(count)}"
            return Answer(kind="done" if count else "nothing", said=said, count=count)


def _strange(store: Store, journey: str) -> Answer | None:
    """Return that the store knows no such journey, where that is so."""
    known = {deployment.machine.journey for deployment in store.deployments()[0].values()}
    if journey in known:
        return None
    near = meant(journey, known)
    said = f"the store knows no journey `{journey}`" + (f"; did you mean `{near}`?" if near else "")
    return Answer(kind="refused", said=said, help="`journeyscript status` names those that anybody has entered")


def _bare_rules(store: Store) -> Rules:
    """Return what is needed of the rules where nobody is let in and nothing is sent."""
    deployments, current = store.deployments()
    programs = Programs(deployments, [version for version in deployments if version in current])
    return Rules(programs=programs, channels={}, max_event_age=0, virtual=False)


def _pause(store: Store, journey: str, now: Instant) -> Answer:
    fresh = store.pause(journey, now)
    paused_at = store.controls()[journey].paused_at
    if not fresh and paused_at is not None:
        return Answer(kind="done", said=f"`{journey}` is paused already, since {local_text(paused_at, 'UTC')}")
    return Answer(kind="done", said=f"`{journey}` is paused: {_inside(store, journey)} inside stand still")


def _inside(store: Store, journey: str) -> str:
    """Return in words how many are inside of a journey, test customers apart."""
    people = counted(store.active([journey])[journey], "enrollment")
    active = (one for one in store.journey_counts(test=True) if one.journey == journey and one.status == "active")
    tests = sum(one.count for one in active)
    return f"{people} and {tests:,} of test customers" if tests else people


_MEANING = {
    "fire": "what became due meanwhile happens now",
    "recompute": "all that waits was moved by as long as it stood still",
    "skip_stale": "messages that were due meanwhile are not sent",
}


def _resume(store: Store, order: Resume, now: Instant) -> Answer:
    journey, control = order.journey, store.controls().get(order.journey)
    paused = control is not None and control.paused_at is not None
    if paused and order.overdue is None:
        return Answer(
            kind="refused",
            said=f"`{journey}` is paused: say what becomes of all that was due meanwhile",
            help="--overdue fire, recompute or skip_stale",
        )
    if not store.resume(journey, now, order.overdue or "fire"):
        return Answer(kind="nothing", said=f"`{journey}` is neither paused nor stopped")
    if not paused or order.overdue is None:
        return Answer(kind="done", said=f"`{journey}` is open again")
    return Answer(kind="done", said=f"`{journey}` goes on: {_MEANING[order.overdue]}")


def _stop(store: Store, rules: Rules | None, order: Stop, now: Instant) -> Answer:
    journey = order.journey
    store.stop(journey, now)
    if not order.leave:
        said = f"`{journey}` lets nobody in any more; {_inside(store, journey)} inside go on"
        return Answer(kind="done", said=said)
    rules = rules or _bare_rules(store)
    gone, after = 0, 0
    while numbers := store.inside(journey, after, AT_ONCE):
        changes = let_go(store, rules, journey, numbers, now)
        store.commit(changes)
        gone, after = gone + len(changes.enrollments), numbers[-1]
    return Answer(
        kind="done",
        said=f"`{journey}` lets nobody in any more; {counted(gone, 'enrollment')} ended as exited (stopped)",
    )


def _erase(store: Store, customer: str, now: Instant) -> Answer:
    erased = store.erase(customer, now)
    if erased is None:
        return Answer(kind="nothing", said=f"the store knows no customer `{customer}`")
    return Answer(
        kind="done",
        said=f"erased 1 customer: {counted(erased.enrollments, 'enrollment')} ({erased.ended:,} active), "
        f"{counted(erased.sends, 'message')}, {counted(erased.events, 'event')}, "
        f"{counted(erased.rejected, 'refused record')}",
    )


def _merge(store: Store, rules: Rules, order: Merge, now: Instant) -> Answer:
    anonymous, known = order.previous, order.customer
    if store.dossier(anonymous) is None and store.dossier(known) is None:
        return Answer(kind="nothing", said=f"the store knows no customer `{known}`")
    try:
        merged = merge(store, rules, anonymous, known, now)
    except MergeError as problem:
        return Answer(kind="refused", said=str(problem))
    if merged is None:
        return Answer(kind="done", said=f"`{anonymous}` is `{known}` already")
    return Answer(
        kind="done",
        said=f"`{anonymous}` is `{known}` from now on: {counted(merged.taken_over, 'enrollment')} taken over, "
        f"{merged.ended:,} ended because both were inside",
    )


def _retry(store: Store, order: Retry, now: Instant) -> Answer:
    found = _chosen(store, "failed", order)
    wanted = [send for send in found if order.force or send.reason in TRIED_AGAIN]
    store.requeue([(send.enrollment, send.visit) for send in wanted], now)
    left = len(found) - len(wanted)
    refused = f"; {left:,} refused for good left alone, --force tries that too" if left else ""
    return _told(f"to be tried again: {counted(len(wanted), 'message')}{refused}", len(wanted))


def _cancel(store: Store, order: Cancel, now: Instant) -> Answer:
    found = _chosen(store, "pending", order)
    store.settle(
        [
            Settlement(
                enrollment=send.enrollment,
                visit=send.visit,
                status="skipped",
                at=now,
                reason="cancelled",
                detail="by hand",
            )
            for send in found
        ]
    )
    return _told(f"cancelled: {counted(len(found), 'message')}", len(found))


def _chosen(store: Store, status: str, order: Retry | Cancel) -> list[KeptSend]:
    found = store.find_sends(_ALL, status=status, journey=order.journey, channel=order.channel)
    return [send for send in found if not order.keys or send.key in order.keys]


def pruned_in_words(found: Pruned) -> str:
    """Return how much was taken away, or would be."""
    return (
        f"{counted(found.enrollments, 'enrollment')} with {counted(found.decisions, 'decision')} "
        f"and {counted(found.sends, 'message')}, and {counted(found.events, 'event')}"
    )


def addresses_in_words(count: int) -> str:
    """Return a count of addresses in words."""
    return f"{count:,} {'address' if count == 1 else 'addresses'}"


def _told(said: str, count: int) -> Answer:
    return Answer(kind="done" if count else "nothing", said=said)
