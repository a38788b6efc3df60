"""What a journey must say itself: where it is missing the journey is refused, at its place, and nothing is guessed."""

import pytest

from journeyscript.compiler import compile_project
from tests.projects import TODAY, compile_text, lay_out

JOURNEY = """
journey: trial
entry: { event: signed_up, again: never }
goal: { event: purchased, exit: true }
steps:
  - send: welcome
    via: email
  - wait_for: app_installed
    timeout: 3 days
  - wait_until: { date: customer.birthday, if_missing: continue }
  - wait_until: { when: customer.vip, timeout: 2 days }
    id: vip
  - branch:
      - if: customer.vip
        steps: [{ exit: vip }]
      - else: []
"""


def test_with_all_that_is_required_it_compiles():
    compiled, findings = compile_text(JOURNEY)
    assert compiled is not None
    assert [found for found in findings if found.severity == "error"] == []


@pytest.mark.parametrize(
    ("written", "without", "code"),
    [
        (", again: never", "", "JS004"),
        (", exit: true", "", "JS004"),
        ("    timeout: 3 days\n", "", "JS210"),
        (", timeout: 2 days", "", "JS210"),
        (", if_missing: continue", "", "JS004"),
        ("      - else: []\n", "", "JS204"),
    ],
    ids=["again", "exit of a goal", "timeout of an event", "timeout of a condition", "if_missing of a date", "else"],
)
def test_what_is_required_and_missing_is_an_error(written, without, code):
    assert written in JOURNEY
    compiled, findings = compile_text(JOURNEY.replace(written, without))
    assert [found.code for found in findings if found.severity == "error"] == [code]
    assert compiled is None


def test_an_event_that_the_steps_before_a_wait_may_miss_is_told(tmp_path):
    """It is counted from the wait on; a step that takes time stands between the message and the wait for its effect."""
    written = """
journey: trial
entry: { event: signed_up, again: never }
steps:
  - send: welcome
  - wait: 1 day
  - wait_for: app_installed
    timeout: 3 days
    then: [{ exit: installed }]
  - send: reminder
"""
    looking_back = written.replace("timeout: 3 days", "timeout: 3 days\n    lookback: since entry")
    for text, found in ((written, ["JS217"]), (looking_back, [])):
        project = compile_project(lay_out(tmp_path, {"journeys/trial.yaml": text}), today=TODAY)
        assert [one.code for one in project.diagnostics if one.code == "JS217"] == found
