"""Owners, titles, names, experiments, and what nobody uses."""

import pytest

from journeyscript.compiler import compile_project
from tests.projects import lay_out, steps_of

OFF = 'name: x\nrules: {{ JS902: "off", {}: info }}\n'


def findings(root, code, files):
    project = compile_project(lay_out(root, {"journeyscript.yaml": OFF.format(code), **files}))
    return [found for found in project.diagnostics if found.code == code]


def journey(head="", steps="- send: reminder"):
    return {"journeys/trial.yaml": head + steps_of(steps)}


def test_owner_and_title_are_asked_for_only_where_somebody_turned_that_on(tmp_path):
    assert compile_project(lay_out(tmp_path / "a", journey())).diagnostics == ()
    assert len(findings(tmp_path / "b", "JS901", journey())) == 1
    assert findings(tmp_path / "c", "JS901", journey("owner: a@shop.example\n")) == []
    assert len(findings(tmp_path / "d", "JS910", journey())) == 1
    assert findings(tmp_path / "e", "JS910", journey("title: Come back\n")) == []


@pytest.mark.parametrize(
    ("name", "better"),
    [("FirstOffer", "first_offer"), ("first-offer", "first_offer"), ("First_Offer", "first_offer"), ("XMas", "xmas")],
)
def test_a_name_in_another_style_is_found_with_a_better_one(name, better, tmp_path):
    split = f"- split: {name}\n  arms:\n    - arm: a\n      weight: 100\n      steps: [{{ send: reminder }}]"
    (found,) = findings(tmp_path, "JS108", journey(steps=split))
    assert found.help == f"call it `{better}`"


def test_the_style_is_asked_of_what_the_catalog_and_the_channels_define(tmp_path):
    files = {
        "catalog/segments.yaml": "segments: { VIPs: { when: customer.vip } }\n",
        "channels/push/Come-Back.txt": "x",
    }
    found = findings(tmp_path, "JS108", {**journey(), **files})
    assert sorted(item.message.split("`")[1] for item in found) == ["Come-Back", "VIPs"]


def test_step_ids_may_have_parts(tmp_path):
    assert findings(tmp_path, "JS108", journey(steps="- send: reminder\n  id: send.second_try")) == []


USED = {
    "catalog/customer.yaml": """attributes:
  email: { type: string, optional: true }
  phone: { type: string, optional: true }
  push_token: { type: string, optional: true }
  first_name: { type: string, optional: true }
  timezone: { type: string, optional: true }
  visits: { type: integer }
  level: { type: string }
""",
    "catalog/events.yaml": "events: { signed_up: {}, left: {}, came: {}, told: {}, bought: {}, unheard: {} }\n",
    "catalog/segments.yaml": "segments: { many: { when: customer.visits > 3 }, few: { when: count(came) < 2 } }\n",
}


def test_everything_that_a_journey_touches_is_used_and_the_rest_is_not(tmp_path):
    head = "segment: few\nexit: [{ event: left }]\ngoal: { event: bought, exit: true }\n"
    steps = """
- branch:
    - if: customer in segment many
      steps: [{ send: reminder }]
    - else: []
- set: { level: '"gold"' }
- emit: told
"""
    found = findings(tmp_path, "JS110", {**journey(head, steps), **USED})
    assert [item.message for item in found if "message" not in item.message] == [
        "nothing uses the attribute `first_name`",
        "nothing uses the event `unheard`",
        "nothing uses the channel `sms`",
    ]
    assert {item.message.split("`")[1] for item in found} == {
        "first_name",
        "unheard",
        "sms",
        "code",
        "welcome",
        "offer",
    }


def test_nothing_is_called_unused_while_a_journey_cannot_be_read(tmp_path):
    wrong = {"journeys/wrong.yaml": steps_of("- send: nothing").replace("trial", "wrong")}
    assert findings(tmp_path, "JS110", {**journey(), **USED, **wrong}) == []


SPLIT = """- split: {name}
  arms:
    - arm: a
      weight: {a}
      steps: [{{ send: reminder }}]
    - arm: b
      weight: {b}
      steps: []
"""


@pytest.mark.parametrize(
    ("name", "a", "b", "more", "found"),
    [
        ("offer", 90, 10, "", ["JS905"]),
        ("offer", 50, 50, "", []),
        ("other", 90, 10, "", []),
        ("offer", 50, 50, "  per: entry\n", ["JS905"]),
    ],
)
def test_one_experiment_has_the_same_arms_and_weights_everywhere(name, a, b, more, found, tmp_path):
    entry = "entry: { event: purchased, again: never }"
    files = {
        "journeys/trial.yaml": steps_of(SPLIT.format(name="offer", a=50, b=50)),
        "journeys/other.yaml": steps_of(SPLIT.format(name=name, a=a, b=b) + more, entry).replace("trial", "other"),
    }
    root = lay_out(tmp_path, files)
    assert [item.code for item in compile_project(root).diagnostics] == found


def subsumed(root, first, second):
    entry = "entry: {{ event: purchased, again: never{} }}"
    wait = "- wait: {} days\n- send: reminder"
    files = {
        "journeys/first.yaml": steps_of(wait.format(1), entry.format(first)).replace("trial", "first"),
        "journeys/second.yaml": steps_of(wait.format(2), entry.format(second)).replace("trial", "second"),
    }
    return [(found.journey, found.witness) for found in findings(root, "JS706", files)]


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("", ", where: event.total > 10", ["second"]),
        (", where: event.total > 10", "", ["first"]),
        (", where: event.total > 10", ", where: event.total > 5 and event.items > 2", []),
        (", where: event.total > 10", ", where: event.total > 20 and event.items > 2", ["second"]),
        (", where: customer.vip", ", where: not customer.vip", []),
        ("", "", ["second"]),
    ],
)
def test_a_journey_is_told_where_another_one_takes_everybody_it_takes(first, second, told, tmp_path):
    assert [journey for journey, _ in subsumed(tmp_path, first, second)] == told


def test_the_witness_is_somebody_who_enters_both(tmp_path):
    ((_, witness),) = subsumed(tmp_path, "", ", where: event.items > 2")
    assert witness[0] == "purchased"
    assert witness[-1] == "enters `second` and `first`"
    assert len(witness) == 3
