"""Records that say who somebody is, or that they are to be forgotten, in their turn among all others."""

import threading
from contextlib import closing

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyscript.runtime.advancing.identity import Arrival
from journeyscript.runtime.advancing.identity import take_in as take_in_order
from journeyscript.runtime.intake.records import Erasure, Intake, Merge
from journeyscript.runtime.intake.sources import Line
from journeyscript.runtime.live import Live
from journeyscript.runtime.reporting.report import report
from journeyscript.runtime.session import For, Session
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Rejected
from journeyscript.stores.sqlite import open_sqlite

START = 1_772_000_000_000
HOUR, DAY = 3_600_000, 86_400_000
MERGE = {"type": "merge", "previous": "c2"}
ERASE = {"type": "erase"}


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    kept = MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "store.db")
    with closing(kept):
        yield kept


@pytest.mark.parametrize(
    "record",
    [
        {"type": "merge", "customer": "ada", "previous": "visitor"},
        {"type": "alias", "userId": "ada", "previousId": "visitor"},
        {"type": "alias", "customer": "ada", "previousId": "visitor", "time": None},
    ],
)
def test_a_record_can_say_that_two_names_are_one_customer(usual, record):
    taken = Intake(usual.catalog).record(record, "test", "7", START)
    assert isinstance(taken, Merge)
    assert (taken.customer, taken.anonymous, taken.at, taken.position) == ("ada", "visitor", START, "7")
    assert msgspec.json.decode(taken.raw) == record


@pytest.mark.parametrize("record", [{"type": "erase", "customer": "ada"}, {"type": "delete", "userId": "ada"}])
def test_a_record_can_ask_for_a_customer_to_be_forgotten(usual, record):
    taken = Intake(usual.catalog).record({**record, "time": "2026-02-26T00:00:00Z"}, "test", "7", START)
    assert taken == Erasure(customer="ada", at=1_772_064_000_000, source="test", position="7")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"type": "merge", "customer": "ada"}, "`previous` is missing"),
        ({"type": "alias", "previousId": "ada"}, "`customer` is missing"),
        ({"type": "erase", "customer": ["ada"]}, "`customer` is a text or a number"),
        ({"type": "erase", "customer": "ada", "time": "soon"}, "soon"),
    ],
)
def test_a_record_that_does_not_say_who_is_kept_with_the_reason(usual, record, reason):
    taken = Intake(usual.catalog).record(record, "test", "7", START)
    assert isinstance(taken, Rejected)
    assert reason in taken.reason


@pytest.mark.parametrize("batch", [1, 2, 50])
def test_a_visitor_becomes_known_inside_the_same_journey_and_hears_nothing_twice(usual, take_in, replay, store, batch):
    records = take_in(
        usual,
        [
            ("c2", 0, "signed_up"),
            ("c1", HOUR, "signed_up", {"attributes": {"level": "gold"}}),
            ("c1", 2 * HOUR, None, MERGE),
            ("c2", 3 * HOUR, "signed_up"),
        ],
    )
    assert replay(usual, store, records, batch=batch, until=START + 30 * DAY)
    story = store.story("c1")
    assert [(one.journey, one.status, one.reason) for one in story.enrollments] == [
        ("welcome", "completed", None),
        ("welcome", "exited", "merged"),
    ]
    messages = [(send.message, send.status) for send in story.sends]
    assert messages == [("hello", "sent"), ("hello", "sent"), ("mail", "skipped")], "each one was greeted once"
    assert len(store.dossier("c1").events) == 3
    assert store.totals(0).customers == 1
    assert [one.entered_at for one in story.enrollments] == [START, START + HOUR]


@pytest.mark.parametrize("batch", [1, 50])
def test_a_timer_before_the_merge_fires_before_it_and_one_behind_it_after(usual, take_in, replay, store, batch):
    records = take_in(
        usual,
        [
            ("c2", 0, "signed_up"),
            ("c1", DAY - 1, None, MERGE),
            ("c1", DAY - 1, "purchased", {"properties": {"total": 5}}),
        ],
    )
    assert replay(usual, store, records, batch=batch)
    (welcome,) = (one for one in store.story("c1").enrollments if one.journey == "welcome")
    assert welcome.reason == "bought", "the purchase of the known customer ends the wait that the visitor began"


