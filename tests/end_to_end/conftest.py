"""A mail server that a live run talks to over a socket."""

import asyncio
import socket
import ssl
import threading
from email import message_from_bytes, policy

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

PATIENCE = 60.0
"""Seconds until a server that should have begun or ended has not."""


class MailServer:
    """Takes mail on a port of the loopback interface, and answers receivers as it is told to."""

    def __init__(self, *, login: tuple[str, str] | None = None, context: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, list[str]] = {}
        """What to say to each receiver, one answer after the other; then yes."""
        self.asked: list[str] = []
        self.mails = []
        self.port = 0
        self._bound: socket.socket | None = None
        self._login, self._context = login, context
        self._loop = asyncio.new_event_loop()
        self._peers: list[SMTP] = []
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def reserve(self) -> int:
        """Take a port that is free, which refuses whoever comes until the server is opened; return which."""
        self._bound = socket.socket()
        self._bound.bind(("127.0.0.1", 0))
        return self._bound.getsockname()[1]

    def open(self) -> int:
        """Listen, on the port that is reserved if there is one; return which."""
        if self._bound is None:
            self.reserve()
        self.port = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(PATIENCE)
        return self.port

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: ARG002, N802
        self.asked.append(address)
        answers = self.answers.get(address, [])
        answer = answers.pop(0) if answers else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):  # noqa: ARG002, N802
        mail = message_from_bytes(envelope.original_content, policy=policy.default)
        self.mails.append((envelope.mail_from, tuple(envelope.rcpt_tos), mail))
        return "250 OK"

    async def _open(self) -> int:
        self._server = await self._loop.create_server(self._peer, sock=self._bound)
        return self._server.sockets[0].getsockname()[1]

    def _peer(self) -> SMTP:
        options = {}
        if self._context is not None:
            options = {"tls_context": self._context, "require_starttls": True}
        if self._login is not None:
            options |= {"auth_required": True, "authenticator": self._authenticate}
        self._peers.append(SMTP(self, hostname="mx.shop.example", loop=self._loop, **options))
        return self._peers[-1]

    def _authenticate(self, server, session, envelope, mechanism, credentials):  # noqa: ARG002
        right = isinstance(credentials, LoginPassword) and (credentials.login, credentials.password) == tuple(
            part.encode() for part in self._login
        )
        return AuthResult(success=right, handled=right)

    async def _close(self) -> None:
        if self.port:
            self._server.close()
        elif self._bound is not None:
            self._bound.close()
        for peer in self._peers:
            if peer.transport is not None:
                peer.transport.abort()
        talks = asyncio.all_tasks() - {asyncio.current_task()}
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


@pytest.fixture
def make_mail_server():
    servers = []

    def make(**options) -> MailServer:
        servers.append(MailServer(**options))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def mail_server(make_mail_server) -> MailServer:
    server = make_mail_server()
    server.open()
    return server
