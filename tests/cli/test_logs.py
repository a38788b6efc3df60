"""What is logged of an exception: where it came up and its kind, never its text."""

import json
import logging
import sys

import pytest

from journeyscript.cli.running.logs import JsonLines, Sentences


@pytest.fixture
def logged():
    try:
        int("the secret of ada")
    except ValueError:
        return logging.LogRecord(
            "a.b", logging.ERROR, __file__, 1, "an enrollment of %s failed", ("w",), sys.exc_info()
        )


def test_a_sentence_says_where_an_exception_came_up_and_not_what_it_says(logged):
    text = Sentences("%(levelname)s %(name)s: %(message)s").format(logged)
    assert text.startswith("ERROR a.b: an enrollment of w failed\n")
    assert text.endswith("ValueError")
    assert "test_logs.py" in text
    assert "of ada" not in text.replace('int("the secret of ada")', "")


def test_json_says_where_an_exception_came_up_and_not_what_it_says(logged):
    line = json.loads(JsonLines().format(logged))
    assert (line["level"], line["logger"], line["message"]) == ("error", "a.b", "an enrollment of w failed")
    assert line["exception"] == "ValueError"
    assert line["where"][0].endswith(" logged")
    assert "ada" not in json.dumps(line)
