"""Sections to one Markdown comment that is never longer than GitHub takes.

Takes sections with their blocks, each of which can stand alone; gives the comment, and says in it what was left out.
Knows nothing of journeys.
"""

from collections.abc import Sequence

from msgspec import Struct

from journeyscript.cli.showing.findings.markdown import inline

MARK = "<!-- journeyscript review -->"
"""The first line, by which a later run finds the comment to replace."""

LONGEST = 64_000
"""Characters: a comment on GitHub may have 65,536."""

_FOR_NOTES = 100
"""Room that a section keeps for saying that something was left out."""


class Section(Struct, frozen=True, kw_only=True):
    """A part of the comment: what is said at once, and what opens on a click.

    `blocks` are put below each other, and may be cut between any two of them. `whole` is the command that shows all.
    `blocked`: what it tells stands in the way of the change.
    """

    name: str
    said: str
    blocks: tuple[str, ...] = ()
    whole: str = ""
    blocked: bool = False


def comment(against: str, sections: Sequence[Section], longest: int = LONGEST) -> str:
    """Return the comment. What is too long is cut, the longest sections first, and named at the end."""
    in_the_way = [section.name.lower() for section in sections if section.blocked]
    verdict = f"❌ not yet: {' and '.join(in_the_way)}" if in_the_way else "✅ nothing stands in the way"
    head = f"{MARK}\n### journeyscript review: {verdict}\n\nCompared with {inline(f'`{against}`'[:200])}.\n"
    frames = [_framed(section, "") for section in sections]
    last = f"\nToo long for a comment, and cut: {', '.join(section.name for section in sections)}.\n"
    room = longest - len(head) - len(last) - sum(map(len, frames)) - _FOR_NOTES * len(sections)
    parts, cut = [head], []
    for number, section in enumerate(sections):
        behind = sum(_length(other) for other in sections[number + 1 :])
        share = max(room // (len(sections) - number), room - behind)
        kept = _kept(section.blocks, share)
        room -= sum(len(block) + 1 for block in kept)
        if len(kept) < len(section.blocks):
            cut.append(section.name)
            kept = (*kept, "", f"Cut here: `{section.whole}` shows all of it.")
        parts.append(_framed(section, "\n".join(kept)))
    return "\n".join([*parts, *([f"Too long for a comment, and cut: {', '.join(cut)}."] if cut else [])])


def _length(section: Section) -> int:
    return sum(len(block) + 1 for block in section.blocks)


def _kept(blocks: tuple[str, ...], room: int) -> tuple[str, ...]:
    """Return the first blocks, as many as there is room for."""
    for number, block in enumerate(blocks):
        room -= len(block) + 1
        if room < 0:
            return blocks[:number]
    return blocks


def _framed(section: Section, body: str) -> str:
    sign = "❌ " if section.blocked else ""
    if not section.blocks:
        return f"{sign}**{section.name}**: {section.said}\n"
    way = " open" if section.blocked else ""
    summary = f"<summary>{sign}<b>{section.name}</b>: {section.said}</summary>"
    return f"<details{way}>{summary}\n\n{body}\n\n</details>\n"
