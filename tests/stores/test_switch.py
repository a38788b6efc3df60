"""Versions switched together with those who are moved into them."""

import pytest

from journeyscript.stores.records import Changes


def test_versions_and_those_moved_into_them_change_together(filled, make):
    filled.commit(Changes(enrollments=[make.enrollment(1), make.enrollment(2)], decisions=[make.decision(1)]))
    moved = make.enrollment(1, version="v2", visit=2, since=make.at, due_at=make.at + 5_000)
    decision = make.decision(1, visit=2, at=make.at + 1, rule="moved from v1")
    filled.switch([make.deployment("v2")], make.at + 1, Changes(enrollments=[moved], decisions=[decision]))
    assert filled.deployments()[1] == {"v2"}
    assert filled.story("customer-1").enrollments == (moved,)
    assert [kept.decision.rule for kept in filled.story("customer-1").decisions] == ["entry", "moved from v1"]
    counts = {(one.version, one.status): one.count for one in filled.journey_counts()}
    assert counts == {("v1", "active"): 1, ("v2", "active"): 1}
    assert filled.due(make.at + 5_000, 10) == [1]


def test_the_enrollments_of_a_journey_are_counted_alike_after_a_switch(filled, make):
    filled.commit(Changes(enrollments=[make.enrollment(1), make.enrollment(2)]))
    assert filled.active(["welcome"]) == {"welcome": 2}
    left = make.enrollment(2, visit=2, status="exited", reason="migrated", ended_at=make.at)
    filled.switch([make.deployment("v2")], make.at, Changes(enrollments=[make.enrollment(1, version="v2"), left]))
    assert filled.active(["welcome"]) == {"welcome": 1}


def test_a_switch_that_contradicts_what_is_kept_changes_nothing(filled, make):
    filled.commit(Changes(enrollments=[make.enrollment(1)], sends=[make.send(1)]))
    moved = make.enrollment(1, version="v2", visit=2)
    with pytest.raises(ValueError, match="something else"):
        filled.switch([make.deployment("v2")], make.at, Changes(enrollments=[moved], sends=[make.send(1)]))
    assert filled.deployments()[1] == {"v1"}
    assert [one.version for one in filled.story("customer-1").enrollments] == ["v1"]
    filled.commit(Changes(enrollments=[make.enrollment(2)]))


def test_nobody_is_moved_into_a_version_that_does_not_come(filled, make):
    filled.commit(Changes(enrollments=[make.enrollment(1)]))
    with pytest.raises(ValueError, match="never deployed"):
        filled.switch([make.deployment("v2")], make.at, Changes(enrollments=[make.enrollment(1, version="v3")]))
    assert filled.deployments()[1] == {"v1"}


def test_what_went_to_somebody_or_is_on_its_way_was_received(filled, make):
    filled.commit(
        Changes(
            enrollments=[make.enrollment(1), make.enrollment(2), make.enrollment(3)],
            sends=[
                make.send(1),
                make.send(1, visit=2, message="later"),
                make.send(1, visit=3, message="never", status="skipped", reason="capped", settled_at=make.at),
                make.send(2, status="failed", reason="gave_up", settled_at=make.at),
                make.send(3),
            ],
        )
    )
    assert filled.received([1, 2]) == {make.enrollment(1).id: {"welcome", "later"}}
    assert filled.received([]) == {}
