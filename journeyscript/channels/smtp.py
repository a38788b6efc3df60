"""E-mail over SMTP, with the four answers kept apart.

Takes rendered messages and hands them to one server over one connection, which is kept, renewed now and then, and
opened again when the server drops it. A server that cannot be used (no connection, no login, sender refused) says
nothing about any receiver: everything is deferred. Only an answer about the receiver's own address suppresses it.
Knows no journey and no store.
"""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Literal

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPHeloError,
    SMTPRecipientRefused,
    SMTPResponse,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from journeyscript.channels.mime import addresses, build_email, is_address, parse_mailbox
from journeyscript.channels.outgoing import NOT_BEGUN, Answer, Deferred, Outgoing, Refused, Sent, Unknown
from journeyscript.channels.render import one_line
from journeyscript.channels.replies import SERVICE_CLOSING, is_about_address, is_about_sender, is_permanent
from journeyscript.syntax.config import ChannelConfig

_LOST = (SMTPServerDisconnected, SMTPTimeoutError, ConnectionError, TimeoutError)
_MESSAGES_PER_CONNECTION = 100
_LOSSES_IN_A_ROW = 3
_LONGEST_DETAIL = 300


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server, its secrets filled in. `timeout` is in seconds and counts for each answer of the server."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"]
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    timeout: float = 30.0
    context: ssl.SSLContext | None = field(default=None, repr=False)


class _UnusableError(Exception):
    """The server takes no mail at all at present; the text says why."""


def _now() -> datetime:
    return datetime.now(UTC)


