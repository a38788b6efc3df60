"""The bytes of a mail: the same for the same send, and readable by any mail program."""

from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy

import msgspec
import pytest

from journeyscript.channels.mime import build_email, is_address, parse_mailbox
from journeyscript.channels.outgoing import Rendered

DATE = datetime(2026, 3, 28, 20, 0, tzinfo=timezone(timedelta(hours=1)))


def read(message):
    return message_from_bytes(message.as_bytes().replace(b"\r\n", b"\n"), policy=policy.default)


def test_the_same_send_gives_the_same_bytes(make_outgoing, email_channel):
    first = build_email(make_outgoing(), email_channel, date=DATE).as_bytes()
    assert build_email(make_outgoing(), email_channel, date=DATE).as_bytes() == first
    assert build_email(make_outgoing(key="other"), email_channel, date=DATE).as_bytes() != first


def test_the_date_is_the_one_given_and_must_have_a_zone(make_outgoing, email_channel):
    assert read(build_email(make_outgoing(), email_channel, date=DATE))["Date"] == "Sat, 28 Mar 2026 20:00:00 +0100"
    with pytest.raises(ValueError, match="time zone"):
        build_email(make_outgoing(), email_channel, date=datetime(2026, 3, 28, tzinfo=UTC).replace(tzinfo=None))


def test_names_of_senders_keep_their_script_and_their_commas(make_outgoing, email_channel):
    channel = msgspec.structs.replace(email_channel, sender='"Müller, Söhne & 猫" <hello@shop.example>')
    mail = read(build_email(make_outgoing(), channel, date=DATE))
    [sender] = mail["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Müller, Söhne & 猫", "hello@shop.example")


def test_a_long_unsubscribe_url_stays_one_url(make_outgoing, email_channel):
    url = "https://shop.example/unsubscribe?token=" + "a,b;c" * 150
    outgoing = make_outgoing(unsubscribe_url=url, unsubscribe_mailto="stop@shop.example?subject=stop me")
    raw = build_email(outgoing, email_channel, date=DATE).as_bytes()
    assert f"List-Unsubscribe: <{url}>,\r\n <mailto:stop@shop.example?subject=stop%20me>\r\n".encode() in raw
    mail = message_from_bytes(raw, policy=policy.default)
    assert mail["List-Unsubscribe"] == f"<{url}>, <mailto:stop@shop.example?subject=stop%20me>"


def test_a_line_end_in_an_unsubscribe_url_or_a_key_makes_no_header(make_outgoing, email_channel):
    outgoing = make_outgoing(unsubscribe_url="https://shop.example/\r\nBcc: x@y.zz>, <", key="k\r\nBcc: x@y.zz")
    mail = read(build_email(outgoing, email_channel, date=DATE))
    assert mail["Bcc"] is None
    assert mail["List-Unsubscribe"] == "<https://shop.example/%0D%0ABcc:%20x@y.zz%3E,%20%3C>"


@pytest.mark.parametrize(
    ("url", "mailto", "expected", "one_click"),
    [
        ("https://s.example/u", None, "<https://s.example/u>", "List-Unsubscribe=One-Click"),
        ("http://s.example/u", None, "<http://s.example/u>", None),
        (None, "stop@s.example", "<mailto:stop@s.example>", None),
        (None, None, None, None),
    ],
)
def test_one_click_is_promised_only_with_an_https_url(make_outgoing, email_channel, url, mailto, expected, one_click):
    outgoing = make_outgoing(unsubscribe_url=url, unsubscribe_mailto=mailto)
    mail = read(build_email(outgoing, email_channel, date=DATE))
    assert mail["List-Unsubscribe"] == expected
    assert mail["List-Unsubscribe-Post"] == one_click


def test_a_transactional_mail_offers_no_unsubscription(make_outgoing, email_channel):
    outgoing = make_outgoing(
        kind="transactional", unsubscribe_url="https://s.example/u", unsubscribe_mailto="a@b.example"
    )
    mail = read(build_email(outgoing, email_channel, date=DATE))
    assert mail["List-Unsubscribe"] is None
    assert mail["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize("length", [1, 5000])
def test_every_line_is_short_and_seven_bit_whatever_the_text(make_outgoing, email_channel, length):
    text = "ü" * length + "\n" + "x" * length
    rendered = Rendered(text=text, subject="é" * 500, html="<p>" + "漢" * length + "</p>")
    message = build_email(make_outgoing(rendered=rendered), email_channel, date=DATE)
    raw = message.as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    mail = read(message)
    assert mail["Subject"] == "é" * 500
    assert mail.get_body(("plain",)).get_content().splitlines() == rendered.text.splitlines()
    assert mail.get_body(("html",)).get_content().splitlines() == [rendered.html]


@pytest.mark.parametrize(
    "address",
    ["ada@example.com", "a.b+tag@sub.example.co.uk", "o'neil@example.com", "jörg@bücher.example", "me@localhost"],
)
def test_ordinary_addresses_are_addresses(address):
    assert is_address(address)


@pytest.mark.parametrize(
    "mailbox",
    [
        "",
        "Shop",
        "Shop <hello>",
        "a@b.example, c@d.example",
        "a@b.example, C <c@d.example>",
        "Shop <a@b.example\r\nX: y>",
    ],
)
def test_what_is_no_mailbox_is_refused(mailbox):
    with pytest.raises(ValueError, match="is not an e-mail address"):
        parse_mailbox(mailbox)
