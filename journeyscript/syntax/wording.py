"""Words for what a schema asks for: `a duration`, one of several values, an example as it would be written.

Takes parts of schemas and gives text for findings. Knows nothing of files or positions.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from journeyscript.source.building import shorten
from journeyscript.source.nodes import Mapping, Node, Scalar, Sequence
from journeyscript.source.scalars import read_plain

_LISTED = 12
_COMPARED = 64
"""Nobody misspells a key into something this long."""

_SAFE = re.compile(r"[A-Za-z0-9_.+(][^:#,\[\]{}]*")
_KINDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "`true` or `false`",
    "array": "a list",
    "object": "a mapping",
}


def expected(schema: dict[str, Any]) -> str:
    """Return what a schema asks for, as a noun: its choices where it has some, else its title."""
    if "enum" in schema:
        return either(schema["enum"])
    title = schema.get("title")
    if title is None:
        kinds = schema.get("type", "object")
        return " or ".join(_KINDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
    if title.startswith("choice of "):
        return str(title.removeprefix("choice of "))
    return noun(title)


def noun(title: str) -> str:
    """Return a title with its article."""
    if title == "text":
        return title
    return f"{'an' if title[0] in 'aeiou' else 'a'} {title}"


def either(choices: Iterable[str]) -> str:
    """Return choices as `a` or `b`, and more than two as one of `a`, `b`, `c`."""
    quoted = [f"`{choice}`" for choice in choices]
    return " or ".join(quoted) if len(quoted) <= 2 else "one of " + ", ".join(quoted)


def together(names: Iterable[str]) -> str:
    """Return names as `a`, `b` and `c`."""
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " and " + quoted[-1]


def meant(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant, or `None` where nothing is near."""
    if len(name) > _COMPARED:
        return None
    written = {candidate.lower(): candidate for candidate in known}
    matches = get_close_matches(name.lower(), written, n=1, cutoff=0.6)
    return written[matches[0]] if matches else None


def suggestion(name: str | None, known: Iterable[str], what: str) -> str | None:
    """Return help that names what was probably meant, and what can be written where that is little enough."""
    listed = list(known)
    parts = [] if name is None else [f"did you mean `{name}`?"]
    if len(listed) == 1:
        parts.append(f"the only {what} here is `{listed[0]}`")
    elif 1 < len(listed) <= _LISTED:
        parts.append(f"the {what}s here are {together(listed)}")
    return " ".join(parts) or None


def found(node: Node) -> str:
    """Return what stands in the file, as a noun."""
    match node:
        case Scalar() if node.value is None:
            return "nothing"
        case Scalar():
            return f"`{shorten(node.text)}`" if node.text.strip() else "empty text"
        case Sequence():
            return "a list"
        case Mapping():
            return "a mapping"


def example(schema: dict[str, Any]) -> str | None:
    """Return the first example of a schema as it would be written in a file, or `None`."""
    examples = schema.get("examples") or schema.get("enum")
    return flow(examples[0]) if examples else None


def flow(value: Any) -> str:  # noqa: ANN401  an example is any JSON value
    """Return a JSON value as YAML on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            plain, trouble = read_plain(value)
            return value if _SAFE.fullmatch(value) and plain == value and trouble is None else f'"{value}"'
        case list():
            return "[" + ", ".join(flow(item) for item in value) + "]"
        case dict():
            return "{ " + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + " }"
        case _:
            return str(value)
