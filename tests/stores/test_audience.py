"""Asked of everybody at once, a condition is true of exactly those of whom it is true one by one."""

import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from journeyscript.engine.audience import Audience
from journeyscript.engine.evaluate import compile_expression
from journeyscript.engine.values import Event, Facts
from journeyscript.machine.needs import nodes
from journeyscript.runtime.advancing.memberships import bare_facts
from journeyscript.semantics import typed
from journeyscript.semantics.checker import check_condition
from journeyscript.semantics.scope import Scope
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Changes, KeptEvent
from journeyscript.stores.sqlite import open_sqlite
from journeyscript.stores.sqlite.conditions import select
from tests.expressions import CATALOG, COMPLETE, DAY, NOW, conditions, worlds

ZONE = "Europe/Berlin"
EVERYBODY = 1_000

WRITTEN = (
    "customer.visits > 3",
    "customer.visits > customer.score",
    "customer.score * 2 + 1.5 >= 4.5 or customer.visits - 2 == 0",
    "customer.score in [1, 2.5]",
    'customer.status != "active" and customer.country in ["DE", "AT"]',
    'customer.country contains "D" or customer.country starts with "A" or customer.country ends with ""',
    "(customer.age ?? 30) >= 18 and not consent.email",
    "customer.vip or not customer.vip",
    "has customer.tags",
    'customer.tags contains "dogs"',
    'not (customer.tags contains "dogs") or "web" in customer.tags',
    "customer in segment loyal",
    "not customer in segment loyal",
    "days_since(customer.registered_at) > 30",
    "days_until(customer.registered_at) < 0 and hours_since(customer.registered_at) > 5",
    'customer.joined < date("2020-01-01")',
    "days_since(customer.joined) > 30 and customer.visits > 0",
    "length(customer.country) == 2",
    "did(purchased, last 90 days)",
    "not did(purchased where event.total > 10, last 90 days)",
    "count(purchased, last 30 days) < 2",
    "days_since(last(purchased).at) > 60",
    "sum(purchased.total, last 365 days) > 20",
    "average(purchased.total) >= 0",
    "min(purchased.total) < max(purchased.total)",
    "last(purchased).at > first(purchased).at",
)


def condition(text):
    checked, _, findings = check_condition(text, Scope(catalog=COMPLETE), lambda *_: None)
    assert checked is not None, findings
    return checked.node


def filled(store, make, people):
    """Keep these people, as `Facts`, and everything that they did."""
    deployment = make.deployment(history=tuple(CATALOG.events))
    store.deploy([deployment], NOW)
    customers = []
    changes = Changes()
    for number, facts in enumerate(people, 1):
        (one,) = store.load([f"c{number}"], [], history=False).values()
        one.attributes, one.consent = dict(facts.attributes), dict(facts.consent)
        customers.append(one)
        changes.customers.append(one)
        changes.events += [
            KeptEvent(customer=one.number, event=event, received_at=NOW, source="s", source_id=None, needed=True)
            for events in facts.history.values()
            for event in events
        ]
    store.commit(changes)
    return customers


def one_by_one(store, node, now=NOW):
    """Return of whom the generated Python says that it is true, each asked alone as the store keeps them."""
    holds = compile_expression(node, ZONE)
    everybody = store.load((), range(1, EVERYBODY), history=True)
    return [number for number, one in sorted(everybody.items()) if holds(bare_facts(one), None, None, now) is True]


def in_batches(store, audience, size):
    found, after = [], 0
    while batch := store.audience(audience, after, size):
        assert len(batch) <= size
        found += batch
        after = batch[-1]
    return found


def agree(make, people, asked):
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stores = [MemoryStore(), stack.enter_context(closing(open_sqlite(Path(folder) / "s.db")))]
        for store in stores:
            filled(store, make, people)
            for node in asked:
                audience = Audience(node, ZONE, NOW)
                assert store.audience(audience, 0, EVERYBODY) == one_by_one(store, node)
                assert in_batches(store, audience, 2) == store.audience(audience, 0, EVERYBODY)


def without_journey(node):
    """Whether an expression stands on its own: it names nothing of an enrollment."""
    return not any(
        isinstance(part, typed.EntryProperty | typed.JourneyFact)
        or (isinstance(part, typed.History) and part.window.since_entry)
        for part in nodes(node)
    )


