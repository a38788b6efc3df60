"""What `journeyscript test` does beside running: coverage, tests generated, recorded and updated, changed journeys."""

import json
import os
import subprocess
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from journeyscript.cli.main import cli

FILES = {
    "journeyscript.yaml": "name: small\ntimezone: Europe/Berlin\n",
    "catalog/customer.yaml": """
attributes:
  email: { type: string, optional: true }
  phone: { type: string, optional: true }
  first_name: { type: string, optional: true, sensitive: true }
  country: { type: enum, values: [DE, AT], optional: true }
""",
    "catalog/events.yaml": """
events:
  signed_up: { properties: { note: { type: string, optional: true } } }
  purchased: { properties: { total: { type: money } } }
  closed: {}
""",
    "channels/email/channel.yaml": """
adapter: file
address: email
consent: opt_in
unsubscribe: { mailto: stop@shop.example }
""",
    "channels/email/hello.md": "---\nsubject: Hello\n---\nHello.\n",
    "channels/email/thanks.md": "---\nsubject: Thanks\n---\nThank you.\n",
    "channels/email/offer.md": "---\nsubject: An offer\n---\nAn offer.\n",
    "journeys/first.yaml": """
journey: first
entry: { event: signed_up, again: never }
exit:
  - event: closed
steps:
  - send: hello
  - wait_for: purchased
    where: event.total > 100
    timeout: 2 days
    then:
      - send: thanks
      - exit: bought
  - split: arm
    arms:
      - { arm: a, weight: 5, steps: [{ send: offer }] }
      - { arm: b, weight: 95, steps: [] }
""",
    "journeys/first.test.yaml": """# What first does.
journey: first
tests:
  # The shortest story.
  - name: somebody is greeted
    customer: { email: ada@example.com, consent: { email: true } }
    timeline: [{ event: signed_up }]
    expect: { sends: [{ message: hello }] }
""",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write(tmp_path, FILES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def run(*arguments):
    return CliRunner().invoke(cli, [*map(str, arguments)], prog_name="journeyscript", catch_exceptions=False)


# Coverage ----------------------------------------------------------------------------------------------------------


def test_coverage_counts_what_is_taken_and_names_what_is_not_with_its_place(folder):
    result = run("test", "--coverage")
    assert result.exit_code == 0
    told = result.output.split("\n")
    table = told.index("coverage          steps   transitions  exits and goal  reasons to skip")
    assert told[table + 1] == "first     20.0 %  2 of 7  1 of 7       0 of 1          0 of 6"
    assert "  journeys/first.yaml:9   wait_for.purchased: purchased where event.total > 100 -> send.thanks" in told
    assert "  journeys/first.yaml:8   wait_for.purchased: time is up, after 2 days -> split.arm" in told
    assert "  journeys/first.yaml:14  split.arm: arm b -> end" in told
    assert "  journeys/first.yaml:5   exit: closed" in told


def test_too_little_taken_is_a_no(folder):
    result = run("test", "--fail-under", "50")
    assert result.exit_code == 1
    assert result.stderr == "the tests take 20.0 %, which is less than 50 %\n"
    assert run("test", "--fail-under", "10").exit_code == 0


def test_json_has_the_coverage_where_it_is_asked_for(folder):
    document = json.loads(run("test", "--coverage", "--output-format", "json").stdout)
    (journey,) = document["coverage"]["journeys"]
    assert document["coverage"]["percent"] == 20
    assert (journey["journey"], journey["steps"]) == ("first", {"taken": 2, "of": 7})
    assert {"kind": "exit", "step": "closed", "what": "exit: closed", "leads_to": None,
            "path": "journeys/first.yaml", "line": 5} in journey["missing"]  # fmt: skip
    assert "coverage" not in json.loads(run("test", "--output-format", "json").stdout)


def test_on_the_picture_what_no_test_takes_stands_out(folder):
    assert run("test", "--coverage-picture", "first.svg").exit_code == 0
    root = ET.parse(folder / "first.svg").getroot()
    groups = [
        group for group in root.iter("{http://www.w3.org/2000/svg}g") if "missed" in group.attrib.get("class", "")
    ]
    titles = [group[0].text for group in groups]
    assert any(title.startswith("send.thanks") and title.endswith("no test comes here") for title in titles)
    assert not any(title.startswith("send.hello") for title in titles)


def test_a_picture_is_of_one_journey(folder):
    write(folder, {"journeys/second.yaml": FILES["journeys/first.yaml"].replace("first", "second")})
    write(folder, {"journeys/second.test.yaml": FILES["journeys/first.test.yaml"].replace("first", "second")})
    result = run("test", "--coverage-picture", "all.svg")
    assert result.exit_code == 2
    assert "a picture shows one journey" in result.stderr


# Generating --------------------------------------------------------------------------------------------------------


def test_generated_tests_take_everything_pass_and_keep_what_is_there(folder):
    result = run("test", "--generate")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("first: wrote 4 tests to journeys/first.test.yaml\n")
    text = (folder / "journeys" / "first.test.yaml").read_text()
    assert text.startswith("# What first does.\n")
    assert "  # The shortest story.\n" in text
    assert run("fmt", "--check", "journeys/first.test.yaml").exit_code == 0
    again = run("test", "--fail-under", "100")
    assert again.exit_code == 0, again.output
    assert run("test", "--generate").output == "first: its tests take everything already\n"


def test_where_there_are_no_tests_a_file_is_made_beside_the_journey(folder):
    (folder / "journeys" / "first.test.yaml").unlink()
    assert "to journeys/first.test.yaml" in run("test", "--generate").output
    assert run("test", "--fail-under", "100").exit_code == 0


def test_where_nothing_can_be_written_behind_the_tests_another_file_is(folder):
    text = "tests: [{ name: one, timeline: [{ event: signed_up }], expect: { state: active } }]\njourney: first\n"
    write(folder, {"journeys/first.test.yaml": text})
    assert "to journeys/first.test.more.test.yaml" not in run("test", "--generate").output
    assert (folder / "journeys" / "first.test.yaml").read_text() == text
    assert (folder / "journeys" / "first.more.test.yaml").exists()


def test_what_nobody_can_reach_is_said_plainly(folder):
    impossible = FILES["journeys/first.yaml"].replace(
        "  - split: arm\n",
        "  - branch:\n      - if: days_since(last(purchased).at) > 9000 and not did(purchased)\n"
        "        steps: [{ send: offer, id: never }]\n      - else: []\n  - split: arm\n",
    )
    write(folder, {"journeys/first.yaml": impossible})
    result = run("test", "--generate")
    assert result.exit_code == 1
    assert "first: nobody was found who goes here" in result.output
    assert "journeys/first.yaml:15  branch: " in result.output
    assert "-> never" in result.output


# Recording ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def happened(folder):
    """A store in which ada bought, with her data in several places."""
    ada = {"email": "ada.lovelace@shop.example", "phone": "+49 151 1234567", "first_name": "Ada", "country": "DE"}
    note = "call Ada.Lovelace@shop.example or 0049 151 1234567, says Ada, c-4711"
    records = [
        {"customer": "c-4711", "time": "2026-03-01T09:00:00Z", "attributes": ada, "consent": {"email": True}},
        {"customer": "c-4711", "time": "2026-03-01T10:00:00Z", "event": "signed_up", "properties": {"note": note}},
        {"customer": "c-4711", "time": "2026-03-01T12:30:00Z", "event": "purchased", "properties": {"total": 20}},
        {"customer": "c-4711", "time": "2026-03-02T12:00:00Z", "event": "purchased", "properties": {"total": 120}},
    ]
    write(folder, {"events.jsonl": "".join(f"{json.dumps(record)}\n" for record in records)})
    assert run("run", "--events", "events.jsonl").exit_code == 0
    return folder


def test_what_happened_to_a_customer_becomes_a_test_without_their_data(happened):
    result = run("test", "--record", "c-4711")
    assert result.exit_code == 0, result.output
    assert "wrote `what happened to a customer` to journeys/first.test.yaml; it passes" in result.stdout
    text = (happened / "journeys" / "first.test.yaml").read_text()
    recorded = text.partition("what happened to a customer")[2]
    for personal in ("c-4711", "Ada", "ada", "Lovelace", "1234567"):
        assert personal not in recorded
    assert "call customer-1@example.com or +12025550100, says first_name 1, customer 1" in recorded
    assert "total: 120" in recorded
    assert "reason: bought" in recorded
    assert "replaced: id, " in result.stderr
    assert run("test").exit_code == 0
    assert run("fmt", "--check", "journeys/first.test.yaml").exit_code == 0


def test_where_the_journey_does_otherwise_today_the_difference_is_told_and_nothing_is_written(happened):
    write(happened, {"journeys/first.yaml": FILES["journeys/first.yaml"].replace("2 days", "1 day")})
    before = (happened / "journeys" / "first.test.yaml").read_text()
    result = run("test", "--record", "c-4711")
    assert result.exit_code == 1
    assert "nothing was written: the journey as it is now does otherwise than the store says" in result.stderr
    assert "purchased" in result.stdout
    assert (happened / "journeys" / "first.test.yaml").read_text() == before


def test_nobody_is_recorded_whom_the_store_does_not_know(happened):
    result = run("test", "--record", "nobody")
    assert result.exit_code == 3
    assert result.stderr == "the store knows no customer `nobody`\n"


# Updating ----------------------------------------------------------------------------------------------------------


def test_an_update_rewrites_what_failed_keeps_comments_and_shows_the_difference(folder):
    text = """# About the file.
journey: first
tests:
  - name: a buyer
    customer: { email: ada@example.com, consent: { email: true } }
    timeline:
      - event: signed_up
      - after: 1 day
        event: purchased
        properties: { total: 120 }
    expect:
      sends:
        # The greeting.
        - { message: hello, because: signed_up }
        - { message: offer, channel: email }
      not_sent: [{ message: thanks }]
      state: completed # Not yet.
      reason: bought
"""
    write(folder, {"journeys/first.test.yaml": text})
    assert run("test").exit_code == 1
    result = run("test", "--update")
    assert result.exit_code == 0, result.output
    assert "-      state: completed # Not yet." in result.stderr
    assert "+      state: exited # Not yet." in result.stderr
    updated = (folder / "journeys" / "first.test.yaml").read_text()
    assert "      # The greeting.\n      sends: " in updated
    assert "{ message: thanks }]" in updated
    assert "not_sent" not in updated
    assert "goal" not in updated
    assert run("fmt", "--check", "journeys/first.test.yaml").exit_code == 0
    assert "there is nothing to update" in run("test", "--update").stderr


def test_what_is_said_of_a_message_stays_with_it_where_another_comes_in_between(folder):
    journey = FILES["journeys/first.yaml"].replace(
        "  - wait_for", "  - send: thanks\n    id: early\n  - send: hello\n    id: again\n  - wait_for"
    )
    expected = "[{ message: hello }, { message: hello, channel: email }]"
    tests = FILES["journeys/first.test.yaml"].replace("[{ message: hello }]", expected)
    write(folder, {"journeys/first.yaml": journey, "journeys/first.test.yaml": tests})
    assert run("test", "--update").exit_code == 0
    updated = (folder / "journeys" / "first.test.yaml").read_text()
    assert "{ message: hello }, { message: thanks }, { message: hello, channel: email }" in updated


def test_what_passes_is_left_as_it_is(folder):
    before = (folder / "journeys" / "first.test.yaml").read_text()
    assert run("test", "--update").exit_code == 0
    assert (folder / "journeys" / "first.test.yaml").read_text() == before


@pytest.mark.parametrize("other", ["--update", "--generate"])
def test_what_writes_is_asked_for_one_at_a_time(folder, other):
    arguments = ["--record", "ada", "--generate"] if other == "--generate" else ["--record", "ada", "--update"]
    assert run("test", *arguments).exit_code == 2


# Changed journeys --------------------------------------------------------------------------------------------------


def test_only_journeys_that_changed_since_a_revision_are_tested(folder):
    second = (
        FILES["journeys/first.yaml"].replace("journey: first", "journey: second").replace("split: arm", "split: own")
    )
    write(folder, {"journeys/second.yaml": second.replace("arm: a,", "arm: c,")})
    write(folder, {"journeys/second.test.yaml": FILES["journeys/first.test.yaml"].replace("first", "second")})
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, env=environment)
    unchanged = run("test", "--select", "changed")
    assert (unchanged.exit_code, unchanged.stderr) == (3, "no test was chosen\n")
    write(folder, {"journeys/first.yaml": "# A comment.\n" + FILES["journeys/first.yaml"]})
    assert run("test", "--select", "changed").exit_code == 3
    write(folder, {"journeys/first.yaml": FILES["journeys/first.yaml"].replace("2 days", "3 days")})
    result = run("test", "--select", "changed", "--against", "git:HEAD")
    assert result.output.startswith("journeys/first.test.yaml  .\n\n1 passed")
