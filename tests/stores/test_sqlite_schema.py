"""The tables and the statements of the SQLite store."""

import re
import sqlite3
from contextlib import closing

import pytest

from journeyscript.stores.records import KeptSend, StoreError
from journeyscript.stores.sqlite import open_sqlite
from journeyscript.stores.sqlite.connection import _PRAGMAS
from journeyscript.stores.sqlite.migrations import APPLICATION_ID, MIGRATIONS, STEPS, migrate, missing
from journeyscript.stores.sqlite.statements import SQL, named, script

HOT = {
    "customers_by_external_id": "customers USING INDEX customers_external_id (external_id=?)",
    "customer_by_external_id": "customers USING INDEX customers_external_id (external_id=?)",
    "customers_by_number": "customers USING INTEGER PRIMARY KEY (rowid=?)",
    "enrollments": "enrollments USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "active_among": "enrollments USING INTEGER PRIMARY KEY (rowid=?)",
    "refusals_of_customer": "refusals USING INDEX refusals_customer (customer=?)",
    "history": "events USING INDEX events_history (customer=?)",
    "seen": "events USING COVERING INDEX events_source_id (source=? AND source_id=?)",
    "seen_one": "events USING COVERING INDEX events_source_id (source=? AND source_id=?)",
    "due": "enrollments USING INDEX enrollments_due (due_at>? AND due_at<?)",
    "next_due": "enrollments USING INDEX enrollments_due (due_at>?)",
    "memberships": "memberships USING PRIMARY KEY (customer=?)",
    "due_memberships": "memberships USING COVERING INDEX memberships_due (look_at>? AND look_at<?)",
    "next_due_membership": "memberships USING COVERING INDEX memberships_due (look_at>?)",
    "pending": "sends USING INDEX sends_pending (channel=? AND journey=? AND available_at<?)",
    "next_lane": "sends USING INDEX sends_pending (channel=? AND journey>?)",
    "next_channel": "sends USING INDEX sends_pending (channel>?)",
    "claim": "sends USING PRIMARY KEY (enrollment=? AND visit=?)",
    "settle": "sends USING PRIMARY KEY (enrollment=? AND visit=?)",
    "sends": "sends USING PRIMARY KEY ((enrollment,visit)>(?,?))",
    "aliases_of": "aliases USING COVERING INDEX aliases_customer (customer=?)",
    "move_history": "events USING INDEX events_history (customer=?)",
    "past_entries": "past_entries USING PRIMARY KEY (customer=?)",
    "move_sends": "sends USING PRIMARY KEY (enrollment=?)",
    "move_decisions": "decisions USING PRIMARY KEY (enrollment=?)",
    "suppressions_among": "suppressions USING INTEGER PRIMARY KEY (rowid=?)",
    "suppress": "customers USING INTEGER PRIMARY KEY (rowid=?)",
    "decisions_of_customer": "decisions USING PRIMARY KEY (enrollment>? AND enrollment<?)",
    "sends_of_customer": "sends USING PRIMARY KEY (enrollment>? AND enrollment<?)",
}
IN_INDEX_ORDER = {"unsettled": "sends_sending"}


@pytest.fixture
def connection(tmp_path):
    with closing(open_sqlite(tmp_path / "store.db")) as store:
        yield store._connection


def plan(connection, name):
    statement = SQL[name]
    numbered = [int(number) for number in re.findall(r"\?(\d+)", statement)]
    parameters = (None,) * (max(numbered) if numbered else statement.count("?"))
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]


@pytest.mark.parametrize("name", HOT)
def test_a_hot_statement_goes_by_its_index_and_walks_no_table(connection, name):
    steps = [step for step in plan(connection, name) if not step.startswith("USE TEMP B-TREE FOR ORDER BY")]
    walked = "SCAN wanted VIRTUAL TABLE"
    assert [step for step in steps if not step.startswith(walked)] == [f"SEARCH {HOT[name]}"]


@pytest.mark.parametrize("name", IN_INDEX_ORDER)
def test_a_list_kept_by_a_partial_index_is_read_in_its_order(connection, name):
    assert plan(connection, name) == [f"SCAN sends USING INDEX {IN_INDEX_ORDER[name]}"]


