"""Test customers go through journeys as everybody does, and are in no count, on every store."""

from contextlib import closing

import pytest
from prometheus_client.parser import text_string_to_metric_families

from journeyscript.channels.outgoing import Sent
from journeyscript.checks.changes.change import crowd
from journeyscript.cli.init import scaffold
from journeyscript.compiler import compile_project
from journeyscript.runtime.backtest.comparison import Period, compare
from journeyscript.runtime.backtest.past import past_of
from journeyscript.runtime.backtest.run import relive
from journeyscript.runtime.changing.applying import apply_plan
from journeyscript.runtime.changing.planning import plan_change, unplanned
from journeyscript.runtime.operating.metrics import Metrics
from journeyscript.runtime.operating.observing import observed
from journeyscript.runtime.operating.orders import Pause, Stop, carry_out
from journeyscript.runtime.operating.retention import looked_at
from journeyscript.runtime.reporting.doctor import findings
from journeyscript.runtime.reporting.heat import heat_of
from journeyscript.runtime.reporting.report import report
from journeyscript.runtime.session import requests_of
from journeyscript.runtime.simulation.forecast import forecast
from journeyscript.runtime.simulation.reading import read_population
from journeyscript.runtime.simulation.run import simulate
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite
from tests.answering import Answering
from tests.worlds import DAY, HOUR, NOON, WELCOME, World, outbox, signed_up

LATER = NOON + DAY + 3 * HOUR
OURS = 'test_customers: has customer.email and customer.email ends with "@shop.example"\n'
CAPPED = "policies: { caps: [{ messages: 1, per: 24 hours }] }\n"


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    with closing(MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "store.db")) as made:
        yield made


@pytest.fixture
def folder(tmp_path):
    """Return where a project is written to."""
    made = tmp_path / "project"
    made.mkdir()
    return made


def settings(more=OURS):
    return {"journeyscript.yaml": scaffold("example")["journeyscript.yaml"] + more}


def world(folder, store, journeys=None, more=OURS):
    return World(folder, journeys or {"welcome": WELCOME}, store, settings(more))


def enters(name, at=NOON, **more):
    """Return the record of somebody who signs up; those of the shop itself are test customers."""
    domain = "shop.example" if name.startswith("tess") else "example.com"
    return signed_up(at, customer=name, attributes={"email": f"{name}@{domain}"}, **more)


def to_the_end(made):
    """Let time go on until everybody who waits is through."""
    made.at(NOON + DAY + HOUR)
    made.at(LATER)


def balance(one):
    return one.entered, one.active + one.completed + one.exited + one.failed


def test_they_are_sent_messages_as_everybody_and_are_in_no_count(folder, store):
    made = world(folder, store)
    made.at(NOON, enters("ada"), enters("bo"), enters("tess"), enters("tess_2"))
    to_the_end(made)
    assert [send.message for send in store.story("tess").sends] == ["welcome", "reminder"]
    counted = report(store, LATER)
    (people,), (tests,) = counted.journeys, counted.test_customers.journeys
    assert (people.entered, tests.entered) == (2, 2)
    assert balance(people) == (2, 2)
    assert balance(tests) == (2, 2)
    assert {one.message: one.pending for one in counted.messages} == {"welcome": 2, "reminder": 2}
    assert {one.message: one.pending for one in counted.test_customers.messages} == {"welcome": 2, "reminder": 2}
    assert counted.outbox.pending == 8, "what is on its way is on its way, whoever it is for"
    assert counted.totals.customers == 4, "nor does the size of the store leave anybody out"
    heat = heat_of(store, "welcome")
    assert {heat[state].here + heat[state].passed + heat[state].left for state in heat} == {2}


def test_a_refusal_of_a_test_customer_is_told_of_them_and_not_counted(folder, store):
    made = world(folder, store)
    made.at(NOON, enters("ada"), enters("tess"))
    made.at(NOON + HOUR, enters("ada", NOON + HOUR), enters("tess", NOON + HOUR))
    assert [one.reason for one in store.story("tess").refusals] == ["inside"]
    assert [(one.reason, one.count) for one in report(store, NOON).refused] == [("inside", 1)]


def test_who_cannot_be_told_is_no_test_customer(folder, store):
    made = world(folder, store, more='test_customers: customer.email ?? "" ends with "@shop.example"\n')
    made.at(NOON, signed_up(NOON, attributes={}))
    assert [one.test for one in made.enrollments] == [False]
    unknown = 'test_customers: has customer.phone or has customer.email and customer.email starts with "x"\n'
    other = world(folder, MemoryStore(), more=unknown)
    other.at(NOON, signed_up(NOON, attributes={}))
    assert [one.test for one in other.enrollments] == [False]


