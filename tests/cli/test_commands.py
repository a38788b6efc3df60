"""What the commands print, how they end in every format, and how little it takes to ask for help."""

import json
import subprocess
import sys

import pytest

COMMANDS = [
    "init", "validate", "fmt", "test", "simulate", "backtest", "diff", "plan", "apply", "review", "run",
    "status", "explain", "doctor", "enter", "pause", "resume", "stop", "customers", "suppressions", "outbox", "backup",
    "prune", "worst-case", "graph", "compile", "schema",
]  # fmt: skip
HEAVY = {
    "jsonschema",
    "liquid",
    "lark",
    "sqlite_utils",
    "rich",
    "aiosmtplib",
    "apscheduler",
    "whenever",
    "yaml",
    "msgspec",
}

MAIL = {
    "channels/email/channel.yaml": "adapter: file\nmedium: email\nconsent: opt_in\nsender: shop@shop.example\n"
    "unsubscribe: { mailto: stop@shop.example }\n",
    "channels/email/offer.md": "---\nsubject: An offer\n---\nTen percent\n",
    "journeys/welcome.yaml": """
journey: welcome
entry: { event: signed_up, where: has event.plan and event.plan == "pro", again: never }
goal: { event: purchased, within: 5 days, exit: false }
steps:
  - send: welcome
  - wait_for: purchased
    timeout: 1 day
    else:
      - send: offer
        via: email
      - exit: silent
  - wait: 300 days
""",
}

PRO = {"properties": {"plan": "pro"}}


@pytest.fixture
def replayed(make_shop, in_process, record):
    """A shop in which ada was silent and told us not to write, and bo bought."""
    shop = make_shop(MAIL)
    (shop.root / "events.jsonl").write_text(
        record("ada", "signed_up", "2026-03-28T20:00:00+01:00", attributes={"email": "ada@example.com"}, **PRO)
        + record("ada", None, "2026-03-28T21:00:00+01:00", consent={"email": False})
        + record("bo", "signed_up", "2026-03-28T20:00:00+01:00", attributes={"timezone": "Asia/Tokyo"}, **PRO)
        + record("bo", "purchased", "2026-03-28T22:00:00+01:00", properties={"total": 9})
        + record("cy", "signed_up", "2026-03-30T20:00:00+01:00")
        + record("cy", "sined_up", "2026-03-30T20:00:00+01:00")
    )
    ran = in_process(shop, "run", "--events", "events.jsonl")
    assert ran.exit_code == 0, ran.output
    return shop


def test_status_counts_customers_messages_and_what_was_not_sent(replayed, in_process):
    text = in_process(replayed, "status").stdout
    assert ".journeyscript/replay.db, the store of a replay: 3 customers, 4 events" in text
    assert "1 records could not be taken in; the last one: there is no event `sined_up`" in text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "welcome 2 1 0 1 0 1 at wait, 1 silent" in lines
    assert "welcome welcome post 2 0 0" in lines
    assert "welcome offer no_consent 1" in lines

    found = json.loads(in_process(replayed, "status", "--output-format", "json").stdout)
    assert found["totals"] == {"customers": 3, "events": 4, "rejected": 1, "overdue": 0}
    (journey,) = found["journeys"]
    assert journey == {
        "journey": "welcome", "versions": 1, "entered": 2, "active": 1, "completed": 0, "exited": 1, "failed": 0,
        "standing": [{"name": "wait", "count": 1}], "reasons": [{"name": "silent", "count": 1}],
    }  # fmt: skip
    assert found["messages"] == [
        {"journey": "welcome", "message": "welcome", "channel": "post", "sent": 2, "pending": 0, "failed": 0}
    ]
    assert found["not_sent"] == [
        {"journey": "welcome", "message": "offer", "status": "skipped", "reason": "no_consent", "count": 1}
    ]


def test_explain_tells_every_step_and_why_something_was_not_sent(replayed, in_process):
    lines = [" ".join(line.split()) for line in in_process(replayed, "explain", "ada").stdout.splitlines()]
    assert lines[0].startswith("ada in welcome (version ")
    assert lines[0].endswith("): exited (silent) at 2026-03-29T21:00:00+02:00"), "one day is 24 hours, also in March"
    assert lines[1:3] == [
        '2026-03-28T20:00:00+01:00 send.welcome entered on `signed_up` [event.plan = "pro"]',
        "`welcome` sent by post at 2026-03-28T20:00:00+01:00",
    ]
    assert "2026-03-29T21:00:00+02:00 send.offer time was up, after 1 day" in lines
    assert "`offer` not sent: no_consent (email: no_consent)" in lines


