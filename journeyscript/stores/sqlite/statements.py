"""The SQL of the store, kept in `.sql` files beside this module.

Gives `SQL`, every statement by the name that the line `-- name: …` above it gives it, and `script`, the statements of
a migration. Knows nothing of connections.
"""

import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from types import MappingProxyType

_FOLDER = files("journeyscript.stores.sqlite") / "sql"
_NAME = "-- name: "


def named(text: str) -> Iterator[tuple[str, str]]:
    """Yield the statements of a file with their names; what stands before the first name is a remark."""
    for block in f"\n{text}".split(f"\n{_NAME}")[1:]:
        name, _, statement = block.partition("\n")
        yield name.strip(), statement.strip()


def script(name: str) -> tuple[str, ...]:
    """Return the statements of one migration, in order."""
    statements: list[str] = []
    pending = ""
    for line in (_FOLDER / "migrations" / f"{name}.sql").read_text(encoding="utf-8").splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return tuple(statements)


def _load() -> MappingProxyType[str, str]:
    statements: dict[str, str] = {}
    for file in sorted(_FOLDER.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            for name, statement in named(file.read_text(encoding="utf-8")):
                assert name not in statements, f"two statements are called {name}"
                statements[name] = statement
    return MappingProxyType(statements)


SQL = _load()
