"""What a channel's file promises: whom it may write to, how they say no more, and that no secret stands in it."""

import re
from collections.abc import Iterator

from journeyscript.diagnostics import Diagnostic, Span
from journeyscript.rules import finding
from journeyscript.semantics.catalog import Catalog, suggestion
from journeyscript.source.nodes import Mapping, Scalar
from journeyscript.syntax.config import ChannelConfig

_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")


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
    smtp = node.get("smtp")
    password = smtp.get("password") if isinstance(smtp, Mapping) else None
    if isinstance(password, Scalar) and not _VARIABLE.fullmatch(password.text):
        yield finding(
            "JS908",
            "a password stands in the file",
            password.span,
            help="write `${SMTP_PASSWORD}` and set it in the environment; change the password, as it has been seen",
        )


def _value_span(node: Mapping, key: str) -> Span:
    value = node.get(key)
    return node.span if value is None else value.span