def test_explain_speaks_in_the_time_of_the_customer_and_of_the_goal(replayed, in_process):
    head = in_process(replayed, "explain", "bo", "welcome").stdout.splitlines()[0]
    assert "waits at `wait`, until 2027-01-23T06:00:00+09:00 at the latest" in head
    assert "reached its goal at 2026-03-29T06:00:00+09:00" in head


def test_explain_as_json_holds_the_same(replayed, in_process):
    found = json.loads(in_process(replayed, "explain", "ada", "--output-format", "json").stdout)
    (told,) = found["enrollments"]
    assert found["refused"] == []
    assert (told["journey"], told["outcome"][:6]) == ("welcome", "exited")
    first, *_, last = told["lines"]
    assert first["values"] == [["event.plan", "pro"]]
    assert first["place"] == "journeys/welcome.yaml:6"
    assert last["state"] == "exit.silent"
    assert [line["send"] for line in told["lines"] if line["send"]][1].startswith("`offer` not sent")


@pytest.fixture
def refused(make_shop, in_process, record):
    """A shop in which ada signed up twice, and bob when the journey was full."""
    full = MAIL["journeys/welcome.yaml"].replace("never", "never, max_active: 1")
    shop = make_shop({**MAIL, "journeys/welcome.yaml": full})
    (shop.root / "events.jsonl").write_text(
        record("ada", "signed_up", "2026-03-28T20:00:00+01:00", **PRO)
        + record("ada", "signed_up", "2026-03-28T21:00:00+01:00", **PRO)
        + record("bob", "signed_up", "2026-03-28T22:00:00+01:00", attributes={"timezone": "Asia/Tokyo"}, **PRO)
    )
    ran = in_process(shop, "run", "--events", "events.jsonl")
    assert ran.exit_code == 0, ran.output
    return shop


def test_explain_tells_which_journeys_did_not_let_a_customer_in(refused, in_process):
    told = in_process(refused, "explain", "ada").stdout
    assert told.endswith(
        "\nada was refused:\n  2026-03-28T21:00:00+01:00  welcome  on `signed_up`: the customer is inside already\n"
    )
    only = in_process(refused, "explain", "bob", "welcome")
    assert (only.exit_code, only.stdout) == (
        0,
        (
            "bob was refused:\n"
            "  2026-03-29T06:00:00+09:00  welcome  on `signed_up`: as many as `max_active` lets in were inside\n"
        ),
    )
    found = json.loads(in_process(refused, "explain", "bob", "--output-format", "json").stdout)
    assert found["enrollments"] == []
    assert [(one["journey"], one["event"]) for one in found["refused"]] == [("welcome", "signed_up")]


def test_status_counts_who_was_not_let_in(refused, in_process):
    lines = [" ".join(line.split()) for line in in_process(refused, "status").stdout.splitlines()]
    assert "Not entered" in lines
    assert "welcome the customer is inside already 1" in lines
    found = json.loads(in_process(refused, "status", "--output-format", "json").stdout)
    assert found["refused"] == [
        {"journey": "welcome", "reason": "inside", "count": 1},
        {"journey": "welcome", "reason": "max_active", "count": 1},
    ]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody"], "the store knows no customer `nobody`"),
        (["cy"], "`cy` has never entered any journey"),
        (["ada", "winback"], "`ada` has never entered `winback`"),
    ],
    ids=["stranger", "outside", "other journey"],
)
def test_explain_of_what_there_is_not_ends_with_3(replayed, in_process, form, arguments, said):
    ran = in_process(replayed, "explain", *arguments, "--output-format", form)
    assert (ran.exit_code, ran.stderr) == (3, f"{said}\n")


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("command", [["status"], ["explain", "ada"]], ids=["status", "explain"])
def test_asking_where_there_is_no_store_ends_with_2(shop, in_process, command, form):
    ran = in_process(shop, *command, "--output-format", form)
    assert ran.exit_code == 2
    assert ran.stderr.startswith("error: there is no store at `")
    assert "`journeyscript run` makes one" in ran.stderr
    (shop.root / "broken.db").write_bytes(b"SQLite format 3\0" + b"x" * 5_000)
    ran = in_process(shop, *command, "--output-format", form, "--store", "broken.db")
    assert ran.exit_code == 2
    assert ran.stderr.startswith("error: `broken.db` is not a store of JourneyScript")
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate"],
        *(["validate", "--output-format", form] for form in ("full", "concise", "json", "github")),
        ["status"],
        ["status", "--output-format", "json"],
        ["explain", "ada"],
        ["worst-case"],
        ["graph"],
        ["compile"],
        ["run", "--once"],
    ],
    ids=" ".join,
)
def test_without_a_project_every_command_ends_with_2(tmp_path, make_shop, in_process, arguments):
    shop = make_shop({"journeyscript.yaml": None}, root=tmp_path / "nothing")
    ran = in_process(shop, *arguments)
    assert ran.exit_code == 2
    assert "there is no journeyscript.yaml in" in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize("form", ["full", "concise", "json", "github"])
