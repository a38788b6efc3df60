"""From a channel's configuration to the adapter that carries its messages.

Takes `channel.yaml` as read, the environment for `${NAME}`, and the project's folder. A secret goes from the
environment into the adapter and nowhere else. Opens no connection and no file before the first message.
"""

import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, assert_never

import msgspec

from journeyscript.channels.console import ConsoleAdapter
from journeyscript.channels.file import EmlAdapter, JsonLinesAdapter
from journeyscript.channels.mime import parse_mailbox
from journeyscript.channels.outgoing import Adapter
from journeyscript.channels.smtp import Server, SmtpAdapter
from journeyscript.channels.template import RenderError, compile_line, percent_encoded
from journeyscript.syntax.config import ChannelConfig, SmtpConfig

if TYPE_CHECKING:
    from journeyscript.semantics.types import Value

FILE_FOLDER = ".journeyscript/outbox"
"""Where a file channel without a `path` writes, below the project."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PORTS = {"starttls": 587, "implicit": 465, "none": 25}
# A header line may be 998 characters long (RFC 5322), and a URL cannot be broken.
_LONGEST_URL = 900


class ChannelError(Exception):
    """A channel that cannot be used as it is configured; the text says which and why, and holds no secret."""


def make_adapter(
    config: ChannelConfig, *, environment: Mapping[str, str], folder: Path, stream: TextIO | None = None
) -> Adapter:
    """Return the adapter of a channel.

    `environment` fills `${NAME}`, `folder` is what relative paths start from, `stream` is where the console adapter
    writes (standard output by default). Raises `ChannelError`.
    """
    _check_mailboxes(config)
    match config.adapter:
        case "console":
            return ConsoleAdapter(stream)
        case "file":
            below = folder / (config.path or FILE_FOLDER)
            if config.format == "jsonl":
                return JsonLinesAdapter(config, below)
            _check_email(config, "the format `eml`")
            return EmlAdapter(config, below)
        case "smtp":
            _check_email(config, "the adapter `smtp`")
            return SmtpAdapter(config, _server(config, environment, folder))
        case "webhook":
            return _webhook(config, environment)
        case _:
            assert_never(config.adapter)


def rehearsal(config: ChannelConfig, folder: Path) -> ChannelConfig:
    """Return the same channel for a rehearsal: nothing leaves the machine, and files are written below `folder`."""
    match config.adapter:
        case "console":
            return config
        case "file":
            return msgspec.structs.replace(config, path=str(folder))
        case "smtp" | "webhook":
            return msgspec.structs.replace(
                config, adapter="file", format="jsonl", path=str(folder), smtp=None, webhook=None
            )
        case _:
            assert_never(config.adapter)


def unsubscribe(config: ChannelConfig, data: "Mapping[str, Value]") -> tuple[str | None, str | None]:
    """Return where this customer says no more on this channel: a URL and a mail address, each where configured.

    The URL is rendered over `data`; values belong through the filter `url_encode`, and whatever may not stand in a URL
    is percent-encoded in any case. Raises `RenderError`.
    """
    if config.unsubscribe is None:
        return None, None
    written = config.unsubscribe.url
    if written is None:
        return None, config.unsubscribe.mailto
    url = percent_encoded(compile_line(written, "unsubscribe url").render(data).strip())
    if not url.lower().startswith(("https://", "http://")):
        raise RenderError("unsubscribe url: it must begin with `https://`")
    if len(url) > _LONGEST_URL:
        raise RenderError(f"unsubscribe url: it is longer than {_LONGEST_URL} characters")
    return url, config.unsubscribe.mailto


def _check_mailboxes(config: ChannelConfig) -> None:
    for name, text in (("sender", config.sender), ("reply_to", config.reply_to)):
        if config.medium != "email" or text is None:
            continue
        try:
            parse_mailbox(text)
        except ValueError as error:
            raise ChannelError(f"the `{name}` of channel `{config.name}` cannot be used: {error}") from None


def _check_email(config: ChannelConfig, what: str) -> None:
    if config.medium != "email":
        raise ChannelError(f"channel `{config.name}` cannot use {what}: it carries `{config.medium}`, not `email`")
    if config.sender is None:
        raise ChannelError(f"channel `{config.name}` needs a `sender` for {what}")


def _server(config: ChannelConfig, environment: Mapping[str, str], folder: Path) -> Server:
    smtp = config.smtp
    if smtp is None:
        raise ChannelError(f"channel `{config.name}` needs `smtp` for the adapter `smtp`")

    def filled(text: str | None) -> str | None:
        return None if text is None else _filled(text, config, environment)

    host = _filled(smtp.host, config, environment)
    if not host.strip() or not host.isprintable():
        raise ChannelError(f"channel `{config.name}` names no SMTP host")
    return Server(
        host=host,
        port=smtp.port or _PORTS[smtp.tls],
        tls=smtp.tls,
        username=filled(smtp.username),
        password=filled(smtp.password),
        timeout=smtp.timeout,
        context=_trust(config, smtp, folder),
    )


def _webhook(config: ChannelConfig, environment: Mapping[str, str]) -> Adapter:
    # A project without a webhook loads no HTTP client.
    from journeyscript.channels.webhook import Endpoint, WebhookAdapter

    webhook = config.webhook
    if webhook is None:
        raise ChannelError(f"channel `{config.name}` needs `webhook` for the adapter `webhook`")
    headers = {name: _filled(value, config, environment) for name, value in webhook.headers.items()}
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise ChannelError(f"the header `{name}` of channel `{config.name}` has characters that no header may have")
    try:
        return WebhookAdapter(
            Endpoint(
                url=_filled(webhook.url, config, environment),
                secret=_filled(webhook.secret, config, environment),
                timeout=webhook.timeout,
                headers=headers,
                allow_private=webhook.allow_private,
            )
        )
    except ValueError as error:
        raise ChannelError(f"the `webhook` of channel `{config.name}` cannot be used: {error}") from None


def _filled(text: str, config: ChannelConfig, environment: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: _look_up(found[1], config, environment), text)


def _look_up(name: str, config: ChannelConfig, environment: Mapping[str, str]) -> str:
    if name not in environment:
        raise ChannelError(f"channel `{config.name}` needs the environment variable `{name}`, which is not set")
    return environment[name]


def _trust(config: ChannelConfig, smtp: SmtpConfig, folder: Path) -> ssl.SSLContext | None:
    """Return whom to trust: the system's authorities, or the one file that is named. Never nobody's check."""
    if smtp.tls == "none":
        return None
    if smtp.cafile is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=str(folder / smtp.cafile))
    except (OSError, ValueError):
        raise ChannelError(f"channel `{config.name}` cannot read the certificates in `{smtp.cafile}`") from None
