"""Files in `.journeyscript/cache`: what was found out before, under the hash of everything that it depends on.

Takes and gives bytes by name and key. Whatever is damaged, cannot be written or belongs to another key is as good as
not there; the folder can be thrown away at any time. Knows nothing of what the bytes say.
"""

import contextlib
import os
import tempfile
from hashlib import blake2b
from pathlib import Path

FOLDER = ".journeyscript/cache"


def recalled(root: Path, key: str, suffix: str) -> bytes | None:
    """Return what is kept under a key, or `None` where it is not there or damaged."""
    path = root / FOLDER / f"{key}.{suffix}"
    try:
        proof, _, payload = path.read_bytes().partition(b"\n")
        if proof != _proof(key, payload):
            return None
        os.utime(path)  # What was asked for last is thrown away last.
    except OSError:
        return None
    return payload


def remember(root: Path, key: str, suffix: str, payload: bytes, *, most: int) -> None:
    """Keep bytes under a key, whole or not at all, and of its suffix so many; the oldest are thrown away."""
    folder = root / FOLDER
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / ".gitignore").exists():
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".new", delete=False) as file:
            file.write(_proof(key, payload) + b"\n" + payload)
        Path(file.name).replace(folder / f"{key}.{suffix}")
        kept = sorted(folder.glob(f"*.{suffix}"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[most:]:
            path.unlink(missing_ok=True)


def add(digest: blake2b, part: bytes) -> None:
    """Add a part with its length in front, so that no two lists of parts give the same bytes."""
    digest.update(len(part).to_bytes(8, "big"))
    digest.update(part)


def _proof(key: str, payload: bytes) -> bytes:
    """Return what shows that a payload belongs to a key and is as it was written."""
    return blake2b(payload, digest_size=20, key=key.encode()).hexdigest().encode()
