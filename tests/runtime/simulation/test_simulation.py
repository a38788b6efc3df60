"""Simulations: fixed by their seed, balanced in every count, the same as production, and deaf to bad files."""

import json
import os
import pickle
from collections import Counter
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyscript.compiler import compile_project
from journeyscript.runtime.intake.recorded import read_recorded
from journeyscript.runtime.intake.records import Intake
from journeyscript.runtime.replay import Replay
from journeyscript.runtime.session import For, Session, requests_of
from journeyscript.runtime.simulation import run
from journeyscript.runtime.simulation.forecast import forecast
from journeyscript.runtime.simulation.proportions import compare
from journeyscript.runtime.simulation.reading import read_population
from journeyscript.runtime.simulation.run import simulate
from journeyscript.runtime.simulation.tally import Tally
from journeyscript.stores.memory import MemoryStore
from tests.projects import lay_out

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parents[2] / "golden" / "simulations" / "small.json"
DAY = 86_400_000
JOURNEY = """
journey: welcome
stage: onboarding
entry: { event: signed_up, again: never }
goal: { event: purchased, exit: false }
exit: [{ event: account_closed }]
steps:
  - send: welcome
    via: email
  - wait: 1 day
  - split: second
    arms:
      - arm: mail
        weight: 50
        steps: [{ send: offer, via: email, with: { discount: 10 } }]
      - arm: control
        weight: 50
        steps: []
  - wait_for: app_installed
    timeout: 5 days
    lookback: since entry
  - send: reminder
    via: push
"""
POPULATION = """
population: small
seed: 3
start: 2026-03-02T00:00+01:00
for: 20 days
customers:
  number: 120
  arrive: { over: 4 days }
  event: signed_up
  properties: { source: { choice: { web: 3, app: 1 } } }
  attributes:
    email: { text: "{customer}@shop.example", missing: 10% }
    push_token: { text: "{customer}" }
    age: { uniform: [18, 80] }
    vip: { choice: { true: 1, false: 9 } }
    balance: { normal: { mean: 20, deviation: 30, min: 0 } }
  consent: { email: 80%, push: 100% }
behaviour:
  - after: { stage: onboarding }
    event: account_closed
    chance: 5%
    within: { uniform: [1 day, 10 days] }
  - after: { message: offer }
    event: purchased
    chance: 50%
    within: { lognormal: { median: 6 hours } }
    properties: { order_id: { text: "{customer}-{n}" }, total: { uniform: [5, 60] }, items: 1 }
  - after: { message: welcome, channel: email }
    event: app_installed
    chance: 40%
    within: { exponential: { median: 2 days } }
  - after: { event: purchased }
    chance: 20%
    within: { fixed: 1 hour }
    consent: { push: false }
"""
CAPS = """
name: golden
timezone: Europe/Berlin
rules: { JS902: "off" }
per_file_ignores: { journeys/*: [JS502] }
policies:
  caps: [{ messages: 1, per: 3 days }]
"""


def make(root, population=POPULATION, **files):
    """Return a project with a journey and a population, and what reading the population came to."""
    laid = {"journeys/welcome.yaml": JOURNEY, "simulations/small.yaml": population}
    project = compile_project(lay_out(root, {**laid, **files}))
    (node,) = project.simulations.values() or (None,)
    read = (None, list(project.diagnostics)) if node is None else read_population(project, node)
    return project, *read


def forecast_of(project, population):
    return forecast(project, population, simulate(project, population))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    project, population, findings = make(tmp_path_factory.mktemp("small"))
    assert (project.sound, findings) == (True, [])
    return project, population


def test_a_small_population_comes_to_what_it_always_came_to(small):
    found = msgspec.json.format(msgspec.json.encode(forecast_of(*small)), indent=2).decode() + "\n"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(found)
    assert found == GOLDEN.read_text()


def test_the_seed_decides_everything(small):
    project, population = small
    other = msgspec.structs.replace(population, seed=4)
    assert forecast_of(project, population) == forecast_of(project, population)
    found, otherwise = forecast_of(project, population), forecast_of(project, other)
    assert found.days != otherwise.days
    assert found.experiments != otherwise.experiments


def test_whoever_looks_is_shown_the_store_of_each_group_once_with_all_that_happened(small, monkeypatch):
    project, population = small
    monkeypatch.setattr(run, "GROUP", 50)
    seen = []
    result = simulate(project, population, look=lambda store: seen.append(store.totals(population.end)))
    assert [totals.customers for totals in seen] == [50, 50, 20]
    assert sum(totals.customers for totals in seen) == result.customers
    assert sum(totals.events for totals in seen) == result.events.total()
    assert sum(totals.overdue for totals in seen) == 0


