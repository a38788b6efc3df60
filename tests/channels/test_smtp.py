"""Mails handed to a real server over a socket, and what its answers come to mean."""

import asyncio
import socket
from hashlib import sha256
from pathlib import Path

import pytest

from journeyscript.channels import smtp as smtp_module
from journeyscript.channels.adapters import make_adapter
from journeyscript.channels.outgoing import NOT_BEGUN, Deferred, Outgoing, Refused, Rendered, Sent, Unknown
from journeyscript.channels.render import compile_content
from journeyscript.syntax.message import ContentDocument


async def deliver(config, *batches: list[Outgoing], environment=None, folder: Path = Path()):
    """Deliver the batches through one adapter and return the answers of each."""
    adapter = make_adapter(config, environment=environment or {}, folder=folder)
    try:
        return [await adapter.deliver(batch) for batch in batches]
    finally:
        await adapter.close()


@pytest.fixture
def exchange(serve, channel_at, mailbox):
    """Deliver one batch to the mailbox's server and return the answers."""

    def run(batch, *, changes=None, smtp=None, **options):
        async def scenario():
            async with serve(mailbox, **options) as port:
                [answers] = await deliver(channel_at(port, smtp=smtp, **(changes or {})), batch)
                return answers

        return asyncio.run(scenario())

    return run


def test_a_mail_arrives_with_both_parts_and_the_headers_of_its_send(exchange, mailbox, make_outgoing):
    outgoing = make_outgoing(
        unsubscribe_url="https://shop.example/u?id=c-1", unsubscribe_mailto="stop@shop.example", key="welcome/7/send/1"
    )
    answers = exchange([outgoing], changes={"reply_to": "help@shop.example"})

    [(mail_from, receivers, _)] = mailbox.received
    assert (mail_from, receivers) == ("hello@shop.example", ["ada@example.com"])
    [mail] = mailbox.mails
    assert mail["From"] == "The Shop <hello@shop.example>"
    assert mail["To"] == "ada@example.com"
    assert mail["Reply-To"] == "help@shop.example"
    assert mail["Subject"] == "Welcome"
    assert mail["Date"].datetime.tzinfo is not None
    assert mail["X-JourneyScript-Key"] == "welcome/7/send/1"
    assert mail["List-Unsubscribe"] == "<https://shop.example/u?id=c-1>, <mailto:stop@shop.example>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.get_content_type() == "multipart/alternative"
    assert mail.get_body(("plain",)).get_content() == "Hello Ada\n"
    assert mail.get_body(("html",)).get_content() == "<p>Hello Ada</p>\n"
    expected = f"<{sha256(b'welcome/7/send/1').hexdigest()[:32]}@shop.example>"
    assert mail["Message-ID"] == expected
    assert answers == [Sent(provider_id=expected)]


def test_a_retry_carries_the_same_message_id(exchange, mailbox, make_outgoing):
    first, second = exchange([make_outgoing(), make_outgoing()])
    assert first == second
    assert mailbox.mails[0]["Message-ID"] == mailbox.mails[1]["Message-ID"] == first.provider_id


def test_each_customer_gets_a_mail_of_their_own_in_their_own_script(exchange, mailbox, make_outgoing):
    document = ContentDocument(
        medium="email", subject="🎉 Grüße, {{ customer.name }}", body="# Hallo {{ customer.name }}\n\n" + "lang " * 400
    )
    names = ["Zoë Müller", "小林 さくら", "علي", "👩🏽‍💻 Ada"]
    batch = [
        make_outgoing(
            key=f"welcome/{number}/send/1",
            address=f"customer{number}@example.com",
            rendered=compile_content(document).render({"customer": {"name": name}}, locale="de"),
        )
        for number, name in enumerate(names)
    ]
    assert all(isinstance(answer, Sent) for answer in exchange(batch))
    assert mailbox.connections == 1
    for number, (name, mail) in enumerate(zip(names, mailbox.mails, strict=True)):
        assert mail["To"] == f"customer{number}@example.com"
        assert mail["Subject"] == f"🎉 Grüße, {name}"
        assert f"# Hallo {name}" in mail.get_body(("plain",)).get_content()
        assert f"<h1>Hallo {name}</h1>" in mail.get_body(("html",)).get_content()
    for _, _, raw in mailbox.received:
        assert raw.isascii()
        assert max(len(line) for line in raw.split(b"\r\n")) <= 998


