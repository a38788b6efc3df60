"""Messages as signed JSON, one POST each, to an endpoint of ours (Standard Webhooks).

Takes rendered messages and hands them to one URL over connections that are kept, a bounded number at a time. The name
is looked up once for a batch, and what was looked up is what is connected to, so that an address found to be public
cannot be another one a moment later. Follows no redirect and asks no proxy. Knows no journey and no store.
"""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx2
import msgspec
from standardwebhooks import Webhook

from journeyscript.channels.endpoint import AddressError, addresses_of
from journeyscript.channels.outgoing import NOT_BEGUN, Answer, Deferred, Outgoing, Refused, Sent, Unknown
from journeyscript.channels.render import one_line
from journeyscript.channels.statuses import meaning, retry_after
from journeyscript.channels.template import percent_encoded

CONCURRENCY = 20
"""How many requests are under way at once, at the most."""

_LOSSES_IN_A_ROW = 3
_LONGEST_ANSWER = 65_536
_LONGEST_DETAIL = 300
# What can only go wrong before the first byte of the request was written.
_NOT_WRITTEN = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where messages go, its secrets filled in. `timeout` is in seconds, to connect and for each part of an answer."""

    url: str = field(repr=False)
    secret: str = field(repr=False)
    timeout: float = 10.0
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    allow_private: bool = False


class WebhookAdapter:
    """Delivers messages to one URL. To be used within one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Raises `ValueError` where the secret or the URL cannot be used; the text holds neither."""
        self._endpoint = endpoint
        try:
            self._url = httpx2.URL(endpoint.url)
        except httpx2.InvalidURL:
            raise ValueError("the url is none") from None
        if self._url.scheme not in {"https", "http"} or not self._url.host:
            raise ValueError("the url must begin with `https://` and name a host")
        if self._url.userinfo:
            raise ValueError("no user name and no password may stand in the url; write a header `Authorization`")
        try:
            self._signer = Webhook(endpoint.secret)
        except Exception:  # noqa: BLE001 - whatever the library raises, its text may hold the secret
            raise ValueError("the secret is not base64, with or without `whsec_` in front") from None
        self._client: httpx2.AsyncClient | None = None
        self._hurried = False
        self._under_way: set[asyncio.Timeout] = set()

    async def deliver(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """Hand the messages over, some at a time; once the endpoint proves unusable, the rest is deferred."""
        try:
            addresses = await addresses_of(self._url, self._endpoint.timeout, private=self._endpoint.allow_private)
        except AddressError as error:
            return [Deferred(detail=str(error)) for _ in batch]
        run = _Batch(self, addresses)
        waiting = iter(enumerate(batch))
        answers: dict[int, Answer] = {}

        async def work() -> None:
            for place, outgoing in waiting:
                answers[place] = await run.answer(outgoing)

        await asyncio.gather(*(work() for _ in range(min(CONCURRENCY, len(batch)))))
        return [answers[place] for place in range(len(batch))]

    def hurry(self, seconds: float) -> None:
        """Begin no other request; those under way have so many more seconds, then their answers are lost."""
        self._hurried = True
        latest = asyncio.get_running_loop().time() + seconds
        for limit in self._under_way:
            limit.reschedule(min(latest, limit.when() or latest))

    async def close(self) -> None:
        """Let go of the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def post(self, outgoing: Outgoing, address: str) -> Answer:
        """Hand over one message; whatever goes wrong is its answer."""
        if self._hurried:
            return NOT_BEGUN
        try:
            request = self._request(outgoing, address)
        except Exception as error:  # noqa: BLE001 - one message that cannot be written holds no other one up
            log.warning("a message for the webhook `%s` cannot be written: %s", outgoing.channel, type(error).__name__)
            return Refused(detail=f"the message cannot be written as a request: {type(error).__name__}")
        try:
            # Each part of an answer may take the time-out; one that comes in drops ends here.
            async with asyncio.timeout(2 * self._endpoint.timeout) as limit:
                self._under_way.add(limit)
                return await self._exchange(request, outgoing)
        except _NOT_WRITTEN as error:
            return _Unreachable(detail=self._plain(f"cannot reach `{self._url.host}`: {_words(error)}"))
        except Exception as error:  # noqa: BLE001 - from here on the endpoint may have it, whatever went wrong
            detail = f"the request was sent, but the answer was lost: {_words(error)}"
            return Unknown(detail=self._plain(detail))
        finally:
            self._under_way.discard(limit)

    def _request(self, outgoing: Outgoing, address: str) -> httpx2.Request:
        at = datetime.now(UTC)
        body = _body(outgoing)
        key = percent_encoded(outgoing.key)
        headers = {name.lower(): value for name, value in self._endpoint.headers.items()} | {
            "host": self._url.netloc.decode("ascii"),
            "content-type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._signer.sign(key, at, body.decode()),
            "idempotency-key": key,
        }
        url = self._url.copy_with(host=address)
        return self._open().build_request(
            "POST", url, content=body, headers=headers, extensions={"sni_hostname": self._url.host}
        )

    async def _exchange(self, request: httpx2.Request, outgoing: Outgoing) -> Answer:
        response = await self._open().send(request, stream=True)
        try:
            if response.is_success:
                return Sent(provider_id=await _provider_id(response))
            answer = meaning(response.status_code, has_address=bool(outgoing.address))
            if isinstance(answer, Deferred):
                return msgspec.structs.replace(answer, wait=retry_after(response.headers, datetime.now(UTC)))
            return answer
        finally:
            await response.aclose()

    def _open(self) -> httpx2.AsyncClient:
        if self._client is None:
            limits = httpx2.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
            self._client = httpx2.AsyncClient(
                timeout=self._endpoint.timeout,
                limits=limits,
                follow_redirects=False,
                verify=ssl.create_default_context(),
                # A proxy of the environment would choose the address in our place.
                trust_env=False,
                headers={"user-agent": "JourneyScript"},
            )
        return self._client

    def _plain(self, text: str) -> str:
        """Return the text on one short line, without the path and the query of the URL, which may hold a secret."""
        return one_line(text.replace(self._endpoint.url, "[url]"))[:_LONGEST_DETAIL]


