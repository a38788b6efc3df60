"""Recorded histories through the versions of a change: who would have gone another way, and who is left out."""

from contextlib import nullcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from journeyscript.compiler import compile_project
from journeyscript.engine.values import Event
from journeyscript.machine.model import ENTERED
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.changing.applying import apply_plan
from journeyscript.runtime.changing.histories.replaying import replay_histories
from journeyscript.runtime.changing.histories.sampling import sample, sampled
from journeyscript.runtime.changing.outlook import look_ahead
from journeyscript.runtime.changing.planning import plan_change
from journeyscript.runtime.intake.records import Incoming
from journeyscript.runtime.replay import Replay
from journeyscript.runtime.session import For, Session, deployments_of, rules_of
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Settlement
from journeyscript.stores.sqlite import open_sqlite
from tests.engine.driving import START, signed_up
from tests.engine.test_laws import SLOW, customers, timelines
from tests.projects import BASE, compile_text, lay_out
from tests.strategies import journeys, text_of

HOUR, DAY = 3_600_000, 86_400_000
AT = 1_772_452_800_000
"""2026-03-02T12:00 UTC, when everybody signs up."""

PROJECT = compile_project(BASE)
HEAD = "journey: trial\nentry: { event: signed_up, again: never }\n"
COUPON = """
  - send: welcome
    via: email
  - id: coupon
    wait: 3 days
  - branch:
      - if: count(page_viewed, last 7 days) >= 2
        steps:
          - id: keen
            send: reminder
            via: push
      - else: []
  - id: rest
    wait: 20 days
  - id: last
    send: reminder
    via: push
"""
OTHER = "journey: other\nentry: { event: purchased, again: always }\nsteps:\n  - wait: 9 days\n  - send: welcome\n"
PURCHASE = {"order_id": "1", "total": 20, "items": 1}


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "store.db")
    yield made
    made.close()


class Shop:
    """A project of one journey that changes, over one store, on virtual time."""

    def __init__(self, store, root):
        self.store, self.root, self.now = store, root, AT
        store.note(clock="virtual")

    def write(self, steps, head=HEAD, files=None):
        lay_out(self.root, {"journeys/trial.yaml": f"{head}steps:{steps}", **(files or {})})
        self.compile()

    def compile(self, *, sound=True):
        self.project = compile_project(self.root)
        assert self.project.sound or not sound, self.project.diagnostics

    def deploy(self, steps, head=HEAD, files=None):
        self.write(steps, head, files)
        self.store.deploy(deployments_of(self.project), self.now)
        self.rules = rules_of(self.project, self.store, virtual=True)

    def happen(self, customer, name="signed_up", **properties):
        event = Event(
            name=name, at=self.now, properties=properties or ({"source": "web"} if name == "signed_up" else {})
        )
        record = Incoming(
            customer=customer,
            at=self.now,
            event=event,
            attributes={"email": f"{customer}@example.com", "push_token": customer},
            consent={"email": True, "push": True},
            source="test",
            source_id=None,
            position="",
        )
        self.store.commit(advance(self.store, self.rules, incoming=[record], now=self.now))

    def until(self, now):
        while due := self.store.due(now, 100):
            self.store.commit(advance(self.store, self.rules, due=due, now=now))
        self.now = now

    def plan(self):
        return plan_change(self.project, self.store, self.now)

    def outlook(self, most=100):
        bar = nullcontext(lambda _count, _now: None)
        return look_ahead(self.project, self.store, self.plan(), self.now, most, lambda _: bar)

    def histories(self, most=100):
        (found,) = self.outlook(most).histories
        return found


@pytest.fixture
def shop(store, tmp_path):
    """Ada looked twice and got the reminder, bob once; eve left on the second day."""
    shop = Shop(store, tmp_path / "project")
    shop.deploy(COUPON, HEAD + "exit:\n  - event: account_closed\n")
    for name in ("ada", "bob", "eve"):
        shop.happen(name)
    shop.until(AT + DAY)
    for name in ("ada", "ada", "bob"):
        shop.happen(name, "page_viewed", url="/")
    shop.until(AT + 2 * DAY)
    shop.happen("eve", "account_closed")
    shop.until(AT + 5 * DAY)
    return shop


