"""Files as text: what can be read, what is UTF-8, and which characters may stand in it.

Takes bytes from the disk and gives text, or a finding that says why not. Whatever the disk holds (a directory, a pipe,
100 MB, UTF-16, a NUL byte) is a finding and never an exception.
"""

import codecs
import os
import re
import stat
from pathlib import Path

from journeyscript.diagnostics import Diagnostic, Span
from journeyscript.rules import finding

MAX_BYTES = 5_000_000

_UNWELCOME = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|\r(?!\n)"
)
_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_SAVE_AS_UTF8 = "save the file as UTF-8"


def read_text(root: Path, path: str) -> tuple[str | None, list[Diagnostic]]:
    """Return the text of the file at `path` (POSIX, relative to `root`), or `None` and why it cannot be read.

    A byte order mark is left out, so that columns count what an editor shows.
    """
    data = read_bytes(root, path)
    return (None, [data]) if isinstance(data, Diagnostic) else decode(path, data)


def read_bytes(root: Path, path: str) -> bytes | Diagnostic:
    """Return what the file at `path` (POSIX, relative to `root`) holds, or why it cannot be read."""
    here = Span(path=path)
    try:
        # Opening a pipe would wait for somebody to write into it, so the kind of file is looked at first.
        if (problem := _unreadable((root / path).stat())) is None:
            with (root / path).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "its name is not a file name"
        return finding("JS001", f"the file cannot be read: {reason.lower()}", here)
    if problem is not None:
        return finding("JS001", problem, here)
    return too_large(here) if len(data) > MAX_BYTES else data


def _unreadable(status: os.stat_result) -> str | None:
    """Return why something on the disk is no file to read, or `None`."""
    if stat.S_ISDIR(status.st_mode):
        return "this is a directory, not a file"
    return None if stat.S_ISREG(status.st_mode) else "this is not an ordinary file"


def too_large(span: Span) -> Diagnostic:
    """Return the finding for a file over the limit."""
    return finding(
        "JS012", f"the file is larger than {MAX_BYTES // 1_000_000} MB", span, help="split it into several files"
    )


def decode(path: str, data: bytes) -> tuple[str | None, list[Diagnostic]]:
    """Return bytes as text, or `None` and the place of the first one that is not UTF-8."""
    wide = next((name for mark, name in _ENCODINGS if data.startswith(mark)), None)
    if wide is None and len(data) >= 4 and b"\0\0" in (data[0:4:2], data[1:4:2]):
        wide = "UTF-16 or UTF-32"  # Every second byte of Latin text is NUL there.
    if wide is not None:
        return None, [finding("JS001", f"the file is written in {wide}", Span(path=path), help=_SAVE_AS_UTF8)]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        span = place(path, data[: error.start].decode("utf-8").removeprefix("\ufeff"))
        return None, [finding("JS001", f"the byte 0x{data[error.start]:02X} is not UTF-8", span, help=_SAVE_AS_UTF8)]
    return text.removeprefix("\ufeff"), []


def place(path: str, before: str, *, first_line: int = 1) -> Span:
    """Return the one character that follows the text `before`."""
    line = first_line + before.count("\n")
    column = len(before) - before.rfind("\n")
    return Span(path=path, line=line, column=column, end_line=line, end_column=column + 1)


def unwelcome_character(path: str, text: str, *, first_line: int = 1) -> Diagnostic | None:
    """Return a finding for the first character that YAML forbids, or on which tools disagree whether a line ends."""
    match = _UNWELCOME.search(text)
    if match is None:
        return None
    span = place(path, text[: match.start()], first_line=first_line)
    code = ord(match.group())
    if code == 0x0D:
        message = "a carriage return stands alone, which not every tool takes for the end of a line"
        return finding("JS001", message, span, help="end lines with a line feed")
    if code in (0x85, 0x2028, 0x2029):
        message = (
            f"the invisible line separator U+{code:04X} stands here, which not every tool takes for the end of a line"
        )
        return finding("JS001", message, span, help="delete it, or write it as an escape in double quotes")
    return finding("JS001", f"the character U+{code:04X} may not stand in a file like this", span, help="delete it")
