"""Characters that make a text look like another one: orders to change the direction, letters of a foreign alphabet.

Takes a file's text and gives findings. What a language needs is let pass: an isolate that is closed on its line, and
words that are all of one alphabet.
"""

import re
import unicodedata
from collections.abc import Iterator

from journeyscript.diagnostics import Diagnostic, Span
from journeyscript.rules import finding

_OPENERS = {"\u202a": "\u202c", "\u202b": "\u202c", "\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069"}
_OVERRIDES = "\u202d\u202e"
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_WORD = re.compile(r"[^\W\d_]{2,}")

_LOOK_ALIKES: dict[str, str] = {
    # Cyrillic small
    "\u0430": "a", "\u0435": "e", "\u043e": "o", "\u0440": "p", "\u0441": "c", "\u0443": "y", "\u0445": "x",
    "\u0456": "i", "\u0458": "j", "\u0455": "s", "\u0501": "d", "\u04bb": "h", "\u04cf": "l", "\u051b": "q",
    "\u051d": "w",
    # Cyrillic capital
    "\u0410": "A", "\u0412": "B", "\u0415": "E", "\u041a": "K", "\u041c": "M", "\u041d": "H", "\u041e": "O",
    "\u0420": "P", "\u0421": "C", "\u0422": "T", "\u0425": "X", "\u0406": "I", "\u0408": "J", "\u0405": "S",
    # Greek small
    "\u03bf": "o", "\u03bd": "v", "\u03c1": "p",
    # Greek capital
    "\u0391": "A", "\u0392": "B", "\u0395": "E", "\u0396": "Z", "\u0397": "H", "\u0399": "I", "\u039a": "K",
    "\u039c": "M", "\u039d": "N", "\u039f": "O", "\u03a1": "P", "\u03a4": "T", "\u03a5": "Y", "\u03a7": "X",
}  # fmt: skip
"""Cyrillic and Greek letters that nobody can tell from a Latin one, and that Latin letter."""

_FOREIGN = re.compile(f"[{''.join(_LOOK_ALIKES)}]")


def misleading_characters(path: str, text: str) -> Iterator[Diagnostic]:
    """Yield JS014 for orders of direction that reach further than their line shows, and for words of mixed letters."""
    if text.isascii():
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.isascii():
            continue
        here = Span(path=path, line=number, end_line=number)
        for offset in _open_orders(line):
            yield finding(
                "JS014",
                f"the invisible character U+{ord(line[offset]):04X} changes the order in which this line is shown",
                here.within(offset, 1),
                help="delete it; an isolate has to be closed by U+2069 on its line",
            )
        for word in _WORD.finditer(line):
            if (letter := _mixed(word[0])) is None:
                continue
            yield finding(
                "JS014",
                f"`{word[0]}` mixes alphabets: its `{letter}` is {_name(letter)}",
                here.within(word.start(), len(word[0])),
                help=f"write `{_FOREIGN.sub(lambda letter: _LOOK_ALIKES[letter[0]], word[0])}`",
            )


def _open_orders(line: str) -> list[int]:
    """Return where in a line an order stands that overrides letters, or that is not closed before the line ends."""
    found, open_orders = [], []
    for match in _BIDI.finditer(line):
        sign = match[0]
        if sign in _OVERRIDES:
            found.append(match.start())
            open_orders.append((match.start(), "\u202c"))
        elif sign in _OPENERS:
            open_orders.append((match.start(), _OPENERS[sign]))
        elif open_orders and open_orders[-1][1] == sign:
            open_orders.pop()
    return sorted({*found, *(offset for offset, _ in open_orders)})


def _mixed(word: str) -> str | None:
    """Return the first letter of a word that only looks like the Latin ones around it."""
    if word.isascii() or not any("a" <= letter.lower() <= "z" for letter in word):
        return None
    found = _FOREIGN.search(word)
    return None if found is None else found[0]


def _name(letter: str) -> str:
    return unicodedata.name(letter, "another letter").split(" ", 1)[0].capitalize()
