"""What holds across the files of a project: names that are unique, and journeys that have tests."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from journeyscript.diagnostics import Diagnostic, Label
from journeyscript.machine.naming import END, name_steps
from journeyscript.rules import finding
from journeyscript.semantics.catalog import Catalog, suggestion
from journeyscript.source.nodes import Mapping as MappingNode
from journeyscript.source.nodes import Node, Scalar, Sequence
from journeyscript.syntax.journey import Journey


class Heading(Struct, frozen=True, kw_only=True):
    """What the rest of a project wants to know of a journey: its file, its name, and what its steps are called."""

    path: str
    name: Scalar
    steps: frozenset[str]


def heading_of(journey: Journey) -> Heading:
    """Return what a journey is called, and its steps."""
    ids, _ = name_steps(journey.steps, journey.name.text)
    return Heading(path=journey.path, name=journey.name, steps=frozenset({*ids.values(), END}))


class TestsHeading(Struct, frozen=True, kw_only=True):
    """What the rest of a project wants to know of a file of tests: the names in it that the project must have."""

    __test__ = False  # Not for pytest.
    journey: Scalar
    events: tuple[Scalar, ...]
    path: tuple[Scalar, ...]


def tests_heading_of(node: MappingNode) -> TestsHeading:
    """Return the names that a file of tests of the right shape uses."""
    journey = node.get("journey")
    assert isinstance(journey, Scalar), "the schema lets no test without a journey come here"
    return TestsHeading(journey=journey, events=tuple(_events(node)), path=tuple(_path(node)))


def check_names(journeys: Iterable[Heading]) -> Iterator[Diagnostic]:
    """Yield JS008 for a journey that is defined twice, JS007 for one that its file's name does not say."""
    first: dict[str, Heading] = {}
    for journey in journeys:
        name = journey.name.text
        if name in first:
            yield finding(
                "JS008",
                f"journey `{name}` is defined twice",
                journey.name.span,
                help="give one of them another name",
                labels=(Label(span=first[name].name.span, text="the other one"),),
                journey=name,
            )
        first.setdefault(name, journey)
        file = journey.path.rsplit("/", 1)[-1].split(".", 1)[0]
        if file != name:
            yield finding(
                "JS007",
                f"journey `{name}` stands in a file called `{file}`",
                journey.name.span,
                help=f"rename the file to `{name}.yaml`, so that people find it",
                journey=name,
            )


def check_tests(journeys: Iterable[Heading], tests: Iterable[TestsHeading], catalog: Catalog) -> Iterator[Diagnostic]:
    """Yield JS107, JS103 and JS101 for tests of what is not there, JS902 for journeys without a test."""
    journeys = list(journeys)
    steps = {journey.name.text: journey.steps for journey in journeys}
    tested = set()
    for written in tests:
        journey = written.journey
        tested.add(journey.text)
        if journey.text not in steps:
            advice = suggestion(journey.text, steps)
            yield finding("JS107", f"there is no journey `{journey.text}`", journey.span, help=advice)
        for event in written.events:
            if event.text not in catalog.events:
                advice = suggestion(event.text, catalog.events)
                yield finding("JS103", f"there is no event `{event.text}`", event.span, help=advice)
        for step in written.path:
            # A test may name just the beginning of an id: `exit` means `exit.converted` too.
            if not any(f"{name}.".startswith(f"{step.text}.") for name in steps.get(journey.text, {step.text})):
                advice = suggestion(step.text, steps[journey.text])
                message = f"journey `{journey.text}` has no step `{step.text}`"
                yield finding("JS101", message, step.span, help=advice, journey=journey.text)
    for heading in journeys:
        if heading.name.text not in tested:
            yield finding(
                "JS902",
                f"journey `{heading.name.text}` has no test",
                heading.name.span,
                help=f"write `{heading.path.rsplit('.', 1)[0]}.test.yaml`",
                journey=heading.name.text,
            )


def _events(test_file: MappingNode) -> Iterator[Scalar]:
    for test in _items(test_file.get("tests")):
        for moment in _items(test.get("timeline") if isinstance(test, MappingNode) else None):
            event = moment.get("event") if isinstance(moment, MappingNode) else None
            if isinstance(event, Scalar):
                yield event


def _path(test_file: MappingNode) -> Iterator[Scalar]:
    for test in _items(test_file.get("tests")):
        expect = test.get("expect") if isinstance(test, MappingNode) else None
        for step in _items(expect.get("path") if isinstance(expect, MappingNode) else None):
            if isinstance(step, Scalar):
                yield step


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else ()
