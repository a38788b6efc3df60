"""One batch: order for each customer, events that journeys cause, old events, duplicates, and steps that break."""

from contextlib import closing

import pytest

from journeyscript.runtime.advancing import progress as progress_module
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.advancing.progress import MOST_EMITTED
from journeyscript.runtime.session import deployments_of, rules_of
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite
from journeyscript.stores.taken import REMEMBERED

START = 1_772_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
AT_NIGHT = {
    "journeyscript.yaml": "name: shop\ntimezone: Europe/Berlin\n"
    'policies: { quiet_hours: { between: ["21:00", "08:00"] } }\n'
}
"""What starts is at a quarter past seven."""


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "batch.db")
    with closing(made):
        yield made


@pytest.fixture
def run(store, take_in):
    """Take rows into the store in one batch, on the wall clock unless told otherwise."""

    def taken(project, rows, *, now, virtual=False, source="test"):
        if not store.deployments()[0]:
            store.deploy(deployments_of(project), START)
        rules = rules_of(project, store, virtual=virtual)
        changes = advance(
            store,
            rules,
            incoming=take_in(project, rows, source),
            due=store.due(START + now, 100),
            now=START + now,
        )
        store.commit(changes)
        return changes

    return taken


def enrollments(store, customer, journey=None):
    found = store.story(customer).enrollments
    return [e for e in found if journey in (None, e.journey)]


def path(store, customer, journey):
    (enrollment,) = enrollments(store, customer, journey)
    return [kept.decision.state for kept in store.story(customer).decisions if kept.enrollment == enrollment.id]


def purchase(total, **more):
    return {"properties": {"total": total}, **more}


def test_an_event_that_a_journey_emits_starts_another_at_the_same_instant(usual, store, run):
    run(usual, [("c1", 0, "purchased", purchase(150))], now=5)
    (vip,), (greeting,) = enrollments(store, "c1", "vip"), enrollments(store, "c1", "vip_greeting")
    assert (vip.status, greeting.status) == ("completed", "active")
    assert vip.ended_at == greeting.entered_at == START
    assert greeting.entry.name == "became_vip"
    assert store.totals(0).events == 2, "what is emitted is an event like any other"


def test_what_a_step_sets_is_seen_by_the_send_behind_it_and_by_other_journeys(usual, store, run):
    run(usual, [("c1", 0, "signed_up"), ("c1", HOUR, "purchased", purchase(150))], now=HOUR)
    first, second, vip = (send for send in store.sends(10))
    assert [send.message for send in (first, second, vip)] == ["hello", "hello", "vip"]
    assert '"level":null' in first.data or "level" not in first.data
    assert '"level":"silver"' in second.data
    run(usual, [], now=2 * HOUR + 1_000)
    late = store.sends(10)[-1]
    assert '"level":"gold"' in late.data, "another journey has set it since"


def test_journeys_that_start_each_other_in_a_circle_are_cut_and_it_is_recorded(build, store, run, monkeypatch):
    # The compiler refuses the circle; journeys of several versions can still make one.
    monkeypatch.setattr("journeyscript.compiler.check_journeys", lambda _journeys: ())
    circle = {
        f"journeys/{name}.yaml": f"journey: {name}\nentry: {{ event: {event}, again: always }}\n"
        f"steps: [{{ emit: {other} }}]\n"
        for name, event, other in (("a", "signed_up", "closed"), ("b", "closed", "signed_up"))
    }
    files = {**circle, **dict.fromkeys(["journeys/winback.yaml", "journeys/vip.yaml", "journeys/vip_greeting.yaml"])}
    files["journeys/welcome.yaml"] = None
    project = build(files)
    run(project, [("c1", 0, "signed_up"), ("c2", 0, "purchased", purchase(1))], now=0)
    totals = store.totals(0)
    assert totals.events == MOST_EMITTED + 1 + 1
    (cut,) = store.rejected(10)
    assert f"more than {MOST_EMITTED} events" in cut.reason
    assert '"c1"' in cut.raw
    assert {e.status for e in enrollments(store, "c1")} == {"completed"}
    assert enrollments(store, "c2") == []


def test_events_of_a_customer_are_taken_in_the_order_of_time_whatever_their_place(usual, store, run):
    run(usual, [("c1", 2 * HOUR, "purchased", purchase(1)), ("c1", 0, "signed_up")], now=3 * HOUR)
    assert path(store, "c1", "welcome")[:3] == ["send.hello", "wait_for.purchased", "wait_for.purchased"]
    assert enrollments(store, "c1", "welcome")[0].reason == "bought"


