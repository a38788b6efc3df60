"""Paths as those outside the project know them: a project can lie in a folder of its repository.

Takes findings with paths within the project; gives them with paths from the folder that continuous integration works
in. Knows nothing of formats.
"""

import os
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from journeyscript.diagnostics import Diagnostic, Span


def prefix_of(root: Path) -> str:
    """Return the project's folder as seen from the repository's, or from here: empty, or with a slash at its end."""
    outside = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    folder = root.resolve()
    if folder == outside or not folder.is_relative_to(outside):
        return ""
    return f"{folder.relative_to(outside).as_posix()}/"


def placed(found: Diagnostic, prefix: str) -> Diagnostic:
    """Return a finding with every path behind a prefix."""
    return renamed(found, lambda path: prefix + path) if prefix else found


def renamed(found: Diagnostic, rename: Callable[[str], str]) -> Diagnostic:
    """Return a finding with every path called otherwise."""

    def moved(span: Span) -> Span:
        return replace(span, path=rename(span.path))

    labels = tuple(replace(label, span=moved(label.span)) for label in found.labels)
    fix = None if found.fix is None else replace(found.fix, span=moved(found.fix.span))
    return replace(found, span=moved(found.span), labels=labels, fix=fix)


def behind(prefix: str, read: Callable[[str], str | None]) -> Callable[[str], str | None]:
    """Return a reader of files for paths behind a prefix."""
    return lambda path: read(path.removeprefix(prefix))