def test_what_was_decided_at_entry_stays_whatever_changes_later(folder, store):
    made = world(
        folder, store, {"again": WELCOME.replace("journey: welcome", "journey: again").replace("never", "always")}
    )
    made.at(NOON, enters("ada"), enters("tess"))
    before = report(store, NOON)
    made.at(NOON + 1, {"customer": "ada", "attributes": {"email": "ada@shop.example"}})
    made.at(NOON + 1, {"customer": "tess", "attributes": {"email": "tess@example.com"}})
    made = world(folder, store, more="")
    made.at(NOON + HOUR)
    assert report(store, NOON).journeys == before.journeys
    assert report(store, NOON).test_customers == before.test_customers


def test_they_take_no_place_of_a_journey_that_only_so_many_can_be_in_and_are_refused_none(folder, store):
    made = world(folder, store, {"welcome": WELCOME.replace("never }", "never, max_active: 1 }")})
    made.at(NOON, enters("tess"), enters("ada"), enters("tess_2"), enters("bo"))
    made.at(NOON + HOUR, enters("tess_3", NOON + HOUR), enters("cy", NOON + HOUR))
    inside = {name: bool(store.story(name).enrollments) for name in ("tess", "ada", "tess_2", "bo", "tess_3", "cy")}
    assert inside == {"tess": True, "ada": True, "tess_2": True, "bo": False, "tess_3": True, "cy": False}
    assert store.active(["welcome"]) == {"welcome": 1}


def test_they_are_never_held_out(folder, store):
    held = WELCOME.replace("never }", "never, holdout: 50% }")
    names = [f"{kind}_{number}" for number in range(40) for kind in ("ada", "tess")]
    made = world(folder, store, {"welcome": held})
    made.at(NOON, *(enters(name) for name in names))
    out = {name for name in names if store.story(name).enrollments[0].reason == "holdout"}
    assert 5 < len(out) < 35
    assert all(name.startswith("ada") for name in out)


def test_caps_and_consent_hold_for_them(folder, store):
    other = "journey: other\nentry: { event: signed_up, again: never }\nsteps: [{ send: thanks }]\n"
    made = world(folder, store, {"welcome": WELCOME, "other": other}, OURS + CAPPED)
    made.at(NOON, enters("tess"), enters("tess_2", consent={"email": False}))
    assert {send.reason for send in store.story("tess").sends} == {None, "capped"}
    assert {send.reason for send in store.story("tess_2").sends} == {"no_consent"}
    assert report(store, NOON).not_sent == ()


def test_no_metric_counts_them_and_lateness_is_that_of_everybody(folder, store, tmp_path):
    file = tmp_path / "run.prom"
    metrics = Metrics(["welcome"], lambda: NOON, file=file)
    made = world(folder, store)
    made.store = observed(store, metrics)
    made.at(NOON, enters("ada"), enters("tess"), enters("tess_2"))
    made.at(NOON, enters("tess"))
    made.store.erase("tess_2", NOON)
    to_the_end(made)
    with outbox(made, Answering(*[Sent()] * 4)) as opened:
        assert opened.deliver(LATER) == 4
    metrics.show(NOON, None, None)
    found = {
        (one.name.removeprefix("journeyscript_"), *one.labels.values()): one.value
        for family in text_string_to_metric_families(file.read_text())
        for one in family.samples
        if one.value and one.name.startswith("journeyscript_")
    }
    assert found["entries_total", "welcome"] == 1
    assert found["endings_total", "welcome", "completed"] == 1
    assert ("endings_total", "", "exited") not in found
    assert [value for (name, *_), value in found.items() if name == "refusals_total"] == []
    assert sum(value for (name, *_), value in found.items() if name == "sends_total") == 2
    assert sum(value for (name, *_), value in found.items() if name == "deliveries_total") == 2
    assert found["timer_lateness_seconds_count",] > 1


def test_what_an_operator_orders_reaches_them_and_tells_them_apart(folder, store):
    made = world(folder, store)
    made.at(NOON, enters("ada"), enters("tess"))
    said = carry_out(store, Pause(journey="welcome"), NOON, made.rules).said
    assert said == "`welcome` is paused: 1 enrollment and 1 of test customers inside stand still"
    carry_out(store, Stop(journey="welcome", leave=True), NOON, made.rules)
    assert store.story("tess").enrollments[0].reason == "stopped"


def test_history_that_only_a_test_customer_s_version_looks_at_is_kept(folder, store):
    looking = WELCOME.replace("steps:", "exit: [{ when: 'count(account_closed, last 30 days) > 2' }]\nsteps:")
    made = world(folder, store, {"welcome": looking})
    made.at(NOON, enters("tess"))
    world(folder, store)
    assert "account_closed" in looked_at(store, NOON)


def test_the_file_of_a_store_with_test_customers_is_well(folder, tmp_path):
    with closing(open_sqlite(tmp_path / "well.db")) as store:
        made = world(folder, store)
        made.at(NOON, enters("ada"), enters("tess"))
        store.merge("tess", "ada", NOON)
        assert findings(store.inspect(NOON), *store.deployments(), {}, NOON, virtual=False) == []


# A change ----------------------------------------------------------------------------------------------------------