def test_a_timer_that_was_due_before_an_event_fires_first_however_late(usual, store, run):
    run(usual, [("c1", 0, "signed_up")], now=0)
    run(usual, [("c1", DAY + HOUR, "purchased", purchase(1))], now=DAY + 2 * HOUR)
    assert "send.mail" in path(store, "c1", "welcome"), "the day was over when the purchase came"
    assert enrollments(store, "c1", "welcome")[0].status == "completed"


def test_an_event_at_the_very_deadline_comes_before_the_timer(usual, store, run):
    run(usual, [("c1", 0, "signed_up")], now=0)
    run(usual, [("c1", DAY, "purchased", purchase(1))], now=DAY + HOUR)
    assert enrollments(store, "c1", "welcome")[0].reason == "bought"


def test_two_events_of_one_millisecond_may_come_in_two_batches(usual, store, run):
    run(usual, [("c1", 0, "signed_up")], now=0)
    run(usual, [("c1", 0, "closed")], now=1)
    (welcome,) = enrollments(store, "c1", "welcome")
    assert (welcome.status, welcome.reason) == ("exited", "closed")
    assert path(store, "c1", "welcome") == ["send.hello", "wait_for.purchased", "wait_for.purchased"]


def test_an_old_event_changes_the_profile_and_the_history_and_starts_nothing(usual, store, run):
    run(usual, [("c1", 0, "purchased", purchase(90, attributes={"points": 3}))], now=DAY + 1)
    story = store.story("c1")
    assert story.enrollments == ()
    assert story.customer.attributes["points"] == 3
    run(usual, [("c1", DAY, "purchased", purchase(90))], now=DAY + 2)
    assert len(enrollments(store, "c1", "vip")) == 1, "the old purchase counts"


def test_an_old_event_starts_journeys_in_a_replay_and_at_the_very_limit(usual, store, run):
    run(usual, [("c1", 0, "signed_up")], now=40 * DAY, virtual=True)
    run(usual, [("c2", 39 * DAY, "signed_up")], now=40 * DAY)
    assert [len(enrollments(store, name, "welcome")) for name in ("c1", "c2")] == [1, 1]


def test_an_event_from_the_future_happens_now(usual, store, run):
    run(usual, [("c1", 5 * DAY, "signed_up")], now=HOUR)
    assert enrollments(store, "c1", "welcome")[0].entered_at == START + HOUR


def test_an_id_counts_once_for_ever_and_for_each_source(usual, store, run):
    bought = ("c1", 0, "purchased", purchase(1, id="e1"))
    run(usual, [bought, bought], now=0)
    assert store.totals(0).events == 1
    run(usual, [bought, ("c1", HOUR, "purchased", purchase(1, id="e1"))], now=30 * DAY)
    assert store.totals(0).events == 1
    run(usual, [bought], now=30 * DAY, source="another")
    assert store.totals(0).events == 2
    run(usual, [("c1", 0, "purchased", purchase(1))] * 2, now=30 * DAY)
    assert store.totals(0).events == 4, "without an id nothing says that they are the same"


def test_two_journeys_of_one_customer_move_on_the_same_event(usual, store, run):
    run(usual, [("c1", 0, "signed_up"), ("c1", HOUR, "purchased", purchase(1))], now=HOUR)
    run(usual, [("c1", 2 * HOUR, "purchased", purchase(1))], now=2 * HOUR)
    assert [e.reason for e in enrollments(store, "c1", "welcome")] == ["bought"]
    assert [e.status for e in enrollments(store, "c1", "winback")] == ["exited", "active"]


def test_consent_and_attributes_are_applied_before_the_event_is_looked_at(usual, store, run):
    given = {"consent": {"email": True}, "attributes": {"email": "ada@example.com"}}
    run(usual, [("c1", 0, "signed_up", given)], now=0)
    run(usual, [("c1", HOUR, None, {"consent": {"email": False}})], now=HOUR)
    run(usual, [], now=DAY + 5 * MINUTE)  # the grace of a wait
    mail = store.sends(10)[-1]
    assert (mail.message, mail.status, mail.reason) == ("mail", "skipped", "no_consent")