def test_who_is_inside_of_a_paused_journey_stands_in_no_index_that_a_tick_reads(connection):
    (index,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'enrollments_due'").fetchone()
    assert index.endswith("WHERE status = 'active' AND due_at IS NOT NULL AND frozen = 0")
    for name in ("due", "next_due", "inspect_overdue", "totals"):
        (step,) = [step for step in plan(connection, name) if "enrollments" in step]
        assert "INDEX enrollments_due" in step, name
        assert "frozen = 0" in SQL[name], "else the index could not be gone by"


@pytest.mark.parametrize("name", ["due", "next_due", "pending", "sends", "history"])
def test_plans_stay_the_same_once_there_are_statistics(connection, name):
    before = plan(connection, name)
    connection.execute("ANALYZE")
    assert plan(connection, name) == before


def test_every_statement_is_sound_and_none_reads_the_clock(connection):
    for name, statement in SQL.items():
        assert sqlite3.complete_statement(statement), name
        plan(connection, name)
        assert not re.search(r"datetime|current_time|strftime|julianday|random", statement, re.IGNORECASE), name


def test_statements_are_found_by_name_and_remarks_belong_to_nobody():
    text = "-- a remark\n\n-- name: one\nSELECT 1;\n\n-- name: two\n-- why\nSELECT 2;\n"
    assert dict(named(text)) == {"one": "SELECT 1;", "two": "-- why\nSELECT 2;"}


def test_the_columns_of_sends_stand_in_the_order_of_the_record(connection):
    assert tuple(row[1] for row in connection.execute("PRAGMA table_info(sends)")) == KeptSend.__struct_fields__
    for name in ("keep_send", "pending", "unsettled", "sends", "sends_of_customer", "find_sends"):
        columns = re.search(r"(?:SELECT|\()(.*?)(?:FROM|\))", SQL[name], re.DOTALL)[1]
        assert tuple(column.strip() for column in columns.split(",")) == KeptSend.__struct_fields__, name


def test_the_connection_is_set_up_for_batches(connection):
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
    assert connection.execute("PRAGMA wal_autocheckpoint").fetchone() == (16000,)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert APPLICATION_ID.to_bytes(4, "big") == b"JRNS"
    assert connection.execute("PRAGMA secure_delete").fetchone() == (2,)
    assert len(_PRAGMAS) == 6


def schema(connection):
    return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name").fetchall()


def test_a_store_brought_up_step_by_step_is_like_a_new_one(connection):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as stepwise:
        for step in STEPS[1:]:
            migrate(stepwise, stop_before=step)
            assert missing(stepwise)[0] == step
        migrate(stepwise)
        migrate(stepwise)
        assert missing(stepwise) == ()
        assert schema(stepwise) == schema(connection)


def test_the_tables_are_the_sum_of_the_scripts(connection):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as bare:
        for step in STEPS:
            for statement in script(step):
                bare.execute(statement)
        assert schema(bare) == [row for row in schema(connection) if "_sqlite_migrations" not in row[2]]


def test_every_table_of_ours_is_strict(connection):
    loose = [row[1] for row in connection.execute("PRAGMA table_list") if not row[5]]
    assert {name for name in loose if not name.startswith("sqlite_")} == {"_sqlite_migrations"}


def test_a_step_that_fails_leaves_the_file_as_it_was(monkeypatch):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:

        def breaking(db):
            db.conn.execute("CREATE TABLE half (x)")
            db.conn.execute("SELECT nonsense")

        monkeypatch.setattr(MIGRATIONS, "_migrations", list(MIGRATIONS._migrations))
        MIGRATIONS(name="999_breaking")(breaking)
        with pytest.raises(sqlite3.OperationalError, match="nonsense"):
            migrate(fresh)
        assert schema(fresh) == []


@pytest.mark.parametrize("read_only", [False, True])
def test_a_store_of_a_newer_program_is_refused(tmp_path, read_only):
    path = tmp_path / "store.db"
    with closing(open_sqlite(path)) as store:
        store._connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('journeyscript', '777_later', '')"
        )
    with pytest.raises(StoreError, match=r"newer version of JourneyScript \(it knows `777_later`\); install that"):
        open_sqlite(path, read_only=read_only)


def test_a_store_of_an_older_program_is_brought_up_to_date_by_a_writer_only(tmp_path, monkeypatch):
    path = tmp_path / "store.db"
    open_sqlite(path).close()
    monkeypatch.setattr(MIGRATIONS, "_migrations", list(MIGRATIONS._migrations))
    MIGRATIONS(name="002_later")(lambda db: db.conn.execute("CREATE TABLE later (x INTEGER) STRICT"))
    monkeypatch.setattr("journeyscript.stores.sqlite.migrations.STEPS", (*STEPS, "002_later"))
    with pytest.raises(StoreError, match="older version of JourneyScript; `journeyscript run` brings it up to date"):
        open_sqlite(path, read_only=True)
    open_sqlite(path).close()
    open_sqlite(path, read_only=True).close()


def test_a_journey_this_program_cannot_read_is_said_to_be(tmp_path, make):
    with closing(open_sqlite(tmp_path / "store.db")) as store:
        store.deploy([make.deployment()], make.at)
        store._connection.execute("""UPDATE machines SET document = '{"journey": "from the future"}'""")
        with pytest.raises(StoreError, match="keeps a journey that this version of JourneyScript cannot read"):
            store.deployments()