def test_a_line_end_in_a_name_makes_no_header(exchange, mailbox, make_outgoing):
    document = ContentDocument(medium="email", subject="Hi {{ customer.first_name }}", body="Hi")
    data = {"customer": {"first_name": "Ada\r\nBcc: all@example.com\r\n\r\n<h1>owned</h1>"}}
    exchange([make_outgoing(rendered=compile_content(document).render(data))])
    [mail] = mailbox.mails
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Hi Ada Bcc: all@example.com <h1>owned</h1>"
    assert mailbox.received[0][1] == ["ada@example.com"]


def test_a_subject_is_one_line_even_where_rendering_left_line_ends(exchange, mailbox, make_outgoing):
    exchange([make_outgoing(rendered=Rendered(text="x", subject="one\r\nX-Evil: yes\u2028two", html=None))])
    [mail] = mailbox.mails
    assert mail["X-Evil"] is None
    assert mail["Subject"] == "one X-Evil: yes two"
    assert mail.get_content_type() == "text/plain"


def test_lines_that_begin_with_a_dot_arrive_unchanged(exchange, mailbox, make_outgoing):
    exchange([make_outgoing(rendered=Rendered(text=".\n..two\n.\nend", subject="dots"))])
    assert mailbox.mails[0].get_content() == ".\n..two\n.\nend\n"


@pytest.mark.parametrize(
    ("answer", "suppress"),
    [
        ("550 no such user", True),
        ("551 user not local", True),
        ("553 mailbox name not allowed", True),
        ("550 5.1.1 no such user", True),
        ("554 5.1.1 no such user", True),
        ("550 5.2.1 mailbox disabled", True),
        ("552 mailbox full", False),
        ("554 no", False),
        ("550 5.7.1 we do not relay", False),
        ("550 5.2.2 mailbox full", False),
    ],
)
def test_a_refused_receiver_is_suppressed_only_where_the_address_is_at_fault(
    exchange, mailbox, make_outgoing, answer, suppress
):
    mailbox.receiver_answers["ada@example.com"] = answer
    refused, sent = exchange([make_outgoing(), make_outgoing(key="k2", address="bob@example.com")])
    assert isinstance(refused, Refused)
    assert refused.suppress is suppress
    assert answer in refused.detail
    assert isinstance(sent, Sent)
    assert [receivers for _, receivers, _ in mailbox.received] == [["bob@example.com"]]
    assert mailbox.connections == 1


@pytest.mark.parametrize("answer", ["450 try later", "451 4.3.0 greylisted", "452 too many receivers"])
def test_a_receiver_refused_for_now_is_deferred(exchange, mailbox, make_outgoing, answer):
    mailbox.receiver_answers["ada@example.com"] = answer
    deferred, sent = exchange([make_outgoing(), make_outgoing(key="k2", address="bob@example.com")])
    assert isinstance(deferred, Deferred)
    assert answer in deferred.detail
    assert isinstance(sent, Sent)


def test_an_answer_to_the_receiver_that_is_about_the_sender_defers_the_batch(exchange, mailbox, make_outgoing):
    mailbox.receiver_answers["ada@example.com"] = "550 5.1.8 sender domain not found"
    answers = exchange([make_outgoing(), make_outgoing(key="k2", address="bob@example.com")])
    assert [type(answer) for answer in answers] == [Deferred, Deferred]
    assert mailbox.received == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("554 5.6.0 spam", Refused), ("550 no", Refused), ("451 later", Deferred), ("421 bye", Deferred)],
)
def test_a_mail_refused_after_data_never_suppresses_its_receiver(exchange, mailbox, make_outgoing, answer, kind):
    mailbox.data_answers = [answer]
    first, second = exchange([make_outgoing(), make_outgoing(key="k2")])
    assert type(first) is kind
    assert answer in first.detail
    assert getattr(first, "suppress", False) is False
    assert isinstance(second, Sent)


def test_a_connection_lost_after_data_leaves_the_outcome_unknown_and_the_next_mail_goes_out(
    exchange, mailbox, make_outgoing
):
    mailbox.data_answers = ["drop"]
    first, second = exchange([make_outgoing(), make_outgoing(key="k2")])
    assert isinstance(first, Unknown)
    assert isinstance(second, Sent)
    assert mailbox.connections == 2


