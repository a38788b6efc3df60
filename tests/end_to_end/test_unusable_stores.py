"""A store that cannot be used ends a run with one plain sentence, and loses nothing: what came is taken in later."""

import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from journeyscript.stores.sqlite import open_sqlite

MANY = 1_500
BOUNDED = """
import sys
from journeyscript.stores.sqlite import connection
connection._PRAGMAS = (*connection._PRAGMAS, "PRAGMA max_page_count = {pages}")
from journeyscript.cli.main import cli
cli(sys.argv[1:])
"""


@pytest.fixture
def full_shop(shop, record):
    """A shop with more events to take in than a small disk has room for."""
    (shop.root / "events.jsonl").write_text("".join(record(f"c{n}", "signed_up", id=f"e{n}") for n in range(MANY)))
    assert shop.run("run", "--once").returncode == 0, "an empty store is there"
    return shop


def run_within(shop, *, pages=None, file_size=None):
    """Run with a store of so many pages at the most, or with files of so many bytes."""
    program = ["-c", BOUNDED.format(pages=pages)] if pages else ["-m", "journeyscript"]

    def limit():
        if file_size:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

    return subprocess.run(
        [sys.executable, *program, "run", "--once", "--follow", "events.jsonl"],
        cwd=shop.root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        preexec_fn=limit,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def assert_told(ran, sentence):
    """The command could not answer, and says so in one sentence."""
    told = [line for line in ran.stderr.splitlines() if not line.startswith("Running ")]
    assert ran.returncode == 2, ran.stderr
    assert told[0].startswith("error: "), ran.stderr
    assert sentence in told[0]
    assert "Traceback" not in ran.stderr
    assert len(told) == 1, ran.stderr


def assert_nothing_lost(shop, people):
    """Everybody is in, once, and heard once of us."""
    ran = shop.run("run", "--once", "--follow", "events.jsonl")
    assert ran.returncode == 0, ran.stderr
    assert shop.events() == people
    assert sum(count.count for count in shop.ask(lambda store: store.journey_counts())) == people
    welcomes = [message["key"] for message in shop.outbox() if message["message"] == "welcome"]
    assert len(welcomes) == len(set(welcomes)) == people


def test_a_full_disk_is_told_and_what_did_not_fit_is_taken_in_when_there_is_room(full_shop):
    pages = full_shop.store_path.stat().st_size // 4096 + 60
    assert_told(run_within(full_shop, pages=pages), "there is no space left for the store `")
    assert 0 <= full_shop.events() < MANY
    assert_nothing_lost(full_shop, MANY)


def test_a_file_that_may_grow_no_further_is_told_and_nothing_is_lost(full_shop):
    size = full_shop.store_path.stat().st_size + 50_000
    assert_told(run_within(full_shop, file_size=size), "cannot be read or written (disk I/O error); check the disk")
    assert_nothing_lost(full_shop, MANY)


def test_a_store_that_another_program_holds_is_told_and_nothing_is_lost(full_shop):
    with closing(sqlite3.connect(full_shop.store_path, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        assert_told(full_shop.run("run", "--once", "--follow", "events.jsonl"), "is held by another program; close")
        stranger.execute("ROLLBACK")
    assert_nothing_lost(full_shop, MANY)


def spoil(shop):
    content = bytearray(shop.store_path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    shop.store_path.write_bytes(content)


def outdate(shop):
    with closing(open_sqlite(shop.store_path)) as store:
        store._connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('journeyscript', '777_later', '')"
        )


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (spoil, "is damaged; put a backup in its place"),
        (outdate, "was written by a newer version of JourneyScript (it knows `777_later`); install that version"),
        (lambda shop: shop.store_path.write_text("hello"), "is not a store of JourneyScript"),
    ],
)
@pytest.mark.parametrize("asked", [("run", "--once"), ("run", "--standby", "--once"), ("status",)])
def test_a_store_that_is_damaged_newer_or_none_is_told_and_left_as_it_is(
    shop, record, in_process, harm, sentence, asked
):
    assert shop.run("run", "--once", stdin=record("ada", "signed_up")).returncode == 0
    harm(shop)
    before = shop.store_path.read_bytes()
    answer = in_process(shop, *asked)
    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: the store `") or answer.stderr.startswith("error: `")
    assert sentence in answer.stderr
    assert len(answer.stderr.splitlines()) <= 2
    assert shop.store_path.read_bytes() == before


def test_damage_that_a_run_meets_on_its_way_is_told(shop, record):
    assert shop.run("run", "--once", stdin=record("ada", "signed_up")).returncode == 0
    with closing(sqlite3.connect(shop.store_path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'customers'").fetchone()
    with shop.store_path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    ran = shop.run("run", "--once", stdin=record("bo", "signed_up"))
    assert_told(ran, "is damaged; put a backup in its place")
