"""How many text messages a text is sent as: 160 characters of the GSM alphabet each, 70 where there is any other.

A text that needs several is cut into parts of 153 and 67, as each carries a number (3GPP TS 23.038, 23.040).
"""

import re

from msgspec import Struct

from journeyscript.syntax.config import ChannelConfig

MOST_SEGMENTS = 3
"""A text of more parts is pointed out."""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")
"""Characters of the GSM alphabet that take the room of two."""

_PLAIN = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201a": ",", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2010": "-",
        "\u2011": "-", "\u2013": "-", "\u2014": "-", "\u2026": "...", "\u00a0": " ", "\u202f": " ", "\u2022": "-",
    }
)  # fmt: skip
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_BLOCK = re.compile(r"\{%-?\s*(?P<end>end)?(?:if|unless|for|case|capture|tablerow|comment|raw|doc)\b")


class TooLong(Struct, frozen=True, kw_only=True):
    """Why a text is too long, what to do, and how that was reckoned; `character` is the one that is to blame."""

    message: str
    help_text: str
    reckoning: str
    character: str | None = None


def is_sms(channel: ChannelConfig) -> bool:
    """Return whether a channel carries SMS: its name or its adapter says so."""
    return channel.medium == "text" and ("sms" in channel.name.lower() or "sms" in channel.adapter)


def static_text(template: str) -> str:
    """Return what every receiver of a template gets: no values, and nothing that stands inside a condition or loop."""
    kept, depth, last = [], 0, 0
    for tag in _TAG.finditer(template):
        if depth == 0:
            kept.append(template[last : tag.start()])
        last = tag.end()
        block = _BLOCK.match(tag[0])
        if block is not None:
            depth = max(depth + (-1 if block["end"] else 1), 0)
    if depth == 0:
        kept.append(template[last:])
    return "".join(kept).strip()


def count_segments(text: str) -> int:
    """Return how many text messages a text is sent as."""
    if _is_gsm(text):
        length = len(text) + sum(character in _EXTENDED for character in text)
        return 1 if length <= 160 else -(-length // 153)
    length = len(text.encode("utf-16-le")) // 2
    return 1 if length <= 70 else -(-length // 67)


def too_long(text: str) -> TooLong | None:
    """Return why a text takes more text messages than it should; `None` where it does not."""
    parts, plain = count_segments(text), text.translate(_PLAIN)
    alphabet = "GSM-7" if _is_gsm(text) else "UCS-2"
    reckoning = f"{alphabet}, {len(text)} characters without the values: {parts} text messages"
    if alphabet == "UCS-2" and _is_gsm(plain) and count_segments(plain) < parts:
        first = next(character for character in text if not _is_gsm(character))
        return TooLong(
            message=f"`{first}` makes this {parts} text messages instead of {count_segments(plain)}",
            help_text="write plain quotes, hyphens and dots: any other leaves room for 70 characters instead of 160",
            reckoning=reckoning,
            character=first,
        )
    if parts > MOST_SEGMENTS:
        return TooLong(
            message=f"this is sent, and paid, as at least {parts} text messages",
            help_text="say it in fewer words, or put the rest behind a link",
            reckoning=reckoning,
        )
    return None


def _is_gsm(text: str) -> bool:
    return all(character in _BASIC or character in _EXTENDED for character in text)
