"""The acceptance cases about caps and quiet hours, on every store."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from journeyscript.compiler import compile_project
from journeyscript.engine.values import Event
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.intake.records import Incoming
from journeyscript.runtime.session import deployments_of, rules_of
from journeyscript.runtime.simulation.population import Population, Recorded
from journeyscript.runtime.simulation.run import simulate
from journeyscript.runtime.trials.trial import Trial
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite
from journeyscript.syntax.trial_file import read_tests
from tests.simulating import Simulated

PROJECT = compile_project(Path(__file__).parent / "policies")
CASES = [
    (file.journey.text, test)
    for path, node in PROJECT.tests.items()
    for file in [read_tests(path, node)]
    for test in file.tests
]
NIGHT = 1_767_630_600_000
"""2026-01-05T22:00+05:30, when it is night in the project's zone."""
MORNING = NIGHT + 10 * 3_600_000
MINUTE = 60_000


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "store.db")
    yield made
    made.close()


def test_the_cases_compile_without_findings():
    assert PROJECT.diagnostics == ()
    assert {journey for journey, _ in CASES} == set(PROJECT.journeys)


@pytest.mark.parametrize(("journey", "test"), CASES, ids=[f"{journey}: {test.name.text}" for journey, test in CASES])
def test_case(journey, test, store):
    verdict = Trial(PROJECT, journey).run(test, store)
    assert verdict.findings == ()
    assert verdict.failures == ()


@pytest.mark.parametrize(("journey", "test"), CASES, ids=[f"{journey}: {test.name.text}" for journey, test in CASES])
def test_case_in_simulation(journey, test, tmp_path):
    """The other cases of the journey live in the same store."""
    together = [other for name, other in CASES if name == journey]
    simulated = Simulated(PROJECT, journey, together, tmp_path)
    assert simulated.failures(together.index(test)) == []


def records_of(customers, at, event):
    return [
        Incoming(
            customer=name,
            at=at,
            event=Event(name=event, at=at),
            attributes={"email": f"{name}@example.com"},
            consent={"email": True},
            source="live",
            source_id=None,
            position="",
        )
        for name in customers
    ]


@pytest.fixture
def live(store):
    """Return a way to let customers start everything at once, and one to let time pass, on the wall clock."""
    store.deploy(deployments_of(PROJECT), 0)
    rules = rules_of(PROJECT, store, virtual=False)

    def start(customers, at, event):
        store.commit(advance(store, rules, incoming=records_of(customers, at, event), now=at))

    def wait_until(now):
        while due := store.due(now, 1_000):
            store.commit(advance(store, rules, due=due, now=now))

    return start, wait_until


def test_case_17_of_two_journeys_at_one_millisecond_one_sends(live, store):
    start, _ = live
    start(["ada"], MORNING, "ordered")
    sends = {send.message: (send.status, send.reason) for send in store.story("ada").sends}
    assert sends["news"] == ("pending", None)
    assert sends["offer"] == ("skipped", "capped")


def simulated(records, until):
    """Return the stores of a simulation of recorded customers over all journeys of the project."""
    population = Population(
        name="recorded", seed=1, start=records[0].at, end=until, who=Recorded(records=tuple(records))
    )
    stores = []
    simulate(PROJECT, population, look=stores.append)
    return stores


def test_case_17_so_it_is_in_simulation():
    (world,) = simulated(records_of(["ada", "bo"], MORNING, "ordered"), MORNING + MINUTE)
    for name in ("ada", "bo"):
        sends = {send.message: (send.status, send.reason) for send in world.story(name).sends}
        assert sends == {"news": ("pending", None), "offer": ("skipped", "capped")}


def test_case_17_a_slot_taken_by_an_earlier_batch_counts(live, store):
    start, _ = live
    start(["ada"], MORNING, "ordered")
    start(["ada"], MORNING + MINUTE, "ordered")
    reasons = [send.reason for send in store.story("ada").sends if send.message == "news"]
    assert reasons == [None, "capped"]


def test_case_19_ten_thousand_held_are_released_one_after_the_other(live, store):
    start, wait_until = live
    names = [f"customer-{number}" for number in range(10_000)]
    for first in range(0, len(names), 1_000):
        start(names[first : first + 1_000], NIGHT, "started")
    per_minute = []
    for minute in range(-1, 11):
        wait_until(MORNING + minute * MINUTE)
        greeted = sum(
            count.count for count in store.send_counts() if (count.message, count.status) == ("greeting", "pending")
        )
        per_minute.append(greeted)
    assert per_minute[:1] == [0], "nobody is written to before the night is over"
    steps = [later - sooner for sooner, later in pairwise(per_minute[1:])]
    assert per_minute[-1] == 10_000
    assert all(800 <= step <= 1_200 for step in steps), steps


def test_case_19_so_it_is_in_simulation():
    names = [f"customer-{number}" for number in range(10_000)]
    (world,) = simulated(records_of(names, NIGHT, "started"), MORNING + 11 * MINUTE)
    per_minute = Counter(
        (send.created_at - MORNING) // MINUTE
        for name in names
        for send in world.story(name).sends
        if (send.message, send.status) == ("greeting", "pending")
    )
    assert per_minute.total() == 10_000
    assert {*per_minute} - {10} == set(range(10)), "from the end of the night on, for ten minutes"
    assert all(800 <= per_minute[minute] <= 1_200 for minute in range(10)), per_minute
