"""What an unquoted value means: the YAML 1.2 core schema, and where readers of YAML 1.1 would see something else.

Takes the text of a plain scalar and gives its value, with what is wrong about it. Dates and times of day with a date
are left alone: every reader takes them for the same moment.
"""

import math
import re
from typing import TypeAlias

from msgspec import Struct

MAX_DIGITS = 18
"""Longer whole numbers do not fit into 64 bits, which is what stores and JSON readers keep."""

Value: TypeAlias = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

_OLD_WORDS = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), "true"),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), "false"),
    "=": "a default value",
}
_SIXTIES = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_OLD_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-9_]+|[1-9][0-9]*_[0-9_]*)")
_OLD_FLOAT = re.compile(r"(?:[-+]?[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?")


class Trouble(Struct, frozen=True, kw_only=True):
    """What is wrong with a plain scalar: a rule's code, what is true of it, and what to do."""

    code: str
    message: str
    help: str


def read_plain(text: str) -> tuple[Value, Trouble | None]:
    """Return the value of an unquoted scalar, and what is wrong with it; a value that cannot be kept stays text."""
    if not text or text[0].isalpha() or text[0] in "~=":
        return _read_word(text)
    if text[0] not in "0123456789+-.":
        return text, None
    if _NOT_FINITE.fullmatch(text):
        return text, _not_a_number(text)
    return _read_number(text)


def _read_word(text: str) -> tuple[Value, Trouble | None]:
    if text in _WORDS:
        return _WORDS[text], None
    other = _OLD_WORDS.get(text)
    return text, None if other is None else _misread(text, other)


def _read_number(text: str) -> tuple[Value, Trouble | None]:
    value: Value = text
    if _INTEGER.fullmatch(text):
        digits = text.lstrip("+-").removeprefix("0x").removeprefix("0o").lstrip("0")
        if len(digits) > MAX_DIGITS:
            return text, _too_large(text)
        value = int(text, 0) if text[:2] in ("0x", "0o") else int(text)
        if abs(value) >= 1 << 63:
            return text, _too_large(text)
    elif _FLOAT.fullmatch(text):
        value = float(text)
        if not math.isfinite(value):
            return text, _too_large(text)
    other = _old_reading(text)
    return value, None if other is None else _misread(text, other)


def _old_reading(text: str) -> str | None:
    """Return what a reader of YAML 1.1 takes a number-like text for, where that differs from YAML 1.2."""
    bare = text.lstrip("+-")
    if _SIXTIES.fullmatch(text):
        # A whole number in base 60 may not start with 0, so `09:00` is text everywhere; with a fraction it may.
        return "a number in base 60" if bare[0] != "0" or "." in text else None
    if _OLD_INTEGER.fullmatch(text):
        if bare[:2] == "0x" and bare == text and "_" not in text:
            return None
        if bare[0] == "0" and bare[1] not in "bx":
            if set(bare) & {"8", "9"}:
                return "text" if "_" not in bare else None
            # A single digit behind zeros is the same number in any base.
            return "a number in base 8" if "_" in bare or int(bare, 8) != int(bare) else None
        return "a number"
    old, new = _OLD_FLOAT.fullmatch(text), _FLOAT.fullmatch(text) or _INTEGER.fullmatch(text)
    if old and not new:
        return "a number"
    return "text" if new and not old and not bare.isdigit() else None


def _misread(text: str, other: str) -> Trouble:
    return Trouble(
        code="JS006",
        message=f"`{text}` without quotes is {other} to tools that read YAML 1.1",
        help="put it in quotes if it is text, or write the number plainly"
        if text[0] in "0123456789+-."
        else "put it in quotes",
    )


def _not_a_number(text: str) -> Trouble:
    return Trouble(
        code="JS012",
        message=f"`{text}` is not a number that can be counted with",
        help="write a number, or put it in quotes",
    )


def _too_large(text: str) -> Trouble:
    shown = text if len(text) <= 24 else text[:20] + "…"
    return Trouble(
        code="JS005",
        message=f"`{shown}` is too large for a number",
        help="put it in quotes if it is text, such as an order number",
    )