def counts(histories):
    kinds = ("entered", "branch", "messages", "times", "step")
    return histories.different, {kind: getattr(histories, kind) for kind in kinds if getattr(histories, kind)}


EXIT = HEAD + "exit:\n  - event: account_closed\n"


def test_who_takes_another_branch_and_gets_another_message_is_counted_and_shown(shop):
    shop.write(COUPON.replace(">= 2", ">= 3"), EXIT)
    found = shop.histories()
    assert (found.there, found.taken, found.compared, found.unlike) == (3, 3, 3, 0)
    assert counts(found) == (1, {"branch": 1, "messages": 1})
    assert found.shown.customer == "ada"
    assert found.shown.entered == "entered on `signed_up` at 2026-03-02T13:00:00+01:00"
    assert found.shown.before == (
        "2026-03-05T13:00:00+01:00 keen: because count(page_viewed, last 7 days) >= 2; is sent `welcome`, `reminder`"
    )
    assert found.shown.now == "2026-03-05T13:00:00+01:00 rest: no condition held; is sent `welcome`"
    (finding,) = [one for one in shop.outlook().findings if one.code == "JS805"]
    assert finding.severity == "warning"
    assert finding.message == (
        "1 of 3 recorded histories would have gone another way: 1 by another branch, 1 with other messages"
    )
    assert finding.witness[0] == f"ada {found.shown.entered}"


def test_who_would_not_have_come_in_is_counted(shop):
    shop.write(COUPON, EXIT.replace("signed_up,", 'signed_up, where: event.source == "app",'))
    found = shop.histories()
    assert counts(found) == (3, {"entered": 3})
    assert found.shown.now == "stays out: the condition of `entry` does not hold"


def test_who_would_stand_elsewhere_or_get_a_message_at_another_time_is_counted(shop):
    shop.write(COUPON.replace("20 days", "30 hours"), EXIT)
    assert counts(shop.histories()) == (2, {"messages": 2, "step": 2})
    shop.write(COUPON.replace("3 days", "2 days"), EXIT)
    # Bob only waited less, and comes to the same; eve left at the very moment at which the time would have been up.
    assert counts(shop.histories()) == (1, {"times": 1})


def test_an_exit_that_comes_or_goes_is_another_way(shop):
    shop.write(COUPON)
    found = shop.histories()
    assert counts(found) == (1, {"step": 1})
    assert (found.shown.customer, found.shown.before) == (
        "eve",
        "2026-03-04T13:00:00+01:00 coupon: exit account_closed",
    )
    assert found.shown.now == "2026-03-05T13:00:00+01:00 branch: time was up, after 3 days"


@pytest.mark.parametrize("migrate", ["", "migrate: { from: { rest: pause, coupon: offer } }\n"])
def test_another_name_of_a_step_is_no_other_way(shop, migrate):
    renamed = COUPON.replace("id: rest", "id: pause").replace("id: coupon", "id: offer")
    shop.write(renamed, EXIT.replace("entry:", f"{migrate}entry:"))
    assert counts(shop.histories()) == (0, {})


def test_a_new_step_on_the_way_is_another_way_even_if_nothing_else_differs(shop):
    shop.write(COUPON.replace("  - id: rest", '  - set: { level: "\\"gold\\"" }\n  - id: rest'), EXIT)
    assert counts(shop.histories()) == (2, {})


def test_what_cannot_be_told_is_left_out_and_counted(shop):
    shop.write(COUPON.replace(">= 2", "> 2"), EXIT.replace("entry:", "migrate: { timer: keep }\nentry:"))
    apply_plan(shop.store, shop.plan(), shop.now)
    shop.rules = rules_of(shop.project, shop.store, virtual=True)
    shop.happen("kim")
    shop.write(COUPON, EXIT)
    found = shop.histories()
    assert (found.there, found.moved, found.compared, found.unlike) == (4, 2, 2, 0)
    shop.store.settle(
        [
            Settlement(enrollment=one.enrollment, visit=one.visit, status="sent", at=shop.now)
            for one in shop.store.claim(shop.now, 100)
        ]
    )
    shop.store.prune(shop.now, {})
    found = shop.histories()
    assert (found.there, found.pruned, found.taken, found.compared) == (3, 1, 3, 1)


