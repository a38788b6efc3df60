"""Replays by the real command: recordings of several forms, interruptions, rehearsals, and what cannot be replayed."""

import random
import signal
from collections import Counter

import msgspec
import pytest

from journeyscript.runtime.reporting.report import report
from journeyscript.stores.records import StoreError

START = "2026-03-02T09:00:00+00:00"
REPLAY = ".journeyscript/replay.db"


def replay_store(shop):
    return shop.root / REPLAY


def status(shop):
    return msgspec.to_builtins(shop.ask(lambda store: report(store, 0), replay_store(shop)))


def totals(shop):
    return status(shop)["totals"]


def recording(shop, record, customers, name="recording.jsonl"):
    """Write sign-ups of so many customers, one a minute, in no order."""
    lines = [
        record(f"c{n}", "signed_up", f"2026-03-{2 + n // 1440:02}T{n // 60 % 24:02}:{n % 60:02}:00Z")
        for n in range(customers)
    ]
    random.Random(7).shuffle(lines)
    (shop.root / name).write_text("".join(lines))
    return shop.root / name


def contents(shop):
    def told(store):
        customers = sorted({send.customer for send in store.sends(100_000)})
        stories = [store.story(f"c{number}") for number in range(len(customers))]
        return (
            store.sends(100_000),
            store.journey_counts(),
            [(s.customer.number, s.enrollments, s.decisions) for s in stories],
            store.rejected(100),
            store.positions(),
        )

    return shop.ask(told, replay_store(shop))


def test_a_recording_in_no_order_is_replayed_in_the_order_of_time(shop, in_process, record):
    ran = in_process(shop, "run", "--events", recording(shop, record, 100))
    assert ran.exit_code == 0, ran.stderr
    assert "Replayed 100 records of 100 customers from" in ran.stdout
    assert "2026-03-02 to 2026-03-02" in ran.stdout
    assert "Nothing left this machine: the messages are files in .journeyscript/replay.messages." in ran.stdout
    messages = shop.outbox(folder=".journeyscript/replay.messages")
    assert [m["customer"] for m in messages if m["message"] == "welcome"] == [f"c{n}" for n in range(100)]
    assert not (shop.root / "outbox").exists()
    assert totals(shop) == {"customers": 100, "events": 100, "rejected": 0, "overdue": 0}


def test_time_ends_with_the_last_event_or_where_it_is_told(shop, in_process, record):
    file = recording(shop, record, 3)
    assert in_process(shop, "run", "--events", file).exit_code == 0
    (journey,) = status(shop)["journeys"]
    assert (journey["entered"], journey["active"], journey["completed"]) == (3, 1, 2)
    assert in_process(shop, "run", "--events", file, "--until", "2026-03-05").exit_code == 0
    (journey,) = status(shop)["journeys"]
    assert (journey["entered"], journey["active"], journey["completed"]) == (3, 0, 3)


def test_a_replay_that_ends_early_leaves_out_what_happened_later(shop, in_process, record):
    file = recording(shop, record, 100)
    ran = in_process(shop, "run", "--events", file, "--until", "2026-03-02T00:30:00")
    assert ran.exit_code == 0, ran.stderr
    assert totals(shop)["customers"] == 31, "one a minute, the first at midnight"


def test_a_command_that_is_misspelled_is_suggested(shop, in_process):
    ran = in_process(shop, "valdate")
    assert ran.exit_code == 2
    assert "did you mean `validate`?" in ran.stderr


