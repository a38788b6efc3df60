"""How many came to each state of a journey."""

from msgspec.structs import replace

from journeyscript.stores.records import Changes


def came(make, state, customer=1, number=0, visit=1, at=0):
    kept = make.decision(customer, number, visit, make.at + at)
    return replace(kept, decision=replace(kept.decision, state=state))


def test_everyone_who_came_to_a_state_is_counted_once_however_often_they_came(filled, make):
    filled.commit(
        Changes(
            enrollments=[make.enrollment(1, visit=3), make.enrollment(2, state="done", status="completed")],
            decisions=[
                came(make, "send.welcome"),
                came(make, "send.welcome", visit=2, at=5),
                came(make, "send.welcome", customer=2),
                came(make, "done", customer=2, visit=2, at=7),
            ],
        )
    )
    filled.commit(Changes(decisions=[came(make, "send.welcome", visit=3, at=9)]))
    assert filled.reached("welcome") == {"v1": {"send.welcome": 2, "done": 1}}


def test_two_enrollments_of_one_customer_are_two(filled, make):
    filled.commit(
        Changes(
            enrollments=[make.enrollment(1, 0), make.enrollment(1, 1)],
            decisions=[came(make, "send.welcome"), came(make, "send.welcome", number=1)],
        )
    )
    assert filled.reached("welcome") == {"v1": {"send.welcome": 2}}


def test_versions_are_counted_apart_and_other_journeys_not_at_all(filled, make):
    filled.deploy([make.deployment("v2"), make.deployment("w1", journey="winback")], make.at)
    filled.commit(
        Changes(
            enrollments=[
                make.enrollment(1),
                make.enrollment(2, version="v2"),
                make.enrollment(3, version="w1", journey="winback"),
            ],
            decisions=[came(make, "send.welcome", customer=number) for number in (1, 2, 3)],
        )
    )
    assert filled.reached("welcome") == {"v1": {"send.welcome": 1}, "v2": {"send.welcome": 1}}
    assert filled.reached("winback") == {"w1": {"send.welcome": 1}}
    assert filled.reached("unknown") == {}
