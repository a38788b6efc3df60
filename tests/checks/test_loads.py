"""What a population is due at once is counted as the simulation counts it, and told where the rate cannot carry it."""

import re
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyscript.compiler import compile_project
from journeyscript.runtime.delivery.rates import Window
from journeyscript.runtime.simulation.forecast import forecast
from journeyscript.runtime.simulation.reading import read_population
from journeyscript.runtime.simulation.run import simulate
from journeyscript.syntax.config import RateConfig
from tests.projects import lay_out

SIGNED_UP = "entry: { event: signed_up, again: never }"
MONDAYS = 'entry: { schedule: "0 9 * * mon", audience: AUDIENCE, again: never }'
WELCOME = "- send: welcome"
DRAWN = """
  attributes:
    email: { text: "{customer}@shop.example", missing: 10% }
    country: { choice: { DE: 3, FR: 1 } }
    visits: { choice: { 0: 1, 2: 1 } }
    vip: { choice: { true: 1, false: 4 } }
    age: { uniform: [18, 80], missing: 50% }
  consent: { email: 80%, push: 100% }
"""
CHANNEL = """adapter: console
consent: opt_in
unsubscribe: { url: "https://shop.example/stop" }
rate: RATE
"""


def project(root, steps, *, entry=SIGNED_UP, customers=DRAWN, rate="{ messages: 1, per: 7 days }", number=2000,
            arrive="", behaviour="", more=None):  # fmt: skip
    """Lay out a project with one journey, one population, and a rate for e-mail; return it compiled."""
    body = "\n".join("  " + line for line in steps.splitlines())
    population = (
        f"population: spring\nstart: 2026-03-03T00:00+01:00\nfor: 30 days\ncustomers:\n  number: {number}\n{arrive}"
        f"  event: signed_up\n  properties: {{ source: {{ choice: {{ web: 3, app: 1 }} }} }}{customers}{behaviour}"
    )
    files = {
        "journeys/trial.yaml": f"journey: trial\n{entry}\nsteps:\n{body}\n",
        "simulations/spring.yaml": population,
        "channels/email/channel.yaml": CHANNEL.replace("RATE", rate),
        **(more or {}),
    }
    return compile_project(lay_out(root / "project", files))


def told(compiled):
    return [one for one in compiled.diagnostics if one.code == "JS513"]


def due(found):
    """Return how many messages a finding says are due."""
    said = re.match(r"(?:about )?([\d,]+) messages are due by `email`", found.message)
    return int(said[1].replace(",", ""))


def branch(condition, step):
    return f"- branch:\n    - if: {condition}\n      steps: [{step}]\n    - else: []"


SPLIT = """- split: s
  arms:
    - { arm: a, weight: 30, steps: [{ send: welcome }] }
    - { arm: b, weight: 70, steps: [] }"""


@pytest.mark.parametrize(
    ("steps", "entry"),
    [
        (WELCOME, SIGNED_UP),
        (WELCOME, 'entry: { event: signed_up, where: event.source == "web", again: never }'),
        (WELCOME, "entry: { event: signed_up, again: never, holdout: 25% }"),
        (WELCOME, f'{SIGNED_UP}\nexit:\n  - when: customer.country == "FR"'),
        (branch("customer.visits > 1 or customer.vip", "{ send: welcome }"), SIGNED_UP),
        (branch("has customer.age", "{ send: welcome, via: [sms, email] }"), SIGNED_UP),
        (SPLIT, SIGNED_UP),
        ("- set: { country: '\"DE\"' }\n" + branch("consent.email", "{ send: welcome }"), SIGNED_UP),
        (f"{WELCOME}\n- wait: 1 day\n" + branch("customer.age ?? 0 > 30", "{ send: reminder }"), SIGNED_UP),
        (WELCOME, MONDAYS.replace("AUDIENCE", 'customer.country == "DE" and customer.vip')),
        (WELCOME, MONDAYS.replace("AUDIENCE", 'customer.country == "DE"').replace("again", "in: customer, again")),
    ],
)
def test_as_many_are_due_as_a_simulation_sends(tmp_path, steps, entry):
    compiled = project(tmp_path, steps, entry=entry)
    (found,) = told(compiled)
    (node,) = compiled.simulations.values()
    population, problems = read_population(compiled, node)
    assert not problems
    messages = forecast(compiled, population, simulate(compiled, population)).messages
    sent = sum(one.sent for one in messages if (one.message, one.channel) == ("welcome", "email"))
    assert abs(sent - due(found)) <= 4.5 * sqrt(due(found)) + 1
    assert sent > 100


