"""`journeyscript schema`: printed, listed, and written where the first line of a file finds it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from journeyscript.cli.schema import schema_command
from journeyscript.syntax.validating import SCHEMA_KINDS, schema


@pytest.mark.parametrize("kind", SCHEMA_KINDS)
def test_a_kind_is_printed_as_the_compiler_uses_it(kind):
    ran = CliRunner().invoke(schema_command, [kind])
    assert (ran.exit_code, json.loads(ran.stdout)) == (0, schema(kind))


def test_without_a_kind_the_kinds_are_named():
    assert CliRunner().invoke(schema_command).stdout.split() == list(SCHEMA_KINDS)


def test_an_unknown_kind_cannot_be_answered():
    ran = CliRunner().invoke(schema_command, ["jurney"])
    assert ran.exit_code == 2
    assert "there is no kind of file `jurney`" in ran.stderr


def test_all_are_written_beside_the_store_or_where_it_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(schema_command, ["--write"]).exit_code == 0
    assert CliRunner().invoke(schema_command, ["--write", "here"]).exit_code == 0
    for folder in (Path(".journeyscript"), Path("here")):
        assert sorted(path.name for path in folder.iterdir()) == sorted(f"{kind}.schema.json" for kind in SCHEMA_KINDS)


def test_a_folder_that_cannot_be_written_is_said_to_be(tmp_path):
    (tmp_path / "file").write_text("")
    ran = CliRunner().invoke(schema_command, ["--write", str(tmp_path / "file")])
    assert ran.exit_code == 2
    assert "is a file" in ran.stderr
