"""What the status of an HTTP answer means for a message that was not taken, and how long the other side asks to wait.

Takes status codes and headers (RFC 9110, RFC 6585) and gives answers. Knows no connection.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from journeyscript.channels.outgoing import Deferred, Refused

_NOT_NOW = frozenset({408, 425, 429})
_GONE = frozenset({404, 410})


def meaning(status: int, *, has_address: bool) -> Refused | Deferred:
    """Return what an answer other than 2xx means; whoever has an address is gone with a 404 or a 410."""
    detail = f"the endpoint answered {_named(status)}"
    if status in _GONE:
        return Refused(detail=detail, suppress=has_address)
    if status in _NOT_NOW or not 400 <= status < 500:
        return Deferred(detail=f"{detail}, and redirects are not followed" if 300 <= status < 400 else detail)
    return Refused(detail=detail)


def retry_after(headers: Mapping[str, str], now: datetime) -> int | None:
    """Return how many milliseconds the answer asks to wait, by its `Retry-After`: seconds or a date."""
    written = headers.get("retry-after", "").strip()
    if not written:
        return None
    if written.isascii() and written.isdigit():
        return int(written[:9]) * 1000
    try:
        until = parsedate_to_datetime(written)
    except ValueError:
        return None
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(round((until - now).total_seconds() * 1000), 0)


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
