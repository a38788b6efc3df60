"""What a run writes to standard error: nothing that is about somebody, and as JSON where that is asked for."""

import json
import sqlite3
from contextlib import closing

SECRETS = ("ada", "grace", "hopper", "lovelace", "secret")
FILES = {
    "channels/post/welcome.txt": "Hello {{ customer.first_name | slice: customer.points }}",
    "channels/email/channel.yaml": """
adapter: smtp
medium: email
consent: none
sender: shop@shop.example
unsubscribe: { mailto: stop@shop.example }
smtp: { host: 127.0.0.1, port: 9, tls: none }
""",
    "channels/email/later.md": "---\nsubject: Hello\n---\nHello\n",
}


def troubled(record):
    """Return records of people with which everything goes wrong that can."""
    people = {
        "ada-lovelace": {"email": "ada@secret.example", "first_name": "Ada", "points": 1},
        "grace-hopper": {"email": "not an address of grace", "first_name": "Grace", "points": 2},
    }
    lines = [record(name, "signed_up", attributes=fields) for name, fields in people.items()]
    lines.append(record("ada-lovelace", "signed_up", attributes={"points": "secret number"}))
    lines.append(record("grace-hopper", "bought_secret_things"))
    lines.append(json.dumps({"type": "merge", "customer": "grace-hopper", "previous": "ada-lovelace"}) + "\n")
    lines.append(json.dumps({"type": "merge", "customer": "somebody", "previous": "ada-lovelace"}) + "\n")
    lines.append("this is no JSON of ada\n")
    return "".join(lines)


def assert_discreet(text):
    assert [word for word in SECRETS if word in text.lower()] == [], text


def test_a_log_names_nobody_whatever_goes_wrong(make_shop, record):
    shop = make_shop(FILES)
    assert shop.run("run", "--once").returncode == 0
    with closing(sqlite3.connect(shop.store_path)) as connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON sends WHEN NEW.data LIKE '%Grace%' "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    (shop.root / "events.jsonl").write_text(troubled(record))
    logged = ""
    for log_format in ("text", "json"):
        ran = shop.run("run", "--once", "--follow", "events.jsonl", "--log-format", log_format)
        assert ran.returncode == 0, ran.stderr
        assert_discreet(ran.stderr)
        logged += ran.stderr
        (shop.root / "events.jsonl").write_text(troubled(record) * 2)
    assert "records refused, and kept" in logged
    assert "set apart" in logged


def test_as_json_every_line_is_an_object_that_says_when_how_bad_who_and_what(shop, record):
    ran = shop.run("run", "--once", "--log-format", "json", stdin=record("ada", "signed_up") + "no JSON\n")
    assert ran.returncode == 0
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [line["level"] for line in lines] == ["info", "warning", "info"]
    assert lines[0]["message"].startswith("Running 1 journey; reading")
    assert lines[1] == {
        "at": lines[1]["at"],
        "level": "warning",
        "logger": "journeyscript.runtime.live",
        "message": "1 of 2 records refused, and kept with the reason",
    }
    assert lines[2]["message"].startswith("Stopped; the store is")
    assert lines[0]["at"] <= lines[1]["at"] <= lines[2]["at"]
    assert lines[0]["at"].endswith("+00:00")