class _Unreachable(Deferred, frozen=True, kw_only=True):
    """Deferred, and everybody else would be: no connection came about."""


class _Batch:
    """What one batch has learned of the endpoint: whether it is worth another request."""

    def __init__(self, adapter: WebhookAdapter, addresses: list[str]) -> None:
        self._adapter, self._addresses = adapter, addresses
        self._losses = 0
        self._rest: Deferred | None = None

    async def answer(self, outgoing: Outgoing) -> Answer:
        while self._rest is None:
            address = self._addresses[0]
            answer = await self._adapter.post(outgoing, address)
            if not isinstance(answer, _Unreachable):
                self._losses = self._losses + 1 if isinstance(answer, Unknown) else 0
                if self._losses >= _LOSSES_IN_A_ROW:
                    self._rest = Deferred(detail="the endpoint keeps taking requests without an answer")
                return answer
            # Somebody else may have found that out a moment ago.
            if self._addresses[0] == address and len(self._addresses) > 1:
                del self._addresses[0]
            elif self._addresses[0] == address:
                self._rest = Deferred(detail=answer.detail)
        return self._rest


def _body(outgoing: Outgoing) -> bytes:
    rendered = outgoing.rendered
    record = {
        "key": outgoing.key,
        "channel": outgoing.channel,
        "message": outgoing.message,
        "class": outgoing.kind,
        "customer": outgoing.customer,
        "to": outgoing.address,
        "subject": rendered.subject,
        "text": rendered.text,
        "html": rendered.html,
        "unsubscribe_url": outgoing.unsubscribe_url,
    }
    return msgspec.json.encode(record)


async def _provider_id(response: httpx2.Response) -> str | None:
    """Return the endpoint's own name for the message, if its answer is JSON with an `id`; it went out in any case."""
    raw = b""
    try:
        async for part in response.aiter_bytes():
            raw += part
            if len(raw) > _LONGEST_ANSWER:
                return None
        answer = msgspec.json.decode(raw)
    except (httpx2.HTTPError, msgspec.DecodeError, UnicodeDecodeError, TimeoutError):
        return None
    named = answer.get("id") if isinstance(answer, dict) else None
    return one_line(str(named))[:_LONGEST_DETAIL] if isinstance(named, str | int) else None


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
