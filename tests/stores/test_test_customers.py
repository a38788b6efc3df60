"""What belongs to test customers is in no count of people, and is counted apart: the same in every store."""

import sqlite3
from contextlib import closing

import pytest
from msgspec.structs import replace

from journeyscript.stores.counts import JourneyCount, RefusalCount, SendCount
from journeyscript.stores.records import Changes, Refusal
from journeyscript.stores.sqlite import open_sqlite
from journeyscript.stores.sqlite.migrations import migrate
from journeyscript.stores.sqlite.statements import SQL


@pytest.fixture
def mixed(filled, make):
    """Customers 1 and 2 are people, customer 3 is a test customer; 2 and 3 have gone further than 1."""
    there = {number: make.enrollment(number, test=number == 3) for number in (1, 2, 3)}
    refused = {"at": make.at, "event": "signed_up", "journey": "welcome", "reason": "inside"}
    filled.commit(
        Changes(
            enrollments=[
                there[1],
                *(
                    replace(there[number], state="done", status="completed", ended_at=make.at + 5, visit=2)
                    for number in (2, 3)
                ),
            ],
            decisions=[make.decision(number) for number in (1, 2, 3)],
            sends=[make.send(number, status="sent", settled_at=make.at, test=number == 3) for number in (1, 2, 3)],
            refusals=[Refusal(customer=number, test=number == 3, **refused) for number in (1, 3)],
        )
    )
    return filled


def standing(count, status="completed", state="done"):
    return JourneyCount(journey="welcome", version="v1", status=status, state=state, reason=None, count=count)


def sent(count, status="sent"):
    return SendCount(journey="welcome", message="welcome", channel="email", status=status, reason=None, count=count)


def test_people_and_test_customers_are_counted_apart(mixed):
    assert mixed.journey_counts() == [standing(1, "active", "send.welcome"), standing(1)]
    assert mixed.journey_counts(test=True) == [standing(1)]
    assert mixed.send_counts() == [sent(2)]
    assert mixed.send_counts(test=True) == [sent(1)]
    assert mixed.refusal_counts() == [RefusalCount(journey="welcome", reason="inside", count=1)]
    assert mixed.reached("welcome") == {"v1": {"send.welcome": 2}}


def test_what_is_told_of_one_customer_says_that_it_is_a_test(mixed):
    for name, test in (("customer-1", False), ("customer-3", True)):
        story = mixed.story(name)
        assert [one.test for one in (*story.enrollments, *story.sends, *story.refusals)] == [test] * 3
    assert [send.test for send in mixed.sends(10)] == [False, False, True]
    assert [send.test for send in mixed.find_sends(10)] == [True, False, False]


def test_a_message_to_a_test_customer_goes_out_as_any_other(filled, make):
    filled.commit(Changes(enrollments=[make.enrollment(1, test=True)], sends=[make.send(1, test=True)]))
    assert filled.next_available() == make.at
    (claimed,) = filled.claim(make.at, 10)
    assert claimed.test
    assert filled.unsettled() == [claimed]
    filled.settle([make.settlement(1)])
    assert (filled.send_counts(), filled.send_counts(test=True)) == ([], [sent(1)])


def test_who_is_active_as_a_test_customer_takes_no_place(filled, make):
    def active():
        return filled.active(["welcome"])["welcome"]

    filled.commit(Changes(enrollments=[make.enrollment(1, test=True)]))
    assert active() == 0, "counted from all that is there"
    filled.commit(Changes(enrollments=[make.enrollment(2), make.enrollment(3, test=True)]))
    assert active() == 1, "kept up with what is committed"
    ended = {"status": "completed", "ended_at": make.at}
    filled.commit(Changes(enrollments=[make.enrollment(2, **ended), make.enrollment(3, test=True, **ended)]))
    assert active() == 0
    assert filled.inside("welcome", 0, 10) == [1], "an operator's orders reach them all the same"


def test_pruned_ones_stay_on_their_side_of_the_counts(mixed, make):
    def counts():
        return [
            *(verb(test=test) for verb in (mixed.journey_counts, mixed.send_counts) for test in (False, True)),
            mixed.reached("welcome"),
        ]

    before = counts()
    assert mixed.prune(make.at + 6, {}).enrollments == 2
    assert counts() == before


def test_an_erasure_says_how_much_of_what_ended_was_a_test(filled, make):
    filled.commit(Changes(enrollments=[make.enrollment(3, 0, test=True), make.enrollment(3, 1, key="k")]))
    erased = filled.erase("customer-3", make.at + 9)
    assert (erased.ended, erased.ended_test) == (2, 1)
    assert [one.count for one in filled.journey_counts(test=True)] == [1]


def test_a_merge_keeps_what_was_a_test_a_test(filled, make):
    filled.commit(
        Changes(
            enrollments=[
                make.enrollment(1, entered_at=make.at),
                make.enrollment(2, entered_at=make.at + 1, test=True),
                make.enrollment(2, 1, key="k", test=True),
            ],
            sends=[make.send(2, 1, test=True)],
        )
    )
    merged = filled.merge("customer-2", "customer-1", make.at + 9)
    assert (merged.ended, merged.ended_test) == (1, 1)
    story = filled.story("customer-1")
    assert sorted((one.key, one.status, one.test) for one in story.enrollments) == [
        ("", "active", False),
        ("", "exited", True),
        ("k", "active", True),
    ]
    assert [send.test for send in story.sends] == [True]


def test_in_a_file_from_before_nobody_is_a_test_customer(make, tmp_path):
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        migrate(connection, stop_before="010_test_customers")
        connection.execute(
            "INSERT INTO machines (version, journey, document, about, contents, current, deployed_at) "
            "VALUES ('v1', 'welcome', '{}', '{}', '[]', 0, 0)"
        )
        connection.execute("INSERT INTO customers (number, external_id, attributes) VALUES (1, 'ada', '{}')")
        connection.execute(
            "INSERT INTO enrollments (id, machine, key, status, state, visit, entered_at, since, entry) "
            "VALUES (1048576, 1, '', 'active', 'a', 1, 0, 0, '{\"name\":\"e\",\"at\":0,\"properties\":{}}')"
        )
    with closing(open_sqlite(path)) as store:
        assert [one.count for one in store.journey_counts()] == [1]
        assert store.journey_counts(test=True) == []
        assert not store.load(["ada"], [], history=False)[1].enrollments[0].test


@pytest.mark.parametrize(
    ("name", "index"), [("test_journey_counts", "enrollments_test"), ("test_send_counts", "sends_test")]
)
def test_counting_test_customers_apart_walks_no_table(name, index, tmp_path):
    open_sqlite(tmp_path / "store.db").close()
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {SQL[name]}")]
    walked = [step for step in steps if step.startswith(("SCAN enrollments", "SCAN sends"))]
    assert len(walked) == 1
    assert index in walked[0]
