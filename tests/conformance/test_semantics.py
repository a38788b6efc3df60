"""What the runtime does on the wall clock, on every store: what no example of `docs/semantics.md` can show."""

import pickle
from contextlib import closing
from itertools import pairwise

import pytest

from journeyscript.channels.outgoing import Deferred, Refused, Sent
from journeyscript.cli.init import scaffold
from journeyscript.runtime.advancing.batch import advance
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite
from tests.answering import Answering
from tests.worlds import DAY, GRACE, HOUR, MINUTE, NOON, WELCOME, World, outbox, purchased, signed_up


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    with closing(MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "store.db")) as made:
        yield made


@pytest.fixture
def folder(tmp_path):
    """Return where a project is written to."""
    made = tmp_path / "project"
    made.mkdir()
    return made


@pytest.fixture
def world(folder, store):
    return World(folder, {"welcome": WELCOME}, store)


def test_an_old_event_is_history_and_starts_nothing(folder, store):
    world = World(folder, {"welcome": WELCOME.replace("signed_up,", "signed_up, where: did(purchased),")}, store)
    world.at(NOON, purchased(NOON - 9 * DAY), signed_up(NOON - DAY - 1))
    assert world.enrollments == ()
    assert world.store.story("ada").customer.attributes["email"] == "ada@example.com"
    world.at(NOON, signed_up(NOON - DAY))
    assert world.messages == [("welcome", NOON - DAY)]


def test_an_event_of_the_future_happened_when_it_came(world):
    world.at(NOON, signed_up(NOON + 9 * DAY))
    (enrollment,) = world.enrollments
    assert enrollment.entered_at == NOON


def test_what_cannot_be_taken_in_is_kept_and_holds_up_nobody(world):
    world.at(NOON, {"customer": "ada", "event": "signed_in"}, signed_up(NOON))
    (rejected,) = world.store.rejected(10)
    assert rejected.reason == "there is no event `signed_in`; did you mean `signed_up`?"
    assert len(world.enrollments) == 1


def test_an_event_behind_a_fired_timer_rewinds_nothing(world):
    world.at(NOON, signed_up(NOON))
    world.at(NOON + DAY + 5 * MINUTE)
    world.at(NOON + DAY + 6 * MINUTE, purchased(NOON + DAY - 1))
    late = [
        kept.decision.values for kept in world.store.story("ada").decisions if kept.decision.rule == "late purchased"
    ]
    assert late == [(("seconds", 5 * 60),)]
    world.at(NOON + 2 * DAY)
    (enrollment,) = world.enrollments
    assert (enrollment.status, [name for name, _ in world.messages]) == ("completed", ["welcome", "reminder"])


def test_an_event_on_its_way_at_the_deadline_takes_its_path(world):
    world.at(NOON, signed_up(NOON), signed_up(NOON, customer="bo"))
    world.at(NOON + DAY + MINUTE)  # Nothing is due yet.
    world.at(NOON + DAY + 4 * MINUTE, purchased(NOON + DAY), {**purchased(NOON + DAY + 1), "customer": "bo"})
    (ada,), (bo,) = world.enrollments, world.store.story("bo").enrollments
    assert (ada.status, ada.reason) == ("exited", "converted")
    assert (bo.status, bo.state) == ("active", "wait_for.purchased"), "an event behind the deadline is too late"
    world.at(NOON + DAY + 5 * MINUTE)
    assert world.store.story("bo").enrollments[0].state == "wait"


def test_an_event_before_the_deadline_wins_over_the_timer_of_the_same_batch(world):
    world.at(NOON, signed_up(NOON))
    world.at(NOON + DAY + HOUR, purchased(NOON + DAY))
    (enrollment,) = world.enrollments
    assert (enrollment.status, enrollment.reason) == ("exited", "converted")


