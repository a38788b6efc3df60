"""From `channel.yaml` to an adapter: what is refused, what a rehearsal may touch, where people say no more."""

import asyncio
import io
import json
from pathlib import Path

import msgspec
import pytest

from journeyscript.channels.adapters import ChannelError, make_adapter, rehearsal, unsubscribe
from journeyscript.channels.console import ConsoleAdapter
from journeyscript.channels.file import EmlAdapter, JsonLinesAdapter
from journeyscript.channels.render import RenderError
from journeyscript.channels.smtp import SmtpAdapter
from journeyscript.syntax.config import UnsubscribeConfig


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"adapter": "console"}, ConsoleAdapter),
        ({"adapter": "file"}, JsonLinesAdapter),
        ({"adapter": "file", "format": "eml"}, EmlAdapter),
        ({"adapter": "smtp"}, SmtpAdapter),
    ],
)
def test_every_adapter_can_be_made(email_channel, tmp_path, changes, kind):
    channel = msgspec.structs.replace(email_channel, **changes)
    assert isinstance(make_adapter(channel, environment={}, folder=tmp_path), kind)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"smtp": None}, "channel `email` needs `smtp` for the adapter `smtp`"),
        ({"sender": None}, "channel `email` needs a `sender` for the adapter `smtp`"),
        ({"sender": "Shop"}, "the `sender` of channel `email` cannot be used: `Shop` is not an e-mail address"),
        ({"reply_to": "x"}, "the `reply_to` of channel `email` cannot be used: `x` is not an e-mail address"),
        ({"medium": "text"}, "channel `email` cannot use the adapter `smtp`: it carries `text`, not `email`"),
        (
            {"medium": "text", "adapter": "file", "format": "eml"},
            "channel `email` cannot use the format `eml`: it carries `text`, not `email`",
        ),
    ],
)
def test_a_channel_that_cannot_work_is_refused_before_the_first_message(email_channel, tmp_path, changes, why):
    with pytest.raises(ChannelError) as raised:
        make_adapter(msgspec.structs.replace(email_channel, **changes), environment={}, folder=tmp_path)
    assert str(raised.value) == why


def test_the_console_writes_to_the_stream_it_is_given(email_channel, tmp_path, make_outgoing):
    stream = io.StringIO()
    channel = msgspec.structs.replace(email_channel, adapter="console")
    asyncio.run(make_adapter(channel, environment={}, folder=tmp_path, stream=stream).deliver([make_outgoing()]))
    assert "ada@example.com" in stream.getvalue()


def test_a_rehearsal_writes_what_smtp_would_send_and_needs_no_secret(channel_at, tmp_path, make_outgoing):
    channel = rehearsal(channel_at(25, smtp={"password": "${MAIL_PASSWORD}", "username": "shop"}), Path("rehearsed"))
    assert (channel.adapter, channel.smtp) == ("file", None)
    asyncio.run(make_adapter(channel, environment={}, folder=tmp_path).deliver([make_outgoing()]))
    line = json.loads((tmp_path / "rehearsed" / "email.jsonl").read_text())
    assert (line["to"], line["subject"]) == ("ada@example.com", "Welcome")
    assert line["headers"]["From"] == "The Shop <hello@shop.example>"


@pytest.mark.parametrize("adapter", ["console", "file"])
def test_a_rehearsal_leaves_a_channel_alone_that_stays_on_the_machine(email_channel, adapter):
    channel = msgspec.structs.replace(email_channel, adapter=adapter, path="elsewhere")
    assert rehearsal(channel, Path("elsewhere")) == channel


def with_unsubscribe(channel, **changes):
    return msgspec.structs.replace(channel, unsubscribe=UnsubscribeConfig(**changes))


def test_where_to_unsubscribe_is_rendered_for_the_customer(email_channel):
    channel = with_unsubscribe(
        email_channel, url="https://shop.example/u?id={{ customer.id | url_encode }}", mailto="stop@shop.example"
    )
    assert unsubscribe(channel, {"customer": {"id": "a b&c=ü\r\n"}}) == (
        "https://shop.example/u?id=a+b%26c%3D%C3%BC%0D%0A",
        "stop@shop.example",
    )
    assert unsubscribe(email_channel, {}) == (None, None)
    assert unsubscribe(with_unsubscribe(email_channel, mailto="stop@shop.example"), {}) == (None, "stop@shop.example")


def test_a_value_without_url_encode_still_cannot_leave_the_url(email_channel):
    channel = with_unsubscribe(email_channel, url="https://shop.example/u?id={{ customer.id }}\n")
    url, _ = unsubscribe(channel, {"customer": {"id": "x>\r\nBcc: <y@z.example>, é"}})
    assert url == "https://shop.example/u?id=x%3E%0ABcc:%20%3Cy@z.example%3E,%20%C3%A9"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("{{ customer.id }}", "it must begin with `https://`"),
        ("https://shop.example/{{ customer.unknown }}", "`customer.unknown` is not defined"),
        ("https://shop.example/{{ customer.id", "expected"),
        ("https://shop.example/{% for i in (1..1000) %}x{% endfor %}", "longer than 900 characters"),
    ],
)
def test_an_unsubscribe_url_that_cannot_be_used_is_an_error(email_channel, url, why):
    with pytest.raises(RenderError, match=why):
        unsubscribe(with_unsubscribe(email_channel, url=url), {"customer": {"id": "javascript:x"}})
