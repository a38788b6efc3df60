"""`validate`: what is chosen, what is settled, and how it ends in every format."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from journeyscript.cli.showing.findings.diagnostics import OUTPUT_FORMATS
from journeyscript.cli.validating.fixing import apply_fixes
from journeyscript.diagnostics import Fix, Span
from journeyscript.rules import RULES, finding
from tests.projects import lay_out

RIGHT = "journey: a\nentry: { event: signed_up, again: never }\nsteps: [{ send: welcome }]\n"
WARNS = """\
journey: a
entry: { event: signed_up, again: never }
steps:
  - branch:
      - if: 1 < 2
        steps: [{ send: reminder }]
      - else: []
"""
WRONG = WARNS.replace("1 < 2", "customer.age > 2").replace("reminder", "remindr")
COERCED = """\
journey: a
entry: { event: signed_up, again: never }
steps:
  - wait_until: { time: 10:00 } # ten
  - send: welcome
"""


class Place:
    """A project to validate: the base one with journeys of the test's own."""

    def __init__(self, root, files):
        self.root = root
        lay_out(root, files)

    def text(self, path="journeys/a.yaml"):
        return (self.root / path).read_bytes().decode()


@pytest.fixture
def project(tmp_path):
    return lambda text, **files: Place(tmp_path / "shop", {"journeys/a.yaml": text, **files})


def codes(ran):
    return [found["code"] for found in json.loads(ran.stdout)["diagnostics"]]


# Exit codes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", OUTPUT_FORMATS)
@pytest.mark.parametrize(("text", "code"), [(RIGHT, 0), (WARNS, 0), (WRONG, 1), ("a: [", 1)])
def test_an_error_ends_with_1_in_every_format_but_sarif(project, in_process, form, text, code):
    ran = in_process(project(text), "validate", "--output-format", form)
    assert ran.exit_code == (0 if form == "sarif" else code), ran.output


@pytest.mark.parametrize("form", OUTPUT_FORMATS)
def test_nothing_to_check_ends_with_3_and_wrong_use_with_2_in_every_format(project, in_process, form):
    place = project(WRONG)
    assert in_process(place, "validate", "absent.yaml", "--output-format", form).exit_code == 3
    ran = in_process(place, "validate", "--select", "JS33", "--output-format", form)
    assert (ran.exit_code, ran.stdout) == (2, "")


# What is chosen ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], ["JS304", "JS105"]),
        (["--select", "JS3"], ["JS304"]),
        (["--select", "js105,JS2"], ["JS105"]),
        (["--select", "JS1", "--select", "unguarded-optional"], ["JS304", "JS105"]),
        (["--ignore", "JS3"], ["JS105"]),
        (["--ignore", "JS3, JS1"], []),
        (["--select", "JS", "--ignore", "JS105"], ["JS304"]),
        (["--select", "JS304", "--ignore", "JS3"], ["JS304"]),
        (["--select", "JS3", "--ignore", "JS304"], []),
        (["--select", "JS9"], []),
    ],
    ids=" ".join,
)
def test_rules_are_chosen_by_the_starts_of_their_codes(project, in_process, arguments, shown):
    ran = in_process(project(WRONG), "validate", "--output-format", "json", *arguments)
    assert codes(ran) == shown
    assert ran.exit_code == (1 if shown else 0)


@pytest.mark.parametrize(
    ("settings", "select", "shown"),
    [
        ("", "JS510", [("JS510", "info")]),
        ("", "send-may-be-skipped", [("JS510", "info")]),
        ("", "JS5", []),
        ("rules: { JS510: warning }", "JS510", [("JS510", "warning")]),
        ('rules: { JS510: "off" }', "JS510", [("JS510", "info")]),
        ('rules: { JS207: "off" }', "constant-guard", [("JS207", "warning")]),
        ('rules: { JS207: "off" }', "JS2", []),
        ("per_file_ignores: { journeys/*: [JS510] }", "JS510", []),
    ],
)
def test_a_rule_that_is_off_shows_where_it_is_selected_by_its_whole_name(project, in_process, settings, select, shown):
    place = project(WARNS, **{"journeyscript.yaml": f"name: shop\n{settings}\n"})
    for _ in range(2):  # The second answer is the one that was kept.
        ran = in_process(place, "validate", "--output-format", "json", "--select", select)
        assert [(d["code"], d["severity"]) for d in json.loads(ran.stdout)["diagnostics"]] == shown
        assert ran.exit_code == 0
        assert "JS510" not in codes(in_process(place, "validate", "--output-format", "json", "--ignore", "JS510"))


def test_what_is_wrong_with_a_file_as_such_is_always_shown(project, in_process):
    ran = in_process(project("a: ["), "validate", "--output-format", "json", "--select", "JS9", "--ignore", "JS0")
    assert (codes(ran), ran.exit_code) == (["JS001"], 1)


