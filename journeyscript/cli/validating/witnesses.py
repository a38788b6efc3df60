"""The witnesses of findings as a file of journey tests.

Takes a project and findings in reading order; gives the text of a `*.test.yaml` in the form of `fmt`, with one test for
each finding whose witness can be lived through, and the findings that have none. Each test says what the journey does
today, so it passes until somebody changes that.
"""

from collections.abc import Iterable, Sequence

import yaml
from msgspec import Struct

from journeyscript.compiler import Project
from journeyscript.diagnostics import Diagnostic
from journeyscript.runtime.trials.staging import TestData, staged
from journeyscript.syntax.formatter import format_text


class Saved(Struct, frozen=True, kw_only=True):
    """A file of tests for one journey, the findings that it shows, and those without such a witness."""

    text: str
    shown: tuple[Diagnostic, ...]
    without: tuple[Diagnostic, ...]


def journeys_with_witness(project: Project, found: Iterable[Diagnostic]) -> tuple[str, ...]:
    """Return the journeys of which a finding has a witness that may be lived through, each once."""
    names = (item.journey for item in found if item.situation is not None)
    return tuple(dict.fromkeys(name for name in names if name in project.journeys))


def saved_witnesses(project: Project, journey: str, found: Sequence[Diagnostic], path: str) -> Saved:
    """Return the witnesses of the findings in one journey, as a file of tests at a path."""
    tests: list[tuple[Diagnostic, TestData]] = []
    without: list[Diagnostic] = []
    names: set[str] = set()
    for item in found:
        name = _name(item, names)
        ours = item.situation is not None and item.journey == journey
        test = staged(project, journey, item.situation, name) if ours and item.situation is not None else None
        if test is None:
            without.append(item)
        else:
            names.add(name)
            tests.append((item, test))
    text = _text(journey, tests) if tests else ""
    formatted = format_text("test", path, text).text if tests else text
    return Saved(
        text=text if formatted is None else formatted,
        shown=tuple(item for item, _ in tests),
        without=tuple(without),
    )


def _name(item: Diagnostic, taken: set[str]) -> str:
    name = f"{item.code}: {' '.join(item.message.split())}"
    number = 2
    while name in taken:
        name, number = f"{name.removesuffix(f' ({number - 1})')} ({number})", number + 1
    return name


def _text(journey: str, tests: Sequence[tuple[Diagnostic, TestData]]) -> str:
    head = yaml.safe_dump({"journey": journey}, allow_unicode=True)
    parts = [head, "tests:\n"]
    for item, test in tests:
        parts.append(f"  # {_one_line(f'{item.code} {item.name}: {item.message}')}\n")
        if item.witness:
            parts.append(f"  # witness: {_one_line(', '.join(item.witness))}\n")
        dumped = yaml.safe_dump([test], sort_keys=False, allow_unicode=True, width=100)
        parts.append("".join(f"  {line}\n" for line in dumped.splitlines()))
    return "".join(parts)


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
