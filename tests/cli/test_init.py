import json
import os
import subprocess
import sys
from importlib.resources import files

import msgspec
import pytest
from click.testing import CliRunner

from journeyscript.cli.init import plain_name, scaffold
from journeyscript.cli.main import cli
from journeyscript.compiler import compile_project


def journeyscript(*arguments):
    """Run a command in this process."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def content_of(folder):
    """Return every file below a folder: bytes by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


# What it writes ----------------------------------------------------------------------------------------------------


def test_a_new_project_goes_through_every_command_it_is_told_to_try(tmp_path):
    def say(*command, folder):
        asked = [sys.executable, "-m", "journeyscript", *command]
        return subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=True, timeout=100).stdout

    told = say("init", "shop", folder=tmp_path)
    shop = tmp_path / "shop"
    commands = [line.strip().split("   ")[0] for line in told.partition("Next:\n")[2].splitlines()]
    assert commands[0] == "cd shop"
    answers = {command: say(*command.split(" ")[1:], folder=shop) for command in commands[1:]}
    assert answers["journeyscript validate"] == "1 journey, 12 files, no findings\n"
    assert "4 passed, 0 failed" in answers["journeyscript test"]
    assert answers["journeyscript graph welcome"].startswith("flowchart TD\n")
    replayed = answers["journeyscript run --events samples/events.jsonl"]
    assert replayed.startswith("--- sms: reminder to +15550100")
    assert "Replayed 9 records of 5 customers" in replayed
    assert "c1 in welcome" in say("explain", "c1", folder=shop)
    letters = list((shop / ".journeyscript" / "replay.messages").rglob("*.eml"))
    assert len(letters) == 6


@pytest.mark.parametrize("name", ["shop", "no", "the shop: north", "10:30", "鞋店"])
def test_a_new_project_is_in_the_form_that_fmt_gives(tmp_path, name):
    journeyscript("init", "--name", name, tmp_path)
    assert journeyscript("fmt", "--check", "-C", tmp_path).exit_code == 0
    assert compile_project(tmp_path).config.name == name


def test_everyone_in_the_sample_is_accounted_for(tmp_path, monkeypatch):
    journeyscript("init", tmp_path)
    monkeypatch.chdir(tmp_path)
    journeyscript("run", "--events", "samples/events.jsonl")
    (welcome,) = json.loads(journeyscript("status", "--output-format", "json").stdout)["journeys"]
    assert welcome["entered"] == 5
    assert (welcome["completed"], welcome["exited"], welcome["active"], welcome["failed"]) == (3, 2, 0, 0)


def test_a_new_project_has_no_finding_of_any_weight(tmp_path):
    journeyscript("init", tmp_path)
    assert compile_project(tmp_path).diagnostics == ()


def test_the_readme_of_a_new_project_names_only_commands_and_folders_that_are_there(tmp_path):
    journeyscript("init", tmp_path)
    quoted = (tmp_path / "README.md").read_text().split("`")[1::2]
    commands = [text.split(" ")[1] for text in quoted if text.startswith("journeyscript ")]
    assert len(commands) == 6
    assert all(command in cli.list_commands(None) for command in commands)
    folders = [text for text in quoted if text.endswith("/") and not text.startswith(".")]
    assert len(folders) == 4
    assert all((tmp_path / folder).is_dir() for folder in folders)


def test_all_that_is_shipped_to_be_written_is_written(tmp_path):
    journeyscript("init", tmp_path)
    shipped = [path for path in (files("journeyscript.cli") / "scaffold").rglob("*") if path.is_file()]
    assert len(content_of(tmp_path)) == len(shipped) == len(scaffold("shop"))


def test_what_a_run_leaves_behind_is_kept_out_of_git(tmp_path):
    journeyscript("init", tmp_path)
    assert ".journeyscript/" in (tmp_path / ".gitignore").read_text().splitlines()


def test_every_file_it_wrote_is_told_in_the_order_to_read_them(tmp_path):
    told = journeyscript("init", tmp_path / "shop").stdout
    listed = [line.strip() for line in told.partition("Next:")[0].splitlines()[1:]]
    assert sorted(listed) == sorted(content_of(tmp_path / "shop"))
    assert listed[:2] == ["README.md", "journeyscript.yaml"]


# Where ------------------------------------------------------------------------------------------------------------


def test_without_a_folder_the_project_starts_here(tmp_path, monkeypatch):
    here = tmp_path / "corner"
    here.mkdir()
    monkeypatch.chdir(here)
    answer = journeyscript("init")
    assert answer.exit_code == 0
    assert "cd " not in answer.stdout
    assert compile_project(here).config.name == "corner"


