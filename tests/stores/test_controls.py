"""What an operator orders of a journey: what a store gives out meanwhile, and what it makes of it afterwards."""

import pytest

from journeyscript.engine.values import Control, Held
from journeyscript.stores.records import Changes
from journeyscript.stores.sqlite import open_sqlite

HOUR = 3_600_000


@pytest.fixture
def waiting(filled, make):
    """Two customers wait in `welcome`, one of them with a message on its way; the third is in `winback`."""
    filled.deploy([make.deployment(), make.deployment("w1", "winback")], make.at)
    filled.commit(
        Changes(
            enrollments=[
                make.enrollment(1, due_at=make.at + HOUR, deadline=make.at + 1_500),
                make.enrollment(2, due_at=make.at + 2 * HOUR, held=Held(reason="quiet_hours")),
                make.enrollment(3, journey="winback", version="w1", due_at=make.at + 3 * HOUR),
            ],
            sends=[
                make.send(1, expires_at=make.at + HOUR),
                make.send(3, journey="winback", key="winback/3", available_at=make.at + 5),
            ],
        )
    )
    return filled


def timers(store):
    stories = [store.story(f"customer-{number}") for number in (1, 2, 3)]
    return [(one.due_at, one.deadline) for story in stories for one in story.enrollments]


def test_nothing_was_ordered_of_a_journey_that_was_left_alone(waiting):
    assert waiting.controls() == {}
    assert not waiting.resume("welcome", 5, "fire")
    assert waiting.controls() == {}


def test_who_is_inside_of_a_paused_journey_is_not_due_and_its_messages_are_not_claimed(waiting, make):
    assert waiting.pause("welcome", make.at)
    assert waiting.controls() == {"welcome": Control(paused_at=make.at)}
    late = make.at + 9 * HOUR
    assert waiting.due(late, 10) == [3]
    assert waiting.next_due() == make.at + 3 * HOUR
    assert waiting.totals(late).overdue == 1
    assert [send.journey for send in waiting.claim(late, 10)] == ["winback"]
    assert waiting.next_available() is None
    assert not waiting.pause("welcome", late), "the first pause counts"
    assert waiting.controls()["welcome"].paused_at == make.at


def test_what_changes_during_a_pause_is_not_due_either(waiting, make):
    waiting.pause("welcome", make.at)
    moved = make.enrollment(1, visit=2, since=make.at + 5, due_at=make.at + 60_000)
    waiting.commit(Changes(enrollments=[moved, make.enrollment(1, number=1, key="b", due_at=make.at)]))
    assert waiting.next_due() == make.at + 3 * HOUR
    waiting.merge("customer-1", "customer-3", make.at + 6)
    assert waiting.due(make.at + 9 * HOUR, 10) == [3], "due by the other journey alone"
    assert waiting.next_due() == make.at + 3 * HOUR
    waiting.resume("welcome", make.at + 7, "fire")
    assert waiting.next_due() == make.at


def test_fire_leaves_every_time_as_it_was(waiting, make):
    before = timers(waiting)
    waiting.pause("welcome", make.at + 10)
    assert waiting.resume("welcome", make.at + 9 * HOUR, "fire")
    assert timers(waiting) == before
    assert waiting.controls() == {}
    assert waiting.due(make.at + 9 * HOUR, 10) == [1, 2, 3]
    assert len(waiting.claim(make.at + 9 * HOUR, 10)) == 2


def test_recompute_moves_what_waits_by_the_length_of_the_pause_in_whole_seconds(waiting, make):
    waiting.pause("welcome", make.at + 10)
    late = make.enrollment(1, number=1, key="b", since=make.at + HOUR, due_at=make.at + 2 * HOUR)
    waiting.commit(Changes(enrollments=[late]))
    waiting.resume("welcome", make.at + 3 * HOUR + 11, "recompute")
    moved = 3 * HOUR + 1_000
    assert timers(waiting) == [
        (make.at + HOUR + moved, make.at + 1_500 + moved),
        (make.at + 2 * HOUR + 2 * HOUR + 1_000, None),
        (make.at + 2 * HOUR + moved, None),
        (make.at + 3 * HOUR, None),
    ]
    (held,) = waiting.story("customer-2").enrollments
    assert held.since == make.at + 3 * HOUR + 1, "a message that is held gets no older by the pause"
    sends = {send.journey: send.expires_at for send in waiting.sends(10)}
    assert sends == {"welcome": make.at + 4 * HOUR + 1, "winback": None}


