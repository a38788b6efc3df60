"""What delivery asks of a store: whose turn it is, how much a channel may have, and what has changed meanwhile."""

import pytest

from journeyscript.stores import lanes
from journeyscript.stores.records import Changes, Permission


@pytest.fixture
def crowded(filled, make):
    """One journey with fifty messages that came first, two more with one each, and another channel."""
    sends = [make.send(1, visit=visit, journey="big", available_at=make.at) for visit in range(1, 51)]
    sends += [
        make.send(2, visit=1, journey="small", available_at=make.at + 5),
        make.send(2, visit=2, journey="tiny", available_at=make.at + 6),
        make.send(3, visit=1, journey="big", channel="sms", available_at=make.at + 7),
    ]
    filled.commit(Changes(enrollments=[make.enrollment(n) for n in (1, 2, 3)], sends=sends))
    return filled


def told(sends):
    return [(send.channel, send.journey) for send in sends]


def test_a_journey_with_many_messages_keeps_no_other_one_waiting(crowded, make):
    claimed = crowded.claim(make.at + 10, 6)
    assert told(claimed) == [("email", "big")] * 3 + [("email", "small"), ("email", "tiny"), ("sms", "big")]
    assert [send.visit for send in claimed[:3]] == [1, 2, 3], "each journey's oldest first"
    assert len(crowded.claim(make.at + 10, 100)) == 47


def test_journeys_take_turns_from_one_claim_to_the_next(crowded, make):
    claimed = [told(crowded.claim(make.at + 10, 1, {"sms": 0}))[0][1] for _ in range(4)]
    assert claimed == ["big", "small", "tiny", "big"]


def test_a_channel_gets_no_more_than_there_is_room(crowded, make):
    claimed = crowded.claim(make.at + 10, 100, {"email": 5})
    assert sorted(told(claimed)) == [("email", "big")] * 3 + [("email", "small"), ("email", "tiny"), ("sms", "big")]
    assert crowded.claim(make.at + 10, 100, {"email": 0}) == []
    assert crowded.next_available() == make.at
    assert crowded.next_available({"email"}) is None


def test_turns_go_round_and_a_journey_that_has_nothing_left_is_passed_over():
    turns = lanes.Turns()
    waiting = {("email", name): iter(name * count) for name, count in (("a", 5), ("b", 1), ("c", 2))}
    assert "".join(turns.pick(waiting, 4, {})) == "abca"
    assert "".join(turns.pick({lane: iter(lane[1] * 2) for lane in waiting}, 2, {"email": 1})) == "b"
    assert turns.pick(waiting, 5, {"email": 0}) == []


def test_what_was_claimed_and_not_attempted_counts_as_no_attempt(filled, make):
    filled.commit(Changes(enrollments=[make.enrollment()], sends=[make.send()]))
    filled.claim(make.at, 1)
    filled.settle([make.settlement(status="pending", reason="rate", available_at=make.at + 9, uncounted=True)])
    (kept,) = filled.sends(5)
    assert (kept.status, kept.attempts, kept.available_at, kept.reason) == ("pending", 0, make.at + 9, "rate")


def test_the_latest_messages_that_were_handed_over_are_known(filled, make):
    sends = [make.send(visit=visit) for visit in range(1, 7)]
    filled.commit(Changes(enrollments=[make.enrollment()], sends=[*sends, make.send(visit=9, channel="sms")]))
    filled.claim(make.at, 10)
    filled.settle(
        [
            make.settlement(visit=1, at=make.at + 1),
            make.settlement(visit=2, at=make.at + 4, status="failed", reason="permanent"),
            make.settlement(visit=3, at=make.at + 3),
            make.settlement(visit=4, at=make.at + 8, status="failed", reason="render"),
            make.settlement(visit=5, at=make.at + 8, status="skipped", reason="stale"),
            make.settlement(visit=9, at=make.at + 7),
        ]
    )
    assert filled.handed_over("email", 10) == [make.at + 4, make.at + 3, make.at + 1]
    assert filled.handed_over("email", 2) == [make.at + 4, make.at + 3]
    assert filled.handed_over("push", 2) == []


def test_what_customers_allow_is_told_of_those_who_said_something(filled, make):
    filled.commit(
        Changes(
            customers=[
                make.customer(1, consent={"email": False}),
                make.customer(2, suppressed=frozenset({"ada@example.com"})),
            ]
        )
    )
    assert filled.permissions([1, 2, 3, 2, 99]) == {
        1: Permission(consent={"email": False}, suppressed=frozenset()),
        2: Permission(consent={}, suppressed=frozenset({"ada@example.com"})),
    }


@pytest.mark.parametrize(
    ("attributes", "timezone"),
    [
        ({"timezone": "Asia/Tokyo", "level": "gold"}, "Asia/Tokyo"),
        ({"timezone": "Atlantis/Center"}, "Atlantis/Center"),
        ({"timezone": "Asia/Tokyo\x00"}, "Asia/Tokyo\x00"),
        ({"timezone": ""}, None),
        ({"timezone": 7}, None),
        ({"timezone": None, "level": "gold"}, None),
    ],
)
def test_the_clock_a_customer_lives_by_comes_with_what_they_allow(filled, make, attributes, timezone):
    filled.commit(Changes(customers=[make.customer(1, attributes=attributes)]))
    told = {1: Permission(consent={}, suppressed=frozenset(), timezone=timezone)}
    assert filled.permissions([1, 2]) == ({} if timezone is None else told)


@pytest.mark.parametrize(
    ("rule", "status", "left"),
    [
        ("exit purchased", "exited", True),
        ("goal", "exited", True),
        ("timer", "exited", False),
        ("expired", "exited", False),
        ("timer", "completed", False),
        ("goal", "active", False),
    ],
)
def test_whoever_left_by_an_exit_or_the_goal_is_told_from_all_others(filled, make, rule, status, left):
    ended = None if status == "active" else make.at + 5
    filled.commit(
        Changes(
            enrollments=[make.enrollment(status=status, ended_at=ended), make.enrollment(2)],
            decisions=[
                make.decision(rule="exit earlier", at=make.at),
                make.decision(rule="always", at=make.at + 5),
                make.decision(rule=rule, at=make.at + 5),
            ],
        )
    )
    first, second = make.enrollment().id, make.enrollment(2).id
    assert filled.left([first, second, 12345]) == ({first} if left else set())
