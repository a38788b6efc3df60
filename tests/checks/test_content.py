"""What is said of messages: only what is so for whoever gets them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyscript.channels.template import Liquid, RenderError
from journeyscript.checks.segments import count_segments, static_text, too_long
from journeyscript.checks.texts import names_a_value
from journeyscript.compiler import compile_project
from journeyscript.semantics.templates import known_filters
from tests.projects import lay_out, steps_of

THANKS = "\u0421\u043f\u0430\u0441\u0438\u0431\u043e! "
MAIL = "---\nsubject: Hello\n---\n"


def found_in(root, steps, files, rules=""):
    settings = {"journeyscript.yaml": f'name: x\nrules: {{ JS902: "off"{rules} }}\n'}
    project = compile_project(lay_out(root, {**settings, "journeys/trial.yaml": steps_of(steps), **files}))
    return [(found.code, found.span.path, found.span.line, found.span.column) for found in project.diagnostics]


# Links ------------------------------------------------------------------------------------------------------------


def test_an_insecure_link_is_found_where_it_stands(tmp_path):
    files = {"channels/email/reminder.md": MAIL + "Come\n[back](http://shop.example/{{ customer.id }}).\n"}
    assert found_in(tmp_path, "- send: reminder\n  via: email", files) == [
        ("JS609", "channels/email/reminder.md", 5, 8)
    ]


@pytest.mark.parametrize(
    "text", ["https://shop.example", "http://localhost:8000/x", '<svg xmlns="http://www.w3.org/2000/svg">']
)
def test_encrypted_links_own_machines_and_names_of_formats_are_fine(text, tmp_path):
    assert found_in(tmp_path, "- send: reminder\n  via: push", {"channels/push/reminder.txt": text}) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[a](https://shop.example/?e={{ customer.email | default: '' }})", True),
        ("<a href='https://shop.example/{{ customer.phone | default: 1 }}/x'>a</a>", True),
        ("[write](mailto:a@shop.example?body={{ customer.email | default: '' }})", True),
        ("Is {{ customer.email | default: '?' }} right? See https://shop.example", False),
        ("[a](https://shop.example/?n={{ customer.first_name | default: '' }})", False),
        ("{% if customer.email %}[a](https://shop.example/){% endif %}", False),
    ],
)
def test_a_sensitive_value_is_found_in_a_link_and_nowhere_else(text, found, tmp_path):
    files = {"channels/email/reminder.md": MAIL + text}
    codes = [code for code, *_ in found_in(tmp_path, "- send: reminder\n  via: email", files)]
    assert codes == (["JS511"] if found else [])


def test_a_sensitive_value_is_followed_through_the_variables_of_the_step(tmp_path):
    files = {"channels/email/reminder.md": MAIL + "[a](https://shop.example/?who={{ who }})"}
    steps = "- send: reminder\n  via: email\n  with: { who: 'customer.email ?? \"\"' }"
    assert [code for code, *_ in found_in(tmp_path, steps, files)] == ["JS511"]


# Languages --------------------------------------------------------------------------------------------------------


def test_a_language_that_one_channel_lacks_is_found_for_sends_that_may_take_either(tmp_path):
    files = {"channels/email/reminder.fr.md": MAIL + "Revenez."}
    assert found_in(tmp_path / "a", "- send: reminder", files) == [("JS607", "channels/push/reminder.txt", 1, 1)]
    assert found_in(tmp_path / "b", "- send: reminder\n  via: email", files) == []


def test_a_language_stands_in_for_that_of_a_country(tmp_path):
    files = {"channels/email/reminder.fr-CA.md": MAIL + "Revenez.", "channels/push/reminder.fr.txt": "Revenez."}
    assert found_in(tmp_path, "- send: reminder", files) == [("JS607", "channels/email/reminder.md", 1, 1)]


# Text messages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1), ("€" * 81, 2),
        ("ж" * 70, 1), ("ж" * 71, 2), ("ж" * 134, 2), ("ж" * 135, 3), ("😀" * 35, 1), ("😀" * 36, 2),
    ],
)  # fmt: skip
def test_a_text_takes_as_many_messages_as_the_standard_says(text, parts):
    assert count_segments(text) == parts


@given(st.text(), st.text())
def test_a_longer_text_never_takes_fewer_messages(text, more):
    assert count_segments(text + more) >= count_segments(text)


def test_one_curly_quote_is_pointed_out_only_where_it_costs_a_message():
    assert too_long("It\u2019s here.") is None
    found = too_long("It\u2019s here. " + "Come and see it. " * 5)
    assert found is not None
    assert (found.message, found.character) == ("`\u2019` makes this 2 text messages instead of 1", "\u2019")


def test_a_language_of_another_alphabet_is_not_blamed_for_its_letters():
    assert too_long(THANKS * 10) is None
    assert too_long(THANKS * 40) is not None


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hi {{ customer.first_name }}!", "Hi !"),
        ("{% if customer.vip %}yes{% else %}no{% endif %} end", "end"),
        ("{% for x in customer.tags %}{% if x %}a{% endif %}b{% endfor %}c", "c"),
        ("{% comment %}a{% endcomment %}b", "b"),
        ("{% assign a = 1 %}b", "b"),
    ],
)
def test_only_what_everybody_gets_is_counted(template, text):
    assert static_text(template) == text


def test_only_text_on_a_channel_of_text_messages_is_counted(tmp_path):
    long = {"channels/push/reminder.txt": "a" * 700, "channels/email/reminder.md": MAIL + "a" * 700}
    assert found_in(tmp_path / "a", "- send: reminder", long) == []
    assert found_in(tmp_path / "b", "- send: long", {"channels/sms/long.txt": "a" * 700}) == [
        ("JS605", "channels/sms/long.txt", 1, 1)
    ]


# Values and words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("customer.country", True),
        ("customer.visits > 3", True),
        ("event.total * 2", True),
        ("has customer.phone", True),
        ("see customer.country", False),
        ("customer", False),
        ("shop.example", False),
        ("write to customer.care@shop.example", False),
        ("", False),
    ],
)
def test_a_text_names_a_value_where_it_is_an_expression_as_a_whole(text, found):
    assert names_a_value(text) is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hello customer.country.", True),
        ("Hello {{ customer.country }}.", False),
        ("Hello customer.nobody.", False),
        ("Write to customer.country@shop.example.", False),
        ("See https://customer.country.example", False),
    ],
)
def test_the_name_of_an_attribute_in_a_text_is_found(text, found, tmp_path):
    files = {"channels/push/reminder.txt": text}
    assert [code for code, *_ in found_in(tmp_path, "- send: reminder\n  via: push", files)] == ["JS011"] * found


def test_an_expression_in_quotes_is_found_wherever_a_value_is_written(tmp_path):
    steps = """
