"""Whom an event takes into a journey, and whom not."""

import pytest
from msgspec.structs import replace

from journeyscript.engine.entry import (
    Admitted,
    Refreshes,
    Refused,
    Standing,
    admit,
    enroll,
    is_held_out,
    make_room,
    refresh,
)
from journeyscript.engine.step import step
from journeyscript.engine.values import Event, Facts, TimerFired
from tests.engine.driving import DAY, START, program_of, purchased
from tests.projects import steps_of

PLACE = ("trial", "")
FACTS = Facts(external_id="ada", attributes={"vip": True})


def program(head, steps="- wait: 1 day", more=""):
    return program_of(steps_of(steps, f"{more}entry: {head}"))


def asked(head, event, *, facts=FACTS, more="", **standing):
    return admit(program(head, more=more), event, facts, event.at, Standing(**standing))


def entered(head, event, *, key="", number=1, journey="trial"):
    """Return the enrollment of somebody who entered on an event."""
    made = enroll(program(head), number=number, customer=1, key=key, event=event, facts=FACTS, now=event.at)
    return replace(made.enrollment, journey=journey)


@pytest.mark.parametrize(
    ("head", "event", "expected"),
    [
        ("{ event: purchased, again: never }", purchased(START), Admitted(key="")),
        ("{ event: purchased, again: never }", Event(name="app_installed", at=START), Refused(reason="other event")),
        ("{ event: purchased, where: event.total > 10, again: never }", purchased(START, 10), Refused(reason="where")),
        ("{ event: purchased, where: customer.score > 1, again: never }", purchased(START), Refused(reason="where")),
        ("{ event: purchased, where: customer.vip, again: never }", purchased(START), Admitted(key="")),
        ("{ event: purchased, key: event.order_id, again: never }", purchased(START), Admitted(key="o1")),
        ("{ event: purchased, key: event.items, again: never }", purchased(START), Admitted(key="1")),
        (
            "{ event: purchased, key: event.order_id, again: never }",
            Event(name="purchased", at=START),
            Refused(reason="no_key"),
        ),
    ],
)
def test_an_event_is_admitted_or_refused_with_a_reason(head, event, expected):
    assert asked(head, event) == expected


ALWAYS = "{ event: purchased, again: always }"
BY_ORDER = "{ event: purchased, key: event.order_id, again: always }"


def test_somebody_inside_stays_as_they_are():
    inside = {("trial", ""): entered(ALWAYS, purchased(START))}
    assert asked(ALWAYS, purchased(START), inside=inside) == Refused(reason="inside")


def test_keys_run_side_by_side():
    inside = {("trial", "o2"): entered(BY_ORDER, purchased(START), key="o2")}
    assert asked(BY_ORDER, purchased(START), inside=inside) == Admitted(key="o1")


@pytest.mark.parametrize(
    ("again", "passed", "admitted"),
    [
        ("never", 900 * DAY, False),
        ("always", 0, True),
        ("always", -DAY, True),
        ("after 3 days", -1, False),
        ("after 3 days", 3 * DAY - 1, False),
        ("after 3 days", 3 * DAY, True),
    ],
)
def test_the_cool_down_counts_from_the_last_entry(again, passed, admitted):
    head = f"{{ event: purchased, again: {again} }}"
    answer = asked(head, purchased(START + passed), last_entries={PLACE: START}, last_exits={PLACE: START + DAY})
    assert answer == (Admitted(key="") if admitted else Refused(reason="again"))


@pytest.mark.parametrize(("passed", "admitted"), [(3 * DAY, False), (5 * DAY - 1, False), (5 * DAY, True)])
def test_the_cool_down_after_exit_counts_from_the_last_end(passed, admitted):
    answer = asked(
        "{ event: purchased, again: after 3 days after exit }",
        purchased(START + passed),
        last_entries={PLACE: START},
        last_exits={PLACE: START + 2 * DAY},
    )
    assert answer == (Admitted(key="") if admitted else Refused(reason="again"))


RESTART = "{ event: purchased, again: never, while_active: restart }"
REFRESH = "{ event: purchased, again: never, while_active: refresh }"


def test_restart_makes_room_whatever_again_says():
    current = entered(RESTART, purchased(START))
    standing = {"inside": {PLACE: current}, "last_entries": {PLACE: START}}
    later = purchased(START + DAY)
    assert asked(RESTART, later, **standing) == Admitted(key="", ends=current)
    ended = make_room(program(RESTART), current, FACTS, later.at)
    assert (ended.enrollment.status, ended.enrollment.reason, ended.enrollment.ended_at) == (
        "exited",
        "restarted",
        later.at,
    )
    assert [(d.rule, d.state, d.at) for d in ended.trace] == [("restarted", current.state, later.at)]


def test_refresh_puts_the_new_data_in_the_place_of_the_old_and_moves_nobody():
    current = entered(REFRESH, purchased(START, 10))
    later = purchased(START + DAY, 99)
    assert asked(REFRESH, later, inside={PLACE: current}) == Refreshes(enrollment=current)
    renewed = refresh(program(REFRESH), current, later, FACTS, later.at)
    assert renewed.enrollment == replace(current, entry=later)
    (decision,) = renewed.trace
    assert (decision.rule, decision.visit, decision.state) == ("refreshed", current.visit, current.state)
    assert dict(decision.values)["entry.event.total"] == 99


def test_an_enrollment_in_a_version_that_asked_for_more_is_not_refreshed_with_less():
    older = "{ event: purchased, where: event.total > 50, again: never, while_active: refresh }"
    current = entered(older, purchased(START, 99))
    assert refresh(program(older), current, purchased(START + DAY, 10), FACTS, START + DAY) == Refused(reason="inside")


