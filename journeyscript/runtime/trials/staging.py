"""A test that lives through the situation of a finding, with what the journey does in it today as its expectation.

Takes a project, a journey and a situation. `ways` gives candidates: customers and timelines that should go the way of
the situation. Each is lived through as `journeyscript test` would do it; the first one that really goes that way is
given, as the plain data of a test. Where none does, nothing is given: a test is never a guess.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeAlias

import yaml

from journeyscript.compiler import Project
from journeyscript.diagnostics import Severity, Situation
from journeyscript.runtime.trials.happened import Happened
from journeyscript.runtime.trials.telling import Candidate
from journeyscript.runtime.trials.trial import Trial, Verdict
from journeyscript.runtime.trials.ways import candidates
from journeyscript.source.nodes import Mapping
from journeyscript.source.yaml import read_yaml
from journeyscript.stores.memory import MemoryStore
from journeyscript.syntax.structure import check_structure
from journeyscript.syntax.trial_file import WrittenTest, read_tests

MOST_TRIED = 200
"""So many customers are tried for one situation."""

TestData: TypeAlias = dict[str, Any]


def staged(project: Project, journey: str, situation: Situation, name: str) -> TestData | None:
    """Return a test of that name which passes today and goes through the situation, or `None` where none is found.

    Raises:
        KeyError: the project has no such journey.
    """
    trial = Trial(project, journey)
    going = candidates(project, project.journeys[journey], situation)
    return first_staged(trial, going, name, situation.path, lambda happened: _goes_through(happened, situation.path))


def first_staged(
    trial: Trial,
    going: Iterator[Candidate],
    name: str,
    path: Sequence[str],
    wanted: Callable[[Happened], bool],
) -> TestData | None:
    """Return a test of the first candidate whose story is a wanted one, or `None`; `path` is what it expects of it."""
    journey = trial.machine.journey
    for candidate in islice(going, MOST_TRIED):
        happened = _lived(trial, journey, candidate, {"state": "active"})
        if happened is None or not wanted(happened):
            continue
        expect = expectation(happened, path)
        if _passes(trial, journey, candidate, expect):
            return {"name": name, **_story(candidate), "expect": expect}
    return None


def _lived(trial: Trial, journey: str, candidate: Candidate, expect: TestData) -> Happened | None:
    test = _written(journey, candidate, expect)
    return None if test is None else trial.happening(test, MemoryStore())


def _passes(trial: Trial, journey: str, candidate: Candidate, expect: TestData) -> bool:
    test = _written(journey, candidate, expect)
    return test is not None and trial.run(test, MemoryStore()).passed


def tried(trial: Trial, test: TestData) -> Verdict:
    """Return the verdict on a test that is plain data.

    Raises:
        ValueError: it is no test, by its shape.
    """
    read = _read(trial.machine.journey, test)
    if read is None:
        raise ValueError("what was put together has not the shape of a test")
    return trial.run(read, MemoryStore())


def _written(journey: str, candidate: Candidate, expect: TestData) -> WrittenTest | None:
    """Return a candidate as a test that was read from a file."""
    return _read(journey, {"name": "tried", **_story(candidate), "expect": expect})


def _read(journey: str, test: TestData) -> WrittenTest | None:
    document = {"journey": journey, "tests": [test]}
    node, findings = read_yaml("tried.test.yaml", yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    if node is not None:
        findings = [*findings, *check_structure("test", node)]
    if not isinstance(node, Mapping) or any(found.severity == Severity.ERROR for found in findings):
        return None
    return read_tests("tried.test.yaml", node).tests[0]


def _story(candidate: Candidate) -> TestData:
    return {"customer": candidate.customer, "timeline": candidate.timeline}


def _goes_through(happened: Happened, path: tuple[str, ...]) -> bool:
    """Return whether the steps were reached in this order."""
    reached: Iterator[str] = iter(happened.path)
    return all(step in reached for step in path)


def expectation(happened: Happened, path: Sequence[str]) -> TestData:
    """Return what happened, as a test would expect it."""
    last = happened.last
    expect: TestData = {"sends": [{"message": send.message, "channel": send.channel} for send in happened.sent]}
    if happened.skipped:
        expect["not_sent"] = [{"message": send.message, "reason": send.reason} for send in happened.skipped]
    if path:
        expect["path"] = list(path)
    expect["state"] = expected_state(happened)
    if last is not None and last.reason is not None:
        expect["reason"] = last.reason
    return expect


def expected_state(happened: Happened) -> str:
    """Return how the journey stands for the customer, as a test would expect it."""
    last = happened.last
    if last is None:
        return "not_entered"
    return last.state if last.status == "active" else last.status
