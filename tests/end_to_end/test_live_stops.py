"""How a live run ends and goes on: by signal, by a kill, beside another run, and as a rehearsal."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing

import pytest

MANY = 400
PATIENT = {
    "journeys/welcome.yaml": "journey: welcome\nentry: { event: signed_up, again: never }\n"
    "steps:\n  - send: welcome\n  - wait: 1 hour\n  - send: later\n"
}
"""The second message is due in no run that ends at once, however long the machine takes for it."""


def look(shop, statement):
    with closing(sqlite3.connect(f"file:{shop.store_path}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()


def assert_clean(shop):
    """The store is whole, nothing is half done, and nothing lies beside the file."""
    assert look(shop, "PRAGMA integrity_check") == [("ok",)]
    assert look(shop, "SELECT count(*) FROM sends WHERE status = 'sending'") == [(0,)]
    wal = shop.store_path.with_name("store.db-wal")
    assert not wal.exists() or wal.stat().st_size == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_batch_and_the_next_start_goes_on(shop, record, until, how):
    followed = shop.root / "events.jsonl"
    followed.write_text("".join(record(f"c{n}", "signed_up", id=f"e{n}") for n in range(MANY)))
    run = shop.start("--follow", followed)
    until(lambda: shop.events() > 0)
    assert "Stopped; the store is" in shop.stop(run, how)
    assert_clean(shop)
    before = len(shop.sends())
    with followed.open("a") as file:
        file.write("".join(record(f"c{n}", "signed_up", id=f"e{n}") for n in range(MANY - 10, MANY + 100)))
    run = shop.start("--follow", followed)
    until(lambda: shop.events() >= MANY + 100)
    until(lambda: len(shop.sends()) == 2 * (MANY + 100))
    until(lambda: {send.status for send in shop.sends()} == {"sent"})
    shop.stop(run, how)
    assert_clean(shop)
    assert before <= len(shop.sends())
    assert shop.events() == MANY + 100, "no event twice, and none lost"
    assert set(Counter(message["key"] for message in shop.outbox()).values()) == {1}
    assert len(shop.outbox()) == 2 * (MANY + 100), "the waits of the first run have fired in the second"


def test_what_was_taken_off_a_pipe_is_in_the_store_when_a_signal_ends_the_run(shop, record, until):
    reading, writing = os.pipe()
    # All of it is on the pipe before anybody reads, so that one look takes all of it off.
    os.write(writing, "".join(record(f"c{n}", "signed_up") for n in range(200)).encode())
    run = shop.start(stdin=reading)
    os.close(reading)
    until(lambda: shop.events() > 0)
    shop.stop(run)
    os.close(writing)
    assert shop.events() == 200
    assert_clean(shop)


@pytest.mark.parametrize("delay", [0.1, 0.3])
def test_a_kill_loses_no_event_and_asks_for_no_message_twice(shop, record, until, delay):
    followed = shop.root / "events.jsonl"
    followed.write_text("".join(record(f"c{n}", "signed_up") for n in range(5_000)))
    run = shop.start("--follow", followed)
    time.sleep(delay)  # where in its work the run is hit is left to chance on purpose
    run.kill()
    run.wait()
    run = shop.start("--follow", followed)
    until(lambda: len(shop.ask(lambda store: store.sends(20_000))) == 10_000)
    until(lambda: shop.ask(lambda store: store.next_available()) is None)
    shop.stop(run)
    assert_clean(shop)
    assert shop.events() == 5_000
    sends = shop.ask(lambda store: store.sends(20_000))
    assert {send.status for send in sends} == {"sent"}
    assert len({send.key for send in sends}) == 10_000
    counts = shop.ask(lambda store: store.journey_counts())
    assert sum(count.count for count in counts) == 5_000
    written = Counter(message["key"] for message in shop.outbox(killed=True))
    assert set(written.values()) == {1}, "what may have gone out is assumed to have gone out"


@pytest.mark.parametrize(("declared", "reason", "written"), [("assume_sent", "assumed", 1), ("retry", None, 2)])
def test_a_send_whose_outcome_a_kill_hid_is_settled_as_the_channel_declares(
    make_shop, record, until, declared, reason, written
):
    shop = make_shop(
        {
            "channels/post/channel.yaml": f"""
