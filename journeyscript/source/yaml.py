"""YAML text as nodes that know where they stand, and what is wrong with it.

Takes text, or a file, and gives a node, or `None` where it is not YAML or exceeds a limit. Whatever comes in, the
answer is a node or a finding, never an exception. Knows nothing of journeys.
"""

from pathlib import Path

import yaml

from journeyscript.diagnostics import Diagnostic, Span
from journeyscript.rules import finding
from journeyscript.source.building import LimitReachedError, NodeBuilder
from journeyscript.source.nodes import Node
from journeyscript.source.syntax_errors import syntax_error
from journeyscript.source.text import MAX_BYTES, read_text, too_large, unwelcome_character

LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Only its parser is used. The one in C is not part of every build of PyYAML; both give the same events."""


def read_file(root: Path, path: str) -> tuple[Node | None, list[Diagnostic]]:
    """Return the YAML of the file at `path` (POSIX, relative to `root`), and what is wrong with it."""
    text, findings = read_text(root, path)
    return (None, findings) if text is None else read_yaml(path, text)


def read_yaml(path: str, text: str, *, first_line: int = 1) -> tuple[Node | None, list[Diagnostic]]:
    """Return the one YAML document of a text, and what is wrong with it.

    `path` is named in positions; `first_line` is the line of the file on which the text starts. The node is `None`
    where the text is not YAML or exceeds a limit; any other finding leaves out just the part that it is about.
    """
    here = Span(path=path, line=first_line, end_line=first_line)
    if len(text) > MAX_BYTES:
        return None, [too_large(here)]
    text = text.removeprefix("\ufeff")
    if (found := unwelcome_character(path, text, first_line=first_line)) is not None:
        return None, [found]
    builder = NodeBuilder(path, text, first_line)
    try:
        builder.read(yaml.parse(text, Loader=LOADER))
    except yaml.YAMLError as error:
        return None, [*builder.findings, syntax_error(error, path, text, first_line)]
    except LimitReachedError as error:
        return None, [*builder.findings, error.found]
    if builder.root is None:
        return None, [*builder.findings, finding("JS005", "nothing is written here", here)]
    return builder.root, builder.findings
