"""SARIF as the standard asks for it: the schema below is the part of 2.1.0 that is written, and allows nothing else.

`coherent` is what the standard's text asks for and no schema can say: what refers to what, and in which order.
"""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from journeyscript.cli.showing.findings.diagnostics import render
from journeyscript.compiler import compile_project
from journeyscript.diagnostics import Fix, Label, Severity, Span, in_reading_order
from journeyscript.rules import RULES, finding
from tests.projects import lay_out

TEXT = {"type": "string", "minLength": 1}
POSITION = {"type": "integer", "minimum": 1}


def closed(required, **properties):
    """Return an object of which nothing but these properties may be there, the first few of them always."""
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


def several(items, least=0):
    return {"type": "array", "items": items, "minItems": least}


MESSAGE = closed("text", text=TEXT)
HELP = closed("text", text=TEXT, markdown=TEXT)
LEVEL = {"enum": ["none", "note", "warning", "error"]}
ARTIFACT = closed(
    "uri",
    uri={"type": "string", "format": "uri-reference", "pattern": r"^(?!/)[A-Za-z0-9._~%/-]+$"},
    uriBaseId={"const": "%SRCROOT%"},
)
REGION = closed("startLine", startLine=POSITION, startColumn=POSITION, endLine=POSITION, endColumn=POSITION)
PHYSICAL = closed("artifactLocation", artifactLocation=ARTIFACT, region=REGION)
LOGICAL = closed("", name=TEXT, fullyQualifiedName=TEXT)
LOCATION = closed(
    "physicalLocation",
    id={"type": "integer", "minimum": -1},
    physicalLocation=PHYSICAL,
    logicalLocations={**several(LOGICAL), "uniqueItems": True},
    message=MESSAGE,
)
FLOW = closed("threadFlows", message=MESSAGE, threadFlows=several(
    closed("locations", locations=several(closed("location", location=LOCATION), 1)), 1))  # fmt: skip
