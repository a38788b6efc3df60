"""Where a project is, and which files belong to it.

Takes folders and gives paths, relative to the project and in POSIX form, sorted, so that everything that follows is the
same on every machine. Reads no file. Hidden files and what editors leave behind are passed over.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

PROJECT_FILES = ("journeyscript.yaml", "journeyscript.yml")

_YAML = (".yaml", ".yml")
_TESTS = (".test.yaml", ".test.yml")
_CONTENT = (".md", ".txt")
_LEFTOVERS = ("~", ".swp", ".swo", ".bak", ".orig", ".rej", ".tmp")


class ProjectFiles(Struct, frozen=True, kw_only=True):
    """A project's files. `channels` are the `channel.yaml` of each channel, `messages` the files beside them.

    `config`, `customer`, `events` and `segments` are `None` where the project does not have them.
    """

    root: Path
    config: str | None
    journeys: tuple[str, ...]
    tests: tuple[str, ...]
    customer: str | None
    events: str | None
    segments: str | None
    channels: tuple[str, ...]
    messages: tuple[str, ...]
    simulations: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[str, ...]:
        """The paths of all files."""
        single = (self.config, self.customer, self.events, self.segments)
        several = (*self.journeys, *self.tests, *self.channels, *self.messages, *self.simulations)
        return (*(path for path in single if path), *several)


def find_project(start: Path) -> Path | None:
    """Return the nearest folder at or above `start` that holds a project file, as an absolute path, or `None`."""
    place = start.resolve()
    for folder in (place, *place.parents):
        if any((folder / name).is_file() for name in PROJECT_FILES):
            return folder
    return None


def list_project(root: Path) -> ProjectFiles:
    """Return the files of the project in the folder `root`; folders that do not exist hold nothing.

    Raises:
        OSError: a folder is there and cannot be read.
    """
    journeys = [path for path in _walk(root, "journeys") if path.endswith(_YAML)]
    channels, messages = _channels(root)
    return ProjectFiles(
        root=root,
        config=_first(root, PROJECT_FILES),
        journeys=tuple(sorted(path for path in journeys if not path.endswith(_TESTS))),
        tests=tuple(sorted(path for path in journeys if path.endswith(_TESTS))),
        customer=_catalog(root, "customer"),
        events=_catalog(root, "events"),
        segments=_catalog(root, "segments"),
        channels=tuple(sorted(channels)),
        messages=tuple(sorted(messages)),
        simulations=tuple(sorted(path for path in _walk(root, "simulations") if path.endswith(_YAML))),
    )


def _channels(root: Path) -> tuple[list[str], list[str]]:
    """Return the channel files and the message files."""
    channels: list[str] = []
    messages: list[str] = []
    for folder in _entries(root, "channels"):
        if not _is_folder(folder):
            continue
        # What is named like a file is given as one, so that somebody looks at it and says what it is.
        files = [
            entry.name
            for entry in _entries(root, f"channels/{folder.name}")
            if entry.name.endswith((*_YAML, *_CONTENT)) or not _is_folder(entry)
        ]
        # Of two spellings one is the channel; the other is no message either.
        channel = next((f"channel{suffix}" for suffix in _YAML if f"channel{suffix}" in files), None)
        if channel is not None:
            channels.append(f"channels/{folder.name}/{channel}")
        known = {f"channel{suffix}" for suffix in _YAML}
        messages.extend(f"channels/{folder.name}/{name}" for name in files if name not in known)
    return channels, messages


def _catalog(root: Path, name: str) -> str | None:
    return _first(root, tuple(f"catalog/{name}{suffix}" for suffix in _YAML))


def _first(root: Path, candidates: tuple[str, ...]) -> str | None:
    """Return the first of the paths at which there is anything: what is wrong with it is for the reader to say."""
    return next((path for path in candidates if os.path.lexists(root / path)), None)


def _walk(root: Path, folder: str) -> Iterator[str]:
    """Yield the paths of everything under a folder but its plain subfolders, without following links.

    A folder that is named like a YAML file is given as if it were one, so that somebody looks at it and says so.
    """
    for entry in _entries(root, folder):
        path = f"{folder}/{entry.name}"
        if entry.is_dir(follow_symlinks=False) and not entry.name.endswith(_YAML):
            yield from _walk(root, path)
        else:
            yield path


def _entries(root: Path, folder: str) -> list[os.DirEntry[str]]:
    """Return what a folder holds, by name, without hidden files and leftovers; nothing where there is no folder."""
    try:
        with os.scandir(root / folder) as entries:
            return sorted((entry for entry in entries if _counts(entry.name)), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder, or leads to one; a link that leads nowhere does not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _counts(name: str) -> bool:
    """Return whether a file of that name is meant to be part of the project."""
    return not (name.startswith(".") or name.endswith(_LEFTOVERS) or (name.startswith("#") and name.endswith("#")))
