import re
from pathlib import Path

import pytest

from journeyscript.diagnostics import Label, Severity, Span
from journeyscript.rules import RULE_BY_CODE, RULES, finding

PACKAGE = Path(__file__).parents[2] / "journeyscript"


def test_codes_and_names_are_unique_and_in_order():
    codes = [rule.code for rule in RULES]
    assert codes == sorted(set(codes))
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_has_a_code_a_name_and_a_sentence(rule):
    assert re.fullmatch(r"JS\d{3}", rule.code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)
    assert rule.summary[0].isupper()
    assert rule.summary.endswith(".")


def test_a_finding_carries_the_name_and_the_severity_of_its_rule():
    span = Span(path="journeys/a.yaml", line=3, column=5, end_line=3, end_column=9)
    found = finding("JS902", "this journey has no tests", span, labels=[Label(span=span, text="here")], witness=["a"])
    assert (found.name, found.severity) == ("no-tests", Severity.WARNING)
    assert (found.labels[0].text, found.witness) == ("here", ("a",))


def test_a_finding_of_no_rule_is_a_mistake_of_the_program():
    with pytest.raises(KeyError):
        finding("JS999", "no such rule", Span(path="a"))


def test_every_code_that_the_package_uses_is_in_the_table():
    used = {code for file in PACKAGE.rglob("*.py") for code in re.findall(r'"(JS\d{3})"', file.read_text("utf-8"))}
    assert used <= set(RULE_BY_CODE)
