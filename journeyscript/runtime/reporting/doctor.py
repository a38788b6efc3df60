"""What is wrong with a store, in sentences: each finding says what is true, and what to do about it.

Takes what a store's inspection found, and the versions it keeps; decides what of it is a problem and what is only worth
knowing. Reads and changes nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from journeyscript.engine.calendar import local_text
from journeyscript.engine.values import Control
from journeyscript.machine.wording import counted
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, Deployment
from journeyscript.stores.sqlite.inspection import LATE, Inspection
from journeyscript.syntax.duration import DAY, show_duration

RESTORE = "put a backup in its place, and keep this file for whoever looks for the cause"


LONG_PAUSE = 7 * DAY
"""A pause of more milliseconds than this may have been forgotten."""


class Finding(Struct, frozen=True, kw_only=True):
    """Something about a store. A `note` is worth knowing; a `problem` is to be solved."""

    weight: Literal["problem", "note"]
    about: str
    message: str
    help: str


def findings(
    found: Inspection,
    deployments: Mapping[str, Deployment],
    current: frozenset[str],
    controls: Mapping[str, Control],
    now: Instant,
    *,
    virtual: bool,
) -> list[Finding]:
    """Return all there is to say of a store; of one on virtual time nothing about being late."""
    said = [*_broken(found), *_unbalanced(found), *_standing(found, deployments)]
    if not virtual:
        said += [*_late(found, now), *_ahead(found, now)]
    return [*said, *_forgotten(controls, now), *_worth_knowing(found, deployments, current)]


def _problem(about: str, message: str, help_text: str) -> Finding:
    return Finding(weight="problem", about=about, message=message, help=help_text)


def _broken(found: Inspection) -> Iterator[Finding]:
    for line in found.damage:
        yield _problem("integrity", f"the file is damaged: {line}", RESTORE)
    for table, other, count in found.dangling:
        yield _problem("references", f"{counted(count, 'row')} in `{table}` point at nothing in `{other}`", RESTORE)


def _unbalanced(found: Inspection) -> Iterator[Finding]:
    for one in found.balances:
        where = f"`{one.journey}` ({one.version[:12]})"
        if one.entered != one.accounted:
            yield _problem(
                "balance",
                f"{one.entered:,} entered {where}, but only {one.accounted:,} are active, completed, exited or failed",
                RESTORE,
            )
        if one.untraced:
            yield _problem("balance", f"{_enrollments(one.untraced)} of {where} without any decision", RESTORE)
        if one.half_ended:
            yield _problem("balance", f"{_enrollments(one.half_ended)} of {where} both at an end and going on", RESTORE)
    if found.missing.count:
        yield _problem(
            "balance",
            f"enrollments of {counted(found.missing.count, 'customer')} are not there, "
            f"first of number {found.missing.first}",
            RESTORE,
        )


def _standing(found: Inspection, deployments: Mapping[str, Deployment]) -> Iterator[Finding]:
    if found.without_timer.count:
        first = found.without_timer.first or 0
        yield _problem(
            "timers",
            f"{_enrollments(found.without_timer.count)} waiting without a time at which they go on; the first is of "
            f"customer number {first // ENROLLMENTS_PER_CUSTOMER}",
            "an event of theirs still moves them; otherwise put a backup in the store's place",
        )
    for one in found.occupied:
        deployment = deployments.get(one.version)
        if deployment is None or one.state not in {state.id for state in deployment.machine.states}:
            yield _problem(
                "states",
                f"{_enrollments(one.count)} at `{one.state}`, which `{one.journey}` ({one.version[:12]}) does not have",
                RESTORE,
            )


def _late(found: Inspection, now: Instant) -> Iterator[Finding]:
    running = "see that `journeyscript run` is going on; it catches up by itself"
    if found.overdue.count:
        yield _problem(
            "overdue",
            f"{found.overdue.count:,} timers are overdue, the oldest by {_since(found.overdue.first, now)}",
            running,
        )
    if found.sending.count:
        yield _problem(
            "sending",
            f"{_messages(found.sending.count)} being sent since {_since(found.sending.first, now)}",
            "the next start of `journeyscript run` settles them, as their channels' `on_unknown` says",
        )
    if found.pending.count:
        yield _problem(
            "outbox",
            f"{_messages(found.pending.count)} waiting to be sent, the oldest for {_since(found.pending.first, now)}",
            f"{running}, as fast as each `rate` allows; `journeyscript outbox list --status pending` names them",
        )


def _ahead(found: Inspection, now: Instant) -> Iterator[Finding]:
    if found.latest is not None and found.latest > now + LATE:
        yield _problem(
            "clock",
            f"the store has a record of {local_text(found.latest, 'UTC')}, which is yet to come",
            "set the clock of this machine right, and keep it so with a time server",
        )


def _forgotten(controls: Mapping[str, Control], now: Instant) -> Iterator[Finding]:
    for journey, control in controls.items():
        if control.paused_at is not None and now - control.paused_at > LONG_PAUSE:
            yield Finding(
                weight="note",
                about="paused",
                message=f"`{journey}` is paused for {_since(control.paused_at, now)}",
                help=f"`journeyscript resume {journey} --overdue …` lets it go on, `stop {journey} --exit` ends it",
            )


def _worth_knowing(
    found: Inspection, deployments: Mapping[str, Deployment], current: frozenset[str]
) -> Iterator[Finding]:
    if found.rejected:
        yield Finding(
            weight="note",
            about="rejected",
            message=f"{found.rejected:,} records could not be taken in within a day; the last one: {found.last_reason}",
            help="mend them where they come from, and send them again",
        )
    occupied = {one.version for one in found.occupied}
    empty = [one for version, one in deployments.items() if version not in current and version not in occupied]
    if empty:
        names = ", ".join(sorted({f"`{one.machine.journey}`" for one in empty}))
        yield Finding(
            weight="note",
            about="versions",
            message=f"{len(empty):,} earlier versions have nobody in them, of {names}",
            help="nothing has to be done: they are kept for the enrollments that ended in them",
        )


def _since(first: Instant | None, now: Instant) -> str:
    """Return for how long something is late, in its largest unit."""
    return " ".join(show_duration(max(now - (now if first is None else first), 1_000) // 1_000 * 1_000).split()[:2])


def _enrollments(count: int) -> str:
    return "1 enrollment is" if count == 1 else f"{count:,} enrollments are"


def _messages(count: int) -> str:
    return "1 message is" if count == 1 else f"{count:,} messages are"