def test_folders_on_the_way_are_made(tmp_path):
    assert journeyscript("init", tmp_path / "a" / "b").exit_code == 0
    assert compile_project(tmp_path / "a" / "b").sound


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "journeys").mkdir()
    (tmp_path / "journeys" / "notes.txt").write_text("mine")
    assert journeyscript("init", tmp_path).exit_code == 0
    assert (tmp_path / "journeys" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("there", ["journeyscript.yaml", "README.md", ".gitignore", "channels/email/welcome.md"])
def test_a_file_in_the_way_is_named_and_nothing_is_written(tmp_path, there):
    (tmp_path / there).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / there).write_text("mine")
    answer = journeyscript("init", tmp_path)
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"error: `{there}` is there already, and nothing was written\n")
    assert content_of(tmp_path) == {there: b"mine"}


def test_a_second_init_changes_nothing(tmp_path):
    journeyscript("init", tmp_path)
    before = content_of(tmp_path)
    answer = journeyscript("init", tmp_path, "--name", "other")
    assert answer.exit_code == 2
    assert "and 10 more are there already" in answer.stderr
    assert content_of(tmp_path) == before


def test_a_file_where_a_folder_is_needed_is_in_the_way(tmp_path):
    (tmp_path / "channels").write_text("mine")
    answer = journeyscript("init", tmp_path)
    assert answer.exit_code == 2
    assert "`channels` is there already" in answer.stderr
    assert content_of(tmp_path) == {"channels": b"mine"}


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path):
    (tmp_path / "README.md").symlink_to(tmp_path / "elsewhere.md")
    assert journeyscript("init", tmp_path).exit_code == 2
    assert not (tmp_path / "elsewhere.md").exists()


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "shop").write_text("mine")
    assert journeyscript("init", tmp_path / "shop").exit_code == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path):
    tmp_path.chmod(0o500)
    answer = journeyscript("init", tmp_path)
    tmp_path.chmod(0o700)
    assert answer.exit_code == 2
    assert "cannot be written" in answer.stderr
    assert content_of(tmp_path) == {}


def test_what_was_written_before_an_error_is_taken_away_again(tmp_path, monkeypatch):
    opened = type(tmp_path).open

    def full_disk(path, mode="r", **options):
        if mode == "x" and path.name == "welcome.yaml":
            raise OSError(28, "No space left on device", str(path))
        return opened(path, mode, **options)

    monkeypatch.setattr(type(tmp_path), "open", full_disk)
    answer = journeyscript("init", tmp_path / "shop")
    assert answer.exit_code == 2
    assert "No space left on device" in answer.stderr
    assert content_of(tmp_path) == {}


# Its name ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "shop",
        "Bücher & Mehr",
        'the "best" shop',
        "it's: #1 {ok} [x]",
        "no",
        "1.0",
        "日本",
        "\\n",
        "${HOME}",
        "{{title}}",
        "*a*",
    ],
)
def test_whatever_a_project_is_called_its_files_say_so(tmp_path, name):
    assert journeyscript("init", tmp_path, "--name", name).exit_code == 0
    project = compile_project(tmp_path)
    assert project.diagnostics == ()
    assert project.config.name == name


def test_a_folder_of_a_strange_name_gives_the_project_its_name(tmp_path):
    folder = tmp_path / 'a: "b" #c'
    told = journeyscript("init", folder)
    assert compile_project(folder).config.name == 'a: "b" #c'
    assert f"cd '{folder}'" in told.stdout


def test_a_name_in_the_readme_steers_no_markdown():
    assert scaffold("# *Shop* <b>")["README.md"].startswith("# \\# \\*Shop\\* \\<b\\>\n")


@pytest.mark.parametrize(
    ("written", "name"),
    [("a\nb", "a b"), ("  a  b ", "a b"), ("a\x1b[31mb", "a [31mb"), ("a\udcffb", "a b"), ("\n", "")],
)
def test_a_name_is_one_line_that_can_be_shown(written, name):
    assert plain_name(written) == name


@pytest.mark.parametrize("name", ["", "  ", "\t"])
def test_a_project_without_a_name_is_refused(tmp_path, name):
    answer = journeyscript("init", tmp_path / "shop", "--name", name)
    assert answer.exit_code == 2
    assert "the project has no name" in answer.stderr
    assert not (tmp_path / "shop").exists()


def test_the_sample_events_are_records_that_are_taken_in(tmp_path):
    lines = scaffold("shop")["samples/events.jsonl"].splitlines()
    records = [msgspec.json.decode(line) for line in lines]
    assert [record["id"] for record in records] == [f"e{number}" for number in range(1, len(lines) + 1)]
    assert all("time" in record for record in records)
