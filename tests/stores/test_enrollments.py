"""Enrollments, their times, their counts and their stories."""

from collections import Counter

import pytest

from journeyscript.engine.values import Event
from journeyscript.stores.counts import JourneyCount
from journeyscript.stores.records import Changes


def test_an_enrollment_comes_back_as_it_was(filled, make):
    full = make.enrollment(
        1,
        key="order\0😀",
        visit=7,
        since=make.at + 3,
        due_at=make.at + 4000,
        entry=Event(name="signed_up", at=make.at - 1, properties={"plan": "pro", "seats": 2**65, "rate": 1.0}),
        laps={"repeat": 2},
        goal_at=make.at + 2,
    )
    filled.commit(Changes(enrollments=[full]))
    assert filled.load([], [1], history=False)[1].enrollments == [full]


def test_the_last_form_of_an_enrollment_is_what_is_kept(filled, make):
    filled.deploy([make.deployment("v2")], make.at)
    filled.commit(Changes(enrollments=[make.enrollment(1, due_at=make.at + 1000, laps={"r": 1})]))
    moved = make.enrollment(1, version="v2", visit=2, state="done", status="completed", ended_at=make.at, reason="x")
    filled.commit(Changes(enrollments=[moved]))
    story = filled.story("customer-1")
    assert story.enrollments == (moved,)
    assert story.customer.enrollments == []


def test_due_customers_come_earliest_first_and_each_once(filled, make):
    filled.commit(
        Changes(
            enrollments=[
                make.enrollment(1, 0, due_at=make.at + 3000),
                make.enrollment(2, 0, due_at=make.at + 1000),
                make.enrollment(2, 1, due_at=make.at + 2000),
                make.enrollment(3, 0, due_at=make.at + 2000),
                make.enrollment(3, 1, due_at=make.at + 500, status="exited"),
                make.enrollment(3, 2),
            ]
        )
    )
    assert filled.due(make.at, 10) == []
    assert filled.due(make.at + 999, 10) == []
    assert filled.due(make.at + 1000, 10) == [2]
    assert filled.due(make.at + 3000, 10) == [2, 3, 1]
    assert filled.due(make.at + 3000, 2) == [2, 3]
    assert filled.due(make.at + 3000, 2) == [2, 3]
    assert filled.due(make.at + 3000, 0) == []
    assert filled.next_due() == make.at + 1000
    assert filled.totals(make.at + 2000).overdue == 3


def test_a_moved_timer_is_due_at_its_new_time_only(filled, make):
    for due_at in (5000, 1000, 5000, 3000):
        filled.commit(Changes(enrollments=[make.enrollment(1, due_at=make.at + due_at)]))
    assert filled.due(make.at + 2999, 10) == []
    assert filled.due(make.at + 9000, 10) == [1]
    assert filled.next_due() == make.at + 3000
    filled.commit(Changes(enrollments=[make.enrollment(1, due_at=make.at + 3000, status="completed")]))
    assert filled.next_due() is None
    assert filled.due(make.at + 9000, 10) == []


def test_every_entry_is_counted_in_one_status(filled, make):
    filled.deploy([make.deployment(), make.deployment("w1", "winback")], make.at)
    filled.commit(
        Changes(
            enrollments=[
                make.enrollment(1, 0),
                make.enrollment(2, 0),
                make.enrollment(3, 0, status="completed", state="done"),
                make.enrollment(1, 1, status="exited", state="done", reason="converted"),
                make.enrollment(2, 1, status="exited", state="done", reason="blocked"),
                make.enrollment(3, 1, journey="winback", version="w1"),
            ]
        )
    )
    filled.commit(Changes(enrollments=[make.enrollment(2, 0, status="failed", state="send.welcome", reason="bug")]))
    assert [(c.journey, c.version, c.status, c.state, c.reason, c.count) for c in filled.journey_counts()] == [
        ("welcome", "v1", "active", "send.welcome", None, 1),
        ("welcome", "v1", "completed", "done", None, 1),
        ("welcome", "v1", "exited", "done", "blocked", 1),
        ("welcome", "v1", "exited", "done", "converted", 1),
        ("welcome", "v1", "failed", "send.welcome", "bug", 1),
        ("winback", "w1", "active", "send.welcome", None, 1),
    ]
    entered = Counter[str]()
    for count in filled.journey_counts():
        entered[count.journey] += count.count
    assert entered == {"welcome": 5, "winback": 1}


def test_an_enrollment_in_a_version_never_deployed_is_refused(filled, make):
    with pytest.raises(ValueError, match="`v9` was never deployed"):
        filled.commit(Changes(enrollments=[make.enrollment(version="v9")], positions={"file": "1"}))
    assert filled.journey_counts() == []
    assert filled.positions() == {}


def test_a_story_tells_everything_oldest_first(filled, make):
    ended = make.enrollment(1, 0, status="completed", state="done", visit=2)
    inside = make.enrollment(1, 1)
    values = (("customer.total", 2**66), ("event.tags", ["a", None]), ("x", 1.0))
    lines = [
        make.decision(1, 0, 1, make.at, "entry", values),
        make.decision(1, 0, 1, make.at, "goal"),
        make.decision(1, 1, 1, make.at + 1, "entry"),
        make.decision(1, 0, 2, make.at + 2, "timer"),
    ]
    filled.commit(
        Changes(
            enrollments=[inside, ended, make.enrollment(2)],
            decisions=[lines[2], lines[0], lines[1], make.decision(2)],
            sends=[make.send(1, 1, created_at=make.at + 1), make.send(2), make.send(1, 0)],
            events=[make.event(needed=True)],
        )
    )
    filled.commit(Changes(decisions=[lines[3]]))
    story = filled.story("customer-1")
    assert story.customer.external_id == "customer-1"
    assert story.customer.enrollments == [inside]
    assert story.customer.history == {"signed_up": [make.event().event]}
    assert story.enrollments == (ended, inside)
    assert story.decisions == tuple(lines)
    assert story.sends == (make.send(1, 0), make.send(1, 1, created_at=make.at + 1))


def test_nobody_has_a_story_without_having_come(filled):
    filled.load(["waiting"], [], history=False)
    assert filled.story("waiting") is None
    assert filled.story("nobody") is None
    assert filled.story("customer-2").enrollments == ()


def test_counts_are_records_of_the_contract(filled, make):
    filled.commit(Changes(enrollments=[make.enrollment()]))
    assert filled.journey_counts() == [
        JourneyCount(journey="welcome", version="v1", status="active", state="send.welcome", reason=None, count=1)
    ]
