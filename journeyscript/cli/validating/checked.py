"""The findings of a project, from the cache where nothing that goes into them has changed.

The key is a hash over everything that a finding can depend on: each file's path and bytes, this package's own files,
the versions of its libraries, and the day. Where only some journeys changed, `parts` knows the others.
"""

import contextlib
import gc
import importlib.metadata
import os
import platform
import sys
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from hashlib import blake2b
from pathlib import Path

import click
import msgspec
from msgspec import Struct

import journeyscript
from journeyscript.cli.shared import NO_CACHE, CannotAnswer, find_root, today
from journeyscript.cli.validating.kept import add, recalled, remember
from journeyscript.diagnostics import Diagnostic
from journeyscript.source.project import ProjectFiles, list_project
from journeyscript.source.snapshot import Snapshot

SUFFIX = "json"
KEPT = 20
"""As many answers are kept, so that going back to another branch is as quick as staying."""

_LIBRARIES = ("jsonschema", "lark", "msgspec", "python-liquid", "pyyaml", "tzdata", "whenever")


class Checked(Struct, frozen=True, kw_only=True):
    """A project's files, and all findings in reading order."""

    files: ProjectFiles
    diagnostics: tuple[Diagnostic, ...]


def load_checked(folder: Path | None, asked: Collection[str] = ()) -> Checked:
    """Return the findings of the project in or above a folder; end the command where there is none to read.

    `asked` are codes of rules that are shown even where they are off. Within a command that has the `no_cache_option`,
    the cache is left alone where that is asked for.
    """
    root = find_root(folder)
    context = click.get_current_context(silent=True)
    # What is compiled stays until the command ends; the collector would only walk over it again and again.
    gc.set_threshold(200_000, 50, 100)
    try:
        return check_project(root, asked, cache=context is None or not context.meta.get(NO_CACHE))
    except OSError as problem:
        raise CannotAnswer(f"`{root}` cannot be read: {problem.strerror}") from None


def check_project(root: Path, asked: Collection[str] = (), *, cache: bool = True) -> Checked:
    """Return what `compile_project` finds in a folder, at once where it has been found before.

    Raises:
        OSError: the folder is there and cannot be read.
    """
    files, snapshot, day = list_project(root), Snapshot(root), today()
    keys = _keys(files, snapshot, day, asked) if cache else None
    if keys is not None and (known := _recalled(root, keys[1])) is not None:
        return Checked(files=files, diagnostics=known)
    from journeyscript.cli.validating.parts import KeptParts
    from journeyscript.compiler import Afresh, check_files

    if keys is None:
        return Checked(files=files, diagnostics=check_files(files, snapshot, Afresh(), day, asked))
    surroundings, key = keys
    parts = KeptParts(snapshot, surroundings)
    diagnostics = check_files(files, snapshot, parts, day, asked)
    parts.write()
    with contextlib.suppress(ValueError):  # A name that is not text cannot be written as JSON.
        remember(root, key, SUFFIX, msgspec.json.encode(diagnostics), most=KEPT)
    return Checked(files=files, diagnostics=diagnostics)


def _keys(files: ProjectFiles, snapshot: Snapshot, day: date, asked: Collection[str] = ()) -> tuple[str, str] | None:
    """Return the hash of what every journey depends on, and that of all findings; `None` where a file is unreadable."""
    digest = blake2b(digest_size=20)
    for part in (*_surroundings(day), os.fsencode(files.root.name)):
        add(digest, part)
    single = {*files.journeys, *files.tests}
    if not _add_files(digest, snapshot, (path for path in files.every if path not in single)):
        return None
    surroundings = digest.hexdigest()
    if not _add_files(digest, snapshot, (*files.journeys, *files.tests)):
        return None
    for code in sorted(asked):
        add(digest, code.encode())
    return surroundings, digest.hexdigest()


def _add_files(digest: blake2b, snapshot: Snapshot, paths: Iterable[str]) -> bool:
    """Add paths and what their files hold; return whether all of them could be read."""
    for path in paths:
        if (data := snapshot.digest(path)) is None:
            return False
        add(digest, os.fsencode(path))
        add(digest, data)
    return True


def _surroundings(day: date) -> Iterator[bytes]:
    """Yield what findings depend on beside the project: this package, its libraries, and the day."""
    yield f"{sys.version} {platform.platform()} {day}".encode()
    for name in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            yield f"{name} {importlib.metadata.version(name)}".encode()
    package = Path(journeyscript.__file__).parent
    for path in sorted(package.rglob("*")):
        if path.suffix in {".py", ".json", ".lark"}:
            yield path.relative_to(package).as_posix().encode()
            yield path.read_bytes()


def _recalled(root: Path, key: str) -> tuple[Diagnostic, ...] | None:
    """Return the findings that are kept under a key, `None` where there are none or they are damaged."""
    payload = recalled(root, key, SUFFIX)
    try:
        return None if payload is None else msgspec.json.decode(payload, type=tuple[Diagnostic, ...])
    except msgspec.MsgspecError:
        return None
