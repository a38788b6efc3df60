"""What the YAML parser says, in words for the person who wrote the file.

Takes the parser's exception and gives one finding at the place where reading stopped.
"""

import yaml

from journeyscript.diagnostics import Diagnostic, Label, Span
from journeyscript.rules import finding

_PLAIN_WORDS: tuple[tuple[str, str, str | None], ...] = (
    (
        "mapping values are not allowed",
        "a colon stands where no key can be",
        "put text that holds a colon and a space in quotes, and check how far the line is indented",
    ),
    (
        "found unexpected end of stream",
        "the text in quotes never ends",
        "write the closing quote",
    ),
    (
        "did not find expected key",
        "a key was expected here",
        "check how far the line is indented, and put text with special characters in quotes",
    ),
    (
        "did not find expected '-' indicator",
        "an item of the list was expected here",
        "start it with `- ` below the other items, or indent the line as the keys around the list",
    ),
    (
        "did not find expected ',' or ']'",
        "the list in brackets does not go on as one",
        "check its commas and write `]`",
    ),
    (
        "did not find expected ',' or '}'",
        "the mapping in braces does not go on as one",
        "check its commas and write `}`",
    ),
    ("found undefined tag handle", "tags have no place in a journey's files", "delete the tag"),
    (
        "did not find expected <document start>",
        "something follows what was complete already",
        "check how far the line is indented, and put the whole text in quotes if it belongs together",
    ),
    ("could not find expected ':'", "a colon was expected after this key", "write `key: value`"),
)


def syntax_error(error: yaml.YAMLError, path: str, text: str, first_line: int) -> Diagnostic:
    """Return the finding for a text that the parser refused."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return finding("JS001", "this is not YAML", Span(path=path, line=first_line, end_line=first_line))
    problem = error.problem or error.context or "this is not YAML"
    mark = error.problem_mark or error.context_mark
    lines = text.split("\n")
    span = _one_character(path, lines, mark, first_line)
    message, help_text = _in_plain_words(problem, _character(lines, mark))
    labels = []
    if error.context_mark is not None and error.problem_mark is not None:
        opening = _one_character(path, lines, error.context_mark, first_line)
        if opening != span:
            labels.append(Label(span=opening, text="it began here"))
    return finding("JS001", message, span, help=help_text, labels=labels)


def _in_plain_words(problem: str, character: str) -> tuple[str, str | None]:
    if "cannot start any token" in problem:
        if character == "\t":
            return "a tab stands where only spaces may indent", "indent with spaces"
        return f"text without quotes cannot start with `{character}`", "put it in quotes"
    for known, message, help_text in _PLAIN_WORDS:
        if known in problem:
            return message, help_text
    return f"this is not YAML: {problem[:1].lower()}{problem[1:]}", None


def _character(lines: list[str], mark: yaml.Mark | None) -> str:
    """Return the character at a mark, or nothing at the end of a line."""
    if mark is None or mark.line >= len(lines):
        return ""
    return lines[mark.line][mark.column : mark.column + 1]


def _one_character(path: str, lines: list[str], mark: yaml.Mark | None, first_line: int) -> Span:
    """Return the character at a mark; behind the end of the text, the place right after its last character."""
    line, column = (0, 0) if mark is None else (mark.line, mark.column)
    if line >= len(lines) or (line == len(lines) - 1 and not lines[line]):
        line = max((number for number, content in enumerate(lines) if content.strip()), default=0)
        column = len(lines[line].rstrip("\r"))
    return Span(
        path=path,
        line=line + first_line,
        column=column + 1,
        end_line=line + first_line,
        end_column=column + 2,
    )
