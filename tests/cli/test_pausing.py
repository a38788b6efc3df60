"""`pause`, `resume` and `stop`, and orders that are left for whoever holds the store."""

import json
from contextlib import closing

import msgspec
import pytest

from journeyscript.runtime.operating.letterbox import Letterbox
from journeyscript.runtime.operating.orders import Pause, Retry
from journeyscript.stores.sqlite import open_sqlite

DAY = 86_400_000
PATIENT = {
    "journeys/welcome.yaml": "journey: welcome\nentry: { event: signed_up, again: never }\n"
    "steps:\n  - send: welcome\n  - wait: 100 days\n  - send: later\n"
}
ORDERS = [
    ("pause", "welcome"),
    ("resume", "welcome"),
    ("stop", "welcome", "--drain"),
    ("customers", "erase", "ada", "--yes"),
    ("customers", "merge", "visitor", "ada"),
    ("outbox", "retry", "--all"),
    ("outbox", "cancel", "--all"),
]


@pytest.fixture
def running(make_shop, run_once, record):
    """A shop whose store of live runs has two customers, ada and a visitor, waiting in a journey."""
    shop = make_shop(PATIENT)
    run_once(shop, record("ada", "signed_up") + record("visitor", "signed_up"))
    return shop


@pytest.fixture
def ask(running, in_process):
    """Ask for a command; return how it ended and what it said."""

    def asked(*command):
        ran = in_process(running, *command)
        assert "Traceback" not in ran.output
        return ran.exit_code, ran.stdout, ran.stderr

    return asked


def test_a_journey_is_paused_and_goes_on(ask):
    assert ask("pause", "welcome") == (0, "`welcome` is paused: 2 enrollments inside stand still\n", "")
    code, told, _ = ask("pause", "welcome")
    assert (code, told.startswith("`welcome` is paused already, since 20")) == (0, True)
    told = ask("status")[1]
    assert "`welcome` is paused since 20" in told
    assert "`journeyscript resume welcome --overdue …` lets it go on" in told
    code, _, told = ask("resume", "welcome")
    assert code == 2
    assert told == (
        "error: `welcome` is paused: say what becomes of all that was due meanwhile\n"
        "  help: --overdue fire, recompute or skip_stale\n"
    )
    assert ask("resume", "welcome", "--overdue", "recompute") == (
        0,
        "`welcome` goes on: all that waits was moved by as long as it stood still\n",
        "",
    )
    assert ask("resume", "welcome", "--overdue", "fire") == (3, "", "`welcome` is neither paused nor stopped\n")


def test_a_journey_is_stopped_and_opened_again(ask):
    assert ask("stop", "welcome")[0] == 2, "what becomes of those inside is to be said"
    assert ask("stop", "welcome", "--drain") == (
        0,
        "`welcome` lets nobody in any more; 2 enrollments inside go on\n",
        "",
    )
    assert "`welcome` lets nobody in since 20" in ask("status")[1]
    assert ask("resume", "welcome") == (0, "`welcome` is open again\n", "")
    assert ask("stop", "welcome", "--exit")[1] == (
        "`welcome` lets nobody in any more; 2 enrollments ended as exited (stopped)\n"
    )
    (ordered,) = json.loads(ask("status", "--output-format", "json")[1])["ordered"]
    assert (ordered["journey"], ordered["paused_at"], ordered["stopped_at"] > 0) == ("welcome", None, True)
    assert "the journey was stopped, and let go of everybody" in ask("explain", "ada")[1]


@pytest.mark.parametrize("command", [("pause",), ("resume",), ("stop", "--exit")], ids=lambda command: command[0])
def test_a_journey_that_nobody_knows_is_refused_with_the_nearest(ask, command):
    code, _, told = ask(*command, "welcom")
    assert code == 2
    assert told.startswith("error: the store knows no journey `welcom`; did you mean `welcome`?\n  help: ")


def test_a_replay_takes_no_orders_for_journeys(running, in_process, record):
    (running.root / "events.jsonl").write_text(record("ada", "signed_up", "2026-03-28T20:00:00+01:00"))
    assert in_process(running, "run", "--events", "events.jsonl").exit_code == 0
    ran = in_process(running, "pause", "welcome", "--store", ".journeyscript/replay.db")
    assert ran.exit_code == 2
    assert "a replay goes by its recording" in ran.stderr


