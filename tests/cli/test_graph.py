"""`journeyscript graph`: the forms a picture comes in, and the counts in it."""

from xml.etree import ElementTree as ET

import pytest

OTHER = {"journeys/other.yaml": "journey: other\nentry: { event: closed, again: never }\nsteps: [{ wait: 1 hour }]\n"}


@pytest.fixture
def lived(shop, record):
    """A project in which ada came to the end and bob stands in the wait."""
    shop.write({"journeys/welcome.yaml": shop_journey("1 day")})
    events = record("ada", "signed_up", "2026-03-01T00:00:00Z") + record("bob", "signed_up", "2026-03-03T00:00:00Z")
    (shop.root / "events.jsonl").write_text(
        events + record("bob", "purchased", "2026-03-03T06:00:00Z", properties={"total": 1})
    )
    replayed = shop.run("run", "--events", "events.jsonl", "--until", "2026-03-03T12:00:00")
    assert replayed.returncode == 0, replayed.stderr
    return shop


def shop_journey(wait, more=""):
    return (
        "journey: welcome\nentry: { event: signed_up, again: never }\nexit: [{ event: closed }]\n"
        f"steps:\n  - send: welcome\n  - wait: {wait}\n{more}  - send: later\n"
    )


@pytest.mark.parametrize(
    ("arguments", "beginning"),
    [
        ([], "flowchart TD\n"),
        (["--format", "mermaid"], "flowchart TD\n"),
        (["--format", "dot"], 'digraph "welcome" {\n'),
        (["--format", "svg"], "<svg "),
    ],
)
def test_a_picture_is_printed_in_the_form_that_is_asked_for(shop, in_process, arguments, beginning):
    ran = in_process(shop, "graph", "welcome", *arguments)
    assert ran.exit_code == 0
    assert ran.stdout.startswith(beginning)
    assert ran.stdout.endswith("\n")


@pytest.mark.parametrize(
    ("name", "arguments", "beginning"),
    [
        ("picture.svg", [], "<svg "),
        ("picture.SVG", [], "<svg "),
        ("picture.dot", [], "digraph "),
        ("picture.gv", [], "digraph "),
        ("picture.mmd", [], "flowchart "),
        ("picture", [], "flowchart "),
        ("picture.svg", ["--format", "dot"], "digraph "),
    ],
)
def test_a_file_has_the_form_of_its_ending_unless_another_is_asked_for(shop, in_process, name, arguments, beginning):
    ran = in_process(shop, "graph", "-o", name, *arguments)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "", f"wrote {name}\n")
    assert (shop.root / name).read_text(encoding="utf-8").startswith(beginning)


def test_of_several_journeys_one_has_to_be_named(shop, in_process):
    shop.write(OTHER)
    ran = in_process(shop, "graph", "--format", "svg")
    assert ran.exit_code == 2
    assert "there is `other`, `welcome`" in ran.stderr
    assert "Journey other" in in_process(shop, "graph", "other", "--format", "svg").stdout


def test_heat_counts_those_who_stand_at_each_step_and_those_who_went_on(lived, in_process):
    ran = in_process(lived, "graph", "--heat", "--format", "svg")
    assert ran.exit_code == 0, ran.stderr
    assert ran.stderr == "counted in .journeyscript/replay.db\n"
    titles = [title.text for title in ET.fromstring(ran.stdout).iter("{http://www.w3.org/2000/svg}title")]
    assert "wait: wait 1 day: 1 here · 1 passed" in titles
    assert "send.welcome: send welcome: by post: 2 passed" in titles
    assert "end: completed: 1 ended" in titles
    assert "1 here" not in in_process(lived, "graph", "--format", "svg").stdout


@pytest.mark.parametrize("form", ["mermaid", "dot"])
def test_heat_stands_in_every_form(lived, in_process, form):
    assert "1 here · 1 passed" in in_process(lived, "graph", "--heat", "--format", form).stdout


def test_heat_tells_of_those_who_stand_where_the_picture_shows_nothing(lived, in_process):
    text = shop_journey("1 day").replace("wait: 1 day", "wait: 2 days\n    id: pause")
    lived.write({"journeys/welcome.yaml": text})
    ran = in_process(lived, "graph", "--heat", "--store", ".journeyscript/replay.db")
    assert ran.exit_code == 0
    assert "1 customer stands at steps that this version no longer has; they are not shown\n" in ran.stderr


def test_heat_without_a_store_says_what_makes_one(shop, in_process):
    ran = in_process(shop, "graph", "--heat")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "there is no store at" in ran.stderr
    assert "`journeyscript run` makes one" in ran.stderr


def test_heat_of_a_file_that_is_no_store_is_one_sentence(shop, in_process):
    (shop.root / "broken.db").write_text("nothing of the kind, and long enough to be looked at" * 40)
    ran = in_process(shop, "graph", "--heat", "--store", "broken.db")
    assert ran.exit_code == 2
    assert ran.stderr.startswith("error: `broken.db` is not a store of JourneyScript")