@pytest.mark.parametrize(
    ("option", "name", "help_text"),
    [
        ("--select", "JS33", "did you mean"),
        ("--ignore", "unguarded-optinal", "did you mean `unguarded-optional`?"),
        ("--select", "zzzzzzz", "write a code like `JS304`"),
        ("--ignore", "JS207,JS2077", "did you mean `JS207`?"),
    ],
)
def test_a_rule_that_does_not_exist_ends_with_2_and_a_suggestion(project, in_process, option, name, help_text):
    ran = in_process(project(RIGHT), "validate", option, name)
    assert ran.exit_code == 2
    assert "no rule is called" in ran.stderr
    assert help_text in ran.stderr


def test_a_path_of_another_folder_is_told_as_the_repository_knows_it(project, in_process, monkeypatch):
    place = project(WRONG)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    outer = Place(place.root.parent, {})
    for form, path in [("github", "file=shop/journeys/a.yaml,"), ("concise", "\njourneys/a.yaml:")]:
        ran = in_process(outer, "validate", "-C", "shop", "--output-format", form)
        assert path in f"\n{ran.stdout}"
    monkeypatch.setenv("GITHUB_WORKSPACE", str(place.root))
    ran = in_process(outer, "validate", "-C", "shop", "--output-format", "sarif")
    assert '"uri": "journeys/a.yaml"' in ran.stdout
    assert "^" in in_process(outer, "validate", "-C", "shop", "--output-format", "markdown").stdout


# Fixes -------------------------------------------------------------------------------------------------------------


def test_a_fix_is_written_and_told_and_the_project_is_checked_again(project, in_process):
    place = project(COERCED)
    ran = in_process(place, "validate", "--fix")
    assert ran.exit_code == 0, ran.output
    assert ran.stderr == "fixed journeys/a.yaml:4: JS006 put it in quotes\n"
    assert place.text() == COERCED.replace("10:00", '"10:00"')
    again = in_process(place, "validate", "--fix")
    assert (again.exit_code, again.stderr) == (0, "")


def test_a_difference_is_shown_and_nothing_is_written(project, in_process):
    place = project(COERCED)
    ran = in_process(place, "validate", "--diff")
    assert ran.exit_code == 1
    assert ran.stdout.splitlines()[:2] == ["--- a/journeys/a.yaml", "+++ b/journeys/a.yaml"]
    assert '+  - wait_until: { time: "10:00" } # ten' in ran.stdout.splitlines()
    assert place.text() == COERCED
    assert in_process(project(RIGHT), "validate", "--diff").output == ""


def test_a_fix_that_would_change_the_meaning_is_left_to_people(project, in_process):
    number = (
        "journey: a\nentry: { event: signed_up, again: never }\nsteps:\n  - set: { visits: 010 }\n  - sned: welcome\n"
    )
    place = project(number)
    ran = in_process(place, "validate", "--fix", "--output-format", "json")
    assert (ran.exit_code, ran.stderr) == (1, "")
    assert place.text() == number


def test_everything_else_stays_byte_for_byte(project, in_process):
    text = "\ufeff" + COERCED.replace("\n", "\r\n").replace("# ten", "# zehn \u00fchr  \t")
    place = project(RIGHT)
    (place.root / "journeys/a.yaml").write_bytes(text.encode())
    assert in_process(place, "validate", "--fix").exit_code == 0
    assert place.text() == text.replace("10:00", '"10:00"')


def test_comments_of_no_use_are_taken_out_one_after_the_other(project, in_process):
    text = (
        "journey: a\n"
        "entry: { event: signed_up, again: never }\n"
        "# journeyscript: ignore[JS207]\n"
        "steps:\n"
        "  # journeyscript: ignore[JS201, JS206, JS207]\n"
        "  - branch:\n"
        "      - if: 1 < 2   # journeyscript: ignore[JS206, JS207, JS208]  it is meant\n"
        "        steps: [{ send: reminder }]\n"
        "      - else: []   # journeyscript: ignore[JS207]\n"
        "  - send: welcome # journeyscript: ignore[JS207]"
    )
    place = project(text)
    ran = in_process(place, "validate", "--fix")
    assert ran.exit_code == 0, ran.output
    assert place.text() == (
        "journey: a\n"
        "entry: { event: signed_up, again: never }\n"
        "steps:\n"
        "  - branch:\n"
        "      - if: 1 < 2   # journeyscript: ignore[JS207]  it is meant\n"
        "        steps: [{ send: reminder }]\n"
        "      - else: []\n"
        "  - send: welcome"
    )


SKIPPED = """\
journey: a
entry: { event: signed_up, again: never }
steps:
  - wait_until: { time: "02:30" }
  - send: reminder
"""


def test_the_command_knows_the_day_and_so_finds_what_depends_on_it(project, in_process):
    assert codes(in_process(project(SKIPPED), "validate", "--output-format", "json")) == ["JS403"]
    assert codes(in_process(project(SKIPPED), "validate", "--no-cache", "--output-format", "json")) == ["JS403"]


