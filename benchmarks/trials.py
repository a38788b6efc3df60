"""Tests of journeys a second, over the journeys and tests of this repository.

Each test is a story on virtual time with a store of its own; coverage and the words of failures are measured apart. Run
it as

    python benchmarks/trials.py --seconds 3
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from journeyscript.compiler import Project, compile_project
from journeyscript.runtime.trials.generated import generate
from journeyscript.runtime.trials.trial import Trial
from journeyscript.stores.memory import MemoryStore
from journeyscript.syntax.trial_file import WrittenTest, read_tests

Ready = list[tuple[Trial, tuple[WrittenTest, ...]]]


def ready(project: Project) -> Ready:
    """Return the tests of a project with what runs them."""
    files = [read_tests(path, node) for path, node in project.tests.items()]
    return [(Trial(project, file.journey.text), file.tests) for file in files]


def run_all(tests: Ready) -> int:
    """Run every test once; return how many there are."""
    for trial, written in tests:
        for test in written:
            assert trial.run(test, MemoryStore()).passed, test.name.text
    return sum(len(written) for _, written in tests)


def cover_all(tests: Ready) -> int:
    """Run every test once and take the coverage; return how many there are."""
    for trial, written in tests:
        trial.coverage(trial.run(test, MemoryStore()) for test in written)
    return sum(len(written) for _, written in tests)


def generate_all(tests: Ready) -> int:
    """Write tests for all journeys as if they had none; return how many."""
    return sum(len(generate(trial, trial.coverage([]), ()).tests) for trial, _ in tests)


def rate(work: Callable[[], int], seconds: float) -> float:
    """Return how much work is done in a second of CPU."""
    work()
    started, done = time.process_time(), 0
    while (taken := time.process_time() - started) < seconds:
        done += work()
    return done / taken


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3)
    arguments = parser.parse_args()
    tests = ready(compile_project(Path(__file__).parents[1]))
    print(f"tests run         {rate(lambda: run_all(tests), arguments.seconds):8,.0f} a second of CPU")
    print(f"with coverage     {rate(lambda: cover_all(tests), arguments.seconds):8,.0f} a second of CPU")
    print(f"tests generated   {rate(lambda: generate_all(tests), arguments.seconds):8,.0f} a second of CPU")


if __name__ == "__main__":
    main()