- set: { first_name: "'customer.status'" }
- emit: page_viewed
  properties: { url: "'customer.country'" }
- branch:
    - if: customer.country == "customer.status"
      steps: [{ send: reminder }]
    - else: []
"""
    assert [code for code, *_ in found_in(tmp_path, steps, {})] == ["JS011"] * 3


def test_a_variable_that_some_content_reads_is_used(tmp_path):
    files = {"channels/push/reminder.txt": "Come {{ back }}."}
    on, steps = ", JS604: info", "- send: reminder\n  with: { back: '\"back\"', more: '1' }"
    assert found_in(tmp_path / "a", steps, files, on) == [("JS604", "journeys/trial.yaml", 4, 5)]
    assert found_in(tmp_path / "b", steps.replace(", more: '1'", ""), files, on) == []


@pytest.mark.parametrize(("said", "codes"), [("marketing", ["JS506"]), ("transactional", []), (None, [])])
def test_a_step_may_call_transactional_what_no_message_calls_marketing(said, codes, tmp_path):
    front = "" if said is None else f"---\nclass: {said}\n---\n"
    files = {"channels/push/reminder.txt": front + "Come back."}
    steps = "- send: reminder\n  via: push\n  class: transactional"
    assert [code for code, *_ in found_in(tmp_path, steps, files)] == codes


# What cannot be rendered ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("Hello\n\n<b title={{ customer.country }}>you</b>", 6),
        ('<b onclick="x({{ customer.country }})">you</b>', 4),
        ("a\n\n<script>let a = '{{ customer.country }}'</script>", 6),
    ],
)
def test_a_value_that_would_be_html_is_found_before_anybody_is_to_get_it(body, line, tmp_path):
    found = found_in(tmp_path, "- send: reminder\n  via: email", {"channels/email/reminder.md": MAIL + body})
    assert [(code, at) for code, _, at, _ in found] == [("JS608", line)]


@pytest.mark.parametrize(
    "body", ['<b title="{{ customer.country }}">you</b>', "1 < {{ customer.visits }}", "<style>b{}</style>"]
)
def test_a_value_in_text_or_in_quotes_is_escaped_and_fine(body, tmp_path):
    files = {"channels/email/reminder.md": MAIL + body}
    assert found_in(tmp_path, "- send: reminder\n  via: email", files) == []


def test_a_filter_that_the_channels_do_not_have_is_an_error_at_its_place(tmp_path):
    files = {"channels/push/reminder.txt": "A\n{{ customer.country | safe }}{{ customer.country | uppcase }}"}
    assert found_in(tmp_path, "- send: reminder\n  via: push", files) == [
        ("JS610", "channels/push/reminder.txt", 2, 23),
        ("JS610", "channels/push/reminder.txt", 2, 52),
    ]


@pytest.mark.parametrize("name", [*sorted(known_filters()), "safe", "escapejs", "nonsense"])
def test_the_compiler_knows_the_filters_that_the_channels_know(name):
    if name in known_filters():
        assert Liquid(f"{{{{ x | {name} }}}}", place="body")
    else:
        with pytest.raises(RenderError, match=f"there is no filter `{name}`"):
            Liquid(f"{{{{ x | {name} }}}}", place="body")
