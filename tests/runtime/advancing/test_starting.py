"""Journeys that begin by themselves: everybody is asked once, whatever stops the process, and nobody is left out."""

import threading
from contextlib import closing

import pytest

from journeyscript.engine.calendar import local_text
from journeyscript.machine.model import ENTERED
from journeyscript.runtime.advancing import starting
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.advancing.identity import take_in as take_arrivals
from journeyscript.runtime.advancing.keeping import Arrival
from journeyscript.runtime.advancing.starting import Newcomers, Schedules, enrol_existing, prepare_dates, waiting
from journeyscript.runtime.intake.records import Incoming, Intake
from journeyscript.runtime.live import Live
from journeyscript.runtime.session import For, Session, deployments_of, requests_of, rules_of
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite

START = 1_772_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NO_OTHERS = dict.fromkeys(f"journeys/{name}.yaml" for name in ("welcome", "winback", "vip", "vip_greeting"))

HOURLY = """
journey: hourly
entry:
  schedule: "0 * * * *"
  audience: customer.points >= 10
  again: always
steps: [{ send: hello }]
"""
CATALOG = {
    "catalog/customer.yaml": """
attributes:
  email: { type: string, optional: true }
  level: { type: string, optional: true }
  points: { type: integer }
  birthday: { type: date, optional: true }
"""
}


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "starting.db")
    with closing(made):
        yield made


@pytest.fixture
def shop(build):
    """Compile a project of these journeys."""

    def made(**journeys):
        return build({**NO_OTHERS, **CATALOG, **{f"journeys/{name}.yaml": text for name, text in journeys.items()}})

    return made


def record(project, customer, at, **fields):
    taken = Intake(project.catalog, requests_of(project)).record(
        {"customer": customer, "time": START + at, **fields}, "test", "", START + at
    )
    assert isinstance(taken, Incoming), taken
    return taken


def people(project, store, count, at=0, rules=None, **attributes):
    """Take in customers `c1`, `c2`, … with these attributes."""
    store.deploy(deployments_of(project), START)
    rules = rules or rules_of(project, store, virtual=False)
    records = [record(project, f"c{n}", at, attributes=attributes) for n in range(1, count + 1)]
    store.commit(advance(store, rules, incoming=records, now=START + at))
    return rules


def entered(store, count):
    """Return how often each of the customers has entered a journey."""
    return [len(store.story(f"c{n}").enrollments) for n in range(1, count + 1)]


def drain(schedules, now):
    batches = 0
    while schedules.fire(now) is not None:
        batches += 1
    return batches


def test_everybody_in_the_audience_is_asked_in_batches(shop, store, monkeypatch):
    monkeypatch.setattr(starting, "BATCH", 3)
    project = shop(hourly=HOURLY)
    rules = people(project, store, 7, points=10)
    store.commit(advance(store, rules, incoming=[record(project, "c3", 1, attributes={"points": 9})], now=START + 1))
    schedules = Schedules(store, rules, START)
    assert schedules.fire(START + 1) is None
    assert drain(schedules, START + HOUR) == 3
    assert entered(store, 7) == [1, 1, 0, 1, 1, 1, 1]
    assert store.story("c1").enrollments[0].entry.at == schedules.next() - HOUR


def test_whoever_stopped_the_process_nobody_is_asked_twice_or_left_out(shop, store, monkeypatch):
    monkeypatch.setattr(starting, "BATCH", 2)
    project = shop(hourly=HOURLY)
    rules = people(project, store, 5, points=10)
    Schedules(store, rules, START)
    for _ in range(2):
        assert Schedules(store, rules, START + HOUR).fire(START + HOUR) is not None
    assert entered(store, 5) == [1, 1, 1, 1, 0]
    assert drain(Schedules(store, rules, START + HOUR), START + HOUR) == 1
    assert entered(store, 5) == [1, 1, 1, 1, 1]
    assert Schedules(store, rules, START + HOUR).fire(START + HOUR) is None


