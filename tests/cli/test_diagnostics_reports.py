"""What continuous integration shows: JUnit, Markdown, and GitHub's annotations where there are many."""

import xml.etree.ElementTree as ET

from markdown_it import MarkdownIt

from journeyscript.cli.showing.findings.diagnostics import render
from journeyscript.diagnostics import Span
from journeyscript.rules import finding


def at(line, path="journeys/a.yaml"):
    return Span(path=path, line=line, column=1, end_line=line, end_column=3)


def bad(line, path="journeys/a.yaml", message="it is bad"):
    return finding("JS005", message, at(line, path))


def doubtful(line, path="journeys/a.yaml", message="it is doubtful"):
    return finding("JS902", message, at(line, path))


def source(path):
    return "text\n" * 100


# JUnit --------------------------------------------------------------------------------------------------------------


def junit(found, *files):
    return ET.fromstring(render(found, "junit", source, files=files).encode())


def test_every_file_is_a_test_that_fails_where_it_has_an_error():
    suites = junit([bad(3), bad(7), doubtful(1, "journeys/b.yaml")], "journeys/b.yaml", "journeys/a.yaml", "c.yaml")
    (suite,) = suites
    assert suites.tag == "testsuites"
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "0")
    cases = {case.get("name"): case for case in suite}
    assert list(cases) == ["c.yaml", "journeys/a.yaml", "journeys/b.yaml"]
    (failure,) = cases["journeys/a.yaml"]
    assert failure.get("message") == "JS005 line 3: it is bad (and 1 more)"
    assert failure.get("type") == "JS005"
    assert "--> journeys/a.yaml:7:1" in failure.text
    (output,) = cases["journeys/b.yaml"]
    assert (output.tag, "JS902" in output.text) == ("system-out", True)
    assert len(cases["c.yaml"]) == 0
    assert all(case.get("classname") and case.get("file") == case.get("name") for case in suite)


def test_a_finding_in_a_file_that_was_not_named_is_a_test_too():
    (suite,) = junit([bad(1, "channels/x/channel.yaml")])
    assert [case.get("name") for case in suite] == ["channels/x/channel.yaml"]


def test_nothing_in_a_finding_can_break_the_document():
    message = "a ]]> <b> & \"c\" 'd' \x00 \x1b \ud800 \ufffe\nnext"
    (suite,) = junit([bad(1, "journeys/<&\udce4>.yaml", message)], "journeys/\"'.yaml")
    failure = next(case for case in suite if len(case))[0]
    assert "<b> & \"c\" 'd'" in failure.get("message")


# Markdown -----------------------------------------------------------------------------------------------------------


def markdown(found):
    return render(found, "markdown", source)


def html(found):
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown(found))


def test_markdown_is_a_table_and_a_fold_for_each_finding():
    text = markdown([bad(3), doubtful(1)])
    assert text.startswith(
        "<!-- journeyscript validate -->\n### journeyscript validate: 1 error, 1 warning in 1 file\n"
    )
    page = html([bad(3), doubtful(1)])
    assert page.count("<tr>") == 3
    assert page.count("<details>") == page.count("</details>") == 2
    assert "<td>JS005 wrong-shape</td>" in page
    assert "--&gt; journeys/a.yaml:3:1" in page


def test_markdown_says_that_nothing_was_found():
    assert "no findings" in markdown([])


def test_nothing_in_a_finding_is_markup_a_link_or_a_mention():
    found = [bad(1, message="`a|b` *c* _d_ [e](http://f) <script> @team #1 `x` ~~y~~ ![z](q) www.h.example")]
    row = markdown(found).splitlines()[5]
    assert not any(sign in row for sign in ("www.", "http:", "#1 ")), "GitHub makes links of these by itself"
    page = html(found)
    table = page.partition("<table>")[2].partition("</table>")[0]
    assert "<code>a|b</code>" in table
    for tag in ("<em>", "<a ", "<script", "<img", "<s>", "@team"):
        assert tag not in table, tag
    assert table.count("<td>") == 4


def test_a_fence_in_a_file_does_not_end_the_fold():
    text = render([bad(1)], "markdown", lambda _: "````` </details>\n")
    page = MarkdownIt("commonmark", {"html": True}).render(text)
    assert page.count("<pre>") == 1
    assert "`````" in page.partition("<pre>")[2]


def test_a_comment_is_never_longer_than_github_takes():
    text = render([bad(n, message="x" * 3_000) for n in range(1, 120)], "markdown", lambda _: "y" * 9_000)
    assert len(text) < 65_536
    assert "left out" in text
    many = markdown([bad(n) for n in range(1, 81)])
    assert "and 30 more" in many


# GitHub -------------------------------------------------------------------------------------------------------------


def test_what_github_would_drop_stands_in_the_log_and_is_counted():
    found = [bad(n) for n in range(1, 14)] + [doubtful(n) for n in range(1, 12)]
    lines = render(found, "github", source).splitlines()
    assert sum(line.startswith("::error ") for line in lines) == 10
    assert sum(line.startswith("::warning ") for line in lines) == 10
    assert lines[20:-1] == [
        "journeys/a.yaml:11:1: error JS005 it is bad",
        "journeys/a.yaml:12:1: error JS005 it is bad",
        "journeys/a.yaml:13:1: error JS005 it is bad",
        "journeys/a.yaml:11:1: warning JS902 it is doubtful",
    ]
    assert lines[-1] == "3 more errors and 1 more warning without an annotation: GitHub shows 10 of each"


def test_ten_of_each_are_all_shown():
    found = [bad(n) for n in range(1, 11)] + [doubtful(n) for n in range(1, 11)]
    assert all(line.startswith("::") for line in render(found, "github", source).splitlines())
