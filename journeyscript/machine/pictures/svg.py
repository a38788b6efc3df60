"""A machine as an SVG document that stands alone: no script, no font, no link; light and dark by the reader's choice.

Takes a picture, gives text. Every box and arrow says in a tooltip what was too long to be shown. The same picture gives
the same bytes.
"""

import re
from collections.abc import Iterator
from html import escape
from itertools import pairwise

from msgspec import Struct

from journeyscript.machine.pictures.glyphs import broken, text_width
from journeyscript.machine.pictures.layout import Point, Rectangle, lay_out
from journeyscript.machine.pictures.picture import MISSED, Arrow, Box, Picture
from journeyscript.machine.pictures.shapes import outline, slack

_TITLE, _SMALL = 13.0, 11.0
_BOLD = 11.8
"""What small type measures where it is bold."""
_LINE, _SMALL_LINE = 17.0, 14.0
_TITLE_WIDTH, _NOTE_WIDTH, _LABEL_WIDTH = 210.0, 210.0, 175.0
_TITLE_LINES, _NOTE_LINES, _LABEL_LINES = 3, 2, 3
_NARROWEST = 64.0
_MARGIN = 20
_ENTRY = 22.0
_ROUND = 6.0

_STYLE = """
  .journey { font-family: system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans", "Noto Sans CJK SC",
    "PingFang SC", "Microsoft YaHei", sans-serif;
    --paper: #ffffff; --ink: #1c2430; --soft: #56606e; --line: #7b8794; --heat: #f2590d;
    --send: #dbeafe; --send-line: #3b76c4; --wait: #fdf1d6; --wait-line: #b98a1d; --fork: #ece4fa; --fork-line: #7d5bbe;
    --do: #e4ecef; --do-line: #5f7d8b; --end: #dcf3e3; --end-line: #2f8a54; --exit: #f8e1e1; --exit-line: #b04a4a; }
  @media (prefers-color-scheme: dark) { .journey {
    --paper: #14181e; --ink: #e8edf3; --soft: #a5b0bd; --line: #76828f; --heat: #e8590c;
    --send: #1d3352; --send-line: #6ea3e6; --wait: #40341a; --wait-line: #d3a849; --fork: #352a4d; --fork-line: #a98be3;
    --do: #273238; --do-line: #8aa6b3; --end: #1c3b29; --end-line: #5dbb83; --exit: #462626; --exit-line: #dd8080; } }
  .paper { fill: var(--paper); }
  .way { fill: none; stroke: var(--line); stroke-width: 1.4; }
  .head { fill: var(--line); }
  .title { fill: var(--ink); font-size: 13px; text-anchor: middle; }
  .note, .label { fill: var(--soft); font-size: 11px; text-anchor: middle; }
  .counts { fill: var(--ink); font-size: 11px; font-weight: 600; text-anchor: middle; }
  .box { stroke-width: 1.4; }
  .heat { fill: var(--heat); stroke: none; }
  .send .box { fill: var(--send); stroke: var(--send-line); }
  .wait .box { fill: var(--wait); stroke: var(--wait-line); }
  .fork .box { fill: var(--fork); stroke: var(--fork-line); }
  .do .box { fill: var(--do); stroke: var(--do-line); }
  .end .box { fill: var(--end); stroke: var(--end-line); }
  .exit .box { fill: var(--exit); stroke: var(--exit-line); }
  .entry .box { fill: var(--ink); stroke: none; }
"""
_MISSED_STYLE = """
  .journey { --missed: #c2255c; --missed-paper: #ffe3ec; }
  @media (prefers-color-scheme: dark) { .journey { --missed: #f783ac; --missed-paper: #4a1f30; } }
  .missed .box { fill: var(--missed-paper); stroke: var(--missed); stroke-dasharray: 5 3; }
  .missed .way { stroke: var(--missed); stroke-dasharray: 5 3; }
  .missed .head, .missed .label { fill: var(--missed); }
"""
"""For a picture on which something was missed, and no other one."""
_MARK_STYLE = """
  .journey { --new: #2b8a3e; --changed: #e67700; --gone: #c92a2a; }
  @media (prefers-color-scheme: dark) { .journey { --new: #69db7c; --changed: #ffa94d; --gone: #ff8787; } }
  .new .box { stroke: var(--new); stroke-width: 3.4; }
  .changed .box { stroke: var(--changed); stroke-width: 3.4; }
  .gone .box { stroke: var(--gone); stroke-dasharray: 5 3; }
  .new .way { stroke: var(--new); stroke-width: 2.4; }
  .gone .way { stroke: var(--gone); stroke-dasharray: 5 3; }
  .new .head { fill: var(--new); }
  .gone .head { fill: var(--gone); }
"""
"""For a picture of a change, and no other one."""