def test_of_the_firings_that_an_outage_missed_the_last_is_made_up_for(shop, store):
    project = shop(hourly=HOURLY)
    rules = people(project, store, 1, points=10)
    drain(Schedules(store, rules, START), START + 5 * HOUR)
    (one,) = store.story("c1").enrollments
    assert one.entered_at == one.entry.at
    assert START + 4 * HOUR < one.entered_at <= START + 5 * HOUR


def test_a_firing_older_than_an_event_may_be_starts_nothing(shop, store):
    project = shop(weekly=HOURLY.replace("0 * * * *", "0 9 * * mon").replace("hourly", "weekly"))
    rules = people(project, store, 1, points=10)
    schedules = Schedules(store, rules, START)
    monday = schedules.next()
    assert schedules.fire(monday + DAY + 1) is None
    assert schedules.fire(monday + DAY - 1) is not None
    assert entered(store, 1) == [1]


def test_a_schedule_starts_behind_the_moment_at_which_it_is_first_known(shop, store):
    project = shop(hourly=HOURLY)
    rules = people(project, store, 1, points=10)
    first = Schedules(store, rules, START).next()
    assert Schedules(store, rules, first).next() == first, "it is known from the first time on"
    other = shop(hourly=HOURLY.replace("0 * * * *", "30 * * * *"))
    store.deploy(deployments_of(other), first + HOUR)
    moved = Schedules(store, rules_of(other, store, virtual=False), first + HOUR)
    assert moved.next() == first + HOUR + HOUR // 2, "another cron expression has missed nothing"


def test_the_live_loop_fires_a_schedule_and_wakes_for_the_next(shop, store):
    project = shop(hourly=HOURLY)
    people(project, store, 2, points=10)
    now = START
    with Session(project, store, virtual=False, delivery=For.NOTHING, at=START, environment={}) as session:
        Live(session, threading.Event(), clock=lambda: now).run([], once=True)
        assert entered(store, 2) == [0, 0]
        now = START + HOUR
        live = Live(session, threading.Event(), clock=lambda: now)
        live.run([], once=True)
    assert entered(store, 2) == [1, 1]
    assert live.done.moved == 2


def test_in_a_replay_a_schedule_fires_between_the_records_in_the_order_of_time(shop, store, take_in, replay):
    project = shop(hourly=HOURLY)
    points = lambda n: {"attributes": {"points": n}}  # noqa: E731
    rows = [("c1", 0, None, points(10)), ("c2", 0, None, points(0))]
    rows += [("c1", 90 * MINUTE, None, points(0)), ("c2", 90 * MINUTE, None, points(20))]
    assert replay(project, store, take_in(project, rows), batch=50, until=START + 3 * HOUR)
    hours = {name: [one.entered_at for one in store.story(name).enrollments] for name in ("c1", "c2")}
    first = hours["c1"][0]
    assert hours == {"c1": [first], "c2": [first + HOUR, first + 2 * HOUR]}


@pytest.mark.parametrize("batches", [(1, 1), (1, 3), (50, 2)])
def test_a_replay_with_schedules_and_dates_ends_alike_wherever_it_was_interrupted(
    shop, take_in, replay, contents, batches
):
    birthday = (
        "journey: birthday\nentry: { date: customer.birthday, every: year, again: always }\nsteps: [{ send: hello }]\n"
    )
    project = shop(hourly=HOURLY.replace("0 * * * *", "0 */6 * * *"), birthday=birthday)
    rows = [
        (f"c{n}", n * HOUR, None, {"attributes": {"points": 8 + n, "birthday": f"1990-02-{25 + n % 3}"}})
        for n in range(1, 6)
    ]
    told = []
    for batch, stop_after in ((100, None), *((size, stop) for size in batches for stop in (1, 2, 4))):
        kept = MemoryStore()
        records = take_in(project, rows)
        while not replay(project, kept, records, batch=batch, stop_after=stop_after, until=START + 4 * DAY):
            stop_after = None  # noqa: PLW2901 - it is stopped once
        told.append(contents(kept))
    assert all(one == told[0] for one in told[1:])
    assert any(counted.journey == "birthday" for counted in told[0]["counts"])


