"""What ended long ago goes; what counts stays."""

import pytest

from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, Changes


@pytest.fixture
def aged(filled, make):
    """Customer 1 has two ended enrollments and an active one, customer 2 one that ended and still has to send."""
    old = {"status": "completed", "entered_at": make.at, "ended_at": make.at + 10, "due_at": None}
    filled.commit(
        Changes(
            events=[make.event(at=make.at - 5, source_id="e1"), make.event("purchased", at=make.at - 4, customer=2)],
            enrollments=[
                make.enrollment(1, 0, **old),
                make.enrollment(1, 1, key="k", **{**old, "status": "exited", "reason": "silent"}),
                make.enrollment(1, 2, key="later", entered_at=make.at, due_at=make.at + 99),
                make.enrollment(2, 0, **old),
            ],
            decisions=[make.decision(1), make.decision(1, 1), make.decision(2)],
            sends=[make.send(1, status="sent", settled_at=make.at + 1), make.send(2, 0)],
        )
    )
    filled.commit(Changes(events=[make.event(at=make.at - 3, customer=3), make.event(at=make.at + 70, customer=3)]))
    return filled


def counts(store):
    return store.journey_counts(), store.send_counts(), store.reached("welcome"), store.totals(0)


def test_pruned_enrollments_stay_in_every_count(aged, make):
    before = counts(aged)
    expected = aged.prune(make.at + 11, {}, dry=True)
    assert counts(aged) == before
    assert aged.prune(make.at + 11, {}) == expected
    assert (expected.enrollments, expected.decisions, expected.sends, expected.events) == (2, 2, 1, 3)
    assert counts(aged) == before
    assert [one.key for one in aged.story("customer-1").enrollments] == ["later"]
    assert aged.seen([("http", "e1")]) == set()


def test_who_entered_once_has_entered_still_and_no_number_is_given_twice(aged, make):
    aged.settle([make.settlement(2)])
    aged.prune(make.at + 11, {})
    loaded = aged.load([], [1, 2], history=False)
    assert loaded[1].last_entries == {("welcome", key): make.at for key in ("", "k", "later")}
    assert loaded[1].last_exits == {("welcome", key): make.at + 10 for key in ("", "k")}
    assert (loaded[1].next_enrollment, loaded[2].next_enrollment) == (3, 1)


def test_what_still_has_to_send_stays(aged, make):
    aged.prune(make.at + 11, {})
    assert len(aged.story("customer-2").enrollments) == 1
    assert aged.next_available() == make.at


def test_what_ended_at_the_very_instant_or_later_stays(aged, make):
    assert aged.prune(make.at + 10, {}, dry=True).enrollments == 0


@pytest.mark.parametrize(
    ("keep", "events"),
    [
        ({"signed_up": None}, 1),
        ({"signed_up": -4}, 2),
        ({"purchased": None, "signed_up": None}, 0),
        ({"other": None}, 3),
    ],
)
def test_events_that_somebody_looks_at_stay(aged, make, keep, events):
    keep = {name: since if since is None else make.at + since for name, since in keep.items()}
    assert aged.prune(make.at + 11, keep, dry=True).events == events


def test_events_since_the_entry_of_an_active_enrollment_stay(filled, make):
    filled.commit(
        Changes(
            events=[make.event(at=make.at - 1), make.event(at=make.at), make.event(at=make.at + 9, customer=2)],
            enrollments=[make.enrollment(1, entered_at=make.at, due_at=make.at + 99)],
        )
    )
    assert filled.prune(make.at + 5, {}).events == 1
    assert [kept.event.at for kept in filled.dossier("customer-1").events] == [make.at]


def test_what_was_erased_is_pruned_like_the_rest(aged, make):
    aged.erase("customer-1", make.at + 20)
    before = counts(aged)
    assert aged.prune(make.at + 21, {}).enrollments == 3
    assert counts(aged) == before
    assert aged.prune(make.at + 21, {}, dry=True).enrollments == 0


def test_failed_sends_are_tried_again_as_if_for_the_first_time(filled, make):
    filled.commit(
        Changes(
            enrollments=[make.enrollment(1)],
            sends=[make.send(1, status="failed", reason="gave_up", detail="x", attempts=5, expires_at=make.at)],
        )
    )
    (failed,) = filled.find_sends(5, status="failed", journey="welcome", channel="email")
    assert filled.find_sends(5, status="failed", channel="sms") == []
    filled.requeue([(failed.enrollment, failed.visit)], make.at + 7)
    (again,) = filled.claim(make.at + 7, 5)
    assert (again.key, again.attempts, again.reason, again.expires_at) == (failed.key, 1, None, None)
    with pytest.raises(ValueError, match="did not fail"):
        filled.requeue([(again.enrollment, again.visit)], make.at)
    assert filled.unsettled() == [again]


def test_passages_are_those_that_go_on_or_ended_since_and_how_many_are_gone(aged, make):
    of = ENROLLMENTS_PER_CUSTOMER
    assert aged.passages("welcome", make.at + 10) == ([of, of + 1, of + 2, 2 * of], 0)
    assert aged.passages("welcome", make.at + 11) == ([of + 2], 0)
    assert aged.passages("winback", 0) == ([], 0)
    aged.prune(make.at + 11, {})
    assert aged.passages("welcome", 0) == ([of + 2, 2 * of], 2)
    aged.erase("customer-2", make.at + 12)
    assert aged.passages("welcome", 0) == ([of + 2], 2), "who was erased has no history"
