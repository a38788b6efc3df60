"""Whatever journeys ask of those who enter: everybody is accounted for, and nobody is where they may not be."""

import json
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from journeyscript.engine.entry import is_held_out
from journeyscript.engine.values import Event, Facts
from journeyscript.machine.canonical import version_of
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.advancing.programs import Programs
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.intake.records import Incoming
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Deployment
from tests.projects import machine_of

HOUR = 3_600_000
START = 1_772_000_000_000
CUSTOMERS = ("ada", "bob", "cy")
STARTS = ("entry", "holdout", "refreshed")

entries = st.fixed_dictionaries(
    {
        "event": st.just("purchased"),
        "again": st.sampled_from(["never", "always", "after 1 day", "after 1 day after exit"]),
    },
    optional={
        "while_active": st.sampled_from(["ignore", "restart", "refresh"]),
        "key": st.just("event.order_id"),
        "holdout": st.just("40%"),
        "max_active": st.integers(1, 3),
    },
)
heads = st.fixed_dictionaries(
    {"entry": entries, "steps": st.sampled_from([[{"wait": "20 hours"}], [{"wait": "3 days"}], [{"exit": "at_once"}]])},
    optional={"priority": st.integers(-1, 1), "exclusive_group": st.just("one")},
)
happenings = st.lists(
    st.tuples(st.sampled_from(CUSTOMERS), st.integers(0, 200), st.sampled_from("xy")), min_size=1, max_size=25
)


def deployed(journeys):
    """Return a store with these journeys, and the rules of batches over it."""
    deployments = []
    for number, journey in enumerate(journeys):
        compiled = machine_of(json.dumps({"journey": f"j{number}", **journey}))
        deployments.append(
            Deployment(
                version=version_of(compiled.machine), machine=compiled.machine, about=compiled.about, contents={}
            )
        )
    store = MemoryStore()
    store.deploy(deployments, START)
    programs = Programs(store.deployments()[0], [one.version for one in deployments])
    return store, Rules(programs=programs, channels={}, max_event_age=24 * HOUR, virtual=True)


def live(store, rules, happened, size):
    """Take events in, so many in a batch, with the timers that are due by then."""
    ordered = sorted(happened, key=lambda one: one[1])
    for first in range(0, len(ordered), size):
        batch = [
            Incoming(
                customer=customer,
                at=START + at * HOUR,
                event=Event(
                    name="purchased",
                    at=START + at * HOUR,
                    properties={"order_id": order, "total": 1, "items": 1},
                ),
                attributes={},
                consent={},
                source="test",
                source_id=None,
                position="",
            )
            for customer, at, order in ordered[first : first + size]
        ]
        now = batch[-1].at
        yield advance(store, rules, incoming=batch, due=store.due(now, 100), now=now)


@settings(max_examples=60, deadline=None)
@given(journeys=st.lists(heads, min_size=1, max_size=3), happened=happenings, size=st.integers(1, 8))
def test_every_start_is_an_entry_a_refresh_or_a_refusal_and_the_bounds_hold(journeys, happened, size):
    store, rules = deployed(journeys)
    programs = {program.machine.journey: program for program in rules.programs.entering["purchased"]}
    for changes in live(store, rules, happened, size):
        store.commit(changes)
        stories = [story for name in CUSTOMERS if (story := store.story(name))]
        active = [one for story in stories for one in story.enrollments if one.status == "active"]
        assert store.active(programs) == {name: sum(one.journey == name for one in active) for name in programs}
        for name, program in programs.items():
            most = program.machine.entry.max_active
            assert most is None or store.active([name])[name] <= most
        for one in stories:
            inside = [(e.journey, e.key) for e in one.enrollments if e.status == "active"]
            assert len(inside) == len(set(inside)), "one enrollment for each key"
            grouped = {journey for journey, _ in inside if programs[journey].machine.entry.group}
            assert len(grouped) <= 1

    outcomes = Counter()
    for story in stories:
        journey_of = {one.id: one.journey for one in story.enrollments}
        outcomes.update(journey_of[k.enrollment] for k in story.decisions if k.decision.rule in STARTS)
        outcomes.update(refusal.journey for refusal in story.refusals)
        for one in story.enrollments:
            out = is_held_out(programs[one.journey], Facts(external_id=story.customer.external_id))
            assert (one.reason == "holdout") is out
    assert outcomes == {name: len(happened) for name in programs}