def test_all_of_a_crowd_are_counted_exactly(tmp_path):
    everybody = '\n  attributes: { email: { text: "{customer}@shop.example" } }\n  consent: { email: 100% }\n'
    (found,) = told(project(tmp_path, WELCOME, customers=everybody, arrive="  arrive: { over: 3 days }\n"))
    assert found.message == "2,000 messages are due by `email` within 3 days, and 1 at most go out in time"
    assert (found.span.path, found.span.line, found.step) == ("simulations/spring.yaml", 5, "send.welcome")
    assert [label.span.path for label in found.labels] == ["journeys/trial.yaml", "channels/email/channel.yaml"]


CARRIED = [
    ("{ messages: 100, per: 1 minute }", "", 2000, ""),
    # Twenty-five times forty within a day, the first of them at once.
    ("{ messages: 40, per: 1 hour }", "\n  max_age: 24 hours", 1000, ""),
    ("{ messages: 10, per: 1 hour }", "\n  max_age: 1 hour", 1000, "  arrive: { over: 5 days }\n"),
]


@pytest.mark.parametrize(("rate", "age", "number", "arrive"), CARRIED)
def test_what_the_rate_carries_in_time_is_not_told(tmp_path, rate, age, number, arrive):
    found = told(project(tmp_path, WELCOME + age, rate=rate, number=number, arrive=arrive))
    assert found == []


def test_chance_alone_makes_no_finding(tmp_path):
    # 720 are expected, of which a channel carries 700: another crowd of the same kind could be as few.
    assert told(project(tmp_path, WELCOME, rate="{ messages: 700, per: 7 days }", number=1000)) == []
    assert told(project(tmp_path / "more", WELCOME, rate="{ messages: 600, per: 7 days }", number=1000)) != []


@pytest.mark.parametrize(
    ("steps", "entry", "behaviour"),
    [
        (f"- wait: 1 hour\n{WELCOME}", SIGNED_UP, ""),
        (WELCOME, "entry: { event: purchased, again: never }", ""),
        (WELCOME, "entry: { event: signed_up, again: never, max_active: 10 }", ""),
        (WELCOME, f"exclusive_group: first\n{SIGNED_UP}", ""),
        # Nobody knows how old they are, beyond that some have an age.
        (WELCOME, "entry: { event: signed_up, where: customer.age ?? 0 > 30, again: never }", ""),
        ("- set: { email: '\"a@shop.example\"' }\n" + WELCOME, SIGNED_UP, ""),
        (WELCOME, MONDAYS.replace("AUDIENCE", "not did(purchased)"), "PURCHASES"),
        (WELCOME, MONDAYS.replace("AUDIENCE", "customer.vip"), "LEAVES"),
        (WELCOME, MONDAYS.replace("AUDIENCE", "customer.vip").replace("mon", "tue"), "ARRIVE"),
        (WELCOME, MONDAYS.replace("AUDIENCE", "customer.vip").replace("* * mon", "1 6 *"), ""),
    ],
)
def test_nothing_is_told_where_it_hangs_on_what_nobody_can_tell(tmp_path, steps, entry, behaviour):
    reacting = "behaviour:\n  - { after: { event: signed_up }, chance: 50%, within: 1 day, "
    bought = "event: purchased, properties: { order_id: a, total: 1, items: 1 } }\n"
    written = {"PURCHASES": reacting + bought, "LEAVES": reacting + "consent: { email: false } }\n"}
    arrive = "  arrive: { over: 9 days }\n" if behaviour == "ARRIVE" else ""
    found = project(tmp_path, steps, entry=entry, behaviour=written.get(behaviour, ""), arrive=arrive)
    assert [one.message for one in found.diagnostics if one.severity == "error"] == []
    assert told(found) == []


def test_a_channel_without_a_rate_carries_everything(tmp_path):
    bare = CHANNEL.replace("rate: RATE\n", "")
    assert told(project(tmp_path, WELCOME, number=1_000_000, more={"channels/email/channel.yaml": bare})) == []


@given(messages=st.integers(1, 5), per=st.integers(1, 40), age=st.integers(0, 200))
def test_as_many_go_out_in_time_as_the_outbox_hands_over(messages, per, age):
    window = Window(RateConfig(messages=messages, per=per), [])
    in_time = 0
    while (at := window.free_at(0)) <= age:
        window.take(at)
        in_time += 1
    assert in_time == messages * (age // per + 1)
