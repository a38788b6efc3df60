"""The webhook: what an endpoint is posted, what its answers mean, and where nothing is posted to."""

import asyncio
import json
import socket
import ssl
import time

import msgspec
import pytest
import trustme

from journeyscript.channels.adapters import ChannelError, make_adapter, rehearsal
from journeyscript.channels.endpoint import is_public
from journeyscript.channels.outgoing import NOT_BEGUN, Deferred, Refused, Rendered, Sent, Unknown
from journeyscript.channels.webhook import CONCURRENCY
from journeyscript.syntax.config import ChannelConfig, WebhookConfig
from tests.channels.peer import SECRET, Peer, serving

ENVIRONMENT = {"HOOK_SECRET": SECRET, "TOKEN": "t0ken"}


@pytest.fixture
def peer():
    with serving(Peer()) as one:
        yield one


def channel(url, **changes):
    webhook = WebhookConfig(url=url, secret="${HOOK_SECRET}", **({"allow_private": True, "timeout": 60.0} | changes))
    return ChannelConfig(
        name="hook", adapter="webhook", medium="text", address=None, consent="none", webhook=webhook, on_unknown="retry"
    )


@pytest.fixture
def deliver(tmp_path, make_outgoing):
    """Post batches of so many messages to a URL, over one adapter; return the answers of the last batch.

    Once a function returns that is waited for, `until`, there is a `hurry` of so many seconds.
    """

    def delivered(url, *counts, until=None, hurry=0.0, address="", **changes):
        async def hurried(adapter):
            await asyncio.to_thread(until)
            adapter.hurry(hurry)

        async def run():
            adapter = make_adapter(channel(url, **changes), environment=ENVIRONMENT, folder=tmp_path)
            hurrying = None if until is None else asyncio.create_task(hurried(adapter))
            try:
                for count in counts or (1,):
                    batch = [
                        make_outgoing(key=f"welcome/1/send.hook/{n}", channel="hook", address=address)
                        for n in range(count)
                    ]
                    answers = await adapter.deliver(batch)
                if hurrying is not None:
                    await hurrying
                return answers
            finally:
                await adapter.close()

        return asyncio.run(run())

    return delivered


def test_a_message_is_one_signed_post_that_carries_its_key(deliver, peer):
    peer.answers = [(200, b'{"id": "m-1"}', {})]
    assert deliver(peer.url, headers={"Authorization": "Bearer ${TOKEN}"}) == [Sent(provider_id="m-1")]
    assert peer.unverified == 0
    (posted,), (headers,) = peer.received, peer.headers
    assert posted == {
        "key": "welcome/1/send.hook/0",
        "channel": "hook",
        "message": "welcome",
        "class": "marketing",
        "customer": "c-1",
        "to": "",
        "subject": "Welcome",
        "text": "Hello Ada",
        "html": "<p>Hello Ada</p>",
        "unsubscribe_url": None,
    }
    sent = {name.lower(): value for name, value in headers.items()}
    assert sent["webhook-id"] == sent["idempotency-key"] == posted["key"]
    assert sent["authorization"] == "Bearer t0ken"
    assert sent["content-type"] == "application/json"
    assert sent["host"] == f"127.0.0.1:{peer.port}"


def test_a_retry_carries_the_same_key_and_a_signature_that_holds(deliver, peer):
    peer.answers = [503, 200]
    assert deliver(peer.url, 1, 1) == [Sent()]
    first, second = ({name.lower(): value for name, value in one.items()} for one in peer.headers)
    assert first["webhook-id"] == second["webhook-id"]
    assert peer.received[0] == peer.received[1]
    assert peer.unverified == 0


def test_a_wrong_secret_is_noticed_by_the_peer(deliver, peer, monkeypatch):
    monkeypatch.setitem(ENVIRONMENT, "HOOK_SECRET", "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXI=")
    deliver(peer.url)
    assert peer.unverified == 1


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (204, Sent()),
        ((201, b"not json", {}), Sent()),
        ((200, b'{"id": 7}', {}), Sent(provider_id="7")),
        ((200, b'["id"]', {}), Sent()),
        ((200, b"x" * 200_000, {}), Sent()),
        (410, Refused(detail="the endpoint answered 410 Gone")),
        (404, Refused(detail="the endpoint answered 404 Not Found")),
        (401, Refused(detail="the endpoint answered 401 Unauthorized")),
        (422, Refused(detail="the endpoint answered 422 Unprocessable Entity")),
        (408, Deferred(detail="the endpoint answered 408 Request Timeout")),
        (425, Deferred(detail="the endpoint answered 425 Too Early")),
        (429, Deferred(detail="the endpoint answered 429 Too Many Requests")),
        ((429, b"", {"Retry-After": "9"}), Deferred(detail="the endpoint answered 429 Too Many Requests", wait=9_000)),
        ((503, b"", {"Retry-After": "soon"}), Deferred(detail="the endpoint answered 503 Service Unavailable")),
        (500, Deferred(detail="the endpoint answered 500 Internal Server Error")),
        (599, Deferred(detail="the endpoint answered 599")),
    ],
    ids=str,
)  # fmt: skip
def test_each_answer_has_one_meaning(deliver, peer, answer, meaning):
    peer.answers = [answer]
    (got,) = deliver(peer.url)
    assert (type(got), got) == (type(meaning), meaning)