@pytest.mark.parametrize("batch", [1, 50])
def test_erasure_while_waiting_takes_the_timer_along_and_a_later_event_is_somebody_new(
    usual, take_in, replay, store, batch
):
    records = take_in(
        usual,
        [
            ("c1", 0, "signed_up", {"attributes": {"email": "ada@example.com"}}),
            ("c2", 0, "signed_up"),
            ("c1", HOUR, None, ERASE),
            ("c1", 2 * HOUR, "signed_up"),
        ],
    )
    assert replay(usual, store, records, batch=batch, until=START + 30 * DAY)
    (journey,) = report(store, 0).journeys
    assert (journey.entered, journey.completed, journey.exited) == (3, 2, 1)
    assert [(one.name, one.count) for one in journey.reasons] == [("deleted", 1)]
    story = store.story("c1")
    assert (story.customer.number, len(story.enrollments), story.customer.attributes) == (3, 1, {})
    assert "ada@example.com" not in repr([store.sends(100), store.load([], [1, 2, 3], history=True)])


def test_a_name_of_somebody_else_is_refused_and_kept_with_the_reason(usual, take_in, replay, store):
    records = take_in(
        usual,
        [("c1", 0, None, MERGE), ("c3", 1, "signed_up"), ("c3", 2, None, MERGE), ("c2", 3, "signed_up")],
    )
    assert replay(usual, store, records)
    (rejected,) = store.rejected(5)
    assert rejected.reason == "`c2` is `c1` already, and cannot be `c3` as well"
    assert '"previous":"c2"' in rejected.raw
    assert len(store.story("c1").enrollments) == 1


def test_a_live_batch_is_split_at_such_a_record_and_its_position_moves_along(usual, store):
    lines = [
        '{"customer":"visitor","event":"signed_up"}',
        '{"type":"alias","previousId":"visitor","userId":"ada"}',
        '{"customer":"visitor","event":"purchased","properties":{"total":3}}',
        '{"type":"delete","userId":"ada"}',
        '{"customer":"ada","event":"signed_up"}',
        '{"type":"merge","customer":"bo","previous":"ada"}',
    ]
    with Session(usual, store, virtual=False, delivery=For.NOTHING, at=START, environment={}) as session:
        live = Live(session, threading.Event(), clock=lambda: START)
        live.run([_Lines(lines)], once=True)
    assert live.done.taken == 6
    assert store.positions() == {"file": "6"}
    reasons = {one.reason for one in store.journey_counts() if one.journey == "welcome"}
    assert reasons == {"bought", None}
    assert store.story("ada").customer.external_id == "bo"
    assert store.totals(START).customers == 1


class _Lines:
    """A source with all its lines at once."""

    polled = False

    def __init__(self, lines):
        self.lines = [
            Line(source="file", reader="file", position=str(number), text=text) for number, text in enumerate(lines, 1)
        ]

    def read(self, limit):
        taken, self.lines = self.lines[:limit], self.lines[limit:]
        return taken

    def exhausted(self):
        return not self.lines

    def finish(self):
        return []


kinds = st.sampled_from(
    [
        ("signed_up", {}),
        ("purchased", {"properties": {"total": 60}}),
        ("closed", {}),
        (None, {"type": "merge", "previous": "c1"}),
        (None, {"type": "merge", "previous": "c2"}),
        (None, {"type": "erase"}),
    ]
)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from(["c1", "c2", "c3"]), st.integers(0, 100), kinds), max_size=14),
    batch=st.integers(1, 6),
)
def test_whoever_is_merged_and_erased_in_whatever_order_both_stores_agree_and_the_counts_balance(
    usual, take_in, replay, contents, tmp_path_factory, rows, batch
):
    records = take_in(usual, [(who, at * HOUR, event, more) for who, at, (event, more) in rows])
    memory = MemoryStore()
    assert replay(usual, memory, records, batch=batch, until=START + 30 * DAY)
    with closing(open_sqlite(tmp_path_factory.mktemp("twin") / "store.db")) as sqlite:
        assert replay(usual, sqlite, records, batch=batch, until=START + 30 * DAY)
        assert contents(memory) == contents(sqlite)
        found = sqlite.inspect(START)
        assert (found.dangling, found.missing.count, found.without_timer.count) == ((), 0, 0)
        assert all(one.entered == one.accounted and not one.untraced + one.half_ended for one in found.balances)
    for journey in report(memory, 0).journeys:
        assert journey.entered == journey.active + journey.completed + journey.exited + journey.failed
    keys = [send.key for send in memory.sends(10_000)]
    assert len(set(keys)) == len(keys)


def test_a_merge_that_is_read_again_after_a_crash_changes_nothing(usual, take_in, store):
    records = take_in(usual, [("c2", 0, "signed_up"), ("c1", 1, None, MERGE), ("c1", 2, "signed_up")])
    arrivals = [Arrival(record=one, reader="", position="") for one in records]
    with Session(usual, store, virtual=True, delivery=For.NOTHING, at=START, environment={}) as session:
        take_in_order(store, session.rules, arrivals, now=START + HOUR)
        before = store.story("c1")
        take_in_order(store, session.rules, arrivals[1:2], now=START + HOUR)
    assert store.story("c1") == before
