"""`journeyscript init`: a small project that works, to start from.

Copies the files in `scaffold/` beside this module, with the project's name filled in. Writes all of them or none, and
never over a file that is there.
"""

import json
import os
import re
import shlex
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from journeyscript.cli.shared import CONTEXT, cannot

_RENAMED = {"gitignore": ".gitignore"}
"""Files that lie in the scaffold under another name, so that they mean nothing where they lie."""

_FIRST = ("README.md", "journeyscript.yaml")

_SHOWN = 5
"""Files in the way that are named; the others are counted."""

_NEXT = (
    ("journeyscript validate", "check every file"),
    ("journeyscript test", "try the journey on invented customers"),
    ("journeyscript graph welcome", "see it as a picture"),
    ("journeyscript run --events samples/events.jsonl", "replay a few recorded events"),
)


@click.command("init", context_settings=CONTEXT)
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", help="What the project is called; by default, as its folder is.")
def init_command(folder: Path, name: str | None) -> None:
    """Start a project in FOLDER: a journey with its tests, two channels, and a few events to try it on.

    FOLDER is made where it does not exist; without FOLDER, the project starts here. Nothing is ever overwritten: where
    a file is in the way, no file is written.

    \b
    journeyscript init shop
    journeyscript init --name "Example Shop"
    """
    called = plain_name(folder.resolve().name if name is None else name)
    if not called:
        cannot("the project has no name", "give it one with `--name`")
    texts = scaffold(called)
    in_the_way = _in_the_way(folder, texts)
    if in_the_way:
        listed = ", ".join(f"`{path}`" for path in in_the_way[:_SHOWN])
        more = f" and {len(in_the_way) - _SHOWN} more" if len(in_the_way) > _SHOWN else ""
        verb = "is" if len(in_the_way) == 1 else "are"
        cannot(
            f"{listed}{more} {verb} there already, and nothing was written",
            "name another folder, or move what is in the way",
        )
    _write(folder, texts)
    _tell(folder, texts)


def scaffold(name: str) -> dict[str, str]:
    """Return the files of a new project of that name: text by path, in the order in which people read them."""
    from journeyscript.syntax.formatter import format_text

    texts = dict(_files(files("journeyscript.cli").joinpath("scaffold"), ""))
    quoted = texts["journeyscript.yaml"].replace('"{{name}}"', json.dumps(name, ensure_ascii=False))
    # The formatter knows which names can do without their quotes.
    texts["journeyscript.yaml"] = format_text("project", "journeyscript.yaml", quoted).text or quoted
    texts["README.md"] = texts["README.md"].replace("{{title}}", re.sub(r"([\\`*_{}\[\]<>#|&~])", r"\\\1", name))
    return {path: texts[path] for path in sorted(texts, key=lambda path: (path not in _FIRST, path))}


def plain_name(written: str) -> str:
    """Return a name on one line, without anything that cannot be shown."""
    shown = "".join(character if character.isprintable() else " " for character in written)
    return " ".join(shown.split())


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + _RENAMED.get(entry.name, entry.name), entry.read_text(encoding="utf-8")


def _in_the_way(folder: Path, texts: dict[str, str]) -> list[str]:
    """Return what is there already: files of the same name, and anything that is no folder where one is needed."""
    found = [path for path in texts if os.path.lexists(folder / path)]
    needed = sorted({parent.as_posix() for path in texts for parent in Path(path).parents} - {"."})
    return [path for path in needed if os.path.lexists(folder / path) and not (folder / path).is_dir()] + found


def _write(folder: Path, texts: dict[str, str]) -> None:
    """Write every file; where one cannot be written, take the others away again and end the command."""
    written: list[Path] = []
    try:
        for path, text in texts.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8", newline="\n") as opened:
                written.append(file)
                opened.write(text)
    except OSError as problem:
        for file in written:
            file.unlink(missing_ok=True)
        cannot(f"`{problem.filename or folder}` cannot be written: {problem.strerror}", "no file was kept")


def _tell(folder: Path, texts: dict[str, str]) -> None:
    click.echo(f"Wrote {len(texts)} files to {folder}:")
    for path in texts:
        click.echo(f"  {path}")
    click.echo("Next:")
    if folder.resolve() != Path.cwd():
        click.echo(f"  cd {shlex.quote(str(folder))}")
    width = max(len(command) for command, _ in _NEXT)
    for command, what in _NEXT:
        click.echo(f"  {command:<{width}}   {what}")
