"""Every rule has its page, the same in `docs/rules` and in the package, and its mended example is really in order."""

import re
from importlib.resources import files

import pytest

from journeyscript.cli.testing.running import chosen, coverage_by_journey, run_tests
from journeyscript.compiler import compile_project
from journeyscript.rules import RULES
from journeyscript.runtime.trials.enough import coverage_below
from tests.changing import changed
from tests.docs.conftest import UPDATE
from tests.docs.rule_pages import (
    INSTALLED,
    PAGES,
    TESTED,
    before,
    example_of,
    file_name,
    folder_of,
    index,
    mended,
    page,
    words,
)
from tests.projects import TODAY, lay_out

PAGED = [rule for rule in RULES if rule.code in words()]


@pytest.fixture(scope="module", autouse=True)
def _without_pages_of_rules_that_are_gone():
    if UPDATE:
        INSTALLED.mkdir(exist_ok=True)
        for path in PAGES.glob("JS*.md"):
            if path.name not in {file_name(rule) for rule in RULES}:
                path.unlink()
        for path in INSTALLED.glob("JS*.md"):
            if path.stem not in {rule.code for rule in RULES}:
                path.unlink()


def test_every_rule_says_why_it_matters_and_nothing_else_does():
    assert set(words()) == {rule.code for rule in RULES}
    for code, told in words().items():
        assert len(re.findall(r"[.?](?=\s|$)", told.why)) >= 2, f"{code} deserves a second sentence"
        assert told.mend.rstrip().endswith("."), code


@pytest.mark.parametrize("rule", PAGED, ids=lambda rule: rule.code)
def test_the_page_of_a_rule_is_what_the_rule_is(rule, document):
    document(f"docs/rules/{file_name(rule)}").equals(page(rule))
    document(f"journeyscript/cli/rule_pages/{rule.code}.md").equals(page(rule))


@pytest.mark.parametrize("rule", [rule for rule in PAGED if before(rule)], ids=lambda rule: rule.code)
def test_a_mended_change_has_no_findings(rule, tmp_path):
    _, planned = changed(tmp_path, before(rule), mended(rule))
    assert [(found.code, found.message) for found in planned.findings] == []


@pytest.mark.parametrize(
    "rule", [rule for rule in PAGED if folder_of(rule).parent == TESTED], ids=lambda rule: rule.code
)
def test_mended_tests_take_enough(rule, tmp_path):
    project = compile_project(lay_out(tmp_path / "project", mended(rule)), today=TODAY)
    ran = run_tests(project, chosen(project, (), None), None)
    assert all(verdict.passed for one in ran for verdict in one.verdicts)
    assert coverage_below(project, coverage_by_journey(ran)) == ()


@pytest.mark.parametrize("rule", [rule for rule in PAGED if example_of(rule)[0]], ids=lambda rule: rule.code)
def test_a_mended_example_has_no_findings(rule, tmp_path):
    project = compile_project(lay_out(tmp_path / "project", mended(rule)), today=TODAY)
    assert [(found.code, found.message) for found in project.diagnostics] == []


def test_the_index_lists_every_rule(document):
    document("docs/rules/index.md").equals(index())


def test_there_is_a_page_for_every_rule_and_no_other():
    assert {path.name for path in PAGES.glob("*.md")} == {"index.md", *map(file_name, RULES)}
    installed = files("journeyscript.cli") / "rule_pages"
    assert {item.name for item in installed.iterdir() if item.name.endswith(".md")} == {f"{r.code}.md" for r in RULES}