REPLACEMENT = closed("deletedRegion", deletedRegion=REGION, insertedContent=closed("text", text={"type": "string"}))
CHANGE = closed("artifactLocation replacements", artifactLocation=ARTIFACT, replacements=several(REPLACEMENT, 1))
RULE = closed(
    "id",
    id=TEXT,
    name=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=HELP,
    defaultConfiguration=closed("level", level=LEVEL),
    properties=closed("tags", tags={**several(TEXT), "uniqueItems": True}),
)
RESULT = closed(
    "message ruleId ruleIndex level locations partialFingerprints",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": -1},
    level=LEVEL,
    message=MESSAGE,
    locations=several(LOCATION, 1),
    relatedLocations={**several(LOCATION), "uniqueItems": True},
    codeFlows=several(FLOW),
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
    fixes={**several(closed("artifactChanges", description=MESSAGE, artifactChanges=several(CHANGE, 1))),
           "uniqueItems": True},
)  # fmt: skip
RUN = closed(
    "tool results",
    tool=closed("driver", driver=closed(
        "name", name=TEXT, rules={**several(RULE), "uniqueItems": True},
        semanticVersion={"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
    )),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    invocations=several(closed("executionSuccessful", executionSuccessful={"type": "boolean"})),
    results=several(RESULT),
)  # fmt: skip
LOG = {
    **closed("version runs", version={"const": "2.1.0"}, runs=several(RUN)),
    "properties": {"$schema": TEXT, "version": {"const": "2.1.0"}, "runs": several(RUN)},
}


def at(line, column=1, end_column=9, path="journeys/a.yaml"):
    return Span(path=path, line=line, column=column, end_line=line, end_column=end_column)


def full_finding(line=4):
    return finding(
        "JS304",
        "`customer.phone` may be missing here",
        at(line, 3),
        help="add a check",
        labels=[
            Label(span=at(line, 3), text="optional"),
            Label(span=at(2, path="catalog/customer.yaml"), text="declared"),
        ],
        journey="a",
        step="send.hi",
        witness=["signed_up", "wait 3 days"],
        fix=Fix(title="add it", span=at(line, 3, 3), replacement="has customer.phone and "),
    )


def log(found, source="x\n" * 20):
    document = json.loads(render(found, "sarif", lambda _: source))
    Draft202012Validator(LOG, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    assert document["$schema"].startswith("https://")
    (run,) = document["runs"]
    coherent(run)
    return run


def regions(node):
    """Yield every region below a node."""
    match node:
        case {"startLine": _}:
            yield node
        case dict():
            yield from (region for value in node.values() for region in regions(value))
        case list():
            yield from (region for value in node for region in regions(value))


def coherent(run):
    """Hold a run against the rules between its parts; the numbers are those of the sections of the standard."""
    rules = run["tool"]["driver"]["rules"]
    ids = [rule["id"] for rule in rules]
    assert len(set(ids)) == len(ids), "3.49.3: no two rules of a driver have one id"
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"], "3.27.5, 3.27.6: both name the same rule"
        located = [place["id"] for place in result.get("relatedLocations", ())]
        assert len(set(located)) == len(located), "3.28.2: an id is unique among the locations of a result"
        assert all(place["message"]["text"] for place in result.get("relatedLocations", ()))
        for flow in result.get("codeFlows", ()):
            for thread in flow["threadFlows"]:
                assert all(step["location"]["message"]["text"] for step in thread["locations"])
        for fix in result.get("fixes", ()):
            touched = [change["artifactLocation"]["uri"] for change in fix["artifactChanges"]]
            assert len(set(touched)) == len(touched), "3.55.3: one change for each file"
    for region in regions(run):
        start, end = (region["startLine"], region["startColumn"]), (region["endLine"], region["endColumn"])
        assert start <= end, "3.30.7, 3.30.8: a region does not end before it starts"
    assert {result["ruleId"] for result in run["results"]} == set(ids), "no rule is listed that found nothing"


def prints(found, source):
    return [result["partialFingerprints"]["journeyscript/v1"] for result in log(found, source)["results"]]


def test_a_finding_is_a_result_with_its_rule_its_places_its_way_and_its_fix():
    run = log([full_finding()])
    (rule,), (result,) = run["tool"]["driver"]["rules"], run["results"]
    assert (rule["id"], rule["name"], rule["properties"]["tags"]) == ("JS304", "UnguardedOptional", ["types"])
    assert result["ruleId"] == run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "JS304"
    assert (result["level"], result["message"]["text"]) == (
        "error", "`customer.phone` may be missing here\nhelp: add a check"
    )  # fmt: skip
    place = result["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 4, "startColumn": 3, "endLine": 4, "endColumn": 9}
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "a/send.hi"
    assert [other["message"]["text"] for other in result["relatedLocations"]] == ["optional", "declared"]
    (flow,) = result["codeFlows"]
    steps = [step["location"] for step in flow["threadFlows"][0]["locations"]]
    assert [step["message"]["text"] for step in steps] == ["declared", "signed_up", "wait 3 days"]
    assert steps[0]["physicalLocation"]["artifactLocation"]["uri"] == "catalog/customer.yaml"
    (change,) = result["fixes"][0]["artifactChanges"]
    assert change["replacements"][0]["insertedContent"]["text"] == "has customer.phone and "


def test_every_rule_can_be_told():
    run = log([finding(rule.code, "it is so", at(1)) for rule in RULES])
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == sorted(rule.code for rule in RULES)
    assert {result["level"] for result in run["results"]} <= {"error", "warning", "note"}


def test_without_findings_there_is_a_run_that_found_nothing():
    assert log([])["results"] == []


def test_a_finding_keeps_its_print_when_lines_are_inserted_above_it():
    before, after = "a: 1\nb: 2\nc: 3\nd: 4\n", "new: 0\n# more\na: 1\nb: 2\nc: 3\n  d:   4\n"
    assert prints([full_finding(4)], before) == prints([full_finding(6)], after)


def test_findings_of_other_lines_files_steps_and_rules_have_other_prints():
    source = "one\ntwo\nthree\nfour\n"
    found = [
        full_finding(4),
        full_finding(3),
        finding("JS304", "x", at(4), journey="a", step="send.ho"),
        finding("JS303", "x", at(4), journey="a", step="send.hi"),
        finding("JS304", "x", at(4, path="journeys/b.yaml"), journey="a", step="send.hi"),
    ]
    assert len(set(prints(found, source))) == len(found)


def test_findings_that_are_alike_are_told_apart_by_their_order():
    source = "same\nsame\nother\nsame\n"
    found = [finding("JS005", "bad", at(line)) for line in (1, 2, 4)]
    assert len(set(prints(found, source))) == 3
    shifted = [finding("JS005", "bad", at(line)) for line in (2, 3, 5)]
    assert prints(found, source) == prints(shifted, f"new\n{source}")


@pytest.mark.parametrize("path", ["journeys/Ünïcode and space.yaml", "journeys/a#b?c%.yaml", "journeys/\udce4.yaml"])
def test_any_path_is_a_reference(path):
    (result,) = log([finding("JS001", "bad", at(1, path=path))])["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].isascii()


def test_a_place_behind_the_end_of_a_file_and_a_file_that_is_gone_are_told():
    assert len(log([finding("JS001", "bad", at(99))])["results"]) == 1
    assert json.loads(render([full_finding()], "sarif", lambda _: None))["runs"][0]["results"]


def test_severities_are_the_words_of_the_standard():
    rule = next(rule for rule in RULES if rule.severity == Severity.WARNING)
    (result,) = log([finding(rule.code, "it is so", at(1))])["results"]
    assert result["level"] == "warning"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@st.composite
def findings(draw):
    """Draw a finding as odd as one can be."""

    def span():
        line, column = draw(st.integers(1, 30)), draw(st.integers(1, 200))
        end = draw(st.sampled_from([(line, column), (line, column + 3), (line + 2, 1)]))
        path = draw(st.sampled_from(["journeys/a.yaml", "channels/e mail/\u00fc.md", "journeyscript.yaml"]))
        return Span(path=path, line=line, column=column, end_line=end[0], end_column=end[1])

    texts = st.lists(TEXTS, max_size=3)
    return finding(
        draw(st.sampled_from([rule.code for rule in RULES])),
        draw(TEXTS),
        span(),
        help=draw(st.none() | TEXTS),
        labels=[Label(span=span(), text=text) for text in draw(texts)],
        journey=draw(st.none() | TEXTS),
        step=draw(st.none() | TEXTS),
        witness=draw(texts),
        fix=draw(st.none() | st.builds(Fix, title=TEXTS, span=st.just(span()), replacement=st.text(max_size=5))),
    )


@settings(max_examples=60)
@given(st.lists(findings(), max_size=6))
def test_whatever_is_found_the_log_is_one_that_the_standard_allows(found):
    run = log(in_reading_order(found))
    prints_of = [result["partialFingerprints"]["journeyscript/v1"] for result in run["results"]]
    assert len(set(prints_of)) == len(prints_of)


WRONG = sorted(path for path in (Path(__file__).parents[1] / "golden" / "err").glob("*.yaml"))


@pytest.mark.parametrize("path", WRONG[:: max(1, len(WRONG) // 30)], ids=lambda path: path.stem)
def test_what_the_compiler_finds_is_told_as_the_standard_asks(path, tmp_path):
    root = lay_out(tmp_path / "project", {"journeys/trial.yaml": path.read_text(encoding="utf-8")})
    found = compile_project(root).diagnostics
    run = log(found, path.read_text(encoding="utf-8"))
    assert [result["ruleId"] for result in run["results"]] == [item.code for item in found]