def test_it_does_not_matter_on_how_many_cores(small, monkeypatch):
    project, population = small
    monkeypatch.setattr(run, "GROUP", 50)
    done = []
    expected, found = simulate(project, population), simulate(project, population, done.append, cores=2)
    assert done == [1 / 3, 2 / 3, 1.0]
    assert found == expected
    assert forecast(project, population, found) == forecast(project, population, expected)


@pytest.mark.parametrize("group", [1, 13, 10_000])
def test_it_does_not_matter_how_many_live_in_one_group(small, monkeypatch, group):
    expected = forecast_of(*small)
    monkeypatch.setattr(run, "GROUP", group)
    assert forecast_of(*small) == expected


@settings(max_examples=15)
@given(st.integers(0, 1 << 40))
def test_the_counts_balance(seed):
    with TemporaryDirectory() as folder:
        project, population, _ = make(Path(folder))
        found = forecast_of(project, msgspec.structs.replace(population, seed=seed))
    (journey,) = found.journeys
    events = {one.name: one.count for one in found.events}
    reached = {step.step: step.reached for step in journey.steps}
    assert found.customers == events["signed_up"] == journey.entered == 120
    assert journey.entered == journey.active + journey.completed + journey.exited + journey.failed
    assert journey.failed == found.rejected == 0
    assert sum(one.count for one in journey.ended) == journey.entered - journey.active
    sent = sum(one.sent for one in found.messages)
    assert sent == sum(one.sent for one in found.days) == sum(one.sent for one in found.channels)
    assert sent + sum(one.count for one in found.skipped) == sum(
        reached[step] for step in ("send.welcome", "send.offer", "send.reminder")
    )
    assert sum(arm.assigned for arm in found.experiments[0].arms) <= reached["split.second"]
    assert journey.goal <= events.get("purchased", 0)


@settings(max_examples=15)
@given(st.integers(0, 1 << 40))
def test_a_cap_holds_for_everybody(seed):
    with TemporaryDirectory() as folder:
        project, population, _ = make(
            Path(folder), POPULATION.replace("number: 120", "number: 1"), **{"journeyscript.yaml": CAPS}
        )
        found = forecast_of(project, msgspec.structs.replace(population, seed=seed))
    days = [one.day for one in found.days for _ in range(one.sent)]
    assert all(int(later[8:]) - int(earlier[8:]) >= 3 for earlier, later in pairwise(days))


def test_caps_and_quiet_hours_are_counted(tmp_path):
    quiet = CAPS + '  quiet_hours: { between: ["12:00", "18:00"] }\n'
    project, population, _ = make(tmp_path, **{"journeyscript.yaml": quiet})
    found = forecast_of(project, population)
    assert {one.reason for one in found.skipped} == {"no_address", "no_consent", "capped"}
    assert "quiet_hours" in {one.reason for one in found.held}
    assert all(not 12 <= int(one.peak_hour[11:13]) < 18 for one in found.channels)


def test_a_simulated_file_is_what_a_replay_of_it_is(tmp_path):
    project = compile_project(ROOT)
    samples = ROOT / "samples" / "events.jsonl"
    written = {"population": "p", "for": "200 days", "customers": {"file": str(samples)}}
    other, population, findings = _populated(project, written, tmp_path)
    assert findings == []
    result = simulate(other, population)
    records = read_recorded(samples, None, Intake(project.catalog, requests_of(project)), 0)
    store = MemoryStore()
    with Session(
        project, store, virtual=True, delivery=For.NOTHING, at=population.start, environment=os.environ
    ) as session:
        assert Replay(session).run(records, population.end)
    outcomes: Counter = Counter()
    for count in store.journey_counts():
        outcomes[count.journey, count.status, count.state, count.reason or ""] += count.count
    assert result.outcomes == outcomes
    sent: Counter = Counter()
    for count in store.send_counts():
        if count.status != "skipped":
            sent[count.journey, count.message, count.channel] += count.count
    assert (result.sent, result.customers) == (sent, store.totals(0).customers)
    assert sum(sent.values()) > 50


def _populated(project, written, folder):
    from journeyscript.source.yaml import read_yaml

    node, found = read_yaml("p.yaml", json.dumps(written))
    assert not found
    return project, *read_population(project, node)


def test_only_so_many_are_inside_where_the_journey_says_so(tmp_path):
    journey = JOURNEY.replace("again: never", "again: never, max_active: 10")
    project, population, _ = make(tmp_path, **{"journeys/welcome.yaml": journey})
    (found,) = forecast_of(project, population).journeys
    assert found.entered < 120
    assert [one.name for one in found.refused] == ["max_active"]
    assert found.entered + found.refused[0].count == 120


def test_a_schedule_finds_those_who_are_there(tmp_path):
    weekly = """
journey: weekly
entry: { schedule: "0 9 * * mon", audience: customer.vip, again: always }
steps: [{ send: reminder, via: push }]
"""
    project, population, _ = make(tmp_path, **{"journeys/weekly.yaml": weekly})
    found = {one.journey: one for one in forecast_of(project, population).journeys}["weekly"]
    assert found.entered > 2
    assert found.entered % 2 == 0  # The Mondays behind the arrivals; on the first nobody has come.


def test_a_reaction_comes_after_what_it_reacts_to_and_not_before_its_time(tmp_path):
    behaviour = """behaviour:
  - after: { message: welcome }
    event: app_installed
    chance: 100%
    within: { fixed: 2 days }
  - after: { event: app_installed }
    event: page_viewed
    chance: 100%
    within: { fixed: 3 days }
    properties: { url: /thanks }
"""
    text = (
        POPULATION.partition("behaviour:")[0]
        .replace("for: 20 days", "for: {days}")
        .replace("over: 4 days", "over: 1 minute")
    )
    counted = []
    for days in ("47 hours", "49 hours", "119 hours", "121 hours"):
        project, population, _ = make(tmp_path / days.partition(" ")[0], text.replace("{days}", days) + behaviour)
        events = {one.name: one.count for one in forecast_of(project, population).events}
        sent = {one.message: one.sent for one in forecast_of(project, population).messages}["welcome"]
        counted.append((events.get("app_installed", 0) / sent, events.get("page_viewed", 0) / sent))
    assert counted == [(0, 0), (1, 0), (1, 0), (1, 1)]


def test_who_is_held_out_reacts_to_nothing_of_the_journey(tmp_path):
    behaviour = "behaviour: [{ after: { stage: onboarding }, event: app_installed, chance: 100%, within: 1 hour }]\n"
    journey = JOURNEY.replace("again: never", "again: never, holdout: 50%")
    project, population, _ = make(
        tmp_path, POPULATION.partition("behaviour:")[0] + behaviour, **{"journeys/welcome.yaml": journey}
    )
    found = forecast_of(project, population)
    (held_out,) = [one.count for one in found.journeys[0].ended if one.name == "holdout"]
    assert 40 < held_out < 80
    assert {one.name: one.count for one in found.events} == {"signed_up": 120, "app_installed": 120 - held_out}


def held_out(tmp_path, goal, behaviour, number=120):
    """Return the comparisons of a journey with half of the customers held out, who do what `behaviour` says."""
    written = JOURNEY.replace("again: never", "again: never, holdout: 50%")
    written = written.replace("goal: { event: purchased, exit: false }", f"goal: {goal}")
    text = POPULATION.partition("behaviour:")[0].replace("number: 120", f"number: {number}") + behaviour
    project, population, findings = make(tmp_path, text, **{"journeys/welcome.yaml": written})
    assert not findings
    return forecast_of(project, population).holdouts


BUYING = """behaviour:
  - after: { event: signed_up }
    event: purchased
    chance: 100%
    within: { fixed: HOW }
    properties: { order_id: "1", total: 20, items: 1 }
"""


@pytest.mark.parametrize(
    ("goal", "how", "reached"),
    [
        ("{ event: purchased, exit: false }", "15 days", True),
        ("{ event: purchased, exit: true }", "1 hour", True),
        ("{ event: purchased, within: 2 days, exit: false }", "2 days", True),
        ("{ event: purchased, within: 2 days, exit: false }", "49 hours", False),
        ("{ event: purchased, where: event.total > 10, exit: false }", "1 hour", True),
        ("{ event: purchased, where: event.total > 30, exit: false }", "1 hour", False),
        ("{ event: signed_up, exit: false }", "1 hour", False),
    ],
)
def test_those_held_out_and_those_let_in_reach_the_goal_by_one_rule(tmp_path, goal, how, reached):
    (one,) = held_out(tmp_path, goal, BUYING.replace("HOW", how))
    assert (one.journey, one.experiment, one.base) == ("welcome", "holdout", "held out")
    assert [arm.arm for arm in one.arms] == ["let in", "held out"]
    assert sum(arm.assigned for arm in one.arms) == 120
    assert all(30 < arm.assigned < 90 and arm.converted == arm.assigned * reached for arm in one.arms)


def test_what_only_messages_bring_about_is_the_difference_to_those_held_out(tmp_path):
    behaviour = BUYING.replace("event: signed_up", "message: welcome").replace("HOW", "1 hour")
    (one,) = held_out(tmp_path, "{ event: purchased, exit: false }", behaviour, number=1_000)
    let_in, out = one.arms
    assert out.converted == 0
    assert let_in.converted > 100
    assert let_in.against is not None
    assert let_in.against.difference == let_in.converted / let_in.assigned
    assert out.against is None


def test_a_goal_that_asks_about_the_customer_is_not_compared_with_the_holdout(tmp_path):
    goal = "{ event: purchased, where: customer.vip, exit: false }"
    assert held_out(tmp_path, goal, BUYING.replace("HOW", "1 hour")) == ()


def test_holdouts_of_groups_of_customers_add_up(tmp_path, monkeypatch):
    behaviour = BUYING.replace("event: signed_up", "message: welcome").replace("HOW", "1 hour")
    goal = "{ event: purchased, where: event.total > 10, exit: false }"
    whole = held_out(tmp_path / "whole", goal, behaviour)
    monkeypatch.setattr(run, "GROUP", 7)
    add = Tally.add
    monkeypatch.setattr(Tally, "add", lambda self, other, times=1: add(self, pickle.loads(pickle.dumps(other)), times))
    assert held_out(tmp_path / "parts", goal, behaviour) == whole


def test_without_a_holdout_there_is_nothing_to_compare_with_it(small):
    assert forecast_of(*small).holdouts == ()


def test_reactions_that_cause_each_other_come_to_an_end(tmp_path):
    circle = """behaviour:
  - { after: { event: app_installed }, event: app_installed, chance: 100%, within: { fixed: 0 hours } }
  - { after: { event: signed_up }, event: app_installed, chance: 100%, within: 1 hour }
"""
    text = POPULATION.partition("behaviour:")[0].replace("number: 120", "number: 2")
    project, population, findings = make(tmp_path, text + circle.replace("0 hours", "1 second"))
    assert findings == []
    assert forecast_of(project, population).cut_short == 2


def test_one_reaction_more_changes_no_draw_of_the_others(small, tmp_path):
    more = POPULATION + "  - { after: { message: reminder }, event: account_closed, chance: 10%, within: 1 day }\n"
    project, population, _ = make(tmp_path, more)
    before, after = (
        {one.name: one.count for one in forecast_of(*pair).events} for pair in (small, (project, population))
    )
    assert before["purchased"] == after["purchased"]
    assert before["app_installed"] == after["app_installed"]
    assert before["account_closed"] < after["account_closed"]


VALUES = ("for: 20 days", "uniform: [1 day, 10 days]", "2026-03-02T00:00")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("event: signed_up", "event: sined_up", "JS103"),
        ("message: offer", "message: ofer", "JS105"),
        ("stage: onboarding", "stage: loyalty", "JS005"),
        ("channel: email", "channel: mail", "JS104"),
        ("push: 100%", "pusch: 100%", "JS104"),
        ("age: {", "aege: {", "JS301"),
        ("items: 1", "item: 1", "JS302"),
        (", items: 1", "", "JS004"),
        ("items: 1", "items: { value: 1, missing: 5% }", "JS005"),
        ("web: 3", "shop: 3", "JS307"),
        ("uniform: [18, 80]", "uniform: [80, 18]", "JS303"),
        ("uniform: [18, 80]", "uniform: [18.5, 80]", "JS303"),
        ("uniform: [18, 80]", "text: old", "JS303"),
        ("true: 1, false: 9", "perhaps: 1", "JS303"),
        ("mean: 20", "mean: 99999999999999999", "JS303"),
        ("deviation: 30, min: 0", "deviation: 30, min: 5, max: 1", "JS303"),
        ("for: 20 days", "for: a while", "JS005"),
        ("for: 20 days", "for: 2 months", "JS408"),
        ("uniform: [1 day, 10 days]", "uniform: [10 days, 1 day]", "JS005"),
        ("2026-03-02T00:00", "2026-02-30T00:00", "JS005"),
    ],
)
def test_a_population_that_cannot_be_is_told_at_its_place(tmp_path, old, new, code):
    assert old in POPULATION
    project, population, findings = make(tmp_path, POPULATION.replace(old, new, 1))
    assert population is None
    assert findings[0].code == code
    assert findings[0].span.path == "simulations/small.yaml"
    # Names are checked with the project, values where they are drawn.
    a_name = code not in ("JS303", "JS307") and old not in VALUES
    assert (findings[0] in project.diagnostics) == a_name
    assert not a_name or findings[0].help is not None


