"""A journey as a picture: what stands in it, in each of its forms.

The pictures under `golden/pictures` are those of the journeys in `golden/ok` and of a heat map. Look at them in a
browser before you write them anew with UPDATE_GOLDEN=1.
"""

import os
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from journeyscript.machine.pictures.dot import dot
from journeyscript.machine.pictures.mermaid import mermaid
from journeyscript.machine.pictures.picture import Arrow, Box, Heat, Picture, picture_of
from journeyscript.machine.pictures.svg import svg
from tests.projects import machine_of, steps_of

GOLDEN = Path(__file__).parents[1] / "golden"
JOURNEYS = sorted((GOLDEN / "ok").glob("*.yaml"))
FORMS = {"svg": svg, "dot": dot, "mmd": mermaid}
SVG = "{http://www.w3.org/2000/svg}"

HEAT = {
    "send.welcome": Heat(passed=1_204),
    "wait": Heat(here=310, passed=890, left=4),
    "branch": Heat(passed=890),
    "send.reminder": Heat(passed=200),
    "wait_for.purchased": Heat(here=31, passed=640, left=19),
    "end": Heat(left=840),
}
WARM = """
- send: welcome
- wait: 2 days
- branch:
    - if: customer.vip
      steps: [{ send: reminder }]
    - else: []
- wait_for: purchased
  timeout: 3 days
"""

TEXTS = st.text(max_size=40) | st.sampled_from(
    [
        '"]; end',
        "\\",
        "\\N",
        '\\"',
        "<script>",
        "]]>",
        "&amp;",
        "a\nb",
        "`x`",
        "\x00",
        "%%",
        "#quot;",
        "|",
        "--> s0",
        "中文",
    ]
)


def shown(steps):
    return picture_of(machine_of(steps_of(steps)).machine)


def titles(steps):
    return [box.title for box in shown(steps).boxes[1:]]


def labels(steps):
    return [arrow.label for arrow in shown(steps).arrows[1:]]


def compare(path, text):
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda path: path.stem)
def test_the_pictures_of_the_golden_journeys_are_the_same_to_the_byte(journey, form):
    picture = picture_of(machine_of(journey.read_text()).machine)
    compare(GOLDEN / "pictures" / f"{journey.stem}.{form}", FORMS[form](picture))


@pytest.mark.parametrize("form", FORMS)
def test_a_heat_map_is_the_same_to_the_byte(form):
    picture = picture_of(machine_of(steps_of(WARM)).machine, HEAT)
    compare(GOLDEN / "pictures" / f"heat.{form}", FORMS[form](picture))


@pytest.mark.parametrize(
    ("step", "title"),
    [
        ("- send: welcome", "send welcome"),
        ("- wait: 1 day", "wait 1 day"),
        ("- wait: 2 calendar weeks", "wait 14 calendar days"),
        ("- wait_for: purchased\n  timeout: 1 day", "wait for purchased"),
        (
            "- wait_for: [{ event: purchased, steps: [] }, { event: app_installed, steps: [] }]\n  timeout: 1 day",
            "wait for purchased or app_installed",
        ),
        ('- wait_until: { time: "09:00", days: weekdays }', "wait until 09:00 on weekdays"),
        ('- wait_until: { between: ["09:00", "18:00"] }', "wait between 09:00 and 18:00"),
        ("- wait_until: { when: customer.vip, timeout: 3 days }", "wait until customer.vip"),
        (
            "- wait_until: { date: customer.birthday - 3 days, if_missing: continue }",
            "wait until customer.birthday - 3 days",
        ),
        ("- split: colour\n  arms: [{ arm: a, weight: 100, steps: [] }]", "split colour"),
        ("- repeat: { times: 3 }\n  steps: [{ wait: 1 day }]", "repeat up to 3 times"),
        ("- set: { vip: true }", "set vip"),
        ("- emit: page_viewed\n  properties: { url: '\"/\"' }", "emit page_viewed"),
        ("- enter: offer\n  with: { coupon: '\"MAY\"' }", "enter offer"),
        ("- stage: active", "stage active"),
        ("- branch: [{ if: customer.vip, steps: [] }, { else: [] }]", "branch"),
        ("- branch: [{ if: customer.vip, steps: [] }, { else: [] }]\n  id: valued", "valued"),
    ],
)  # fmt: skip
def test_every_box_says_what_happens_there(step, title):
    first, *_, last = titles(step)
    assert (first, last) == (title, "completed")


