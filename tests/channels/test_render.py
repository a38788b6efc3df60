"""What a receiver sees: the author's Markdown and Liquid with a customer's values filled in, and nothing more."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyscript.channels.outgoing import Rendered
from journeyscript.channels.render import RenderError, compile_content
from journeyscript.syntax.message import ContentDocument

ADA = {"customer": {"first_name": "Ada"}}


def email(body: str, data=ADA, *, subject: str = "s", preheader: str | None = None, locale: str = "") -> Rendered:
    document = ContentDocument(medium="email", subject=subject, body=body, preheader=preheader)
    return compile_content(document).render(data, locale=locale)


def text(body: str, data=ADA) -> str:
    return compile_content(ContentDocument(medium="text", body=body)).render(data).text


def content(rendered: Rendered) -> str:
    """Return what stands in the body of the HTML document, on one line."""
    assert rendered.html is not None
    inside = rendered.html.split('<div class="content">\n')[1].removesuffix("</div>\n</body>\n</html>\n")
    return "".join(line.strip() for line in inside.splitlines())


class Tags(HTMLParser):
    """Every tag with its attributes' names, and all the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, *(name for name, _ in attrs)))
        self.attributes += attrs

    def handle_endtag(self, tag):
        self.tags.append(("/" + tag,))

    def handle_comment(self, data):  # noqa: ARG002
        self.tags.append(("!--",))

    def handle_data(self, data):
        self.text += data


# Text ----------------------------------------------------------------------------------------------------------------


def test_a_text_message_is_liquid_without_html_escaping():
    assert text("Hi {{ customer.first_name }}, 5 < 6 & more\n", {"customer": {"first_name": "O'Neil"}}) == (
        "Hi O'Neil, 5 < 6 & more"
    )


def test_a_text_message_has_neither_subject_nor_html():
    rendered = compile_content(ContentDocument(medium="text", body="x")).render({})
    assert (rendered.subject, rendered.html) == (None, None)


def test_the_text_of_an_email_is_its_markdown_with_the_values_in_it():
    rendered = email("# Hi {{ customer.first_name }}\n\n**Thanks** & bye\n")
    assert rendered.text == "# Hi Ada\n\n**Thanks** & bye"


def test_control_lines_leave_at_most_one_blank_line_in_the_text():
    body = "one\n\n{% if customer.first_name %}\n\ntwo\n\n{% endif %}\n\nthree"
    assert email(body).text == "one\n\ntwo\n\nthree"


def test_control_characters_of_a_value_are_left_out():
    rendered = email("{{ customer.first_name }}", {"customer": {"first_name": "A\x00d\x1b[31ma"}})
    assert rendered.text == "Ad[31ma"
    assert content(rendered) == "<p>Ad[31ma</p>"


# Values --------------------------------------------------------------------------------------------------------------


def test_a_missing_value_is_empty_and_can_have_a_default():
    data = {"customer": {"first_name": None}}
    assert text("Hi {{ customer.first_name | default: 'friend' }}{{ customer.first_name }}!", data) == "Hi friend!"
    assert text("{% if customer.first_name %}yes{% else %}no{% endif %}", data) == "no"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("{{ customer.frist_name }}", "customer.frist_name"),
        ("{{ custmer.first_name }}", "custmer"),
        ("{% if customer.vip %}x{% endif %}", "customer.vip"),
        ("{{ customer.vip | default: 'x' }}", "customer.vip"),
        ("{{ entry.event.plan }}", "entry.event.plan"),
        ("{% for item in items %}x{% endfor %}", "items"),
        ("{{ now }}", "now"),
        ("{{ today }}", "today"),
    ],
)
def test_a_name_that_is_not_in_the_data_is_an_error_that_names_it(body, name):
    data = {"customer": {"first_name": "Ada"}, "entry": {"event": {}}}
    with pytest.raises(RenderError, match=rf"^body line 2: `{re.escape(name)}` is not defined$"):
        text(f"Hi\n{body}", data)


def test_what_lies_inside_a_value_is_nil_where_it_is_absent():
    data = {"customer": {"address": None}, "entry": {"event": {"items": [{"name": "Tea"}, {}]}}}
    assert text("[{{ customer.address.city }}]", data) == "[]"
    assert text("{% for item in entry.event.items %}[{{ item.name }}]{% endfor %}", data) == "[Tea][]"


def test_a_timestamp_is_shown_in_the_zone_asked_for_or_the_customers_own_or_utc():
    instant = 1774738800000  # 2026-03-28T23:00Z
    assert text("{{ at | date: '%Y-%m-%d %H:%M' }}", {"at": instant}) == "2026-03-28 23:00"
    assert text("{{ at | date: '%d %B', 'Europe/Berlin' }}", {"at": instant}) == "29 March"
    berlin = {"at": instant, "customer": {"timezone": "Europe/Berlin"}}
    assert text("{{ at | date: '%d %B' }}", berlin) == "29 March"
    assert text("{{ at | date: '%d %B' }}", {"at": instant, "customer": {"timezone": "Nowhere"}}) == "28 March"