people = st.lists(worlds(wrong=False).map(lambda world: world[0]), min_size=1, max_size=5)
wrong_people = st.lists(worlds(wrong=True).map(lambda world: world[0]), min_size=1, max_size=5)
slow = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@slow
@given(people | wrong_people, st.lists(conditions().filter(without_journey), min_size=4, max_size=12))
def test_random_conditions_are_true_of_the_same_customers_in_sql_and_in_python(make, everybody, asked):
    agree(make, everybody, asked)


@slow
@given(people | wrong_people)
@example([Facts(external_id="c1", attributes={"country": "D\0E", "visits": 2**63, "score": 1e300, "tags": ["a\0b"]})])
@example([Facts(external_id="c1", attributes={"country": "", "visits": True, "tags": "dogs", "vip": 1})])
@example([Facts(external_id="c1", attributes={"visits": -(2**63), "score": 0.1 + 0.2, "registered_at": NOW + 1})])
def test_what_people_write_is_true_of_the_same_customers_in_sql_and_in_python(make, everybody):
    agree(make, everybody, [condition(text) for text in WRITTEN])


@pytest.mark.parametrize("text", [text for text in WRITTEN if "joined) >" not in text])
def test_what_people_write_is_decided_in_sql_where_the_data_are_of_their_types(text):
    selection = select(condition(text), NOW)
    assert selection.exact, selection


def test_what_sql_cannot_say_still_narrows_down_whom_python_is_asked_about():
    selection = select(condition('lower(customer.country) == "de" and customer.visits > 3'), NOW)
    assert not selection.exact
    assert 3 in selection.parameters.values()
    assert "de" not in selection.parameters.values()


@pytest.mark.parametrize("parts", [2, 300, 1_000])
def test_a_condition_of_many_parts_is_asked_as_well(make, parts):
    """SQLite refuses what is nested too deep or too long; Python never does."""
    is_one = condition('customer.country == "c"')
    chain = typed.Or(
        items=tuple(replace(is_one, right=replace(is_one.right, value=f"c{number}")) for number in range(parts))
    )
    everybody = [Facts(external_id="c", attributes={"country": f"c{parts - 1}"}), Facts(external_id="d")]
    agree(make, everybody, [chain, typed.And(items=(typed.Not(of=chain),) * 3)])


def test_nothing_of_a_project_becomes_sql(make):
    evil = typed.Compare(
        op="==",
        left=typed.Attribute(name="country", type=CATALOG.attributes["country"].type),
        right=typed.Literal(value="' OR 1=1 --", type=CATALOG.attributes["country"].type),
    )
    strange = typed.Known(of=typed.Attribute(name='x" OR "1', type=CATALOG.attributes["country"].type))
    agree(make, [Facts(external_id="c1", attributes={"country": "DE"})], [evil, strange])


def test_rounding_decides_nothing(make):
    """0.1 + 0.2 is not 0.3: whatever SQL reads from a text, the answer is that of Python."""
    totals = [[0.1, 0.2], [0.3], [0.1] * 10, [1.0]]
    event = lambda total: Event(name="purchased", at=NOW - DAY, properties={"total": total})  # noqa: E731
    everybody = [
        Facts(external_id=f"c{n}", history={"purchased": [event(total) for total in found]})
        for n, found in enumerate(totals)
    ]
    asked = [condition(f"sum(purchased.total) {op} {limit}") for op in ("==", ">", ">=") for limit in (0.3, 1.0, 1)]
    agree(make, everybody, asked)


def test_those_who_were_erased_belong_to_nothing(make, store):
    filled(store, make, [Facts(external_id="c1"), Facts(external_id="c2")])
    store.erase("c1", NOW)
    assert store.audience(Audience(condition("not consent.email"), ZONE, NOW), 0, EVERYBODY) == [2]


def test_an_audience_may_be_that_of_some_clocks_only(make, store):
    zones = [{"timezone": "Asia/Tokyo"}, {}, {"timezone": "Mars/Olympus"}, {"timezone": "Europe/Kiev"}, {"timezone": 7}]
    filled(store, make, [Facts(external_id="c", attributes=zone) for zone in zones])
    everybody = condition("not did(purchased)")
    here = Audience(everybody, ZONE, NOW, frozenset({ZONE}))
    assert store.audience(here, 0, EVERYBODY) == [2, 3, 5]
    there = Audience(everybody, ZONE, NOW, frozenset({"Asia/Tokyo", "Europe/Kyiv"}))
    assert store.audience(there, 0, EVERYBODY) == [1, 4]