adapter: file
medium: text
consent: none
path: outbox
on_unknown: {declared}
retry: {{ attempts: 3, first: 1 second, longest: 1 second }}
"""
        }
    )
    assert shop.run("run", "--once", stdin=record("ada", "signed_up")).returncode == 0
    with closing(sqlite3.connect(shop.store_path)) as connection, connection:
        connection.execute("UPDATE sends SET status = 'sending', reason = NULL, settled_at = NULL")
    run = shop.start()
    until(lambda: len(shop.sends()) == 2 and {send.status for send in shop.sends()} == {"sent"})
    shop.stop(run)
    first = shop.sends()[0]
    assert (first.status, first.reason) == ("sent", reason)
    assert len([message for message in shop.outbox() if message["key"] == first.key]) == written


def test_a_second_run_on_the_same_store_is_refused(shop):
    run = shop.start()
    second = shop.run("run", "--once")
    assert second.returncode == 2
    assert "is in use by another process" in second.stderr
    assert str(run.pid) in second.stderr
    assert "Traceback" not in second.stderr
    asked = shop.run("status")
    assert asked.returncode == 0, "asking is allowed meanwhile"
    shop.stop(run)


def test_a_dry_run_sends_nothing_and_leaves_the_store_as_it_was(shop, record):
    followed = shop.root / "events.jsonl"
    followed.write_text(record("ada", "signed_up"))
    assert shop.run("run", "--once", "--follow", followed).returncode == 0
    before = digest(shop.store_path)
    messages = shop.outbox()
    with followed.open("a") as file:
        file.write(record("bo", "signed_up"))
    rehearsed = shop.run("run", "--once", "--dry-run", "--follow", followed)
    assert rehearsed.returncode == 0, rehearsed.stderr
    assert "nothing was sent, nothing was kept" in rehearsed.stderr
    assert "Took in 1 records" in rehearsed.stderr
    assert digest(shop.store_path) == before
    assert shop.outbox() == messages
    assert shop.run("run", "--once", "--follow", followed).returncode == 0
    assert shop.events() == 2, "the position has not moved in the rehearsal"


def test_a_dry_run_may_be_tried_beside_a_run_and_without_a_store(make_shop, record):
    shop = make_shop(PATIENT)
    first = shop.run("run", "--once", "--dry-run", stdin=record("ada", "signed_up"))
    assert first.returncode == 0, first.stderr
    assert not shop.store_path.parent.exists()
    run = shop.start()
    beside = shop.run("run", "--once", "--dry-run", stdin=record("ada", "signed_up"))
    assert beside.returncode == 0, beside.stderr
    assert "1 messages would be handed over" in beside.stderr
    shop.stop(run)
    assert shop.events() == 0


def test_a_store_lives_on_one_clock(shop, record):
    recording = shop.root / "recording.jsonl"
    recording.write_text(record("ada", "signed_up", "2026-03-02T09:00:00Z"))
    assert shop.run("run", "--once").returncode == 0
    replayed = shop.run("run", "--events", recording, "--store", shop.store_path)
    assert replayed.returncode == 2
    assert "belongs to live runs" in replayed.stderr
    assert shop.run("run", "--events", recording).returncode == 0
    live = shop.run("run", "--once", "--store", ".journeyscript/replay.db")
    assert live.returncode == 2
    assert "was filled by a replay" in live.stderr
    assert "Traceback" not in live.stderr + replayed.stderr


def test_new_versions_take_new_entries_and_older_ones_are_finished(shop, record, until):
    assert shop.run("run", "--once", stdin=record("ada", "signed_up")).returncode == 0
    shop.write({"channels/post/later.txt": "A new text for {{ customer.id }}"})
    run = shop.start(stdin=subprocess.PIPE)
    run.stdin.write(record("bo", "signed_up"))
    run.stdin.flush()
    until(lambda: len(shop.outbox()) == 4)
    shop.stop(run)
    texts = {m["customer"]: m["text"].strip() for m in shop.outbox() if m["message"] == "later"}
    assert texts == {"ada": "Hello again, ada", "bo": "A new text for bo"}
    journeys = json.loads(shop.run("status", "--output-format", "json").stdout)["journeys"]
    assert journeys[0]["versions"] == 2


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def holds_on(shop, process):
    """Return whether a run that was started stands by."""
    return "Standing by: another process holds" in shop.said(process) and process.poll() is None


def stand_by(shop, *arguments):
    """Start a run that finds the store taken."""
    return shop.begin("--standby", *arguments)


def test_a_run_that_stands_by_takes_over_when_the_first_is_killed_and_nothing_is_lost(shop, record, until):
    followed = shop.root / "events.jsonl"
    followed.write_text("".join(record(f"c{n}", "signed_up", id=f"e{n}") for n in range(300)))
    first = shop.start("--follow", followed)
    second = stand_by(shop, "--follow", followed)
    until(lambda: holds_on(shop, second))
    until(lambda: shop.events() == 300)
    with followed.open("a") as file:
        file.write("".join(record(f"c{n}", "signed_up", id=f"e{n}") for n in range(300, 600)))
    first.kill()
    first.wait()
    until(lambda: "Ctrl-C stops.\nRunning" in shop.said(second))
    third = stand_by(shop, "--follow", followed)
    until(lambda: holds_on(shop, third))
    until(lambda: len(shop.sends()) == 1_200 and {send.status for send in shop.sends()} == {"sent"})
    assert shop.events() == 600
    assert set(Counter(message["key"] for message in shop.outbox(killed=True)).values()) == {1}
    shop.stop(second)
    until(lambda: "Running" in shop.said(third))
    shop.stop(third)
    assert_clean(shop)


def test_a_run_that_stands_by_takes_over_with_the_journeys_as_they_are_then(shop, record, until):
    first = shop.start()
    second = stand_by(shop, "--follow", shop.root / "events.jsonl")
    until(lambda: holds_on(shop, second))
    shop.write({"channels/post/welcome.txt": "A newer text"})
    first.kill()
    first.wait()
    (shop.root / "events.jsonl").write_text(record("ada", "signed_up"))
    until(shop.outbox)
    assert shop.outbox()[0]["text"].strip() == "A newer text"
    shop.stop(second)


def test_a_run_that_stands_by_can_be_stopped(shop, until):
    first = shop.start()
    second = stand_by(shop)
    until(lambda: holds_on(shop, second))
    assert "nothing was done" in shop.stop(second)
    assert first.poll() is None
    shop.stop(first)


def test_a_run_that_need_not_stand_by_starts_at_once(make_shop, record):
    shop = make_shop(PATIENT)
    ran = shop.run("run", "--once", "--standby", stdin=record("ada", "signed_up"))
    assert ran.returncode == 0
    assert "Standing by" not in ran.stderr
    assert len(shop.outbox()) == 1
    for other in (("--dry-run",), ("--events", "events.jsonl")):
        refused = shop.run("run", "--standby", *other)
        assert refused.returncode == 2
        assert "--standby" in refused.stderr or "stand by" in refused.stderr


def test_a_health_file_shows_that_a_run_is_alive_and_how_late_it_is(shop, record, until):
    file = shop.root / "run.health"
    followed = shop.root / "events.jsonl"
    followed.write_text(record("ada", "signed_up"))
    run = shop.start("--follow", followed, "--health", file)
    until(lambda: file.exists() and json.loads(file.read_text())["attempted"] == 2)
    until(lambda: json.loads(file.read_text())["late_seconds"] == 0)
    said = json.loads(file.read_text())
    assert (said["pid"], said["taken"], said["refused"]) == (run.pid, 1, 0)
    first = file.stat().st_mtime_ns
    until(lambda: file.stat().st_mtime_ns > first)
    shop.stop(run)
    assert sorted(path.name for path in shop.root.glob("run.health*")) == ["run.health"]


def test_a_health_file_that_cannot_be_written_is_told_before_the_run(shop):
    refused = shop.run("run", "--once", "--health", "nowhere/run.health")
    assert refused.returncode == 2
    assert "`nowhere/run.health` cannot be written" in refused.stderr
    assert shop.run("run", "--events", "events.jsonl", "--health", "run.health").returncode == 2