def test_a_fix_leaves_a_comment_about_what_depends_on_the_day(project, in_process):
    text = SKIPPED.replace('02:30" }', '02:30" } # journeyscript: ignore[JS403]')
    place = project(text)
    assert (in_process(place, "validate", "--fix").exit_code, place.text()) == (0, text)


def test_a_fix_keeps_to_the_chosen_files_and_rules(project, in_process):
    place = project(COERCED, **{"journeys/b.yaml": COERCED.replace("journey: a", "journey: b")})
    in_process(place, "validate", "journeys/b.yaml", "--fix")
    assert place.text() == COERCED
    assert '"10:00"' in place.text("journeys/b.yaml")


def test_of_two_fixes_that_overlap_the_first_is_applied():
    def coerced(start, end, text):
        span = Span(path="a", line=1, column=start, end_line=1, end_column=end)
        return finding("JS006", "x", span, fix=Fix(title="put it in quotes", span=span, replacement=f'"{text}"'))

    found = [coerced(4, 6, "NO"), coerced(4, 6, "NO"), coerced(8, 11, "yes")]
    data, done = apply_fixes(b"a: NO, yes", found[::-1])
    assert data == b'a: "NO", "yes"'
    assert len(done) == 2


# Rules -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["JS304", "js304", "unguarded-optional"])
def test_a_rule_is_explained_outside_of_any_project(tmp_path, in_process, name):
    ran = in_process(Place(tmp_path, {"journeyscript.yaml": ""}), "validate", "--explain", name)
    assert ran.exit_code == 0
    assert "JS304" in ran.stdout
    assert "A value that may be missing is used without a check or a default." in ran.stdout
    assert "error" in ran.stdout


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_is_explained(tmp_path, in_process, rule):
    ran = in_process(Place(tmp_path, {}), "validate", "--explain", rule.code)
    assert ran.stdout.startswith(f"# {rule.code} {rule.name}\n")
    assert rule.summary in ran.stdout.replace("\n", " ")


def test_an_unknown_rule_is_not_explained(tmp_path, in_process):
    ran = in_process(Place(tmp_path, {}), "validate", "--explain", "unguarded-optionals")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "did you mean `unguarded-optional`?" in ran.stderr


# Watching ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def watching(make_shop, until):
    """Start `validate --watch` as a process of its own; return it, and what it has said so far."""
    started = []

    def start(shop):
        command = [sys.executable, "-u", "-m", "journeyscript", "validate", "--watch", "--output-format", "concise"]
        process = subprocess.Popen(
            command, cwd=shop.root, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")))
        reader.start()
        started.append((process, reader))
        return process, lines

    yield start
    for process, reader in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def _environment():
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUTF8": "1"}


def save(place, name, text):
    """Put a file in place in one step, so that nobody sees half of it."""
    written = place.root / "written"
    written.write_text(text)
    written.replace(place.root / name)


def test_a_change_is_checked_at_once_and_ctrl_c_ends_with_0(project, watching, until):
    place = project(RIGHT)
    process, lines = watching(place)
    until(lambda: sum("waiting for a file" in line for line in lines) == 1)
    assert "1 journey, " in lines[0]
    save(place, "journeys/a.yaml", WRONG)
    until(lambda: sum("waiting for a file" in line for line in lines) == 2)
    assert any("error JS304" in line for line in lines)
    save(place, "journeys/b.yaml", RIGHT.replace("journey: a", "journey: b"))
    until(lambda: sum("waiting for a file" in line for line in lines) == 3)
    assert not any("\x1b" in line for line in lines), "only a terminal is cleared"
    time.sleep(0.5)
    assert sum("waiting for a file" in line for line in lines) == 3
    process.send_signal(signal.SIGINT)
    until(lambda: process.poll() is not None)
    assert process.returncode == 0


def test_watching_goes_on_while_the_project_cannot_be_read(project, watching, until):
    place = project(RIGHT)
    process, lines = watching(place)
    until(lambda: any("waiting for a file" in line for line in lines))
    config = (place.root / "journeyscript.yaml").read_text()
    (place.root / "journeyscript.yaml").unlink()
    until(lambda: any("there is no journeyscript.yaml" in line for line in lines))
    save(place, "journeyscript.yaml", config)
    until(lambda: sum("1 journey, " in line for line in lines) == 2)
    process.send_signal(signal.SIGINT)
    until(lambda: process.poll() is not None)
    assert process.returncode == 0


def test_a_terminal_is_cleared_before_each_check(project):
    place = project(RIGHT)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "journeyscript", "validate", "--watch"]
    environment = {**_environment(), "TERM": "xterm"}
    with subprocess.Popen(command, cwd=place.root, env=environment, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while b"waiting for a file" not in said:
            said += os.read(ours, 1024)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
    os.close(ours)
    assert said.startswith(b"\x1b[2J")


@pytest.mark.parametrize("option", ["--fix", "--diff"])
def test_watching_only_checks(project, in_process, option):
    assert in_process(project(RIGHT), "validate", "--watch", option).exit_code == 2