def test_doctor_remembers_a_pause_that_was_forgotten(running, ask):
    ask("pause", "welcome")
    assert "paused" not in ask("doctor")[1]
    with closing(open_sqlite(running.store_path)) as store, store._writing():
        store._connection.execute("UPDATE controls SET paused_at = paused_at - ?", (8 * DAY,))
    code, told, _ = ask("doctor")
    assert code == 0
    assert "note[paused]: `welcome` is paused for 8 days" in told


@pytest.mark.parametrize("command", ORDERS, ids=lambda command: " ".join(command[:2]))
def test_an_order_that_nobody_takes_is_said_to_wait(running, ask, command):
    with closing(open_sqlite(running.store_path)):
        code, told, waits = ask(*command, "--wait", "0.1")
    assert (code, told) == (1, "")
    assert "is in use by another process" in waits
    assert "and has not done it within 0.1 seconds; the order waits" in waits
    assert len(list(Letterbox(running.store_path).folder.glob("*.order"))) == 1


def test_an_order_is_carried_out_by_its_command_where_the_other_process_has_gone(running, ask, monkeypatch):
    store = open_sqlite(running.store_path)
    # The process that held the store ends while the command waits for its answer.
    wait = Letterbox.wait

    def ending(letterbox, name, _):
        if store._lock is None:
            return wait(letterbox, name, 0)
        store.close()
        return None

    monkeypatch.setattr(Letterbox, "wait", ending)
    assert ask("pause", "welcome") == (0, "`welcome` is paused: 2 enrollments inside stand still\n", "")


def test_an_order_that_waits_comes_before_the_next_one(running, ask):
    with closing(open_sqlite(running.store_path)):
        ask("pause", "welcome", "--wait", "0")
    assert ask("resume", "welcome", "--overdue", "fire")[0] == 0, "it was paused by the order that waited"
    assert not list(Letterbox(running.store_path).folder.glob("*.order"))


def test_the_next_run_carries_out_what_waits(running, ask):
    with closing(open_sqlite(running.store_path)):
        ask("customers", "erase", "ada", "--yes", "--wait", "0")
    assert running.run("run", "--once", stdin="").returncode == 0
    assert ask("customers", "show", "ada")[0] == 3
    folder = Letterbox(running.store_path).folder
    assert not any(b"ada" in path.read_bytes() for path in folder.iterdir()), "the order has gone with the customer"


def test_an_order_that_is_none_is_kept_with_the_reason_and_holds_up_nothing(running):
    letterbox = Letterbox(running.store_path)
    letterbox.folder.mkdir()
    (letterbox.folder / "00.order").write_bytes(b'{"type": "explode"}')
    (letterbox.folder / "01.order").write_bytes(b"\xff")
    name = letterbox.drop(Pause(journey="welcome"))
    missing = letterbox.drop(Pause(journey="absent"))
    with closing(open_sqlite(running.store_path)) as store:
        assert letterbox.work(store, 5) == 4
        assert letterbox.work(store, 6) == 0
        assert store.controls()["welcome"].paused_at == 5
        reasons = [one.reason for one in store.rejected(10)]
    assert letterbox.wait(name, 0).kind == "done"
    assert letterbox.wait(missing, 0).said == "the store knows no journey `absent`"
    assert reasons[0] == "the store knows no journey `absent`"
    assert all(reason.startswith("this is no order: ") for reason in reasons[1:])


def test_an_order_that_a_kill_interrupted_is_carried_out_again_and_changes_nothing(running):
    letterbox = Letterbox(running.store_path)
    letterbox.drop(Pause(journey="welcome"))
    (order,) = letterbox.folder.glob("*.order")
    kept = order.read_bytes()
    with closing(open_sqlite(running.store_path)) as store:
        letterbox.work(store, 5)
        order.write_bytes(kept)
        assert letterbox.work(store, 9) == 1
        assert store.controls()["welcome"].paused_at == 5


def test_an_answer_that_its_command_takes_away_at_that_moment_holds_up_nothing(running):
    letterbox = Letterbox(running.store_path)
    letterbox.drop(Pause(journey="welcome"))
    (letterbox.folder / "00.answer").symlink_to("gone")  # It is listed, and not there when it is looked at.
    with closing(open_sqlite(running.store_path)) as store:
        assert letterbox.work(store, 5) == 1


def test_orders_are_plain_json():
    written = msgspec.json.encode(Retry(keys=("a/1/b/2",), channel="email"))
    assert msgspec.json.decode(written) == {
        "type": "retry", "keys": ["a/1/b/2"], "journey": None, "channel": "email", "force": False,
    }  # fmt: skip
