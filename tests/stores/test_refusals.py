"""What was refused is kept and counted; how many are inside a journey is known at once."""

import pytest

from journeyscript.stores.counts import RefusalCount
from journeyscript.stores.records import FUTURE_EVENT, Changes, Refusal


def refused(customer=1, at=1, journey="welcome", reason="inside", detail=""):
    return Refusal(customer=customer, at=at, event="signed_up", journey=journey, reason=reason, detail=detail)


def test_a_refusal_is_part_of_the_story_of_its_customer_in_order_of_arrival(filled):
    first, second = refused(at=5, reason="again"), refused(at=3, journey="", reason=FUTURE_EVENT, detail="2090")
    filled.commit(Changes(refusals=[first, refused(customer=2)]))
    filled.commit(Changes(refusals=[second]))
    assert filled.story("customer-1").refusals == (first, second)
    assert filled.story("customer-3").refusals == ()


def test_refusals_of_two_who_become_one_stand_in_the_order_in_which_they_came(filled, make):
    first, second, third = refused(customer=2, at=9), refused(customer=1, at=5), refused(customer=2, at=7)
    for one in (first, second, third):
        filled.commit(Changes(refusals=[one]))
    filled.merge("customer-2", "customer-1", make.at)
    assert [one.at for one in filled.story("customer-1").refusals] == [9, 5, 7]


def test_refusals_are_counted_by_journey_and_reason(filled):
    filled.commit(Changes(refusals=[refused(), refused(reason="again"), refused(customer=3), refused(journey="")]))
    assert filled.refusal_counts() == [
        RefusalCount(journey="", reason="inside", count=1),
        RefusalCount(journey="welcome", reason="again", count=1),
        RefusalCount(journey="welcome", reason="inside", count=2),
    ]


def test_a_refusal_of_nobody_is_not_kept(filled):
    with pytest.raises(ValueError, match="the customer with the number 9 is not in the store"):
        filled.commit(Changes(refusals=[refused(), refused(customer=9)]))
    assert filled.refusal_counts() == []


def test_who_is_inside_is_counted_over_all_versions_of_a_journey(filled, make):
    filled.deploy([make.deployment("v2"), make.deployment("w1", "winback")], make.at)
    assert filled.active(["welcome", "winback"]) == {"welcome": 0, "winback": 0}
    filled.commit(
        Changes(
            enrollments=[
                make.enrollment(1),
                make.enrollment(2, version="v2"),
                make.enrollment(3, status="completed"),
                make.enrollment(3, 1, journey="winback", version="w1"),
            ]
        )
    )
    assert filled.active(["welcome", "winback"]) == {"welcome": 2, "winback": 1}


def test_the_count_follows_whoever_moves_ends_and_enters(filled, make):
    filled.commit(Changes(enrollments=[make.enrollment(1), make.enrollment(2)]))
    assert filled.active(["welcome"]) == {"welcome": 2}
    filled.commit(
        Changes(
            enrollments=[
                make.enrollment(1, visit=2),
                make.enrollment(2, visit=2, status="exited", reason="done"),
                make.enrollment(3),
                make.enrollment(3, 1, status="exited", reason="holdout"),
            ]
        )
    )
    assert filled.active(["welcome"]) == {"welcome": 2}
    filled.commit(Changes(enrollments=[make.enrollment(3, visit=2, status="failed")]))
    assert filled.active(["welcome"]) == {"welcome": 1}


def test_a_commit_that_fails_leaves_the_count_as_it_was(filled, make):
    filled.commit(Changes(enrollments=[make.enrollment(1)], sends=[make.send(1)]))
    assert filled.active(["welcome"]) == {"welcome": 1}
    with pytest.raises(ValueError, match="already keeps something else"):
        filled.commit(Changes(enrollments=[make.enrollment(2)], sends=[make.send(1)]))
    assert filled.active(["welcome"]) == {"welcome": 1}


def test_when_a_journey_was_left_last_is_loaded_with_the_customer(filled, make):
    filled.commit(
        Changes(
            enrollments=[
                make.enrollment(1, status="completed", ended_at=make.at + 50),
                make.enrollment(1, 1, status="exited", reason="done", ended_at=make.at + 40),
                make.enrollment(1, 2, key="o7", status="failed", reason="internal_error", since=make.at + 7),
                make.enrollment(1, 3),
            ]
        )
    )
    (loaded,) = filled.load(["customer-1"], [], history=False).values()
    assert loaded.last_exits == {("welcome", ""): make.at + 50, ("welcome", "o7"): make.at + 7}