def test_validate_says_no_and_yes_by_its_exit_code_in_every_format(make_shop, in_process, form):
    shop = make_shop()
    assert in_process(shop, "validate", "--output-format", form).exit_code == 0
    shop.write(
        {
            "journeys/welcome.yaml": "journey: welcome\nentry: { event: sined_up, again: never }\n"
            "steps: [{ wait: 1 day }]\n"
        }
    )
    ran = in_process(shop, "validate", "--output-format", form)
    assert ran.exit_code == 1
    assert "sined_up" in ran.stdout
    assert in_process(shop, "validate", "catalog", "--output-format", form).exit_code == 0
    assert in_process(shop, "validate", "journeys/absent.yaml", "--output-format", form).exit_code == 3


@pytest.mark.parametrize(
    "arguments",
    [["compile"], ["compile", "welcome"], ["worst-case"], ["graph"], ["run", "--once"], ["run", "--events", "e"]],
    ids=" ".join,
)
def test_what_needs_a_sound_project_shows_its_errors_and_ends_with_1(make_shop, in_process, arguments):
    shop = make_shop({"journeys/welcome.yaml": "journey: welcome\n"})
    ran = in_process(shop, *arguments)
    assert ran.exit_code == 1
    assert "journeys/welcome.yaml" in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["unknown"],
        ["status", "--output-format", "xml"],
        ["validate", "--output-format", "text"],
        ["explain"],
        ["run", "--unknown"],
        ["run", "--events"],
        ["graph", "a", "b"],
        ["compile", "absent"],
        ["graph", "absent"],
        ["graph", "-o", "absent/folder/picture.mmd"],
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_2(shop, in_process, arguments):
    ran = in_process(shop, *arguments)
    assert ran.exit_code == 2
    assert ran.stdout == ""
    assert ran.stderr


def test_compile_and_graph_print_what_was_compiled(shop, in_process):
    version, name, path = in_process(shop, "compile").stdout.split()
    assert (name, path) == ("welcome", "journeys/welcome.yaml")
    assert in_process(shop, "compile", "welcome", "--version-only").stdout.strip() == version
    machine = json.loads(in_process(shop, "compile", "welcome").stdout)
    assert machine == json.loads(in_process(shop, "compile", "welcome", "--pretty").stdout)
    assert machine["journey"] == "welcome"
    picture = in_process(shop, "graph").stdout
    assert picture.startswith("flowchart")
    assert in_process(shop, "graph", "welcome", "-o", "welcome.mmd").exit_code == 0
    assert (shop.root / "welcome.mmd").read_text() == picture


def test_a_command_works_from_a_folder_below_the_project_and_from_outside(shop, in_process, monkeypatch):
    ran = in_process(shop, "validate", "-C", str(shop.root / "journeys"))
    assert ran.exit_code == 0
    monkeypatch.chdir("/")
    assert in_process(shop, "compile", "--project", str(shop.root)).exit_code == 0


def test_help_lists_every_command_and_reads_nothing_heavy():
    code = (
        "import sys\nsys.argv = ['journeyscript', '--help']\nfrom journeyscript.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print('MODULES', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100)
    text, _, modules = ran.stdout.partition("MODULES")
    listed = [line.split()[0] for line in text.partition("Commands:")[2].splitlines() if line.strip()]
    assert listed == COMMANDS
    assert HEAVY & set(modules.split()) == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(shop, in_process, command):
    ran = in_process(shop, command, "--help")
    assert ran.exit_code == 0
    assert f"journeyscript {command}" in ran.stdout.partition("Usage:")[2].partition("\n")[2]


def test_output_that_nobody_reads_is_no_traceback(replayed):
    command = f"{sys.executable} -m journeyscript compile welcome --pretty | head -1"
    ran = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, cwd=replayed.root, timeout=100
    )
    assert "Traceback" not in ran.stderr
