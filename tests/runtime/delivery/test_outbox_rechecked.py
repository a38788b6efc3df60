"""Before a later attempt it is asked again whether the message still may go out."""

import pytest

from journeyscript.channels.outgoing import Deferred, Sent
from journeyscript.engine.values import Decision
from journeyscript.stores.records import Changes, KeptDecision
from journeyscript.syntax.config import RateConfig
from tests.runtime.sends import NOW

LATER = NOW + 20_000


@pytest.fixture
def deferred(make_outbox, pend):
    """Return a store with a message that was put off once, and an outbox whose channel would take it now."""

    def made(*, consent=None, asked="opt_in", kind="marketing", **how):
        store, outbox, adapter = make_outbox(Deferred(detail="busy"), Sent(), consent=asked, **how)
        pend(store, kind=kind)
        say(store, consent={} if consent is None else {"post": consent})
        outbox.deliver(NOW)
        return store, outbox, adapter

    return made


def say(store, **changes):
    (customer,) = store.load(["c1"], [], history=False).values()
    for name, value in changes.items():
        setattr(customer, name, value)
    store.commit(Changes(customers=[customer]))


def outcome(store):
    (send,) = store.sends(5)
    return send.status, send.reason


@pytest.mark.parametrize("virtual", [False, True])
def test_consent_withdrawn_meanwhile_stops_a_retry(deferred, virtual):
    store, outbox, adapter = deferred(consent=True, virtual=virtual)
    say(store, consent={"post": False})
    assert outbox.deliver(LATER) == 1
    assert (outcome(store), len(adapter.given)) == (("skipped", "no_consent"), 1)


def test_an_address_suppressed_meanwhile_stops_a_retry(deferred):
    store, outbox, adapter = deferred(consent=True)
    say(store, suppressed=frozenset({"here"}))
    outbox.deliver(LATER)
    assert (outcome(store), len(adapter.given)) == (("skipped", "suppressed"), 1)


def test_another_address_suppressed_stops_nothing(deferred):
    store, outbox, _ = deferred(consent=True)
    say(store, suppressed=frozenset({"elsewhere"}))
    outbox.deliver(LATER)
    assert outcome(store) == ("sent", None)


@pytest.mark.parametrize(
    ("asked", "kind", "consent", "status"),
    [
        ("opt_in", "marketing", True, "sent"),
        ("opt_out", "marketing", None, "sent"),
        ("opt_out", "marketing", False, "skipped"),
        ("none", "marketing", False, "sent"),
        ("opt_in", "transactional", False, "sent"),
    ],
)
def test_a_retry_asks_for_the_consent_that_the_decision_asked_for(deferred, asked, kind, consent, status):
    store, outbox, _ = deferred(asked=asked, kind=kind, consent=consent)
    outbox.deliver(LATER)
    assert outcome(store)[0] == status


@pytest.mark.parametrize("rule", ["exit closed", "goal", "stopped"])
def test_an_exit_meanwhile_cancels_a_retry(deferred, rule):
    store, outbox, adapter = deferred(consent=True)
    (enrollment,) = store.story("c1").enrollments
    left = Decision(visit=enrollment.visit, state=enrollment.state, at=NOW + 5, rule=rule)
    ended = type(enrollment)(**{f: getattr(enrollment, f) for f in enrollment.__struct_fields__} | {
        "status": "exited", "reason": "closed", "ended_at": NOW + 5, "due_at": None,
    })  # fmt: skip
    store.commit(Changes(enrollments=[ended], decisions=[KeptDecision(enrollment=enrollment.id, decision=left)]))
    outbox.deliver(LATER)
    assert (outcome(store), len(adapter.given)) == (("skipped", "cancelled"), 1)
    assert store.sends(5)[0].detail == "the customer left the journey before it went out"


def test_a_message_that_a_rate_held_back_is_asked_for_again_and_one_sent_at_once_is_not(make_outbox, pend):
    store, outbox, adapter = make_outbox(Sent(), Sent(), consent="opt_in", rate=RateConfig(messages=1, per=90_000))
    pend(store, 2)
    outbox.deliver(NOW)
    assert [send.status for send in store.sends(5)] == ["sent", "pending"], "the decision had just asked"
    outbox.deliver(NOW + 900_000)
    assert [(send.status, send.reason) for send in store.sends(5)] == [("sent", None), ("skipped", "no_consent")]
    assert len(adapter.given) == 1