def test_recompute_leaves_the_next_look_at_a_condition_where_it_was(waiting, make):
    waiting.commit(Changes(enrollments=[make.enrollment(1, due_at=make.at + HOUR, until=make.at + 9 * HOUR)]))
    waiting.pause("welcome", make.at)
    waiting.resume("welcome", make.at + 2 * HOUR, "recompute")
    (moved,) = waiting.story("customer-1").enrollments
    assert (moved.due_at, moved.until) == (make.at + HOUR, make.at + 11 * HOUR)


def test_skip_stale_lets_nothing_out_that_is_from_before_the_resumption(waiting, make):
    waiting.pause("welcome", make.at + 10)
    waiting.resume("welcome", make.at + HOUR, "skip_stale")
    assert waiting.controls() == {"welcome": Control(stale_before=make.at + HOUR)}
    first, other = waiting.sends(10)
    assert (first.status, first.reason, first.settled_at) == ("skipped", "stale", make.at + HOUR)
    assert other.status == "pending"
    assert waiting.due(make.at + HOUR, 10) == [1]
    waiting.pause("welcome", make.at + 2 * HOUR)
    waiting.resume("welcome", make.at + 3 * HOUR, "fire")
    assert waiting.controls() == {"welcome": Control(stale_before=make.at + HOUR)}, "what was stale stays stale"


@pytest.mark.parametrize("overdue", ["fire", "recompute", "skip_stale"])
def test_who_waits_for_the_resumption_alone_is_due_at_once(waiting, make, overdue):
    waiting.pause("welcome", make.at)
    over = make.at + 999 * HOUR
    held = make.enrollment(1, since=make.at + 5, due_at=make.at + 99 * HOUR, until=over, held=Held(reason="paused"))
    waiting.commit(Changes(enrollments=[held]))
    waiting.resume("welcome", make.at + 1_001, overdue)
    assert waiting.due(make.at + 2_000, 10) == [1]
    assert timers(waiting)[0][0] == make.at + 2_000
    assert waiting.story("customer-1").enrollments[0].until is None, "it is no look at a condition"


def test_a_message_that_is_tried_again_by_hand_waits_for_the_resumption(waiting, make):
    waiting.claim(make.at, 1)
    waiting.settle([make.settlement(1, status="failed", reason="gave_up")])
    waiting.pause("welcome", make.at)
    place = make.enrollment(1).id, 1
    waiting.requeue([place], make.at)
    assert [send.journey for send in waiting.claim(make.at + HOUR, 10)] == ["winback"]
    waiting.resume("welcome", make.at + HOUR, "fire")
    assert [send.journey for send in waiting.claim(make.at + HOUR, 10)] == ["welcome"]


def test_a_stopped_journey_goes_on_for_those_inside_until_it_is_resumed(waiting, make):
    assert waiting.stop("welcome", make.at)
    assert not waiting.stop("welcome", make.at + 1)
    assert waiting.controls() == {"welcome": Control(stopped_at=make.at)}
    assert waiting.due(make.at + 9 * HOUR, 10) == [1, 2, 3]
    waiting.pause("welcome", make.at + 2)
    assert waiting.controls() == {"welcome": Control(paused_at=make.at + 2, stopped_at=make.at)}
    assert waiting.resume("welcome", make.at + 3, "fire")
    assert waiting.controls() == {}


def test_who_is_inside_is_told_in_order_and_by_parts(waiting, make):
    waiting.commit(Changes(enrollments=[make.enrollment(1, number=1, key="b"), make.enrollment(3, number=1)]))
    assert waiting.inside("welcome", 0, 10) == [1, 2, 3]
    assert waiting.inside("welcome", 0, 2) == [1, 2]
    assert waiting.inside("welcome", 2, 2) == [3]
    assert waiting.inside("winback", 0, 9) == [3]
    assert waiting.inside("absent", 0, 9) == []


def test_a_pause_outlives_the_process(tmp_path, make):
    store = open_sqlite(tmp_path / "store.db")
    store.deploy([make.deployment()], make.at)
    store.load(["customer-1"], [], history=False)
    store.commit(Changes(customers=[make.customer(1)], enrollments=[make.enrollment(1, due_at=make.at)]))
    store.pause("welcome", make.at)
    store.close()
    store = open_sqlite(tmp_path / "store.db")
    assert (store.controls(), store.next_due()) == ({"welcome": Control(paused_at=make.at)}, None)
    store.close()
