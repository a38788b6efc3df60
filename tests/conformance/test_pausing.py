"""A journey that an operator pauses, resumes and stops: what becomes of those inside, on every store."""

import pytest

from journeyscript.compiler import compile_project
from journeyscript.engine.values import Event
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.intake.records import Incoming
from journeyscript.runtime.operating.orders import Pause, Resume, Stop, carry_out
from journeyscript.runtime.session import deployments_of, rules_of
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite

START = 1_772_000_000_000
HOUR, DAY = 3_600_000, 86_400_000
FILES = {
    "journeyscript.yaml": "name: shop\ntimezone: Europe/Berlin\npolicies: { max_age: 4 hours, grace: 1 second }\n",
    "catalog/customer.yaml": "attributes:\n  email: { type: string, optional: true }\n",
    "catalog/events.yaml": "events:\n  signed_up: {}\n  bought: {}\n  left: {}\n  answered: {}\n",
    "channels/note/channel.yaml": "adapter: file\nmedium: text\nconsent: none\n",
    "channels/note/hello.txt": "Hello",
    "channels/note/thanks.txt": "Thanks",
    "channels/note/again.txt": "Hello again",
    "journeys/welcome.yaml": """
journey: welcome
entry: { event: signed_up, again: never }
goal: { event: bought, exit: true }
exit: [{ event: left }]
steps:
  - wait_for: answered
    timeout: 1 day
    then: [{ send: thanks }]
    else: [{ send: hello }]
  - wait: 2 hours
  - send: again
""",
    "journeys/other.yaml": """
journey: other
entry: { event: signed_up, again: never }
steps:
  - wait: 1 day
  - send: hello
""",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("pausing")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    compiled = compile_project(root)
    assert compiled.sound, compiled.diagnostics
    return compiled


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "store.db")
    yield made
    made.close()


class Shop:
    """A store on the wall clock, which a test moves."""

    def __init__(self, project, store):
        self.store, self.now = store, START
        store.deploy(deployments_of(project), START)
        self.rules = rules_of(project, store, virtual=False)

    def until(self, moment):
        """Let the clock come to a moment behind the start, and the timers fire that are due by then."""
        self.now = START + moment
        while due := self.store.due(self.now, 100):
            self.store.commit(advance(self.store, self.rules, due=due, now=self.now))
        return self

    def happen(self, name, customer="ada", at=None):
        at = self.now if at is None else START + at
        record = Incoming(
            customer=customer,
            at=at,
            event=Event(name=name, at=at),
            attributes={},
            consent={},
            source="live",
            source_id=None,
            position="",
        )
        self.store.commit(advance(self.store, self.rules, incoming=[record], now=self.now))
        return self

    def order(self, order):
        answer = carry_out(self.store, order, self.now)
        assert answer.kind == "done", answer
        return answer.said

    def pause(self):
        return self.order(Pause(journey="welcome"))

    def resume(self, overdue):
        self.order(Resume(journey="welcome", overdue=overdue))
        return self.until(self.now - START + 1_000)

    def inside(self, customer="ada", journey="welcome"):
        (found,) = [one for one in self.store.story(customer).enrollments if one.journey == journey]
        return found

    def sends(self, customer="ada", journey="welcome"):
        found = [send for send in self.store.story(customer).sends if send.journey == journey]
        return [(send.message, send.status, send.reason, send.created_at - START) for send in found]


@pytest.fixture
def shop(project, store):
    return Shop(project, store)


def test_a_paused_journey_lets_nobody_in_and_fires_nothing_while_others_go_on(shop):
    shop.happen("signed_up").until(HOUR)
    assert shop.pause() == "`welcome` is paused: 1 enrollment inside stand still"
    shop.happen("signed_up", "bo").until(DAY + HOUR)
    assert shop.inside().state == "wait_for.answered"
    assert shop.sends() == []
    (refused,) = shop.store.story("bo").refusals
    assert (refused.journey, refused.reason) == ("welcome", "paused")
    assert shop.sends(journey="other") == [("hello", "pending", None, DAY + HOUR)]


@pytest.mark.parametrize(("event", "reason"), [("left", "left"), ("bought", "goal")])
def test_exits_and_goals_count_during_a_pause(shop, event, reason):
    shop.happen("signed_up")
    shop.pause()
    shop.until(HOUR).happen(event)
    assert (shop.inside().status, shop.inside().reason) == ("exited", reason)


def test_an_awaited_event_takes_its_path_as_far_as_the_next_message_which_waits(shop):
    shop.happen("signed_up")
    shop.pause()
    shop.until(HOUR).happen("answered")
    assert (shop.inside().state, shop.inside().held.reason) == ("send.thanks", "paused")
    assert shop.sends() == []
    shop.until(3 * HOUR).resume("fire")
    assert shop.sends() == [("thanks", "pending", None, 3 * HOUR + 1_000)]
    shop.until(6 * HOUR)
    assert [message for message, *_ in shop.sends()] == ["thanks", "again"]


def test_whoever_leaves_while_a_message_waits_for_the_resumption_is_not_written_to(shop):
    shop.happen("signed_up")
    shop.pause()
    shop.until(HOUR).happen("answered").until(2 * HOUR).happen("left")
    assert shop.sends() == [("thanks", "skipped", "cancelled", 2 * HOUR)]
    shop.resume("fire")
    assert len(shop.sends()) == 1