@pytest.mark.parametrize("head", [RESTART, REFRESH])
def test_a_start_from_before_the_entry_that_is_told_late_changes_nothing(head):
    current = entered(head, purchased(START))
    assert asked(head, purchased(START - 1), inside={PLACE: current}) == Refused(reason="inside")


def test_another_journey_of_the_group_keeps_the_door_shut_and_another_key_of_this_one_does_not():
    other = {("other", ""): entered(ALWAYS, purchased(START), journey="other")}
    more, groups = "exclusive_group: offers\n", {"trial": "offers", "other": "offers", "third": ""}
    assert asked(ALWAYS, purchased(START), more=more, inside=other, groups=groups) == Refused(reason="exclusive_group")
    assert asked(ALWAYS, purchased(START), more=more, inside=other, groups={**groups, "other": "news"}) == Admitted(
        key=""
    )
    assert asked(ALWAYS, purchased(START), inside=other, groups=groups) == Admitted(key=""), "it is in no group itself"
    same = {("trial", "o2"): entered(BY_ORDER, purchased(START), key="o2")}
    assert asked(BY_ORDER, purchased(START), more=more, inside=same, groups=groups) == Admitted(key="o1")


@pytest.mark.parametrize(("active", "answer"), [(1, Admitted(key="")), (2, Refused(reason="max_active"))])
def test_nobody_enters_a_journey_that_is_full(active, answer):
    assert asked("{ event: purchased, again: always, max_active: 2 }", purchased(START), active=active) == answer


def test_somebody_who_starts_anew_takes_no_further_place():
    head = "{ event: purchased, again: never, while_active: restart, max_active: 1 }"
    current = entered(head, purchased(START))
    assert asked(head, purchased(START), inside={PLACE: current}, active=1) == Admitted(key="", ends=current)


def test_a_test_customer_takes_no_place_and_is_refused_none():
    full = "{ event: purchased, again: always, max_active: 1 }"
    assert asked(full, purchased(START), active=1, test=True) == Admitted(key="", test=True)


def test_a_place_that_a_test_customer_did_not_take_is_not_kept_for_the_person_they_become():
    head = "{ event: purchased, again: never, while_active: restart, max_active: 1 }"
    tested = {PLACE: replace(entered(head, purchased(START)), test=True)}
    assert asked(head, purchased(START), inside=tested, active=1) == Refused(reason="max_active")
    again = asked(head, purchased(START), inside=tested, active=1, test=True)
    assert again == Admitted(key="", ends=tested[PLACE], test=True)
    assert asked(head, purchased(START), inside=tested) == Admitted(key="", ends=tested[PLACE])


def test_a_test_customer_is_never_held_out():
    measured = "{ event: purchased, again: never, while_active: restart, holdout: 99.9999% }"
    assert asked(measured, purchased(START)) == Admitted(key="", held_out=True)
    assert asked(measured, purchased(START), test=True) == Admitted(key="", test=True)
    current = entered(measured, purchased(START))
    anew = asked(measured, purchased(START), inside={PLACE: current}, test=True)
    assert anew == Admitted(key="", ends=current, test=True)


def test_what_was_entered_as_a_test_stays_one_on_its_way():
    made = program("{ event: purchased, again: never }")
    event = purchased(START)
    outcome = enroll(made, number=1, customer=1, key="", event=event, facts=FACTS, now=START, test=True)
    assert outcome.enrollment.test
    fired = step(made, outcome.enrollment, TimerFired(visit=outcome.enrollment.visit), FACTS, START + DAY)
    assert (fired.enrollment.status, fired.enrollment.test) == ("completed", True)


def test_a_stale_event_starts_nothing():
    assert asked(ALWAYS, purchased(START), stale=True) == Refused(reason="stale_event")
    assert asked("{ event: purchased, where: event.total > 900, again: always }", purchased(START), stale=True) == (
        Refused(reason="where")
    )


def test_the_holdout_takes_its_share_and_always_the_same_customers():
    def held_out(share):
        head = f"{{ event: purchased, again: always, holdout: {share}% }}"
        made = program(head)
        return {number for number in range(4_000) if is_held_out(made, Facts(external_id=f"customer-{number}"))}

    twenty, fifty = held_out("20"), held_out("50")
    assert 700 < len(twenty) < 900
    assert 1_900 < len(fifty) < 2_100
    assert twenty < fifty, "a larger share keeps those who are held out"
    assert held_out("50") == fifty


def test_whoever_is_held_out_is_an_exposure_and_reaches_nothing():
    made = program("{ event: purchased, where: event.total > 10, again: always, holdout: 99.9999% }", "- send: welcome")
    answer = admit(made, purchased(START, 20), FACTS, START, Standing())
    assert answer == Admitted(key="", held_out=True)
    outcome = enroll(
        made, number=7, customer=1, key="", event=purchased(START, 20), facts=FACTS, now=START, held_out=True
    )
    kept = outcome.enrollment
    assert (kept.status, kept.reason, kept.state, kept.ended_at, kept.due_at) == ("exited", "holdout", "", START, None)
    assert outcome.effects == ()
    assert [(d.rule, d.values) for d in outcome.trace] == [("holdout", (("event.total", 20),))]


def test_the_holdout_is_drawn_among_those_who_are_let_in_otherwise():
    made = program("{ event: purchased, again: never, holdout: 99.9999%, max_active: 1 }")
    for standing, reason in (
        (Standing(last_entries={PLACE: START}), "again"),
        (Standing(active=1), "max_active"),
        (Standing(stale=True), "stale_event"),
    ):
        assert admit(made, purchased(START), FACTS, START, standing) == Refused(reason=reason)