def test_a_server_that_is_silent_after_data_leaves_the_outcome_unknown(exchange, mailbox, make_outgoing):
    mailbox.data_answers = ["silence"]
    [answer] = exchange([make_outgoing()], smtp={"timeout": 2.0})
    assert isinstance(answer, Unknown)


def test_a_connection_lost_before_data_is_deferred_because_nothing_was_sent(exchange, mailbox, make_outgoing):
    mailbox.receiver_answers["ada@example.com"] = "drop"
    first, second = exchange([make_outgoing(), make_outgoing(key="k2", address="bob@example.com")])
    assert isinstance(first, Deferred)
    assert isinstance(second, Sent)


def test_a_server_that_keeps_hanging_up_is_left_alone_for_the_rest_of_the_batch(exchange, mailbox, make_outgoing):
    mailbox.receiver_answers["ada@example.com"] = "drop"
    answers = exchange([make_outgoing(key=f"k{number}") for number in range(10)])
    assert {type(answer) for answer in answers} == {Deferred}
    assert mailbox.connections == 3


def test_a_server_that_hangs_up_after_every_mail_still_takes_them_all(exchange, mailbox, make_outgoing):
    mailbox.data_answers = ["421 that is enough", "250 OK"] * 3
    answers = exchange([make_outgoing(key=f"k{number}") for number in range(6)])
    assert [type(answer) for answer in answers] == [Deferred, Sent] * 3


def test_the_connection_is_kept_between_batches_and_opened_again_when_the_server_dropped_it(
    serve, mailbox, channel_at, make_outgoing
):
    async def scenario():
        async with serve(mailbox) as port:
            adapter = make_adapter(channel_at(port), environment={}, folder=Path())
            first = await adapter.deliver([make_outgoing(key="k1")])
            second = await adapter.deliver([make_outgoing(key="k2")])
            assert mailbox.connections == 1
            mailbox.drop_everybody()
            third = await adapter.deliver([make_outgoing(key="k3")])
            await adapter.close()
            return first + second + third

    assert [type(answer) for answer in asyncio.run(scenario())] == [Sent, Sent, Sent]
    assert mailbox.connections == 2
    assert [mail["X-JourneyScript-Key"] for mail in mailbox.mails] == ["k1", "k2", "k3"]


def test_a_connection_is_renewed_after_a_hundred_mails(exchange, mailbox, make_outgoing):
    answers = exchange([make_outgoing(key=f"k{number}") for number in range(101)])
    assert len(mailbox.received) == len(answers) == 101
    assert mailbox.connections == 2


@pytest.mark.parametrize("answer", ["550 5.7.1 sender rejected", "451 not now", "421 too busy"])
def test_a_refused_sender_defers_everybody_and_suppresses_nobody(exchange, mailbox, make_outgoing, answer):
    mailbox.sender_answers = [answer]
    answers = exchange([make_outgoing(), make_outgoing(key="k2", address="bob@example.com")])
    assert [type(one) for one in answers] == [Deferred, Deferred]
    assert answer in answers[0].detail
    assert mailbox.connections == 1


def test_a_server_that_has_had_enough_of_a_connection_gets_the_next_mail_on_a_new_one(exchange, mailbox, make_outgoing):
    mailbox.sender_answers = ["250 OK", "421 4.7.0 too many mails on this connection", "250 OK"]
    answers = exchange([make_outgoing(key="k1"), make_outgoing(key="k2")])
    assert [type(answer) for answer in answers] == [Sent, Sent]
    assert mailbox.connections == 2


def test_a_server_that_cannot_be_reached_defers_everybody(channel_at, make_outgoing):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        [answers] = asyncio.run(deliver(channel_at(port), [make_outgoing(), make_outgoing(key="k2")]))
    assert [type(answer) for answer in answers] == [Deferred, Deferred]
    assert "127.0.0.1" in answers[0].detail


@pytest.mark.parametrize("greeting", [b"554 go away\r\n", b"I am a web server\r\n", b""])
def test_a_greeting_that_is_no_welcome_defers_everybody(channel_at, make_outgoing, greeting):
    async def scenario():
        async def greet(_, writer):
            writer.write(greeting)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            [answers] = await deliver(channel_at(port), [make_outgoing(), make_outgoing(key="k2")])
            return answers

    assert [type(answer) for answer in asyncio.run(scenario())] == [Deferred, Deferred]


