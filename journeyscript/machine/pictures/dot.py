"""A machine in DOT, the language of Graphviz: for `dot`, and for the many other tools that read it.

Text in, text out. Every text is a quoted string in which nothing can end it or mean a field of Graphviz.
"""

from journeyscript.machine.pictures.glyphs import broken
from journeyscript.machine.pictures.picture import Arrow, Box, Picture

_SHAPES = {
    "send": "box",
    "branch": "diamond",
    "split": "trapezium",
    "repeat": "octagon",
    "set": "component",
    "emit": "parallelogram",
    "enter": "cds",
    "stage": "component",
}
_ROUNDED = ("wait", "wait_until", "wait_for", "exit", "end")
_SIZE, _WIDTH, _LINES = 13.0, 210.0, 3
_HEAT = "0.067 {:.3f} 1.000"
"""A hue of orange, as `hue saturation value`."""


def dot(picture: Picture) -> str:
    """Return the graph of a picture, states in the order of the file."""
    names = {box.id: f"s{number - 1}" if number else "start" for number, box in enumerate(picture.boxes)}
    lines = [
        f"digraph {_quoted(picture.journey)} {{",
        '  graph [rankdir=TB, fontname="sans-serif"];',
        '  node [fontname="sans-serif", fontsize=13, style=filled, fillcolor="white"];',
        '  edge [fontname="sans-serif", fontsize=11];',
        *(f"  {names[box.id]} [{_box(box)}];" for box in picture.boxes),
        *(f"  {names[arrow.source]} -> {names[arrow.target]}{_arrow(arrow)};" for arrow in picture.arrows),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _box(box: Box) -> str:
    if box.kind == "entry":
        return 'shape=circle, label="", width=0.25, fillcolor="black", tooltip="entry"'
    rounded = box.kind in _ROUNDED
    said = [
        f"shape={'box' if rounded else _SHAPES.get(box.kind, 'box')}",
        f"label={_quoted(*(_lines(box.title)), *_lines(box.note), box.counts)}",
        f"tooltip={_quoted(box.whole)}",
    ]
    if rounded:
        said.append('style="rounded,filled"')
    if box.kind in ("exit", "end"):
        said.append("peripheries=2")
    if box.warmth:
        said.append(f'fillcolor="{_HEAT.format(0.1 + 0.6 * box.warmth)}"')
    if box.traffic:
        said.append(f"penwidth={1 + 4 * box.traffic:.2f}")
    return ", ".join(said)


def _arrow(arrow: Arrow) -> str:
    if not arrow.label:
        return ""
    return f" [label={_quoted(*_lines(arrow.label))}, labeltooltip={_quoted(arrow.label)}]"


def _lines(text: str) -> tuple[str, ...]:
    return broken(text, _SIZE, _WIDTH, _LINES) if text else ()


def _quoted(*lines: str) -> str:
    """Return a quoted string; backslashes are doubled, since `\\N` and the like would be replaced by names."""
    escaped = (" ".join(line.split()).replace("\\", "\\\\").replace('"', '\\"') for line in lines if line)
    return '"' + "\\n".join(escaped).replace("\0", "") + '"'
