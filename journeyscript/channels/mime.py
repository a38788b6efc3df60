"""An e-mail as it goes over the wire: headers and parts, the same bytes for the same send.

Takes a rendered message, its channel's configuration and a date; gives an `EmailMessage`. Nothing is drawn by chance:
the Message-ID and the boundary come from the send's key, so that a retry is recognised as the same mail. Knows no
server, no clock and no journey.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from hashlib import sha256

from journeyscript.channels.outgoing import Outgoing
from journeyscript.channels.render import one_line
from journeyscript.channels.template import percent_encoded
from journeyscript.syntax.config import ChannelConfig

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
_LABEL = r"[A-Za-z0-9\u0080-\U0010ffff](?:[A-Za-z0-9\u0080-\U0010ffff-]{0,61}[A-Za-z0-9\u0080-\U0010ffff])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}(?:\.{_LABEL})+|localhost)")
_MAILBOX = re.compile(r'(?P<name>"(?:[^"\\]|\\.)*" *|[^"<>@]*)<(?P<spec>[^<>]*)>|(?P<bare>[^<>]*)')
_LONGEST_ADDRESS = 254
_LONGEST_LOCAL_PART = 64


class _Whole(UnstructuredHeader, BaseHeader):
    """A header whose words are never broken or encoded: a long URL must stay one URL."""

    def fold(self, *, policy: Policy) -> str:
        # A line may begin anew after a comma, and nowhere else.
        return f"{self.name}: {self.replace(', ', ',' + policy.linesep + ' ')}{policy.linesep}"


_REGISTRY = HeaderRegistry()
_REGISTRY.map_to_type("list-unsubscribe", _Whole)
# Seven bits and short lines pass every server, with or without 8BITMIME.
_POLICY = SMTP.clone(header_factory=_REGISTRY, cte_type="7bit")
_UTF8_POLICY = _POLICY.clone(utf8=True)


def is_address(text: str) -> bool:
    """Return whether the text is one plain e-mail address, `name@host.domain`, ASCII or not."""
    local = text.rpartition("@")[0].encode(errors="replace")
    return (
        text.isprintable()
        and len(local) <= _LONGEST_LOCAL_PART
        and len(text.encode(errors="replace")) <= _LONGEST_ADDRESS
        and _ADDRESS.fullmatch(text) is not None
    )


def parse_mailbox(text: str) -> Address:
    """Return `Name <name@host>` or `name@host` as an address. Raises `ValueError` for anything else."""
    found = _MAILBOX.fullmatch(one_line(text))
    spec = (found["spec"] or found["bare"] or "").strip() if found else ""
    if found is None or not is_address(spec):
        raise ValueError(f"`{one_line(text)}` is not an e-mail address")
    name = (found["name"] or "").strip()
    if name.startswith('"'):
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    local, _, domain = spec.rpartition("@")
    return Address(display_name=name, username=local, domain=domain)


def message_id(key: str, sender: Address) -> str:
    """Return the Message-ID of a send: the same for every retry."""
    domain = sender.domain if sender.domain.isascii() else sender.domain.encode("idna").decode()
    return f"<{sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def email_headers(outgoing: Outgoing, config: ChannelConfig) -> dict[str, str]:
    """Return the headers that identify the mail and let its receiver say no more, by name.

    Raises `ValueError` where the channel has no valid sender.
    """
    if config.sender is None:
        raise ValueError("an e-mail needs a `sender`")
    sender = parse_mailbox(config.sender)
    headers = {"From": str(sender)}
    if config.reply_to is not None:
        headers["Reply-To"] = str(parse_mailbox(config.reply_to))
    headers["Message-ID"] = message_id(outgoing.key, sender)
    headers["X-JourneyScript-Key"] = one_line(outgoing.key)
    if outgoing.kind == "marketing":
        headers |= _unsubscribe_headers(outgoing.unsubscribe_url, outgoing.unsubscribe_mailto)
    return headers


def _unsubscribe_headers(url: str | None, mailto: str | None) -> dict[str, str]:
    """Return List-Unsubscribe (RFC 2369), and the one-click promise (RFC 8058) that only https can keep."""
    ways = []
    if url:
        ways.append(percent_encoded(url))
    if mailto:
        ways.append("mailto:" + percent_encoded(mailto.removeprefix("mailto:")))
    headers = {"List-Unsubscribe": ", ".join(f"<{way}>" for way in ways)} if ways else {}
    if url and url.lower().startswith("https://"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def build_email(outgoing: Outgoing, config: ChannelConfig, *, date: datetime) -> EmailMessage:
    """Return the mail: text, and HTML beside it where there is any; `date` is aware.

    Raises `ValueError` for an address that is none, a sender that is none, or a naive date.
    """
    if date.tzinfo is None:
        raise ValueError("the date of an e-mail needs a time zone")
    if not is_address(outgoing.address):
        raise ValueError(f"`{one_line(outgoing.address)}` is not an e-mail address")
    ascii_only = all(text.isascii() for text in addresses(outgoing, config))
    message = EmailMessage(policy=_POLICY if ascii_only else _UTF8_POLICY)
    headers = email_headers(outgoing, config)
    for name in ("From", "Reply-To"):
        if name in headers:
            message[name] = parse_mailbox(headers.pop(name))
    local, _, domain = outgoing.address.rpartition("@")
    message["To"] = Address(username=local, domain=domain)
    message["Subject"] = one_line(outgoing.rendered.subject or "")
    message["Date"] = date
    for name, value in headers.items():
        message[name] = value
    message.set_content(_with_line_end(outgoing.rendered.text))
    if outgoing.rendered.html is not None:
        message.add_alternative(_with_line_end(outgoing.rendered.html), subtype="html")
        message.set_boundary("=_" + sha256(f"boundary {outgoing.key}".encode()).hexdigest()[:32])
    return message


def addresses(outgoing: Outgoing, config: ChannelConfig) -> Sequence[str]:
    """Return every bare address the mail carries: the receiver's, the sender's, the one for replies."""
    boxes = [parse_mailbox(text).addr_spec for text in (config.sender, config.reply_to) if text is not None]
    return [outgoing.address, *boxes]


def _with_line_end(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
