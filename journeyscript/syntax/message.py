"""A message file as written, and the content that is pinned to a version.

A message's content is its front matter and its body; the place of the body in its file is kept for diagnostics.
"""

import re
from typing import Literal

import msgspec
from msgspec import Struct

from journeyscript.diagnostics import Diagnostic, Span
from journeyscript.rules import finding
from journeyscript.source.nodes import Mapping, Scalar
from journeyscript.source.text import unwelcome_character
from journeyscript.source.yaml import read_yaml
from journeyscript.syntax.config import Medium
from journeyscript.syntax.structure import check_structure


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


_NAME = re.compile(r"(?P<message>[A-Za-z0-9_-]+)(?:\.(?P<locale>[A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*))?\.(?P<ending>md|txt)")


def read_message(path: str, text: str, channel: str, medium: Medium) -> tuple[MessageFile | None, list[Diagnostic]]:
    """Return the message that a file in a channel's folder holds, and what is wrong with it.

    The name says which message it is and for which locale: `welcome.md`, `welcome.zh-CN.md`.
    """
    start = Span(path=path)
    name = _NAME.fullmatch(path.rsplit("/", 1)[-1])
    if name is None:
        help_text = "call it `MESSAGE.md` or `MESSAGE.txt`, with a locale between the two where it is for one"
        return None, [finding("JS007", "the file's name says no message", start, help=help_text)]
    if (unwelcome := unwelcome_character(path, text)) is not None:
        return None, [unwelcome]
    front, body, body_line = _divide(text)
    findings: list[Diagnostic] = []
    node = None
    if front is not None:
        node, findings = read_yaml(path, front, first_line=2)
        findings += [] if node is None else check_structure("message", node)
    fields = node if isinstance(node, Mapping) else None
    subject = _field(fields, "subject")
    if any(f.severity == "error" for f in findings):
        return None, findings
    if medium == "email" and (subject is None or not subject.text.strip()):
        help_text = "start the file with `---`, `subject: …`, `---`"
        findings.append(finding("JS606", "an e-mail needs a subject", start, help=help_text))
        return None, findings
    kind, preheader = _field(fields, "class"), _field(fields, "preheader")
    message = MessageFile(
        message=name["message"],
        channel=channel,
        locale=name["locale"] or "",
        path=path,
        span=start,
        kind=None if kind is None else "transactional" if kind.text == "transactional" else "marketing",
        content=ContentDocument(
            medium=medium,
            body=body,
            subject=None if subject is None else subject.text,
            preheader=None if preheader is None else preheader.text,
        ),
        body_line=body_line,
        subject_span=None if subject is None else subject.span,
    )
    return message, findings


def _divide(text: str) -> tuple[str | None, str, int]:
    """Return the front matter, the body, and the line on which the body starts."""
    lines = text.removeprefix("\ufeff").split("\n")
    if lines[0].rstrip() != "---":
        return None, text, 1
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == "---":
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :]), number + 2
    return "\n".join(lines[1:]), "", len(lines)


def _field(node: Mapping | None, key: str) -> Scalar | None:
    value = None if node is None else node.get(key)
    return value if isinstance(value, Scalar) else None
