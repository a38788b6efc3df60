"""Links lead somewhere, paths exist, and what is listed is what there is."""

import re
import sqlite3
import tomllib

import click
import pytest

from journeyscript import __version__
from journeyscript.cli.main import COMMANDS, cli
from journeyscript.stores.sqlite import open_sqlite

DOCUMENTS = [
    "README.md",
    "CHANGELOG.md",
    "docs/index.md",
    "docs/architecture.md",
    "docs/semantics.md",
    "docs/commands.md",
    "docs/operations.md",
]

_PATH = re.compile(
    r"`((?:journeyscript|tests|docs|benchmarks|samples|journeys|channels|catalog)/[\w./-]*|[\w-]+\.toml)`"
)


def anchors(text):
    """Return the names by which the headings of a document can be linked to."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS)
def test_every_link_within_the_repository_leads_somewhere(document, root, path):
    text = document(path).text
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        linked = (root / path).parent / file if file else root / path
        assert linked.exists(), f"{path} links to {target}"
        assert not anchor or anchor in anchors(linked.read_text()), f"{path} links to {target}"


@pytest.mark.parametrize("path", ["docs/architecture.md", "docs/index.md", "README.md"])
def test_every_file_and_folder_that_is_named_exists(document, root, path):
    missing = [name for name in _PATH.findall(document(path).text) if not (root / name).exists()]
    assert missing == []


def test_every_document_can_be_reached_from_the_index(document, root):
    linked = re.findall(r"\]\(([^)]+)\)", document("docs/index.md").text)
    assert sorted(path.name for path in (root / "docs").glob("*.md")) == sorted(
        [name for name in linked if "/" not in name] + ["index.md"]
    )


def test_the_layers_are_those_that_imports_are_held_to(document, root):
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers, rooms = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    architecture = document("docs/architecture.md")
    architecture.shows("layers", "".join(f"{layer}\n" for layer in layers))
    table = architecture.text.partition("| layer |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert named == [name for layer in layers for name in layer.split(" | ")]
    table = architecture.text.partition("| room |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", table, re.MULTILINE) == [
        ", ".join(f"`{room}`" for room in level.split(" | ")) for level in rooms
    ]


def test_the_tables_are_those_of_a_new_store(document, tmp_path):
    open_sqlite(tmp_path / "store.db").close()
    connection = sqlite3.connect(tmp_path / "store.db")
    names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid").fetchall()
    tables = {name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")] for (name,) in names}
    connection.close()
    ours = {name: columns for name, columns in tables.items() if not name.startswith(("sqlite_", "_"))}
    architecture = document("docs/architecture.md")
    width = max(map(len, ours))
    architecture.shows("tables", "".join(f"{name:<{width}}  {', '.join(columns)}\n" for name, columns in ours.items()))
    table = architecture.text.partition("| table |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(ours)


def test_every_value_that_is_named_is_where_it_is_said_to_be(document, root):
    table = document("docs/architecture.md").text.partition("| value |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`[^|]+`) \| `([^`]+)` \|", table, re.MULTILINE)
    assert len(rows) == 9
    for names, path in rows:
        text = (root / path).read_text()
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"^(class {name}\b|{name}: TypeAlias)", text, re.MULTILINE), f"{path} has no {name}"


def with_those_inside(commands):
    """Yield each command, and behind it those that it has inside."""
    for name in commands:
        yield name
        command = cli.get_command(click.Context(cli), name)
        yield from (f"{name} {inner}" for inner in getattr(command, "commands", ()))


def test_the_help_of_every_command_is_what_it_prints(document, say):
    parts = [
        "# Commands\n\n",
        "What each command says of itself. A test writes this page: `UPDATE_DOCS=1 python -m pytest tests/docs`.\n",
    ]
    for command in ["", *with_those_inside(COMMANDS)]:
        line = f"journeyscript {command}".strip()
        parts.append(f"\n## {line}\n\n```text\n{say(f'{line} --help' if command else '--help')}```\n")
    document("docs/commands.md").equals("".join(parts))


def test_the_changelog_tells_of_every_command_and_of_the_version_to_come(document):
    text = document("CHANGELOG.md").text
    assert all(f"`{command}`" in text for command in COMMANDS)
    assert f"becomes {__version__}" in text or f"## [{__version__}]" in text


def test_the_licence_is_the_one_that_the_readme_names(document, root):
    assert "[Apache-2.0](LICENSE)" in document("README.md").text
    assert "Apache License" in (root / "LICENSE").read_text()
    assert tomllib.loads((root / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"