def test_a_timer_missed_by_a_standstill_fires_late_and_says_so(world):
    world.at(NOON, signed_up(NOON))
    started = NOON + 3 * DAY
    world.at(started)
    (enrollment,) = world.enrollments
    assert (enrollment.state, enrollment.due_at) == ("wait", started + HOUR)
    assert world.store.story("ada").decisions[-1].decision.values == (("late_seconds", 2 * 86_400 - GRACE // 1_000),)


def test_whoever_is_inside_stays_in_the_version_they_entered(folder, store):
    first = World(folder, {"welcome": WELCOME}, store)
    first.at(NOON, signed_up(NOON))
    second = World(folder, {"welcome": WELCOME.replace("timeout: 1 day", "timeout: 9 days")}, store)
    second.at(NOON + HOUR, signed_up(NOON + HOUR, customer="bo"))
    (ada,), (bo,) = second.enrollments, second.store.story("bo").enrollments
    assert ada.version != bo.version
    second.at(NOON + DAY + GRACE)
    second.at(NOON + DAY + GRACE + HOUR)
    (ada,), (bo,) = second.enrollments, second.store.story("bo").enrollments
    assert (ada.status, bo.state) == ("completed", "wait_for.purchased")


def test_comments_and_formatting_change_no_version(tmp_path):
    written = (
        "# why\njourney: welcome\nentry:\n  event: signed_up # a comment\n  again: 'never'\n"
        + WELCOME.split("never }\n")[1]
    )
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = (World(tmp_path / n, {"welcome": text}, MemoryStore()) for n, text in (("a", WELCOME), ("b", written)))
    assert one.store.deployments()[1] == other.store.deployments()[1]


CIRCLE = """
journey: circle
entry: { event: account_closed, again: always }
steps:
  - emit: account_closed
"""


def test_journeys_that_start_each_other_are_cut_off(folder, store, monkeypatch):
    # The compiler refuses the circle; journeys of several versions can still make one.
    monkeypatch.setattr("journeyscript.compiler.check_journeys", lambda _journeys: ())
    world = World(folder, {"circle": CIRCLE}, store)
    world.at(NOON, {"customer": "ada", "event": "account_closed", "time": NOON}, purchased(NOON))
    (cut,) = world.store.rejected(10)
    assert "journeys start each other" in cut.reason
    assert len(world.enrollments) == 101
    assert world.store.totals(NOON).events == 102


# Messages on their way ---------------------------------------------------------------------------------------------


def test_a_message_put_off_is_tried_again_later_each_time_and_then_given_up(world):
    world.at(NOON, signed_up(NOON))
    channel = Answering(*[Deferred(detail="later")] * 6)
    attempts = []
    with outbox(world, channel) as opened:
        while (moment := world.store.next_available()) is not None:
            attempts.append(moment)
            assert opened.deliver(moment) == 1
    waits = [later - sooner for sooner, later in pairwise(attempts)]
    for minutes, wait in zip([1, 2, 4, 8, 16], waits, strict=True):
        assert minutes * MINUTE <= wait <= minutes * MINUTE * 5 // 4
    assert len({outgoing.key for outgoing in channel.given}) == 1
    (send,) = world.store.story("ada").sends
    assert (send.status, send.reason, send.attempts) == ("failed", "gave_up", 6)


@pytest.mark.parametrize(("on_unknown", "status"), [("assume_sent", "sent"), ("retry", "pending")])
def test_what_was_being_sent_when_the_process_ended_is_settled_as_the_channel_says(world, on_unknown, status):
    world.at(NOON, signed_up(NOON))
    world.store.claim(NOON, 10)
    with outbox(world, Answering(), on_unknown=on_unknown) as opened:
        assert opened.recover(NOON + HOUR) == 1
    (send,) = world.store.story("ada").sends
    assert send.status == status


def test_a_message_too_old_after_a_standstill_is_skipped(world):
    world.at(NOON, signed_up(NOON))
    world.at(NOON + DAY + GRACE)
    world.at(NOON + 3 * DAY)
    (enrollment,) = world.enrollments
    skipped = world.store.story("ada").sends[-1]
    assert (enrollment.status, skipped.message, skipped.status, skipped.reason) == (
        "completed", "reminder", "skipped", "stale",
    )  # fmt: skip


def test_a_message_too_old_in_the_outbox_is_skipped(world):
    world.at(NOON, signed_up(NOON))
    channel = Answering()
    with outbox(world, channel) as opened:
        assert opened.deliver(NOON + DAY + 1) == 1
    (send,) = world.store.story("ada").sends
    assert (send.status, send.reason, channel.given) == ("skipped", "stale", [])


def test_a_message_says_what_was_true_when_it_was_decided(folder, store):
    world = World(folder, {"welcome": WELCOME}, store)
    attributes = {"email": "ada@example.com", "first_name": "Ada", "locale": "de-AT"}
    world.at(NOON, signed_up(NOON, attributes=attributes))
    letter = "channels/email/welcome.md"
    rewritten = scaffold("example")[letter].replace("Hello", "Changed")
    later = World(folder, {"welcome": WELCOME}, store, {letter: rewritten})
    assert world.store.deployments()[1] != frozenset(world.store.deployments()[0])
    changed = {"first_name": "Changed", "email": "changed@example.com"}
    later.at(NOON + 1, {"customer": "ada", "time": NOON + 1, "attributes": changed})
    channel = Answering(Sent())
    with outbox(later, channel) as opened:
        opened.deliver(NOON + HOUR)
    (outgoing,) = channel.given
    assert outgoing.address == "ada@example.com"
    assert "Hello Ada" in outgoing.rendered.text


NIGHTS = 'policies: { quiet_hours: { between: ["21:00", "08:00"] }, release_over: 1 second }\n'


def test_a_message_held_over_night_says_what_the_version_says_that_the_customer_entered(folder, store):
    quiet = {"journeyscript.yaml": scaffold("example")["journeyscript.yaml"] + NIGHTS}
    night, morning = NOON + 10 * HOUR, NOON + 20 * HOUR
    world = World(folder, {"welcome": WELCOME}, store, quiet)
    world.at(night, signed_up(night))
    assert world.messages == []
    letter = "channels/email/welcome.md"
    rewritten = scaffold("example")[letter].replace("Hello", "Changed")
    later = World(folder, {"welcome": WELCOME}, store, {**quiet, letter: rewritten})
    later.at(morning - 1, {"customer": "ada", "attributes": {"first_name": "Ada"}})
    later.at(morning + MINUTE, signed_up(morning, customer="bo"))
    channel = Answering(Sent(), Sent())
    with outbox(later, channel) as opened:
        opened.deliver(morning + MINUTE)
    texts = {outgoing.customer: outgoing.rendered.text for outgoing in channel.given}
    assert "Hello Ada" in texts["ada"], "the text is that of the version, the name is that of the release"
    assert "Changed" in texts["bo"]


def test_overdue_timers_fire_in_the_order_in_which_they_were_due(world):
    for number, name in enumerate(("cy", "ada", "bo")):
        world.at(NOON + number * HOUR, signed_up(NOON + number * HOUR, customer=name))
    now, order = NOON + 9 * DAY, []
    while due := world.store.due(now, 1):
        before = {name: world.store.story(name).enrollments[0].state for name in ("ada", "bo", "cy")}
        world.store.commit(advance(world.store, world.rules, due=due, now=now))
        after = {name: world.store.story(name).enrollments[0].state for name in before}
        order += [name for name in before if before[name] != after[name]]
    assert order == ["cy", "ada", "bo"]


SHORT = """
journey: short
exclusive_group: offers
entry: { event: signed_up, again: never }
steps: [{ wait: 1 hour }]
"""
OTHER = """
journey: other
entry: { event: signed_up, again: never }
steps: [{ wait: 30 minutes }]
"""
QUIET = """
journey: quiet
exclusive_group: offers
entry: { segment: silent, again: never }
steps: [{ wait: 1 day }]
"""


def test_a_segment_that_time_changes_is_looked_at_in_its_turn_among_overdue_timers(folder, store):
    segments = "segments:\n  silent: { when: hours_since(last(signed_up).at) >= 2 }\n"
    world = World(folder, {"short": SHORT, "other": OTHER, "quiet": QUIET}, store, {"catalog/segments.yaml": segments})
    world.at(NOON, signed_up(NOON))
    # `other` is over first, then `short`, and only then is anybody silent: there is room in the group.
    world.at(NOON + DAY)
    assert {one.journey: one.status for one in world.enrollments} == {
        "short": "completed",
        "other": "completed",
        "quiet": "active",
    }


def test_a_branch_records_the_values_that_decided_it(folder, store):
    world = World(folder, {"choosing": CHOOSING}, store)
    world.at(NOON, signed_up(NOON, attributes={"country": "DE"}))
    world.at(NOON, signed_up(NOON, customer="bo", attributes={"country": "AT"}))
    ada, bo = ([kept.decision for kept in store.story(name).decisions][-1] for name in ("ada", "bo"))
    assert (ada.rule, dict(ada.values)) == ("if 1", {"customer.country": "DE"})
    assert (bo.rule, dict(bo.values)) == ("if 2", {"count(purchased)": 0})


CHOOSING = """
journey: choosing
entry: { event: signed_up, again: never }
steps:
  - branch:
      - if: has customer.country and customer.country == "DE"
        steps: [{ exit: german }]
      - if: count(purchased) == 0
        steps: [{ exit: new }]
      - else: []
"""


def test_a_goal_is_noted_once_the_first_time(folder, store):
    measured = WELCOME.replace("steps:", "goal: { event: account_closed, exit: false }\nsteps:")
    world = World(folder, {"welcome": measured}, store)
    world.at(NOON, signed_up(NOON))
    for at in (NOON + HOUR, NOON + 2 * HOUR):
        world.at(at, {"customer": "ada", "event": "account_closed", "time": at})
    (enrollment,) = world.enrollments
    assert (enrollment.status, enrollment.goal_at) == ("active", NOON + HOUR)
    assert [kept.decision.rule for kept in store.story("ada").decisions].count("goal") == 1


def test_a_send_is_written_before_any_channel_is_called_and_there_is_one_for_a_visit(world):
    world.at(NOON, signed_up(NOON))
    (send,) = world.store.story("ada").sends
    (enrollment,) = world.enrollments
    assert (send.status, send.attempts) == ("pending", 0)
    assert send.key == f"welcome/{enrollment.id}/send.welcome/{send.visit}"
    world.at(NOON, signed_up(NOON, id="again"))
    assert [one.key for one in world.store.story("ada").sends] == [send.key]


@pytest.mark.parametrize(
    "answer", [Sent(provider_id="p1"), Refused(detail="no", suppress=True)], ids=["sent", "failed"]
)
def test_what_a_message_came_to_is_final(world, answer):
    world.at(NOON, signed_up(NOON))
    channel = Answering(answer)
    with outbox(world, channel) as opened:
        opened.deliver(NOON)
        (first,) = world.store.story("ada").sends
        for moment in (NOON + MINUTE, NOON + DAY):
            opened.recover(moment)
            assert opened.deliver(moment) == 0
    assert world.store.story("ada").sends == (first,)
    assert first.status == ("sent" if answer == Sent(provider_id="p1") else "failed")


def test_case_20_an_address_that_bounced_for_good_is_suppressed_for_every_journey(folder, store):
    other = "journey: other\nentry: { event: purchased, again: never }\nsteps: [{ send: thanks, class: marketing }]\n"
    world = World(folder, {"welcome": WELCOME, "other": other}, store)
    world.at(NOON, signed_up(NOON))
    channel = Answering(Refused(detail="550 no such user", suppress=True))
    with outbox(world, channel) as opened:
        opened.deliver(NOON)
        world.at(NOON + HOUR, purchased(NOON + HOUR))
        opened.deliver(NOON + HOUR)
    outcomes = {send.message: (send.status, send.reason) for send in store.story("ada").sends}
    assert outcomes == {"welcome": ("failed", "permanent"), "thanks": ("skipped", "suppressed")}
    assert len(channel.given) == 1
    another = {"customer": "ada", "time": NOON + 2 * HOUR, "attributes": {"email": "new@example.com"}}
    world.at(NOON + 2 * HOUR, another)
    again = other.replace("other", "again").replace("purchased, again: never", "purchased, again: always")
    later = World(folder, {"welcome": WELCOME, "again": again}, store)
    later.at(NOON + 3 * HOUR, purchased(NOON + 3 * HOUR))
    assert [send.status for send in store.story("ada").sends if send.message == "thanks"] == ["skipped", "pending"]


# Who somebody is ---------------------------------------------------------------------------------------------------

LATER = """
journey: welcome
entry: { event: signed_up, again: always }
steps:
  - wait: 1 day
  - send: welcome
    via: email
"""


def test_case_30_who_becomes_known_inside_the_same_journey_has_one_enrollment_and_hears_nothing_twice(folder, store):
    world = World(folder, {"welcome": LATER}, store)
    world.at(NOON, signed_up(NOON, customer="visitor", attributes={}, consent={}))
    world.at(NOON + HOUR, signed_up(NOON + HOUR))
    world.at(NOON + 2 * HOUR, {"type": "merge", "customer": "ada", "previous": "visitor"})
    assert [(one.status, one.reason) for one in world.enrollments] == [("active", None), ("exited", "merged")]
    world.at(NOON + 3 * HOUR, {**purchased(NOON + 3 * HOUR), "customer": "visitor"})
    for moment in (DAY, DAY + HOUR, 9 * DAY):
        world.at(NOON + moment)
    assert world.messages == [("welcome", NOON + DAY)], "at the time of the older one, and once"
    assert [one.event.name for one in store.dossier("ada").events] == ["signed_up", "signed_up", "purchased"]
    assert store.totals(NOON).customers == 1
    assert counts_of(store) == {("completed", None): 1, ("exited", "merged"): 1}


def test_case_31_who_is_forgotten_while_waiting_leaves_counts_and_nothing_else(folder, store, tmp_path):
    world = World(folder, {"welcome": LATER}, store)
    written = {"email": "grace@example.com", "first_name": "Grace-Brewster", "phone": "+4915755555555"}
    world.at(NOON, signed_up(NOON, customer="hopper-1906", id="hopper-order", attributes=written))
    world.at(NOON, signed_up(NOON))
    world.at(NOON + 1, {"customer": "hopper-1906", "event": "singed_up"})
    world.at(NOON + HOUR, {"type": "erase", "customer": "hopper-1906"})
    assert store.story("hopper-1906") is None
    assert store.due(NOON + 9 * DAY, 10) == [store.story("ada").customer.number], "the timer is gone with them"
    assert counts_of(store) == {("active", None): 1, ("exited", "deleted"): 1}
    world.at(NOON + 2 * DAY)
    assert counts_of(store) == {("completed", None): 1, ("exited", "deleted"): 1}
    kept = everything_in(store, tmp_path)
    assert b"ada@example.com" in kept
    for trace in ("hopper-1906", "hopper-order", "grace@example.com", "Grace-Brewster", "+4915755555555"):
        assert trace.encode() not in kept


def counts_of(store):
    return {(one.status, one.reason): one.count for one in store.journey_counts()}


def everything_in(store, folder):
    """Return all that a store holds: the bytes of its files, or of what it has in memory."""
    if isinstance(store, MemoryStore):
        return pickle.dumps(store)
    return b"".join(path.read_bytes() for path in sorted(folder.glob("store.db*")))
