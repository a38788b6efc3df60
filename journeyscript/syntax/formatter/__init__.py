"""The one form of a journey's files: order of keys, spacing, quotes; comments stay with what they speak of.

Takes a text and gives it formatted, or says why it is left alone. What comes out is read again and compared with what
went in, so that a value or a comment is never lost: such a file is refused. Knows nothing of what the values mean.
"""

import yaml
from msgspec import Struct

from journeyscript.diagnostics import Diagnostic, Severity
from journeyscript.source.nodes import plain
from journeyscript.source.yaml import read_yaml
from journeyscript.syntax.formatter.comments import CannotFormatError, Commented, read_tokens
from journeyscript.syntax.formatter.order import KeyOrder
from journeyscript.syntax.formatter.writing import Writer
from journeyscript.syntax.validating import FileKind


class Formatted(Struct, frozen=True, kw_only=True):
    """A file's text in its one form. `None`: left alone, because of `findings`, or for the reason in `refused`."""

    text: str | None = None
    findings: tuple[Diagnostic, ...] = ()
    refused: str | None = None


def format_text(kind: FileKind, path: str, text: str) -> Formatted:
    """Return the text of a file of some kind in its one form; `path` is named in findings."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    root, findings = read_yaml(path, text)
    errors = tuple(found for found in findings if found.severity == Severity.ERROR)
    if root is None or errors:
        return Formatted(findings=errors)
    try:
        once = _write(kind, path, text)
        again, _ = read_yaml(path, once)
        if again is None or plain(again) != plain(root):
            return Formatted(refused="a value in it would not survive")
        if _comments(once) != _comments(text):
            return Formatted(refused="a comment in it would not survive")
        if _write(kind, path, once) != once:
            return Formatted(refused="a comment in it has no certain place")
    except CannotFormatError as problem:
        return Formatted(refused=str(problem))
    except (yaml.YAMLError, RecursionError):
        return Formatted(refused="not every reader of YAML accepts it")
    return Formatted(text=once)


def _write(kind: FileKind, path: str, text: str) -> str:
    root, _ = read_yaml(path, text)
    assert root is not None, "what cannot be read is not written"
    return Writer(text, Commented(text, root), KeyOrder(kind)).document(root)


def _comments(text: str) -> list[str]:
    return sorted(comment.text for comment in read_tokens(text).comments)