@pytest.fixture
def converse(channel_at, make_outgoing):
    """Deliver two mails to a server that gives fixed answers by command, and hangs up where it has none."""

    def run(**changed: bytes):
        answers = {"EHLO": b"250 mx", "HELO": b"250 mx", "MAIL": b"250 OK", "RCPT": b"250 OK", "DATA": b"354 go on",
                   ".": b"250 OK", "RSET": b"250 OK", "QUIT": b"221 bye"} | changed  # fmt: skip

        talks = []

        async def talk(reader, writer):
            talks.append(asyncio.current_task())
            writer.write(b"220 mx\r\n")
            inside_mail = False
            while line := await reader.readline():
                command = line.decode().split()[0].upper() if line.strip() else ""
                if inside_mail and command != ".":
                    continue
                if not answers[command]:
                    break
                writer.write(answers[command] + b"\r\n")
                inside_mail = answers[command].startswith(b"354")
            writer.close()

        async def scenario():
            server = await asyncio.start_server(talk, "127.0.0.1", 0)
            async with server:
                config = channel_at(server.sockets[0].getsockname()[1])
                [answers] = await deliver(config, [make_outgoing(), make_outgoing(key="k2")])
                await asyncio.gather(*talks)
                return answers

        return asyncio.run(scenario())

    return run


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({}, Sent),
        ({"EHLO": b"502 what?"}, Sent),
        ({"EHLO": b"502 what?", "HELO": b"502 what?"}, Deferred),
        ({".": b"251 OK"}, Sent),
        ({".": b""}, Unknown),
        ({".": b"no number"}, Unknown),
        ({".": b"100 hm"}, Unknown),
        ({"DATA": b""}, Deferred),
        ({"DATA": b"no number"}, Deferred),
        ({"DATA": b"451 not now"}, Deferred),
        ({"DATA": b"554 no valid receivers"}, Refused),
        ({"RCPT": b""}, Deferred),
        ({"RCPT": b"no number"}, Deferred),
        ({"RCPT": b"550 no", "RSET": b""}, Refused),
        ({"RCPT": b"550 no", "RSET": b"500 what?"}, Refused),
        ({"MAIL": b""}, Deferred),
        ({"MAIL": b"no number"}, Deferred),
        ({"QUIT": b""}, Sent),
        ({"QUIT": b"500 stay"}, Sent),
    ],
)
def test_whatever_a_server_says_each_mail_gets_the_answer_it_deserves(converse, answers, kind):
    assert [type(answer) for answer in converse(**answers)] == [kind, kind]


