"""What the catalog calls sensitive is looked at, and stands in no decision: not in a store, nor in what is told."""

import json
from contextlib import closing

import pytest

from journeyscript.cli.explain import tell
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.reporting.dossier import plain
from journeyscript.runtime.session import deployments_of, rules_of
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite

START = 1_772_000_000_000
HOUR, DAY = 3_600_000, 86_400_000
SECRET = {
    "email": "4711@shop.example",
    "salary": 4711,
    "phone": "+49 151 4711",
    "timezone": "Pacific/Chatham",
    "best_time": "04:11",
}
FILES = {
    "journeyscript.yaml": "name: shop\n",
    "catalog/customer.yaml": """
attributes:
  email: { type: string, optional: true, sensitive: true }
  salary: { type: integer, optional: true, sensitive: true }
  phone: { type: string, optional: true, sensitive: true }
  timezone: { type: string, optional: true, sensitive: true }
  best_time: { type: string, optional: true, sensitive: true }
  country: { type: string, optional: true }
""",
    "catalog/events.yaml": """
events:
  signed_up: { properties: { plan: { type: string }, card: { type: string, sensitive: true } } }
  purchased: { properties: { total: { type: money }, iban: { type: string, sensitive: true } } }
""",
    "catalog/segments.yaml": "segments: { rich: { when: has customer.salary and customer.salary > 1000 } }\n",
    "channels/email/channel.yaml": "adapter: file\nmedium: email\nconsent: none\nsender: shop@shop.example\n"
    "unsubscribe: { mailto: stop@shop.example }\n",
    "channels/email/hello.md": "---\nsubject: Hello\n---\nHello\n",
}
HEAD = "journey: trial\nentry: { event: signed_up, again: always }\n"


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    with closing(MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "kept.db")) as made:
        yield made


@pytest.fixture
def live(store, build, take_in):
    """Live through what happens to Ada in one journey; return what its decisions looked at, by step."""

    def lived(journey, *rows, **profile):
        project = build({**FILES, "journeys/trial.yaml": journey}, usual=False)
        store.deploy(deployments_of(project), START)
        rules = rules_of(project, store, virtual=True)
        rows = rows or ((0, "signed_up", {"plan": "pro", "card": "card 4711"}),)
        for at, event, properties in rows:
            more = {"properties": properties, "attributes": profile} if event else {"attributes": profile}
            incoming = take_in(project, [("ada", at, event, more)])
            store.commit(advance(store, rules, incoming=incoming, now=START + at))
        while (due := store.next_due()) is not None and due < START + 30 * DAY:
            store.commit(advance(store, rules, due=store.due(due, 10), now=due))
        seen = {}
        for kept in store.story("ada").decisions:
            seen.setdefault(kept.decision.state, {}).update(kept.decision.values)
        return seen

    return lived


def told(store, capsys):
    """Return all that is told of Ada's decisions: by `explain`, in both forms, and in what she may ask for."""
    dossier = store.dossier("ada")
    deployments, _ = store.deployments()
    for form in ("text", "json"):
        tell(dossier.story, deployments, "UTC", None, form)
    decisions = [line for one in plain(dossier)["enrollments"] for line in one["decisions"]]
    return capsys.readouterr().out + json.dumps(decisions)


BRANCH = (
    HEAD
    + """steps:
  - branch:
      - if: CONDITION
        steps: [{ wait: 1 hour }]
      - else: []
"""
)


def branched(condition):
    """Return a journey that waits where a condition holds."""
    return BRANCH.replace("CONDITION", json.dumps(condition))


@pytest.mark.parametrize(
    ("condition", "looked_at"),
    [
        ("has customer.phone", {"customer.phone": "(sensitive)"}),
        ("customer.salary ?? 0 > 1000", {"customer.salary": "(sensitive)"}),
        ("has customer.salary and customer.salary / 12 > 300", {"customer.salary": "(sensitive)"}),
        ("lower(customer.phone ?? '') starts with '+49'".replace("'", '"'), {"customer.phone": "(sensitive)"}),
        ('event.card != "x" and event.plan == "pro"', {"event.card": "(sensitive)", "event.plan": "pro"}),
        ('entry.event.card != "x"', {"entry.event.card": "(sensitive)"}),
        ('entry.event.plan == "pro"', {"entry.event.plan": "pro"}),
        ('last(signed_up).card ?? "x" != "x"', {"last(signed_up).card": "(sensitive)"}),
        ("count(signed_up) == 1", {"count(signed_up)": 1}),
        ("customer in segment rich", {"customer in segment rich": True}),
        ("customer.country is unknown", {"customer.country": None}),
    ],
)
def test_a_decision_keeps_that_a_sensitive_value_was_looked_at_and_not_the_value(
    live, store, capsys, condition, looked_at
):
    seen = live(branched(condition), **SECRET)
    assert seen["wait"] == looked_at
    assert "4711" not in told(store, capsys)


def test_where_a_sensitive_value_is_missing_a_decision_says_so(live):
    seen = live(branched("customer.phone is unknown"))
    assert seen["wait"] == {"customer.phone": None}


def test_explain_shows_the_marker_as_it_is(live, store, capsys):
    live(branched("has customer.phone"), **SECRET)
    assert "[customer.phone = (sensitive)]" in told(store, capsys)