RENAMED = WELCOME.replace("- wait_for: purchased", "- id: pause\n    wait_for: purchased")
MOVED = RENAMED + "migrate: { from: { wait_for.purchased: pause } }\n"


def change(folder, text):
    (folder / "journeys" / "welcome.yaml").write_text(text)
    return compile_project(folder)


def test_a_plan_tells_them_apart_and_moves_them_along(folder, store):
    made = world(folder, store)
    made.at(NOON, enters("ada"), enters("bo"), enters("tess"))
    planned = plan_change(change(folder, MOVED), store, NOON)
    (line,) = planned.plan.journeys[0].lines
    assert (line.people, line.test_customers, line.fate, line.to) == (2, 1, "move", "pause")
    assert not planned.blocked
    apply_plan(store, planned, NOON)
    (moved,) = store.story("tess").enrollments
    assert (moved.state, moved.test) == ("pause", True)


def test_a_change_that_would_strand_only_a_test_customer_is_blocked(folder, store):
    made = world(folder, store)
    made.at(NOON, enters("tess"))
    project = change(folder, RENAMED)
    planned = plan_change(project, store, NOON)
    assert planned.blocked
    (found,) = [one for one in planned.findings if one.code == "JS802"]
    assert found.message.endswith(": 1 test customer")
    assert found.witness[0].startswith("1 test customer at wait_for.purchased")
    (left,) = unplanned(project, store)
    assert (left.people, left.test) == (0, 1)


def test_a_journey_is_not_taken_away_from_a_test_customer(folder, store):
    other = "journey: other\nentry: { event: account_closed, again: never }\nsteps: [{ send: thanks }]\n"
    made = world(folder, store, {"welcome": WELCOME, "other": other})
    made.at(NOON, enters("tess"))
    (folder / "journeys" / "welcome.yaml").unlink()
    planned = plan_change(compile_project(folder), store, NOON)
    assert planned.blocked
    assert [(one.code, one.message) for one in planned.findings] == [
        ("JS812", "`welcome` is taken away, and 1 test customer is inside of it")
    ]


def test_other_findings_of_a_change_are_about_people_alone(folder, store):
    made = world(folder, store)
    made.at(NOON, enters("tess"))
    longer = WELCOME.replace("timeout: 1 day", "timeout: 2 days")
    assert plan_change(change(folder, longer), store, NOON).findings == ()
    made.at(NOON, enters("ada"))
    assert [one.code for one in plan_change(change(folder, longer), store, NOON).findings] == ["JS803"]


@pytest.mark.parametrize(
    ("people", "test", "words"),
    [
        (1, 0, "1 person"),
        (0, 0, "0 people"),
        (0, 1, "1 test customer"),
        (2, 1, "2 people and 1 test customer"),
        (1, 2_000, "1 person and 2,000 test customers"),
    ],
)
def test_a_crowd_in_words(people, test, words):
    assert crowd(people, test) == words


# What might happen, and what would have -----------------------------------------------------------------------------

POPULATION = """
population: mixed
start: 2026-03-02T00:00Z
for: 20 days
customers:
  number: 200
  arrive: { over: 4 days }
  event: signed_up
  properties: { source: web }
  attributes: { email: { choice: { "a@shop.example": 1, "a@example.com": 3 } } }
  consent: { email: 100% }
"""


def test_a_simulation_leaves_them_out_of_the_funnel_and_says_so(folder, store):
    (folder / "simulations").mkdir()
    (folder / "simulations" / "mixed.yaml").write_text(POPULATION)
    project = world(folder, store).project
    population, findings = read_population(project, project.simulations["simulations/mixed.yaml"])
    assert not findings
    told = forecast(project, population, simulate(project, population))
    (journey,) = told.journeys
    assert told.customers == 200
    assert 20 < told.test_entries < 80
    assert journey.entered == 200 - told.test_entries
    assert journey.steps[0].reached == journey.entered
    assert {one.message: one.sent for one in told.messages} == {
        "welcome": journey.entered,
        "reminder": journey.entered,
    }
    assert sum(one.sent for one in told.channels) == 2 * journey.entered


def test_a_backtest_leaves_out_who_is_a_test_customer_on_either_side(folder, store):
    made = world(folder, store, more="")
    made.at(NOON, enters("ada"), enters("tess"))
    to_the_end(made)
    changed = world(folder, MemoryStore(), {"welcome": WELCOME.replace("- send: welcome", "- send: thanks")}).project
    until = NOON + 2 * DAY
    past = past_of(store, until, requests_of(changed), DAY)
    now = relive(changed, past.records, until, past.beginnings)
    found = compare(store, now, Period(since=NOON, until=until, zone="UTC"), 3)
    assert found.test_customers == 1
    assert {one.message: (one.before, one.now) for one in found.messages} == {
        "thanks": (0, 1),
        "welcome": (1, 0),
        "reminder": (1, 1),
    }
    assert all(example.customer == "ada" for one in found.messages for example in one.examples)
