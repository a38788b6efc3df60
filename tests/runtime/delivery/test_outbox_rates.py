"""Rates: how many messages a channel is handed within any such time, on the wall clock and on virtual time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyscript.channels.outgoing import Deferred, Refused, Sent
from journeyscript.runtime.delivery.rates import Window
from journeyscript.runtime.session import deployments_of
from journeyscript.stores.sqlite import open_sqlite
from journeyscript.syntax.config import RateConfig
from tests.answering import Answering
from tests.runtime.sends import NOW

MINUTE = 60_000
RATE = RateConfig(messages=3, per=MINUTE)


class Willing(Answering):
    """Takes everything."""

    async def deliver(self, batch):
        self.given += batch
        return [Sent() for _ in batch]


def statuses(store):
    return [send.status for send in store.sends(1_000)]


def test_what_exceeds_the_rate_waits_without_counting_as_an_attempt(make_outbox, pend):
    store, outbox, adapter = make_outbox(adapter=Willing(), rate=RATE)
    pend(store, 8)
    assert (outbox.deliver(NOW), outbox.deliver(NOW)) == (3, 0)
    waiting = [send for send in store.sends(10) if send.status == "pending"]
    assert [(send.attempts, send.reason) for send in waiting] == [(0, None)] * 5
    freed = outbox.next_moment(NOW)
    assert NOW + MINUTE <= freed < NOW + 2 * MINUTE, "counted as of the end of the attempt, which takes real time"
    assert outbox.deliver(NOW + MINUTE - 1) == 0
    assert outbox.deliver(freed) == 3
    assert outbox.deliver(freed + 2 * MINUTE) == 2
    assert len(adapter.given) == len({one.key for one in adapter.given}) == 8


def test_channels_without_a_rate_go_on_beside_one_that_is_full(make_outbox, pend):
    store, outbox, _ = make_outbox(adapter=Willing(), rate=RATE)
    pend(store, 5)
    outbox.deliver(NOW)
    assert outbox.next_moment(NOW + 1) > NOW + 1
    pend(store, customer="c2", channel="gone")
    assert outbox.next_moment(NOW + 1) == NOW
    assert outbox.deliver(NOW + 1) == 1
    assert statuses(store).count("pending") == 2


def test_every_attempt_counts_and_what_never_went_out_does_not(make_outbox, pend):
    answers = [Deferred(detail="busy"), Refused(detail="no"), Sent(), Sent()]
    store, outbox, adapter = make_outbox(*answers, rate=RATE)
    pend(store, 2, customer="bad", data="nonsense")
    pend(store, 4)
    attempted = [outbox.deliver(NOW) for _ in range(4)]
    assert sum(attempted) > 3
    assert len(adapter.given) == 3


def test_a_message_too_old_before_there_is_room_is_skipped_as_stale_and_takes_no_room(make_outbox, pend):
    store, outbox, _ = make_outbox(adapter=Willing(), rate=RATE)
    pend(store, 5, expires_at=NOW + 1_000)
    pend(store, 3, customer="c2", available_at=NOW + 1)
    outbox.deliver(NOW)
    while outbox.deliver(NOW + 2 * MINUTE):
        pass
    assert [send.reason for send in store.sends(10) if send.status == "skipped"] == ["stale"] * 2
    assert statuses(store).count("sent") == 6


@pytest.mark.parametrize("virtual", [False, True])
def test_a_restart_gives_no_more_than_the_rate(make_outbox, pend, usual, tmp_path, virtual):
    path = tmp_path / "store.db"
    store = open_sqlite(path)
    store.deploy(deployments_of(usual), NOW)
    pend(store, 8)
    make_outbox(adapter=Willing(), store=store, rate=RATE, virtual=virtual)[1].deliver(NOW)
    store.close()
    store = open_sqlite(path)
    _, outbox, adapter = make_outbox(adapter=Willing(), store=store, rate=RATE, virtual=virtual)
    outbox.recover(NOW + 10)
    while outbox.deliver(NOW + 20):
        pass
    assert adapter.given == []
    while outbox.deliver(NOW + MINUTE + 20):
        pass
    assert len(adapter.given) == 3
    store.close()


def test_what_a_process_left_in_the_middle_counts_against_the_rate(make_outbox, pend):
    store, outbox, adapter = make_outbox(adapter=Willing(), rate=RATE, on_unknown="retry")
    pend(store, 8)
    store.claim(NOW, 2)
    outbox.recover(NOW)
    outbox.deliver(NOW)
    assert len(adapter.given) == 1


def test_journeys_share_a_rate(make_outbox, pend):
    store, outbox, adapter = make_outbox(adapter=Willing(), rate=RATE)
    pend(store, 50)
    pend(store, 1, customer="c2", journey="vip", available_at=NOW + 10)
    outbox.deliver(NOW + 10)
    assert sorted(one.key.split("/")[1] for one in adapter.given) == ["1", "1", "2"]


def test_on_virtual_time_each_message_goes_when_there_is_room(make_outbox, pend):
    store, outbox, _ = make_outbox(adapter=Willing(), rate=RATE, virtual=True)
    pend(store, 8)
    while outbox.deliver(NOW + 90_000):
        pass
    early = [send for send in store.sends(10) if send.status == "sent"]
    assert sorted(send.settled_at - NOW for send in early) == [0] * 3 + [MINUTE] * 3
    left = [send for send in store.sends(10) if send.status == "pending"]
    assert [(send.attempts, send.available_at - NOW, send.reason) for send in left] == [(0, 2 * MINUTE, "rate")] * 2
    while outbox.deliver(NOW + 10 * MINUTE):
        pass
    assert sorted(send.settled_at - NOW for send in store.sends(10)) == [0] * 3 + [MINUTE] * 3 + [2 * MINUTE] * 2
    assert {send.attempts for send in store.sends(10)} == {1}


def test_on_virtual_time_a_message_is_stale_once_room_comes_too_late(make_outbox, pend):
    store, outbox, _ = make_outbox(adapter=Willing(), rate=RATE, virtual=True)
    pend(store, 5, expires_at=NOW + 30_000)
    for until in (NOW, NOW + 20_000, NOW + 5 * MINUTE):
        while outbox.deliver(until):
            pass
    assert sorted(statuses(store)) == ["sent"] * 3 + ["skipped"] * 2
    assert {send.settled_at for send in store.sends(10) if send.status == "skipped"} == {NOW + 30_001}


@given(
    rate=st.builds(RateConfig, messages=st.integers(1, 4), per=st.integers(1, 50)),
    wished=st.lists(st.integers(0, 200), max_size=40),
    kept=st.integers(0, 40),
)
def test_whatever_the_order_no_time_holds_more_than_the_rate_also_across_a_restart(rate, wished, kept):
    window, taken = Window(rate, []), []
    for place, moment in enumerate(wished):
        if place == kept:
            window = Window(rate, sorted(taken, reverse=True)[: rate.messages])
        at = window.free_at(moment)
        assert at >= moment
        window.take(at)
        taken.append(at)
    taken.sort()
    for first, beyond in zip(taken, taken[rate.messages :], strict=False):
        assert beyond - first >= rate.per


@pytest.mark.parametrize("asked", [None, 40_000])
def test_what_was_put_off_before_a_restart_counts(make_outbox, pend, asked):
    store, outbox, _ = make_outbox(*[Deferred(detail="busy", wait=asked)] * 3, rate=RATE)
    pend(store, 4)
    assert outbox.deliver(NOW) == 3
    _, again, adapter = make_outbox(store=store, adapter=Willing(), rate=RATE)
    assert again.deliver(NOW + 1_000) == 0
    freed = again.next_moment(NOW + 1_000)
    assert NOW + MINUTE <= freed <= NOW + MINUTE + (10_000 if asked else 0), "never sooner than a minute after them"
    assert again.deliver(freed - 1) == 0
    assert again.deliver(NOW + 2 * MINUTE) == 3
    assert len(adapter.given) == 3


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 5), st.integers(1, 20))
def test_on_the_wall_clock_the_room_is_what_the_rate_leaves(steps, messages, per):
    window, now, taken = Window(RateConfig(messages=messages, per=per), []), 0, []
    for step in steps:
        now += step
        room = window.room(now)
        assert (room == 0) == (window.free_at(now) > now)
        assert 0 <= room <= messages
        for _ in range(room):
            window.take(now)
            taken.append(now)
    for first, beyond in zip(taken, taken[messages:], strict=False):
        assert beyond - first >= per