def test_a_message_that_was_held_is_cancelled_where_a_step_raises(build, store, run, monkeypatch):
    project = build(AT_NIGHT)
    run(project, [("c1", 0, "signed_up")], now=0)
    assert enrollments(store, "c1", "welcome")[0].held.reason == "quiet_hours"

    def breaks(*arguments):
        raise RuntimeError("a mistake in the program")

    monkeypatch.setattr(progress_module, "step", breaks)
    run(project, [], now=2 * HOUR)
    assert [(e.status, e.reason, e.held) for e in enrollments(store, "c1")] == [("failed", "internal_error", None)]
    (send,) = store.story("c1").sends
    assert (send.message, send.status, send.reason) == ("hello", "skipped", "cancelled")
    assert send.settled_at == START + 2 * HOUR


@pytest.mark.parametrize("broken", ["step", "enroll", "admit"])
def test_a_step_that_raises_fails_one_enrollment_and_nobody_else(usual, store, run, monkeypatch, caplog, broken):
    real = getattr(progress_module, broken)

    def breaks(*arguments, **named):
        facts = named.get("facts") or next(a for a in arguments if hasattr(a, "external_id"))
        journey = arguments[0].machine.journey
        if facts.external_id == "c1" and journey == "welcome":
            raise RuntimeError("a mistake in the program")
        return real(*arguments, **named)

    monkeypatch.setattr(progress_module, broken, breaks)
    rows = [(name, 0, "signed_up") for name in ("c1", "c2")]
    rows += [(name, HOUR, "purchased", purchase(5)) for name in ("c1", "c2")]
    run(usual, rows, now=HOUR)
    assert [e.reason for e in enrollments(store, "c2", "welcome")] == ["bought"]
    assert [e.status for e in enrollments(store, "c1", "winback")] == ["active"]
    failed = enrollments(store, "c1", "welcome")
    if broken == "admit":
        assert failed == []
        assert "the entry of `welcome` failed" in store.rejected(1)[0].reason
    else:
        assert [(e.status, e.reason, e.due_at) for e in failed] == [("failed", "internal_error", None)]
    assert "a mistake in the program" in caplog.text
    caplog.clear()
    monkeypatch.undo()
    run(usual, [("c1", 2 * HOUR, "closed")], now=2 * HOUR)
    counts = {(c.journey, c.status): c.count for c in store.journey_counts()}
    assert counts.get(("welcome", "failed"), 0) == (broken != "admit")


def test_journeys_that_were_taken_away_let_nobody_in_and_finish_those_inside(build, store, run, take_in):
    before = build()
    run(before, [("c1", 0, "signed_up")], now=0)
    after = build({"journeys/welcome.yaml": None})
    store.deploy(deployments_of(after), START + 1)
    run(after, [("c1", HOUR, "purchased", purchase(1)), ("c2", HOUR, "signed_up")], now=HOUR)
    assert enrollments(store, "c1", "welcome")[0].reason == "bought"
    assert enrollments(store, "c2") == []


WAITING = {
    "journeys/waiting.yaml": """
journey: waiting
entry: { event: signed_up, again: never }
exit:
  - when: (customer.level ?? "none") == "gold"
steps:
  - wait_until:
      when: (customer.level ?? "none") == "silver"
      timeout: 5 days
  - send: hello
  - wait: 5 days
""",
}


def test_a_changed_profile_is_seen_by_those_who_wait_for_it_without_any_event(build, store, run):
    project = build(WAITING)
    run(project, [("c1", 0, "signed_up"), ("c2", 0, "signed_up")], now=0)
    run(project, [("c1", HOUR, None, {"attributes": {"level": "silver"}})], now=HOUR)
    assert path(store, "c1", "waiting") == ["wait_until", "send.hello", "wait"]
    assert path(store, "c2", "waiting") == ["wait_until"], "nobody else moves"


def test_a_changed_profile_lets_those_go_whose_exit_condition_holds(build, store, run):
    project = build(WAITING)
    run(project, [("c1", 0, "signed_up")], now=0)
    run(project, [("c1", HOUR, None, {"attributes": {"level": "gold"}})], now=HOUR)
    (enrollment,) = enrollments(store, "c1", "waiting")
    assert (enrollment.status, enrollment.reason, enrollment.ended_at) == ("exited", "condition 1", START + HOUR)


def test_a_changed_profile_from_before_entry_changes_nothing(build, store, run):
    project = build(WAITING)
    run(project, [("c1", HOUR, "signed_up")], now=HOUR)
    run(project, [("c1", 0, None, {"attributes": {"level": "gold"}})], now=HOUR)
    (enrollment,) = enrollments(store, "c1", "waiting")
    assert enrollment.status == "active", "what is older than the enrollment is looked at with its next input"


