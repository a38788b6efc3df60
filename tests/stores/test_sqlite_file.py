"""The store file: restarts, who may open it, and what is said when it cannot be used."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from journeyscript.stores.records import Changes, StoreError
from journeyscript.stores.sqlite import open_sqlite

SOMEBODY_ELSE = 65534


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


def fill(path, make):
    with closing(open_sqlite(path)) as store:
        store.deploy([make.deployment(history=["purchased"])], make.at)
        store.note(clock="wall")
        store.load(["customer-1"], [], history=False)
        store.commit(
            Changes(
                customers=[make.customer(1, taken=(4, 2))],
                events=[make.event("purchased", source_id="1")],
                enrollments=[make.enrollment(due_at=make.at + 1000)],
                decisions=[make.decision()],
                sends=[make.send(), make.send(visit=2)],
                positions={"file": "7"},
            )
        )
        store.claim(make.at, 1)


def test_everything_is_there_after_a_restart(path, make):
    fill(path, make)
    with closing(open_sqlite(path)) as store:
        assert store.settings() == {"clock": "wall"}
        assert store.positions() == {"file": "7"}
        assert store.deployments() == ({"v1": make.deployment(history=["purchased"])}, {"v1"})
        assert store.seen([("http", "1")]) == {("http", "1")}
        assert store.due(make.at + 1000, 10) == [1]
        assert [send.visit for send in store.unsettled()] == [1]
        assert [send.visit for send in store.claim(make.at, 10)] == [2]
        loaded = store.load(["customer-1", "new"], [], history=True)
        assert loaded[1].enrollments == [make.enrollment(due_at=make.at + 1000)]
        assert loaded[1].history == {"purchased": [make.event("purchased").event]}
        assert loaded[1].taken == (4, 2)
        assert loaded[2].new
        store.commit(Changes(customers=[loaded[2]], events=[make.event("purchased", make.at + 1, customer=2)]))
        assert len(store.load([], [2], history=True)[2].history["purchased"]) == 1


def test_a_killed_process_leaves_what_it_committed_and_no_lock(path, make):
    program = f"""
import os, signal
from pathlib import Path
from journeyscript.stores.records import Changes
from journeyscript.stores.sqlite import open_sqlite
store = open_sqlite(Path({str(path)!r}))
store.commit(Changes(customers=list(store.load(["ada"], [], history=False).values()), positions={{"file": "1"}}))
store._connection.execute("BEGIN IMMEDIATE")
store._connection.execute("UPDATE positions SET position = '2'")
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    with closing(open_sqlite(path)) as store:
        assert store.positions() == {"file": "1"}
        assert [one.external_id for one in store.load([], [1], history=False).values()] == ["ada"]


def test_closing_leaves_nothing_beside_the_file_but_its_lock(path, make):
    fill(path, make)
    assert sorted(file.name for file in path.parent.iterdir()) == ["store.db", "store.db.lock"]
    store = open_sqlite(path)
    store.close()
    store.close()


def test_missing_folders_are_made(tmp_path, make):
    path = tmp_path / "a" / "b" / "store.db"
    fill(path, make)
    assert path.is_file()


def test_a_second_writer_is_refused_and_told_who_has_it(path):
    told = rf"in use by another process \(number {os.getpid()}\); stop that one"
    with closing(open_sqlite(path)), pytest.raises(StoreError, match=told):
        open_sqlite(path)
    open_sqlite(path).close()


def test_readers_read_beside_the_writer_and_see_each_commit(path, make):
    with closing(open_sqlite(path)) as store, closing(open_sqlite(path, read_only=True)) as reader:
        assert reader.story("customer-1") is None
        store.deploy([make.deployment()], make.at)
        store.commit(
            Changes(
                customers=[make.customer(1)],
                events=[make.event("fresh", needed=True)],
                enrollments=[make.enrollment(due_at=make.at)],
                sends=[make.send()],
            )
        )
        story = reader.story("customer-1")
        assert story.enrollments == (make.enrollment(due_at=make.at),)
        assert list(story.customer.history) == ["fresh"]
        assert [count.version for count in reader.journey_counts()] == ["v1"]
        assert reader.totals(make.at).overdue == 1


def test_a_reader_cannot_write(path, make):
    fill(path, make)
    with closing(open_sqlite(path, read_only=True)) as reader:
        for write in (
            lambda: reader.note(clock="virtual"),
            lambda: reader.commit(Changes(positions={"file": "8"})),
            lambda: reader.claim(make.at, 1),
            lambda: reader.settle([make.settlement()]),
            lambda: reader.deploy([], make.at),
        ):
            with pytest.raises(StoreError, match="open for reading only"):
                write()
        assert reader.positions() == {"file": "7"}


