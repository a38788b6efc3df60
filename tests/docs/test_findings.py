"""The page about findings says what is so."""

import re

from journeyscript.cli.showing.findings.diagnostics import OUTPUT_FORMATS
from journeyscript.compiler import compile_project
from journeyscript.source.comments import comments_in
from journeyscript.source.suppressions import can_be_ignored
from tests.projects import lay_out


def fence(page, title):
    (text,) = re.findall(rf"^```yaml title={title}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return text


def test_every_format_is_told_of(document):
    page = document("docs/findings.md").text
    assert tuple(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == OUTPUT_FORMATS


def test_the_project_file_is_right(document, tmp_path):
    text = fence(document("docs/findings.md").text, "project")
    project = compile_project(lay_out(tmp_path, {"journeyscript.yaml": text}))
    assert project.diagnostics == ()
    assert project.config.per_file_ignores == {"journeys/legacy/*": ("JS206", "JS207")}


def test_the_comments_are_comments(document):
    page = document("docs/findings.md").text
    found = comments_in("journeys/a.yaml", fence(page, "steps"))
    assert [(comment.line, [name for name, _ in comment.names]) for comment in found] == [
        (2, ["JS207"]),
        (3, ["JS206", "JS207"]),
    ]
    for comment in re.findall(r"`((?:\{%|<!--) #?\s?journeyscript: [^`]*)`", page):
        assert len(comments_in("channels/email/a.md", f"{comment}\ntext\n")) == 1


def test_what_cannot_be_ignored_is_what_the_page_says():
    assert not any(can_be_ignored(code) for code in ("JS001", "JS105", "JS204", "JS210", "JS212", "JS304", "JS601"))
    assert all(can_be_ignored(code) for code in ("JS007", "JS206", "JS207", "JS505", "JS602", "JS902", "JS908"))
