"""What commands say of test customers, who are in no count: how much is left out, and of whom."""

import json

import pytest

WELCOME = (
    "journey: welcome\nentry: { event: signed_up, again: never, max_active: 2 }\n"
    "steps:\n  - send: welcome\n  - wait: 3 days\n  - send: later\n"
)
RUN = ("run", "--once")


@pytest.fixture
def tested(make_shop, run_once, record):
    """A shop with two people and a test customer in its journey, and another one whom it had no room for."""
    shop = make_shop({"journeys/welcome.yaml": WELCOME})
    with (shop.root / "journeyscript.yaml").open("a") as project:
        project.write('test_customers: customer.email ?? "" ends with "@shop.example"\n')
    names = {"ada": "example.com", "tess": "shop.example", "bo": "example.com", "cy": "example.com"}
    people = (record(name, "signed_up", attributes={"email": f"{name}@{domain}"}) for name, domain in names.items())
    run_once(shop, "".join(people))
    return shop


def test_status_says_below_its_tables_how_much_is_not_counted(tested, in_process):
    shown = in_process(tested, "status").stdout
    assert shown.rstrip().endswith(
        "Not counted: 1 entry of test customers into `welcome` (1 active), 1 message sent to them."
    )
    assert "2 at wait" in shown
    told = json.loads(in_process(tested, "status", "--output-format", "json").stdout)
    assert [one["entered"] for one in told["journeys"]] == [2]
    assert [one["entered"] for one in told["test_customers"]["journeys"]] == [1]
    assert [one["sent"] for one in told["test_customers"]["messages"]] == [1]


def test_where_everybody_is_counted_nothing_is_said_of_it(make_shop, record, in_process):
    shop = make_shop({"journeys/welcome.yaml": WELCOME})
    assert shop.run(*RUN, stdin=record("tess", "signed_up")).returncode == 0
    assert "Not counted" not in in_process(shop, "status").stdout


def test_who_is_a_test_customer_is_said_where_one_asks_for_them(tested, in_process):
    assert in_process(tested, "explain", "tess").stdout.startswith("tess, a test customer, in welcome (version ")
    assert in_process(tested, "explain", "ada").stdout.startswith("ada in welcome (version ")
    assert ", as a test customer, at wait" in in_process(tested, "customers", "show", "tess").stdout
    assert "test customer" not in in_process(tested, "customers", "show", "ada").stdout
    told = json.loads(in_process(tested, "customers", "export", "tess").stdout)
    assert [one["test_customer"] for one in told["enrollments"]] == [True]


def test_a_picture_with_heat_leaves_them_out(tested, in_process):
    assert "2 here" in in_process(tested, "graph", "welcome", "--heat").stdout


def test_a_plan_tells_them_apart(tested, in_process):
    (tested.root / "journeys" / "welcome.yaml").write_text(WELCOME.replace("- wait:", "- id: pause\n    wait:"))
    planned = in_process(tested, "plan")
    assert planned.exit_code == 1
    assert "2 people and 1 test customer inside" in planned.stdout
    ran = tested.run(*RUN, stdin="")
    assert ran.returncode == 2
    assert "`wait` of `welcome` is gone, and 2 people and 1 test customer stand at it" in ran.stderr


def test_a_replay_counts_as_a_live_run_does(tested, record, in_process):
    (tested.root / "events.jsonl").write_text(
        record("tess", "signed_up", attributes={"email": "t@shop.example"}, time="2026-03-02T12:00Z")
    )
    shown = in_process(tested, "run", "--events", "events.jsonl").output
    assert "Not counted: 1 entry of test customers into `welcome`" in shown
