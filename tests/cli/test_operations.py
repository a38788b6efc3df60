"""What an operator asks and does: `doctor`, `customers`, `outbox`, `backup`, `prune` and `status --watch`."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from journeyscript.cli.stores import open_latest
from journeyscript.stores.sqlite import open_sqlite

DAY = 86_400_000

PATIENT = {
    "journeys/welcome.yaml": "journey: welcome\nentry: { event: signed_up, again: never }\n"
    "steps:\n  - send: welcome\n  - wait: 100 days\n  - send: later\n"
}
RUN = ("run", "--once")


@pytest.fixture
def running(make_shop, run_once, record):
    """A shop whose store of live runs has two customers, ada and a visitor, waiting in a journey."""
    shop = make_shop(PATIENT)
    ada = record("ada", "signed_up", attributes={"email": "ada@example.com", "first_name": "Ada"}, id="e-1")
    run_once(shop, ada + record("visitor", "signed_up") + record("ada", "nonsense"))
    return shop


def change(shop, statement, *values):
    with closing(sqlite3.connect(shop.store_path)) as connection:
        connection.execute(statement, values)
        connection.commit()


def test_doctor_says_yes_to_a_sound_store_and_notes_what_is_worth_knowing(running, in_process):
    ran = in_process(running, "doctor")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.splitlines()[-1] == ".journeyscript/store.db: nothing is wrong"
    assert (
        "note[rejected]: 1 records could not be taken in within a day; the last one: there is no event `nonsense`"
        in (ran.stdout)
    )
    found = json.loads(in_process(running, "doctor", "--quick", "--output-format", "json").stdout)
    assert [(one["weight"], one["about"]) for one in found] == [("note", "rejected")]


@pytest.mark.parametrize(
    ("statement", "about", "said"),
    [
        ("UPDATE enrollments SET due_at = NULL WHERE id >> 20 = 1", "timers", "1 enrollment is waiting without a time"),
        ("UPDATE enrollments SET due_at = due_at - 8740000000", "overdue", "2 timers are overdue, the oldest by 1 day"),
        ("UPDATE enrollments SET state = 'gone'", "states", "2 enrollments are at `gone`, which `welcome` ("),
        ("UPDATE enrollments SET status = 'odd'", "balance", "only 0 are active, completed, exited or failed"),
        ("UPDATE enrollments SET ended_at = 5", "balance", "both at an end and going on"),
        ("DELETE FROM decisions", "balance", "2 enrollments are of `welcome` ("),
        (
            "DELETE FROM enrollments WHERE id = 1048576",
            "references",
            "`decisions` point at nothing in `enrollments`",
        ),
        ("UPDATE enrollments SET id = id + 3 WHERE id = 1048576", "balance", "of 1 customer are not there"),
        ("UPDATE sends SET status = 'sending', available_at = 5", "sending", "2 messages are being sent since"),
        ("UPDATE sends SET status = 'pending', available_at = 5", "outbox", "2 messages are waiting to be sent"),
        ("UPDATE events SET received_at = received_at + 3600000", "clock", "which is yet to come"),
        (
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('journeyscript', '777_x', '')",
            "store",
            "was written by a newer version of JourneyScript (it knows `777_x`)",
        ),
    ],
    ids=lambda value: value if len(value) < 12 else None,
)
def test_doctor_names_each_thing_that_is_wrong_and_what_to_do(running, in_process, statement, about, said):
    change(running, statement)
    ran = in_process(running, "doctor")
    assert ran.exit_code == 1, ran.output
    assert f"problem[{about}]: " in ran.stdout
    assert said in ran.stdout
    found = json.loads(in_process(running, "doctor", "--output-format", "json").stdout)
    assert all(one["help"] and one["message"] for one in found)


def test_doctor_sees_a_damaged_file_and_a_store_that_is_not_there(running, in_process):
    with running.store_path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 4)
    ran = in_process(running, "doctor")
    assert ran.exit_code == 1
    assert "damaged" in ran.stdout
    assert "Traceback" not in ran.output
    ran = in_process(running, "doctor", "--store", "absent.db")
    assert ran.exit_code == 2
    assert "there is no store at `absent.db`" in ran.stderr


def test_earlier_versions_that_nobody_is_in_are_worth_knowing(running, in_process):
    running.write({"journeys/welcome.yaml": PATIENT["journeys/welcome.yaml"].replace("100 days", "3 days")})
    assert running.run(*RUN, stdin="").returncode == 0
    assert "versions" not in in_process(running, "doctor").stdout, "two are still inside of the earlier one"
    assert in_process(running, "customers", "erase", "ada", "--yes").exit_code == 0
    assert in_process(running, "customers", "erase", "visitor", "--yes").exit_code == 0
    ran = in_process(running, "doctor")
    assert ran.exit_code == 0
    assert "note[versions]: 1 earlier versions have nobody in them, of `welcome`" in ran.stdout


def test_show_tells_who_somebody_is(running, in_process):
    ran = in_process(running, "customers", "show", "ada")
    assert ran.exit_code == 0
    lines = ran.stdout.splitlines()
    assert lines[0] == "ada, customer number 1"
    assert "  email: ada@example.com" in lines
    assert any(line.startswith("  welcome: active, entered 20") and line.endswith(", at wait") for line in lines)
    assert any(line.endswith(" welcome by post: sent") for line in lines)
    told = json.loads(in_process(running, "customers", "show", "ada", "--output-format", "json").stdout)
    assert told == json.loads(in_process(running, "customers", "export", "ada").stdout)


def test_export_has_everything_of_one_person(running, in_process):
    told = json.loads(in_process(running, "customers", "export", "ada").stdout)
    assert told["attributes"] == {"email": "ada@example.com", "first_name": "Ada"}
    assert [(event["event"], event["id"]) for event in told["events"]] == [("signed_up", "e-1")]
    (enrollment,) = told["enrollments"]
    assert enrollment["messages"][0]["data"]["customer"]["first_name"] == "Ada"
    assert [json.loads(one["raw"])["event"] for one in told["refused_records"]] == ["nonsense"]


@pytest.mark.parametrize("command", ["show", "export", "erase"])
def test_a_stranger_ends_with_3(running, in_process, command):
    ran = in_process(running, "customers", command, "nobody")
    assert (ran.exit_code, ran.stderr) == (3, "the store knows no customer `nobody`\n")


def test_erase_leaves_no_trace_in_the_file_and_the_counts_balance(running, in_process):
    ran = in_process(running, "customers", "erase", "ada", "--yes")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout == ("erased 1 customer: 1 enrollment (1 active), 1 message, 1 event, 1 refused record\n")
    for file in running.store_path.parent.glob("store.db*"):
        assert b"ada@example.com" not in file.read_bytes()
        assert b'"Ada"' not in file.read_bytes()
    assert in_process(running, "customers", "show", "ada").exit_code == 3
    (journey,) = json.loads(in_process(running, "status", "--output-format", "json").stdout)["journeys"]
    assert (journey["entered"], journey["active"], journey["exited"]) == (2, 1, 1)
    assert in_process(running, "doctor").exit_code == 0


def test_erase_asks_first(running, in_process):
    ran = in_process(running, "customers", "erase", "ada")
    assert ran.exit_code == 1
    assert "This cannot be taken back" in ran.stderr
    assert in_process(running, "customers", "show", "ada").exit_code == 0


def test_merge_makes_one_of_two_and_later_records_follow(running, in_process, record):
    ran = in_process(running, "customers", "merge", "visitor", "ada")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout == ("`visitor` is `ada` from now on: 1 enrollment taken over, 1 ended because both were inside\n")
    assert in_process(running, "customers", "merge", "visitor", "ada").stdout == "`visitor` is `ada` already\n"
    assert running.run(*RUN, stdin=record("visitor", None, attributes={"points": 5})).returncode == 0
    told = json.loads(in_process(running, "customers", "export", "visitor").stdout)
    assert (told["customer"], told["earlier_names"], told["attributes"]["points"]) == ("ada", ["visitor"], 5)
    assert [one["reason"] for one in told["enrollments"]] == [None, "merged"]
    ran = in_process(running, "customers", "merge", "x", "y")
    assert ran.exit_code == 3
    assert running.run(*RUN, stdin=record("bo", "signed_up")).returncode == 0
    ran = in_process(running, "customers", "merge", "visitor", "bo")
    assert ran.exit_code == 2
    assert ran.stderr.startswith("error: `visitor` is `ada` already, and cannot be `bo` as well")


@pytest.fixture
def undelivered(running):
    """Ada's message failed because attempts ran out, the visitor's was refused; a third one waits."""
    change(running, "UPDATE sends SET status = 'failed', reason = 'gave_up', detail = 'x' WHERE customer = 1")
    change(running, "UPDATE sends SET status = 'failed', reason = 'permanent' WHERE customer = 2")
    return running


def test_outbox_lists_by_status_and_names_no_address(undelivered, in_process):
    ran = in_process(undelivered, "outbox", "list", "--status", "failed", "--journey", "welcome")
    assert ran.exit_code == 0
    assert "gave_up: x" in ran.stdout
    assert "welcome/1048576/send.welcome/1" in ran.stdout
    found = json.loads(in_process(undelivered, "outbox", "list", "--limit", "1", "--output-format", "json").stdout)
    assert [(one["status"], "address" in one, "data" in one) for one in found] == [("failed", False, False)]
    ran = in_process(undelivered, "outbox", "list", "--channel", "pigeon")
    assert (ran.exit_code, ran.stderr) == (3, "there are no such messages\n")


def test_outbox_tries_again_what_may_help_and_the_next_run_sends_it(undelivered, in_process):
    ran = in_process(undelivered, "outbox", "retry", "--channel", "post")
    assert ran.stdout == ("to be tried again: 1 message; 1 refused for good left alone, --force tries that too\n")
    assert "the outbox: 1 messages wait, 0 are being sent" in in_process(undelivered, "status").stdout
    assert in_process(undelivered, "outbox", "retry", "--all", "--force").stdout == "to be tried again: 1 message\n"
    assert in_process(undelivered, "outbox", "retry", "--all").exit_code == 3
    assert undelivered.run(*RUN, stdin="").returncode == 0
    assert {send.status for send in undelivered.sends()} == {"sent"}
    assert len({send["key"] for send in undelivered.outbox()}) == 2, "the same keys once more"
    assert len(undelivered.outbox()) == 4


def test_outbox_cancels_what_waits(undelivered, in_process):
    in_process(undelivered, "outbox", "retry", "--all", "--force")
    assert in_process(undelivered, "outbox", "cancel").exit_code == 2
    ran = in_process(undelivered, "outbox", "cancel", "welcome/1048576/send.welcome/1")
    assert ran.stdout == "cancelled: 1 message\n"
    (first, second) = undelivered.sends()
    assert (first.status, first.reason, second.status) == ("skipped", "cancelled", "pending")
    assert in_process(undelivered, "outbox", "cancel", "--journey", "welcome").stdout == "cancelled: 1 message\n"
    assert in_process(undelivered, "outbox", "cancel", "--all").exit_code == 3


def test_a_backup_is_a_whole_store_and_never_written_over_something(running, in_process):
    ran = in_process(running, "backup", "copy.db")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.startswith(".journeyscript/store.db is copied to copy.db, ")
    assert in_process(running, "doctor", "--store", "copy.db").exit_code == 0
    assert in_process(running, "customers", "show", "ada", "--store", "copy.db").exit_code == 0
    ran = in_process(running, "backup", "copy.db")
    assert ran.exit_code == 2
    assert "there is something at `copy.db` already" in ran.stderr
    assert in_process(running, "backup", "absent/copy.db").exit_code == 2
    assert list(running.root.glob("*.unfinished")) == []


def test_a_backup_that_is_interrupted_leaves_no_file(tmp_path, running):
    with closing(open_sqlite(running.store_path, read_only=True)) as store:

        def interrupt(_left, _total):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            store.backup(tmp_path / "half.db", interrupt)
    assert list(tmp_path.glob("half*")) == []


def test_prune_counts_first_and_keeps_the_counts_of_status(running, in_process):
    old = round(time.time() * 1000) - 500 * DAY
    change(
        running,
        "UPDATE enrollments SET status = 'completed', due_at = NULL, ended_at = ?, entered_at = ? WHERE id >> 20 = 1",
        old,
        old,
    )
    change(running, "UPDATE events SET at = ?", old)
    counts = json.loads(in_process(running, "status", "--output-format", "json").stdout)
    would = in_process(running, "prune", "--older-than", "400 days", "--dry-run")
    assert would.stdout == "would take away 1 enrollment with 2 decisions and 1 message, and 1 event\n"
    done = in_process(running, "prune", "--older-than", "400 days")
    assert done.stdout == "took away 1 enrollment with 2 decisions and 1 message, and 1 event\n"
    assert json.loads(in_process(running, "status", "--output-format", "json").stdout) == counts
    assert in_process(running, "doctor").exit_code == 0
    assert running.run(*RUN, stdin='{"customer":"ada","event":"signed_up"}\n').returncode == 0
    assert json.loads(in_process(running, "customers", "export", "ada").stdout)["enrollments"] == [], "again: never"


@pytest.mark.parametrize("age", ["soon", "1 day", "29 days"])
def test_prune_refuses_an_age_that_is_none_or_too_short(running, in_process, age):
    ran = in_process(running, "prune", "--older-than", age)
    assert ran.exit_code == 2
    assert ran.stderr.startswith("error: --older-than")


def test_prune_is_left_for_the_run_that_is_going_on(running, in_process):
    with closing(open_sqlite(running.store_path)):
        ran = in_process(running, "prune", "--older-than", "400 days", "--wait", "0")
        assert ran.exit_code == 1
        assert f"is in use by another process (number {os.getpid()})" in ran.stderr
        assert "the order waits" in ran.stderr
        assert in_process(running, "doctor").exit_code == 0
        assert in_process(running, "backup", "beside.db").exit_code == 0
        assert in_process(running, "outbox", "list").exit_code == 0
        assert in_process(running, "prune", "--older-than", "400 days", "--dry-run").exit_code == 0


def test_a_store_is_found_while_what_lies_beside_it_comes_and_goes(running):
    beside, ended = running.store_path.with_name("store.db.lock"), threading.Event()

    def begin_and_end():
        while not ended.is_set():
            beside.unlink(missing_ok=True)
            beside.touch()

    others = threading.Thread(target=begin_and_end)
    others.start()
    try:
        for _ in range(200):
            store, found = open_latest(running.root, None, running.store_path)
            store.close()
            assert found == running.store_path
    finally:
        ended.set()
        others.join()


@pytest.mark.parametrize("form", ["text", "json"])
def test_status_is_printed_anew_when_something_has_changed(running, record, until, form):
    log = running.root / "status.log"
    command = [sys.executable, "-u", "-m", "journeyscript", "status", "--watch", "--every", "0.1"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with log.open("w") as out:
        command += ["--output-format", form]
        watching = subprocess.Popen(command, stdout=out, cwd=running.root, env=environment)
    try:
        counted = "3 customers" if form == "text" else '"customers":3'
        until(lambda: "customers" in log.read_text())
        assert counted not in log.read_text()
        assert running.run(*RUN, stdin=record("bo", "signed_up")).returncode == 0
        until(lambda: counted in log.read_text())
        watching.send_signal(signal.SIGINT)
        until(lambda: watching.poll() is not None)
        assert watching.returncode == 0
    finally:
        watching.kill()
        watching.wait()
    if form == "json":
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        assert lines[-1]["totals"]["customers"] == 3
