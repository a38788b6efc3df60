"""What a store refuses to keep is set apart, and everybody else goes on; a trigger in the file makes it refuse."""

import threading
from contextlib import closing

import msgspec
import pytest

from journeyscript.runtime.advancing.identity import take_in as take_in_order
from journeyscript.runtime.advancing.keeping import Arrival
from journeyscript.runtime.intake.sources import FileSource
from journeyscript.runtime.live import Live
from journeyscript.runtime.session import For, Session
from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, StoreError
from journeyscript.stores.sqlite import open_sqlite

START = 1_772_000_000_000
HOUR, DAY = 3_600_000, 86_400_000
PEOPLE = 37
BAD = 17
"""The number of the customer whom the store does not like."""


@pytest.fixture
def store(tmp_path):
    with closing(open_sqlite(tmp_path / "store.db")) as kept:
        yield kept


@pytest.fixture
def session(usual, store):
    with Session(usual, store, virtual=False, delivery=For.NOTHING, at=START, environment={}) as opened:
        yield opened


@pytest.fixture
def take(session, store, take_in):
    """Take rows in at a moment after the start, with all timers that are due; return what was refused."""

    def taken(rows, now):
        records = take_in(session.project, rows, received_at=START + now)
        arrivals = [Arrival(record=record, reader="test", position=record.position) for record in records]
        due = store.due(START + now, 1_000)
        return take_in_order(store, session.rules, arrivals, due=due, now=START + now)

    return taken


def refuse(store, table, when, *, verb="INSERT"):
    """Let the store's file refuse rows."""
    store._connection.execute(
        f"CREATE TRIGGER refuse_{table}_{verb} BEFORE {verb} ON {table} WHEN {when} "
        "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
    )


def everybody(event="signed_up", at=0):
    return [(f"c{n}", at, event, {"id": f"{event}-{n}"}) for n in range(1, PEOPLE + 1)]


def standing(store):
    return {
        n: [(e.journey, e.status, e.reason) for e in store.story(f"c{n}").enrollments]
        for n in range(1, PEOPLE + 1)
        if store.story(f"c{n}") is not None
    }


INSIDE = [("welcome", "active", None)]


def test_a_record_that_the_store_refuses_is_kept_as_refused_and_all_others_are_taken_in(take, store):
    refuse(store, "events", f"NEW.customer = {BAD}")
    (refused,) = take(everybody(), 0)
    assert refused.reason == "it cannot be kept: the store already keeps something else in this place: not this one"
    assert msgspec.json.decode(refused.raw) == {
        "customer": f"c{BAD}",
        "event": "signed_up",
        "time": START,
        "id": f"signed_up-{BAD}",
    }
    assert store.rejected(10) == [refused]
    assert standing(store) == {n: INSIDE for n in range(1, PEOPLE + 1) if n != BAD}
    assert store.totals(START).events == PEOPLE - 1
    assert store.positions() == {"test": str(PEOPLE)}, "nobody has to read any of it again"


def test_several_that_the_store_refuses_are_found_each(take, store):
    refuse(store, "events", "NEW.customer % 9 = 0")
    refused = take(everybody(), 0)
    assert sorted(msgspec.json.decode(one.raw)["customer"] for one in refused) == ["c18", "c27", "c36", "c9"]
    assert len(standing(store)) == PEOPLE - 4


def test_an_enrollment_that_a_timer_cannot_move_ends_as_failed_and_all_others_go_on(take, store):
    assert take(everybody(), 0) == []
    refuse(store, "decisions", f"NEW.enrollment / {ENROLLMENTS_PER_CUSTOMER} = {BAD}")
    assert take([], 2 * DAY) == []
    found = standing(store)
    assert found.pop(BAD) == [("welcome", "failed", "set_apart")]
    assert set(map(tuple, found.values())) == {(("welcome", "completed", None),)}
    assert store.next_due() is None, "nobody is tried again for ever"
    assert store.rejected(10) == []


def test_an_enrollment_that_a_record_cannot_move_ends_as_failed_and_the_record_is_kept(take, store):
    assert take(everybody(), 0) == []
    rest = f"NEW.enrollment = {BAD * ENROLLMENTS_PER_CUSTOMER}"
    refuse(store, "sends", rest)
    bought = [(f"c{n}", HOUR, "purchased", {"properties": {"total": 5}}) for n in range(1, PEOPLE + 1)]
    assert take(bought, HOUR) == []
    found = standing(store)
    assert found.pop(BAD) == [("welcome", "failed", "set_apart"), ("winback", "active", None)]
    assert set(map(tuple, found.values())) == {(("welcome", "exited", "bought"), ("winback", "active", None))}
    assert store.totals(START).events == 2 * PEOPLE, "the purchase itself is known"


@pytest.mark.parametrize("told", [True, False])
def test_a_message_that_was_held_is_cancelled_where_its_enrollment_is_set_apart(build, take_in, store, told):
    quiet = 'policies: { quiet_hours: { between: ["21:00", "08:00"] } }\n'
    project = build({"journeyscript.yaml": f"name: shop\ntimezone: Europe/Berlin\n{quiet}"})
    with Session(project, store, virtual=False, delivery=For.NOTHING, at=START, environment={}) as session:
        arrivals = [
            Arrival(record=record, reader="", position="")
            for record in take_in(project, [("c1", 0, "signed_up"), ("c2", 0, "signed_up")], received_at=START)
        ]
        assert take_in_order(store, session.rules, arrivals, now=START) == []
        assert [one.held.reason for one in store.story("c1").enrollments] == ["quiet_hours"]
        refuse(store, "decisions", f"NEW.enrollment < {2 * ENROLLMENTS_PER_CUSTOMER}")
        if not told:
            refuse(store, "sends", f"NEW.enrollment < {2 * ENROLLMENTS_PER_CUSTOMER}")
        take_in_order(store, session.rules, [], due=store.due(START + 2 * HOUR, 10), now=START + 2 * HOUR)
    story = store.story("c1")
    assert [(one.status, one.reason) for one in story.enrollments] == [("failed", "set_apart")]
    assert [(s.message, s.status, s.reason) for s in story.sends] == [("hello", "skipped", "cancelled")] * told
    assert [send.status for send in store.story("c2").sends] == ["pending"]