def test_what_an_entry_an_exit_a_goal_and_an_awaited_event_look_at_is_kept_out_as_well(live, store, capsys):
    seen = live(
        """
journey: trial
entry: { event: signed_up, where: "event.card != event.plan", again: always }
goal: { event: purchased, where: event.iban != "x", exit: false }
exit: [{ event: purchased, where: event.iban == "DE 4711" and event.total > 10 }]
steps:
  - wait_for: purchased
    where: event.iban == "IT 4711"
    timeout: 1 day
    then: []
    else: [{ wait: 1 day }]
""",
        (0, "signed_up", {"plan": "pro", "card": "card 4711"}),
        (2 * HOUR, "purchased", {"total": 20, "iban": "DE 4711"}),
    )
    assert seen["wait_for.purchased"] == {
        "event.card": "(sensitive)", "event.plan": "pro", "event.iban": "(sensitive)", "event.total": 20,
    }  # fmt: skip
    assert "4711" not in told(store, capsys)


def test_who_is_held_out_leaves_no_sensitive_value_behind(live, store, capsys):
    head = "journey: trial\nentry: { event: signed_up, where: 'event.card != \"\"', again: always, holdout: 99% }\n"
    assert live(head + "steps: [{ wait: 1 hour }]\n", **SECRET) == {"": {"event.card": "(sensitive)"}}
    assert "4711" not in told(store, capsys)


def test_a_refreshed_entry_keeps_its_sensitive_properties_to_itself(live, store, capsys):
    head = "journey: trial\nentry: { event: signed_up, again: always, while_active: refresh }\n"
    seen = live(
        head + "steps: [{ wait: 2 days }]\n",
        (0, "signed_up", {"plan": "pro", "card": "card 4711"}),
        (HOUR, "signed_up", {"plan": "free", "card": "card 4711"}),
    )
    assert seen["wait"] == {"entry.event.plan": "free", "entry.event.card": "(sensitive)"}
    assert "4711" not in told(store, capsys)


def test_a_sensitive_clock_and_a_sensitive_best_time_are_gone_by_and_not_kept(live, store, capsys):
    seen = live(
        HEAD + "steps:\n  - wait_until: { time: '09:00' }\n  - { send: hello, at: best_time }\n",
        **SECRET,
    )
    assert seen["wait_until"] == {"zone": "(sensitive)"}
    assert seen["send.hello"] == {"customer.best_time": "(sensitive)", "zone": "(sensitive)"}
    assert store.story("ada").sends[0].created_at > START, "both were gone by"
    assert "Chatham" not in told(store, capsys)


def test_quiet_hours_on_a_sensitive_clock_do_not_tell_it(live, store, build, take_in):
    quiet = {"journeyscript.yaml": 'name: shop\npolicies: { quiet_hours: { between: ["08:00", "07:00"] } }\n'}
    project = build({**FILES, **quiet, "journeys/trial.yaml": HEAD + "steps: [{ send: hello }]\n"}, usual=False)
    store.deploy(deployments_of(project), START)
    properties = {"plan": "pro", "card": "card 4711"}
    records = take_in(project, [("ada", 0, "signed_up", {"properties": properties, "attributes": SECRET})])
    store.commit(advance(store, rules_of(project, store, virtual=True), incoming=records, now=START))
    assert [kept.decision.values for kept in store.story("ada").decisions][-1] == (("zone", "(sensitive)"),)


def test_what_is_not_declared_any_more_is_kept_out_of_the_decisions_of_those_inside(store, build, take_in):
    before = HEAD + "steps:\n  - wait: 1 hour\n  - branch: [{ if: has customer.phone, steps: [] }, { else: [] }]\n"
    project = build({**FILES, "journeys/trial.yaml": before}, usual=False)
    store.deploy(deployments_of(project), START)
    properties = {"plan": "pro", "card": "card 4711"}
    records = take_in(project, [("ada", 0, "signed_up", {"properties": properties, "attributes": SECRET})])
    store.commit(advance(store, rules_of(project, store, virtual=True), incoming=records, now=START))
    gone = FILES["catalog/customer.yaml"].replace("phone:", "mobile:")
    project = build(
        {"catalog/customer.yaml": gone, "journeys/trial.yaml": HEAD + "steps: [{ wait: 1 day }]\n"}, usual=False
    )
    store.deploy(deployments_of(project), START)
    rules = rules_of(project, store, virtual=True)
    store.commit(advance(store, rules, due=store.due(START + HOUR, 10), now=START + HOUR))
    assert store.story("ada").decisions[-1].decision.values == (("customer.phone", "(sensitive)"),)


def test_what_is_called_sensitive_later_makes_no_new_version_and_counts_at_once(store, build, take_in):
    open_catalog = FILES["catalog/customer.yaml"].replace("sensitive: true", "sensitive: false")
    journey = {
        "journeys/trial.yaml": HEAD
        + "steps:\n  - wait: 1 hour\n  - branch: [{ if: has customer.phone, steps: [] }, { else: [] }]\n"
    }
    first = build({**FILES, **journey, "catalog/customer.yaml": open_catalog}, usual=False)
    store.deploy(deployments_of(first), START)
    properties = {"plan": "pro", "card": "card 4711"}
    records = take_in(first, [("ada", 0, "signed_up", {"properties": properties, "attributes": SECRET})])
    store.commit(advance(store, rules_of(first, store, virtual=True), incoming=records, now=START))
    second = build({**FILES, **journey}, usual=False)
    assert [one.version for one in deployments_of(second)] == [one.version for one in deployments_of(first)]
    rules = rules_of(second, store, virtual=True)
    store.commit(advance(store, rules, due=store.due(START + HOUR, 10), now=START + HOUR))
    assert store.story("ada").decisions[-1].decision.values == (("customer.phone", "(sensitive)"),)