def test_a_secret_that_a_server_repeats_is_not_passed_on(converse, channel_at, make_outgoing):
    async def scenario():
        async def repeat(reader, writer):
            writer.write(b"554 you are shop, your password is hunter2-and-more, AHNob3AAaHVudGVyMi1hbmQtbW9yZQ==\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(repeat, "127.0.0.1", 0)
        async with server:
            config = channel_at(
                server.sockets[0].getsockname()[1], smtp={"username": "shop", "password": "hunter2-and-more"}
            )
            return await deliver(config, [make_outgoing()])

    [[answer]] = asyncio.run(scenario())
    assert isinstance(answer, Deferred)
    assert "554 you are shop, your password is [secret], [secret]" in answer.detail


@pytest.mark.parametrize("changes", [{"sender": "jörg@shop.example"}, {"reply_to": "jörg@shop.example"}])
def test_a_channel_whose_own_address_the_server_cannot_take_refuses_nobody(exchange, mailbox, make_outgoing, changes):
    answers = exchange([make_outgoing(), make_outgoing(key="k2")], changes=changes)
    assert [type(answer) for answer in answers] == [Deferred, Deferred]
    assert mailbox.received == []


@pytest.mark.parametrize(
    "address",
    ["", "ada", "@example.com", "ada@", "ada@example", "a b@example.com", "ada@example.com\r\nRCPT TO:<x@y.zz>",
     "<ada@example.com>", "ada@example.com, bob@example.com", "ada@@example.com", "ada@-example.com",
     ".ada@example.com", "ada\u200b@example.com", "a" * 65 + "@example.com", "ada@" + "a" * 64 + ".com"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_without_asking_the_server(exchange, mailbox, make_outgoing, address):
    [answer] = exchange([make_outgoing(address=address)])
    assert answer == Refused(detail="the address is not a valid e-mail address")
    assert mailbox.connections == 0


def test_a_non_ascii_address_is_refused_by_a_server_without_smtputf8(exchange, mailbox, make_outgoing):
    refused, sent = exchange([make_outgoing(address="jörg@example.com"), make_outgoing(key="k2")])
    assert isinstance(refused, Refused)
    assert refused.suppress is False
    assert "SMTPUTF8" in refused.detail
    assert isinstance(sent, Sent)


def test_a_non_ascii_address_is_written_as_it_is_to_a_server_with_smtputf8(exchange, mailbox, make_outgoing):
    answers = exchange([make_outgoing(address="jörg@bücher.example")], enable_SMTPUTF8=True)
    assert [type(answer) for answer in answers] == [Sent]
    [(_, receivers, raw)] = mailbox.received
    assert receivers == ["jörg@bücher.example"]
    assert mailbox.options == [["SMTPUTF8"]]
    assert "To: jörg@bücher.example\r\n".encode() in raw


def test_a_cancelled_delivery_leaves_no_half_conversation_behind(serve, mailbox, channel_at, make_outgoing):
    mailbox.data_answers = ["silence"]

    async def scenario():
        async with serve(mailbox) as port:
            adapter = make_adapter(channel_at(port), environment={}, folder=Path())
            delivery = asyncio.create_task(adapter.deliver([make_outgoing(key="k1")]))
            await mailbox.silent.wait()
            delivery.cancel()
            with pytest.raises(asyncio.CancelledError):
                await delivery
            answers = await adapter.deliver([make_outgoing(key="k2")])
            await adapter.close()
            return answers

    assert [type(answer) for answer in asyncio.run(scenario())] == [Sent]
    assert [mail["X-JourneyScript-Key"] for mail in mailbox.mails] == ["k2"]


# A run that is to end ---------------------------------------------------------------------------------------------


async def hurried(serve, mailbox, channel_at, batch):
    """Deliver a batch in a run that is to end once the server is silent; the time-out is ten minutes."""
    async with serve(mailbox) as port:
        adapter = make_adapter(channel_at(port, smtp={"timeout": 600.0}), environment={}, folder=Path())
        delivery = asyncio.create_task(adapter.deliver(batch))
        await mailbox.silent.wait()
        adapter.hurry(0.2)
        answers = await asyncio.wait_for(delivery, 60)
        await adapter.close()
        return answers


def test_in_a_hurry_the_mail_under_way_is_given_up_and_no_other_begun(serve, mailbox, channel_at, make_outgoing):
    mailbox.data_answers = ["250 OK", "silence"]
    batch = [make_outgoing(key=str(n)) for n in range(5)]
    answers = asyncio.run(hurried(serve, mailbox, channel_at, batch))
    assert answers[0] == Sent(provider_id=answers[0].provider_id)
    assert answers[1] == Unknown(detail="the mail was sent, but the answer was not waited for")
    assert answers[2:] == [NOT_BEGUN] * 3


def test_in_a_hurry_a_mail_that_was_not_written_yet_is_as_if_never_begun(serve, mailbox, channel_at, make_outgoing):
    mailbox.receiver_answers["ada@example.com"] = "silence"
    answers = asyncio.run(hurried(serve, mailbox, channel_at, [make_outgoing(), make_outgoing(key="2")]))
    assert answers == [NOT_BEGUN] * 2
    assert mailbox.received == []


def test_a_mail_over_which_we_fail_holds_no_other_one_up(exchange, mailbox, make_outgoing, monkeypatch):
    build = smtp_module.build_email

    def failing(outgoing, *rest, **more):
        if outgoing.key == "bad":
            raise ZeroDivisionError
        return build(outgoing, *rest, **more)

    monkeypatch.setattr(smtp_module, "build_email", failing)

    answers = exchange([make_outgoing(key=key) for key in ("1", "bad", "2")])
    assert [type(one) for one in answers] == [Sent, Deferred, Sent]
    assert len(mailbox.mails) == 2