def test_lines_that_cannot_be_taken_in_are_counted_and_kept(shop, in_process, record):
    (shop.root / "bad.jsonl").write_text(
        "nonsense\n" + record("ada", "sined_up", START) + record("bo", "signed_up") + record("cy", "signed_up", START)
    )
    ran = in_process(shop, "run", "--events", "bad.jsonl")
    assert ran.exit_code == 0, ran.stderr
    assert "Replayed 1 records of 1 customers" in ran.stdout
    assert "3 could not be taken in; the first: not JSON" in ran.stdout
    reasons = shop.ask(lambda store: [r.reason for r in store.rejected(9)], replay_store(shop))
    assert reasons[:2] == [
        "`time` is missing, and a recorded event cannot do without",
        "there is no event `sined_up`; did you mean `signed_up`?",
    ]
    assert "3 records could not be taken in; the last one: `time` is missing" in in_process(shop, "status").stdout


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("csv", "who,day,amount\nada,20260301,12.5\nbo,20260302,3\n"),
        ("tsv", "who\tday\tamount\nada\t20260301\t12.5\nbo\t20260302\t3\n"),
        ("whitespace", "who day amount\n ada 20260301  12.5\n bo 20260302 3\n"),
    ],
)
def test_foreign_tables_are_replayed_by_a_mapping(make_shop, in_process, form, text):
    shop = make_shop(
        {
            "recording": text,
            "mapping.yaml": f"format: {form}\ncustomer: who\nevent: {{ constant: purchased }}\n"
            'time: { column: day, format: "%Y%m%d" }\nproperties: { total: amount }\n',
            "journeys/thanks.yaml": "journey: thanks\n"
            "entry: { event: purchased, where: event.total > 10, again: always }\nsteps: [{ send: welcome }]\n",
        }
    )
    ran = in_process(shop, "run", "--events", "recording", "--mapping", "mapping.yaml")
    assert ran.exit_code == 0, ran.stderr
    (journey,) = [j for j in status(shop)["journeys"] if j["journey"] == "thanks"]
    assert (journey["entered"], journey["completed"]) == (1, 1)
    assert totals(shop)["events"] == 2


def replaying(shop):
    """Return whether a replay is in the middle of its recording: from then on it answers signals."""
    try:
        return shop.ask(lambda store: store.settings()["finished"] == "no" and store.positions(), replay_store(shop))
    except (StoreError, KeyError):
        return False  # the store is being made, or not there yet


def interrupted(shop, file, how, until):
    """Interrupt a replay in its middle; return whether it had not come to its end before."""
    process = shop.begin("--events", file)
    until(lambda: process.poll() is not None or replaying(shop))
    process.send_signal(how)
    until(lambda: process.poll() is not None)
    stopped = "Stopped before the end; the same command goes on from here." in shop.said(process)
    assert process.returncode == 0 or not stopped, shop.said(process)
    return stopped


def test_an_interrupted_replay_goes_on_to_what_an_uninterrupted_one_comes_to(shop, record, until):
    file = recording(shop, record, 5_000)
    # Where this process has to wait for its turn, a replay may be through before it is told to stop.
    assert any(interrupted(shop, file, how, until) for how in (signal.SIGINT, signal.SIGTERM) * 3)
    ran = shop.run("run", "--events", file)
    assert ran.returncode == 0, ran.stderr
    assert "Went on with the replay that was interrupted." in ran.stdout
    parts = contents(shop)
    again = shop.run("run", "--events", file)
    assert "Went on" not in again.stdout, "a replay that is finished is started over"
    assert contents(shop) == parts
    assert len(parts[0]) == 2 * 5_000 - 1
    messages = Counter(m["key"] for m in shop.outbox(folder=".journeyscript/replay.messages"))
    assert set(messages.values()) == {1}


def test_a_replay_is_started_over_when_journeys_or_events_changed(shop, in_process, record):
    file = recording(shop, record, 5)
    assert in_process(shop, "run", "--events", file).exit_code == 0
    shop.write({"channels/post/welcome.txt": "Another text"})
    assert in_process(shop, "run", "--events", file).exit_code == 0
    texts = {
        m["text"].strip() for m in shop.outbox(folder=".journeyscript/replay.messages") if m["message"] == "welcome"
    }
    assert texts == {"Another text"}
    with file.open("a") as more:
        more.write(record("new", "signed_up", START))
    assert in_process(shop, "run", "--events", file).exit_code == 0
    assert totals(shop)["customers"] == 6