class SmtpAdapter:
    """Delivers e-mail to one server. One batch at a time; to be used within one event loop."""

    def __init__(self, config: ChannelConfig, server: Server, *, clock: Callable[[], datetime] = _now) -> None:
        """Raises `ValueError` where the channel's sender is no mailbox."""
        self._config = config
        self._sender = parse_mailbox(config.sender or "").addr_spec
        self._server = server
        self._clock = clock
        self._turn = asyncio.Lock()
        self._carried = 0
        self._hurried = False
        self._written = False
        self._limit: asyncio.Timeout | None = None
        self._client = SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            timeout=server.timeout,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            tls_context=server.context,
        )

    async def deliver(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """Hand the mails over one after the other; once the server proves unusable, the rest is deferred."""
        async with self._turn:
            answers: list[Answer] = []
            unusable: Deferred | None = None
            losses = 0
            for outgoing in batch:
                if self._hurried:
                    answers.append(NOT_BEGUN)
                    continue
                if not is_address(outgoing.address):
                    answers.append(Refused(detail="the address is not a valid e-mail address"))
                    continue
                if unusable is None:
                    try:
                        answer = await self._attempt(outgoing)
                    except _UnusableError as error:
                        unusable = Deferred(detail=str(error))
                    else:
                        answers.append(answer)
                        lost = isinstance(answer, Deferred | Unknown) and not self._client.is_connected
                        losses = losses + 1 if lost else 0
                        if losses == _LOSSES_IN_A_ROW:
                            unusable = Deferred(detail="the server keeps closing the connection")
                        continue
                answers.append(unusable)
            return answers

    def hurry(self, seconds: float) -> None:
        """Begin no other mail; after so many more seconds the one under way is given up."""
        self._hurried = True
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time() + seconds)

    async def close(self) -> None:
        """Take leave of the server."""
        async with self._turn:
            await self._leave()

    # One mail -----------------------------------------------------------------------------------------------------

    async def _attempt(self, outgoing: Outgoing) -> Answer:
        """Hand one mail over. What nobody foresaw, and an end of the run that cannot wait, is its answer as well."""
        self._written = False
        try:
            async with asyncio.timeout(None) as self._limit:
                return await self._hand_over(outgoing)
        except _UnusableError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad mail holds no other one up
            self._client.close()
            if self._written:
                return Unknown(detail="the mail was sent, but the answer was not waited for")
            if self._hurried:
                return NOT_BEGUN
            return Deferred(detail=self._plain(f"the mail could not be handed over: {type(error).__name__}: {error}"))
        finally:
            self._limit = None

    async def _hand_over(self, outgoing: Outgoing) -> Answer:
        try:
            message = build_email(outgoing, self._config, date=self._clock())
        except (ValueError, LookupError) as error:
            return Refused(detail=self._plain(f"the message cannot be written as e-mail: {error}"))
        wide = not all(text.isascii() for text in addresses(outgoing, self._config))
        done = False
        try:
            answer = await self._begin(outgoing.address, wide=wide)
            if answer is None:
                answer = await self._announce()
            if answer is None:
                answer = await self._transfer(message)
            done = True
        finally:
            if not done:
                # Cancelled or unusable in the middle: what this connection says next belongs to nobody.
                self._client.close()
        return answer

    async def _begin(self, address: str, *, wide: bool) -> Answer | None:
        """Open the envelope; return the answer where it ends there, `None` where the server waits for the mail."""
        encoding = "utf-8" if wide else "ascii"
        while True:
            fresh = await self._connect()
            if wide and not self._client.supports_extension("smtputf8"):
                if address.isascii():
                    raise _UnusableError("the server does not take the channel's own addresses: it lacks SMTPUTF8")
                return Refused(detail="the server does not take addresses with non-ASCII characters: it lacks SMTPUTF8")
            try:
                await self._client.mail(self._sender, options=["SMTPUTF8"] if wide else [], encoding=encoding)
                break
            except SMTPSenderRefused as refused:
                # A server that has had enough of a connection says so here, and takes the next one.
                if fresh or refused.code != SERVICE_CLOSING:
                    raise _UnusableError(self._said("the server refused the sender", refused)) from None
            except _LOST as error:
                if fresh:
                    raise _UnusableError(self._plain(f"the connection was lost: {error}")) from None
            except (SMTPException, ValueError) as error:
                raise _UnusableError(self._plain(f"the server cannot be used: {error}")) from None
            self._client.close()
        return await self._name_receiver(address, encoding)

    async def _name_receiver(self, address: str, encoding: str) -> Answer | None:
        try:
            await self._client.rcpt(address, encoding=encoding)
        except SMTPRecipientRefused as refused:
            if is_about_sender(refused.code, refused.message):
                raise _UnusableError(self._said("the server refused the sender", refused)) from None
            await self._reset()
            detail = self._said("the server refused the receiver", refused)
            if is_permanent(refused.code):
                return Refused(detail=detail, suppress=is_about_address(refused.code, refused.message))
            return Deferred(detail=detail)
        except (SMTPException, OSError, ValueError) as error:
            self._client.close()
            return Deferred(detail=self._plain(f"the connection was lost before the mail was sent: {error}"))
        return None

    async def _announce(self) -> Answer | None:
        """Ask to send the mail; return the answer where the server does not want it, `None` where it does."""
        try:
            ready = await self._client.execute_command(b"DATA")
        except (SMTPException, OSError) as error:
            self._client.close()
            return Deferred(detail=self._plain(f"the connection was lost before the mail was sent: {error}"))
        if ready.code != 354:
            await self._reset()
            return self._settled(ready)
        return None

    async def _transfer(self, message: EmailMessage) -> Answer:
        """Send the mail itself. From here on the server may have it, and only its answer counts."""
        protocol = self._client.protocol
        if protocol is None or not protocol.is_connected:
            return Deferred(detail="the connection was lost before the mail was sent")
        try:
            data = _as_data(message)
            self._written = True
            protocol.write(data)
            answer = await protocol.read_response(timeout=self._server.timeout)
        except (SMTPException, OSError) as error:
            self._client.close()
            return Unknown(detail=self._plain(f"the mail was sent, but the answer was lost: {error}"))
        self._carried += 1
        if answer.code == SERVICE_CLOSING:
            self._client.close()
        if 200 <= answer.code < 300:
            return Sent(provider_id=str(message["Message-ID"]))
        if not 400 <= answer.code < 600:
            self._client.close()
            return Unknown(detail=self._plain(f"the mail was sent, but the answer makes no sense: {answer.code}"))
        return self._settled(answer)

    def _settled(self, answer: SMTPResponse) -> Answer:
        """Return what an answer other than yes means for the mail."""
        detail = self._plain(f"the server refused the mail: {answer.code} {answer.message}")
        return Refused(detail=detail) if is_permanent(answer.code) else Deferred(detail=detail)

    # The connection -----------------------------------------------------------------------------------------------

    async def _connect(self) -> bool:
        """Make sure there is a connection, logged in; return whether it is a new one."""
        if self._client.is_connected and self._carried < _MESSAGES_PER_CONNECTION:
            return False
        await self._leave()
        self._carried = 0
        try:
            await self._client.connect()
            if self._client.is_ehlo_or_helo_needed:
                try:
                    await self._client.ehlo()
                except SMTPHeloError:
                    await self._client.helo()
        except (SMTPException, OSError, ValueError) as error:
            self._client.close()
            if isinstance(error, SMTPResponseException):
                raise _UnusableError(self._said(f"cannot use the server `{self._server.host}`", error)) from None
            raise _UnusableError(self._plain(f"cannot use the server `{self._server.host}`: {error}")) from None
        return True

    async def _reset(self) -> None:
        """Forget the envelope, so that the connection can carry the next mail."""
        try:
            if self._client.is_connected:
                await self._client.rset()
        except (SMTPException, OSError):
            self._client.close()

    async def _leave(self) -> None:
        try:
            if self._client.is_connected:
                await self._client.quit(timeout=min(self._server.timeout, 5.0))
        except (SMTPException, OSError):
            pass  # the server is free to go first
        finally:
            self._client.close()
            await asyncio.sleep(0)

    # Words --------------------------------------------------------------------------------------------------------

    def _said(self, what: str, refused: SMTPResponseException) -> str:
        return self._plain(f"{what}: {refused.code} {refused.message}")

    def _plain(self, text: str) -> str:
        """Return the text on one short line, without any secret that a server may have repeated."""
        password = self._server.password
        if password:
            user = self._server.username or ""
            for secret in (_b64(f"\0{user}\0{password}"), _b64(password), password):
                text = text.replace(secret, "[secret]")
        return one_line(text)[:_LONGEST_DETAIL]


def _b64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _as_data(message: EmailMessage) -> bytes:
    """Return the mail as it follows DATA (RFC 5321): CRLF line ends, leading dots doubled, a lone dot at the end."""
    lines = message.as_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if not lines[-1]:
        lines.pop()
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines) + b"\r\n.\r\n"
