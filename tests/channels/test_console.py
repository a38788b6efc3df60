"""Messages on a terminal: short, readable, and unable to steer it."""

import asyncio
import io

from journeyscript.channels.console import ConsoleAdapter
from journeyscript.channels.outgoing import Deferred, Rendered, Sent


def test_a_message_is_a_short_block(make_outgoing):
    stream = io.StringIO()
    outgoing = make_outgoing(rendered=Rendered(text="Hello Ada\n\nBye\n", subject="Welcome", html="<p>no</p>"))
    assert asyncio.run(ConsoleAdapter(stream).deliver([outgoing])) == [Sent()]
    assert stream.getvalue() == (
        "--- email: welcome to ada@example.com (c-1, welcome/1048576/send.welcome/1)\n"
        "subject: Welcome\n"
        "    Hello Ada\n"
        "\n"
        "    Bye\n"
        "\n"
    )


def test_standard_output_is_the_default(make_outgoing, capsys):
    asyncio.run(ConsoleAdapter().deliver([make_outgoing(), make_outgoing(key="k2")]))
    assert capsys.readouterr().out.count("--- email: welcome") == 2


def test_what_a_customer_wrote_cannot_steer_the_terminal(make_outgoing):
    stream = io.StringIO()
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\u202eabc"
    outgoing = make_outgoing(address=evil, rendered=Rendered(text=evil, subject=evil))
    asyncio.run(ConsoleAdapter(stream).deliver([outgoing]))
    assert not set(stream.getvalue()) & {"\x1b", "\x07", "\x9b", "\r"}
    assert len(stream.getvalue().splitlines()) == 4


def test_a_terminal_with_few_characters_gets_the_rest_replaced(make_outgoing):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="")
    outgoing = make_outgoing(rendered=Rendered(text="Zoë 🎉"))
    assert asyncio.run(ConsoleAdapter(stream).deliver([outgoing])) == [Sent()]
    assert b"    Zo? ?\n" in raw.getvalue()


def test_a_stream_that_is_gone_defers_what_it_did_not_take(make_outgoing):
    stream = io.StringIO()
    stream.close()
    [answer] = asyncio.run(ConsoleAdapter(stream).deliver([make_outgoing()]))
    assert isinstance(answer, Deferred)
