"""Steps that put the customer into another journey: as a request would, at the same instant, and never for ever."""

from contextlib import closing

import pytest

from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.advancing.progress import MOST_EMITTED
from journeyscript.runtime.intake.records import Intake
from journeyscript.runtime.session import deployments_of, requests_of, rules_of
from journeyscript.runtime.trials.recording import record
from journeyscript.runtime.trials.trial import Trial
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite

START = 1_772_000_000_000
HOUR = 3_600_000

ASKING = """
journey: asking
entry: { event: signed_up, again: always }
steps:
  - wait: 1 hour
  - enter: offer
    with: { coupon: '"MAY"', points: customer.points ?? 0 }
  - set: { level: '"asked"' }
"""
OFFER = """
journey: offer
entry: { api: { coupon: { type: string }, points: { type: integer, optional: true } }, again: never }
steps:
  - set: { points: (entry.event.points ?? 0) + 1 }
  - branch:
      - if: entry.event.coupon == "MAY"
        steps: [{ send: hello }]
      - else: [{ send: vip }]
  - wait: 1 day
"""
ALONE = dict.fromkeys(f"journeys/{name}.yaml" for name in ("welcome", "winback", "vip", "vip_greeting"))


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "entering.db")
    with closing(made):
        yield made


@pytest.fixture
def asked(build, store):
    """Compile a project of an asking journey and an offer, and deploy it."""

    def made(asking=ASKING, offer=OFFER, **others):
        texts = {"asking": asking, "offer": offer, **others}
        project = build({**ALONE, **{f"journeys/{name}.yaml": text for name, text in texts.items()}})
        store.deploy(deployments_of(project), START)
        return project

    return made


def take(project, store, record, at, *, rules=None):
    """Take one record in, or none, and fire what is due by then."""
    intake = Intake(project.catalog, requests_of(project))
    incoming = [] if record is None else [intake.record({"time": at, **record}, "test", str(at), at)]
    rules = rules or rules_of(project, store, virtual=True)
    store.commit(advance(store, rules, incoming=incoming, due=store.due(at, 100), now=at))


def inside(store, journey):
    return [one for one in store.story("c1").enrollments if one.journey == journey]


SIGNED_UP = {"customer": "c1", "event": "signed_up", "attributes": {"points": 7}}


def test_a_step_puts_the_customer_into_another_journey_at_the_same_instant(asked, store):
    project = asked()
    take(project, store, SIGNED_UP, START)
    take(project, store, None, START + HOUR)
    (asking,), (offer,) = inside(store, "asking"), inside(store, "offer")
    assert (asking.status, offer.status) == ("completed", "active")
    assert asking.ended_at == offer.entered_at == offer.entry.at == START + HOUR
    assert offer.entry.properties == {"coupon": "MAY", "points": 7}
    story = store.story("c1")
    assert (story.customer.attributes["level"], story.customer.attributes["points"]) == ("asked", 8)
    assert [send.message for send in store.sends(10)] == ["hello"]


def test_a_step_enters_as_a_request_from_outside_does(asked, store):
    project = asked()
    take(project, store, SIGNED_UP, START)
    take(project, store, None, START + HOUR)
    properties = {"coupon": "MAY", "points": 7}
    other = {"customer": "c2", "attributes": {"points": 7}, "type": "enter", "journey": "offer"}
    take(project, store, {**other, "properties": properties}, START + HOUR)
    (stepped,), (requested,) = inside(store, "offer"), store.story("c2").enrollments
    assert (stepped.entry, stepped.state, stepped.due_at) == (requested.entry, requested.state, requested.due_at)


def test_who_cannot_enter_is_refused_with_the_reason_and_goes_on(asked, store):
    project = asked()
    for hours in (0, 2):
        take(project, store, SIGNED_UP, START + hours * HOUR)
        take(project, store, None, START + (hours + 1) * HOUR)
    assert len(inside(store, "offer")) == 1
    (refusal,) = store.story("c1").refusals
    assert (refusal.journey, refusal.reason, refusal.at) == ("offer", "inside", START + 3 * HOUR)
    assert [one.status for one in inside(store, "asking")] == ["completed", "completed"]


