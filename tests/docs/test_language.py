"""Every example of the language reference does what the page says: it is compiled, checked or run here."""

import json
import re
from pathlib import Path

import pytest

from journeyscript.compiler import compile_project
from journeyscript.machine.model import ENTERED
from journeyscript.semantics.catalog import AttributeDefinition, EventDefinition
from journeyscript.semantics.checker import check_condition
from journeyscript.semantics.functions import FUNCTIONS
from journeyscript.source.yaml import read_yaml
from journeyscript.syntax.duration import parse_duration
from journeyscript.syntax.journey import STEP_KEYWORDS
from journeyscript.syntax.structure import check_structure, schema
from tests.expressions import CATALOG, Scope
from tests.projects import codes, compile_text, lay_out, machine_of, steps_of

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\S*)(?: title=(\S+))?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TITLES = {
    "project",
    "journey",
    "steps",
    "message",
    "channel",
    "customer",
    "events",
    "segments",
    "test",
    "event",
    "merge",
    "erase",
    "enter",
    "mapping",
}


def fences(title):
    found = [text for _, name, text in FENCES if name == title]
    assert found, title
    return found


def test_every_example_is_marked_with_what_it_is():
    for language, title, text in FENCES:
        assert title in TITLES or language == "expression" or (language == "" and "journeyscript.yaml" in text), text


@pytest.mark.parametrize("text", fences("journey"), ids=lambda text: text.split()[1])
def test_every_journey_compiles(text):
    machine_of(text)


@pytest.mark.parametrize("text", fences("steps"), ids=lambda text: text.split(":")[0].strip("- "))
def test_every_step_compiles(text):
    _, findings = compile_text(steps_of(text))
    assert not findings


EXPRESSIONS = [line for language, _, text in FENCES if language == "expression" for line in text.splitlines()]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_every_expression_is_a_condition(text):
    scope = Scope(
        catalog=CATALOG, event=CATALOG.events["purchased"], entry=CATALOG.events["signed_up"], in_journey=True
    )
    checked, _, findings = check_condition(text, scope, lambda _start, _length: None)
    assert checked is not None, findings


@pytest.mark.parametrize("kind", ["project", "channel", "customer", "events", "segments", "test", "mapping"])
def test_every_file_has_the_shape_of_its_kind(kind):
    for text in fences(kind):
        node, findings = read_yaml(f"{kind}.yaml", text)
        assert not findings
        assert node is not None
        assert not check_structure(kind, node)


def test_the_catalog_the_message_and_the_channel_make_a_project(tmp_path):
    (message,), (channel, webhook), (project,) = fences("message"), fences("channel"), fences("project")
    root = lay_out(
        tmp_path,
        {
            "journeyscript.yaml": project,
            "channels/email/welcome.md": message,
            "channels/email/channel.yaml": channel,
            "channels/hook/channel.yaml": webhook,
            "journeys/first_order.yaml": fences("journey")[0],
            "journeys/first_order.test.yaml": fences("test")[0],
        },
    )
    assert codes(list(compile_project(root).diagnostics)) == []


def test_an_event_line_is_taken_in():
    from journeyscript.runtime.intake.records import Incoming, Intake

    (line,) = fences("event")
    assert set(json.loads(line)) == {"id", "customer", "event", "time", "properties", "attributes", "consent"}
    assert isinstance(Intake(CATALOG).line(line, "file", "1", 0), Incoming)
    assert isinstance(Intake(CATALOG).line('{"customer": "ada"}', "file", "1", 0), Incoming)


def test_the_request_to_enter_is_taken_in():
    from journeyscript.runtime.intake.records import Intake

    (line,) = fences("enter")
    offer = next(text for text in fences("journey") if "journey: offer" in text)
    trigger = machine_of(offer).machine.entry.trigger
    properties = {name: AttributeDefinition(name=name, type=kind) for name, kind in trigger.properties.items()}
    intake = Intake(CATALOG, {"offer": EventDefinition(name=ENTERED, properties={"coupon": properties["coupon"]})})
    assert intake.line(line, "file", "1", 0).enters == "offer"


def test_the_lines_that_say_who_somebody_is_are_taken_in():
    from journeyscript.runtime.intake.records import Erasure, Intake, Merge

    intake = Intake(CATALOG)
    for kind, record in (("merge", Merge), ("erase", Erasure)):
        (line,) = fences(kind)
        assert isinstance(intake.line(line, "file", "1", 0), record)
    alias = '{"type": "alias", "userId": "ada", "previousId": "v"}'
    assert isinstance(intake.line(alias, "file", "1", 0), Merge)
    assert isinstance(intake.line('{"type": "delete", "userId": "ada"}', "file", "1", 0), Erasure)


def test_every_function_step_and_key_is_on_the_page():
    documented = dict(re.findall(r"^\| `(\w+)\(x\)` \| ([^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE))
    assert documented == {name: ", ".join(found.takes[0]) for name, found in FUNCTIONS.items()}
    for keyword in STEP_KEYWORDS:
        assert re.search(rf"^### .*\b{keyword}\b", PAGE, re.MULTILINE), keyword
    for kind in ("journey", "channel", "project", "mapping"):
        for key in schema(kind)["properties"]:
            assert re.search(rf"`{key}`|^{key}:", PAGE, re.MULTILINE), (kind, key)


def test_every_duration_of_the_table_is_one():
    section = PAGE[PAGE.index("## Durations and times") : PAGE.index("Months and years")]
    written = [
        text for row in re.findall(r"^\| (`.+?) \|", section, re.MULTILINE) for text in re.findall("`([^`]+)`", row)
    ]
    assert len(written) > 8
    for text in written:
        if not text.startswith("{"):
            parse_duration(text)


def test_every_link_leads_somewhere():
    headings = {
        re.sub(r"[^\w -]", "", found).strip().lower().replace(" ", "-")
        for found in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings
