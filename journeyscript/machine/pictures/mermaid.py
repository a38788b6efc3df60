"""A machine as a Mermaid flowchart: people see the journey as it was compiled, not as it was meant.

Text in, text out; GitHub and most editors draw it. Labels are quoted and escaped, so that nothing in a journey can
change the picture's structure.
"""

from journeyscript.machine.pictures.glyphs import ELLIPSIS
from journeyscript.machine.pictures.picture import Box, Picture

_SHAPES = {
    "send": ("[", "]"),
    "wait": ("(", ")"),
    "wait_until": ("(", ")"),
    "wait_for": ("(", ")"),
    "branch": ("{", "}"),
    "split": ("{", "}"),
    "repeat": ("{{", "}}"),
    "exit": ("([", "])"),
    "end": ("([", "])"),
}
_NAMES = {"#": "#35;", "&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;"}
_LONGEST = 60
_WARMTHS = ("#fdebdd", "#fbd0b0", "#f8ae7b", "#f28a44")
"""From a few to the most; the ink on them stays dark, whatever the page is."""
_MARKS = {
    "new": "fill:#d8f5d0,stroke:#2b8a3e,stroke-width:3px,color:#1c2430",
    "changed": "fill:#fff3bf,stroke:#e67700,stroke-width:3px,color:#1c2430",
    "gone": "fill:#ffe3e3,stroke:#c92a2a,stroke-width:2px,stroke-dasharray:5 3,color:#1c2430",
}
_LINES = {"": "-->", "changed": "-->", "new": "==>", "gone": "-.->"}


def mermaid(picture: Picture) -> str:
    """Return the flowchart of a picture, states in the order of the file; what a change marked stands out."""
    entry, *boxes = picture.boxes
    (first, *arrows) = picture.arrows
    names = {entry.id: "start", **{box.id: f"s{number}" for number, box in enumerate(boxes)}}
    lines = ["flowchart TD", f"  start(({_quoted(first.label)})) --> {names[first.target]}"]
    lines += [f"  {names[box.id]}{_shape(box)}" for box in boxes]
    for arrow in arrows:
        line = _LINES[arrow.mark] + (f"|{_quoted(arrow.label)}|" if arrow.label else "")
        lines.append(f"  {names[arrow.source]} {line} {names[arrow.target]}")
    for number, colour in enumerate(_WARMTHS):
        warm = [names[box.id] for box in boxes if box.warmth and _step(box.warmth) == number]
        if warm:
            lines.append(f"  classDef warm{number} fill:{colour},color:#1c2430")
            lines.append(f"  class {','.join(warm)} warm{number}")
    for mark, look in _MARKS.items():
        marked = [names[box.id] for box in picture.boxes if box.mark == mark]
        if marked:
            lines += [f"  classDef {mark} {look}", f"  class {','.join(marked)} {mark}"]
    return "\n".join(lines) + "\n"


def _shape(box: Box) -> str:
    opening, closing = _SHAPES.get(box.kind, ("[", "]"))
    title = f"{box.title} {box.note}" if box.note else box.title
    return f"{opening}{_quoted(title, box.counts, box.mark)}{closing}"


def _step(warmth: float) -> int:
    return min(int(warmth * len(_WARMTHS)), len(_WARMTHS) - 1)


def _quoted(*texts: str) -> str:
    return '"' + "<br>".join(_escaped(text) for text in texts if text) + '"'


def _escaped(text: str) -> str:
    short = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + ELLIPSIS
    return "".join(_NAMES.get(character, character) for character in " ".join(short.split()))
