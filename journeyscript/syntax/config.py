"""The project and channel files exactly as written: `journeyscript.yaml` and `channels/*/channel.yaml`.

Plain data with its defaults, read from files whose shape was already checked. Knows nothing of networks and never
holds a secret: `${NAME}` stays as written until an adapter is made.
"""

from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from journeyscript.source.nodes import Mapping, Plain, Scalar, plain
from journeyscript.syntax.duration import DAY, parse_duration
from journeyscript.syntax.policies import Policies, QuietWindow, read_policies, read_quiet_hours

Medium: TypeAlias = Literal["email", "text"]


class ProjectConfig(Struct, frozen=True, kw_only=True):
    """`journeyscript.yaml`.

    `store` is a path relative to the project, `max_event_age` is in milliseconds, `rules` changes what rules weigh.
    `per_file_ignores` holds the codes of the rules that are ignored in files, by a pattern of their paths.
    `test_customers` is the condition of who is in no count; `None`: nobody. `coverage` is how much of each journey its
    tests are to take, in per cent; `None`: nobody asks.
    """

    name: str
    timezone: str = "UTC"
    store: str = ".journeyscript/store.db"
    max_event_age: int = DAY
    test_customers: str | None = None
    coverage: float | None = None
    policies: Policies = Policies()
    rules: dict[str, Literal["off", "info", "warning", "error"]] = {}
    per_file_ignores: dict[str, tuple[str, ...]] = {}


class SmtpConfig(Struct, frozen=True, kw_only=True):
    """Where and how an SMTP server is reached. Timeouts in seconds; user name and password may hold `${NAME}`."""

    host: str
    port: int | None = None
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    username: str | None = None
    password: str | None = None
    timeout: float = 30.0
    cafile: str | None = None


class WebhookConfig(Struct, frozen=True, kw_only=True):
    """Where messages are posted. `timeout` in seconds; url, secret and the values of headers may hold `${NAME}`.

    `allow_private` lets the URL lead to an address that is not for everybody: our own network, this machine.
    """

    url: str
    secret: str
    timeout: float = 10.0
    headers: dict[str, str] = {}
    allow_private: bool = False


class RateConfig(Struct, frozen=True, kw_only=True):
    """How many messages a channel may be handed within any `per` milliseconds."""

    messages: int
    per: int


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
    `quiet_hours` stand instead of the project's; `None` where the channel says nothing of its own. `rate` is how much
    the other side takes; `None`: as much as there is. `price` is what one message costs, as money.
    """

    name: str
    adapter: Literal["console", "file", "smtp", "webhook"]
    medium: Medium
    address: str | None
    consent: Literal["opt_in", "opt_out", "none"]
    sender: str | None = None
    reply_to: str | None = None
    unsubscribe: UnsubscribeConfig | None = None
    on_unknown: Literal["retry", "assume_sent"] = "assume_sent"
    retry: RetryConfig = RetryConfig()
    quiet_hours: tuple[QuietWindow, ...] | None = None
    rate: RateConfig | None = None
    smtp: SmtpConfig | None = None
    webhook: WebhookConfig | None = None
    format: Literal["jsonl", "eml"] = "jsonl"
    path: str | None = None
    price: float | None = None


def read_project(node: Mapping) -> ProjectConfig:
    """Return the project file that a node of the right shape says.

    Raises:
        DurationProblem: `max_event_age`, or a length in a policy, is no duration.
    """
    fields = _fields(node)
    age = fields.pop("max_event_age", None)
    rules, coverage = fields.pop("rules", {}), fields.pop("coverage", None)
    written, tests = node.get("policies"), node.get("test_customers")
    condition = tests.text if isinstance(tests, Scalar) else None
    plain_fields = {**fields, "rules": rules, "policies": {}, "test_customers": condition}
    config = msgspec.convert(plain_fields, ProjectConfig)
    return msgspec.structs.replace(
        config,
        coverage=None if coverage is None else float(str(coverage).removesuffix("%")),
        max_event_age=config.max_event_age if age is None else _milliseconds(str(age)),
        policies=read_policies(written) if isinstance(written, Mapping) else Policies(),
    )


def read_channel(name: str, node: Mapping) -> ChannelConfig:
    """Return the channel file that a node of the right shape says.

    A channel called `email` is of the e-mail medium unless it says otherwise, and the address is the attribute of the
    medium's name; others carry text to the attribute of the channel's name, and console and file need no address.
    What nobody knows the outcome of is tried again on a webhook, which tells doubles by the key, and nowhere else.

    Raises:
        DurationProblem: a time between retries, or the rate's, is no duration.
    """
    fields = _fields(node)
    medium = fields.setdefault("medium", "email" if name == "email" else "text")
    if "address" not in fields:
        fields["address"] = "email" if medium == "email" else None
    retry = fields.get("retry")
    if isinstance(retry, dict):
        fields["retry"] = {k: v if k == "attempts" else _milliseconds(str(v)) for k, v in retry.items()}
    rate = fields.get("rate")
    if isinstance(rate, dict):
        fields["rate"] = {**rate, "per": _milliseconds(str(rate["per"]))}
    fields.setdefault("on_unknown", "retry" if fields.get("adapter") == "webhook" else "assume_sent")
    fields.pop("quiet_hours", None)
    config = msgspec.convert({"name": name, "consent": "opt_in", **fields}, ChannelConfig)
    return msgspec.structs.replace(config, quiet_hours=read_quiet_hours(node.get("quiet_hours")))


def _fields(node: Mapping) -> dict[str, Plain]:
    fields = plain(node)
    assert isinstance(fields, dict)
    return fields


def _milliseconds(text: str) -> int:
    return parse_duration(text).elapsed
