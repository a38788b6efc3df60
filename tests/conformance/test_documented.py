"""Every example of `docs/semantics.md`, on every store and in simulation."""

from contextlib import closing
from pathlib import Path

import pytest

from journeyscript.compiler import compile_project
from journeyscript.runtime.trials.trial import Trial
from journeyscript.source.nodes import Mapping
from journeyscript.source.yaml import read_yaml
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite
from journeyscript.syntax.trial_file import read_tests
from tests.running import lived, runs
from tests.simulating import Simulated
from tests.worlds import examples, write_project

DOCUMENT = Path(__file__).parents[2] / "docs" / "semantics.md"
RUNS = runs(DOCUMENT.read_text(encoding="utf-8"))
EXAMPLES = {name: example for name, *example in examples(DOCUMENT.read_text(encoding="utf-8"))}


def written_tests(name):
    """Return the tests of an example."""
    _, tests, _ = EXAMPLES[name]
    node, findings = read_yaml(f"journeys/{name}.test.yaml", tests)
    assert not findings
    assert isinstance(node, Mapping)
    return read_tests(f"journeys/{name}.test.yaml", node).tests


CASES = [(name, number, test.name.text) for name in EXAMPLES for number, test in enumerate(written_tests(name))]


@pytest.fixture(scope="module")
def project_of(tmp_path_factory):
    """Return the project that an example lives in: one for all those of the same policies."""
    projects = {}
    for under in {policies: None for *_, policies in EXAMPLES.values()}:
        folder = tmp_path_factory.mktemp("examples")
        write_project(folder, {name: text for name, (text, _, policies) in EXAMPLES.items() if policies == under})
        with (folder / "journeyscript.yaml").open("a") as file:
            file.write(under)
        projects[under] = compile_project(folder)
        assert projects[under].sound, projects[under].diagnostics
    return lambda name: projects[EXAMPLES[name][2]]


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    with closing(MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "store.db")) as made:
        yield made


@pytest.mark.parametrize(("name", "number", "said"), CASES, ids=[f"{name}: {said}" for name, _, said in CASES])
def test_example(project_of, store, name, number, said):
    verdict = Trial(project_of(name), name).run(written_tests(name)[number], store)
    assert (verdict.name, verdict.findings, verdict.failures) == (said, (), ())


@pytest.mark.parametrize(("name", "number", "said"), CASES, ids=[f"{name}: {said}" for name, _, said in CASES])
def test_example_in_simulation(project_of, tmp_path, name, number, said):
    simulated = Simulated(project_of(name), name, written_tests(name), tmp_path)
    assert simulated.tests[number].name.text == said
    assert simulated.failures(number) == []


@pytest.mark.parametrize("run", RUNS, ids=[f"{run.title}: {', '.join(run.versions)}" for run in RUNS])
def test_run(run, store, tmp_path):
    expected, happened = lived(run, tmp_path / "project", store)
    assert happened == expected
