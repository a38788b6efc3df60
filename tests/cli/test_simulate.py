"""`journeyscript simulate`: what it prints, how it ends, and a page that stands alone."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from journeyscript.cli.showing.simulations.bars import bars
from journeyscript.cli.showing.simulations.words import minutes, verdict
from journeyscript.cli.simulate import simulate_command
from journeyscript.runtime.simulation.forecast import DayForecast
from journeyscript.runtime.simulation.proportions import compare
from tests.projects import lay_out

JOURNEY = """
journey: welcome
title: Welcome <b>you</b>
entry: { event: signed_up, again: never }
goal: { event: app_installed, exit: false }
steps:
  - send: welcome
    via: email
  - split: second
    arms:
      - arm: tips
        weight: 50
        steps: [{ send: reminder, via: push }]
      - arm: control
        weight: 50
        steps: []
  - wait: 1 day
"""
CHANNEL = "adapter: console\nconsent: opt_in\nunsubscribe: { mailto: stop@shop.example }\nprice: 0.5\n"
RATE = "rate: { messages: 1, per: 1 hour }\n"
POPULATION = """
population: few
for: 5 days
customers:
  number: {number}
  event: signed_up
  properties: {{ source: web }}
  attributes: {{ email: {{ text: "{{customer}}@shop.example" }}, push_token: token }}
  consent: {{ email: 100% }}
behaviour:
  - {{ after: {{ message: reminder }}, event: app_installed, chance: 60%, within: 1 day }}
  - {{ after: {{ event: signed_up }}, event: app_installed, chance: 20%, within: {{ uniform: [1 hour, 1 day] }} }}