BIRTHDAY = """
journey: birthday
entry: { date: customer.birthday - 1 day, every: year, time: "09:00", again: always }
steps: [{ send: hello }]
"""


def run_due(store, rules, now):
    while due := store.due(now, 100):
        store.commit(advance(store, rules, due=due, now=now))


def test_a_date_is_due_for_those_who_were_there_before_the_journey(shop, store, monkeypatch):
    monkeypatch.setattr(starting, "BATCH", 2)
    people(shop(hourly=HOURLY), store, 3, points=0, birthday="1990-03-01")
    project = shop(hourly=HOURLY, birthday=BIRTHDAY)
    store.deploy(deployments_of(project), START)
    rules = rules_of(project, store, virtual=False)
    assert store.next_due() is None
    prepare_dates(store, rules, START)
    prepare_dates(store, rules, START)
    assert local_text(store.next_due(), "Europe/Berlin") == "2026-02-28T09:00:00+01:00"
    run_due(store, rules, store.next_due())
    assert entered(store, 3) == [1, 1, 1]
    assert local_text(store.next_due(), "Europe/Berlin") == "2027-02-28T09:00:00+01:00"


def test_a_date_that_came_while_nothing_ran_counts_as_of_its_own_time(shop, store):
    project = shop(birthday=BIRTHDAY)
    rules = people(project, store, 2, points=0, birthday="1990-03-01")
    due = store.next_due()
    run_due(store, rules, due + 2 * HOUR)
    assert store.story("c1").enrollments[0].entered_at == due
    run_due(store, rules, due + 367 * DAY)
    assert entered(store, 2) == [1, 1]
    assert {(one.reason, one.count) for one in store.refusal_counts()} == {("stale_event", 2)}


def test_an_event_that_comes_late_does_not_make_a_date_come_again(shop, store):
    project = shop(birthday=BIRTHDAY)
    rules = people(project, store, 1, points=0, birthday="1990-03-01")
    due = store.next_due()
    run_due(store, rules, due)
    late = record(project, "c1", due - START - HOUR, attributes={"points": 5})
    store.commit(advance(store, rules, incoming=[late], now=due + MINUTE))
    run_due(store, rules, due + HOUR)
    assert entered(store, 1) == [1]
    waits = record(project, "c1", due - START - HOUR, attributes={"birthday": "1990-03-01", "points": 6})
    store.commit(advance(store, rules, incoming=[waits], now=due + MINUTE))
    assert store.next_due() > due + 300 * DAY


def test_a_date_that_is_taken_away_or_a_journey_that_is_gone_starts_nothing(shop, store):
    project = shop(birthday=BIRTHDAY)
    rules = people(project, store, 2, points=0, birthday="1990-03-01")
    prepare_dates(store, rules, START)
    due = store.next_due()
    gone = record(project, "c1", 1, attributes={"birthday": None})
    store.commit(advance(store, rules, incoming=[gone], now=START + 1))
    other = shop(birthday=None, hourly=HOURLY)
    store.deploy(deployments_of(other), START)
    rules = rules_of(other, store, virtual=False)
    prepare_dates(store, rules, START)
    run_due(store, rules, due)
    assert entered(store, 2) == [0, 0]
    assert store.next_due() is None


def test_a_merged_customer_has_the_dates_of_what_they_are_now(shop, store):
    project = shop(birthday=BIRTHDAY)
    rules = people(project, store, 1, points=0)
    other = record(project, "visitor", 0, attributes={"points": 0, "birthday": "1990-03-01"})
    store.commit(advance(store, rules, incoming=[other], now=START))
    merge = Intake(project.catalog).record({"type": "merge", "customer": "c1", "previous": "visitor"}, "t", "", START)
    take_arrivals(store, rules, [Arrival(record=merge, reader="", position="")], now=START)
    assert store.story("c1").customer.attributes["birthday"] == "1990-03-01"
    run_due(store, rules, store.next_due())
    assert entered(store, 1) == [1]


REQUESTED = """
journey: offer
entry: { api: { coupon: { type: string } }, again: always }
steps: [{ send: hello }]
"""


