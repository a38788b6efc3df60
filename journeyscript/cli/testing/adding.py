"""Tests as plain data into a file of tests: behind those that are there, in the form of `fmt`, every comment kept.

Takes a project and tests; gives the file's new text. Where the tests of the journey stand in a form behind which
nothing can be written, a file beside it is named instead. Writes nothing itself.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import yaml
from msgspec import Struct

from journeyscript.compiler import Project
from journeyscript.runtime.trials.staging import TestData
from journeyscript.source.nodes import Mapping
from journeyscript.source.nodes import Sequence as Items
from journeyscript.source.yaml import read_yaml
from journeyscript.syntax.formatter import format_text
from journeyscript.syntax.structure import check_structure
from journeyscript.syntax.trial_file import read_tests

_MOMENT = re.compile(r"(?<=: )'([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2}))'(?=[,}\n]|$)")

ENDINGS = (".test.yaml", ".test.yml")


class Added(Struct, frozen=True, kw_only=True):
    """A file's text with tests behind those that were there; `path` is relative to the project's folder or absolute."""

    path: str
    text: str


class NotTestsError(ValueError):
    """A file cannot take the tests. The text says why."""


def added(project: Project, journey: str, tests: Sequence[TestData], into: Path | None = None) -> Added:
    """Return the file of a journey's tests with more of them; `into` names another one than the journey's own.

    Raises:
        NotTestsError: `into` holds something else than tests of the journey, or cannot be written behind.
        OSError: a file cannot be read.
    """
    if into is not None:
        name = str(into)
        if not into.exists():
            return Added(path=name, text=alone(journey, tests, into.name))
        text = _behind(into.name, into.read_text(encoding="utf-8"), journey, tests)
        if text is None:
            raise NotTestsError(f"`{name}` is no file of tests of `{journey}` that more can be written behind")
        return Added(path=name, text=text)
    root, own = project.files.root, file_of(project, journey)
    if own is None:
        own = str(Path(project.journeys[journey].about.path).with_suffix("")) + ENDINGS[0]
        return Added(path=own, text=alone(journey, tests, own))
    text = _behind(own, (root / own).read_text(encoding="utf-8"), journey, tests)
    if text is not None:
        return Added(path=own, text=text)
    beside = _beside(root, own)
    return Added(path=beside, text=alone(journey, tests, beside))


def file_of(project: Project, journey: str) -> str | None:
    """Return the first file of tests of a journey."""
    return next((path for path, node in project.tests.items() if read_tests(path, node).journey.text == journey), None)


def alone(journey: str, tests: Sequence[TestData], path: str) -> str:
    """Return a file with these tests only."""
    head = yaml.safe_dump({"journey": journey}, allow_unicode=True)
    text = f"{head}tests:\n" + "\n".join(_dumped(test, 2) for test in tests)
    formatted = format_text("test", path, text).text
    return text if formatted is None else formatted


def _behind(path: str, text: str, journey: str, tests: Sequence[TestData]) -> str | None:
    """Return a file's text with tests behind those that it has, or `None` where it cannot be."""
    node, _ = read_yaml(path, text)
    there = node.get("tests") if isinstance(node, Mapping) else None
    if not isinstance(there, Items) or not there.items or not _is_of(path, text, journey, len(there.items)):
        return None
    margin = max(there.items[0].span.column - 3, 0)
    more = text.rstrip("\n") + "\n\n" + "\n".join(_dumped(test, margin) for test in tests)
    if not _is_of(path, more, journey, len(there.items) + len(tests)):
        return None
    formatted = format_text("test", path, more).text
    return more if formatted is None else formatted


def _is_of(path: str, text: str, journey: str, number: int) -> bool:
    """Return whether a text is a sound file of so many tests of a journey."""
    node, findings = read_yaml(path, text)
    if not isinstance(node, Mapping) or findings or check_structure("test", node):
        return False
    written = read_tests(path, node)
    return written.journey.text == journey and len(written.tests) == number


def _beside(root: Path, own: str) -> str:
    stem = next((own.removesuffix(ending) for ending in ENDINGS if own.endswith(ending)), own)
    number, path = 1, f"{stem}.more{ENDINGS[0]}"
    while (root / path).exists():
        number += 1
        path = f"{stem}.more{number}{ENDINGS[0]}"
    return path


def _dumped(test: TestData, margin: int) -> str:
    dumped = yaml.safe_dump([test], sort_keys=False, allow_unicode=True, default_flow_style=None, width=1 << 20)
    return "".join(f"{' ' * margin}{line}\n" for line in unquoted(dumped).splitlines())


def unquoted(text: str) -> str:
    """Return dumped YAML with moments as people write them: they need no quotes in a test."""
    return _MOMENT.sub(r"\1", text)
