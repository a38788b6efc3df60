"""Journeys as people write them, in which nothing is wrong: a finding in one of them is a false alarm."""

import pytest

from journeyscript.checks.competing import competing_entry
from journeyscript.checks.conditions import redundant_condition
from journeyscript.checks.journey import check_journey
from tests.projects import compile_text, surroundings

QUIET = {
    "a welcome series that ends with the first purchase": """
entry: { event: signed_up, where: event.source != "import", again: never }
goal: { event: purchased, within: 14 days, exit: true }
steps:
  - send: welcome
  - wait: 2 days
  - send: reminder
  - { wait: 5 days, id: longer }
  - branch:
      - if: customer.visits > 3
        steps: [{ send: offer, with: { discount: "10" } }]
      - else: []
""",
    "a cart that is left, with an exit that watches": """
entry:
  event: page_viewed
  where: event.url starts with "/cart" and not did(purchased, last 1 day)
  again: after 7 days
exit: [{ event: purchased }]
steps:
  - wait: 4 hours
  - send: reminder
  - { wait: 1 day, id: longer }
  - branch:
      - if: customer.vip
        steps: [{ send: offer, with: { discount: "20" } }]
      - if: customer.visits >= 5
        steps: [{ send: offer, id: smaller, with: { discount: "10" } }]
      - else: []
""",
    "win-back of those who were active, asked again after each wait": """
entry: { event: account_closed, again: after 30 days }
steps:
  - wait: 30 days
  - branch:
      - if: did(purchased, since entry)
        steps: [{ exit: came_back }]
      - else: []
    id: after_a_month
  - send: reminder
  - { wait: 30 days, id: longer }
  - branch:
      - if: did(purchased, since entry)
        steps: [{ exit: came_back }]
      - else: []
    id: after_two
  - send: offer
    with: { discount: "25" }
""",
    "three levels, each with its own branch inside": """
entry: { event: purchased, again: after 30 days }
steps:
  - branch:
      - if: (customer.level ?? "bronze") == "gold"
        steps:
          - branch:
              - if: customer.visits > 20
                steps: [{ set: { vip: true } }]
              - else: [{ send: reminder }]
            id: gold
      - if: (customer.level ?? "bronze") == "silver"
        steps:
          - branch:
              - if: customer.visits > 20
                steps: [{ set: { level: '"gold"' } }]
              - else: []
            id: silver
      - else: []
""",
    "steps of a number, from the largest down": """
entry: { event: purchased, again: always }
steps:
  - branch:
      - if: event.total >= 500
        steps: [{ set: { level: '"gold"' } }]
      - if: event.total >= 100
        steps: [{ set: { level: '"silver"' } }]
      - if: event.total >= 10
        steps:
          - branch:
              - if: event.total >= 50
                steps: [{ set: { level: '"bronze"' } }]
              - else: []
            id: small
      - else: []
""",
    "both sides of consent, though only one can be": """
entry: { event: signed_up, again: never }
steps:
  - branch:
      - if: has customer.phone and consent.sms
        steps: [{ send: welcome, via: sms }]
      - if: consent.email
        steps: [{ send: welcome, via: email, id: by_mail }]
      - if: not consent.email
        steps: [{ emit: app_installed }]
      - else: []
""",
    "a guard that the types ask for": """
entry: { event: signed_up, where: has event.plan and event.plan == "pro", again: never }
steps:
  - branch:
      - if: has customer.age and customer.age >= 18
        steps:
          - branch:
              - if: customer.age >= 65
                steps: [{ send: reminder }]
              - else: [{ send: welcome }]
            id: by_age
      - else: []
""",
    "the same question before and after a wait": """
entry: { event: signed_up, where: customer.visits > 3, again: never }
steps:
  - branch:
      - if: customer.vip
        steps: [{ exit: known }]
      - else: []
    id: before
  - wait: 3 days
  - branch:
      - if: customer.vip
        steps: [{ send: welcome }]
      - if: customer.visits > 3
        steps: [{ send: reminder }]
      - else: []
    id: behind
""",
    "several events, the same one for two amounts": """
entry: { event: signed_up, again: never }
goal: { event: purchased, exit: false }
steps:
  - send: welcome
  - wait_for:
      - event: purchased
        where: event.total >= 100
        steps: [{ set: { level: '"gold"' } }]
      - event: purchased
        steps: [{ set: { level: '"silver"' } }]
      - event: account_closed
        steps: [{ exit: gone }]
    timeout: 7 days
  - send: reminder
""",
    "a loop until somebody comes": """
entry: { event: app_installed, again: never }
exit: [{ event: account_closed }]
steps:
  - repeat: { times: 3, until: "did(purchased, since entry)" }
    steps:
      - wait: 2 days
      - branch:
          - if: not did(purchased, since entry)
            steps: [{ send: reminder }]
          - else: []
""",
    "what is set is asked where somebody else may have set it": """
entry: { event: purchased, again: after 1 day }
steps:
  - branch:
      - if: count(purchased, last 365 days) >= 10
        steps: [{ set: { vip: true, level: '"gold"' } }]
      - if: count(purchased, last 365 days) >= 3
        steps: [{ set: { level: '"silver"' } }]
      - else: []
    id: promote
  - branch:
      - if: customer.vip
        steps: [{ send: welcome, via: email }]
      - else: []
    id: greet
""",
    "an exit on some purchases, a wait for the others": """
entry: { event: signed_up, again: never }
exit:
  - event: purchased
    where: event.total >= 500
  - when: customer.status == "blocked"
steps:
  - send: welcome
  - wait_for: purchased
    where: event.total > 100
    timeout: 7 days
    then:
      - branch:
          - if: event.total > 300
            steps: [{ send: reminder }]
          - else: []
""",
    "a condition that is waited for and asked of": """
entry: { event: signed_up, where: not customer.vip, again: never }
steps:
  - send: welcome
  - wait_until: { when: customer.vip, timeout: 10 days }
  - branch:
      - if: customer.vip
        steps: [{ send: reminder }]
      - else: []
""",
    "a window that may be open already": """
entry: { event: signed_up, where: customer.visits > 3, again: never }
steps:
  - wait_until: { between: ["09:00", "18:00"], days: weekdays }
  - branch:
      - if: customer.visits > 5
        steps: [{ send: welcome }]
      - if: customer.visits > 3
        steps: [{ send: reminder }]
      - else: []
""",
}


def compiled(text, name="trial"):
    found, findings = compile_text(f"journey: {name}{text}", f"journeys/{name}.yaml")
    assert found is not None, findings
    assert not findings, findings
    return found


@pytest.mark.parametrize("text", QUIET.values(), ids=QUIET)
def test_nothing_is_said_of_a_journey_in_which_nothing_is_wrong(text):
    found = compiled(text)
    said = [item for item in check_journey(found, surroundings().channels) if item.code != "JS510"]
    assert not said, said
    assert not list(redundant_condition(found))


def test_nothing_is_said_of_journeys_that_are_told_apart():
    entry = "\nentry: {{ event: purchased, where: '{}', again: never }}\nsteps: [{{ send: welcome }}]\n"
    other = 'has customer.level and customer.level in ["silver", "bronze"]'
    wheres = [
        'has customer.level and customer.level == "gold"',
        f"{other} and customer.vip",
        f"{other} and not customer.vip",
        "customer.level is unknown",
    ]
    assert not list(
        competing_entry({f"j{n}": compiled(entry.format(where), f"j{n}") for n, where in enumerate(wheres)})
    )