def test_a_send_names_its_channels_and_a_step_of_a_name_shows_it():
    (_, send, exit_, _) = shown("- send: reminder\n  via: [push, email]\n  id: hello\n- exit: done").boxes
    assert send.note == "by push, email (hello)"
    assert exit_.title == "exit done"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("- wait: 1 day", [""]),
        ("- wait_for: purchased\n  where: event.total >= 50\n  timeout: 1 day",
         ["purchased where event.total >= 50", "after 1 day"]),
        ("- wait_until: { when: customer.vip, timeout: 3 days }", ["as soon as it holds", "after 3 days"]),
        ("- repeat: { times: 3, until: customer.vip }\n  steps: [{ wait: 1 day }]",
         ["until customer.vip", "next round", "no round left", ""]),
        ("- send: welcome\n  else: [{ wait: 1 day }]", ["not sent", "sent", ""]),
        ("- split: colour\n  arms: [{ arm: a, weight: 30, steps: [] }, { arm: b, weight: 70, steps: [] }]",
         ["a 30 %", "b 70 %"]),
        ("- branch: [{ if: customer.vip, steps: [] }, { else: [] }]", ["customer.vip", "else"]),
    ],
)  # fmt: skip
def test_every_arrow_says_when_it_is_gone_where_that_needs_a_word(step, expected):
    assert labels(step) == expected


def test_what_is_too_long_to_be_shown_stands_whole_in_the_tooltip():
    condition = " and ".join(f"customer.visits > {number}" for number in range(12))
    document = ET.fromstring(svg(shown(f"- branch: [{{ if: {condition}, steps: [] }}, {{ else: [] }}]")))
    texts = [text.text for text in document.iter(f"{SVG}text")]
    assert not any(condition in text for text in texts)
    assert any(text.endswith("…") for text in texts)
    assert condition in [title.text for title in document.iter(f"{SVG}title")]