def test_a_dry_run_keeps_nothing_and_deliver_sends_for_real(shop, in_process, record):
    file = recording(shop, record, 2)
    dry = in_process(shop, "run", "--events", file, "--dry-run")
    assert dry.exit_code == 0, dry.stderr
    assert "A dry run: nothing was sent, nothing was kept." in dry.stdout
    assert "welcome" in dry.stdout
    assert not (shop.root / ".journeyscript").exists()
    real = in_process(shop, "run", "--events", file, "--deliver")
    assert real.exit_code == 0, real.stderr
    assert {m["message"] for m in shop.outbox()} == {"welcome", "later"}
    assert "Nothing left this machine" not in real.stdout


def test_a_repeated_id_counts_once_within_a_recording(shop, in_process, record):
    (shop.root / "twice.jsonl").write_text(record("ada", "purchased", START, id="o1", properties={"total": 1}) * 2)
    assert in_process(shop, "run", "--events", "twice.jsonl").exit_code == 0
    assert totals(shop)["events"] == 1
    assert totals(shop)["rejected"] == 0


@pytest.mark.parametrize(
    ("arguments", "files", "code", "said"),
    [
        (["--events", "absent"], {}, 2, "`absent` cannot be read: No such file or directory"),
        (["--events", "journeys"], {}, 2, "`journeys` cannot be read: Is a directory"),
        (["--events", "e"], {"e": ""}, 3, "there are no events in `e`"),
        (["--events", "e"], {"e": "\n\n"}, 3, "there are no events in `e`"),
        (["--events", "e", "--mapping", "m"], {"e": "a,b\n", "m": "format: csv\ncustomer: who\n"
         "event: { constant: closed }\ntime: { column: b }\n"}, 2, "the file has no column `who`; it has `a`, `b`"),
        (["--events", "e", "--mapping", "m"], {"e": "a,b\n", "m": "format: xml\n"}, 2, "m:1"),
        (["--events", "e", "--mapping", "absent.yaml"], {"e": "a,b\n"}, 2, "absent.yaml"),
        (["--events", "e", "--once"], {"e": ""}, 2, "belong to a live run"),
        (["--until", "2026-03-01"], {}, 2, "belong to a replay"),
        (["--deliver"], {}, 2, "belong to a replay"),
        (["--events", "e", "--until", "soon"], {"e": ""}, 2, "'soon' does not match"),
        (["--events", "e"], {"e": "{}", "journeys/welcome.yaml": "journey: welcome\n"}, 1, "journeys/welcome.yaml"),
        (["--once"], {"journeys/welcome.yaml": None}, 2, "the project has no journeys"),
        (["--once", "--store", "journeys"], {}, 2, "journeys"),
        (["--once", "--store", "e"], {"e": "something else, no store at all"}, 2, "is not a store of JourneyScript"),
    ],
    ids=["absent", "a folder", "empty", "blank", "no column", "no mapping", "absent mapping", "live options",
         "replay options", "deliver", "until", "unsound", "no journeys", "a folder as store", "no store"],
)  # fmt: skip
def test_what_cannot_be_run_is_said_in_plain_words(make_shop, in_process, arguments, files, code, said):
    shop = make_shop(files)
    ran = in_process(shop, "run", *arguments)
    assert ran.exit_code == code, ran.output
    assert said in ran.stderr
    assert "Traceback" not in ran.output


def test_a_recording_that_is_no_text_is_one_sentence(shop, in_process):
    (shop.root / "e").write_bytes(b"\xff\xfea\x00")
    ran = in_process(shop, "run", "--events", "e")
    assert (ran.exit_code, ran.stderr) == (2, "error: `e` cannot be read: it is not UTF-8 text\n")
