"""The laws of change, over random journeys that take each other's place with people inside."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from journeyscript.compiler import compile_project
from journeyscript.machine.graph import reachable
from journeyscript.machine.model import Migration, Send
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.changing.planning import plan_change
from journeyscript.runtime.intake.records import Incoming
from journeyscript.runtime.session import deployments_of, rules_of
from journeyscript.stores.memory import MemoryStore
from tests.engine.driving import DAY, START, signed_up
from tests.engine.test_laws import SLOW, customers
from tests.projects import BASE, compile_text
from tests.strategies import journeys, text_of

PROJECT = compile_project(BASE)
NAMES = ("ada", "bob", "eve")


def project_of(compiled):
    return replace(PROJECT, journeys={"trial": compiled})


def compiled_from(journey):
    compiled, findings = compile_text(text_of(journey))
    assert compiled is not None, findings
    return compiled


def entered(project, customer):
    """Return a store in which three customers have entered, and how to let time pass in it."""
    store = MemoryStore()
    store.note(clock="virtual")
    store.deploy(deployments_of(project), START)
    event = signed_up()
    records = [
        Incoming(
            customer=name,
            at=event.at,
            event=event,
            attributes=customer["attributes"],
            consent=customer["consent"],
            source="test",
            source_id=None,
            position="",
        )
        for name in NAMES
    ]
    store.commit(advance(store, rules_of(project, store, virtual=True), incoming=records, now=event.at))
    return store


def pass_time(store, project, until):
    rules = rules_of(project, store, virtual=True)
    while due := store.due(until, 10):
        store.commit(advance(store, rules, due=due, now=until))


def ahead(machine, state):
    onward = reachable(machine, [state])
    return {one.action.message for one in machine.states if one.id in onward and isinstance(one.action, Send)}


def entries(store):
    return sum(one.count for one in store.journey_counts())


def received(store):
    return Counter(
        (send.enrollment, send.message) for send in store.sends(10_000) if send.status not in {"skipped", "failed"}
    )


@settings(SLOW, max_examples=60)
@given(journeys(), journeys(), customers(), st.sampled_from(["keep", "recompute"]), st.integers(0, 5), st.data())
def test_nobody_is_lost_stuck_or_sent_to_again_without_a_word_of_the_plan(one, other, customer, timer, days, data):
    old, new = compiled_from(one), compiled_from(other)
    store = entered(project_of(old), customer)
    now = START + days * DAY
    pass_time(store, project_of(old), now)
    stand = {e.id: e for name in NAMES for e in store.story(name).enrollments if e.status == "active"}
    if not stand:
        return
    steps = [state.id for state in new.machine.states]
    missing = sorted({e.state for e in stand.values()} - set(steps))
    targets = {state: data.draw(st.sampled_from([*steps, None])) for state in missing}
    migration = Migration(moves=targets, timer=timer)
    project = project_of(replace(new, about=replace(new.about, migrate=migration)))
    planned = plan_change(project, store, now)
    assert plan_change(project, store, now).plan == planned.plan, "a plan changes nothing"
    before, entered_before = received(store), entries(store)
    store.switch(planned.deployments, now, planned.changes)
    assert entries(store) == entered_before, "nobody comes in or goes missing"
    assert not plan_change(project, store, now).plan.journeys, "everybody is where the plan said"
    pass_time(store, project, START + 800 * DAY)
    assert not [c for c in store.journey_counts() if c.status == "active"], "nobody gets stuck"
    assert not [c for c in store.journey_counts() if c.status == "failed"]
    keys = [send.key for send in store.sends(10_000)]
    assert len(keys) == len(set(keys))
    said = {
        (line.version, line.step): {a.message for a in line.again} for j in planned.plan.journeys for line in j.lines
    }
    for (enrollment, message), count in (received(store) - before).items():
        if (enrollment, message) in before and count:
            was = stand[enrollment]
            assert message in ahead(old.machine, was.state) | said[was.version, was.state]
