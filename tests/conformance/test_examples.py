"""The journeys of this repository: they compile, pass their tests on every store, and the tests leave nothing out."""

from pathlib import Path

import pytest

from journeyscript.compiler import compile_project
from journeyscript.runtime.trials.coverage import COUNTED
from journeyscript.runtime.trials.invented import DEFAULT_NAME
from journeyscript.runtime.trials.trial import Trial
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite
from journeyscript.syntax.trial_file import read_tests
from tests.simulating import Simulated

PROJECT = compile_project(Path(__file__).parents[2])
FILES = [read_tests(path, node) for path, node in PROJECT.tests.items()]


def name_of(test):
    """Return what the customer of a test goes by."""
    name = None if test.customer is None else test.customer.get("id")
    return DEFAULT_NAME if name is None else name.text


def test_every_journey_compiles_and_has_tests():
    assert PROJECT.diagnostics == ()
    assert {file.journey.text for file in FILES} == set(PROJECT.journeys)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_a_journey_passes_its_tests_and_leaves_the_same_story_on_every_store(file, tmp_path):
    trial = Trial(PROJECT, file.journey.text)
    for number, test in enumerate(file.tests):
        memory, sqlite = MemoryStore(), open_sqlite(tmp_path / f"{number}.db")
        try:
            verdict = trial.run(test, memory)
            assert (verdict.findings, verdict.failures) == ((), ()), test.name.text
            assert trial.run(test, sqlite) == verdict
            assert memory.story(name_of(test)) == sqlite.story(name_of(test))
        finally:
            sqlite.close()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_the_tests_of_a_journey_take_every_way_there_is(file):
    trial = Trial(PROJECT, file.journey.text)
    coverage = trial.coverage(trial.run(test, MemoryStore()) for test in file.tests)
    assert [place.key for place in coverage.missing if place.kind in COUNTED] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_a_journey_passes_its_tests_in_simulation(file, tmp_path):
    simulated = Simulated(PROJECT, file.journey.text, file.tests, tmp_path)
    assert {test.name.text: simulated.failures(number) for number, test in enumerate(file.tests)} == {
        test.name.text: [] for test in file.tests
    }
