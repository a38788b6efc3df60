"""`validate --save-witness`: what shows a finding becomes a test of the journey, which runs and passes today."""

from pathlib import Path

import pytest
import yaml

from journeyscript.compiler import compile_in_spite, compile_project
from journeyscript.diagnostics import Occasion, Situation
from journeyscript.runtime.trials.staging import staged
from journeyscript.source.suppressions import can_be_ignored
from tests.projects import lay_out, steps_of

GOLDEN = Path(__file__).parents[1] / "golden" / "err"
SAVED = {"JS201", "JS205", "JS206", "JS207", "JS211", "JS214", "JS217", "JS218", "JS312", "JS317", "JS510", "JS514"}
"""The rules whose findings carry a situation that a test of one journey can go through."""


class Place:
    """A folder that commands run in."""

    def __init__(self, root):
        self.root = root


def wrong(path, root):
    """Lay out the project of a golden pair."""
    if path.is_dir():
        return lay_out(root, over=path)
    return lay_out(root, {"journeys/trial.yaml": path.read_text(encoding="utf-8")})


def ignoring(root, code):
    """Have a project run in spite of a rule."""
    config = root / "journeyscript.yaml"
    settings = yaml.safe_load(config.read_text(encoding="utf-8")) or {}
    settings["per_file_ignores"] = {"journeys/*": [code]}
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")


CASES = sorted(path for path in GOLDEN.iterdir() if path.suffix != ".out" and path.name[:5] in SAVED)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_saved_witness_is_a_test_that_passes_and_names_the_finding(path, tmp_path, in_process):
    place, code = Place(wrong(path, tmp_path / "project")), path.name[:5]
    ran = in_process(place, "validate", "--select", code, "--save-witness", "journeys/witness.test.yaml")
    saved = place.root / "journeys" / "witness.test.yaml"
    assert "= witness: " in ran.stdout
    assert "saved 1 test" in ran.stderr or "saved 2 tests" in ran.stderr, ran.stderr
    assert f"# {code} " in saved.read_text(encoding="utf-8")
    ignoring(place.root, code)
    tested = in_process(place, "test", "journeys/witness.test.yaml")
    assert tested.exit_code == 0, tested.output
    assert in_process(place, "fmt", "--check", "journeys/witness.test.yaml").exit_code == 0


def test_the_rules_whose_findings_can_be_lived_through_are_these(tmp_path):
    found = set()
    for number, path in enumerate(sorted(path for path in GOLDEN.iterdir() if path.suffix != ".out")):
        diagnostics = compile_project(wrong(path, tmp_path / str(number))).diagnostics
        found |= {item.code for item in diagnostics if item.situation is not None}
    assert found == SAVED
    assert all(can_be_ignored(code) for code in SAVED), "else there is nothing to run"


# What a saved test says --------------------------------------------------------------------------------------------

STALE = steps_of(
    """
- branch:
    - if: not did(purchased, since entry)
      steps:
        - wait: 3 days
        - send: reminder
    - else: []
"""
)


def test_the_test_tells_the_story_of_the_witness_and_what_happens_today(tmp_path, in_process):
    place = Place(lay_out(tmp_path / "project", {"journeys/trial.yaml": STALE}))
    ran = in_process(place, "validate", "--select", "JS317", "--save-witness", "journeys/stale.test.yaml")
    assert (ran.exit_code, ran.stderr) == (0, "saved 1 test in journeys/stale.test.yaml\n")
    text = (place.root / "journeys" / "stale.test.yaml").read_text()
    assert "  # JS317 stale-fact: `not did(purchased, since entry)` was checked before a wait, and" in text
    assert "  # witness: branch, not did(purchased, since entry), wait, purchased meanwhile, send.reminder\n" in text
    (test,) = yaml.safe_load(text)["tests"]
    assert test["name"].startswith("JS317: ")
    events = [moment.get("event") for moment in test["timeline"]]
    assert events == ["signed_up", "purchased", None]
    assert [send["message"] for send in test["expect"]["sends"]] == ["reminder"]
    assert test["expect"]["path"] == ["branch", "wait", "send.reminder"]


def test_once_the_finding_is_settled_the_saved_test_fails_and_shows_the_difference(tmp_path, in_process):
    place = Place(lay_out(tmp_path / "project", {"journeys/trial.yaml": STALE}))
    in_process(place, "validate", "--select", "JS317", "--save-witness", "journeys/stale.test.yaml")
    settled = STALE.replace("steps:\n  - branch", "exit: [{ event: purchased }]\nsteps:\n  - branch")
    (place.root / "journeys" / "trial.yaml").write_text(settled)
    assert "JS317" not in [found.code for found in compile_project(place.root).diagnostics]
    tested = in_process(place, "test", "journeys/stale.test.yaml")
    assert tested.exit_code == 1
    assert "exited" in tested.stdout


# What cannot be saved ----------------------------------------------------------------------------------------------


