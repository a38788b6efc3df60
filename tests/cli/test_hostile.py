"""Whatever lies in a project's files, `validate` says what is wrong with it in a moment, and never falls over."""

import contextlib
import time

import pytest
from click.testing import CliRunner

from journeyscript.cli.main import cli
from journeyscript.source.text import MAX_BYTES

MOMENT = 5.0
"""Seconds of the processor: less than half of one in fact, and the rest is for a slow one. What grows as it should not
takes minutes."""

FILES = {
    "project": "journeyscript.yaml",
    "customer": "catalog/customer.yaml",
    "events": "catalog/events.yaml",
    "segments": "catalog/segments.yaml",
    "channel": "channels/post/channel.yaml",
    "message": "channels/post/welcome.txt",
    "journey": "journeys/welcome.yaml",
    "tests": "journeys/welcome.test.yaml",
}
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, after in zip("abcdefghi", "bcdefghij", strict=True)
)


def _huge(path):
    with path.open("wb") as file:
        file.truncate(100_000_000)  # A hole: a hundred megabytes that take no room.


def _long_line(path):
    path.write_text("a" * (MAX_BYTES - 10), encoding="utf-8")


@pytest.fixture(autouse=True, scope="module")
def warm(tmp_path_factory):
    """Import what a command imports, which is no file's fault."""
    folder = tmp_path_factory.mktemp("warm") / "shop"
    assert CliRunner().invoke(cli, ["init", str(folder)]).exit_code == 0
    assert CliRunner().invoke(cli, ["validate", "-C", str(folder)]).exit_code == 0
    assert CliRunner().invoke(cli, ["run", "-C", str(folder), "--events", "absent"]).exit_code == 2


@contextlib.contextmanager
def moment(bound=MOMENT):
    """Assert that what is done meanwhile takes the processor for a short time only, however long others have it."""
    began = time.process_time()
    yield
    assert time.process_time() - began < bound


HOSTILE = {
    "brackets": lambda path: path.write_text("[" * 100_000, encoding="utf-8"),
    "braces": lambda path: path.write_text("{a: " * 30_000, encoding="utf-8"),
    "dashes": lambda path: path.write_text("- " * 50_000 + "x", encoding="utf-8"),
    "braces of a template": lambda path: path.write_text("{% if a %}" * 5_000 + "{{ " * 5_000, encoding="utf-8"),
    "huge": _huge,
    "one long line": _long_line,
    "aliases": lambda path: path.write_text(BOMB, encoding="utf-8"),
    "a zero byte": lambda path: path.write_bytes(b"name: sh\0op\n"),
    "UTF-16": lambda path: path.write_bytes("name: shop\n".encode("utf-16")),
    "no UTF-8": lambda path: path.write_bytes(b"name: \xff\xfe\xfa\n"),
    "a lone carriage return": lambda path: path.write_bytes(b"name: shop\rtimezone: UTC\r"),
    "a directory": lambda path: path.mkdir(),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "nothing": lambda path: path.write_bytes(b""),
    "a list": lambda path: path.write_text("- 1\n- 2\n", encoding="utf-8"),
}

TEXT = {"no findings in a message": {"brackets", "braces", "dashes", "one long line", "aliases", "nothing", "a list"}}
"""In a message these are text like any other; everything else is refused there as well."""


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("what", HOSTILE)
def test_whatever_a_file_holds_it_is_a_finding_and_no_crash(make_shop, in_process, what, kind):
    shop = make_shop({FILES[kind]: None} if kind not in ("segments", "tests") else {})
    path = shop.root / FILES[kind]
    path.parent.mkdir(parents=True, exist_ok=True)
    HOSTILE[what](path)
    with moment():
        answer = in_process(shop, "validate", "--output-format", "concise")
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exc_info
    if kind == "message" and what in TEXT["no findings in a message"]:
        assert answer.exit_code == 0, answer.output
    elif kind == "project" and what in ("a directory", "a link to itself"):
        assert (answer.exit_code, answer.output.splitlines()[0][:32]) == (2, "error: there is no journeyscript")
    else:
        assert answer.exit_code == 1, answer.output
        assert any(line.startswith(f"{FILES[kind]}:") for line in answer.output.splitlines()), answer.output


@pytest.mark.parametrize("what", HOSTILE)
def test_whatever_a_recording_holds_a_replay_refuses_its_lines_or_says_why_it_cannot(make_shop, in_process, what):
    shop = make_shop()
    events = shop.root / "events.jsonl"
    HOSTILE[what](events)
    with moment(4 * MOMENT):  # A recording of a hundred megabytes may be a good one: it is read.
        answer = in_process(shop, "run", "--events", "events.jsonl", "--dry-run")
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exc_info
    if answer.exit_code == 0:
        assert "could not be taken in" in answer.output
    elif what == "nothing":
        assert (answer.exit_code, answer.output) == (3, "there are no events in `events.jsonl`\n")
    else:
        assert answer.exit_code == 2
        assert answer.output.startswith("error: `events.jsonl` cannot be read: ")


@pytest.mark.parametrize("what", HOSTILE)
def test_whatever_a_mapping_holds_a_replay_says_what_is_wrong_with_it(make_shop, in_process, what):
    shop = make_shop({"orders.csv": "who,when\nada,2026-01-01\n"})
    HOSTILE[what](shop.root / "mapping.yaml")
    with moment():
        answer = in_process(shop, "run", "--events", "orders.csv", "--mapping", "mapping.yaml", "--dry-run")
    assert isinstance(answer.exception, SystemExit), answer.exc_info
    assert answer.exit_code == 2
    assert answer.output.startswith("error[JS0")
