"""Which tests are chosen, and what came of them.

Takes a project and what was asked for; gives test files with their tests' verdicts, in the order of the files.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

from msgspec import Struct

from journeyscript.compiler import Project
from journeyscript.runtime.trials.coverage import Coverage
from journeyscript.runtime.trials.trial import Trial, Verdict
from journeyscript.stores.memory import MemoryStore
from journeyscript.syntax.trial_file import WrittenTest, WrittenTests, read_tests


class Ran(Struct, frozen=True, kw_only=True):
    """The tests of one file that were chosen, each with its verdict."""

    file: WrittenTests
    trial: Trial
    tests: tuple[tuple[WrittenTest, Verdict], ...]

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts, in the order of the file."""
        return [verdict for _, verdict in self.tests]


def chosen(project: Project, paths: tuple[Path, ...], journeys: Collection[str] | None) -> Iterator[WrittenTests]:
    """Yield the test files that are among the paths, or below one of them, and test one of the journeys."""
    wanted = [path.resolve() for path in paths]
    for path, node in project.tests.items():
        place = (project.files.root / path).resolve()
        if wanted and not any(place.is_relative_to(one) for one in wanted):
            continue
        written = read_tests(path, node)
        if journeys is None or written.journey.text in journeys:
            yield written


def run_tests(project: Project, files: Iterator[WrittenTests] | list[WrittenTests], text: str | None) -> list[Ran]:
    """Return what came of the tests that have a text in their name; files without one are left out."""
    ran = []
    for file in files:
        tests = [test for test in file.tests if text is None or text.casefold() in test.name.text.casefold()]
        if tests:
            trial = Trial(project, file.journey.text)
            told = tuple((test, trial.run(test, MemoryStore())) for test in tests)
            ran.append(Ran(file=file, trial=trial, tests=told))
    return ran


def coverage_by_journey(ran: list[Ran]) -> list[Coverage]:
    """Return what the tests of each journey take, of whichever file they are."""
    by_journey: dict[str, list[Ran]] = {}
    for one in ran:
        by_journey.setdefault(one.file.journey.text, []).append(one)
    return [
        group[0].trial.coverage(verdict for one in group for verdict in one.verdicts)
        for _, group in sorted(by_journey.items())
    ]