_UNWRITABLE = re.compile("[^\\t\\n\\r -\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_LOOKS = {
    "entry": "entry",
    "send": "send",
    "wait": "wait",
    "wait_until": "wait",
    "wait_for": "wait",
    "branch": "fork",
    "split": "fork",
    "repeat": "fork",
    "exit": "exit",
    "end": "end",
}


class _Words(Struct, frozen=True, kw_only=True):
    """The lines of a box or a label: how each is dressed, its text, and the height it takes."""

    lines: tuple[tuple[str, str, float], ...]

    @property
    def size(self) -> tuple[float, float]:
        """Return the size of all lines, one below the other."""
        sizes = {"title": _TITLE, "counts": _BOLD}
        widths = [text_width(text, sizes.get(dress, _SMALL)) for dress, text, _ in self.lines]
        return max(widths, default=0.0), sum(height for _, _, height in self.lines)


def svg(picture: Picture) -> str:
    """Return the document."""
    words = [_box_words(box) for box in picture.boxes]
    labels = [_words("label", arrow.label, _LABEL_WIDTH, _LABEL_LINES) for arrow in picture.arrows]
    number = {box.id: index for index, box in enumerate(picture.boxes)}
    layout = lay_out(
        [_box_size(box, one) for box, one in zip(picture.boxes, words, strict=True)],
        [(number[arrow.source], number[arrow.target]) for arrow in picture.arrows],
        [(width + 10, height + 4) if height else (0.0, 0.0) for width, height in (one.size for one in labels)],
    )
    width, height = (round(side + 2 * _MARGIN) for side in layout.size)
    area = f'width="{width}" height="{height}" viewBox="{-_MARGIN} {-_MARGIN} {width} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="journey" role="img" aria-labelledby="title desc" {area}>',
        f'<title id="title">{_text(f"Journey {picture.journey}")}</title>',
        f'<desc id="desc">{_text(_description(picture))}</desc>',
        f"<style>{_STYLE}{_more_style(picture)}</style>",
        f'<rect class="paper" x="{-_MARGIN}" y="{-_MARGIN}" width="{width}" height="{height}"/>',
    ]
    titles = {box.id: box.title or "entry" for box in picture.boxes}
    for arrow, way in zip(picture.arrows, layout.ways, strict=True):
        parts.append(_arrow(arrow, way, titles))
    for arrow, one, place in zip(picture.arrows, labels, layout.labels, strict=True):
        if place is not None:
            parts.append(_label(arrow, one, place))
    for box, one, place in zip(picture.boxes, words, layout.boxes, strict=True):
        parts.append(_box(box, one, place))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _more_style(picture: Picture) -> str:
    """Return the style of what only some pictures have."""
    drawn: tuple[Box | Arrow, ...] = (*picture.boxes, *picture.arrows)
    missed = _MISSED_STYLE if any(one.missed for one in drawn) else ""
    return missed + (_MARK_STYLE if any(one.mark for one in drawn) else "")


def _words(dress: str, text: str, width: float, most: int) -> _Words:
    if not text:
        return _Words(lines=())
    size, height = (_TITLE, _LINE) if dress == "title" else (_SMALL, _SMALL_LINE)
    return _Words(lines=tuple((dress, line, height) for line in broken(text, size, width, most)))


def _box_words(box: Box) -> _Words:
    return _Words(
        lines=(
            *_words("title", box.title, _TITLE_WIDTH, _TITLE_LINES).lines,
            *_words("note", box.note, _NOTE_WIDTH, _NOTE_LINES).lines,
            *_words("counts", box.counts, _NOTE_WIDTH, 1).lines,
            *_words("counts", box.mark if box.title else "", _NOTE_WIDTH, 1).lines,
        )
    )


def _box_size(box: Box, words: _Words) -> tuple[float, float]:
    if box.kind == "entry":
        return _ENTRY, _ENTRY
    width, height = words.size
    height += 16
    return max(_NARROWEST, width + 24) + slack(box.kind, height), height


