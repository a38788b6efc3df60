"""Every example of the page on what is proved is compiled here, and gets the finding that stands under it."""

import re

import pytest

from journeyscript.checks.regions import MOST_ROWS
from journeyscript.compiler import compile_project
from journeyscript.rules import RULE_BY_CODE
from tests.docs.conftest import ROOT

PAGE = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"(?:^```yaml\n(policies:\n[^`]*?)^```\n\n)?^```yaml\n(journey: (\w+)\n.*?)^```\n\n```text\n(.*?)^```$",
    PAGE,
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.parametrize(("policies", "text", "name", "said"), EXAMPLES, ids=[name for _, _, name, _ in EXAMPLES])
def test_an_example_gets_the_finding_that_stands_under_it(policies, text, name, said, repository, tmp_path):
    for folder in ("catalog", "channels"):
        (tmp_path / folder).symlink_to(repository / folder)
    (tmp_path / "journeys").mkdir()
    (tmp_path / "journeys" / f"{name}.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "journeyscript.yaml").write_text(f'name: shop\nrules: {{ JS902: "off" }}\n{policies}', encoding="utf-8")
    found = compile_project(tmp_path).diagnostics
    lines = [f"{item.severity}[{item.code}]: {item.message}\n" for item in found]
    assert "".join(lines or ["no findings\n"]) == said
    assert all(item.witness for item in found)


def test_every_fence_is_an_example_with_its_finding():
    with_policies = sum(bool(policies) for policies, *_ in EXAMPLES)
    assert len(re.findall(r"^```", PAGE, re.MULTILINE)) == 4 * len(EXAMPLES) + 2 * with_policies
    assert len(EXAMPLES) > 5


def test_every_rule_that_is_named_exists():
    assert set(re.findall(r"JS\d{3}", PAGE)) <= set(RULE_BY_CODE)


def test_the_bound_is_the_one_of_the_program():
    assert f"Above {MOST_ROWS:,} combinations" in PAGE
