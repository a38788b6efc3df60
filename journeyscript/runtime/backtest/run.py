"""The past through a project's journeys on virtual time, by the path that production takes, over a store in memory.

Takes a project and records; gives the store. Nothing is delivered.
"""

from collections.abc import Sequence

from journeyscript.compiler import Project
from journeyscript.runtime.backtest.past import SOURCE, Beginning
from journeyscript.runtime.intake.records import Record
from journeyscript.runtime.replay import Replay, Report
from journeyscript.runtime.session import For, Session
from journeyscript.semantics.types import Instant
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Changes, KeptEvent, Rejected


def relive(
    project: Project,
    records: Sequence[Record],
    until: Instant,
    beginnings: Sequence[Beginning] = (),
    report: Report | None = None,
) -> MemoryStore:
    """Return a store in which the records, which are in the order of time, were taken in, and time went to `until`."""
    store = MemoryStore()
    start = next((one.at for one in records if not isinstance(one, Rejected)), until)
    _begin(store, beginnings, start)
    with Session(project, store, virtual=True, delivery=For.NOTHING, at=start, environment={}) as session:
        Replay(session, report).run(records, until)
    return store


def _begin(store: MemoryStore, beginnings: Sequence[Beginning], at: Instant) -> None:
    """Keep who is there before the first record, and what they had done; nothing comes of it."""
    loaded = {
        one.external_id: one for one in store.load((one.customer for one in beginnings), (), history=False).values()
    }
    events: list[KeptEvent] = []
    for one in beginnings:
        customer = loaded[one.customer]
        customer.attributes, customer.consent = dict(one.attributes), dict(one.consent)
        events += (
            KeptEvent(
                customer=customer.number, event=event, received_at=at, source=SOURCE, source_id=None, needed=False
            )
            for event in one.events
        )
    store.commit(Changes(customers=list(loaded.values()), events=events))
