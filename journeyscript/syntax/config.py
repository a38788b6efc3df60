"""The project and channel files exactly as written: `journeyscript.yaml` and `channels/*/channel.yaml`.

Plain data with its defaults, read from files whose shape was already checked. Knows nothing of networks and never
holds a secret: `${NAME}` stays as written until an adapter is made.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

Medium: TypeAlias = Literal["email", "text"]


class ProjectConfig(Struct, frozen=True, kw_only=True):
    """`journeyscript.yaml`. `store` is a path relative to the project; `max_event_age` is in milliseconds."""

    name: str
    timezone: str = "UTC"
    store: str = ".journeyscript/store.db"
    max_event_age: int = 24 * 3600 * 1000


class SmtpConfig(Struct, frozen=True, kw_only=True):
    """Where and how an SMTP server is reached. Timeouts in seconds; user name and password may hold `${NAME}`."""

    host: str
    port: int | None = None
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    username: str | None = None
    password: str | None = None
    timeout: float = 30.0
    cafile: str | None = None


class RetryConfig(Struct, frozen=True, kw_only=True):
    """How a temporary failure is retried: at most `attempts` in all, `first` ms apart, doubling up to `longest` ms."""

    attempts: int = 6
    first: int = 60_000
    longest: int = 3_600_000


class UnsubscribeConfig(Struct, frozen=True, kw_only=True):
    """Where a receiver says no more; `url` is a Liquid template over `customer`, `mailto` an address."""

    url: str | None = None
    mailto: str | None = None


class ChannelConfig(Struct, frozen=True, kw_only=True):
    """`channels/NAME/channel.yaml`.

    `medium` decides what content looks like (`email`: subject, text and HTML from Markdown; `text`: plain text).
    `address` is the customer attribute that holds the address. `format` and `path` belong to the file adapter.
    """

    name: str
    adapter: Literal["console", "file", "smtp"]
    medium: Medium
    address: str | None
    consent: Literal["opt_in", "opt_out", "none"]
    sender: str | None = None
    reply_to: str | None = None
    unsubscribe: UnsubscribeConfig | None = None
    on_unknown: Literal["retry", "assume_sent"] = "assume_sent"
    retry: RetryConfig = RetryConfig()
    smtp: SmtpConfig | None = None
    format: Literal["jsonl", "eml"] = "jsonl"
    path: str | None = None
