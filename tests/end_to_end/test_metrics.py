"""The metrics of a live run, scraped as Prometheus does it and read from the file that node_exporter would read."""

import contextlib
import os
import random
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

FILES = {
    "channels/post/channel.yaml": "adapter: file\nmedium: text\nconsent: none\npath: outbox\naddress: email\n",
    "journeys/welcome.yaml": "journey: welcome\nentry: { event: signed_up, again: never }\n"
    "exit:\n  - event: closed\nsteps:\n  - send: welcome\n  - wait: 1 second\n  - send: later\n",
}

PATIENT = {**FILES, "journeys/welcome.yaml": FILES["journeys/welcome.yaml"].replace("1 second", "9 days")}
"""The second message is due in no run that ends at once, however long the machine takes for it."""

DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Whatever proxy the environment names, it leads nowhere on this machine."""

PROGRAM = """
import sys
from journeyscript.cli.main import cli
cli(["run", "--once"], standalone_mode=False)
sys.exit("prometheus_client" in sys.modules)
"""


def read(text):
    """Return every sample of an exposition: (name, labels without the empty ones) to its value."""
    return {
        (one.name.removeprefix("journeyscript_"), *sorted(value for value in one.labels.values() if value)): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def scrape(shop, run):
    found = re.search(r"Metrics are at (http://127\.0\.0\.1:[0-9]+/metrics)\.", shop.said(run))
    assert found, shop.said(run)
    with DIRECTLY.open(found[1], timeout=60) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        return answer.read().decode()


def quiet_port():
    """Return a free port that the system gives to nobody who asks for any, so that it is free a while later as well."""
    while True:
        port = random.randrange(10_000, 30_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@pytest.fixture
def people(record):
    """Ada goes all the way, Bo has no address, Cleo leaves; Ada signs up twice, and one record is nonsense."""
    known = {"attributes": {"email": "ada@example.com", "first_name": "Ada"}}
    return "".join(
        [
            record("ada-17", "signed_up", id="e-1", **known),
            record("bo-18", "signed_up", id="e-2"),
            record("cleo-19", "signed_up", id="e-3", attributes={"email": "cleo@example.com"}),
            record("cleo-19", "closed", id="e-4"),
            record("ada-17", "signed_up", id="e-5"),
            record("ada-17", "nonsense", id="e-6"),
        ]
    )


def test_a_scrape_tells_what_the_run_did_and_names_nobody(make_shop, people, until):
    shop = make_shop(FILES)
    followed = shop.root / "events.jsonl"
    followed.write_text(people)
    file = shop.root / "journeyscript.prom"
    run = shop.start("--follow", followed, "--metrics-port", 0, "--metrics-file", file)
    until(lambda: read(scrape(shop, run)).get(("deliveries_total", "post", "sent")) == 3)
    until(lambda: read(scrape(shop, run))[("timers_overdue_seconds",)] == 0)
    until(lambda: read(scrape(shop, run))[("outbox_overdue_seconds",)] == 0)
    text = scrape(shop, run)
    found = read(text)
    assert found[("records_total", "file", "taken")] == 5
    assert found[("records_total", "file", "refused")] == 1
    assert found[("entries_total", "welcome")] == 3
    assert found[("refusals_total", "inside", "welcome")] == 1
    assert found[("endings_total", "completed", "welcome")] == 2
    assert found[("endings_total", "exited", "welcome")] == 1
    assert found[("sends_total", "decided", "post", "welcome")] == 3
    assert found[("sends_total", "no_address", "skipped", "welcome")] == 2
    assert found[("timer_lateness_seconds_count",)] == 2, "of Ada and Bo; Cleo has left before"
    assert found[("timer_lateness_seconds_sum",)] >= 0
    assert found[("batch_seconds_count",)] >= 2
    assert found[("last_round_timestamp_seconds",)] > 1_700_000_000
    assert found[("outbox_overdue_seconds",)] == 0
    for said in (text, file.read_text()):
        assert not re.search("ada|bo-1|cleo|example|e-[0-9]|events.jsonl", said, re.IGNORECASE)
        assert str(shop.root) not in said
    shop.stop(run)
    assert read(file.read_text())[("deliveries_total", "post", "sent")] == 3, "written once more at the end"
    assert sorted(path.name for path in shop.root.glob("*.prom*")) == ["journeyscript.prom"]


def test_a_run_that_ends_at_once_leaves_its_counts_in_the_file_and_the_next_counts_anew(make_shop, people):
    shop = make_shop(PATIENT)
    arguments = ("run", "--once", "--metrics-file", "run.prom")
    assert shop.run(*arguments, stdin=people).returncode == 0
    found = read((shop.root / "run.prom").read_text())
    assert found[("records_total", "stdin", "taken")] == 5
    assert found[("entries_total", "welcome")] == 3
    assert found[("next_timer_timestamp_seconds",)] > 0
    assert shop.run(*arguments, stdin="").returncode == 0
    found = read((shop.root / "run.prom").read_text())
    assert found[("entries_total", "welcome")] == 0
    assert not [name for name in found if name[0] == "records_total"]


def test_who_is_erased_has_ended_and_no_journey_is_named_for_it(make_shop, people, record):
    shop = make_shop(PATIENT)
    forget = record("ada-17", type="erase")
    assert shop.run("run", "--once", "--metrics-file", "run.prom", stdin=people + forget).returncode == 0
    found = read((shop.root / "run.prom").read_text())
    assert found[("endings_total", "exited")] == 1
    assert found[("endings_total", "exited", "welcome")] == 1
    assert found[("records_total", "stdin", "taken")] == 6


def test_a_file_or_a_port_that_cannot_be_had_is_told_before_the_run(shop):
    refused = shop.run("run", "--once", "--metrics-file", "nowhere/run.prom")
    assert (refused.returncode, "`nowhere/run.prom` cannot be written" in refused.stderr) == (2, True), refused.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = shop.run("run", "--once", "--metrics-port", port)
    assert refused.returncode == 2
    assert f"port {port} of 127.0.0.1 cannot be listened on" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("other", [("--events", "events.jsonl"), ("--dry-run",)], ids=["replay", "dry"])
def test_metrics_are_of_a_run_that_is_live(shop, other):
    (shop.root / "events.jsonl").write_text("")
    assert shop.run("run", *other, "--metrics-file", "run.prom").returncode == 2
    assert not (shop.root / "run.prom").exists()


def test_without_metrics_their_library_is_not_even_imported(shop, record):
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            PROGRAM,
        ],
        input=record("ada", "signed_up"),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=shop.root,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (said.returncode, "Took in 1 records" in said.stderr) == (0, True), said.stderr


def test_a_run_that_stands_by_answers_on_the_same_port_once_it_has_taken_over(shop, until):
    arguments = ("--follow", shop.root / "events.jsonl", "--metrics-port", quiet_port())
    first = shop.start(*arguments)
    assert ("entries_total", "welcome") in read(scrape(shop, first))
    second = shop.start("--standby", *arguments)
    assert "Standing by" in shop.said(second)
    shop.stop(first)
    until(lambda: "Running 1 journey" in shop.said(second))
    assert ("entries_total", "welcome") in read(scrape(shop, second))
    shop.stop(second)