def test_the_condition_the_holdout_and_the_group_of_the_entry_hold_for_a_step(asked, store):
    where = OFFER.replace("again: never", 'where: event.coupon == "JUNE", again: never')
    project = asked(offer=where)
    take(project, store, SIGNED_UP, START)
    take(project, store, None, START + HOUR)
    assert inside(store, "offer") == []
    held = OFFER.replace("again: never", "again: never, holdout: 99.9999%")
    project = asked(offer=held)
    take(project, store, SIGNED_UP, START + 2 * HOUR)
    take(project, store, None, START + 3 * HOUR)
    (offer,) = inside(store, "offer")
    assert (offer.status, offer.reason) == ("exited", "holdout")


def test_a_group_keeps_the_customer_out_while_another_journey_of_it_goes_on(asked, store):
    grouped = [text.replace("entry:", "exclusive_group: one\nentry:") for text in (ASKING, OFFER)]
    project = asked(grouped[0] + "  - wait: 1 hour\n    id: lingering\n", grouped[1])
    take(project, store, SIGNED_UP, START)
    take(project, store, None, START + HOUR)
    assert inside(store, "offer") == []
    assert [refusal.reason for refusal in store.story("c1").refusals] == ["exclusive_group"]


WAITING = "journey: asking\nentry: { event: signed_up, again: always }\nsteps:\n  - wait: 1 hour\n  - send: hello\n"
GONE = {
    "`offer` does not run, so nobody can enter it": None,
    "`offer` needs the property `colour`": OFFER.replace("{ coupon:", "{ colour: { type: string }, coupon:"),
    "`offer` does not start by `api` any more": "journey: offer\nentry: { event: closed, again: never }\n"
    "steps:\n  - send: hello\n",
}


@pytest.mark.parametrize("reason", GONE)
def test_what_a_journey_cannot_be_asked_any_more_is_kept_with_the_reason(asked, store, reason):
    take(asked(), store, SIGNED_UP, START)
    changed = asked(WAITING, GONE[reason])  # Who came in before goes on in the version that asks.
    take(changed, store, None, START + HOUR)
    (kept,) = store.rejected(10)
    assert (kept.reason, kept.source) == (reason, "journey:asking")
    assert '"type":"enter","journey":"offer"' in kept.raw
    assert [(one.journey, one.status) for one in store.story("c1").enrollments] == [("asking", "completed")]


def test_journeys_that_enter_each_other_in_a_circle_are_cut_and_it_is_recorded(build, store, monkeypatch):
    # The compiler refuses the circle; journeys of several versions can still make one.
    monkeypatch.setattr("journeyscript.compiler.check_journeys", lambda _journeys: ())
    circle = {
        f"journeys/{name}.yaml": f"journey: {name}\nentry: {{ api: {{}}, again: always }}\n"
        f"steps: [{{ enter: {other} }}]\n"
        for name, other in (("a", "b"), ("b", "a"))
    }
    project = build({**ALONE, **circle})
    store.deploy(deployments_of(project), START)
    take(project, store, {"customer": "c1", "type": "enter", "journey": "a"}, START)
    (cut,) = store.rejected(10)
    assert f"more than {MOST_EMITTED} events" in cut.reason
    assert '"journey":"' in cut.raw
    found = store.story("c1").enrollments
    assert {one.status for one in found} == {"completed"}
    assert MOST_EMITTED <= len(found) <= MOST_EMITTED + 2


def test_what_a_journey_asked_of_itself_is_no_request_in_a_recorded_test(build, store):
    rounds = (
        "journey: rounds\nentry: { api: { round: { type: integer } }, again: after 1 hour }\nsteps:\n  - wait: 1 day\n"
        "  - branch:\n      - if: entry.event.round < 3\n"
        "        steps: [{ enter: rounds, with: { round: entry.event.round + 1 } }]\n      - else: []\n"
    )
    project = build({**ALONE, "journeys/rounds.yaml": rounds})
    store.deploy(deployments_of(project), START)
    asks = {"customer": "c1", "type": "enter", "journey": "rounds", "properties": {"round": 1}}
    take(project, store, asks, START)
    for day in range(1, 4):
        take(project, store, None, START + day * 24 * HOUR)
    assert len(inside(store, "rounds")) == 3
    recorded = record(Trial(project, "rounds"), store.dossier("c1"), "as it was")
    assert recorded.verdict.passed
    assert [item["enter"] for item in recorded.test["timeline"] if "enter" in item] == [{"round": 1}]