def test_a_date_is_the_same_day_everywhere_and_no_date_is_left_as_it_is():
    data = {"day": "2026-03-29", "none": None, "word": "now", "customer": {"timezone": "America/New_York"}}
    assert (
        text("{{ day | date: '%d.%m.%Y' }}|{{ none | date: '%Y' }}|{{ word | date: '%Y' }}", data) == "29.03.2026||now"
    )


# HTML ----------------------------------------------------------------------------------------------------------------


def test_the_html_is_a_whole_document_in_the_language_of_the_locale():
    rendered = email("x", subject="5 < 6", locale="zh-CN", preheader="Only for {{ customer.first_name }}")
    assert rendered.html.startswith('<!DOCTYPE html>\n<html lang="zh-CN" dir="ltr">')
    assert '<meta charset="utf-8">' in rendered.html
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in rendered.html
    assert "<title>5 &lt; 6</title>" in rendered.html
    assert ">Only for Ada</div>" in rendered.html
    assert "display:none" in rendered.html
    assert 'lang="en" dir="ltr"' in email("x").html
    assert 'lang="ar" dir="rtl"' in email("x", locale="ar").html
    assert 'lang="en"' in email("x", locale='de"><script>').html
    assert "display:none" not in email("x").html


def test_markdown_becomes_html_around_the_values():
    body = "# Hi {{ customer.first_name }}\n\nSome **{{ customer.first_name }}** and *{{customer.first_name}}s*\n"
    assert content(email(body)) == "<h1>Hi Ada</h1><p>Some <strong>Ada</strong> and <em>Adas</em></p>"


def test_liquid_in_a_link_target_with_quotes_and_blanks_survives_markdown():
    body = "[go](https://shop.example/?u={{ customer.first_name | url_encode }}&v=1 'for {{ customer.first_name }}')"
    assert content(email(body, {"customer": {"first_name": 'A "B" & <C>'}})) == (
        '<p><a href="https://shop.example/?u=A+%22B%22+%26+%3CC%3E&amp;v=1"'
        ' title="for A &#34;B&#34; &amp; &lt;C&gt;">go</a></p>'
    )


def test_lines_of_control_tags_make_no_paragraphs():
    body = "{% if customer.first_name == 'Ada' %}\nHello\n{% else %}\nBye\n{% endif %}"
    assert content(email(body)) == "<p>Hello</p>"
    assert content(email(body, {"customer": {"first_name": "Bob"}})) == "<p>Bye</p>"


def test_a_loop_around_items_makes_one_list():
    body = "{% for item in items %}\n- {{ item }}\n{% endfor %}\n"
    assert content(email(body, {"items": ["a", "b"]})) == "<ul><li>a</li><li>b</li></ul>"
    numbered = "{% for item in items %}\n1. {{ item }}\n{% endfor %}\n"
    assert content(email(numbered, {"items": ["a", "b"]})) == "<ol><li>a</li><li>b</li></ol>"


def test_text_indented_inside_a_condition_is_text_and_no_code():
    body = "{% if customer.first_name %}\n    Hello\n    {% if true %}\n        - one\n    {% endif %}\n{% endif %}"
    assert content(email(body)) == "<p>Hello</p><ul><li>one</li></ul>"


def test_comments_and_raw_blocks_are_not_markdown():
    body = "a {% comment %}\n# no {{ unknown }}\n\n- no{% endcomment %} b {% raw %}{{ *x* }}{% endraw %}"
    assert content(email(body)) == "<p>a  b {{ *x* }}</p>"


def test_html_is_allowed_as_the_author_wrote_it():
    body = (
        '<table><tr><td style="color:red" {% if true %}class="a"{% endif %}>{{ customer.first_name }}</td></tr></table>'
    )
    assert content(email(body)) == '<table><tr><td style="color:red" class="a">Ada</td></tr></table>'


def test_a_word_that_looks_like_a_placeholder_stays_a_word():
    assert content(email("lqd0z lqdq0z {{ customer.first_name }} lqd7z")) == "<p>lqd0z lqdq0z Ada lqd7z</p>"


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", " JavaScript:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "vbscript:x"]
)
@pytest.mark.parametrize(
    "body", ["[go]({{ customer.url }})", '<a href="{{ customer.url }}">go</a>', "![]({{ customer.url }})"]
)
def test_a_value_that_is_a_whole_link_cannot_run_anything(body, target):
    attributes = Tags(email(body, {"customer": {"url": target}}).html).attributes
    assert [value for name, value in attributes if name in {"href", "src"}] == ["#"]


