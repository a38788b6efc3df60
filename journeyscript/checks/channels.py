"""What a channel's file promises: whom it may write to, how they say no more, and that no secret stands in it."""

import re
from collections.abc import Iterator

from journeyscript.diagnostics import Diagnostic, Span
from journeyscript.rules import finding
from journeyscript.semantics.catalog import Catalog, suggestion
from journeyscript.source.nodes import Mapping, Node, Scalar
from journeyscript.syntax.config import ChannelConfig

_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_SECRET_HEADER = re.compile(r"authorization|cookie|secret|token|password|api-?key", re.IGNORECASE)


def check_channel(channel: ChannelConfig, node: Mapping, catalog: Catalog) -> Iterator[Diagnostic]:
    """Yield what is wrong with a channel's file beyond its shape."""
    if node.get("consent") is None:
        yield finding(
            "JS501",
            f"`{channel.name}` does not say what consent it needs, so nothing could be checked",
            node.key_span("adapter"),
            help="write `consent: opt_in`, `consent: opt_out`, or `consent: none` for a channel to yourselves",
        )
    elif channel.medium == "email" and channel.consent != "none" and channel.unsubscribe is None:
        yield finding(
            "JS505",
            f"nobody could unsubscribe from what `{channel.name}` sends",
            node.key_span("consent"),
            help="write `unsubscribe: {url: …}` or `unsubscribe: {mailto: …}`",
        )
    if channel.address is not None and catalog.attribute(channel.address) is None:
        yield finding(
            "JS301",
            f"customers have no attribute `{channel.address}` to hold the address",
            _value_span(node, "address"),
            help=suggestion(channel.address, catalog.attributes),
        )
    yield from _secrets(node)


def _secrets(node: Mapping) -> Iterator[Diagnostic]:
    """Yield JS908 for every secret that stands in the file itself."""
    for value, what, variable in _secret_values(node):
        if isinstance(value, Scalar):
            yield finding(
                "JS908",
                f"a {what} stands in the file",
                value.span,
                help=f"write `${{{variable}}}` and set it in the environment; change the {what}, as it has been seen",
            )


def _secret_values(node: Mapping) -> Iterator[tuple[Node | None, str, str]]:
    """Yield what should come from the environment and does not, what it is, and a name for the variable."""
    smtp, webhook = node.get("smtp"), node.get("webhook")
    wanted: list[tuple[Node | None, str, str]] = []
    if isinstance(smtp, Mapping):
        wanted.append((smtp.get("password"), "password", "SMTP_PASSWORD"))
    if isinstance(webhook, Mapping):
        wanted.append((webhook.get("secret"), "secret", "WEBHOOK_SECRET"))
    yield from (one for one in wanted if isinstance(one[0], Scalar) and not _VARIABLE.fullmatch(one[0].text))
    headers = webhook.get("headers") if isinstance(webhook, Mapping) else None
    for pair in headers.pairs if isinstance(headers, Mapping) else ():
        value = pair.value
        if _SECRET_HEADER.search(pair.key.text) and isinstance(value, Scalar) and not _VARIABLE.search(value.text):
            yield value, "secret", "WEBHOOK_TOKEN"


def _value_span(node: Mapping, key: str) -> Span:
    value = node.get(key)
    return node.span if value is None else value.span
