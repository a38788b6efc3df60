"""The outbox: from the decision to send to its final outcome."""

import pytest
from msgspec.structs import replace

from journeyscript.stores.counts import SendCount
from journeyscript.stores.records import Changes


@pytest.fixture
def outbox(filled, make):
    filled.commit(
        Changes(
            enrollments=[make.enrollment(1), make.enrollment(2), make.enrollment(3)],
            sends=[
                make.send(3, available_at=make.at + 10),
                make.send(1, available_at=make.at + 20),
                make.send(2, available_at=make.at + 10, data='{"name":"Zoë\\u0000"}', locale="zh-CN"),
                make.send(1, visit=2, available_at=make.at + 30),
                make.send(2, visit=2, status="skipped", reason="no_consent", settled_at=make.at),
            ],
        )
    )
    return filled


def places(sends):
    return [(send.customer, send.visit) for send in sends]


def test_claimed_sends_are_the_oldest_available_and_claimed_once(outbox, make):
    assert outbox.next_available() == make.at + 10
    assert outbox.claim(make.at + 9, 10) == []
    first = outbox.claim(make.at + 20, 2)
    assert places(first) == [(2, 1), (3, 1)]
    assert first[0] == make.send(
        2,
        available_at=make.at + 10,
        data='{"name":"Zoë\\u0000"}',
        locale="zh-CN",
        status="sending",
        attempts=1,
    )
    assert places(outbox.claim(make.at + 20, 2)) == [(1, 1)]
    assert outbox.claim(make.at + 20, 2) == []
    assert outbox.next_available() == make.at + 30
    assert outbox.claim(make.at + 30, 0) == []


def test_what_was_being_sent_is_unsettled_until_it_is_settled(outbox, make):
    assert outbox.unsettled() == []
    claimed = outbox.claim(make.at + 20, 3)
    assert outbox.unsettled() == claimed
    outbox.settle([make.settlement(3), make.settlement(1, status="failed", reason="permanent", detail="550")])
    assert outbox.unsettled() == [claimed[0]]


def test_an_outcome_is_kept_with_all_that_is_known(outbox, make):
    (claimed, *_) = outbox.claim(make.at + 10, 1)
    outbox.settle([make.settlement(2, provider_id="p-1", detail="queued")])
    settled = replace(claimed, status="sent", provider_id="p-1", detail="queued", settled_at=make.at + 100)
    assert outbox.story("customer-2").sends[0] == settled


def test_a_send_put_off_is_pending_again_at_its_new_time(outbox, make):
    outbox.claim(make.at + 10, 2)
    later = make.at + 60_000
    put_off = make.settlement(2, status="pending", reason="later", detail="421", available_at=later)
    outbox.settle([put_off, make.settlement(3, status="pending")])
    kept = outbox.story("customer-2").sends[0]
    assert (kept.status, kept.attempts, kept.available_at, kept.settled_at) == ("pending", 1, later, None)
    assert (kept.reason, kept.detail) == ("later", "421")
    assert outbox.next_available() == make.at + 10
    again = outbox.claim(later, 10)
    assert places(again) == [(3, 1), (1, 1), (1, 2), (2, 1)]
    assert [send.attempts for send in again] == [2, 1, 1, 2]


def test_a_final_outcome_stays(outbox, make):
    outbox.claim(make.at + 20, 10)
    outbox.settle([make.settlement(2)])
    for wrong in (
        make.settlement(2, status="pending", available_at=make.at),
        make.settlement(2, status="failed"),
        make.settlement(1, visit=9),
    ):
        with pytest.raises(ValueError, match="settled already"):
            outbox.settle([make.settlement(3), wrong])
    with pytest.raises(ValueError, match="settled already"):
        outbox.settle([make.settlement(3), make.settlement(3)])
    assert places(outbox.unsettled()) == [(3, 1), (1, 1)]


def test_a_pending_send_may_be_given_up_without_being_claimed(outbox, make):
    outbox.settle([make.settlement(2, status="skipped", reason="exited")])
    assert places(outbox.claim(make.at + 10, 10)) == [(3, 1)]


def test_addresses_that_refused_are_suppressed_for_good(outbox, make):
    outbox.commit(Changes(customers=[make.customer(1, suppressed=frozenset({"old@example.com"}), attributes={"a": 1})]))
    outbox.claim(make.at + 30, 10)
    outbox.settle(
        [
            make.settlement(1, status="failed", suppress=(1, "ada@example.com")),
            make.settlement(1, visit=2, status="failed", suppress=(1, "+49 151")),
            make.settlement(2, status="failed", suppress=(2, "bob@example.com")),
            make.settlement(3),
        ]
    )
    loaded = outbox.load([], [1, 2, 3], history=False)
    assert loaded[1].suppressed == {"old@example.com", "ada@example.com", "+49 151"}
    assert loaded[1].attributes == {"a": 1}
    assert loaded[2].suppressed == {"bob@example.com"}
    assert loaded[3].suppressed == frozenset()


def test_one_place_holds_one_send_and_the_whole_commit_fails_otherwise(outbox, make):
    before = outbox.sends(100)
    for again in ([make.send(1)], [make.send(3, visit=7), make.send(3, visit=7)]):
        with pytest.raises(ValueError, match="already keeps something else"):
            outbox.commit(
                Changes(
                    customers=[make.customer(1, attributes={"moved": True}), make.customer(4)],
                    events=[make.event("never_seen_before", source="new", source_id="1", needed=True)],
                    enrollments=[make.enrollment(1, visit=2, due_at=make.at), make.enrollment(3, 5)],
                    decisions=[make.decision(1, visit=2)],
                    sends=[make.send(2, visit=9), *again],
                    rejected=[make.rejected()],
                    positions={"file": "1"},
                )
            )
    assert outbox.sends(100) == before
    assert outbox.load([], [1], history=True)[1].attributes == {}
    assert outbox.load([], [1], history=True)[1].history == {}
    assert outbox.load([], [1], history=True)[1].enrollments == [make.enrollment(1)]
    assert outbox.story("customer-1").decisions == ()
    assert outbox.seen([("new", "1")]) == set()
    assert (outbox.positions(), outbox.rejected(10), outbox.next_due()) == ({}, [], None)
    assert outbox.totals(make.at).customers == 3
    outbox.commit(Changes(events=[make.event("never_seen_before", source="new", source_id="1", needed=True)]))
    assert outbox.seen([("new", "1")]) == {("new", "1")}
    assert list(outbox.load([], [1], history=True)[1].history) == ["never_seen_before"]


def test_sends_are_listed_by_enrollment_and_visit_page_by_page(outbox):
    page = outbox.sends(3)
    assert places(page) == [(1, 1), (1, 2), (2, 1)]
    rest = outbox.sends(3, after=(page[-1].enrollment, page[-1].visit))
    assert places(rest) == [(2, 2), (3, 1)]
    assert outbox.sends(3, after=(rest[-1].enrollment, rest[-1].visit)) == []
    assert outbox.sends(0) == []


def test_sends_are_counted_by_outcome(outbox, make):
    outbox.claim(make.at + 10, 1)
    outbox.settle([make.settlement(2)])

    def count(status, number, reason=None):
        return SendCount(
            journey="welcome", message="welcome", channel="email", status=status, reason=reason, count=number
        )

    assert outbox.send_counts() == [count("pending", 3), count("sent", 1), count("skipped", 1, "no_consent")]