@pytest.mark.parametrize("status", [404, 410])
def test_an_address_that_is_gone_is_suppressed_and_a_channel_without_addresses_suppresses_nothing(
    deliver, peer, status
):
    peer.answers = [status, status, 400]
    assert deliver(peer.url, address="device-1")[0].suppress is True
    assert deliver(peer.url)[0].suppress is False
    assert deliver(peer.url, address="device-1")[0].suppress is False


def test_a_date_to_retry_after_is_understood(deliver, peer):
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3_600))
    peer.answers = [(503, b"", {"Retry-After": later})]
    (answer,) = deliver(peer.url)
    assert 3_500_000 <= answer.wait <= 3_601_000


def test_no_redirect_is_followed(deliver, peer):
    peer.answers = [(307, b"", {"Location": f"{peer.url}/elsewhere"})]
    (answer,) = deliver(peer.url)
    assert answer == Deferred(detail="the endpoint answered 307 Temporary Redirect, and redirects are not followed")
    assert len(peer.received) == 1


@pytest.mark.parametrize(("answer", "timeout"), [("drop", 60.0), ("silence", 2.0)])
def test_an_answer_lost_after_the_request_is_unknown(deliver, peer, answer, timeout):
    peer.answers = [answer]
    (got,) = deliver(peer.url, timeout=timeout)
    assert isinstance(got, Unknown)
    assert got.detail.startswith("the request was sent, but the answer was lost")
    assert len(peer.received) == 1


def test_nobody_listening_defers_the_whole_batch_at_once(deliver):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answers = deliver(f"http://127.0.0.1:{taken.getsockname()[1]}/", 200)
    assert {type(one) for one in answers} == {Deferred}
    assert answers[0].detail.startswith("cannot reach `127.0.0.1`")


def test_an_endpoint_that_never_answers_does_not_hold_up_a_whole_batch(deliver, peer):
    peer.answers = ["silence"] * 200
    answers = deliver(peer.url, 200, timeout=2.0)
    assert {type(one) for one in answers} == {Unknown, Deferred}
    # Those that were under way at once, and what is begun until the third of them is lost.
    assert len(peer.received) <= CONCURRENCY + 2


def test_connections_are_kept_and_their_number_is_bounded(deliver, peer):
    peer.together, peer.pause = CONCURRENCY, 0.01
    answers = deliver(peer.url, 100, 50)
    assert answers == [Sent()] * 50
    assert sorted(one["key"] for one in peer.received).count("welcome/1/send.hook/7") == 2
    assert peer.most_at_once == CONCURRENCY
    assert peer.connections <= CONCURRENCY


def test_answers_belong_to_their_messages_whatever_order_they_come_in(deliver, peer):
    peer.pause = 0.005
    peer.answers = [(200, b"", {})] * 30 + [500] * 10
    answers = deliver(peer.url, 40)
    failed = {f"welcome/1/send.hook/{place}" for place, one in enumerate(answers) if isinstance(one, Deferred)}
    assert len(failed) == 10
    assert failed == {one["key"] for one in peer.received[30:]}


def test_one_message_that_cannot_be_written_holds_no_other_one_up(peer, tmp_path, make_outgoing):
    bad = make_outgoing(key="bad", rendered=Rendered(text="\ud800"))

    async def run():
        adapter = make_adapter(channel(peer.url), environment=ENVIRONMENT, folder=tmp_path)
        try:
            return await adapter.deliver([make_outgoing(key="1"), bad, make_outgoing(key="2")])
        finally:
            await adapter.close()

    first, second, third = asyncio.run(run())
    assert (first, third) == (Sent(), Sent())
    assert isinstance(second, Refused)


def test_a_run_in_a_hurry_begins_nothing_more_and_gives_up_what_is_under_way(deliver, peer):
    peer.answers = ["silence"] * 100
    # The time-out is ten minutes.
    answers = deliver(peer.url, 60, timeout=600.0, until=lambda: peer.wait_for(CONCURRENCY), hurry=0.2)
    assert sum(isinstance(one, Unknown) for one in answers) == CONCURRENCY
    assert answers.count(NOT_BEGUN) == 60 - CONCURRENCY


