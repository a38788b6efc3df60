"""Quiet hours hold for what is attempted later than it was decided."""

from contextlib import closing

import pytest

from journeyscript.channels.outgoing import Deferred, Sent
from journeyscript.runtime.delivery.rechecking import NO_QUIET, QuietHours
from journeyscript.runtime.reporting.explain import send_in_words
from journeyscript.runtime.session import deployments_of, quiet_of
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Changes
from journeyscript.stores.sqlite import open_sqlite
from journeyscript.syntax.config import RateConfig
from journeyscript.syntax.policies import WEEKDAYS, QuietWindow
from tests.answering import Answering
from tests.runtime.sends import NOW

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
NIGHT = (QuietWindow(start=21 * 60, end=8 * 60, days=WEEKDAYS),)
QUIET = QuietHours(windows={"post": NIGHT}, timezone="UTC", release_over=15 * MINUTE)
DUSK = NOW - NOW % DAY + DAY + 21 * HOUR
"""When the night begins in UTC."""
DAWN = DUSK + 11 * HOUR


class Willing(Answering):
    """Takes everything."""

    async def deliver(self, batch):
        self.given += batch
        return [Sent() for _ in batch]


@pytest.fixture(params=["memory", "sqlite"])
def store(request, usual, tmp_path):
    with closing(MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "store.db")) as opened:
        opened.deploy(deployments_of(usual), NOW)
        yield opened


@pytest.fixture
def open_outbox(make_outbox, store):
    """Open an outbox with quiet hours over the store; return it and its channel."""

    def opened(*answers, quiet=QUIET, **how):
        adapter = None if answers else Willing()
        return make_outbox(*answers, store=store, adapter=adapter, quiet=quiet, **how)[1:]

    return opened


@pytest.fixture
def decide(pend, store):
    """Put messages into the store that were decided at a moment."""

    def decided(at, count=1, **fields):
        pend(store, count, **{"created_at": at, "available_at": at} | fields)

    return decided


def live_in(store, timezone, customer="c1"):
    (kept,) = store.load([customer], [], history=False).values()
    kept.attributes = {**kept.attributes, "timezone": timezone}
    store.commit(Changes(customers=[kept]))


def deliver(outbox, now):
    while outbox.deliver(now):
        pass


def only(store):
    (send,) = store.sends(5)
    return send


@pytest.mark.parametrize("virtual", [False, True])
def test_a_retry_in_the_night_waits_for_the_morning_which_is_no_attempt(open_outbox, decide, store, virtual):
    outbox, adapter = open_outbox(Deferred(detail="busy"), Sent(), virtual=virtual)
    decide(DUSK - SECOND)
    deliver(outbox, DUSK - SECOND)
    deliver(outbox, DUSK + HOUR)
    put_back = only(store)
    assert (put_back.status, put_back.reason, put_back.attempts) == ("pending", "quiet_hours", 1)
    assert DAWN <= put_back.available_at < DAWN + 15 * MINUTE
    assert outbox.next_moment(DUSK + HOUR) == put_back.available_at
    deliver(outbox, put_back.available_at - 1)
    assert len(adapter.given) == 1
    deliver(outbox, put_back.available_at)
    assert (only(store).status, only(store).attempts, len(adapter.given)) == ("sent", 2, 2)


def test_what_was_pending_while_the_process_was_down_waits_for_the_morning(open_outbox, decide, store):
    outbox, adapter = open_outbox()
    decide(DUSK - HOUR)
    deliver(outbox, DUSK + HOUR)
    assert (only(store).status, only(store).attempts, adapter.given) == ("pending", 0, [])
    deliver(outbox, DAWN + 15 * MINUTE)
    assert (only(store).status, only(store).reason, only(store).attempts) == ("sent", None, 1)


@pytest.mark.parametrize(("later", "status"), [(MINUTE - 1, "sent"), (MINUTE, "pending")])
def test_what_was_decided_less_than_a_minute_ago_is_not_asked_for_again(open_outbox, decide, store, later, status):
    outbox, _ = open_outbox()
    decide(DUSK + HOUR)
    deliver(outbox, DUSK + HOUR + later)
    assert only(store).status == status


def test_transactional_messages_and_channels_without_quiet_hours_wait_for_no_morning(open_outbox, decide, store):
    outbox, _ = open_outbox(more={"other": Willing()})
    decide(DUSK - HOUR, kind="transactional")
    decide(DUSK - HOUR, customer="c2", channel="other")
    deliver(outbox, DUSK + HOUR)
    assert [send.status for send in store.sends(5)] == ["sent", "sent"]


@pytest.mark.parametrize(
    ("timezone", "default", "status"),
    [
        ("Asia/Tokyo", "UTC", "pending"),
        ("America/New_York", "UTC", "sent"),
        ("Atlantis/Center", "UTC", "pending"),
        ("Atlantis/Center", "America/New_York", "sent"),
        (7, "America/New_York", "sent"),
        (None, "America/New_York", "sent"),
        (None, "UTC", "pending"),
    ],
)
def test_it_is_the_customer_s_night_or_else_the_project_s(open_outbox, decide, store, timezone, default, status):
    quiet = QuietHours(windows=QUIET.windows, timezone=default, release_over=SECOND)
    outbox, _ = open_outbox(quiet=quiet)
    decide(DUSK - HOUR)
    live_in(store, timezone)
    deliver(outbox, DUSK + HOUR)
    assert only(store).status == status


def test_the_zone_counts_that_the_customer_has_at_the_attempt(open_outbox, decide, store):
    outbox, _ = open_outbox()
    decide(DUSK - HOUR)
    deliver(outbox, DUSK + HOUR)
    live_in(store, "America/New_York")
    deliver(outbox, DAWN + 15 * MINUTE)
    assert (only(store).status, only(store).reason) == ("pending", "quiet_hours")
    assert only(store).available_at >= DAWN + 4 * HOUR


