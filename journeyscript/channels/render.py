"""From a message's content and a customer's data to what the receiver sees.

A document is compiled once: Liquid for the subject and the text, and Markdown to HTML for an e-mail. Rendering only
fills in values, so that a value can be neither a header, nor Markdown, nor HTML. Knows no channel, clock or store.
"""

import html
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from journeyscript.channels.markdown import markdown_to_html
from journeyscript.channels.outgoing import Rendered
from journeyscript.channels.template import Liquid, RenderError
from journeyscript.syntax.message import ContentDocument

if TYPE_CHECKING:
    from journeyscript.semantics.types import Value

__all__ = ["RenderError", "Template", "compile_content"]

# Whatever a mail program or a terminal may take for the end of a line, or for an order.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")
_BLANK_LINES = re.compile(r"(?:[ \t]*\n){3,}")
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ps", "ur", "yi"})

_DOCUMENT = """<!DOCTYPE html>
<html lang="{lang}" dir="{direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ margin: 0; padding: 0; -webkit-text-size-adjust: 100%; }}
.content {{ box-sizing: border-box; max-width: 600px; margin: 0 auto; padding: 24px 16px;
  font-family: -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; font-size: 16px; line-height: 1.5; }}
img {{ max-width: 100%; height: auto; border: 0; }}
table {{ border-collapse: collapse; max-width: 100%; }}
th, td {{ padding: 4px 8px; text-align: start; }}
</style>
</head>
<body>
{preheader}<div class="content">
{body}</div>
</body>
</html>
"""
_PREHEADER = '<div style="display:none;max-height:0;max-width:0;opacity:0;overflow:hidden;mso-hide:all">{text}</div>\n'


class Template:
    """A compiled message; made by `compile_content`."""

    def __init__(self, document: ContentDocument) -> None:
        """Compile the document. Raises `RenderError`."""
        self._subject: Liquid | None = None
        self._preheader: Liquid | None = None
        self._html: Liquid | None = None
        self._text = Liquid(document.body, place="body")
        if document.medium == "text":
            return
        if document.subject is None:
            raise RenderError("an e-mail needs a subject")
        self._subject = Liquid(document.subject, place="subject")
        if document.preheader is not None:
            self._preheader = Liquid(document.preheader, place="preheader", escape=True)
        self._html = Liquid(markdown_to_html(document.body), place="body", escape=True)

    def render(self, data: "Mapping[str, Value]", *, locale: str = "") -> Rendered:
        """Return the message over the data; `locale` is a language tag, empty for English.

        Missing values are `None` in the data; a name that is not in it at all raises `RenderError`.
        """
        # The text comes first: an error in it names a line that the author can find.
        text = _BLANK_LINES.sub("\n\n", _UNPRINTABLE.sub("", self._text.render(data))).strip()
        if self._html is None or self._subject is None:
            return Rendered(text=text)
        subject = one_line(self._subject.render(data))
        preheader = "" if self._preheader is None else one_line(self._preheader.render(data))
        lang = locale.replace("_", "-")
        lang = lang if _LANGUAGE_TAG.fullmatch(lang) else "en"
        page = _DOCUMENT.format(
            lang=lang,
            direction="rtl" if lang.split("-")[0].lower() in _RIGHT_TO_LEFT else "ltr",
            title=html.escape(subject),
            preheader=_PREHEADER.format(text=preheader) if preheader else "",
            body=_UNPRINTABLE.sub("", self._html.render(data)),
        )
        return Rendered(text=text, subject=subject, html=page)


def one_line(text: str) -> str:
    """Return the text on one line: every run of blanks, line ends and control characters is one blank."""
    return " ".join(_CONTROLS.sub(" ", text).split())


@lru_cache(maxsize=1024)
def compile_content(document: ContentDocument) -> Template:
    """Return the compiled message; equal documents share one. Raises `RenderError` with one plain sentence."""
    return Template(document)
