"""What the type checker refuses, where it points, and what a check makes known."""

import pytest

from journeyscript.diagnostics import Span
from journeyscript.semantics.catalog import Catalog
from journeyscript.semantics.checker import check_condition, check_expression
from journeyscript.semantics.scope import Scope, known_if_not_true, known_if_true
from journeyscript.semantics.types import BOOLEAN, DATE, DURATION, INTEGER, MONEY, NUMBER, STRING, TIMESTAMP
from journeyscript.syntax.expression import parse_expression
from tests.expressions import CATALOG

INSIDE = Scope(catalog=CATALOG, event=CATALOG.events["purchased"], entry=CATALOG.events["signed_up"], in_journey=True)
NOWHERE = Scope(catalog=CATALOG)


def place(offset, length):
    return Span(path="x").within(offset, length)


def refused(text, scope=INSIDE, check=check_condition):
    """Return the code of the only finding, the text it points at, and its help."""
    checked, _, findings = check(text, scope, place)
    assert checked is None
    (found,) = findings
    return found.code, text[found.span.column - 1 : found.span.end_column - 1], found.help or ""


@pytest.mark.parametrize(
    ("text", "code", "pointed"),
    [
        ("customer.vip and", "JS300", ""),
        ("customer.contry == 1", "JS301", "customer.contry"),
        ("custmer.country == 1", "JS301", "custmer.country"),
        ("country == 1", "JS301", "country"),
        ("customer == 1", "JS301", "customer"),
        ("customer.home.city == 1", "JS301", "customer.home.city"),
        ("journey.owner == 1", "JS301", "journey.owner"),
        ("consent.fax", "JS104", "consent.fax"),
        ("event.totl > 1", "JS302", "event.totl"),
        ("entry.event.totl > 1", "JS302", "entry.event.totl"),
        ("sum(purchased.totl) > 1", "JS302", "purchased.totl"),
        ("last(purchased).totl > 1", "JS302", "last(purchased).totl"),
        ("did(bought)", "JS103", "bought"),
        ("customer in segment loyl", "JS106", "customer in segment loyl"),
        ("customer.country > 3", "JS303", "customer.country > 3"),
        ("customer.vip < true", "JS303", "customer.vip < true"),
        ("customer.visits contains 3", "JS303", "customer.visits contains 3"),
        ("customer.tags contains 3", "JS303", "customer.tags contains 3"),
        ('customer.visits in [1, "a"]', "JS303", '"a"'),
        ('customer.visits in ["a"]', "JS303", 'customer.visits in ["a"]'),
        ("customer.visits in 3", "JS303", "customer.visits in 3"),
        ("customer.country + 1 == 1", "JS303", "customer.country + 1"),
        ("-customer.country == 1", "JS303", "customer.country"),
        ('(customer.age ?? "none") == 1', "JS303", '"none"'),
        ("customer.joined == customer.registered_at", "JS303", "customer.joined == customer.registered_at"),
        ("did(purchased, between 1 and 2)", "JS303", "1"),
        ("customer.age > 1", "JS304", "customer.age"),
        ('event.category == "a"', "JS304", "event.category"),
        ('did(purchased where event.category == "a")', "JS304", "event.category"),
        ('has event.category and did(purchased where event.category == "a")', "JS304", "event.category"),
        ("customer.age > 1 and has customer.age", "JS304", "customer.age"),
        ("has customer.age or customer.age > 1", "JS304", "customer.age"),
        ('lowr(customer.country) == "a"', "JS305", "lowr(customer.country)"),
        ('lower() == "a"', "JS306", "lower()"),
        ('lower(3) == "a"', "JS306", "3"),
        ("date(3) == customer.joined", "JS306", "date(3)"),
        ('date("tomorrow") == customer.joined', "JS306", 'date("tomorrow")'),
        ('timestamp("2026-03-01T09:00") == customer.registered_at', "JS309", 'timestamp("2026-03-01T09:00")'),
        ('timestamp("9999-12-31T23:59-23:59") == entry.at', "JS306", 'timestamp("9999-12-31T23:59-23:59")'),
        ("last(purchased) == 1", "JS306", "last(purchased)"),
        ("last(purchased.total) == 1", "JS306", "last(purchased.total)"),
        ("count(purchased).at == 1", "JS306", "count(purchased).at"),
        ("count(purchased.total) == 1", "JS306", "purchased.total"),
        ("sum(purchased) == 1", "JS306", "purchased"),
        ("sum(purchased.order_id) == 1", "JS306", "purchased.order_id"),
        ("event.order_id in segment loyal", "JS306", "event.order_id"),
        ('customer.status == "activ"', "JS307", '"activ"'),
        ('"activ" != customer.status', "JS307", '"activ"'),
        ('customer.status in ["active", "gone"]', "JS307", '"gone"'),
        ('customer.interests contains "birds"', "JS307", '"birds"'),
        ("customer.visits", "JS308", "customer.visits"),
        ("customer.vip and customer.visits", "JS308", "customer.visits"),
        ("not customer.visits", "JS308", "customer.visits"),
        ("did(purchased where event.total)", "JS308", "event.total"),
        ("has customer.patience and customer.patience > 3", "JS310", "customer.patience > 3"),
        ("customer.balance + 3 days == 1", "JS310", "customer.balance + 3 days"),
        ("customer.balance * customer.balance > 1", "JS310", "customer.balance * customer.balance"),
    ],
)
def test_one_cause_gives_one_finding_at_its_place(text, code, pointed):
    found, where, _ = refused(text)
    assert found == code
    if pointed:
        assert where == pointed


@pytest.mark.parametrize("text", ["event.total > 1", "entry.at == entry.at", "did(purchased, since entry)"])
def test_what_no_event_or_no_journey_is_there_for_is_out_of_scope(text):
    assert refused(text, NOWHERE)[0] == "JS311"


