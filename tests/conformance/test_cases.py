"""The acceptance cases as journey tests, on every store, and those that no journey test can tell."""

from collections import Counter
from pathlib import Path

import pytest

from journeyscript.compiler import compile_project
from journeyscript.engine.values import Event
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.advancing.programs import Programs
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.intake.records import Incoming
from journeyscript.runtime.session import deployments_of, policies_of, rules_of
from journeyscript.runtime.trials.trial import Trial
from journeyscript.source.nodes import Mapping
from journeyscript.source.yaml import read_yaml
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite
from journeyscript.syntax.trial_file import read_tests
from tests.simulating import Simulated

ROOT = Path(__file__).parent / "project"
PROJECT = compile_project(ROOT)
CASES = [
    (file.journey.text, test)
    for path, node in PROJECT.tests.items()
    for file in [read_tests(path, node)]
    for test in file.tests
]
DAY = 86_400_000
GRACE = 300_000


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "store.db")
    yield made
    made.close()


def test_the_cases_compile_without_findings():
    assert PROJECT.diagnostics == ()
    assert len({journey for journey, _ in CASES}) == len(PROJECT.journeys) > 20


@pytest.mark.parametrize(("journey", "test"), CASES, ids=[f"{journey}: {test.name.text}" for journey, test in CASES])
def test_case(journey, test, store):
    verdict = Trial(PROJECT, journey).run(test, store)
    assert verdict.findings == ()
    assert verdict.failures == ()


@pytest.mark.parametrize(("journey", "test"), CASES, ids=[f"{journey}: {test.name.text}" for journey, test in CASES])
def test_case_in_simulation(journey, test, tmp_path):
    """The other cases of the journey live in the same store."""
    together = [other for name, other in CASES if name == journey]
    simulated, number = Simulated(PROJECT, journey, together, tmp_path), together.index(test)
    assert simulated.failures(number) == []
    tested = Trial(PROJECT, journey).happening(test, MemoryStore())
    there, here = ([kept.decision for kept in one.story.decisions] for one in (simulated.happened(number), tested))
    assert there == here, "every decision, with its instant, its rule and the values it saw"


def told(yaml, journey, store=None):
    """Return the verdict on a test that is written here."""
    node, findings = read_yaml("here.test.yaml", f"journey: {journey}\ntests:\n{yaml}")
    assert not findings
    assert isinstance(node, Mapping)
    (test,) = read_tests("here.test.yaml", node).tests
    return Trial(PROJECT, journey).run(test, store or MemoryStore())


@pytest.mark.parametrize(
    ("timezone", "recorded"),
    [
        ("Europe/Kiev", "Europe/Kyiv"),
        ("US/Pacific", "America/Los_Angeles"),
        ("GMT", "UTC"),
        ("Mars/Olympus_Mons", "Asia/Kolkata (unknown zone)"),
        ("localtime", "Asia/Kolkata (unknown zone)"),
        ("right/Europe/Berlin", "Asia/Kolkata (unknown zone)"),
        ("../../etc/passwd", "Asia/Kolkata (unknown zone)"),
        ("", "Asia/Kolkata (no zone)"),
    ],
)
def test_case_07_the_decision_records_which_zone_was_used_and_why(timezone, recorded):
    verdict = told(
        f"""
  - name: waits
    timeline: [{{ event: started, attributes: {{ timezone: "{timezone}" }} }}]
    expect: {{ state: wait_until }}
""",
        "case_07_names_of_zones",
    )
    assert verdict.passed
    assert dict(verdict.lines[-1].values) == {"zone": recorded}


@pytest.mark.parametrize("wait", ["{}", "{ days: 0 }", "1 month", "soon"])
def test_case_08_a_wait_of_no_length_does_not_compile(tmp_path, wait):
    (tmp_path / "journeys").mkdir()
    (tmp_path / "journeyscript.yaml").write_text("name: small\n")
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "events.yaml").write_text("events:\n  started: {}\n")
    text = f"journey: a\nentry: {{ event: started, again: never }}\nsteps:\n  - wait: {wait}\n"
    (tmp_path / "journeys" / "a.yaml").write_text(text)
    project = compile_project(tmp_path)
    assert "a" not in project.journeys
    assert {d.span.line for d in project.diagnostics if d.severity == "error"} == {4}


def record_of(event, *, at, attributes=None, properties=None):
    return Incoming(
        customer="ada",
        at=at,
        event=Event(name=event, at=at, properties=properties or {}),
        attributes=attributes or {},
        consent={},
        source="live",
        source_id=None,
        position="",
    )


@pytest.fixture
def live(store):
    """Return a way to take a record in at a time of the clock, as a run on the wall clock does."""
    deployments = deployments_of(PROJECT)
    store.deploy(deployments, 0)
    kept, _ = store.deployments()
    rules = Rules(
        programs=Programs(kept, [d.version for d in deployments]),
        channels=policies_of(PROJECT),
        max_event_age=PROJECT.config.max_event_age,
        virtual=False,
    )

    def take(event, *, at, now, attributes=None, properties=None, journey):
        record = record_of(event, at=at, attributes=attributes, properties=properties)
        store.commit(advance(store, rules, incoming=[record], now=now))
        return [e for e in store.story("ada").enrollments if e.journey == journey]

    return take


