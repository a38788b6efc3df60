"""Replays: the accounting balances, both stores agree, and it does not matter where a replay was interrupted."""

import itertools
from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyscript.runtime.reporting.report import report
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_772_000_000_000

EVENTS = {
    "signed_up": st.fixed_dictionaries({}, optional={"plan": st.sampled_from(["pro", "free"])}),
    "purchased": st.fixed_dictionaries({"total": st.integers(1, 90)}),
    "became_vip": st.just({}),
    "closed": st.just({}),
}
rows = st.lists(
    st.sampled_from(sorted(EVENTS)).flatmap(
        lambda event: st.tuples(
            st.sampled_from(["c1", "c2", "c3"]),
            # Hours fall together with each other and with timers of whole days, which is where order matters.
            st.integers(0, 24 * 8).map(lambda hours: hours * HOUR),
            st.just(event),
            st.fixed_dictionaries(
                {"properties": EVENTS[event]},
                optional={
                    "id": st.sampled_from(["a", "b", "c", "d"]),
                    "attributes": st.just({"email": "ada@example.com"}),
                    "consent": st.fixed_dictionaries({"email": st.booleans()}),
                },
            ),
        )
    ),
    max_size=25,
)


def assert_balanced(store):
    found = report(store, 0)
    for journey in found.journeys:
        assert journey.entered == journey.active + journey.completed + journey.exited + journey.failed
        assert journey.failed == 0
        assert sum(standing.count for standing in journey.standing) == journey.active
    assert all(send.status in ("sent", "skipped") for send in store.sends(10_000))


@settings(max_examples=60, deadline=None)
@given(rows=rows, batch=st.integers(1, 8))
def test_entered_is_the_sum_of_where_they_are_and_both_stores_agree(usual, take_in, replay, contents, rows, batch):
    records = take_in(usual, rows)
    memory = MemoryStore()
    assert replay(usual, memory, records, batch=batch, until=START + 30 * DAY)
    assert_balanced(memory)
    entered = Counter(
        (enrollment.journey, name)
        for name, enrollments in contents(memory)["enrollments"].items()
        for enrollment in enrollments
    )
    signed_up = {record.customer for record in records if record.event.name == "signed_up"}
    assert {name for journey, name in entered if journey == "welcome"} <= signed_up
    assert {entered[("welcome", name)] for name in signed_up} <= {0, 1}
    with TemporaryDirectory() as folder, closing(open_sqlite(Path(folder) / "store.db")) as sqlite:
        assert replay(usual, sqlite, records, batch=batch, until=START + 30 * DAY)
        assert contents(sqlite) == contents(memory)


@settings(max_examples=40, deadline=None)
@given(rows=rows.filter(bool), batches=st.tuples(st.integers(1, 5), st.integers(6, 50)))
def test_the_size_of_a_batch_changes_nothing(usual, take_in, replay, contents, rows, batches):
    records = take_in(usual, rows)
    told = []
    for batch in batches:
        store = MemoryStore()
        assert replay(usual, store, records, batch=batch)
        told.append(contents(store))
    assert told[0] == told[1]


@settings(max_examples=25, deadline=None)
@given(rows=rows.filter(lambda rows: len(rows) > 3), stop_after=st.integers(1, 12))
def test_a_replay_that_was_stopped_goes_on_to_the_same_end(usual, take_in, replay, contents, rows, stop_after):
    records = take_in(usual, rows)
    whole = MemoryStore()
    replay(usual, whole, records, batch=3, until=START + 20 * DAY)
    parts = MemoryStore()
    for _ in itertools.count():
        if replay(usual, parts, records, batch=3, until=START + 20 * DAY, stop_after=stop_after):
            break
    assert contents(parts) == contents(whole)


def test_a_replay_ends_with_its_last_event_unless_told_to_go_on(usual, take_in, replay):
    records = take_in(usual, [("c1", 0, "signed_up"), ("c2", 0, "signed_up"), ("c2", DAY + HOUR, "closed")])
    store = MemoryStore()
    assert replay(usual, store, records)
    assert store.next_due() is None, "the day of the first customer was up before the last event"
    store = MemoryStore()
    assert replay(usual, store, records[:2])
    assert store.next_due() == START + DAY
    assert replay(usual, store, records[:2], until=START + DAY)
    assert store.next_due() is None


def test_sends_that_a_kill_left_behind_are_settled_when_a_replay_goes_on(usual, take_in, replay):
    records = take_in(usual, [("c1", 0, "signed_up"), ("c1", HOUR, "purchased", {"properties": {"total": 5}})])
    store = MemoryStore()
    assert not replay(usual, store, records, batch=1, stop_after=1)
    (send,) = store.sends(5)
    assert send.status == "sent"
    store = MemoryStore()

    class KilledError(BaseException):
        pass

    settle = store.settle
    store.settle = lambda _settlements: (_ for _ in ()).throw(KilledError)
    with pytest.raises(KilledError):
        replay(usual, store, records, batch=1)
    store.settle = settle
    assert [send.status for send in store.sends(5)] == ["sending"]
    assert replay(usual, store, records, batch=1)
    assert [(send.status, send.reason) for send in store.sends(5)] == [("sent", "assumed"), ("sent", None)]


def test_a_send_is_settled_at_its_own_moment_and_not_at_the_end_of_the_batch(usual, take_in, replay):
    records = take_in(usual, [("c1", 0, "signed_up"), ("c2", HOUR, "signed_up"), ("c3", 2 * HOUR, "signed_up")])
    store = MemoryStore()
    replay(usual, store, records)
    assert [send.settled_at for send in store.sends(5)] == [START, START + HOUR, START + 2 * HOUR]