def test_a_history_that_the_profile_of_today_does_not_explain_is_left_out(shop):
    shop.deploy(COUPON.replace("count(page_viewed, last 7 days) >= 2", "customer.vip"), EXIT)
    shop.happen("kim")
    shop.until(shop.now + 4 * DAY)
    record = Incoming(
        customer="kim", at=shop.now, event=None, attributes={"vip": True}, consent={}, source="", source_id=None,
        position="",
    )  # fmt: skip
    shop.store.commit(advance(shop.store, shop.rules, incoming=[record], now=shop.now))
    shop.write(COUPON.replace("count(page_viewed, last 7 days) >= 2", "not customer.vip"), EXIT)
    found = shop.histories()
    assert (found.taken, found.unlike, found.compared) == (4, 1, 3)


def test_who_left_long_ago_is_no_history_and_what_is_due_but_has_not_happened_is_none_either(shop):
    shop.until(AT + 12 * DAY)
    shop.now = AT + 31 * DAY
    shop.write(COUPON.replace("20 days", "21 days"), EXIT)
    found = shop.histories()
    assert (found.there, found.unlike) == (2, 0), "eve left 29 days ago"
    assert counts(found) == (0, {})


def test_messages_of_other_journeys_count_against_the_caps(store, tmp_path):
    shop = Shop(store, tmp_path / "project")
    settings = (BASE / "journeyscript.yaml").read_text(encoding="utf-8")
    files = {
        "journeyscript.yaml": f"{settings}policies:\n  caps: [{{ messages: 1, per: 1 day, channel: push }}]\n",
        "journeys/other.yaml": OTHER.replace(
            "  - wait: 9 days\n  - send: welcome\n", "  - send: reminder\n    via: push\n"
        ),
    }
    steps = "\n  - id: pause\n    wait: 1 day\n  - id: second\n    send: reminder\n    via: push\n"
    shop.deploy(steps, files=files)
    for name in ("ada", "bob"):
        shop.happen(name)
    shop.until(AT + 12 * HOUR)
    shop.happen("ada", "purchased", **PURCHASE)
    shop.until(AT + 3 * DAY)
    assert [one.reason for one in shop.store.story("ada").sends] == [None, "capped"]
    shop.write(steps.replace("1 day", "2 days"), files=files)
    found = shop.histories()
    assert found.unlike == 0
    assert counts(found) == (2, {"messages": 1, "times": 1}), "ada would have got it, as the cap had room again"


def test_a_sample_is_the_same_each_time_and_leaves_room_for_small_journeys(shop):
    assert sampled(range(1_000), 10) == sampled(reversed(range(1_000)), 10)
    assert set(sampled(range(500), 500)) == set(range(500))
    shop.write(COUPON.replace(">= 2", ">= 3"), EXIT)
    found = shop.histories(2)
    assert (found.there, found.taken, found.compared) == (3, 2, 2)
    assert shop.histories(2) == found
    nothing = shop.outlook(0)
    assert (nothing.week, nothing.histories) == (None, ())


def test_of_several_journeys_a_small_one_is_taken_whole(store, tmp_path):
    shop = Shop(store, tmp_path / "project")
    shop.deploy(COUPON, files={"journeys/other.yaml": OTHER})
    for name in ("ada", "bob", "eve", "kim", "lou"):
        shop.happen(name)
    shop.happen("ada", "purchased", **PURCHASE)
    shop.write(COUPON.replace("3 days", "4 days"), files={"journeys/other.yaml": OTHER.replace("9 days", "8 days")})
    assert {one.journey: (one.there, one.taken) for one in shop.outlook(4).histories} == {
        "other": (1, 1),
        "trial": (5, 3),
    }


