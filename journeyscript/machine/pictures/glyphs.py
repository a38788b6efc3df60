"""How wide a text is, without a font: average widths of glyphs, and lines broken to fit a width.

The table follows the proportions of the usual sans-serif faces, a little on the wide side, so that what is drawn
around a text still holds it in a wider face. Knows only characters.
"""

import unicodedata
from collections.abc import Iterator

ELLIPSIS = "…"

_CLASSES = (
    (0.30, "iljI.,:;|!'`"),
    (0.36, 'ft[]()/\\ -r"°·'),
    (0.52, "ckszvxyJ*?^"),
    (0.70, "wABCDEHKNPRSUVXYZ&"),
    (0.78, "GOQT"),
    (0.92, "mMW%@—…"),
)
_WIDTHS = {character: width for width, characters in _CLASSES for character in characters}
_USUAL, _CAPITAL, _WIDE = 0.60, 0.72, 1.04


def text_width(text: str, size: float) -> float:
    """Return about how wide a line is, in the unit of `size`, the height of the type."""
    return size * sum(map(_glyph_width, text))


def _glyph_width(character: str) -> float:
    known = _WIDTHS.get(character)
    if known is not None:
        return known
    if character.isascii():
        return _USUAL
    if unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc"):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return _WIDE
    return _CAPITAL


def broken(text: str, size: float, width: float, most: int) -> tuple[str, ...]:
    """Return a text as at most `most` lines, none wider than `width`; `…` ends one that had to be cut.

    Lines break at blanks, and inside a word only where it fills more than a line.
    """
    lines: list[str] = []
    line = ""
    for word in _words(text, size, width):
        if line and text_width((line + word).rstrip(), size) > width:
            lines.append(line.rstrip())
            line = word.lstrip()
        else:
            line += word
    lines.append(line.rstrip())
    if len(lines) > most:
        cut = lines[most - 1]
        while cut and text_width(cut + ELLIPSIS, size) > width:
            cut = cut[:-1]
        lines = [*lines[: most - 1], cut.rstrip() + ELLIPSIS]
    return tuple(lines)


def _words(text: str, size: float, width: float) -> Iterator[str]:
    """Yield the pieces between which a line may break, each with the blank before it."""
    for number, word in enumerate(text.split()):
        piece = " " if number else ""
        for character in word:
            if piece.strip() and _breaks_before(character, piece, size, width):
                yield piece
                piece = ""
            piece += character
        yield piece


def _breaks_before(character: str, piece: str, size: float, width: float) -> bool:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return False
    if _is_ideograph(piece[-1]) and _is_ideograph(character):
        return True
    if piece[-1] in "_.-/" and text_width(piece, size) > width / 2:
        return True
    return text_width(piece + character, size) > width


def _is_ideograph(character: str) -> bool:
    return unicodedata.category(character) == "Lo" and unicodedata.east_asian_width(character) in "WF"
