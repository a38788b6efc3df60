"""What there is to say of a rule: its line in the table, and its page where the package has one.

Takes a code or a name and gives text; the pages are made from golden pairs, so that their output is real.
"""

from importlib.resources import files

from journeyscript.rules import RULE_BY_CODE, RULES, Rule
from journeyscript.syntax.wording import meant


def find_rule(wanted: str) -> Rule | None:
    """Return the rule of a code or a name, however it is capitalised."""
    by_name = {rule.name: rule for rule in RULES}
    return RULE_BY_CODE.get(wanted.upper()) or by_name.get(wanted.lower())


def nearest_rule(wanted: str) -> str | None:
    """Return the code or the name that was probably meant."""
    return meant(wanted, [name for rule in RULES for name in (rule.code, rule.name)])


def rule_page(code: str) -> str | None:
    """Return the page of a rule in Markdown, or `None` where there is none."""
    page = files("journeyscript.cli").joinpath("rule_pages", f"{code}.md")
    return page.read_text(encoding="utf-8").rstrip() if page.is_file() else None


def explain_rule(rule: Rule) -> str:
    """Return the page of a rule; without one, what the table of rules says."""
    return rule_page(rule.code) or f"# {rule.code} {rule.name}\n\n{rule.summary} Weight: {rule.severity}."