def test_a_finding_without_a_witness_to_live_through_is_named(tmp_path, in_process):
    files = {"journeys/trial.yaml": STALE, "journeyscript.yaml": "name: shop\n"}
    place = Place(lay_out(tmp_path / "project", files))
    ran = in_process(place, "validate", "--select", "JS317,JS902", "--save-witness", "journeys/all.test.yaml")
    without, saved = ran.stderr.splitlines()
    assert without == "no witness to save: journeys/trial.yaml:1: JS902 no-tests"
    assert saved == "saved 1 test in journeys/all.test.yaml"


def test_where_no_finding_has_one_no_file_is_written(tmp_path, in_process):
    wrong_names = steps_of("- send: wellcome")
    place = Place(lay_out(tmp_path / "project", {"journeys/trial.yaml": wrong_names}))
    ran = in_process(place, "validate", "--save-witness", "journeys/all.test.yaml")
    assert ran.exit_code == 3
    assert ran.stderr == "no witness to save: journeys/trial.yaml:4: JS105 unknown-message\nnothing was saved\n"
    assert not (place.root / "journeys" / "all.test.yaml").exists()


def test_the_witnesses_of_two_journeys_do_not_go_into_one_file(tmp_path, in_process):
    files = {
        "journeys/trial.yaml": STALE,
        "journeys/other.yaml": STALE.replace("journey: trial", "journey: other"),
    }
    place = Place(lay_out(tmp_path / "project", files))
    arguments = ["--select", "JS317", "--save-witness", "journeys/all.test.yaml"]
    ran = in_process(place, "validate", *arguments)
    assert ran.exit_code == 2
    assert "witnesses of several journeys were found (`other`, `trial`)" in ran.stderr
    assert in_process(place, "validate", "journeys/other.yaml", *arguments).exit_code == 0
    assert "journey: other\n" in (place.root / "journeys" / "all.test.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--save-witness", "witness.yaml"], "is not called like a file of tests"),
        (["--save-witness", "journeys/there.test.yaml"], "is there already"),
        (["--save-witness", "nowhere/x.test.yaml"], "cannot be written"),
        (["--save-witness", "x.test.yaml", "--diff"], "`--diff` writes nothing"),
        (["--save-witness", "x.test.yaml", "--watch"], "`--watch` only checks"),
    ],
)
def test_a_file_that_cannot_be_written_ends_with_2(tmp_path, in_process, arguments, said):
    place = Place(lay_out(tmp_path / "project", {"journeys/trial.yaml": STALE}))
    (place.root / "journeys" / "there.test.yaml").write_text("journey: trial\n")
    ran = in_process(place, "validate", "journeys/trial.yaml", "--select", "JS317", *arguments)
    assert ran.exit_code == 2
    assert said in ran.stderr


# The search --------------------------------------------------------------------------------------------------------


def lived(tmp_path, text, situation):
    root = lay_out(tmp_path / "project", {"journeys/trial.yaml": text})
    return staged(compile_in_spite(root), "trial", situation, "a story")


def test_conditions_events_and_the_past_on_the_way_are_fulfilled(tmp_path):
    text = steps_of(
        """
- wait: 3 days
- branch:
    - if: customer.visits > 3 and count(purchased, last 30 days) >= 2 and customer.status == "blocked"
      steps: [{ send: reminder }]
    - else: [{ exit: other }]
- wait_for: purchased
  where: event.total > 20
  timeout: 3 days
""",
        'entry: { event: signed_up, where: event.source == "app", again: always }',
    )
    test = lived(tmp_path, text, Situation(path=("send.reminder", "wait_for.purchased", "end")))
    assert (test["customer"]["visits"], test["customer"]["status"]) == (4, "blocked")
    totals = [moment["properties"]["total"] for moment in test["timeline"] if moment.get("event") == "purchased"]
    assert len(totals) == 3
    assert totals[-1] > 20


def test_a_name_is_found_that_chance_sends_into_an_arm(tmp_path):
    text = steps_of(
        """
- split: offer
  arms:
    - { arm: rare, weight: 10, steps: [{ send: reminder }] }
    - { arm: others, weight: 90, steps: [] }
"""
    )
    test = lived(tmp_path, text, Situation(path=("send.reminder",)))
    assert test["customer"]["id"].startswith("customer ")
    assert test["expect"]["sends"] == [{"message": "reminder", "channel": "email"}]


def test_times_of_day_are_waited_for_and_the_end_of_a_long_wait_too(tmp_path):
    text = steps_of('- wait_until: { time: "10:00", days: [sat] }\n- wait: 40 days\n- send: reminder')
    test = lived(tmp_path, text, Situation(path=("send.reminder",)))
    assert test["expect"]["state"] == "completed"


@pytest.mark.parametrize(
    "situation",
    [
        Situation(path=("nowhere",)),
        Situation(path=("end", "wait")),
        Situation(path=("end",), timeline=(Occasion(step="wait", event="account_closed"),)),
    ],
)
def test_where_nobody_goes_that_way_there_is_no_test(tmp_path, situation):
    text = steps_of("- wait: 3 days", "entry: { event: signed_up, again: always }\nexit: [{ event: account_closed }]")
    assert lived(tmp_path, text, situation) is None
