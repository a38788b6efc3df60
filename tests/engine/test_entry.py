"""Whom an event takes into a journey, and whom not."""

import pytest

from journeyscript.engine.entry import Admitted, Refused, admit
from journeyscript.engine.values import Event, Facts
from tests.engine.driving import DAY, START, program_of, purchased
from tests.projects import steps_of

FACTS = Facts(external_id="ada", attributes={"vip": True})


def asked(head, event, *, active=(), last=None, facts=FACTS):
    program = program_of(steps_of("- wait: 1 day", f"entry: {head}"))
    entries = {} if last is None else {("trial", ""): last}
    return admit(program, event, facts, event.at, active, entries)


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
            Refused(reason="no key"),
        ),
    ],
)
def test_an_event_is_admitted_or_refused_with_a_reason(head, event, expected):
    assert asked(head, event) == expected


def test_somebody_inside_stays_as_they_are():
    assert asked("{ event: purchased, again: always }", purchased(START), active={("trial", "")}) == Refused(
        reason="inside"
    )


def test_keys_run_side_by_side():
    head = "{ event: purchased, key: event.order_id, again: always }"
    assert asked(head, purchased(START), active={("trial", "o2")}) == Admitted(key="o1")


@pytest.mark.parametrize(
    ("again", "passed", "admitted"),
    [
        ("never", 900 * DAY, False),
        ("always", 0, True),
        ("after 3 days", 3 * DAY - 1, False),
        ("after 3 days", 3 * DAY, True),
    ],
)
def test_the_cool_down_counts_from_the_last_entry(again, passed, admitted):
    answer = asked(f"{{ event: purchased, again: {again} }}", purchased(START + passed), last=START)
    assert isinstance(answer, Admitted) is admitted