def test_a_request_lets_one_journey_begin_and_counts_once(shop, store):
    other = REQUESTED.replace("offer", "other")
    project = shop(offer=REQUESTED, other=other)
    store.deploy(deployments_of(project), START)
    rules = rules_of(project, store, virtual=False)
    request = {"type": "enter", "journey": "offer", "properties": {"coupon": "MAY"}, "id": "r1"}
    for _ in range(2):
        store.commit(advance(store, rules, incoming=[record(project, "c1", 0, **request)], now=START))
    (one,) = store.story("c1").enrollments
    assert (one.journey, one.entry.name, one.entry.properties) == ("offer", ENTERED, {"coupon": "MAY"})


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({}, "`journey` is missing"),
        ({"journey": "ofer"}, "no journey `ofer` can be asked for; did you mean `offer`?"),
        ({"journey": "hourly"}, "no journey `hourly` can be asked for"),
        ({"journey": "offer"}, "`offer` needs the property `coupon`"),
        ({"journey": "offer", "properties": {"coupon": []}}, "`coupon`: "),
        ({"journey": 7}, "no journey `7` can be asked for"),
    ],
)
def test_a_request_that_cannot_be_taken_in_is_kept_with_the_reason(shop, request_, reason):
    project = shop(offer=REQUESTED, hourly=HOURLY)
    told = Intake(project.catalog, requests_of(project)).record(
        {"type": "enter", "customer": "c1", **request_}, "test", "", START
    )
    assert told.reason.startswith(reason)


EXISTING = """
journey: thanks
entry: { event: purchased, where: event.total > 10, again: never, enrol: existing }
steps:
  - branch:
      - if: entry.event.total > 50
        steps: [{ send: vip }]
      - else: [{ send: hello }]
"""


def test_those_who_were_there_before_come_in_once_and_on_what_they_did_last(shop, store, monkeypatch):
    monkeypatch.setattr(starting, "BATCH", 2)
    before = shop(hourly=HOURLY)
    rules = people(before, store, 5, points=0)
    bought = [
        record(before, name, at, event="purchased", properties={"total": total})
        for name, at, total in (("c1", 1, 20), ("c1", 2, 60), ("c2", 3, 5), ("c4", 4, 11), ("c5", 5, 90))
    ]
    store.commit(advance(store, rules, incoming=bought, now=START + 9))
    project = shop(hourly=HOURLY, thanks=EXISTING)
    store.deploy(deployments_of(project), START)
    rules, now = rules_of(project, store, virtual=False), START + 30 * DAY
    assert waiting(store, rules, now) == [Newcomers(journey="thanks", count=3)]
    enrol_existing(store, rules, "thanks", now)
    assert entered(store, 5) == [1, 0, 0, 1, 1]
    one = store.story("c1").enrollments[0]
    assert (one.entered_at, one.entry.at, one.entry.properties) == (now, START + 2, {"total": 60})
    assert {send.message for send in store.sends(100)} == {"vip", "hello"}
    assert waiting(store, rules, now) == []
    enrol_existing(store, rules, "thanks", now)
    assert entered(store, 5) == [1, 0, 0, 1, 1]


def test_those_who_are_in_the_segment_already_come_in_when_that_is_asked_for(shop, build, store):
    segments = {"catalog/segments.yaml": "segments:\n  rich: { when: customer.points > 5 }\n"}
    people(shop(hourly=HOURLY), store, 2, points=9)
    journey = "journey: rich\nentry: { segment: rich, again: never, enrol: existing }\nsteps: [{ send: hello }]\n"
    project = build({**NO_OTHERS, **CATALOG, **segments, "journeys/rich.yaml": journey})
    with Session(project, store, virtual=False, delivery=For.NOTHING, at=START, environment={}) as session:
        assert entered(store, 2) == [0, 0]
        assert waiting(store, session.rules, START) == [Newcomers(journey="rich", count=2)]
        enrol_existing(store, session.rules, "rich", START)
    assert entered(store, 2) == [1, 1]