def test_reading_a_store_that_is_not_there_says_what_makes_one(path):
    with pytest.raises(StoreError, match=r"there is no store at .*; `journeyscript run` makes one"):
        open_sqlite(path, read_only=True)
    assert not path.exists()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_folder_is_not_a_store(tmp_path, read_only):
    with pytest.raises(StoreError, match="is a folder; name a file"):
        open_sqlite(tmp_path, read_only=read_only)


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        open_sqlite(tmp_path / "file" / "sub" / "store.db")


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("content", [b"hello, this is not a database" * 100, b"\0" * 5000, b"x"])
def test_a_file_of_another_kind_is_refused_and_left_alone(path, content, read_only):
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is not a store of JourneyScript; name another"):
        open_sqlite(path, read_only=read_only)
    assert path.read_bytes() == content


@pytest.mark.parametrize("read_only", [False, True])
def test_another_program_s_database_is_refused_and_left_alone(path, read_only):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="is not a store of JourneyScript"):
        open_sqlite(path, read_only=read_only)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_store(path):
    path.touch()
    with closing(open_sqlite(path)) as store:
        assert store.positions() == {}


def test_a_damaged_store_is_said_to_be(path, make):
    fill(path, make)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged; put a backup in its place"):
        open_sqlite(path)
    with pytest.raises(StoreError, match="is damaged; put a backup in its place"):
        open_sqlite(path, read_only=True)


def test_a_store_cut_short_is_said_to_be_damaged(path, make):
    fill(path, make)
    os.truncate(path, 8192)
    with pytest.raises(StoreError, match="is damaged"):
        open_sqlite(path).positions()


def test_damage_found_on_the_way_is_a_store_error_and_the_store_can_be_closed(path, make):
    fill(path, make)
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'sends'").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    with closing(open_sqlite(path)) as store:
        with pytest.raises(StoreError, match="is damaged"):
            store.sends(10)
        assert store.positions() == {"file": "7"}


def test_a_database_locked_by_another_program_is_said_to_be(path, make, monkeypatch):
    fill(path, make)
    with closing(open_sqlite(path)) as store, closing(sqlite3.connect(path, isolation_level=None)) as stranger:
        store._connection.execute("PRAGMA busy_timeout = 1")
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is held by another program; close what has it open"):
            store.commit(Changes(positions={"file": "8"}))
        stranger.execute("ROLLBACK")
        store.commit(Changes(positions={"file": "8"}))
        assert store.positions() == {"file": "8"}


@pytest.fixture
def unprivileged():
    """A folder, and a user who is not root, for whom permissions count."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        reached = all(parent.stat().st_mode & 0o001 for parent in Path(folder).resolve().parents)
        if os.getuid() == 0 and not reached:
            pytest.skip("nobody else gets as far as to where temporary files are")
        yield Path(folder)
        if os.getuid() == 0:
            os.seteuid(0)


def become_somebody_else():
    if os.geteuid() == 0:
        os.seteuid(SOMEBODY_ELSE)


def test_a_store_that_may_not_be_written_is_said_to_be(unprivileged, make):
    path = unprivileged / "store.db"
    fill(path, make)
    path.chmod(0o444)
    path.with_name("store.db.lock").chmod(0o666)
    become_somebody_else()
    with pytest.raises(StoreError, match="may not be written; give this user the right"):
        open_sqlite(path)


def test_a_folder_that_may_not_be_written_is_said_to_be(unprivileged):
    unprivileged.chmod(0o555)
    become_somebody_else()
    with pytest.raises(StoreError, match="may not be written; give this user the right"):
        open_sqlite(unprivileged / "store.db")


def test_a_store_that_may_not_be_read_is_said_to_be(unprivileged, make):
    path = unprivileged / "store.db"
    fill(path, make)
    path.chmod(0)
    become_somebody_else()
    with pytest.raises(StoreError, match=r"cannot be read .*; check the disk and the permissions"):
        open_sqlite(path, read_only=True)


def test_a_backup_is_a_store_of_its_own_as_of_that_moment(path, tmp_path, make):
    fill(path, make)
    copy = tmp_path / "copy.db"
    with closing(open_sqlite(path)) as store:
        store.commit(Changes(positions={"file": "8"}))
        store.backup(copy)
        store.commit(Changes(positions={"file": "9"}))
        with closing(open_sqlite(copy)) as other:
            assert other.positions() == {"file": "8"}
            assert other.sends(10) == store.sends(10)
            other.commit(Changes(positions={"file": "0"}))
        assert store.positions() == {"file": "9"}
        with pytest.raises(StoreError, match=r"something at .* already"):
            store.backup(copy)
        with pytest.raises(StoreError, match="cannot be read"):
            store.backup(tmp_path / "missing" / "copy.db")


def test_a_reader_can_make_a_backup(path, tmp_path, make):
    fill(path, make)
    with closing(open_sqlite(path, read_only=True)) as reader:
        reader.backup(tmp_path / "copy.db")
    with closing(open_sqlite(tmp_path / "copy.db")) as copy:
        assert copy.positions() == {"file": "7"}