def test_the_document_says_in_words_what_it_shows_and_needs_nothing_from_elsewhere():
    drawn = svg(shown(WARM))
    document = ET.fromstring(drawn)
    assert document.get("role") == "img"
    named = {element.get("id"): element.text for element in document.iter() if element.get("id")}
    assert [named[name] for name in document.get("aria-labelledby").split()] == list(named.values())
    assert named["title"] == "Journey trial"
    assert "wait for purchased: completed (purchased); completed (after 3 days)." in named["desc"]
    assert "@media (prefers-color-scheme: dark)" in drawn
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)|url\(|@import|<script|href|on\w+=", drawn)


def test_heat_is_told_in_words_colour_and_the_weight_of_the_line():
    picture = picture_of(machine_of(steps_of(WARM)).machine, HEAT)
    said = {box.id: box.counts for box in picture.boxes}
    assert said["wait"] == "310 here · 890 passed · 4 left"
    assert said["send.welcome"] == "1,204 passed"
    assert said["end"] == "840 ended"
    warmth = {box.id: box.warmth for box in picture.boxes}
    assert warmth["wait"] == 1 > warmth["wait_for.purchased"] > warmth["branch"] == 0
    traffic = {box.id: box.traffic for box in picture.boxes}
    assert traffic["send.welcome"] == 1 > traffic["wait"] > traffic["send.reminder"] > 0
    drawn = svg(picture)
    assert drawn.count('class="heat"') == 2
    assert drawn.count("stroke-width:") - svg(shown(WARM)).count("stroke-width:") == 6
    assert mermaid(picture).count("classDef") == 2
    assert dot(picture).count("fillcolor=") == dot(shown(WARM)).count("fillcolor=") + 2


def test_where_nobody_ever_was_a_heat_map_says_so():
    picture = picture_of(machine_of(steps_of(WARM)).machine, {})
    assert [box.counts for box in picture.boxes] == ["", *["nobody yet"] * 5, "0 ended"]
    assert {(box.warmth, box.traffic) for box in picture.boxes} == {(0, 0)}


@st.composite
def pictures(draw):
    """Draw a picture of boxes in a row, whose words are anything at all."""
    kinds = draw(
        st.lists(
            st.sampled_from(["send", "wait", "branch", "split", "repeat", "set", "emit", "enter", "stage", "exit"]),
            max_size=4,
        )
    )
    boxes = [Box(id="", kind="entry", title="")]
    boxes += [Box(id=f"b{n}", kind=kind, title=draw(TEXTS), note=draw(TEXTS)) for n, kind in enumerate([*kinds, "end"])]
    arrows = [Arrow(source=one.id, target=other.id, label=draw(TEXTS)) for one, other in pairwise(boxes)]
    return Picture(journey=draw(TEXTS), boxes=tuple(boxes), arrows=tuple(arrows))


@settings(max_examples=60)
@given(pictures())
def test_no_words_can_change_what_an_svg_shows(picture):
    document = ET.fromstring(svg(picture))
    plain = ET.fromstring(svg(replace(picture, journey="x")))
    assert len([one for one in document.iter() if one.get("class") == "box"]) == len(picture.boxes)
    assert len([one for one in document.iter() if one.get("class") == "way"]) == len(picture.arrows)
    assert {one.tag for one in document.iter()} <= {
        f"{SVG}{tag}" for tag in ("svg", "title", "desc", "style", "rect", "g", "path", "text")
    }
    assert len(list(document.iter())) == len(list(plain.iter()))


_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[\w.]+|->|[\[\]{};=,])', re.DOTALL)


def tokens(text):
    """Return the tokens of a text in DOT; it is an error if anything else stands in it."""
    found, place = [], 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        assert match, text[place:]
        found.append(match[1])
        place = match.end()
    return found


@settings(max_examples=60)
@given(pictures())
def test_no_words_can_change_what_a_graph_in_dot_shows(picture):
    found = tokens(dot(picture))
    quiet = replace(
        picture,
        journey="x",
        boxes=tuple(replace(box, title="x", note="") for box in picture.boxes),
        arrows=tuple(replace(arrow, label="x" if arrow.label else "") for arrow in picture.arrows),
    )
    masked = ["text" if token.startswith('"') else token for token in found]
    assert masked == ["text" if token.startswith('"') else token for token in tokens(dot(quiet))]
    # Every backslash that is left begins a doubled one, a quotation mark or the end of a line.
    assert all(not re.search(r'\\[^\\"n]', re.sub(r"\\\\", "", token)) for token in found)


@settings(max_examples=60)
@given(pictures())
def test_no_words_can_change_what_a_flowchart_shows(picture):
    lines = mermaid(picture).removesuffix("\n").split("\n")
    assert len(lines) == 2 + len(picture.boxes) - 1 + len(picture.arrows) - 1
    for line in lines[1:]:
        words = re.findall(r'"([^"]*)"', line)
        assert line.count('"') == 2 * len(words)
        assert not any(set("<>`") & set(text.replace("<br>", "")) for text in words)


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("picture", sorted((GOLDEN / "pictures").glob("*.dot")), ids=lambda path: path.stem)
def test_graphviz_draws_what_is_written_in_its_language(picture):
    ran = subprocess.run(["dot", "-Tplain", picture], capture_output=True, text=True, check=True, timeout=100)
    kinds = [line.partition(" ")[0] for line in ran.stdout.splitlines()]
    text = picture.read_text()
    assert kinds.count("edge") == text.count(" -> ")
    # What it says of the machine's fonts is no matter of the picture.
    assert [line for line in ran.stderr.splitlines() if not line.startswith("Fontconfig")] == []
