"""Coming into a segment and leaving it, found as it happens: the same as asking at every instant, and no more work."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from journeyscript.engine.evaluate import compile_expression
from journeyscript.engine.values import Event, Facts
from journeyscript.machine.canonical import version_of
from journeyscript.machine.model import ENTERED, BySegment
from journeyscript.machine.needs import find_needs
from journeyscript.machine.wording import rule_in_words
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.advancing.identity import take_in
from journeyscript.runtime.advancing.keeping import Arrival
from journeyscript.runtime.advancing.memberships import PREPARED, prepare
from journeyscript.runtime.advancing.programs import Programs
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.intake.records import Incoming, Merge
from journeyscript.semantics.checker import check_condition
from journeyscript.semantics.scope import Scope
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Deployment
from journeyscript.stores.sqlite import open_sqlite
from tests.expressions import CATALOG, COMPLETE
from tests.projects import machine_of, steps_of

HOUR, DAY = 3_600_000, 86_400_000
START = 1_772_000_000_000
ZONE = "Europe/Berlin"
SILENT = "not did(purchased, last 90 days)"


def deployment(journey: str, text: str, on: str, again: str = "always") -> Deployment:
    """Return a journey that is entered by a segment of this condition, and ends at once."""
    compiled = machine_of(steps_of("- exit: seen", head=f"entry: {{ event: signed_up, again: {again} }}"))
    found = check_condition(text, Scope(catalog=COMPLETE), lambda _start, _length: None)[0]
    assert found is not None
    machine = compiled.machine
    trigger = BySegment(name="tried", condition=found.node, on=on)
    entry = replace(machine.entry, event=ENTERED, trigger=trigger)
    needs = find_needs(entry, None, (), machine.states, machine.lifetime)
    machine = replace(machine, journey=journey, entry=entry, needs=needs)
    return Deployment(version=version_of(machine), machine=machine, about=compiled.about, contents={})


def rules_for(store, *deployments: Deployment, virtual: bool = True) -> Rules:
    """Deploy journeys to a store; return what batches over it go by."""
    store.deploy(list(deployments), START)
    kept, _ = store.deployments()
    programs = Programs(kept, [one.version for one in deployments])
    return Rules(programs=programs, channels={}, max_event_age=DAY, virtual=virtual)


def both(store, text: str, **options) -> Rules:
    return rules_for(store, deployment("enters", text, "enter"), deployment("leaves", text, "leave"), **options)


def record(
    at: int, *, event: str | None = None, attributes=None, consent=None, customer="ada", **properties
) -> Incoming:
    """Return a record of a customer."""
    happened = None if event is None else Event(name=event, at=at, properties=properties)
    return Incoming(
        customer=customer,
        event=happened,
        at=at,
        attributes=attributes or {},
        consent=consent or {},
        source="test",
        source_id=None,
        position="",
    )


def take(store, rules: Rules, *records: Incoming, now: int | None = None) -> None:
    store.commit(advance(store, rules, incoming=records, now=records[-1].at if now is None else now))


def pass_time(store, rules: Rules, until: int) -> int:
    """Fire what is due; return how many customers were looked at."""
    looked = 0
    while due := store.due(until, 10):
        looked += len(due)
        store.commit(advance(store, rules, due=due, now=until))
    return looked


def entries(store, customer="ada") -> list[tuple[str, int]]:
    """Return which journeys a customer entered, and when."""
    story = store.story(customer)
    return [] if story is None else [(one.journey, one.entered_at) for one in story.enrollments]


def inside(store, customer="ada") -> bool:
    """Return whether the store has a customer inside the segment."""
    (found,) = store.load([customer], (), history=False, memberships=True).values()
    return any(one.inside for one in found.memberships.values())


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "store.db")
    yield made
    made.close()


# The law --------------------------------------------------------------------------------------------------------------

DAYS = st.integers(1, 12)
ATOMS = st.one_of(
    DAYS.map(lambda n: f"did(purchased, last {n} days)"),
    st.tuples(DAYS, st.integers(1, 3)).map(lambda p: f"count(purchased, last {p[0]} days) >= {p[1]}"),
    DAYS.map(lambda n: f"did(purchased where event.total > 10, last {n} days)"),
    DAYS.map(lambda n: f"days_since(last(purchased).at) >= {n}"),
    DAYS.map(lambda n: f"days_since(first(page_viewed).at) == {n}"),
    DAYS.map(lambda n: f"hours_since(last(page_viewed).at) < {n * 5}"),
    DAYS.map(lambda n: f"days_since(customer.birthday) < {n}"),
    st.sampled_from(['customer.country == "DE"', "consent.email", "count(purchased) > 2"]),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) and ({pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) or ({pair[1]})"),
    ),
    max_leaves=3,
)


@st.composite
def timelines(draw: st.DrawFn) -> list[Incoming]:
    """Draw what happens to one customer in twenty days, at whole minutes."""
    minutes = sorted(draw(st.lists(st.integers(0, 20 * 1440), min_size=1, max_size=8, unique=True)))
    records = []
    for minute in minutes:
        at = START + minute * 60_000
        records.append(
            draw(
                st.sampled_from(
                    [
                        record(at, event="purchased", total=20),
                        record(at, event="purchased", total=5),
                        record(at, event="page_viewed"),
                        record(at, event="signed_up", attributes={"country": "DE"}),
                        record(at, attributes={"country": "AT", "timezone": "America/New_York"}),
                        record(at, attributes={"birthday": "2026-02-20"}),
                        record(at, consent={"email": True}),
                        record(at, consent={"email": False}),
                    ]
                )
            )
        )
    return records


class FromScratch:
    """What is true of a customer at any instant, by asking the condition of all that happened until then."""

    def __init__(self, text: str, records: list[Incoming]) -> None:
        found = check_condition(text, Scope(catalog=COMPLETE), lambda _start, _length: None)[0]
        assert found is not None
        self._holds, self._records = compile_expression(found.node, ZONE), records

    def at(self, moment: int) -> bool:
        attributes, consent, history = {}, {}, {}
        known = [one for one in self._records if one.at <= moment]
        for one in known:
            attributes |= one.attributes
            consent |= one.consent
            if one.event is not None:
                history.setdefault(one.event.name, []).append(one.event)
        facts = Facts(external_id="ada", attributes=attributes, consent=consent, history=history)
        return bool(known) and self._holds(facts, None, None, moment) is True


@settings(max_examples=60)
@given(CONDITIONS, timelines())
def test_a_membership_is_at_every_instant_what_asking_from_scratch_says(text, records):
    store = MemoryStore()
    rules, truth = both(store, text), FromScratch(text, records)
    waiting = list(records)
    ends = START + 36 * DAY
    for probe in sorted({*range(START, ends, 3 * HOUR), *(one.at for one in records)}):
        while waiting and waiting[0].at <= probe:
            pass_time(store, rules, waiting[0].at - 1)
            take(store, rules, waiting.pop(0))
        pass_time(store, rules, probe)
        assert inside(store) is truth.at(probe)
    seen = entries(store)
    assert [journey for journey, _ in seen] == (["enters", "leaves"] * len(seen))[: len(seen)]
    for journey, at in seen:
        assert truth.at(at) is (journey == "enters")
        assert truth.at(at - 1_000) is (journey == "leaves")


@settings(max_examples=40)
@given(CONDITIONS, timelines())
def test_who_enters_when_does_not_depend_on_how_records_are_batched(text, records):
    stores = MemoryStore(), MemoryStore()
    for store, size in zip(stores, (1, len(records)), strict=True):
        rules = both(store, text)
        for start in range(0, len(records), size):
            part = records[start : start + size]
            pass_time(store, rules, part[0].at - 1)
            take(store, rules, *part)
        pass_time(store, rules, START + 60 * DAY)
    assert entries(stores[0]) == entries(stores[1])


# Work that is not done ------------------------------------------------------------------------------------------------


def test_time_alone_wakes_nobody_before_it_changes_something(store):
    rules = both(store, SILENT)
    take(store, rules, record(START, event="purchased", total=1))
    assert store.next_due() == START + 90 * DAY + 1_000
    assert pass_time(store, rules, START + 90 * DAY) == 0
    assert pass_time(store, rules, START + 400 * DAY) == 1
    assert entries(store) == [("enters", START + 90 * DAY + 1_000)]
    assert store.next_due() is None


def test_an_event_that_the_condition_does_not_read_is_not_looked_at(store):
    rules = both(store, 'customer.country == "DE"')
    take(store, rules, record(START, attributes={"country": "DE"}))
    changes = advance(store, rules, incoming=[record(START + 1, event="purchased", total=1)], now=START + 1)
    assert changes.memberships == []
    assert entries(store) == [("enters", START)]


def test_the_trace_says_what_let_them_in(store):
    rules = both(store, 'customer.country == "DE" and count(purchased) >= 1')
    take(store, rules, record(START, event="purchased", total=1, attributes={"country": "DE"}))
    (decision, *_) = store.story("ada").decisions
    machine = rules.programs.segments[0].starts[True][0].machine
    assert rule_in_words(machine, None, decision.decision.rule) == "came into the segment `tried`"
    assert decision.decision.values == (("customer.country", "DE"), ("count(purchased)", 1))


# On the wall clock ----------------------------------------------------------------------------------------------------


def test_an_overdue_change_counts_from_when_it_was_found(store):
    rules = both(store, SILENT, virtual=False)
    take(store, rules, record(START, event="purchased", total=1))
    back = START + 95 * DAY
    assert store.due(back, 10) != []
    pass_time(store, rules, back)
    assert entries(store) == [("enters", back)]


def test_an_event_of_long_ago_changes_who_is_inside_and_starts_nothing(store):
    rules = both(store, "did(purchased, last 90 days)", virtual=False)
    now = START + 10 * DAY
    take(store, rules, record(START, event="purchased", total=1), now=now)
    assert inside(store)
    assert entries(store) == []
    assert [(one.journey, one.reason) for one in store.story("ada").refusals] == [("enters", "stale_event")]
    pass_time(store, rules, START + 91 * DAY)
    assert entries(store) == [("leaves", START + 91 * DAY)]


def test_imported_history_leads_where_it_has_led_by_now_and_starts_nothing(store):
    rules = both(store, SILENT, virtual=False)
    now = START + 200 * DAY
    take(
        store,
        rules,
        record(START, event="purchased", total=1),
        record(START + DAY, event="purchased", total=1),
        now=now,
    )
    assert inside(store)
    assert store.next_due() is None
    assert entries(store) == []
    take(store, rules, record(now + HOUR, event="purchased", total=1))
    assert entries(store) == [("leaves", now + HOUR)]


def test_journeys_that_send_each_other_in_and_out_are_cut_off(store):
    enters = _that_sets("enters", "enter", "AT")
    leaves = _that_sets("leaves", "leave", "DE")
    rules = rules_for(store, enters, leaves)
    take(store, rules, record(START, attributes={"country": "DE"}))
    assert 50 < len(entries(store)) < 250
    (rejected,) = store.rejected(10)
    assert "journeys start each other" in rejected.reason


def _that_sets(journey: str, on: str, country: str) -> Deployment:
    one = deployment(journey, 'customer.country == "DE"', on)
    states = machine_of(steps_of(f"- set: {{ country: '\"{country}\"' }}")).machine
    machine = replace(one.machine, initial=states.initial, states=states.states)
    return replace(one, machine=machine, version=version_of(machine))


# Deploying ------------------------------------------------------------------------------------------------------------


def test_those_who_are_there_before_the_journey_are_known_and_not_started(store):
    rules = rules_for(store)
    for number in range(5):
        take(store, rules, record(START, event="purchased", total=1, customer=f"c{number}"))
    take(store, rules, record(START + 30 * DAY, event="purchased", total=1, customer="c0"))
    now = START + 89 * DAY
    rules = both(store, SILENT)
    prepare(store, rules.programs.segments, now)
    assert not any(inside(store, f"c{number}") for number in range(5))
    pass_time(store, rules, START + 100 * DAY)
    assert [entries(store, f"c{number}") for number in range(5)] == [[], *[[("enters", START + 90 * DAY + 1_000)]] * 4]


def test_those_who_are_inside_already_enter_when_they_come_back(store):
    rules = rules_for(store)
    take(store, rules, record(START, event="purchased", total=1))
    rules = both(store, SILENT)
    prepare(store, rules.programs.segments, START + 100 * DAY)
    assert inside(store)
    pass_time(store, rules, START + 150 * DAY)
    assert entries(store) == []
    take(store, rules, record(START + 150 * DAY, event="purchased", total=1))
    pass_time(store, rules, START + 300 * DAY)
    assert entries(store) == [("leaves", START + 150 * DAY), ("enters", START + 240 * DAY + 1_000)]


def test_finding_the_members_goes_on_where_it_was_stopped(store):
    rules = rules_for(store)
    for number in range(4):
        take(store, rules, record(START, event="purchased", total=1, customer=f"c{number}"))
    rules = both(store, "did(purchased, last 90 days)")
    (segment,) = rules.programs.segments
    store.note(**{PREPARED + segment.key: "2"})
    prepare(store, rules.programs.segments, START + DAY)
    assert [inside(store, f"c{number}") for number in range(4)] == [False, False, True, True]
    prepare(store, rules.programs.segments, START + 2 * DAY)
    assert store.settings()[PREPARED + segment.key] == "done"


def test_a_segment_that_no_journey_is_entered_by_any_more_is_forgotten(store):
    rules = both(store, SILENT)
    prepare(store, rules.programs.segments, START)
    take(store, rules, record(START, event="purchased", total=1))
    assert store.next_due() is not None
    rules = rules_for(store, deployment("enters", "did(purchased, last 5 days)", "enter"))
    prepare(store, rules.programs.segments, START + DAY)
    assert store.next_due() == START + 5 * DAY + 1_000
    assert inside(store)


def test_a_merge_changes_memberships_and_starts_nothing(store):
    rules = both(store, "count(purchased) >= 2")
    take(store, rules, record(START, event="purchased", total=1))
    take(store, rules, record(START + 1, event="purchased", total=1, customer="visitor"))
    merge = Merge(anonymous="visitor", customer="ada", at=START + 2, source="test", position="3", raw="{}")
    assert take_in(store, rules, [Arrival(record=merge, reader="", position="3")], now=START + 2) == []
    assert inside(store)
    assert entries(store) == []
    take(store, rules, record(START + 3, event="purchased", total=1))
    assert entries(store) == []


def test_whoever_is_gone_enters_nothing(store):
    rules = both(store, SILENT)
    take(store, rules, record(START, event="purchased", total=1), record(START, event="signed_up", customer="bob"))
    store.erase("ada", START + DAY)
    assert store.next_due() is None
    prepare(store, rules.programs.segments, START + DAY)
    assert store.numbers(0, 10) == [2]
    assert pass_time(store, rules, START + 400 * DAY) == 0


def test_the_catalog_of_these_tests_has_what_they_use():
    assert {"purchased", "page_viewed", "signed_up"} <= set(CATALOG.events)
