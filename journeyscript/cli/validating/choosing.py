"""Which findings a command shows: by code, by prefix or by name, and from which files.

Takes what the user wrote and gives a yes or no for each finding. What is wrong with a file as such is always shown:
nothing else is known of such a file.
"""

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from journeyscript.cli.rule_texts import find_rule, nearest_rule
from journeyscript.cli.shared import CannotAnswer
from journeyscript.diagnostics import Diagnostic, Severity
from journeyscript.rules import RULE_BY_CODE, RULES


class Choice(Struct, frozen=True, kw_only=True):
    """Prefixes of codes. Nothing selected is everything; the longest prefix that fits decides."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What to add where nothing was found, so that it is not taken for more than it is."""
        return " of the chosen rules" if self.select or self.ignore else ""

    @property
    def asked(self) -> frozenset[str]:
        """The rules that are selected by their whole code or name: these are shown even where they are off."""
        return frozenset(code for code in self.select if code in RULE_BY_CODE)

    def takes(self, found: Diagnostic) -> bool:
        """Return whether a finding is shown."""
        if found.code.startswith("JS0") and found.severity == Severity.ERROR:
            return True
        selected = max((len(prefix) for prefix in self.select if found.code.startswith(prefix)), default=0)
        ignored = max((len(prefix) for prefix in self.ignore if found.code.startswith(prefix)), default=0)
        if selected or self.select:
            return selected > ignored
        return not ignored


def read_choice(select: Iterable[str], ignore: Iterable[str]) -> Choice:
    """Return what `--select` and `--ignore` say, each a list with commas; end the command at one that is no rule."""
    return Choice(select=_prefixes(select), ignore=_prefixes(ignore))


def _prefixes(written: Iterable[str]) -> tuple[str, ...]:
    names = (name.strip() for text in written for name in text.split(","))
    return tuple(_prefix(name) for name in names if name)


def _prefix(name: str) -> str:
    if (rule := find_rule(name)) is not None:
        return rule.code
    prefix = name.upper()
    if prefix.startswith("JS") and any(rule.code.startswith(prefix) for rule in RULES):
        return prefix
    near = nearest_rule(name)
    help_text = f"did you mean `{near}`?" if near else "write a code like `JS304`, its start, or a rule's name"
    raise CannotAnswer(f"no rule is called `{name}` or starts like that", help_text)


def choose_files(paths: Iterable[Path], root: Path, known: Iterable[str]) -> set[str]:
    """Return the project's files that are among the paths, or below one of them; all of them where none is named."""
    wanted = [path.resolve() for path in paths]
    if not wanted:
        return set(known)
    return {name for name in known if any((root / name).resolve().is_relative_to(path) for path in wanted)}
