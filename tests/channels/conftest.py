"""A real SMTP server on a free loopback port, and the values the channel tests share."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import msgspec
import pytest
from aiosmtpd.smtp import SMTP

from journeyscript.channels.outgoing import Outgoing, Rendered
from journeyscript.syntax.config import ChannelConfig, SmtpConfig


@dataclass
class Mailbox:
    """What the server was told, and what it answers.

    Answers to MAIL come in order, the last one for ever; to RCPT by address; to DATA in order, then yes. An
    answer of `drop` closes the connection instead, one of `silence` never comes, and `silent` is set once it is due.
    `connections` counts those that were opened.
    """

    sender_answers: list[str] = field(default_factory=list)
    receiver_answers: dict[str, str] = field(default_factory=dict)
    data_answers: list[str] = field(default_factory=list)
    received: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    options: list[list[str]] = field(default_factory=list)
    connections: int = 0
    peers: list[SMTP] = field(default_factory=list)
    silent: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(raw.replace(b"\r\n", b"\n"), policy=policy.default) for _, _, raw in self.received]

    def drop_everybody(self) -> None:
        for peer in self.peers:
            if peer.transport is not None:
                peer.transport.close()

    async def say_nothing(self) -> None:
        self.silent.set()
        await asyncio.Event().wait()

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: ARG002, N802
        answer = self.sender_answers.pop(0) if len(self.sender_answers) > 1 else (self.sender_answers or ["250 OK"])[0]
        if not answer.startswith("250"):
            return answer
        envelope.mail_from = address
        self.options.append(list(options))
        return answer

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: ARG002, N802
        answer = self.receiver_answers.get(address, "250 OK")
        if answer == "drop":
            server.transport.close()
        elif answer == "silence":
            await self.say_nothing()
        elif answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):  # noqa: ARG002, N802
        answer = self.data_answers.pop(0) if self.data_answers else "250 OK"
        if answer == "drop":
            server.transport.close()
        elif answer == "silence":
            await self.say_nothing()
        if answer.startswith("250") or answer == "drop":
            self.received.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content))
        return answer


@asynccontextmanager
async def _serve(mailbox: Mailbox, *, ssl: Any = None, **options: Any) -> AsyncIterator[int]:
    def connected() -> SMTP:
        mailbox.connections += 1
        mailbox.peers.append(SMTP(mailbox, hostname="mx.shop.example", loop=loop, **options))
        return mailbox.peers[-1]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connected, "127.0.0.1", 0, ssl=ssl)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for peer in mailbox.peers:
            if peer.transport is not None:
                peer.transport.abort()
        talks = asyncio.all_tasks() - {asyncio.current_task()}
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await asyncio.sleep(0)


@pytest.fixture
def serve() -> Callable[..., AbstractAsyncContextManager[int]]:
    return _serve


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def make_outgoing() -> Callable[..., Outgoing]:
    def make(**changes: Any) -> Outgoing:
        values = {
            "key": "welcome/1048576/send.welcome/1",
            "channel": "email",
            "message": "welcome",
            "customer": "c-1",
            "address": "ada@example.com",
            "kind": "marketing",
            "rendered": Rendered(text="Hello Ada", subject="Welcome", html="<p>Hello Ada</p>"),
        }
        return Outgoing(**(values | changes))

    return make


@pytest.fixture
def email_channel() -> ChannelConfig:
    return ChannelConfig(
        name="email",
        adapter="smtp",
        medium="email",
        address="email",
        consent="opt_in",
        sender="The Shop <hello@shop.example>",
        smtp=SmtpConfig(host="127.0.0.1", tls="none", timeout=60.0),
    )


@pytest.fixture
def channel_at(email_channel: ChannelConfig) -> Callable[..., ChannelConfig]:
    """The e-mail channel at a port, with other fields of `smtp` or of the channel changed."""

    def at(port: int, *, smtp: dict[str, Any] | None = None, **changes: Any) -> ChannelConfig:
        replaced = msgspec.structs.replace(email_channel.smtp, port=port, **(smtp or {}))
        return msgspec.structs.replace(email_channel, smtp=replaced, **changes)

    return at
