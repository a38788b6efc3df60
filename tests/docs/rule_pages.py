"""The page of a rule: the table of rules, the words of `docs/rules/why.yaml`, and the golden pair of the rule.

Gives Markdown, and the mended example as files. Compiles nothing: a test does, and compares what this makes with what
lies in `docs/rules` and in the package.
"""

import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from journeyscript.diagnostics import Severity
from journeyscript.rules import RULES, Rule
from journeyscript.source.suppressions import can_be_ignored
from tests.changing import files_in

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "rules"
INSTALLED = ROOT / "journeyscript" / "cli" / "rule_pages"
GOLDEN = ROOT / "tests" / "golden" / "err"
CHANGES = ROOT / "tests" / "golden" / "change"
TESTED = ROOT / "tests" / "golden" / "tested"

GROUPS = {
    "JS0": "The file",
    "JS1": "Names",
    "JS2": "Flow",
    "JS3": "Types and expressions",
    "JS4": "Time",
    "JS5": "What may be sent",
    "JS6": "Messages",
    "JS7": "Across journeys",
    "JS8": "Changes",
    "JS9": "Habits",
}
_WEIGHTS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note, off by default"}
_PROJECT = "`journeyscript.yaml`"
_LANGUAGES = {".yaml": "yaml", ".md": "markdown", ".txt": "text"}


@dataclass(frozen=True, kw_only=True)
class Words:
    """What is written by hand about one rule; `change`, `add` and `remove` mend its example."""

    why: str
    mend: str
    change: dict[str, str]
    add: dict[str, str]
    remove: tuple[str, ...]


@cache
def words():
    """Return the words about every rule, by code."""
    written = yaml.safe_load((PAGES / "why.yaml").read_text(encoding="utf-8"))
    nothing = {"change": {}, "add": {}, "remove": ()}
    return {code: Words(**{**nothing, **entry}) for code, entry in written.items()}


def example_of(rule: Rule):
    """Return the files of the rule's golden project by path, and what is said of them; no files where there is none.

    Of a rule about changes, they are those after the change.
    """
    stem = f"{rule.code}-{rule.name}"
    if (CHANGES / stem).is_dir():
        return files_in(CHANGES / stem / "after"), (CHANGES / f"{stem}.out").read_text(encoding="utf-8")
    if (GOLDEN / f"{stem}.yaml").is_file():
        files = {"journeys/trial.yaml": (GOLDEN / f"{stem}.yaml").read_text(encoding="utf-8")}
    else:
        folder = folder_of(rule)
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        files = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in found}
    return files, (folder_of(rule).parent / f"{stem}.out").read_text(encoding="utf-8") if files else ""


def folder_of(rule: Rule) -> Path:
    """Return the folder of a rule's golden project; that of a rule about tests lies with those whose tests are run."""
    stem = f"{rule.code}-{rule.name}"
    return (TESTED if (TESTED / stem).is_dir() else GOLDEN) / stem


def before(rule: Rule):
    """Return the files before the change, of a rule about changes; none of any other."""
    folder = CHANGES / f"{rule.code}-{rule.name}" / "before"
    return files_in(folder) if folder.is_dir() else {}


def mended(rule: Rule):
    """Return the files of the rule's example as they are once it is mended."""
    told = words()[rule.code]
    files = {path: text for path, text in example_of(rule)[0].items() if path not in told.remove}
    for old, new in told.change.items():
        places = [path for path, text in files.items() if old in text]
        assert len(places) == 1, f"`{old}` stands in {places} of the example of {rule.code}"
        files[places[0]] = files[places[0]].replace(old, new)
    return {**files, **told.add}


def page(rule: Rule) -> str:
    """Return the page of a rule."""
    told = words()[rule.code]
    files, said = example_of(rule)
    parts = [f"# {rule.code} {rule.name}", f"{rule.summary} Weight: {_WEIGHTS[rule.severity]}."]
    parts += ["## Why it matters", _wrapped(told.why)]
    if was := before(rule):
        now = {path: text for path, text in files.items() if was.get(path) != text}
        parts += ["## Example", *_shown(was), "Three people come in. Then it is changed to this:", *_shown(now)]
        parts += ["`journeyscript plan` says:", f"```text\n{said}```"]
    elif files:
        command = "test" if folder_of(rule).parent == TESTED else "validate"
        parts += ["## Example", *_shown(files), f"`journeyscript {command}` says:", f"```text\n{said}```"]
    else:
        parts += ["## Example", "No file can show it: the steps of the language cannot be put together in such a way."]
    parts += ["## How to mend it", _wrapped(told.mend)]
    if files:
        repaired = mended(rule)
        parts += _shown({path: text for path, text in repaired.items() if files.get(path) != text})
    parts += ["## How to turn it off", "\n".join(_off(rule))]
    return "\n\n".join(parts) + "\n"


def index() -> str:
    """Return the page that lists all rules."""
    parts = [
        "# Rules",
        _wrapped(
            "Everything that `journeyscript validate` can find, from JS801 on what `journeyscript plan` finds of a "
            "change, and in JS903 what `journeyscript test` finds of what the tests leave out. Each rule has a page "
            "with an example, what is said of it, and how to mend it; `journeyscript validate --explain CODE` shows "
            "the same page in a terminal. Codes and names never change their meaning."
        ),
        _wrapped(
            "The pages are written by a test, from the words in `docs/rules/why.yaml` and from the golden examples, "
            "whose outputs are real:"
        ),
        "```sh\nUPDATE_DOCS=1 python -m pytest -n0 tests/docs\n```",
    ]
    for prefix, title in GROUPS.items():
        rules = [rule for rule in RULES if rule.code.startswith(prefix)]
        if rules:
            rows = [
                f"| [{rule.code}]({file_name(rule)}) | `{rule.name}` | {rule.severity} | {rule.summary} |"
                for rule in rules
            ]
            parts += [f"## {title}", "\n".join(["| code | name | weight | finds |", "|---|---|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def file_name(rule: Rule) -> str:
    """Return what the page of a rule is called in `docs/rules`."""
    return f"{rule.code}-{rule.name}.md"


def _off(rule: Rule):
    """Return as a list how findings of a rule are settled without mending them, or that they are not."""
    ways = []
    if can_be_ignored(rule.code):
        comment = f"# journeyscript: ignore[{rule.code}]"
        comment = f"{{% {comment} %}}" if rule.code.startswith("JS6") else comment
        ways.append(f"- For one place, write the comment `{comment}` on its line or the one above.")
        ways.append(
            f'- For some files, write `per_file_ignores: {{ "journeys/old/*": [{rule.code}] }}` into {_PROJECT}.'
        )
    match rule.severity:
        case Severity.ERROR if not ways:
            ways.append("It stays on: with this error there is nothing to run.")
        case Severity.ERROR:
            ways.append("- For the whole project it stays on.")
        case Severity.WARNING:
            ways.append(f'- For the whole project, write `rules: {{ {rule.code}: "off" }}`; `error` makes it one.')
        case Severity.INFO:
            ways.append(
                f"- It is off until {_PROJECT} says `rules: {{ {rule.code}: info }}`, or `warning`, or `error`."
            )
    return ways


def _shown(files):
    """Return files as Markdown: the name of each, and what it holds."""
    for path, text in files.items():
        language = _LANGUAGES[Path(path).suffix]
        yield f"`{path}`:\n\n```{language}\n{text.removesuffix(chr(10))}\n```"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)
