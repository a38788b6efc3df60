"""A message file as written, and the content that is pinned to a version.

A message's content is its front matter and its body; the place of the body in its file is kept for diagnostics.
"""

from typing import Literal

import msgspec
from msgspec import Struct

from journeyscript.diagnostics import Span
from journeyscript.syntax.config import Medium


class ContentDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is rendered: Liquid in the subject and the body, the body in Markdown where the medium is e-mail."""

    medium: Medium
    body: str
    subject: str | None = None
    preheader: str | None = None

    def to_json(self) -> str:
        """Return the canonical JSON text, which is what the digest is taken of."""
        return msgspec.json.encode(self, order="deterministic").decode()


class MessageFile(Struct, frozen=True, kw_only=True):
    """One message on one channel, for one locale (empty: for everyone else).

    `kind` is the front matter's `class`. `body_line` is the line of the file on which the body starts, from 1.
    """

    message: str
    channel: str
    locale: str
    path: str
    span: Span
    kind: Literal["marketing", "transactional"] | None
    content: ContentDocument
    body_line: int
    subject_span: Span | None = None