@pytest.mark.parametrize(
    ("text", "help_text"),
    [
        ('customer.contry == "a"', "did you mean `customer.country`?"),
        ('country == "a"', "did you mean `customer.country`?"),
        ('customer.status == "activ"', "did you mean `active`?"),
        ("did(purchase)", "did you mean `purchased`?"),
        ("day_since(customer.joined) > 1", "did you mean `days_since`?"),
        ("customer.age > 1", "add `has customer.age and` in front, or give a default: `customer.age ?? …`"),
    ],
)
def test_help_says_what_to_write(text, help_text):
    assert refused(text)[2] == help_text


@pytest.mark.parametrize(
    "text",
    [
        "has customer.age and customer.age > 1",
        "customer.age is known and customer.age > 1",
        "not has customer.age or customer.age > 1",
        "customer.age is unknown or customer.age > 1",
        "(customer.age ?? 0) > 1",
        "has customer.age and (customer.vip or customer.age > 1)",
        'has customer.age and has event.category and event.category == "a" and customer.age > 1',
        "not (customer.age is unknown or customer.vip) and customer.age > 1",
        'did(purchased where has event.category and event.category == "a")',
        '(event.category ?? customer.first_name ?? "none") == "a"',
        'customer.status starts with "act"',
        '"a" in customer.tags',
        'customer.interests contains "dogs"',
        "has customer.home",
    ],
)
def test_a_guard_or_a_default_makes_a_value_known(text):
    checked, _, findings = check_condition(text, INSIDE, place)
    assert checked is not None, findings


@pytest.mark.parametrize(
    ("text", "if_true", "if_not_true"),
    [
        ("has a.b", {"a.b"}, set()),
        ("a.b is unknown", set(), {"a.b"}),
        ("not has a.b", set(), {"a.b"}),
        ("has a.b and has a.c", {"a.b", "a.c"}, set()),
        ("has a.b or has a.c", set(), set()),
        ("has a.b or has a.b and x.y", {"a.b"}, set()),
        ("a.b is unknown or a.c is unknown", set(), {"a.b", "a.c"}),
        ("not (a.b is unknown or x.y)", {"a.b"}, set()),
        ("not (not has a.b)", {"a.b"}, set()),
        ("x.y == 1", set(), set()),
    ],
)
def test_what_a_condition_makes_known(text, if_true, if_not_true):
    tree = parse_expression(text)
    assert known_if_true(tree) == if_true
    assert known_if_not_true(tree) == if_not_true


def test_a_wait_forgets_everything_but_the_entry():
    scope = INSIDE.knowing(frozenset({"customer.age", "event.category", "entry.event.plan"}))
    assert scope.after_wait().known == {"entry.event.plan"}
    assert scope.at_event(None).known == {"customer.age", "entry.event.plan"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("customer.registered_at + 1 day", TIMESTAMP),
        ("customer.registered_at - entry.at", DURATION),
        ("customer.joined - 3 days", DATE),
        ("customer.joined - customer.joined", DURATION),
        ("3 days * 2", DURATION),
        ("3 days / 1 hour", NUMBER),
        ("customer.balance * 2", MONEY),
        ("customer.balance / customer.balance", NUMBER),
        ("customer.visits / 2", NUMBER),
        ("customer.visits * 2", INTEGER),
        ('customer.country + "x"', STRING),
        ("average(purchased.total)", NUMBER),
        ("sum(purchased.total)", MONEY),
        ("max(purchased.at)", TIMESTAMP),
        ("first(purchased).order_id", STRING),
        ("did(purchased)", BOOLEAN),
        ("abs(customer.balance)", MONEY),
        ("event.at", TIMESTAMP),
        ("customer.id", STRING),
    ],
)
def test_every_expression_has_a_type(text, kind):
    checked, _, findings = check_expression(text, INSIDE, place)
    assert checked is not None, findings
    assert checked.type == kind


# Segments -------------------------------------------------------------------------------------------------------------


def with_segments(**segments):
    return Scope(catalog=Catalog(attributes=CATALOG.attributes, events=CATALOG.events, segments=segments))


def test_a_segment_is_carried_along_with_its_condition():
    checked, _, _ = check_condition("customer not in segment loyal", INSIDE, place)
    assert checked is not None
    assert checked.node.of.name == "loyal"
    assert checked.node.of.condition.left.event == "purchased"


def test_a_segment_cannot_be_defined_by_itself_however_long_the_way_round():
    scope = with_segments(a="customer in segment b", b="not customer in segment c", c="customer in segment a")
    assert refused("customer in segment a", scope)[0] == "JS306"


def test_segments_that_ask_for_each_other_too_deeply_are_refused():
    segments = {f"s{n}": f"customer in segment s{n + 1}" for n in range(500)}
    assert refused("customer in segment s0", with_segments(**segments, s500="customer.vip"))[0] == "JS306"
    few = {f"s{n}": f"customer in segment s{n + 1}" for n in range(4)}
    checked, _, findings = check_condition("customer in segment s0", with_segments(**few, s4="customer.vip"), place)
    assert checked is not None, findings


def test_segments_that_multiply_are_refused():
    segments = {f"s{n}": " and ".join([f"customer in segment s{n + 1}"] * 60) for n in range(4)}
    code, _, _ = refused("customer in segment s0", with_segments(**segments, s4="customer.vip and customer.visits > 1"))
    assert code == "JS300"


def test_a_segment_sees_no_event_and_no_journey():
    assert refused("customer in segment s", with_segments(s="event.total > 1"))[0] == "JS311"
    assert refused("customer in segment s", with_segments(s="did(purchased, since entry)"))[0] == "JS311"
