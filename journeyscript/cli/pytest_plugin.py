"""A plugin for pytest: tests of journeys are collected beside all others, so that one `pytest` runs everything.

Takes the `*.test.yaml` of a project, where `journeyscript = true` stands in pytest's settings or `--journeyscript` is
given; gives an item for each test. Without either it does nothing, and nothing but pytest is imported.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from journeyscript.compiler import Project
    from journeyscript.runtime.trials.trial import Trial, Verdict
    from journeyscript.syntax.trial_file import WrittenTest

_ENDINGS = (".test.yaml", ".test.yml")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting and the option that switch the plugin on."""
    text = "collect the tests of journeys, `*.test.yaml` of a journeyscript project"
    parser.getgroup("journeyscript").addoption("--journeyscript", action="store_true", help=text)
    parser.addini("journeyscript", text, type="bool", default=False)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "JourneyFile | None":
    """Collect a file of journey tests."""
    wanted = parent.config.getoption("--journeyscript") or parent.config.getini("journeyscript")
    if not wanted or not file_path.name.endswith(_ENDINGS):
        return None
    collected: JourneyFile = JourneyFile.from_parent(parent, path=file_path)
    return collected


class JourneyFile(pytest.File):
    """A file of journey tests."""

    def collect(self) -> "Iterator[JourneyTest]":
        """Yield its tests; a file that belongs to no project has none."""
        from journeyscript.runtime.trials.trial import Trial
        from journeyscript.source.project import find_project
        from journeyscript.syntax.trial_file import read_tests

        root = find_project(self.path.parent)
        if root is None:
            return
        project = _sound_project(self.config, root)
        path = self.path.resolve().relative_to(root.resolve()).as_posix()
        if path not in project.tests:
            return
        written = read_tests(path, project.tests[path])
        trial = Trial(project, written.journey.text)
        for test in written.tests:
            item: JourneyTest = JourneyTest.from_parent(self, name=test.name.text)
            item.trial, item.test = trial, test
            yield item


class JourneyTest(pytest.Item):
    """One customer's story, and what must come of it."""

    trial: "Trial"
    test: "WrittenTest"

    def runtest(self) -> None:
        """Live through the story."""
        from journeyscript.stores.memory import MemoryStore

        verdict = self.trial.run(self.test, MemoryStore())
        if not verdict.passed:
            raise UnexpectedError(verdict)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:  # noqa: ARG002 - pytest's own signature
        """Return a failure as `journeyscript test` tells it."""
        if not isinstance(excinfo.value, UnexpectedError):
            return str(super().repr_failure(excinfo))
        from journeyscript.cli.shared import source_reader
        from journeyscript.cli.showing.verdicts import told

        reader = source_reader(self.trial.project.files.root)
        return "\n".join(told(excinfo.value.verdict, reader, color=False))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the test stands; lines count from 0."""
        return self.path, self.test.span.line - 1, self.name


class UnexpectedError(Exception):
    """Something else came of a story than its test expects."""

    def __init__(self, verdict: "Verdict") -> None:
        super().__init__(verdict.name)
        self.verdict = verdict


_PROJECTS: pytest.StashKey[dict[Path, "Project"]] = pytest.StashKey()


def _sound_project(config: pytest.Config, root: Path) -> "Project":
    """Return the project of a folder, compiled once in a run.

    Raises:
        CollectError: the project has errors.
    """
    from journeyscript.cli.shared import source_reader, today
    from journeyscript.cli.showing.findings.diagnostics import render
    from journeyscript.compiler import compile_project
    from journeyscript.diagnostics import Severity

    projects = config.stash.setdefault(_PROJECTS, {})
    if root not in projects:
        projects[root] = compile_project(root, today=today())
    project = projects[root]
    if not project.sound:
        errors = [found for found in project.diagnostics if found.severity == Severity.ERROR]
        raise pytest.Collector.CollectError(render(errors, "full", source_reader(root)))
    return project