# Where nothing is posted to -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.1.2.3", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_private_addresses_are_refused_by_what_the_name_leads_to(deliver, peer, host):
    (answer,) = deliver(f"http://{host}:{peer.port}/hook", allow_private=False)
    assert isinstance(answer, Deferred)
    assert "is a private address; write `allow_private: true` if that is meant" in answer.detail
    assert peer.received == []


def test_a_name_is_looked_up_and_what_was_found_is_connected_to(deliver, peer):
    assert deliver(f"http://localhost:{peer.port}/hook") == [Sent()]
    assert peer.headers[0]["host"] == f"localhost:{peer.port}"


def test_a_name_that_leads_elsewhere_a_moment_later_leads_nobody_astray(deliver, peer, monkeypatch):
    asked, real = [], socket.getaddrinfo

    def rebinding(host, port, *rest, **more):
        if host != "hook.example":
            return real(host, port, *rest, **more)
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert deliver(f"http://hook.example:{peer.port}/hook", 30) == [Sent()] * 30
    assert len(asked) == 1, "once for the batch, and connected to what was found"


def test_a_server_is_asked_for_by_name_and_not_trusted_without_a_certificate(deliver):
    context, names = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
    trustme.CA().issue_cert("localhost").configure_cert(context)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with serving(Peer(), context) as peer:
        (answer,) = deliver(f"https://localhost:{peer.port}/hook")
    assert names == ["localhost"]
    assert isinstance(answer, Deferred)
    assert "certificate" in answer.detail
    assert peer.received == []


def test_a_server_with_a_certificate_for_its_name_is_trusted_over_connections_that_are_kept(
    deliver, tmp_path, monkeypatch
):
    context, authority = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), trustme.CA()
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with serving(Peer(), context) as peer:
        assert deliver(f"https://localhost:{peer.port}/hook", 1, 1, 1) == [Sent()]
        assert deliver(f"https://127.0.0.1:{peer.port}/hook")[0].detail.startswith("cannot reach")
    assert (len(peer.received), peer.connections, peer.unverified) == (3, 1, 0)


def test_a_name_that_leads_nowhere_is_tried_again_later(deliver):
    (answer,) = deliver("http://nobody.invalid/", timeout=20.0)
    assert isinstance(answer, Deferred)
    assert answer.detail.startswith("cannot find `nobody.invalid`")


@pytest.mark.parametrize("proxy", ["http_proxy", "ALL_PROXY"])
def test_no_proxy_of_the_environment_chooses_the_address(deliver, peer, monkeypatch, proxy):
    monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    assert deliver(peer.url) == [Sent()]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True), ("::ffff:93.184.216.34", True),
        ("169.254.169.254", False), ("192.168.0.1", False), ("100.64.0.1", False), ("224.0.0.1", False),
        ("::", False), ("fe80::1%eth0", False), ("fd00::1", False), ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False), ("64:ff9b::7f00:1", False), ("64:ff9b::5db8:d822", True),
    ],
)  # fmt: skip
def test_an_address_is_public_only_where_all_the_internet_has_it(address, public):
    assert is_public(address) is public


# How it is configured -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"secret": "${ABSENT}"}, "channel `hook` needs the environment variable `ABSENT`, which is not set"),
        ({"secret": "${EMPTY}"}, "the secret is not base64"),
        ({"secret": "whsec_a"}, "the secret is not base64"),
        ({"url": "ftp://shop.example/"}, "the url must begin with `https://` and name a host"),
        ({"url": "https://ada:pw@shop.example/"}, "no user name and no password may stand in the url"),
        ({"headers": {"X-Key": "${BROKEN}"}}, "the header `X-Key` of channel `hook` has characters"),
    ],
)
def test_a_webhook_that_cannot_work_is_refused_before_the_first_message(tmp_path, changes, why):
    config = channel("https://shop.example/")
    config = msgspec.structs.replace(config, webhook=msgspec.structs.replace(config.webhook, **changes))
    with pytest.raises(ChannelError) as raised:
        make_adapter(config, environment=ENVIRONMENT | {"EMPTY": "", "BROKEN": "a\r\nb"}, folder=tmp_path)
    assert why in str(raised.value)
    assert SECRET not in str(raised.value)


def test_a_webhook_without_its_settings_is_refused(tmp_path):
    config = msgspec.structs.replace(channel("https://shop.example/"), webhook=None)
    with pytest.raises(ChannelError, match="channel `hook` needs `webhook` for the adapter `webhook`"):
        make_adapter(config, environment=ENVIRONMENT, folder=tmp_path)


def test_a_rehearsal_posts_nothing_and_needs_no_secret(tmp_path, make_outgoing):
    config = rehearsal(channel("https://shop.example/"), tmp_path)
    adapter = make_adapter(config, environment={}, folder=tmp_path)
    assert asyncio.run(adapter.deliver([make_outgoing(channel="hook")])) == [Sent()]
    assert json.loads((tmp_path / "hook.jsonl").read_text())["text"] == "Hello Ada"
