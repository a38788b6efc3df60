"""Safe fixes: what a finding replaces in a file without a change of what the file means.

Takes a project and gives the files as they would be, by trying on a copy, again and again until nothing safe is left.
Everything else in a file stays as it is, byte for byte.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from journeyscript.cli.shared import today
from journeyscript.cli.showing.findings.snippets import clean
from journeyscript.compiler import compile_project
from journeyscript.diagnostics import Diagnostic, Span
from journeyscript.source.scalars import read_plain

_ROUNDS = 100
"""A fix can make room for others; each settles a finding, so this many rounds are never needed."""


class Changed(Struct, frozen=True, kw_only=True):
    """A file before and after, and the findings that were settled in it."""

    path: str
    before: bytes
    after: bytes
    settled: tuple[Diagnostic, ...]


def fix_copy(root: Path, paths: Iterable[str], wanted: Callable[[Diagnostic], bool]) -> list[Changed]:
    """Return the files of a project that safe fixes of wanted findings change; the project itself stays as it is.

    Raises:
        OSError: there is no room for the copy.
    """
    before: dict[str, bytes] = {}
    settled: dict[str, list[Diagnostic]] = {}
    with TemporaryDirectory(prefix="journeyscript-") as folder:
        copy = Path(folder)
        for path in (path for path in paths if (root / path).is_file()):
            with suppress(PermissionError):  # What cannot be read has nothing to fix.
                data = (root / path).read_bytes()
                (copy / path).parent.mkdir(parents=True, exist_ok=True)
                (copy / path).write_bytes(data)
                before[path] = data
        for _ in range(_ROUNDS):
            found = [
                item
                for item in compile_project(copy, today=today()).diagnostics
                if item.fix is not None and wanted(item)
            ]
            done = list(_settle(copy, found, before.keys()))
            for item in done:
                settled.setdefault(item.span.path, []).append(item)
            if not done:
                break
        return [
            Changed(path=path, before=before[path], after=(copy / path).read_bytes(), settled=tuple(items))
            for path, items in sorted(settled.items())
        ]


def apply_fixes(data: bytes, found: Iterable[Diagnostic]) -> tuple[bytes, list[Diagnostic]]:
    """Return a file's bytes with the safe fixes of findings, and those findings; of two that overlap the first."""
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    try:
        text = data.removeprefix(mark).decode("utf-8")
    except UnicodeDecodeError:
        return data, []
    starts = [0, *(place + 1 for place, character in enumerate(text) if character == "\n")]
    parts: list[str] = []
    done: list[Diagnostic] = []
    end = 0
    for item in sorted((item for item in found if item.fix), key=lambda item: item.fix.span if item.fix else item.span):
        assert item.fix is not None
        first, last = _offsets(item.fix.span, starts, len(text))
        if first >= end and _is_safe(item, text[first:last]):
            parts += [text[end:first], item.fix.replacement]
            end = last
            done.append(item)
    return mark + "".join([*parts, text[end:]]).encode(), done


def difference(changed: Changed) -> str:
    """Return a unified diff of a file, without a line feed at its end."""
    before, after = (data.decode("utf-8").split("\n") for data in (changed.before, changed.after))
    names = (f"a/{clean(changed.path)}", f"b/{clean(changed.path)}")
    lines = difflib.unified_diff(_lines(before), _lines(after), *names)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)[:-1]


def _lines(parts: list[str]) -> list[str]:
    return [f"{line}\n" for line in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _settle(copy: Path, found: Iterable[Diagnostic], known: Iterable[str]) -> Iterator[Diagnostic]:
    """Write the fixes of one round and yield what they settle."""
    by_path: dict[str, list[Diagnostic]] = {}
    for item in found:
        if item.fix is not None and item.fix.span.path in known:
            by_path.setdefault(item.fix.span.path, []).append(item)
    for path, items in by_path.items():
        data, done = apply_fixes((copy / path).read_bytes(), items)
        if done:
            (copy / path).write_bytes(data)
            yield from done


def _is_safe(item: Diagnostic, replaced: str) -> bool:
    """Return whether a fix cannot change what the file means; other fixes are for somebody to choose in an editor."""
    assert item.fix is not None
    match item.code:
        case "JS006":
            # Quotes are safe where the value is that very text already; `010` is a number, and quotes would change it.
            return read_plain(replaced)[0] == replaced and item.fix.replacement == f'"{replaced}"'
        case "JS010":
            return True
        case _:
            return False


def _offsets(span: Span, starts: list[int], length: int) -> tuple[int, int]:
    """Return where a span starts and ends in a text, in code points."""

    def offset(line: int, column: int) -> int:
        return min(starts[line - 1] + column - 1, length) if line <= len(starts) else length

    return offset(span.line, span.column), offset(span.end_line, span.end_column)