@pytest.mark.parametrize("virtual", [False, True])
@pytest.mark.parametrize("tried", [False, True])
def test_a_message_too_old_by_the_morning_is_skipped_at_once(open_outbox, decide, store, virtual, tried):
    answers = (Deferred(detail="busy"),) if tried else ()
    outbox, adapter = open_outbox(*answers, virtual=virtual)
    at = DUSK - SECOND if tried else DUSK - HOUR
    decide(at, expires_at=DAWN - 1, available_at=at if tried else DUSK + HOUR)
    deliver(outbox, DUSK - SECOND)
    deliver(outbox, DUSK + HOUR)
    assert (only(store).status, only(store).reason, len(adapter.given)) == ("skipped", "quiet_expired", tried)
    assert outbox.next_moment(DUSK + HOUR) is None


def test_nobody_s_scatter_makes_a_message_too_old(open_outbox, decide, store):
    outbox, _ = open_outbox()
    decide(DUSK - HOUR, 40, expires_at=DAWN + 10 * SECOND)
    deliver(outbox, DUSK + HOUR)
    assert {send.available_at - DAWN for send in store.sends(50)} <= {second * SECOND for second in range(10)}
    for second in range(10):
        deliver(outbox, DAWN + second * SECOND)
    assert {send.status for send in store.sends(50)} == {"sent"}


def test_what_waits_for_one_morning_is_scattered_the_same_way_each_time(open_outbox, decide, store):
    outbox, _ = open_outbox()
    decide(DUSK - HOUR, 40)
    deliver(outbox, DUSK + HOUR)
    released = [send.available_at - DAWN for send in store.sends(50)]
    assert len(set(released)) > 20
    assert all(0 <= at < 15 * MINUTE and at % SECOND == 0 for at in released)
    assert released[:3] == [298 * SECOND, 836 * SECOND, 134 * SECOND]


def test_what_is_put_back_takes_nobody_s_place_under_the_rate(open_outbox, decide, store):
    outbox, adapter = open_outbox(rate=RateConfig(messages=1, per=HOUR))
    decide(DUSK - HOUR)
    decide(DUSK - 1, customer="c2", kind="transactional")
    deliver(outbox, DUSK + HOUR)
    assert [send.status for send in store.sends(5)] == ["pending", "sent"]
    assert len(adapter.given) == 1


def test_on_virtual_time_a_rate_that_leads_into_the_night_leads_to_the_morning(open_outbox, decide, store):
    outbox, _ = open_outbox(rate=RateConfig(messages=1, per=2 * HOUR), virtual=True)
    decide(DUSK - HOUR, 2)
    decide(DUSK, customer="c2", kind="transactional")
    deliver(outbox, DAWN + HOUR)
    first, second, other = store.sends(5)
    assert (first.settled_at, other.settled_at) == (DUSK - HOUR, DUSK + HOUR), "what was put back took no place"
    assert DAWN <= second.settled_at < DAWN + 15 * MINUTE
    assert {send.attempts for send in store.sends(5)} == {1}


def test_an_attempt_before_the_night_keeps_no_channel_shut_until_the_morning(open_outbox, decide, store):
    outbox, _ = open_outbox(Deferred(detail="busy"))
    decide(DUSK - SECOND)
    deliver(outbox, DUSK - SECOND)
    deliver(outbox, DUSK + HOUR)
    assert only(store).reason == "quiet_hours"
    outbox, adapter = open_outbox(rate=RateConfig(messages=1, per=HOUR))
    decide(DUSK + 2 * HOUR, customer="c2", kind="transactional")
    deliver(outbox, DUSK + 2 * HOUR)
    deliver(outbox, DUSK + 3 * HOUR)
    assert len(adapter.given) == 1


def test_consent_taken_back_in_the_night_is_asked_for_in_the_morning(open_outbox, decide, store):
    outbox, _ = open_outbox(consent="opt_out")
    decide(DUSK - HOUR)
    deliver(outbox, DUSK + HOUR)
    (kept,) = store.load(["c1"], [], history=False).values()
    kept.consent = {"post": False}
    store.commit(Changes(customers=[kept]))
    deliver(outbox, DAWN + 15 * MINUTE)
    assert (only(store).status, only(store).reason) == ("skipped", "no_consent")


def test_quiet_hours_that_were_written_meanwhile_hold_for_what_was_decided_before(open_outbox, decide, store, build):
    decide(DUSK - HOUR)
    project = build({"journeyscript.yaml": 'name: shop\npolicies: { quiet_hours: { between: ["21:00", "08:00"] } }\n'})
    written = quiet_of(project)
    assert set(written.windows) == set(project.channels)
    now = QuietHours(windows={"post": next(iter(written.windows.values()))}, timezone=written.timezone)
    deliver(open_outbox(quiet=now)[0], DUSK + HOUR)
    assert (only(store).status, only(store).available_at) == ("pending", DAWN)
    deliver(open_outbox(quiet=NO_QUIET)[0], DAWN)
    assert only(store).status == "sent"


def test_it_is_told_until_when_a_message_waits_for_the_morning(open_outbox, decide, store):
    outbox, _ = open_outbox(quiet=QuietHours(windows=QUIET.windows, timezone="UTC", release_over=SECOND))
    decide(DUSK - HOUR)
    deliver(outbox, DUSK + HOUR)
    assert send_in_words(only(store), "Europe/Berlin") == (
        "`hello` waits by post for the end of quiet hours, until 2026-02-27T09:00:00+01:00"
    )
