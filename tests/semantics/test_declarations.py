"""The catalog files as a catalog."""

import pytest

from journeyscript.semantics.declarations import read_catalog
from journeyscript.semantics.types import STRING, TIMESTAMP, Type
from journeyscript.source.yaml import read_yaml
from journeyscript.syntax.wording import meant
from tests.projects import codes, surroundings

CATALOG = surroundings().catalog


def read(customer="attributes: {}", events="events: {}", segments="segments: {}"):
    nodes = [read_yaml("catalog/x.yaml", text)[0] for text in (customer, events, segments)]
    return read_catalog(*nodes, ("email",))


def test_attributes_have_types_and_may_be_optional():
    assert CATALOG.attributes["email"].optional
    assert CATALOG.attributes["email"].sensitive
    assert not CATALOG.attributes["country"].optional
    assert CATALOG.attributes["level"].type == Type(kind="enum", values=("bronze", "silver", "gold"))


def test_a_list_knows_what_it_holds_also_where_that_is_a_mapping():
    assert CATALOG.attributes["tags"].type == Type(kind="list", items=STRING)
    assert CATALOG.attributes["interests"].type.items == Type(kind="enum", values=("dogs", "cats"))
    catalog, _ = read("attributes: { x: { type: list, items: { type: list, items: integer } } }")
    assert str(catalog.attributes["x"].type) == "list of list of integer"


def test_some_names_are_there_without_being_declared():
    assert CATALOG.attribute("id").type == STRING
    assert CATALOG.events["app_installed"].property("at").type == TIMESTAMP
    assert CATALOG.attribute("nothing") is None


@pytest.mark.parametrize(
    ("customer", "events"),
    [("attributes: { id: { type: string } }", "events: {}"),
     ("attributes: {}", "events: { seen: { properties: { at: { type: timestamp } } } }")],
)  # fmt: skip
def test_nobody_can_declare_what_is_there_by_itself(customer, events):
    assert codes(read(customer, events)[1]) == ["JS109"]


def test_absent_files_declare_nothing():
    catalog, findings = read_catalog(None, None, None, ())
    assert (catalog.attributes, catalog.events, catalog.segments, findings) == ({}, {}, {}, [])


def test_a_wrong_segment_is_told_where_it_is_written():
    _, findings = read(
        segments="segments:\n  vip: { when: customer.nothing }\n  self: { when: customer in segment self }\n"
    )
    assert codes(findings) == ["JS301", "JS306"]
    assert [(found.span.line, found.span.column) for found in findings] == [(2, 16), (3, 17)]


@pytest.mark.parametrize(("name", "expected"), [("purchase", "purchased"), ("xyz", None), ("", None)])
def test_the_closest_name_is_offered_where_one_is_near(name, expected):
    assert meant(name, CATALOG.events) == expected
