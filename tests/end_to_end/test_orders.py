"""A run that is paused, resumed and stopped from outside, by the commands of its operator."""

import signal
import time

QUICK = {
    "journeys/welcome.yaml": """
journey: welcome
entry: { event: signed_up, again: never }
steps:
  - send: welcome
  - wait: 2 seconds
  - send: later
"""
}


def order(shop, *command):
    ran = shop.run(*command, "--wait", "30")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def statuses(shop):
    return sorted((send.message, send.status) for send in shop.sends())


def test_a_run_is_paused_and_resumed_from_outside(make_shop, record, until):
    shop = make_shop(QUICK)
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
    due_at = shop.ask(lambda store: store.story("ada").enrollments[0].due_at)
    until(lambda: time.time() * 1_000 > due_at + 1_500)
    assert statuses(shop) == [("welcome", "sent")]
    order(shop, "resume", "welcome", "--overdue", "fire")
    until(lambda: statuses(shop) == [("later", "sent"), ("welcome", "sent")])
    shop.stop(run)
    assert not list(shop.store_path.with_name("store.db.orders").iterdir()), "no order and no answer stays behind"


def test_a_pause_holds_over_a_kill_and_a_restart(make_shop, record, until):
    shop = make_shop(QUICK)
    assert shop.run("run", "--once", stdin=record("ada", "signed_up")).returncode == 0
    run = shop.start()
    order(shop, "pause", "welcome")
    run.send_signal(signal.SIGKILL)
    run.wait()
    run = shop.start()
    followed = shop.ask(lambda store: store.controls())
    assert followed["welcome"].paused_at is not None
    shop.stop(run)
    assert statuses(shop) == [("welcome", "sent")]
    assert shop.run("resume", "welcome", "--overdue", "skip_stale").returncode == 0
    assert shop.run("run", "--once", stdin="").returncode == 0
    until(lambda: shop.run("run", "--once", stdin="").returncode == 0 and len(shop.sends()) == 2)


def test_a_run_erases_merges_and_stops_from_outside(make_shop, record, until):
    shop = make_shop(
        {"journeys/welcome.yaml": QUICK["journeys/welcome.yaml"].replace("2 seconds", "9 days")},
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