def test_consent_that_is_taken_back_counts_although_the_enrollment_cannot_go_on(build, take_in, store):
    project = build(
        {
            "journeys/welcome.yaml": """
journey: welcome
entry: { event: signed_up, again: always }
exit: [{ when: not consent.email }]
steps:
  - wait: 1 day
"""
        }
    )
    with Session(project, store, virtual=False, delivery=For.NOTHING, at=START, environment={}) as session:

        def take(rows):
            records = take_in(project, rows, received_at=START)
            arrivals = [Arrival(record=record, reader="", position="") for record in records]
            return take_in_order(store, session.rules, arrivals, now=START)

        assert take([("c1", 0, "signed_up", {"consent": {"email": True}})]) == []
        refuse(store, "decisions", "NEW.rule LIKE 'exit%'")
        assert take([("c1", 0, None, {"consent": {"email": False}})]) == []
    story = store.story("c1")
    assert story.customer.consent == {"email": False}
    assert [(one.status, one.reason) for one in story.enrollments] == [("failed", "set_apart")]


def test_a_store_that_cannot_be_used_is_no_customer_s_fault(take, store):
    assert take(everybody(), 0) == []
    store._connection.execute("PRAGMA max_page_count = 1")
    more = [(f"d{n}", HOUR, "signed_up") for n in range(400)]
    with pytest.raises(StoreError, match="there is no space left"):
        take(more, HOUR)
    assert store.rejected(10) == []
    assert set(map(tuple, standing(store).values())) == {tuple(INSIDE)}


def test_an_enrollment_that_cannot_even_be_ended_stops_the_run_with_a_sentence(take, store):
    assert take(everybody(), 0) == []
    refuse(store, "enrollments", f"NEW.id / {ENROLLMENTS_PER_CUSTOMER} = {BAD}")
    refuse(store, "enrollments", f"NEW.id / {ENROLLMENTS_PER_CUSTOMER} = {BAD}", verb="UPDATE")
    with pytest.raises(StoreError, match="refuses to end an enrollment that cannot go on; ask `journeyscript doctor`"):
        take([], 2 * DAY)


def test_a_live_run_goes_on(session, store, tmp_path):
    refuse(store, "events", f"NEW.customer = {BAD}")
    lines = [
        msgspec.json.encode({"customer": f"c{n}", "event": "signed_up", "id": str(n)}) + b"\n"
        for n in range(1, PEOPLE + 1)
    ]
    (tmp_path / "events.jsonl").write_bytes(b"".join(lines))
    live = Live(session, threading.Event())
    live.run([FileSource(tmp_path / "events.jsonl", {})], once=True)
    assert (live.done.taken, live.done.refused) == (PEOPLE - 1, 1)
    assert {send.status for send in store.sends(100)} == {"sent"}
    assert len(store.sends(100)) == PEOPLE - 1


def test_where_nothing_can_be_kept_nobody_is_blamed_and_the_run_ends_with_a_sentence(take, store):
    assert take(everybody(), 0) == []
    refuse(store, "decisions", "TRUE")
    with pytest.raises(
        StoreError, match=r"too much cannot be kept at once \(ValueError\), which is no single customer"
    ):
        take([], 2 * DAY)
    assert sum(status == "failed" for (_, status, _), *_ in standing(store).values()) <= 2
    store._connection.execute("DROP TRIGGER refuse_decisions_INSERT")
    assert take([], 2 * DAY) == []
    assert store.next_due() is None


def test_a_few_may_be_set_apart_and_many_may_not(take, store):
    refuse(store, "events", f"NEW.customer % 3 = 0 AND NEW.customer <= {PEOPLE}")
    with pytest.raises(StoreError, match="too much cannot be kept at once"):
        take(everybody(), 0)
    assert len(store.rejected(100)) == 10
    assert store.positions() == {"test": "32"}, "the rest is still to be read"


@pytest.mark.parametrize(
    ("record", "table", "verb"),
    [
        ({"type": "merge", "previous": "c2"}, "aliases", "INSERT"),
        ({"type": "erase"}, "gone", "INSERT"),
    ],
)
def test_a_merge_or_an_erasure_that_the_store_refuses_is_kept_as_refused_and_nobody_waits(
    take, store, record, table, verb
):
    assert take(everybody(), 0) == []
    refuse(store, table, "TRUE", verb=verb)
    rows = [("c1", 1, None, record), ("c3", 2, "closed")]
    (refused,) = take(rows, HOUR)
    assert refused.reason.startswith("it could not be done: ")
    assert '"c1"' in refused.raw
    assert store.story("c3").enrollments[0].status == "exited"
    assert [one.status for one in store.story("c1").enrollments] == ["active"]


def test_a_customer_of_whom_nothing_can_be_kept_ends_no_run(take, store):
    refuse(store, "events", "TRUE")
    assert len(take([("c1", n, "signed_up") for n in range(20)], HOUR)) == 20
