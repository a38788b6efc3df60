"""What the project file says beyond its shape: who is a test customer."""

import pytest

from journeyscript.compiler import compile_project
from journeyscript.semantics.show import show
from tests.projects import lay_out

NAMED = "name: golden\ntimezone: Europe/Berlin\n"


def compiled(root, condition, files=None, more=""):
    return compile_project(
        lay_out(root, {"journeyscript.yaml": f"{NAMED}test_customers: {condition}\n{more}", **(files or {})})
    )


def test_the_condition_of_test_customers_is_typed_like_any_other(tmp_path):
    project = compiled(tmp_path, "customer.vip and not consent.email")
    assert project.diagnostics == ()
    assert show(project.test_customers) == "customer.vip and not consent.email"


def test_without_a_condition_nobody_is_a_test_customer(tmp_path):
    assert compile_project(lay_out(tmp_path)).test_customers is None


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("event.source == 'web'", "JS311"),
        ("entry.at == customer.id", "JS311"),
        ("journey.name == 'x'", "JS301"),
        ("count(purchased) > 3", "JS311"),
        ("customer in segment nobody", "JS106"),
        ("customer.id", "JS308"),
        ("customer.id ==", "JS300"),
        ("true and customer.id > 5", "JS303"),
    ],
)
def test_a_condition_that_cannot_be_asked_at_every_entry_is_an_error(tmp_path, condition, code):
    project = compiled(tmp_path, f'"{condition}"')
    assert [(found.code, found.span.path, found.span.line) for found in project.diagnostics] == [
        (code, "journeyscript.yaml", 3)
    ]
    assert not project.sound
    assert project.test_customers is None


def test_the_past_is_not_asked_by_way_of_a_segment_either(tmp_path):
    segments = {
        "catalog/segments.yaml": "segments:\n  buyers: { when: did(purchased) }\n  vips: { when: customer.vip }\n"
    }
    asked = compiled(tmp_path / "past", "customer in segment buyers", segments)
    assert [found.message for found in asked.diagnostics] == [
        "a test customer is told by attributes, and this asks whether `purchased` happened"
    ]
    assert compiled(tmp_path / "now", "customer in segment vips", segments).test_customers is not None


def test_an_attribute_that_only_tells_test_customers_is_of_use(tmp_path):
    def unused(root, condition):
        attribute = "\n  tester: { type: boolean, optional: true }\n"
        catalog = (lay_out(root) / "catalog" / "customer.yaml").read_text().rstrip() + attribute
        found = compiled(root, condition, {"catalog/customer.yaml": catalog}, "rules: { JS110: info }\n").diagnostics
        return [one.message for one in found if one.code == "JS110" and "tester" in one.message]

    assert unused(tmp_path / "used", "customer.tester ?? false") == []
    assert unused(tmp_path / "unused", "customer.vip") == ["nothing uses the attribute `tester`"]