"""


def population(number=10):
    return POPULATION.format(number=number)


@pytest.fixture
def shop(tmp_path):
    return lay_out(
        tmp_path,
        {
            "journeys/welcome.yaml": JOURNEY,
            "channels/email/channel.yaml": CHANNEL + RATE,
            "simulations/few.yaml": population(),
        },
    )


def ran(shop, *words):
    return CliRunner().invoke(simulate_command, ["-C", str(shop), *map(str, words)])


def test_the_tables_tell_the_funnel_the_rate_and_the_cost(shop):
    answer = ran(shop)
    assert answer.exit_code == 0
    assert answer.stderr == ""
    assert "10 customers of few (seed 1), 2026-01-05 to 2026-01-10 in Europe/Berlin." in answer.stdout
    assert re.search(r"send\.welcome +10 +100\.0 %", answer.stdout)
    assert re.search(r"email +10 +5\.00 .* 1 an hour +up to 9 hours late", answer.stdout)
    assert "All messages together cost 5.00." in answer.stdout
    assert "too few to tell" in answer.stdout
    assert "\x1b" not in answer.stdout


def test_json_is_the_same_for_the_same_seed_and_another_for_another(shop):
    (shop / "simulations/few.yaml").write_text(population(60))
    one, again, other = (ran(shop, "few", "--seed", seed, "--output-format", "json").stdout for seed in (5, 5, 6))
    assert one == again != other
    assert json.loads(one)["seed"] == 5
    assert json.loads(one)["channels"][0]["longest_wait"] == 59 * 60


def test_a_population_is_chosen_by_its_name_or_its_path(shop):
    (shop / "simulations/many.yaml").write_text(population(20))
    assert "20 customers" in ran(shop, "many").stdout
    assert "20 customers" in ran(shop, "simulations/many.yaml").stdout
    for words in ((), ("meny",)):
        answer = ran(shop, *words)
        assert answer.exit_code == 2
        assert "there is `few`, `many`" in answer.stderr


def test_what_became_of_one_customer_is_told_step_by_step(shop):
    told = ran(shop, "--explain", "c0000003")
    assert told.exit_code == 0
    assert told.stdout.startswith("c0000003 in welcome (version ")
    assert re.search(r"2026-01-05T\S+  send\.welcome +entered on `signed_up`", told.stdout)
    assert re.search(r"wait +sent by push|wait +drew the arm `control`", told.stdout)
    assert "c0000004" not in told.stdout
    found = json.loads(ran(shop, "--explain", "c0000003", "--output-format", "json").stdout)
    assert [one["journey"] for one in found["enrollments"]] == ["welcome"]
    assert len(found["enrollments"][0]["lines"]) == told.stdout.count("2026-01-") - 1


def test_whoever_does_not_come_is_nobody_to_tell_of(shop):
    answer = ran(shop, "--explain", "c0000011")
    assert (answer.exit_code, answer.stdout) == (3, "")
    assert answer.stderr == "nobody who is called `c0000011` comes in `few`\n"
    both = ran(shop, "--explain", "c0000003", "--html", shop / "page.html")
    assert both.exit_code == 2
    assert not (shop / "page.html").exists()


def test_without_a_population_nothing_matches(shop):
    (shop / "simulations/few.yaml").unlink()
    answer = ran(shop)
    assert answer.exit_code == 3
    assert "write `simulations/NAME.yaml`" in answer.stderr


def test_a_population_that_is_wrong_is_shown_at_its_place(shop):
    (shop / "simulations/few.yaml").write_text(population().replace("message: reminder", "message: remindr"))
    answer = ran(shop)
    assert answer.exit_code == 1
    assert "there is no message `remindr`" in answer.stderr
    assert "simulations/few.yaml:11" in answer.stderr


def test_a_file_of_another_shape_is_an_error_of_the_project(shop):
    (shop / "simulations/few.yaml").write_text("population: few\nfor: 3 days\n")
    answer = ran(shop)
    assert answer.exit_code == 1
    assert "the key `customers` is missing here" in answer.stderr


class Page(HTMLParser):
    """The elements of a page, and whether each that is opened is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.ids = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_stands_alone_and_is_well_formed(shop, tmp_path):
    target = tmp_path / "forecast.html"
    answer = ran(shop, "--html", target)
    assert (answer.exit_code, answer.stderr) == (0, f"wrote {target}\n")
    text = target.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    tags = {tag for tag, _ in page.seen}
    assert tags.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert not any(name in {"src", "href"} for _, attributes in page.seen for name in attributes)
    assert set(re.findall(r"https?://[^\"' <]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in text
    assert "@import" not in text
    assert text.count("<svg") == 2
    assert "prefers-color-scheme: dark" in text


def test_what_a_user_wrote_is_text_on_the_page(shop, tmp_path):
    ran(shop, "--html", tmp_path / "f.html")
    text = (tmp_path / "f.html").read_text(encoding="utf-8")
    assert "<b>you</b>" not in text
    assert "Welcome &lt;b&gt;you&lt;/b&gt;" in text


def test_the_same_forecast_gives_the_same_page(shop, tmp_path):
    for name in ("a.html", "b.html"):
        ran(shop, "--html", tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_page_that_cannot_be_written_is_said_to_be(shop, tmp_path):
    answer = ran(shop, "--html", tmp_path / "nowhere" / "f.html")
    assert answer.exit_code == 2
    assert "cannot be written" in answer.stderr


def test_bars_stand_for_every_day_and_add_up():
    days = [DayForecast(day=day, channel=channel, sent=sent) for day, channel, sent in (
        ("2026-03-01", "email", 30), ("2026-03-01", "sms", 10), ("2026-03-04", "email", 20),
    )]  # fmt: skip
    drawn = ET.fromstring(bars(days, ["email", "sms"]))
    rects = drawn.findall("rect")
    heights = [float(rect.get("height")) for rect in rects]
    assert [rect.find("title").text for rect in rects] == [
        "2026-03-01: 30 by email", "2026-03-01: 10 by sms", "2026-03-04: 20 by email",
    ]  # fmt: skip
    assert heights[0] == pytest.approx(3 * heights[1], rel=0.01)
    assert float(rects[0].get("y")) == pytest.approx(float(rects[1].get("y")) + heights[1], abs=0.2)
    assert [text.text for text in drawn.findall("text")][-4:] == ["03-01", "03-02", "03-03", "03-04"]


def test_a_verdict_says_what_a_difference_shows():
    assert verdict(compare(200, 1000, 100, 1000)) == "a difference; found 100 times out of 100"
    assert verdict(compare(120, 1000, 100, 1000)).startswith("may be chance; found 30 times out of 100; 7,677")
    assert verdict(compare(100, 1000, 100, 1000)) == "no difference"
    assert verdict(compare(2, 1000, 100, 1000)) == "too few to tell"
    assert verdict(None) == "nobody to compare"


def test_times_are_told_in_minutes_and_then_in_hours():
    assert [minutes(count) for count in (1, 119, 120, 6_000)] == ["1 minute", "119 minutes", "2 hours", "100 hours"]


def test_the_shipped_population_goes_through_the_shipped_journeys():
    answer = CliRunner().invoke(
        simulate_command, ["welcome", "-C", str(Path(__file__).parents[2]), "--output-format", "json"]
    )
    found = json.loads(answer.stdout)
    assert (answer.exit_code, found["customers"]) == (0, 2_000)
    assert sum(one["failed"] for one in found["journeys"]) == found["left_out"] == found["cut_short"] == 0
