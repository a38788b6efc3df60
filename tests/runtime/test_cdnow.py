"""The purchase history of CDNOW through three journeys, against a count that knows nothing of this package."""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path

import pytest

HISTORY = Path(__file__).parents[3] / "shared" / "data" / "CDNOW_master.txt"

pytestmark = pytest.mark.skipif(not HISTORY.exists(), reason="the CDNOW purchase history is not on this machine")

PROJECT = {
    "journeyscript.yaml": "name: cdnow\n",
    "catalog/events.yaml": "events:\n  purchased:\n    properties: {cds: {type: integer}, total: {type: money}}\n",
    "channels/post/channel.yaml": "adapter: file\nmedium: text\nconsent: none\n",
    "channels/post/welcome.txt": "Welcome, {{ customer.id }}",
    "channels/post/we_miss_you.txt": "We miss you, {{ customer.id }}",
    "channels/post/vip_thanks.txt": "Thank you, {{ customer.id }}",
    "journeys/first_purchase.yaml": """
journey: first_purchase
entry: { event: purchased, again: never }
steps:
  - send: welcome
""",
    "journeys/winback.yaml": """
journey: winback
entry: { event: purchased, again: always }
steps:
  - wait_for: purchased
    timeout: 90 days
    then: [{ exit: bought_again }]
  - send: we_miss_you
""",
    "journeys/vip.yaml": """
journey: vip
entry: { event: purchased, where: "sum(purchased.total, last 365 days) > 200", again: never }
steps:
  - send: vip_thanks
""",
    "mapping.yaml": """
format: whitespace
customer: customer_id
event: { constant: purchased }
time: { column: date, format: "%Y%m%d" }
properties: { cds: number_of_cds, total: dollar_value }
""",
}


def purchases():
    """Return every customer's purchases as (day, dollars), in the order of the file."""
    bought = defaultdict(list)
    for line in HISTORY.read_text().splitlines()[1:]:
        customer, day, _cds, dollars = line.split()
        bought[customer].append((date(int(day[:4]), int(day[4:6]), int(day[6:])), float(dollars)))
    return bought


def counted(bought):
    """Return what each journey should have come to, by counting."""
    last_day = max(day for days in bought.values() for day, _ in days)
    silence = timedelta(days=90)
    result = Counter(customers=len(bought), purchases=sum(map(len, bought.values())))
    for days in bought.values():
        spent_within_a_year = (
            sum(dollars for day, dollars in days[: n + 1] if day >= today - timedelta(days=365))
            for n, (today, _) in enumerate(days)
        )
        result["vip"] += any(spent > 200 for spent in spent_within_a_year)
        for (this, _), following in zip(days, [*days[1:], None], strict=True):
            if following is not None and following[0] - this <= silence:
                result["bought_again"] += 1
            elif (last_day if following is None else following[0]) - this >= silence:
                result["missed"] += 1
            else:
                result["watched"] += 1
    return result


def command(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "journeyscript", *arguments, "-C", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


def test_every_purchase_is_taken_in_and_the_journeys_agree_with_a_plain_count(tmp_path):
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    expected = counted(purchases())
    assert (expected["purchases"], expected["customers"]) == (69_659, 23_570), "as published"

    ran = command(tmp_path, "run", "--events", str(HISTORY), "--mapping", str(tmp_path / "mapping.yaml"))
    assert ran.returncode == 0, ran.stderr
    report = json.loads(command(tmp_path, "status", "--output-format", "json").stdout)

    assert report["totals"]["customers"] == expected["customers"]
    assert report["totals"]["events"] == expected["purchases"]
    assert report["totals"]["rejected"] == 0
    journeys = {journey["journey"]: journey for journey in report["journeys"]}
    for journey in journeys.values():
        ended = journey["completed"] + journey["exited"] + journey["failed"]
        assert journey["entered"] == journey["active"] + ended
    assert journeys["first_purchase"]["entered"] == expected["customers"]
    assert journeys["vip"]["entered"] == expected["vip"]
    assert journeys["winback"]["entered"] == expected["purchases"]
    assert journeys["winback"]["exited"] == expected["bought_again"]
    assert journeys["winback"]["completed"] == expected["missed"]
    assert journeys["winback"]["active"] == expected["watched"]
    sent = {message["message"]: message["sent"] for message in report["messages"]}
    assert sent == {
        "welcome": expected["customers"],
        "vip_thanks": expected["vip"],
        "we_miss_you": expected["missed"],
    }
    lines = (tmp_path / ".journeyscript" / "replay.messages" / "post.jsonl").read_text().splitlines()
    assert len(lines) == sum(sent.values()), "each of them is a line in the file"


def silences(bought, days):
    """Return when somebody had bought nothing for so many days: (customer, purchase, day), once for each purchase."""
    last_day = max(day for several in bought.values() for day, _ in several)
    found = {}
    for customer, several in bought.items():
        for place, (this, _) in enumerate(several):
            following = several[place + 1][0] if place + 1 < len(several) else None
            end = this + timedelta(days=days)
            # Who buys on the very day has bought in time; of those who never did again, the file knows only so much.
            if (following is None or following > end) and end <= last_day:
                found[customer, place] = end
    return found


def test_a_winback_after_60_days_instead_of_90_reaches_those_whom_a_count_finds(tmp_path):
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    recording = ("--events", str(HISTORY), "--mapping", str(tmp_path / "mapping.yaml"))
    assert command(tmp_path, "run", *recording).returncode == 0
    journey = tmp_path / "journeys" / "winback.yaml"
    journey.write_text(journey.read_text().replace("90 days", "60 days"))

    found = command(tmp_path, "backtest", *recording, "--exit-code", "--output-format", "json")

    assert found.returncode == 4, found.stderr
    report = json.loads(found.stdout)
    messages = {one["message"]: one for one in report["messages"]}
    bought = purchases()
    before, now = silences(bought, 90), silences(bought, 60)
    assert before.keys() < now.keys(), "who stays away for 90 days has stayed away for 60"
    winback = messages["we_miss_you"]
    assert (winback["before"], winback["now"]) == (len(before), len(now))
    assert (winback["moved"], winback["only_now"], winback["only_before"]) == (
        len(before),
        len(now) - len(before),
        0,
    ), "everybody who was missed is missed a month earlier, and some more are"
    last_day = max(day for several in bought.values() for day, _ in several)
    came_back = sum(
        place + 1 < len(bought[customer]) and bought[customer][place + 1][0] <= last_day
        for customer, place in now.keys() - before.keys()
    )
    reasons = {reason["reason"]: reason["count"] for reason in winback["reasons"]}
    assert reasons == {
        "exited (bought_again)": came_back,
        "still at `wait_for.purchased`": len(now) - len(before) - came_back,
    }, "they bought again between the 60th and the 90th day, or the recording ends in between"
    example = next(one for one in winback["examples"] if one["kind"] == "only_now")
    assert example["parting"]["before"].endswith("exit.bought_again: `purchased` happened")
    assert example["parting"]["now"].endswith("send.we_miss_you: time was up, after 60 days")
    for message in ("welcome", "vip_thanks"):
        same = messages[message]
        assert same["before"] == same["now"] > 0
        assert same["only_now"] == same["only_before"] == same["moved"] == 0
