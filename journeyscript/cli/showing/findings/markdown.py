"""Findings as Markdown, for a comment on a pull request: a table, and each finding folded below it.

Takes findings in reading order and gives text that fits into a comment of GitHub or GitLab. Nothing that stands in a
file becomes markup, a link or a mention.
"""

import re
from collections.abc import Callable, Sequence

from journeyscript.diagnostics import Diagnostic, Severity

MARK = "<!-- journeyscript validate -->"
"""The first line, by which a later run finds the comment to replace."""

MOST = 50
LONGEST = 60_000
"""Code points: a comment on GitHub may have 65,536."""

_SIGNS = {Severity.ERROR: "❌ error", Severity.WARNING: "⚠️ warning", Severity.INFO: "note"}
_MARKUP = re.compile(r"[^A-Za-z0-9 \-.,;()=+/?'\"]|(?<=www)\.", re.ASCII)


def markdown(diagnostics: Sequence[Diagnostic], summary: str, told: Callable[[Diagnostic], str]) -> str:
    """Return a comment with the findings; `told` gives one as it is shown on a terminal."""
    if not diagnostics:
        return f"{MARK}\n### ✅ journeyscript validate: no findings"
    lines = [MARK, f"### journeyscript validate: {summary}", ""]
    shown = list(diagnostics[:MOST])
    table = table_of(shown)
    below = ["", *(folded(item, told(item)) for item in shown)]
    room = LONGEST - sum(len(line) + 1 for line in [*lines, *table])
    kept: list[str] = []
    for block in below:
        room -= len(block) + 1
        if room < 0:
            kept.append("More is left out than fits into a comment: `journeyscript validate` shows all of it.")
            break
        kept.append(block)
    if len(diagnostics) > MOST:
        kept.append(f"\nand {len(diagnostics) - MOST} more")
    return "\n".join([*lines, *table, *kept])


def table_of(diagnostics: Sequence[Diagnostic]) -> list[str]:
    """Return a table of findings, line by line."""
    return ["| | where | rule | what is true |", "|---|---|---|---|", *(_row(item) for item in diagnostics)]


def _row(item: Diagnostic) -> str:
    place = inline(f"`{item.span.path}:{item.span.line}`"[:200])
    return f"| {_SIGNS[item.severity]} | {place} | {item.code} {item.name} | {inline(item.message[:500])} |"


def folded(item: Diagnostic, text: str) -> str:
    """Return a finding that opens on a click."""
    return fold(f"{item.code} {item.span.path}:{item.span.line}", text)


def fold(head: str, text: str) -> str:
    """Return a text that opens on a click; its fence is longer than any that stands in it."""
    fence = "`" * (max((len(ticks) for ticks in re.findall(r"`+", text)), default=0) + 3)
    summary = f"<details><summary>{escaped(head)}</summary>"
    return f"{summary}\n\n{fence}text\n{text[:5_000]}\n{fence}\n\n</details>\n"


def inline(text: str) -> str:
    """Return a message for a cell of a table, its names between backticks as code."""
    parts = text.replace("\n", " ").split("`")
    if len(parts) % 2 == 0:
        return escaped(text)
    return "".join(f"<code>{escaped(part)}</code>" if odd % 2 else escaped(part) for odd, part in enumerate(parts))


def escaped(text: str) -> str:
    """Return text in which nothing is markup; a mention is broken by an empty character."""
    visible = "".join(character if character.isprintable() else "\ufffd" for character in text.replace("\n", " "))
    return _MARKUP.sub(lambda found: _reference(found[0]), visible).replace("&#64;", "&#64;\u200b")


def _reference(character: str) -> str:
    return character if ord(character) > 0x7F else f"&#{ord(character)};"
