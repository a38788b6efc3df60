"""Whatever a file of the right syntax says, the compiler answers with findings: it never raises."""

import random
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyscript.compiler import compile_project

REPOSITORY = Path(__file__).parents[2]
PARTS = ("journeyscript.yaml", "catalog", "channels", "journeys")
JUNK = [
    None, True, 0, -1, 3.5, 10**30, "", " ", "nobody", "1 day", "1M", "P1D", "customer.email", "event.total > 100",
    "has customer.phone", "not", "((", "always", "never", "after", "after 1 month", "25:00", "09:00", [], {}, ["x"],
    {"x": 1}, {"event": "purchased"}, {"times": 0}, "send", "end", "é" * 50, "${HOME}", "{{ x }}", "{% if %}",
]  # fmt: skip


def places(node, path=()):
    """Yield the path of everything inside a document."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inside:
        yield (*path, key)
        yield from places(value, (*path, key))


def changed(document, chance):
    """Change one thing in a document: take it out, put junk in its place, or something from elsewhere in it."""
    everywhere = list(places(document))
    *above, last = chance.choice(everywhere)
    holder = document
    for key in above:
        holder = holder[key]
    if not isinstance(holder, dict | list):
        return
    match chance.randrange(4):
        case 0:
            del holder[last]
        case 1 if isinstance(holder, dict):
            holder[chance.choice(["steps", "send", "wait", "else", "via", "if", "when", "nonsense"])] = holder[last]
        case 2:
            other = document
            for key in chance.choice(everywhere):
                if not isinstance(other, dict | list):
                    break
                other = other[key] if isinstance(other, list) or key in other else other
            holder[last] = yaml.safe_load(yaml.safe_dump(other))
        case _:
            holder[last] = chance.choice(JUNK)


@pytest.fixture(scope="module")
def originals():
    files = [path for part in PARTS for path in [REPOSITORY / part, *(REPOSITORY / part).rglob("*.yaml")]]
    return {path.relative_to(REPOSITORY): yaml.safe_load(path.read_text()) for path in files if path.is_file()}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    root = tmp_path_factory.mktemp("changed")
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, root / part)
        else:
            shutil.copy(source, root / part)
    return root


@given(st.integers(0, 2**32), st.integers(1, 4))
@settings(max_examples=100)
def test_no_change_of_a_file_makes_the_compiler_raise(originals, shop, seed, changes):
    chance = random.Random(seed)
    path = chance.choice(sorted(originals))
    document = yaml.safe_load(yaml.safe_dump(originals[path]))
    for _ in range(changes):
        if isinstance(document, dict | list) and document:
            changed(document, chance)
    try:
        (shop / path).write_text(yaml.safe_dump(document, allow_unicode=True))
        project = compile_project(shop)
        assert all(d.span.path for d in project.diagnostics)
    finally:
        (shop / path).write_text(yaml.safe_dump(originals[path], allow_unicode=True))