@pytest.mark.parametrize(
    ("at", "taken_in", "message"),
    [
        (DAY - 1, DAY + GRACE - 1, "arrived"),
        (DAY, DAY + GRACE - 1, "arrived"),
        (DAY, DAY + GRACE, "arrived"),
        (DAY + 1, DAY + GRACE - 1, "timed_out"),
        (DAY, DAY + GRACE + 1, "timed_out"),
    ],
    ids=["before it", "at it", "with the last moment of grace", "behind it", "behind the grace"],
)
def test_case_11_an_event_of_the_deadline_that_is_on_its_way_takes_its_path_within_grace(store, at, taken_in, message):
    """On the wall clock: the event's own time decides, as long as it is taken in before the grace is over."""
    journey, entered = "case_11_an_event_at_the_deadline", 400 * DAY
    store.deploy(deployments_of(PROJECT), 0)
    rules = rules_of(PROJECT, store, virtual=False)
    store.commit(advance(store, rules, incoming=[record_of("started", at=entered)], now=entered))
    late = entered + taken_in
    until = late - 1
    for record in ([record_of("purchased", at=entered + at)], []):
        while (moment := store.next_due()) is not None and moment <= until:
            store.commit(advance(store, rules, due=store.due(moment, 10), now=moment))
        store.commit(advance(store, rules, incoming=record, due=store.due(late, 10), now=late))
        until = late + GRACE
    story = store.story("ada")
    (one,) = (one for one in story.enrollments if one.journey == journey)
    assert one.status == "completed"
    assert [send.message for send in story.sends if send.journey == journey] == [message]


def test_case_14_a_date_that_does_not_parse_takes_the_declared_way(live):
    """The catalog refuses such a value; one that was let in by an older catalog leads on all the same."""
    now = 400 * DAY
    (on,) = live(
        "started", at=now, now=now, attributes={"birthday": "30 February"}, journey="case_14_dates_that_lead_on"
    )
    assert (on.status, on.reason) == ("completed", None)


def test_case_14_a_moment_that_is_none_ends_the_journey_only_where_that_is_declared(live):
    now = 400 * DAY
    (out,) = live("started", at=now, now=now, attributes={"renews_at": "soon"}, journey="case_14_dates_that_lead_out")
    assert (out.status, out.reason) == ("exited", "date_missing")


def test_case_29_an_event_30_days_old_is_remembered_and_starts_nothing(live, store):
    now = 400 * DAY
    journey = "case_13_a_condition_that_holds"
    assert live("started", at=now - 30 * DAY, now=now, attributes={"email": "ada@example.com"}, journey=journey) == []
    assert store.story("ada").customer.attributes == {"email": "ada@example.com"}
    assert live("purchased", at=now - 30 * DAY, now=now, journey=journey) == []
    (entered,) = live("started", at=now, now=now, journey=journey)
    assert entered.status == "completed", "the purchase of 30 days ago is part of the history"


@pytest.mark.parametrize(("age", "entered"), [(DAY, 1), (DAY + 1, 0)])
def test_case_29_an_event_of_just_that_age_still_starts_a_journey(live, age, entered):
    now = 400 * DAY
    assert len(live("started", at=now - age, now=now, journey="case_06_missed_by_a_minute")) == entered


@pytest.mark.parametrize(
    ("journey", "event", "trace", "refused", "ends"),
    [
        ("case_28_again_while_inside", "started", ["entry"], ["inside"], ["active"]),
        ("case_28_restart", "started", ["entry", "restarted", "entry"], [], ["exited", "active"]),
        ("case_28_refresh", "ordered", ["entry", "refreshed"], [], ["active"]),
        ("case_28_one_for_each_key", "ordered", ["entry", "entry"], [], ["active", "active"]),
    ],
)
def test_case_28_what_a_second_start_does_is_traced(live, store, journey, event, trace, refused, ends):
    """The second order is another one: a journey with a key runs once more beside the first."""
    now = 400 * DAY
    for number, order in enumerate(("a", "b")):
        at = now + number
        found = live(
            event, at=at, now=at, journey=journey, properties={"order_id": order} if event == "ordered" else {}
        )
    story = store.story("ada")
    mine = {one.id for one in found}
    assert [one.status for one in found] == ends
    assert [kept.decision.rule for kept in story.decisions if kept.enrollment in mine] == trace
    assert [one.reason for one in story.refusals if one.journey == journey] == refused


def test_case_29_an_event_that_came_too_late_to_start_anything_is_kept_as_refused(live, store):
    now = 400 * DAY
    journey = "case_06_missed_by_a_minute"
    assert live("started", at=now - 30 * DAY, now=now, journey=journey) == []
    assert [one.reason for one in store.story("ada").refusals if one.journey == journey] == ["stale_event"]


def test_the_same_story_leaves_the_same_trace_on_every_store(tmp_path):
    for number, (journey, test) in enumerate(CASES):
        memory, sqlite = MemoryStore(), open_sqlite(tmp_path / f"{number}.db")
        try:
            on_memory, on_sqlite = (Trial(PROJECT, journey).run(test, one) for one in (memory, sqlite))
            assert on_memory == on_sqlite
            assert memory.story("customer") == sqlite.story("customer")
        finally:
            sqlite.close()


@pytest.mark.parametrize(("journey", "test"), CASES, ids=[f"{journey}: {test.name.text}" for journey, test in CASES])
def test_what_is_always_true_is_true_at_the_end_of_a_case(journey, test, store):
    happened = Trial(PROJECT, journey).happening(test, store)
    enrollments = happened.story.enrollments
    counts = Counter()
    for count in store.journey_counts():
        counts[count.status] += count.count
    assert counts == Counter(one.status for one in enrollments), "entered = active + completed + exited + failed"
    for one in enrollments:
        assert (one.due_at is not None) == (one.status == "active"), "whoever is inside has a timer"
    for send in happened.story.sends:
        assert send.status in ("pending", "skipped"), "nothing is delivered in a test"
        assert (send.reason is not None) == (send.status == "skipped")
