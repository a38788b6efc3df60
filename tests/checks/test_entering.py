"""Steps that put the customer into another journey or stage: what the rest of the project has to have for them."""

import pytest

from journeyscript.compiler import compile_project
from tests.projects import BASE, lay_out, steps_of

OFFER = """
journey: offer
entry: { api: { coupon: { type: string }, vip: { type: boolean, optional: true } }, again: never }
steps:
  - send: welcome
"""
CATALOG = (BASE / "catalog" / "customer.yaml").read_text()


@pytest.fixture
def found(tmp_path):
    """Return what is found in a project of one journey of these steps, and others by name."""

    def compiled(steps, catalog=CATALOG, **others):
        texts = {"trial": steps_of(steps), "offer": OFFER, **others}
        files = {f"journeys/{name}.yaml": text for name, text in texts.items()}
        root = lay_out(tmp_path, {**files, "catalog/customer.yaml": catalog})
        return [(one.code, one.message, one.help) for one in compile_project(root).diagnostics]

    return compiled


def entering(*given, journey="offer"):
    return f"- enter: {journey}\n" + (f"  with: {{ {', '.join(given)} }}\n" if given else "")


MAY = "coupon: '\"MAY\"'"


@pytest.mark.parametrize("given", [(MAY,), (MAY, "vip: customer.vip"), (MAY, "vip: customer.visits > 3")])
def test_what_the_entry_asks_for_is_in_order(found, given):
    assert found(entering(*given)) == []


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ((), "JS004", "`offer` needs `coupon` under `with`"),
        (("coupon: 3",), "JS303", "`coupon` holds string, this is integer"),
        (("coupon: customer.visits > 3",), "JS303", "`coupon` holds string, this is boolean"),
        (("coupon: customer.first_name",), "JS304", "`customer.first_name` may be missing here"),
        ((MAY, "colour: 3"), "JS302", "`offer` asks for no `colour`"),
    ],
)
def test_what_the_entry_does_not_ask_for_is_told(found, given, code, message):
    assert [one[:2] for one in found(entering(*given))] == [(code, message)]


def test_a_journey_that_is_not_there_is_told_with_the_closest_one(found):
    assert found(entering(journey="ofer")) == [
        ("JS107", "there is no journey `ofer`", "did you mean `offer`?"),
    ]


def test_only_a_journey_that_starts_by_api_can_be_entered(found):
    ((code, message, advice),) = found(entering(journey="trial"))
    assert (code, message) == ("JS107", "no step can enter `trial`, which starts by `signed_up` and not by `api`")
    assert "`journeys/trial.yaml`" in advice


def test_a_journey_with_an_error_of_its_own_is_taken_as_it_is_named(found):
    broken = OFFER.replace("send: welcome", "send: welcom")
    assert {code for code, *_ in found(entering(MAY), offer=broken)} == {"JS105"}


@pytest.mark.parametrize(
    ("declared", "code", "advice"),
    [
        ("", "JS301", "declare it in `catalog/customer.yaml`: `stage: { type: enum, values: [active] }`"),
        ("stage: { type: integer }", "JS303", "let it be of the type `enum`, with the stages as its values"),
        (
            "stage: { type: enum, values: [activ, old] }",
            "JS307",
            "did you mean `activ`? else add it to the values of `stage` in `catalog/customer.yaml`",
        ),
    ],
)
def test_a_stage_needs_an_attribute_that_can_hold_it(found, declared, code, advice):
    lines = [f"  {declared}" if "stage:" in line else line for line in CATALOG.splitlines()]
    ((told, _, helped),) = found("- stage: active\n", "\n".join(lines) + "\n")
    assert (told, helped) == (code, advice)


def test_a_stage_may_be_any_text_where_the_attribute_is_one(found):
    lines = ["  stage: { type: string }" if "stage:" in line else line for line in CATALOG.splitlines()]
    assert found("- stage: at risk\n", "\n".join(lines) + "\n") == []


def test_behind_a_stage_the_attribute_is_there(found):
    branch = """
- branch:
    - if: customer.vip or customer.stage == "loyal"
      steps: [{ send: welcome }]
    - else: []
"""
    assert "JS304" in {code for code, *_ in found(branch)}
    assert "JS304" not in {code for code, *_ in found("- stage: active" + branch)}
