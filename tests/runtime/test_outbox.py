"""Delivery: what becomes of sends that cannot be rendered, carried, or settled at once."""

import msgspec
import pytest

from journeyscript.channels.outgoing import Deferred, Refused, Sent, Unknown
from journeyscript.engine.values import Enrollment, Event
from journeyscript.runtime.outbox import Carrier, Outbox
from journeyscript.runtime.session import deployments_of
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Changes, KeptSend
from journeyscript.syntax.config import ChannelConfig, RetryConfig
from tests.answering import Answering

NOW = 1_772_000_000_000


@pytest.fixture
def make_outbox(usual):
    made = []

    def make(*answers, on_unknown="assume_sent", attempts=3, channel="post"):
        store = MemoryStore()
        store.deploy(deployments_of(usual), NOW)
        config = ChannelConfig(
            name="post", adapter="file", medium="text", address=None, consent="none", on_unknown=on_unknown,
            retry=RetryConfig(attempts=attempts, first=10_000, longest=15_000),
        )  # fmt: skip
        contents = {d: text for one in deployments_of(usual) for d, text in one.contents.items()}
        adapter = Answering(*answers)
        carriers = {channel: Carrier(config=config, adapter=adapter)}
        made.append(Outbox(store, carriers, contents, virtual=False))
        return store, made[-1], adapter

    yield make
    for outbox in made:
        outbox.close()


@pytest.fixture
def pend(usual):
    """Put sends into a store, as a batch does."""

    def put(store, count=1, **changes):
        (customer,) = store.load(["c1"], [], history=False).values()
        machine = usual.journeys["welcome"].machine
        digest = next(c.digest for c in machine.contents if c.message == "hello")
        version = next(d.version for d in deployments_of(usual) if d.machine.journey == "welcome")
        enrollment = Enrollment(
            id=customer.number << 20, customer=customer.number, journey="welcome", version=version, state="send.hello",
            visit=count, entered_at=NOW, since=NOW, entry=Event(name="signed_up", at=NOW),
        )  # fmt: skip
        sends = [
            KeptSend(
                enrollment=enrollment.id, customer=customer.number, visit=visit, key=f"welcome/1/send.hello/{visit}",
                journey="welcome", step="send.hello", message="hello", kind="marketing", channel="post", address="here",
                content=digest, data='{"customer":{"id":"c1","level":"gold"}}', status="pending", created_at=NOW,
                available_at=NOW,
            )
            for visit in range(1, count + 1)
        ]  # fmt: skip
        sends = [msgspec.structs.replace(send, **changes) for send in sends]
        store.commit(Changes(customers=[customer], enrollments=[enrollment], sends=sends))

    return put


def test_a_send_is_rendered_from_what_was_decided_and_settled(make_outbox, pend):
    store, outbox, adapter = make_outbox(Sent(provider_id="p1"))
    pend(store)
    assert outbox.deliver(NOW) == 1
    (outgoing,) = adapter.given
    assert (outgoing.key, outgoing.customer, outgoing.rendered.text) == ("welcome/1/send.hello/1", "c1", "Hello gold")
    (send,) = store.sends(5)
    assert (send.status, send.provider_id, send.settled_at) == ("sent", "p1", NOW)
    assert outbox.deliver(NOW) == 0


def test_a_deferred_send_is_tried_again_later_each_time_and_given_up_in_the_end(make_outbox, pend):
    store, outbox, adapter = make_outbox(*[Deferred(detail="busy")] * 3)
    pend(store)
    now, waits = NOW, []
    while outbox.deliver(now):
        (send,) = store.sends(5)
        if send.status == "pending":
            assert outbox.deliver(send.available_at - 1) == 0
            waits.append(send.available_at - now)
            now = send.available_at
    assert 10_000 <= waits[0] <= 12_500
    assert 15_000 <= waits[1] <= 18_750
    assert len(waits) == 2
    assert (send.status, send.reason, send.detail) == ("failed", "gave_up", "after 3 attempts: busy")
    assert {outgoing.key for outgoing in adapter.given} == {send.key}


def test_answers_belong_to_their_sends(make_outbox, pend):
    answers = [
        Sent(),
        Refused(detail="no such user", suppress=True),
        Refused(detail="too large"),
        Unknown(detail="lost"),
    ]
    store, outbox, _ = make_outbox(*answers)
    pend(store, 4)
    outbox.deliver(NOW)
    told = [(send.status, send.reason, send.detail) for send in store.sends(5)]
    assert told == [
        ("sent", None, None),
        ("failed", "permanent", "no such user"),
        ("failed", "permanent", "too large"),
        ("sent", "assumed", "lost"),
    ]
    assert store.story("c1").customer.suppressed == {"here"}


def test_an_unknown_outcome_is_retried_where_the_channel_says_so(make_outbox, pend):
    store, outbox, _ = make_outbox(Unknown(detail="lost"), on_unknown="retry")
    pend(store)
    outbox.deliver(NOW)
    assert store.sends(5)[0].status == "pending"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"data": '{"customer":{}}', "content": "absent"}, "render"), ({"data": "nonsense"}, "render")],
    ids=["absent content", "broken data"],
)
def test_what_cannot_be_rendered_fails_and_holds_nobody_up(make_outbox, pend, changes, reason):
    store, outbox, adapter = make_outbox(Sent())
    pend(store, **changes)
    outbox.deliver(NOW)
    assert (store.sends(5)[0].status, store.sends(5)[0].reason, adapter.given) == ("failed", reason, [])


def test_a_channel_that_the_project_has_no_more_fails_its_sends(make_outbox, pend):
    store, outbox, _ = make_outbox(channel="another")
    pend(store)
    outbox.deliver(NOW)
    assert store.sends(5)[0].reason == "no_channel"


def test_what_a_process_left_in_the_middle_is_settled_once(make_outbox, pend):
    store, outbox, _ = make_outbox()
    pend(store, 2)
    store.claim(NOW, 1)
    assert outbox.recover(NOW + 5) == 1
    assert outbox.recover(NOW + 6) == 0
    first, second = store.sends(5)
    assert (first.status, first.reason, first.settled_at) == ("sent", "assumed", NOW + 5)
    assert second.status == "pending"