def test_on_the_wall_clock_what_was_decided_a_little_late_is_as_recorded(store, tmp_path):
    shop = Shop(store, tmp_path / "project")
    store.note(clock="wall")
    waiting = "\n  - wait_for: purchased\n    timeout: 1 day\n  - send: welcome\n  - wait: 9 days\n  - send: reminder\n"
    shop.deploy(waiting)
    shop.rules = rules_of(shop.project, store, virtual=False)
    shop.happen("ada")
    for _ in range(2):
        shop.now = store.next_due() + 2_000
        store.commit(advance(store, shop.rules, due=store.due(shop.now, 10), now=shop.now))
    shop.now += 5_000
    shop.write(waiting.replace("9 days", "8 days"))
    assert (shop.histories().unlike, counts(shop.histories())) == (0, (1, {"times": 1}))


@pytest.mark.parametrize(
    "entry",
    [
        "{ segment: favourites, on: enter, again: always }",
        '{ schedule: "0 9 * * *", audience: customer.vip, again: always }',
        '{ date: customer.birthday, every: year, time: "09:00", again: after 30 days }',
        "{ api: { code: { type: string } }, again: always }",
        "{ event: purchased, again: always, while_active: restart }",
        "{ event: purchased, again: always, key: event.order_id }",
    ],
)
def test_however_somebody_came_in_they_come_in_again(store, tmp_path, entry):
    steps = "\n  - wait: 1 day\n  - send: reminder\n    via: push\n"
    head = f"journey: trial\nentry: {entry}\n"
    shop = Shop(store, tmp_path / "project")
    shop.deploy(steps, head)
    records = [
        Incoming(
            customer=name,
            at=AT + place,
            event=event,
            attributes={"push_token": name, "vip": True, "birthday": "1990-03-04"},
            consent={},
            source="test",
            source_id=None,
            position="",
            enters="trial" if event.name == ENTERED and "api" in entry else "",
        )
        for name in ("ada", "bob")
        for place, event in enumerate(
            [
                *(Event(name="purchased", at=AT + n, properties={**PURCHASE, "order_id": str(n)}) for n in range(3)),
                Event(name=ENTERED, at=AT + 3, properties={"code": "x"}),
            ]
        )
    ]
    records = sorted((one for one in records if one.event.name != ENTERED or one.enters), key=lambda one: one.at)
    with Session(shop.project, store, virtual=True, delivery=For.NOTHING, at=AT, environment={}) as session:
        Replay(session).run(records, AT + 4 * DAY)
    shop.now = AT + 4 * DAY
    shop.write(steps.replace("1 day", "2 days"), head)
    found = shop.histories()
    assert found.there >= 2
    assert (found.taken, found.unlike, found.entered) == (found.there, 0, 0)
    assert found.different > 0


def project_of(text):
    compiled, findings = compile_text(text)
    assert compiled is not None, findings
    return replace(PROJECT, journeys={"trial": compiled})


@settings(SLOW, max_examples=80)
@given(journeys(), journeys(), customers(), timelines(), st.integers(0, 40))
def test_in_its_own_version_every_history_goes_as_it_was_recorded(journey, other, customer, timeline, days):
    text = text_of(journey)
    old, new = project_of(text), project_of(text_of(other))
    store = MemoryStore()
    store.note(clock="virtual")
    store.deploy(deployments_of(old), START)
    rules = rules_of(old, store, virtual=True)
    now = START
    for event in (signed_up(), *timeline):
        now = max(now, event.at)
        record = Incoming(
            customer="ada",
            at=event.at,
            event=event,
            attributes=customer["attributes"],
            consent=customer["consent"],
            source="test",
            source_id=None,
            position="",
        )
        store.commit(advance(store, rules, due=store.due(now - 1, 10), incoming=[record], now=now))
    now += days * DAY
    while due := store.due(now, 10):
        store.commit(advance(store, rules, due=due, now=now))
    changes = plan_change(new, store, now).of
    kept = (store.journey_counts(), store.totals(now))
    for found in replay_histories(new, store, sample(store, changes, now, 100), now):
        assert found.compared + found.unlike == found.taken == found.there
        assert max(found.entered, found.branch, found.messages, found.step, found.times) <= found.different
        assert (found.shown is not None) == (found.different > 0)
        if '"set"' not in text and "refresh" not in text:
            assert found.unlike == 0
    assert (store.journey_counts(), store.totals(now)) == kept, "a replay changes nothing"
