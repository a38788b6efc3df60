"""`backtest`: the past through the journeys as they are now, compared with what was sent or another version's."""

import json
import os
import subprocess

import pytest

HOUR = 3_600_000
START = 1_782_900_000_000
LONG = """
journey: welcome
entry: { event: signed_up, again: never }
exit:
  - event: closed
steps:
  - send: welcome
  - id: pause
    wait: 2 hours
  - send: later
"""
SHORT = LONG.replace("2 hours", "1 hour")
PAST = [
    ("ada", "signed_up", 0),
    ("bob", "signed_up", 1),
    ("bob", "closed", 1 + HOUR * 3 // 2),
    ("eve", "signed_up", 2),
    ("zoe", "purchased", 9 * HOUR),
]


@pytest.fixture
def shop(make_shop, in_process):
    """A shop with a recording, which went through its journey as it was."""
    shop = make_shop({"journeys/welcome.yaml": LONG})
    lines = [
        json.dumps(
            {
                "customer": customer,
                "event": event,
                "time": START + after,
                "properties": {"total": 3} if event == "purchased" else {},
            }
        )
        for customer, event, after in PAST
    ]
    (shop.root / "past.jsonl").write_text("".join(f"{line}\n" for line in lines))
    ran = in_process(shop, "run", "--events", "past.jsonl")
    assert ran.exit_code == 0, ran.output
    return shop


def of(shop, in_process, *arguments, code=0):
    """Return the messages of a backtest by name."""
    found = in_process(shop, "backtest", "--output-format", "json", *arguments)
    assert found.exit_code == code, found.output
    return {one["message"]: one for one in json.loads(found.stdout)["messages"]}


def counts(message):
    return tuple(message[name] for name in ("before", "now", "only_now", "only_before", "moved"))


def test_the_same_journeys_send_the_same(shop, in_process):
    found = in_process(shop, "backtest", "--exit-code")
    assert found.exit_code == 0, found.output
    assert "Everybody receives the same." in found.stdout
    assert in_process(shop, "backtest", "--events", "past.jsonl", "--exit-code").exit_code == 0


@pytest.mark.parametrize("recording", [(), ("--events", "past.jsonl")])
def test_a_shorter_wait_reaches_who_left_in_between_and_the_others_earlier(shop, in_process, recording):
    shop.write({"journeys/welcome.yaml": SHORT})
    messages = of(shop, in_process, *recording, "--exit-code", code=4)
    assert counts(messages["welcome"]) == (3, 3, 0, 0, 0)
    assert counts(messages["later"]) == (2, 3, 1, 0, 2)
    assert messages["later"]["reasons"] == [{"kind": "only_now", "reason": "exited (closed)", "count": 1}]
    first = messages["later"]["examples"][0]
    assert (first["kind"], first["customer"], first["before"]) == ("only_now", "bob", None)
    assert first["parting"]["before"].endswith("  pause: exit closed")
    assert first["parting"]["now"].endswith("later: time was up, after 1 hour")


def test_only_messages_of_the_period_count(shop, in_process):
    shop.write({"journeys/welcome.yaml": SHORT.replace("closed", "purchased")})
    assert of(shop, in_process, "--since", "2027-01-01", "--until", "2027-01-02", "--events", "past.jsonl") == {}
    late = in_process(shop, "backtest", "--since", "2031-01-01")
    assert late.exit_code == 2
    assert "--since is later than the end" in late.stderr


def test_who_is_not_let_in_any_more_is_told_why(shop, in_process):
    shop.write(
        {"journeys/welcome.yaml": LONG.replace("event: signed_up", "event: signed_up, where: customer.points ?? 0 > 5")}
    )
    messages = of(shop, in_process)
    assert counts(messages["later"]) == (2, 0, 0, 2, 0)
    assert messages["welcome"]["reasons"] == [{"kind": "only_before", "reason": "never entered", "count": 3}]


def test_what_a_revision_or_another_folder_would_send_is_compared_without_any_store(shop, in_process, make_shop):
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for name in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{name}_NAME": "Ada", f"GIT_{name}_EMAIL": "ada@example.com"}
    for arguments in (["init", "--quiet"], ["add", "journeyscript.yaml", "catalog", "channels", "journeys"]):
        subprocess.run(["git", *arguments], cwd=shop.root, check=True, env=environment)
    subprocess.run(["git", "commit", "--quiet", "-m", "long"], cwd=shop.root, check=True, env=environment)
    for file in (shop.root / ".journeyscript").glob("*.db*"):
        file.unlink()
    shop.write({"journeys/welcome.yaml": SHORT})
    messages = of(shop, in_process, "--events", "past.jsonl", "--against", "git:HEAD")
    assert counts(messages["later"]) == (2, 3, 1, 0, 2)
    assert of(shop, in_process, "--events", "past.jsonl", "--against", str(shop.root))["later"]["moved"] == 0


def test_examples_can_be_left_out_and_tables_are_for_people_and_pull_requests(shop, in_process):
    shop.write({"journeys/welcome.yaml": SHORT})
    table = in_process(shop, "backtest").stdout
    assert "  only now: bob, " in table
    assert "Somebody receives something else." in table
    markdown = in_process(shop, "backtest", "--examples", "0", "--output-format", "markdown").stdout
    assert "| welcome | later | 2 | 3 | 1 | 0 | 2 |" in markdown
    assert "| welcome | later | only now | before exited (closed) | 1 |" in markdown
    assert "bob" not in markdown


def test_a_store_of_live_runs_is_gone_through_as_well(make_shop, in_process, record):
    shop = make_shop({"journeys/welcome.yaml": LONG})
    history = [
        record("old", "signed_up", time="2020-01-01T00:00:00Z"),
        record("ada", "signed_up", attributes={"first_name": "Ada"}),
    ]
    (shop.root / "people.jsonl").write_text("".join(history))
    assert in_process(shop, "run", "--follow", "people.jsonl", "--once").exit_code == 0
    messages = of(shop, in_process, "--exit-code")
    assert counts(messages["welcome"]) == (1, 1, 0, 0, 0), "history that was told starts nothing, now as little as then"


def test_what_cannot_be_answered_is_said(make_shop, in_process):
    shop = make_shop({})
    missing = in_process(shop, "backtest")
    assert (missing.exit_code, "there is no store" in missing.stderr) == (2, True)
    (shop.root / "none.jsonl").write_text("")
    empty = in_process(shop, "backtest", "--events", "none.jsonl")
    assert (empty.exit_code, empty.stderr) == (3, "there are no events in `none.jsonl` to go by\n")
    assert in_process(shop, "backtest", "--mapping", "mapping.yaml").exit_code == 2
    assert in_process(shop, "backtest", "--events", "absent.jsonl").exit_code == 2


def test_another_name_of_a_step_is_not_where_two_ways_part(shop, in_process):
    shop.write({"journeys/welcome.yaml": SHORT.replace("id: pause", "id: rest")})
    first = of(shop, in_process)["later"]["examples"][0]
    assert first["customer"] == "bob"
    assert first["parting"]["now"].endswith("later: time was up, after 1 hour")


def test_two_entries_at_one_moment_are_told_apart(make_shop, in_process, record):
    again = """
journey: winback
entry: { event: purchased, again: always }
steps:
  - wait_for: purchased
    timeout: 3 hours
    then: [{ exit: bought_again }]
  - send: later
"""
    shop = make_shop({"journeys/welcome.yaml": again})
    moments = ["10:00", "10:00", "12:00"]
    lines = [record("ada", "purchased", time=f"2026-07-01T{at}:00Z", properties={"total": 3}) for at in moments]
    (shop.root / "past.jsonl").write_text("".join(lines))
    assert in_process(shop, "run", "--events", "past.jsonl", "--until", "2026-07-02").exit_code == 0
    shop.write({"journeys/welcome.yaml": again.replace("3 hours", "1 hour")})
    later = of(shop, in_process)["later"]
    assert counts(later) == (1, 2, 1, 0, 1)
    (only_now,) = (one for one in later["examples"] if one["kind"] == "only_now")
    assert "T14:00:00+02:00  exit.bought_again: " in only_now["parting"]["before"], (
        "the second one waited for two hours"
    )


def test_who_was_let_in_by_a_request_is_let_in_again(make_shop, in_process, record):
    offer = "journey: offer\nentry: { api: { coupon: { type: string } }, again: never }\nsteps:\n  - send: later\n"
    shop = make_shop({"journeys/offer.yaml": offer})
    (shop.root / "people.jsonl").write_text(record("ada", "signed_up"))
    assert in_process(shop, "run", "--follow", "people.jsonl", "--once").exit_code == 0
    assert in_process(shop, "enter", "offer", "ada", "-p", "coupon=MAY").exit_code == 0
    messages = {
        one["journey"]: one
        for one in json.loads(in_process(shop, "backtest", "--output-format", "json").stdout)["messages"]
        if one["message"] == "later"
    }
    assert counts(messages["offer"]) == (1, 1, 0, 0, 0)
