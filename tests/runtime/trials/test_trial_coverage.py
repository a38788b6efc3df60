"""What tests take of a journey, tests that are written for the rest, and data that is somebody else's afterwards."""

from itertools import pairwise
from pathlib import Path

import pytest

from journeyscript.compiler import compile_project
from journeyscript.runtime.trials.coverage import COUNTED, percent
from journeyscript.runtime.trials.generated import generate
from journeyscript.runtime.trials.masking import Masking
from journeyscript.runtime.trials.staging import tried
from journeyscript.runtime.trials.trial import Trial
from journeyscript.semantics.catalog import AttributeDefinition
from journeyscript.semantics.types import STRING, Type
from journeyscript.stores.memory import MemoryStore
from journeyscript.syntax.trial_file import read_tests

ROOT = Path(__file__).parents[3]
PROJECT = compile_project(ROOT)
CASES = compile_project(ROOT / "tests" / "conformance" / "project")
OUT_OF_REACH = {"case_12_all_at_one_instant"}
"""There the exit comes before the event that is waited for."""


@pytest.mark.parametrize("journey", sorted(PROJECT.journeys))
def test_generated_tests_take_all_of_a_shipped_journey(journey):
    trial = Trial(PROJECT, journey)
    made = generate(trial, trial.coverage([]), ())
    verdicts = [tried(trial, test) for test in made.tests]
    assert made.unreached == ()
    assert all(verdict.passed for verdict in verdicts)
    assert percent([trial.coverage(verdicts)]) == 100


@pytest.mark.parametrize("journey", sorted(CASES.journeys))
def test_what_is_not_taken_by_generated_tests_is_named(journey):
    trial = Trial(CASES, journey)
    made = generate(trial, trial.coverage([]), ())
    verdicts = [tried(trial, test) for test in made.tests]
    assert all(verdict.passed for verdict in verdicts)
    missing = [place for place in trial.coverage(verdicts).missing if place.kind in COUNTED]
    assert sorted(place.key for place in missing) == sorted(place.key for place in made.unreached)
    assert bool(missing) == (journey in OUT_OF_REACH)


SEGMENTS = """segments:
  active: { when: "did(purchased, last 30 days)" }
  silent: { when: "did(purchased) and not did(purchased, last 30 days)" }
  locals: { when: 'has customer.locale and customer.locale == "de"' }
"""
BEHIND_A_WAIT = """steps:
  - send: welcome
  - wait: 1 day
  - branch:
      - if: did(purchased, last 12 hours)
        steps: [{ send: later }]
      - else: []
"""
TIMED = """exit:
  - when: days_since(last(purchased).at) > 20
steps:
  - send: welcome
  - wait_until:
      when: not did(purchased, last 5 days)
      timeout: 10 days
  - wait: 30 days
  - send: later
"""


@pytest.mark.parametrize(
    ("entry", "steps"),
    [
        ("{ segment: locals, on: leave, again: never }", BEHIND_A_WAIT),
        ("{ segment: active, on: leave, again: never }", BEHIND_A_WAIT),
        ("{ segment: silent, on: enter, again: never }", BEHIND_A_WAIT),
        ("{ segment: silent, on: leave, again: never }", BEHIND_A_WAIT),
        ("{ event: purchased, again: never }", TIMED),
    ],
    ids=["left by a change", "left in time", "entered in time", "left by an event", "conditions that time makes true"],
)
def test_somebody_is_found_for_what_changes_and_time_alone_bring_about(make_shop, entry, steps):
    shop = make_shop(
        {"catalog/segments.yaml": SEGMENTS, "journeys/trial.yaml": f"journey: trial\nentry: {entry}\n{steps}"}
    )
    project = compile_project(shop.root)
    assert project.sound
    trial = Trial(project, "trial")
    made = generate(trial, trial.coverage([]), ())
    assert made.unreached == ()
    assert all(tried(trial, test).passed for test in made.tests)


def test_more_tests_never_take_less():
    for path, node in PROJECT.tests.items():
        file = read_tests(path, node)
        trial = Trial(PROJECT, file.journey.text)
        verdicts = [trial.run(test, MemoryStore()) for test in file.tests]
        taken = [trial.coverage(verdicts[:number]).taken for number in range(len(verdicts) + 1)]
        assert taken[0] == frozenset()
        assert all(before <= after for before, after in pairwise(taken))


def test_a_reason_to_skip_is_taken_where_a_message_was_skipped_for_it():
    (file,) = (read_tests(p, n) for p, n in PROJECT.tests.items() if read_tests(p, n).journey.text == "welcome")
    trial = Trial(PROJECT, "welcome")
    test = next(test for test in file.tests if test.name.text.startswith("without an address"))
    taken = trial.coverage([trial.run(test, MemoryStore())]).taken
    assert ("skip", "send.welcome", "no_address") in taken
    assert ("skip", "send.welcome", "no_consent") not in taken


def test_a_value_is_replaced_by_the_same_one_wherever_it_stands():
    masking = Masking(PROJECT, ("c-17", "visitor-9"), "customer 1")
    email, note = (AttributeDefinition(name=name, type=STRING) for name in ("email", "note"))
    secret = AttributeDefinition(name="nickname", type=STRING, sensitive=True)
    assert masking.value("email", "Ada@Shop.example", email) == "customer-1@example.com"
    assert masking.value("note", "write to ada@shop.example or bo@shop.example", note) == (
        "write to customer-1@example.com or customer-2@example.com"
    )
    assert masking.value("nickname", "Countess", secret) == "nickname 1"
    assert masking.value("note", "the Countess, VISITOR-9, at +49 (151) 23 45 67", note) == (
        "the nickname 1, customer 1, at +12025550100"
    )
    assert masking.value("note", "004915123 45 67", note) == "+12025550100"
    assert masking.replaced == ("id", "email", "note", "nickname")


def test_sensitive_values_that_are_no_texts_are_replaced_by_some_of_their_type():
    masking = Masking(PROJECT, ("c-17",), "customer 1")
    salary = AttributeDefinition(name="salary", type=Type(kind="money"), sensitive=True)
    born = AttributeDefinition(name="born", type=Type(kind="date"), sensitive=True)
    tags = AttributeDefinition(name="tags", type=Type(kind="list", items=STRING))
    assert masking.value("salary", 123_456, salary) == 1
    assert masking.value("born", "1815-12-10", born) == "2026-01-01"
    assert masking.value("tags", ["red", "a@b.example"], tags) == ["red", "customer-1@example.com"]
    assert masking.kept == ()


def test_what_is_left_as_it_was_is_named():
    masking = Masking(PROJECT, ("c-17",), "customer 1")
    note = AttributeDefinition(name="note", type=STRING)
    assert masking.value("note", "order 2026-03-01, 4711 pieces", note) == "order 2026-03-01, 4711 pieces"
    assert masking.kept == ("note",)