@pytest.mark.parametrize("apart", [False, True])
def test_the_id_of_a_record_that_only_changes_a_profile_hides_no_event_in_one_batch_or_two(usual, store, run, apart):
    rows = [("c1", 0, None, {"attributes": {"level": "gold"}, "id": "7"}), ("c1", 1, "signed_up", {"id": "7"})]
    for part in [[row] for row in rows] if apart else [rows]:
        run(usual, part, now=HOUR)
    assert [one.journey for one in enrollments(store, "c1")] == ["welcome"]
    assert store.totals(0).events == 1


def level(store):
    return store.story("c1").customer.attributes["level"]


def change(level, number, at=0, **more):
    return ("c1", at, None, {"attributes": {"level": level}, "id": str(number), **more})


def test_an_older_change_of_a_profile_that_is_told_again_does_not_undo_a_newer_one(usual, store, run):
    run(usual, [change("bronze", 1)], now=0)
    run(usual, [change("silver", 2, MINUTE)], now=MINUTE)
    run(usual, [change("bronze", 1)], now=2 * MINUTE)
    run(usual, [change("bronze", 1, 3 * MINUTE)], now=3 * MINUTE)
    assert level(store) == "silver"
    run(usual, [change("bronze", 1, 4 * MINUTE)], now=4 * MINUTE, source="another")
    assert level(store) == "bronze", "another source counts by itself"


def test_a_change_of_a_profile_without_an_id_is_taken_in_whenever_it_is_told(usual, store, run):
    for told in ("bronze", "silver", "bronze"):
        run(usual, [("c1", 0, None, {"attributes": {"level": told}})], now=0)
    assert level(store) == "bronze"
    assert store.story("c1").customer.taken == ()


def test_a_change_that_is_told_twice_in_one_batch_counts_when_it_was_told_first(usual, store, run):
    run(usual, [change("bronze", 1), change("silver", 2, MINUTE), change("bronze", 1, 2 * MINUTE)], now=HOUR)
    assert level(store) == "silver"


def test_consent_that_is_told_again_does_not_undo_a_later_no(usual, store, run):
    for number, given in ((1, True), (2, False), (1, True)):
        run(usual, [("c1", 0, None, {"consent": {"email": given}, "id": str(number)})], now=0)
    assert store.story("c1").customer.consent == {"email": False}


def test_a_change_is_known_again_behind_as_many_newer_ones_as_are_remembered(usual, store, run):
    for number in range(REMEMBERED):
        run(usual, [change(f"level {number}", number)], now=number)
    run(usual, [change("level 0", 0)], now=HOUR)
    assert level(store) == f"level {REMEMBERED - 1}"
    run(usual, [change("newest", "newest")], now=HOUR)
    assert len(store.story("c1").customer.taken) == REMEMBERED, "what is kept of one customer stays small"
    run(usual, [change("level 0", 0)], now=HOUR)
    assert level(store) == "level 0", "more of them are not remembered"


def test_a_change_that_is_told_again_lets_nobody_go_who_waits_for_it(build, store, run):
    project = build(WAITING)
    run(project, [change("silver", 1), change("bronze", 2, MINUTE), ("c1", HOUR, "signed_up")], now=HOUR)
    run(project, [change("silver", 1, 2 * HOUR)], now=2 * HOUR)
    assert path(store, "c1", "waiting") == ["wait_until"]


def test_the_ids_of_changes_that_were_taken_in_survive_a_merge_whoever_is_told_again(usual, store, run):
    run(usual, [("c1", 0, None, {"attributes": {"level": "bronze"}, "id": "1"})], now=0)
    run(usual, [("c2", 0, None, {"attributes": {"points": 1}, "id": "2"})], now=0)
    run(usual, [("c1", 1, None, {"attributes": {"level": "silver"}, "id": "3"})], now=1)
    run(usual, [("c2", 1, None, {"attributes": {"points": 2}, "id": "4"})], now=1)
    store.merge("c2", "c1", START + HOUR)
    run(usual, [change("bronze", 1), ("c1", 0, None, {"attributes": {"points": 1}, "id": "2"})], now=2 * HOUR)
    assert store.story("c1").customer.attributes == {"level": "silver", "points": 2}