def _box(box: Box, words: _Words, place: Rectangle) -> str:
    shape = outline(box.kind, place)
    looks = _LOOKS.get(box.kind, "do") + (" missed" if box.missed else "") + (f" {box.mark}" if box.mark else "")
    parts = [f'<g class="{looks}"><title>{_text(box.whole or "entry")}</title>']
    heavy = f' style="stroke-width: {_shown(1 + 4 * box.traffic)}"' if box.traffic else ""
    parts.append(f'<path class="box" d="{shape}"{heavy}/>')
    if box.warmth:
        parts.append(f'<path class="heat" d="{shape}" fill-opacity="{_shown(0.1 + 0.5 * box.warmth)}"/>')
    return "".join([*parts, *_written(words, place), "</g>"])


def _written(words: _Words, place: Rectangle) -> Iterator[str]:
    """Yield the lines of text, in the middle of their place."""
    middle = place.x + place.width / 2
    y = place.y + (place.height - words.size[1]) / 2
    for dress, line, height in words.lines:
        base = y + height / 2 + (_TITLE if dress == "title" else _SMALL) * 0.35
        yield f'<text class="{dress}" x="{_shown(middle)}" y="{_shown(base)}">{_text(line)}</text>'
        y += height


def _arrow(arrow: Arrow, way: tuple[Point, ...], titles: dict[str, str]) -> str:
    ends = f"{titles[arrow.source]} → {titles[arrow.target]}"
    said = f"{ends}: {arrow.label}" if arrow.label else ends
    x, y = way[-1]
    head = f"M{_shown(x)} {_shown(y)}l-4 -8h8z"
    line = _rounded((*way[:-1], (x, y - 7)))
    if arrow.missed:
        said = f"{said} ({MISSED})"
    drawn = f'<path class="way" d="{line}"/><path class="head" d="{head}"/>'
    if arrow.mark:
        said = f"{said} ({arrow.mark})"
    return f"<g{_dress(arrow)}><title>{_text(said)}</title>{drawn}</g>"


def _dress(arrow: Arrow) -> str:
    names = " ".join(name for name in ("missed" if arrow.missed else "", arrow.mark) if name)
    return f' class="{names}"' if names else ""


def _label(arrow: Arrow, words: _Words, place: Rectangle) -> str:
    """Return a label; its arrow goes behind it, hidden, so that nothing crosses the letters."""
    behind = (
        f'<rect class="paper" x="{_shown(place.x)}" y="{_shown(place.y)}"'
        f' width="{_shown(place.width)}" height="{_shown(place.height)}"/>'
    )
    return f"<g{_dress(arrow)}><title>{_text(arrow.label)}</title>{behind}{''.join(_written(words, place))}</g>"


def _rounded(way: tuple[Point, ...]) -> str:
    """Return a path along corners, each cut round as far as its sides allow."""
    parts = [f"M{_pair(way[0])}"]
    lengths = [abs(there[0] - here[0]) + abs(there[1] - here[1]) for here, there in pairwise(way)]
    for number in range(1, len(way) - 1):
        radius = min(_ROUND, lengths[number - 1] / 2, lengths[number] / 2)
        before = _towards(way[number], way[number - 1], radius)
        behind = _towards(way[number], way[number + 1], radius)
        parts.append(f"L{_pair(before)}Q{_pair(way[number])} {_pair(behind)}")
    return "".join([*parts, f"L{_pair(way[-1])}"])


def _towards(here: Point, there: Point, distance: float) -> Point:
    dx, dy = there[0] - here[0], there[1] - here[1]
    length = abs(dx) + abs(dy)
    return here if not length else (here[0] + dx / length * distance, here[1] + dy / length * distance)


def _description(picture: Picture) -> str:
    titles = {box.id: box.title for box in picture.boxes}
    sentences = []
    for box in picture.boxes:
        ways = [
            titles[arrow.target] + (f" ({arrow.label})" if arrow.label else "")
            for arrow in picture.arrows
            if arrow.source == box.id
        ]
        said = f"{box.title}, {box.counts}" if box.counts else box.title or "Entry"
        sentences.append(f"{said}: {'; '.join(ways)}." if ways else f"{said}.")
    return " ".join(sentences)


def _pair(point: Point) -> str:
    return f"{_shown(point[0])} {_shown(point[1])}"


def _shown(number: float) -> str:
    """Return a number with one or two digits behind the point, as short as it can be."""
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _text(text: str) -> str:
    """Return a text as XML may hold it: escaped, and without the characters that XML has no way to write."""
    return escape(_UNWRITABLE.sub("�", text))
