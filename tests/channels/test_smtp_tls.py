"""Encryption and login: certificates are checked, secrets stay where they belong."""

import asyncio
import logging
import ssl
from pathlib import Path

import pytest
import trustme
from aiosmtpd.smtp import AuthResult, LoginPassword

from journeyscript.channels.adapters import ChannelError, make_adapter
from journeyscript.channels.outgoing import Deferred, Sent

PASSWORD = "correct horse battery staple"


def authenticate(server, session, envelope, mechanism, credentials):
    right = isinstance(credentials, LoginPassword) and credentials == LoginPassword(b"shop", PASSWORD.encode())
    return AuthResult(success=right, handled=right)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def server_context(authority):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture
def cafile(authority, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return "ca.pem"


@pytest.fixture
def exchange(serve, channel_at, mailbox, make_outgoing, tmp_path):
    def run(*, smtp, environment=None, ssl=None, **options):
        async def scenario():
            async with serve(mailbox, ssl=ssl, **options) as port:
                config = channel_at(port, smtp=smtp)
                adapter = make_adapter(config, environment=environment or {}, folder=tmp_path)
                try:
                    return await adapter.deliver([make_outgoing(), make_outgoing(key="k2")])
                finally:
                    await adapter.close()

        return asyncio.run(scenario())

    return run


def login_server(server_context):
    return {
        "tls_context": server_context,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": authenticate,
    }


def test_a_login_over_starttls_with_secrets_from_the_environment(exchange, mailbox, server_context, cafile):
    answers = exchange(
        smtp={"tls": "starttls", "cafile": cafile, "username": "${MAIL_USER}", "password": "${MAIL_PASSWORD}"},
        environment={"MAIL_USER": "shop", "MAIL_PASSWORD": PASSWORD},
        **login_server(server_context),
    )
    assert [type(answer) for answer in answers] == [Sent, Sent]
    assert mailbox.connections == 1
    assert [mail["Subject"] for mail in mailbox.mails] == ["Welcome", "Welcome"]


def test_a_refused_login_defers_everybody_and_keeps_the_password_to_itself(
    exchange, mailbox, server_context, cafile, caplog
):
    caplog.set_level(logging.DEBUG)
    answers = exchange(
        smtp={"tls": "starttls", "cafile": cafile, "username": "shop", "password": "${MAIL_PASSWORD}"},
        environment={"MAIL_PASSWORD": "wrong-secret"},
        **login_server(server_context),
    )
    assert [type(answer) for answer in answers] == [Deferred, Deferred]
    assert "535" in answers[0].detail
    assert "wrong-secret" not in repr(answers)
    assert not any("wrong-secret" in record.getMessage() for record in caplog.records if record.name != "mail.log")
    assert mailbox.received == []


def test_implicit_tls_carries_mail(exchange, mailbox, server_context, cafile):
    answers = exchange(smtp={"tls": "implicit", "cafile": cafile}, ssl=server_context)
    assert [type(answer) for answer in answers] == [Sent, Sent]
    assert len(mailbox.received) == 2


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_of_an_unknown_authority_is_not_trusted(exchange, mailbox, server_context, tls):
    options = {"ssl": server_context} if tls == "implicit" else {"tls_context": server_context}
    answers = exchange(smtp={"tls": tls}, **options)
    assert [type(answer) for answer in answers] == [Deferred, Deferred]
    assert "certificate" in answers[0].detail.lower()
    assert mailbox.received == []


def test_a_certificate_of_another_host_is_not_trusted(exchange, mailbox, authority, cafile):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("elsewhere.example").configure_cert(context)
    answers = exchange(smtp={"tls": "starttls", "cafile": cafile}, tls_context=context)
    assert [type(answer) for answer in answers] == [Deferred, Deferred]
    assert mailbox.received == []


def test_a_server_without_starttls_gets_no_mail_in_clear(exchange, mailbox, cafile):
    answers = exchange(smtp={"tls": "starttls", "cafile": cafile})
    assert [type(answer) for answer in answers] == [Deferred, Deferred]
    assert "STARTTLS" in answers[0].detail
    assert mailbox.received == []


def test_the_password_is_in_no_repr_of_the_adapter(channel_at):
    config = channel_at(25, smtp={"username": "shop", "password": "${MAIL_PASSWORD}"})
    adapter = make_adapter(config, environment={"MAIL_PASSWORD": PASSWORD}, folder=Path())
    assert PASSWORD not in repr(adapter)
    assert not any(PASSWORD in repr(value) for value in vars(adapter).values())


def test_a_missing_variable_is_named_with_its_channel(channel_at):
    config = channel_at(25, smtp={"host": "${MAIL_HOST}", "username": "shop", "password": "${MAIL_PASSWORD}"})
    with pytest.raises(
        ChannelError, match=r"^channel `email` needs the environment variable `MAIL_PASSWORD`"
    ) as raised:
        make_adapter(config, environment={"MAIL_HOST": "127.0.0.1", "OTHER": PASSWORD}, folder=Path())
    assert PASSWORD not in str(raised.value)


def test_an_authority_file_that_cannot_be_read_is_named(channel_at, tmp_path):
    (tmp_path / "broken.pem").write_text("not a certificate")
    for cafile in ("absent.pem", "broken.pem"):
        with pytest.raises(ChannelError, match=f"channel `email` cannot read the certificates in `{cafile}`"):
            make_adapter(channel_at(25, smtp={"tls": "starttls", "cafile": cafile}), environment={}, folder=tmp_path)
