"""Documents whose blocks are what the program really prints. `UPDATE_DOCS=1 pytest -n0 tests/docs` writes them anew."""

import os
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from journeyscript.cli.main import cli

ROOT = Path(__file__).parents[2]
UPDATE = os.environ.get("UPDATE_DOCS") == "1"

_SHOWN = re.compile(r"(<!-- shown: (?P<name>[a-z ]+) -->\n```\w+\n)(?P<text>.*?)(?=^```$)", re.DOTALL | re.MULTILINE)


class Document:
    """A Markdown file with blocks that a comment names: `<!-- shown: NAME -->` in front of the fence."""

    def __init__(self, path):
        self.path = path

    @property
    def text(self):
        return self.path.read_text(encoding="utf-8")

    def blocks(self):
        """Return the named blocks: text by name."""
        return {found["name"]: found["text"] for found in _SHOWN.finditer(self.text)}

    def shows(self, name, real):
        """Assert that a block is this text; when documents are updated, make it so."""
        if UPDATE:
            replaced = _SHOWN.sub(
                lambda found: found[1] + (real if found["name"] == name else found["text"]), self.text
            )
            self.path.write_text(replaced, encoding="utf-8")
        assert self.blocks()[name] == real

    def equals(self, real):
        """Assert that the whole document is this text; when documents are updated, make it so."""
        if UPDATE:
            self.path.write_text(real, encoding="utf-8")
        assert self.text == real


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def document():
    """Return a function that opens a document of the repository."""
    return lambda path: Document(ROOT / path)


@pytest.fixture
def say(monkeypatch):
    """Return a function that runs a command in a folder, expects an exit code, and gives what was printed."""

    def run(line, *, folder=None, code=0):
        if folder is not None:
            monkeypatch.chdir(folder)
        words = line.removeprefix("journeyscript ").split()
        answer = CliRunner().invoke(cli, words, prog_name="journeyscript")
        assert answer.exit_code == code, answer.output
        # What stands in a document has no blanks at the ends of lines.
        return "".join(f"{part.rstrip()}\n" for part in answer.output.splitlines())

    return run


@pytest.fixture(scope="session")
def repository(tmp_path_factory):
    """Return a copy of the repository as a project, so that nothing is written into it."""
    copy = tmp_path_factory.mktemp("clone")
    for folder in ("catalog", "channels", "journeys", "samples", "simulations"):
        shutil.copytree(ROOT / folder, copy / folder)
    shutil.copy(ROOT / "journeyscript.yaml", copy)
    return copy
