"""Delivery: what becomes of sends that cannot be rendered, carried, or settled at once."""

import pytest

from journeyscript.channels.outgoing import NOT_BEGUN, Deferred, Refused, Sent, Unknown
from journeyscript.channels.render import Template
from journeyscript.runtime.delivery.outbox import Carrier, Outbox
from journeyscript.runtime.session import deployments_of
from journeyscript.stores.memory import MemoryStore
from journeyscript.syntax.config import ChannelConfig
from tests.answering import Answering
from tests.runtime.sends import NOW


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


def test_the_other_side_is_left_alone_as_long_as_it_asks_within_the_channel_s_longest_time(make_outbox, pend):
    store, outbox, _ = make_outbox(Deferred(detail="busy", wait=12_000), Deferred(detail="busy", wait=900_000))
    pend(store, 2)
    outbox.deliver(NOW)
    first, second = (send.available_at - NOW for send in store.sends(5))
    assert 12_000 <= first <= 15_000
    assert 15_000 <= second <= 18_750


def test_a_server_elsewhere_is_handed_a_few_at_once_so_that_a_kill_leaves_only_those_in_the_dark(usual, pend):
    store, adapter = MemoryStore(), Answering(*[Sent()] * 12)
    deployments = deployments_of(usual)
    store.deploy(deployments, NOW)
    config = ChannelConfig(name="post", adapter="smtp", medium="text", address=None, consent="none")
    contents = {digest: text for one in deployments for digest, text in one.contents.items()}
    outbox = Outbox(store, {"post": Carrier(config=config, adapter=adapter)}, contents, virtual=False)
    pend(store, 12)
    assert [outbox.deliver(NOW) for _ in range(4)] == [5, 5, 2, 0]
    assert {send.status for send in store.sends(20)} == {"sent"}
    outbox.close()


# One bad send ---------------------------------------------------------------------------------------------------------


class Failing(Answering):
    """Raises for a batch with one of these keys in it, having handed over nothing."""

    def __init__(self, *keys):
        super().__init__()
        self.keys, self.batches = set(keys), 0

    async def deliver(self, batch):
        self.batches += 1
        if any(one.key in self.keys for one in batch):
            raise RuntimeError("a fault of ours")
        self.given += batch
        return [Sent() for _ in batch]


def test_an_adapter_that_fails_over_one_message_defers_that_one_and_sends_the_others_once(make_outbox, pend):
    adapter = Failing("welcome/1/send.hello/7")
    store, outbox, _ = make_outbox(adapter=adapter)
    pend(store, 30)
    assert outbox.deliver(NOW) == 30
    bad = [send for send in store.sends(50) if send.status != "sent"]
    assert [(send.visit, send.status, send.detail) for send in bad] == [
        (7, "pending", "the channel failed: RuntimeError")
    ]
    assert sorted(one.key for one in adapter.given) == sorted(s.key for s in store.sends(50) if s.visit != 7)
    assert adapter.batches < 15


def test_a_message_over_which_its_adapter_always_fails_is_given_up_in_the_end(make_outbox, pend):
    store, outbox, _ = make_outbox(adapter=Failing("welcome/1/send.hello/1"))
    pend(store, 2)
    now = NOW
    while outbox.deliver(now):
        now += 100_000
    first, second = store.sends(5)
    assert (first.status, first.reason, first.attempts) == ("failed", "gave_up", 3)
    assert second.status == "sent"


def test_a_channel_that_fails_leaves_the_other_channels_alone(make_outbox, pend):
    good = Answering(Sent())
    store, outbox, _ = make_outbox(adapter=Failing("welcome/1/send.hello/1"), more={"other": good})
    pend(store, 2, channels=("post", "other"))
    outbox.deliver(NOW)
    assert [send.status for send in store.sends(5)] == ["pending", "sent"]


def test_answers_that_are_not_one_for_each_message_are_no_answers(make_outbox, pend):
    class Silent(Answering):
        async def deliver(self, batch):
            return [Sent() for _ in batch[1:]]

    store, outbox, _ = make_outbox(adapter=Silent(), on_unknown="retry")
    pend(store, 2)
    outbox.deliver(NOW)
    assert {send.status for send in store.sends(5)} == {"pending"}


def test_a_template_that_raises_what_nobody_foresaw_fails_its_send_alone(make_outbox, pend, monkeypatch):
    plain = Template.render

    def render(self, data, **more):
        if data["customer"]["level"] == "bad":
            raise ZeroDivisionError
        return plain(self, data, **more)

    monkeypatch.setattr(Template, "render", render)
    store, outbox, adapter = make_outbox(Sent())
    pend(store, 2, data=('{"customer":{"id":"c1","level":"bad"}}', '{"customer":{"id":"c1","level":"gold"}}'))
    outbox.deliver(NOW)
    assert [(send.status, send.reason) for send in store.sends(5)] == [("failed", "render"), ("sent", None)]
    assert [one.rendered.text for one in adapter.given] == ["Hello gold"]


# The end of a run -----------------------------------------------------------------------------------------------------


def test_after_a_stop_nothing_more_is_begun(make_outbox, pend):
    store, outbox, adapter = make_outbox()
    pend(store)
    outbox.hurry()
    assert outbox.deliver(NOW) == 0
    assert (store.sends(5)[0].status, adapter.given) == ("pending", [])


def test_what_a_stop_left_unbegun_waits_as_if_nothing_had_happened(make_outbox, pend):
    store, outbox, _ = make_outbox(Sent(), NOT_BEGUN)
    pend(store, 2)
    outbox.deliver(NOW)
    sent, waiting = store.sends(5)
    assert sent.status == "sent"
    assert (waiting.status, waiting.attempts, waiting.available_at, waiting.reason) == ("pending", 0, NOW, None)