def test_a_stage_is_not_missed_where_a_journey_could_not_be_read(tmp_path):
    text = POPULATION.replace("stage: onboarding", "stage: loyalty", 1)
    project, *_ = make(tmp_path, text, **{"journeys/other.yaml": "journey: other\nsteps: []\n"})
    assert not [found for found in project.diagnostics if found.span.path == "simulations/small.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        "population: [",
        "[" * 100_000,
        "population: a\nfor: 1 day\ncustomers: 3\n",
        "population: a\nfor: 1 day\ncustomers: { number: 0, event: signed_up }\n",
        "population: a\nfor: 1 day\ncustomers: { number: 99999999999999999999, event: signed_up }\n",
        "population: a\nfor: 1 day\ncustomers: { number: 1, event: signed_up }\nbehaviour: [{ after: 3 }]\n",
        POPULATION.replace("chance: 50%", "chance: 101%"),
        POPULATION.replace("chance: 50%", "chance: 0.5"),
        POPULATION.replace("lognormal", "weibull"),
        POPULATION + "  - { after: { message: offer }, chance: 1%, within: 1 day }\n",
    ],
)
def test_a_file_that_is_no_population_is_an_error_of_the_project(tmp_path, text):
    project, population, findings = make(tmp_path, text)
    assert population is None
    assert not project.sound
    assert {found.span.path for found in findings} == {"simulations/small.yaml"}


def test_a_file_of_customers_that_is_not_there_is_told(tmp_path):
    _, population, findings = make(tmp_path, "population: a\nfor: 1 day\ncustomers: { file: nobody.jsonl }\n")
    assert population is None
    assert "nobody.jsonl" in findings[0].message


def test_records_that_cannot_be_used_are_counted(tmp_path):
    rows = [
        {"customer": "ada", "event": "signed_up", "time": "2026-03-02T10:00:00Z", "properties": {"source": "web"}},
        {"customer": "ada", "event": "sined_up", "time": "2026-03-02T10:00:00Z"},
        {"type": "erase", "customer": "ada", "time": "2026-03-03T10:00:00Z"},
    ]
    project, population, findings = make(
        tmp_path,
        "population: a\nfor: 1 day\ncustomers: { file: people.jsonl }\n",
        **{"people.jsonl": "".join(f"{json.dumps(row)}\n" for row in rows)},
    )
    assert findings == []
    found = forecast_of(project, population)
    assert (found.customers, found.left_out, found.start) == (1, 2, "2026-03-02T11:00:00+01:00")


# Two shares --------------------------------------------------------------------------------------------------------


def test_a_difference_is_told_with_its_interval():
    found = compare(120, 1000, 100, 1000)
    assert found.difference == pytest.approx(0.02)
    assert (found.low, found.high) == (pytest.approx(-0.00741, abs=1e-5), pytest.approx(0.04741, abs=1e-5))
    assert found.power == pytest.approx(0.2981, abs=1e-4)
    assert found.needed == 7_677
    assert found.enough


def test_the_customers_that_are_needed_give_the_power_that_is_asked_for():
    found = compare(120, 1000, 100, 1000)
    more = found.needed / 2000
    again = compare(round(120 * more), round(1000 * more), round(100 * more), round(1000 * more))
    assert again.power == pytest.approx(0.8, abs=0.005)


def test_nothing_is_said_of_nobody_and_of_no_difference():
    assert compare(0, 0, 1, 2) is None
    same = compare(10, 100, 10, 100)
    assert (same.difference, same.power, same.needed) == (0, None, None)
    assert not compare(1, 100, 30, 100).enough


@given(st.integers(1, 500), st.integers(1, 500), st.data())
def test_an_interval_holds_its_difference(of, other_of, data):
    converted, other = data.draw(st.integers(0, of)), data.draw(st.integers(0, other_of))
    found = compare(converted, of, other, other_of)
    assert -1 <= found.low <= found.difference <= found.high <= 1
    assert found.power is None or 0 <= found.power <= 1
