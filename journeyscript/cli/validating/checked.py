"""The findings of a project, from the cache where nothing that goes into them has changed.

The key is a hash over everything that a finding can depend on: each file's path and bytes, this package's own files,
the versions of its libraries, and the day. A cache that is damaged or cannot be written is passed over in silence.
"""

import contextlib
import gc
import importlib.metadata
import os
import platform
import stat
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

import click
import msgspec
from msgspec import Struct

import journeyscript
from journeyscript.cli.shared import NO_CACHE, CannotAnswer, find_root
from journeyscript.diagnostics import Diagnostic
from journeyscript.source.project import ProjectFiles, list_project
from journeyscript.source.text import MAX_BYTES

FOLDER = ".journeyscript/cache"
KEPT = 20
"""As many answers are kept, so that going back to another branch is as quick as staying."""

_LIBRARIES = ("jsonschema", "lark", "msgspec", "python-liquid", "pyyaml", "tzdata", "whenever")


class Checked(Struct, frozen=True, kw_only=True):
    """A project's files, and all findings in reading order."""

    files: ProjectFiles
    diagnostics: tuple[Diagnostic, ...]


def load_checked(folder: Path | None) -> Checked:
    """Return the findings of the project in or above a folder; end the command where there is none to read.

    Within a command that has the `no_cache_option`, the cache is left alone where that is asked for.
    """
    root = find_root(folder)
    context = click.get_current_context(silent=True)
    # What is compiled stays until the command ends; the collector would only walk over it again and again.
    gc.set_threshold(200_000, 50, 100)
    try:
        return check_project(root, cache=context is None or not context.meta.get(NO_CACHE))
    except OSError as problem:
        raise CannotAnswer(f"`{root}` cannot be read: {problem.strerror}") from None


def check_project(root: Path, *, cache: bool = True) -> Checked:
    """Return what `compile_project` finds in a folder, at once where it has been found before.

    Raises:
        OSError: the folder is there and cannot be read.
    """
    key = _key(root) if cache else None
    if key is not None and (known := _recalled(root, key)) is not None:
        return Checked(files=list_project(root), diagnostics=known)
    from journeyscript.compiler import compile_project

    project = compile_project(root)
    # Somebody may have saved a file in the meantime: then it is not known which state the findings are of.
    if key is not None and key == _key(root):
        with contextlib.suppress(OSError, ValueError):  # A name that is not text cannot be written as JSON.
            _remember(root, key, project.diagnostics)
    return Checked(files=project.files, diagnostics=project.diagnostics)


def _key(root: Path) -> str | None:
    """Return the hash of everything that the findings depend on, `None` where a file is not an ordinary one."""
    digest = blake2b(digest_size=20)
    for part in _surroundings():
        _add(digest, part)
    _add(digest, os.fsencode(root.name))
    try:
        for path in list_project(root).every:
            _add(digest, os.fsencode(path))
            _add(digest, _content(root / path))
    except (OSError, ValueError):
        return None
    return digest.hexdigest()


def _add(digest: blake2b, part: bytes) -> None:
    """Add a part with its length in front, so that no two lists of parts give the same bytes."""
    digest.update(len(part).to_bytes(8, "big"))
    digest.update(part)


def _content(path: Path) -> bytes:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
        raise ValueError("what is no ordinary file is looked at anew each time")
    return path.read_bytes()


def _surroundings() -> Iterator[bytes]:
    """Yield what findings depend on beside the project: this package, its libraries, and the day."""
    yield f"{sys.version} {platform.platform()} {datetime.now(UTC).date()}".encode()
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
    path = root / FOLDER / f"{key}.json"
    try:
        proof, _, payload = path.read_bytes().partition(b"\n")
        if proof != _proof(key, payload):
            return None
        known = msgspec.json.decode(payload, type=tuple[Diagnostic, ...])
        os.utime(path)  # What was asked for last is thrown away last.
    except (OSError, msgspec.MsgspecError):
        return None
    return known


def _remember(root: Path, key: str, diagnostics: tuple[Diagnostic, ...]) -> None:
    """Keep findings under a key, whole or not at all, and throw away the oldest.

    Raises:
        OSError: the cache cannot be written.
        ValueError: a finding holds text that cannot be written.
    """
    payload = msgspec.json.encode(diagnostics)
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".new", delete=False) as file:
        file.write(_proof(key, payload) + b"\n" + payload)
    Path(file.name).replace(folder / f"{key}.json")
    kept = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in kept[KEPT:]:
        path.unlink(missing_ok=True)


def _proof(key: str, payload: bytes) -> bytes:
    """Return what shows that a payload belongs to a key and is as it was written."""
    return blake2b(payload, digest_size=20, key=key.encode()).hexdigest().encode()
