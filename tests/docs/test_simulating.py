"""The page on simulations: what it shows is what is printed, and every population in it can be simulated."""

import re

import pytest

from journeyscript.compiler import compile_project
from journeyscript.runtime.simulation.distributions import source_of
from journeyscript.runtime.simulation.reading import read_population
from journeyscript.semantics.types import INTEGER, MONEY, STRING
from journeyscript.source.nodes import Mapping
from journeyscript.source.yaml import read_yaml
from journeyscript.syntax.structure import check_structure

_TYPES = {
    "web": STRING,
    "{ choice": STRING,
    "{ uniform": INTEGER,
    "{ normal": MONEY,
    "{ text": STRING,
    "{ value": STRING,
}


@pytest.fixture
def page(document):
    return document("docs/simulating.md")


@pytest.fixture
def rows(page):
    """Return a function that gives what stands in the first column of a table, by the head of that column."""

    def first_column(head):
        table = page.text.partition(f"| {head} |")[2].partition("\n\n")[0]
        return re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)

    return first_column


def test_the_forecast_is_what_the_command_prints(page, repository, say):
    line = "journeyscript simulate welcome"
    page.shows("welcome", f"$ {line}\n" + say(line, folder=repository))


def test_what_is_told_of_one_customer_is_what_the_command_prints(page, repository, say):
    line = "journeyscript simulate welcome --explain c0000042"
    page.shows("one customer", f"$ {line}\n" + say(line, folder=repository))


def test_the_page_is_written_where_it_is_said(page, repository, say):
    (line,) = re.findall(r"`(journeyscript simulate welcome --html \S+)`", page.text)
    say(line, folder=repository)
    assert (repository / "forecast.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_every_population_on_the_page_can_be_simulated(page, root):
    project = compile_project(root)
    found = re.findall(r"^```yaml title=population\n(.*?)^```$", page.text, re.MULTILINE | re.DOTALL)
    assert found
    for text in found:
        node, findings = read_yaml("population.yaml", text)
        assert not findings
        assert isinstance(node, Mapping)
        assert check_structure("population", node) == []
        assert read_population(project, node)[1] == []


def test_every_value_in_the_table_can_be_drawn(rows):
    written = rows("written")
    assert len(written) == len(_TYPES)
    for text in written:
        node, findings = read_yaml("value.yaml", text)
        assert not findings
        assert node is not None
        kind = next(kind for start, kind in _TYPES.items() if text.startswith(start))
        assert source_of(node, kind) is not None


def test_every_time_in_the_table_is_one(page, rows, root):
    project = compile_project(root)
    (text,) = re.findall(r"^```yaml title=population\n(.*?)^```$", page.text, re.MULTILINE | re.DOTALL)
    delays = rows("`within`")
    assert len(delays) == 5
    for delay in delays:
        node, findings = read_yaml("population.yaml", text.replace("within: 1 day", f"within: {delay}"))
        assert not findings
        assert isinstance(node, Mapping)
        assert check_structure("population", node) == []
        assert read_population(project, node)[1] == []