def test_a_value_may_be_a_whole_link():
    rendered = email("[go]({{ customer.url }})", {"customer": {"url": "https://shop.example/?a=1&b=2"}})
    assert content(rendered) == '<p><a href="https://shop.example/?a=1&amp;b=2">go</a></p>'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("<a href={{ customer.first_name }}>x</a>", "a value inside an HTML tag must stand in quotes"),
        ("<b {{ customer.first_name }}>x</b>", "a value inside an HTML tag must stand in quotes"),
        ("<b {% echo customer.first_name %}>x</b>", "a value inside an HTML tag must stand in quotes"),
        (
            "<b onclick=\"f('{{ customer.first_name }}')\">x</b>",
            "a value may not stand in the HTML attribute `onclick`",
        ),
        ("<script>\nf('{{ customer.first_name }}')\n</script>", "a value may not stand inside <script>"),
        ("<style>\np { color: {{ customer.first_name }} }\n</style>", "a value may not stand inside <style>"),
    ],
)
def test_a_place_where_escaping_does_not_protect_is_refused_at_compile_time(body, why):
    with pytest.raises(RenderError, match=why):
        compile_content(ContentDocument(medium="email", subject="s", body=body))


EVERYWHERE = """# Hi {{ name }}

Hello {{ name }}, **{{ name }}** and
[{{ name }}](https://shop.example/{{ name }}?q={{ name | url_encode }} "{{ name }}")

- {{ name }}
- `{{ name }}`

> {{ name }}

| a | b |
|---|---|
| {{ name }} | {{ name }} |

<p title="{{ name }}">{{ name }}</p> ![{{ name }}]({{ name }})
"""


@given(
    st.one_of(
        st.text(alphabet=st.characters(exclude_categories=["Cs"])),
        st.sampled_from(
            [
                "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='x", "</title><b>",
                "-->", "**bold** _x_ # h", "](javascript:alert(1))", "\n\n# Heading\n\n- item", "| a | b |", "```",
                "&lt;b&gt;", "{{ customer.email }}{% for i in (1..9) %}", "{% endraw %}", "\r\nBcc: x@example.com",
                "lqd0z",
            ]
        ),
    )
)  # fmt: skip
def test_no_value_whatever_can_be_markup_markdown_liquid_or_a_header(name):
    document = ContentDocument(medium="email", subject="Hi {{ name }}", body=EVERYWHERE, preheader="For {{ name }}")
    harmless = compile_content(document).render({"name": "Ada"})
    rendered = compile_content(document).render({"name": name})
    assert Tags(rendered.html).tags == Tags(harmless.html).tags
    assert len(rendered.subject.splitlines()) == 1
    if name.isprintable() and name.strip() == name:
        assert f"Hello {name}, " in Tags(rendered.html).text
        assert f"Hello {name}, **{name}**" in rendered.text


# Subject, compilation, limits ----------------------------------------------------------------------------------------


def test_a_subject_is_rendered_without_html_escaping_on_one_line():
    rendered = email(
        "x", {"customer": {"first_name": "A & B\r\n\tBcc: x\x00\u2028y"}}, subject=" Hi\n{{ customer.first_name }} "
    )
    assert rendered.subject == "Hi A & B Bcc: x y"


def test_an_email_without_a_subject_is_refused():
    with pytest.raises(RenderError, match=r"^an e-mail needs a subject$"):
        compile_content(ContentDocument(medium="email", body="x"))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("a\n{{ customer.first_name", "^body line 2: "),
        ("{% if true %}", "^body: "),
        ("{% nonsense %}", "^body line 1: unexpected tag 'nonsense'$"),
        ("{% include 'secrets' %}", "^body line 1: unexpected tag 'include'$"),
        ("{% render 'secrets' %}", "^body line 1: unexpected tag 'render'$"),
        ("{{ customer.first_name | shout }}", "^body: there is no filter `shout`$"),
        ("{{ customer.first_name | safe }}", "^body: there is no filter `safe`$"),
    ],
)
def test_content_that_does_not_compile_says_why_in_one_sentence(body, why):
    for medium in ("text", "email"):
        with pytest.raises(RenderError, match=why) as raised:
            compile_content(ContentDocument(medium=medium, subject="s", body=body))
        assert "\n" not in str(raised.value)


def test_an_error_in_the_subject_or_the_preheader_says_so():
    with pytest.raises(RenderError, match=r"^subject: `x` is not defined$"):
        email("body", subject="{{ x }}")
    with pytest.raises(RenderError, match=r"^preheader: `x` is not defined$"):
        email("body", preheader="{{ x }}")


@pytest.mark.parametrize(
    "body",
    [
        "{% for i in (1..1000000) %}x{% endfor %}",
        "{% for i in (1..200) %}{% for j in (1..200) %}x{% endfor %}{% endfor %}",
        "{% for i in (1..9000) %}{{ customer.first_name }}{% endfor %}",
        "{{ customer.first_name | divided_by: 0 }}",
        "{{ 1 | date: '%Y', 'Mars/Olympus' }}",
        "{{ '1e400' | times: 10 | ceil }}",
    ],
)
def test_rendering_that_goes_out_of_bounds_is_an_error_and_not_a_crash(body):
    with pytest.raises(RenderError):
        text(body, {"customer": {"first_name": "x" * 1000}})


def test_a_document_is_compiled_once():
    first = compile_content(ContentDocument(medium="text", body="once"))
    assert compile_content(ContentDocument(medium="text", body="once")) is first
