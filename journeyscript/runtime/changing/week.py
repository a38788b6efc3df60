"""What a week brings: entries and messages under the journeys of a store and under those of a project.

Takes a project and a store, which it only reads; gives numbers. A sample of the customers, each with all that happened
to them, goes through both sets of journeys, with the channels and policies as they are now; what falls into the last
weeks is counted, and taken as a week of everybody.
"""

from collections import Counter
from collections.abc import Collection, Iterator

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.compiler import Project
from journeyscript.machine.lowering import Compiled
from journeyscript.runtime.backtest.past import BATCH, Past, past_of
from journeyscript.runtime.backtest.run import relive
from journeyscript.runtime.changing.histories.sampling import LATELY, lives, sampled
from journeyscript.runtime.replay import Report
from journeyscript.runtime.session import deployments_of, requests_of
from journeyscript.semantics.types import Instant
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Store

DAY = 86_400_000
WEEK = 7 * DAY


class Expected(Struct, frozen=True, kw_only=True):
    """What a journey brings in a week: entries where `channel` is empty, else messages on it.

    `None`: there is no such journey on that side.
    """

    journey: str
    channel: str
    before: int | None
    now: int | None


class Week(Struct, frozen=True, kw_only=True):
    """A week as it is to be expected by what `taken` of all customers did in so many days; empty by less than one."""

    days: float
    taken: int
    customers: int
    expected: tuple[Expected, ...] = ()


class Drawn(Struct, frozen=True, kw_only=True):
    """Customers who are gone by, of so many, and what happened to them."""

    past: Past
    taken: int
    customers: int


def draw_customers(project: Project, store: Store, now: Instant, most: int) -> Drawn:
    """Return customers to go by, at most so many: the same ones whenever they are there."""
    everybody = list(_numbers(store))
    of = dict(lives(store, sampled(everybody, most)))
    past = past_of(store, now, requests_of(project), project.config.max_event_age, of)
    return Drawn(past=past, taken=len(of), customers=len(everybody))


def expected_week(
    project: Project, store: Store, drawn: Drawn, changed: Collection[str], now: Instant, report: Report | None = None
) -> Week:
    """Return what a week brings before and now: of `changed` journeys, and of others where it differs.

    Nothing where less than a day is recorded. `report` is told how many records were gone through, twice.
    """
    records = drawn.past.records
    since = max(now - LATELY, records[0].at if records else now)
    week = Week(days=round((now - since) / DAY, 1), taken=drawn.taken, customers=drawn.customers)
    if now - since < DAY:
        return week
    share = drawn.customers / drawn.taken * WEEK / (now - since)
    former = _former(project, store)
    was, comes = (
        {
            key: round(count * share)
            for key, count in _counted(relive(one, records, now, drawn.past.beginnings, report), since, now).items()
        }
        for one in (former, project)
    )
    rows = (
        Expected(
            journey=journey,
            channel=channel,
            before=was.get((journey, channel), 0) if journey in former.journeys else None,
            now=comes.get((journey, channel), 0) if journey in project.journeys else None,
        )
        for journey, channel in sorted({*was, *comes, *((name, "") for name in changed)})
    )
    return replace(week, expected=tuple(one for one in rows if one.journey in changed or one.before != one.now))


def _former(project: Project, store: Store) -> Project:
    """Return the project with the journeys that are deployed to the store."""
    kept, current = store.deployments()
    deployed = {kept[version].machine.journey: kept[version] for version in sorted(current)}
    order = dict.fromkeys((*(one.machine.journey for one in deployments_of(project)), *deployed))
    journeys = {
        name: Compiled(machine=deployed[name].machine, about=deployed[name].about, contents=deployed[name].contents)
        for name in order
        if name in deployed
    }
    return replace(project, journeys=journeys)


def _counted(lived: MemoryStore, since: Instant, until: Instant) -> Counter[tuple[str, str]]:
    """Return how many entered each journey, by an empty channel, and were sent a message of it on each channel."""
    found: Counter[tuple[str, str]] = Counter()
    names = [one.external_id for one in lived.load((), _numbers(lived), history=False).values()]
    for name in names:
        story = lived.story(name)
        if story is None:
            continue
        for one in story.enrollments:
            found[one.journey, ""] += since <= one.entered_at <= until and bool(one.state) and not one.test
        for send in story.sends:
            sent = send.status not in {"skipped", "failed"} and since <= send.created_at <= until and not send.test
            found[send.journey, send.channel] += sent and bool(send.channel)
    return +found


def _numbers(store: Store) -> Iterator[int]:
    after = 0
    while numbers := store.numbers(after, BATCH):
        yield from numbers
        after = numbers[-1]
