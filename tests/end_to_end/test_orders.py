"""A run that is paused, resumed and stopped from outside, by the commands of its operator."""

import signal
import sqlite3
from contextlib import closing

PATIENT = {
    "journeys/welcome.yaml": """
journey: welcome
entry: { event: signed_up, again: never }
steps:
  - send: welcome
  - wait: 1 hour
  - send: later
"""
}


def order(shop, *command):
    ran = shop.run(*command, "--wait", "50")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def pass_an_hour(shop):
    """Let everybody's time be up, as if an hour had passed."""
    with closing(sqlite3.connect(shop.store_path, timeout=30)) as connection, connection:
        connection.execute("UPDATE enrollments SET due_at = due_at - 3600000 WHERE due_at IS NOT NULL")


def statuses(shop):
    return sorted((send.message, send.status) for send in shop.sends())


def test_a_run_is_paused_and_resumed_from_outside(make_shop, record, until):
    shop = make_shop(PATIENT)
    followed = shop.root / "events.jsonl"
    followed.write_text(record("ada", "signed_up"))
    run = shop.start("--follow", followed)
    until(lambda: statuses(shop) == [("welcome", "sent")])
    assert "`welcome` is paused: 1 enrollment inside" in order(shop, "pause", "welcome")
    with followed.open("a") as file:
        file.write(record("bo", "signed_up"))
    until(lambda: shop.events() == 2)
    until(lambda: [one.reason for one in shop.ask(lambda store: store.refusal_counts())] == ["paused"])
    paused = shop.run("status")
    assert "`welcome` is paused since" in paused.stdout
    pass_an_hour(shop)
    # Timers that are due fire with the records of their round, and so no later than these.
    for name, taken in (("cy", 3), ("di", 4)):
        with followed.open("a") as file:
            file.write(record(name, "signed_up"))
        until(lambda taken=taken: shop.events() == taken)
    assert statuses(shop) == [("welcome", "sent")]
    order(shop, "resume", "welcome", "--overdue", "fire")
    until(lambda: statuses(shop) == [("later", "sent"), ("welcome", "sent")])
    shop.stop(run)
    assert not list(shop.store_path.with_name("store.db.orders").iterdir()), "no order and no answer stays behind"


def test_a_pause_holds_over_a_kill_and_a_restart(make_shop, record):
    shop = make_shop(PATIENT)
    assert shop.run("run", "--once", stdin=record("ada", "signed_up")).returncode == 0
    run = shop.start()
    order(shop, "pause", "welcome")
    run.send_signal(signal.SIGKILL)
    run.wait()
    run = shop.start()
    assert shop.ask(lambda store: store.controls())["welcome"].paused_at is not None
    shop.stop(run)
    pass_an_hour(shop)
    assert shop.run("run", "--once", stdin="").returncode == 0
    assert statuses(shop) == [("welcome", "sent")]
    assert shop.run("resume", "welcome", "--overdue", "skip_stale").returncode == 0
    assert shop.run("run", "--once", stdin="").returncode == 0
    assert statuses(shop) == [("later", "skipped"), ("welcome", "sent")]


def test_a_run_lets_somebody_in_on_request_and_sends_at_once(make_shop, until):
    shop = make_shop(
        {
            "journeys/offer.yaml": """
journey: offer
entry: { api: { coupon: { type: string } }, where: event.coupon != "NONE", again: always }
steps:
  - send: welcome
"""
        }
    )
    run = shop.start()
    assert order(shop, "enter", "offer", "ada", "-p", "coupon=MAY", "--id", "r1") == "`ada` entered `offer`\n"
    until(lambda: statuses(shop) == [("welcome", "sent")])
    for arguments, code, said in (
        (("coupon=MAY", "--id", "r1"), 3, "a request of this id was taken in before\n"),
        (("coupon=NONE",), 1, "`ada` was not let into `offer`: the entry's condition does not hold\n"),
    ):
        ran = shop.run("enter", "offer", "ada", "--wait", "50", "-p", *arguments)
        assert (ran.returncode, ran.stderr) == (code, said)
    assert order(shop, "prune", "--older-than", "400 days").startswith("took away 0 enrollments")
    shop.stop(run)
    assert statuses(shop) == [("welcome", "sent")]
    assert not list(shop.store_path.with_name("store.db.orders").iterdir()), "no order and no answer stays behind"


def test_a_run_erases_merges_and_stops_from_outside(make_shop, record, until):
    shop = make_shop(
        {"journeys/welcome.yaml": PATIENT["journeys/welcome.yaml"].replace("1 hour", "9 days")},
    )
    followed = shop.root / "events.jsonl"
    followed.write_text("".join(record(name, "signed_up") for name in ("ada", "bo", "visitor")))
    run = shop.start("--follow", followed)
    until(lambda: len(statuses(shop)) == 3)
    assert "erased 1 customer" in order(shop, "customers", "erase", "bo", "--yes")
    assert "`visitor` is `ada` from now on" in order(shop, "customers", "merge", "visitor", "ada")
    refused = shop.run("customers", "merge", "visitor", "cy")
    assert refused.returncode == 2
    assert "`visitor` is `ada` already, and cannot be `cy` as well" in refused.stderr
    assert "1 enrollment ended as exited (stopped)" in order(shop, "stop", "welcome", "--exit")
    shop.stop(run)
    counts = shop.ask(lambda store: store.journey_counts())
    assert {count.reason: count.count for count in counts} == {"deleted": 1, "merged": 1, "stopped": 1}
    assert "cannot be `cy` as well" in shop.ask(lambda store: store.rejected(1))[0].reason