def test_fire_sends_what_became_due_meanwhile_now(shop):
    shop.happen("signed_up").until(DAY - HOUR)
    shop.pause()
    shop.until(DAY + 3 * HOUR).resume("fire")
    assert shop.sends() == [("hello", "pending", None, DAY + 3 * HOUR + 1_000)]


def test_fire_skips_messages_that_are_older_than_their_max_age(shop):
    shop.happen("signed_up").until(HOUR)
    shop.pause()
    shop.until(5 * DAY).resume("fire")
    assert [one[:3] for one in shop.sends()] == [("hello", "skipped", "stale")]
    shop.until(5 * DAY + 3 * HOUR)
    assert [one[:3] for one in shop.sends()][1:] == [("again", "pending", None)], "a wait keeps its length"


def test_recompute_moves_every_wait_by_the_length_of_the_pause(shop):
    shop.happen("signed_up").until(HOUR)
    shop.pause()
    shop.until(5 * DAY).resume("recompute")
    left = 23 * HOUR
    assert shop.until(5 * DAY + left - 1_000).sends() == []
    assert shop.until(5 * DAY + left + HOUR).sends()[0][:3] == ("hello", "pending", None)


def test_recompute_lets_a_held_message_get_no_older(shop):
    shop.happen("signed_up")
    shop.pause()
    shop.until(HOUR).happen("answered").until(9 * DAY).resume("recompute")
    assert [one[:3] for one in shop.sends()] == [("thanks", "pending", None)]


def test_an_event_that_comes_after_a_recomputed_resumption_is_in_time(shop):
    shop.happen("signed_up").until(HOUR)
    shop.pause()
    shop.until(5 * DAY).resume("recompute").until(5 * DAY + HOUR).happen("answered")
    assert [one[0] for one in shop.sends()] == ["thanks"]


def test_skip_stale_goes_on_without_the_message_that_was_due(shop):
    shop.happen("signed_up").until(DAY - HOUR)
    shop.pause()
    shop.until(DAY + HOUR).resume("skip_stale")
    assert [one[:3] for one in shop.sends()] == [("hello", "skipped", "stale")], "young enough, but from the pause"
    shop.until(DAY + 4 * HOUR)
    assert [one[:3] for one in shop.sends()][1:] == [("again", "pending", None)]


def test_skip_stale_skips_the_message_that_was_held(shop):
    shop.happen("signed_up")
    shop.pause()
    shop.until(HOUR).happen("answered").until(2 * HOUR).resume("skip_stale")
    assert [one[:3] for one in shop.sends()] == [("thanks", "skipped", "stale")]


def test_a_message_that_was_on_its_way_stays_until_the_resumption(shop):
    shop.happen("signed_up").happen("answered")
    shop.pause()
    assert shop.store.claim(shop.now + HOUR, 10) == []
    shop.resume("fire")
    assert [send.message for send in shop.store.claim(shop.now, 10)] == ["thanks"]


def test_a_journey_that_was_stopped_to_drain_lets_those_inside_go_on(shop):
    shop.happen("signed_up")
    assert shop.order(Stop(journey="welcome", leave=False)) == (
        "`welcome` lets nobody in any more; 1 enrollment inside go on"
    )
    shop.happen("signed_up", "bo").until(DAY + 1_000)
    assert [one.reason for one in shop.store.story("bo").refusals] == ["stopped"]
    assert [one[0] for one in shop.sends()] == ["hello"]
    shop.order(Resume(journey="welcome", overdue=None))
    shop.happen("signed_up", "bo")
    assert shop.inside("bo").status == "active"


def test_a_journey_that_was_stopped_to_exit_lets_go_of_everybody(shop, monkeypatch):
    monkeypatch.setattr("journeyscript.runtime.operating.orders.AT_ONCE", 2)
    names = [f"c{number}" for number in range(5)]
    for name in names:
        shop.happen("signed_up", name)
    shop.pause()
    shop.happen("answered", "c0")
    said = shop.order(Stop(journey="welcome", leave=True))
    assert said == "`welcome` lets nobody in any more; 5 enrollments ended as exited (stopped)"
    assert {(shop.inside(name).status, shop.inside(name).reason) for name in names} == {("exited", "stopped")}
    assert shop.sends("c0") == [("thanks", "skipped", "cancelled", 0)], "a message that waited goes with it"
    assert {shop.inside(name, "other").status for name in names} == {"active"}
    assert shop.order(Stop(journey="welcome", leave=True)).endswith("; 0 enrollments ended as exited (stopped)")


def test_the_longest_life_goes_on_during_a_pause(shop):
    shop.happen("signed_up")
    shop.pause()
    shop.until(HOUR).happen("answered").until(400 * DAY).resume("recompute")
    assert (shop.inside().status, shop.inside().reason) == ("exited", "expired")
    assert [one[:3] for one in shop.sends()] == [("thanks", "skipped", "cancelled")]


def test_nothing_is_due_while_everybody_stands_still_and_the_counts_balance(shop):
    for number in range(20):
        shop.happen("signed_up", f"c{number}")
    shop.order(Pause(journey="other"))
    shop.pause()
    shop.until(3 * DAY)
    assert (shop.store.next_due(), shop.store.totals(shop.now).overdue) == (None, 0)
    assert sum(count.count for count in shop.store.journey_counts() if count.status == "active") == 40
