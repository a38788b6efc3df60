"""Who is let in: journeys in their order, one of a group, so many at a time; and what is kept of those who are not."""

from contextlib import closing

import pytest

from journeyscript.engine.entry import is_held_out
from journeyscript.engine.values import Facts
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.advancing.progress import NOTABLY_AHEAD
from journeyscript.runtime.reporting.report import report
from journeyscript.runtime.session import deployments_of, rules_of
from journeyscript.stores.counts import RefusalCount
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Refusal
from journeyscript.stores.sqlite import open_sqlite

START = 1_772_000_000_000
HOUR, DAY = 3_600_000, 86_400_000


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "entering.db")
    with closing(made):
        yield made


@pytest.fixture
def shop(build):
    """Compile a project of these journeys, which start on `purchased` unless they say otherwise."""

    def made(**journeys):
        gone = dict.fromkeys(f"journeys/{name}.yaml" for name in ("welcome", "winback", "vip", "vip_greeting"))
        files = {f"journeys/{name}.yaml": f"journey: {name}\n{text}" for name, text in journeys.items()}
        return build({**gone, **files})

    return made


@pytest.fixture
def run(store, take_in):
    """Deploy a project and take purchases in, each of a customer at a time; timers fire as of the last one."""

    def taken(project, *purchases, now=None, event="purchased"):
        store.deploy(deployments_of(project), START)
        ends = max(at for _, at in purchases) if now is None else now
        rows = [(customer, at, event, {"properties": {"total": 20}}) for customer, at in purchases]
        changes = advance(
            store,
            rules_of(project, store, virtual=False),
            incoming=take_in(project, rows, "test"),
            due=store.due(START + ends, 100),
            now=START + ends,
        )
        store.commit(changes)
        return changes

    return taken


def head(again="always", event="purchased", more="", **keys):
    written = "".join(f", {key}: {value}" for key, value in keys.items())
    return f"{more}entry: {{ event: {event}, again: {again}{written} }}\n"


def waits(*args, **kwargs):
    return head(*args, **kwargs) + "steps:\n  - wait: 10 days\n"


def inside(store, customer):
    return [e.journey for e in store.story(customer).enrollments if e.status == "active"]


def refusals(store, customer):
    return [(r.journey, r.reason) for r in store.story(customer).refusals]


def balanced(store):
    for one in report(store, START).journeys:
        assert one.entered == one.active + one.completed + one.exited + one.failed
    return {one.journey: one for one in report(store, START).journeys}


# Between journeys --------------------------------------------------------------------------------------------------


def test_journeys_are_entered_by_priority_and_then_in_the_order_of_their_files(shop, store, run):
    run(shop(a=waits(), b=waits(more="priority: 5\n"), c=waits(more="priority: -1\n"), d=waits()), ("ada", 0))
    assert inside(store, "ada") == ["b", "a", "d", "c"]


def test_of_a_group_the_journey_of_the_higher_priority_is_entered_and_the_others_are_refused(shop, store, run):
    group = "exclusive_group: offers\n"
    project = shop(a=waits(more=group), b=waits(more=f"{group}priority: 1\n"), c=waits())
    run(project, ("ada", 0))
    assert inside(store, "ada") == ["b", "c"]
    assert refusals(store, "ada") == [("a", "exclusive_group")]
    run(project, ("ada", 11 * DAY))
    assert inside(store, "ada") == ["b", "c"], "b was over, and is tried first again"


def test_a_journey_that_joins_a_group_counts_with_those_who_entered_before(shop, store, run):
    run(shop(a=waits()), ("ada", 0))
    group = "exclusive_group: offers\n"
    run(shop(a=waits("never", more=group), b=waits(more=group)), ("ada", DAY))
    assert inside(store, "ada") == ["a"]
    assert refusals(store, "ada") == [("a", "inside"), ("b", "exclusive_group")]


# So many at a time -------------------------------------------------------------------------------------------------


def test_the_batch_counts_who_enters_and_who_leaves(shop, store, run):
    project = shop(a=head(max_active=2) + "exit: [{ event: closed }]\nsteps:\n  - wait: 10 days\n")
    run(project, ("ada", 0), ("bob", 1), ("cy", 2), ("dan", 3))
    assert [inside(store, name) for name in ("ada", "bob", "cy", "dan")] == [["a"], ["a"], [], []]
    assert refusals(store, "cy") == refusals(store, "dan") == [("a", "max_active")]
    run(project, ("cy", DAY))
    assert inside(store, "cy") == []
    run(project, ("ada", 2 * DAY), event="closed")
    run(project, ("dan", 3 * DAY), ("cy", 3 * DAY + 1))
    assert (inside(store, "dan"), inside(store, "cy")) == (["a"], []), "one place was free"


def test_a_new_version_counts_those_in_the_older_ones(shop, store, run):
    run(shop(a=waits()), ("ada", 0), ("bob", 0))
    run(shop(a=waits(max_active=2)), ("cy", DAY))
    assert inside(store, "cy") == []
    run(shop(a=waits(max_active=3)), ("cy", 2 * DAY))
    assert inside(store, "cy") == ["a"]


def test_the_store_is_asked_once_a_batch_and_only_for_journeys_that_have_a_bound(shop, run, store, monkeypatch):
    asked = []
    real = store.active
    monkeypatch.setattr(store, "active", lambda journeys: asked.append(set(journeys)) or real(journeys))
    run(shop(a=waits(), b=waits()), ("ada", 0), ("bob", 0))
    assert asked == []
    run(shop(a=waits(), b=waits(max_active=9)), ("cy", 0), ("dan", 0))
    assert asked == [{"b"}]


# Once more while inside --------------------------------------------------------------------------------------------


def test_restart_ends_the_enrollment_and_begins_another_though_again_says_never(shop, store, run):
    project = shop(a=waits("never", while_active="restart"))
    run(project, ("ada", 0))
    run(project, ("ada", DAY))
    first, second = store.story("ada").enrollments
    assert (first.status, first.reason, first.ended_at) == ("exited", "restarted", START + DAY)
    assert (second.status, second.entered_at) == ("active", START + DAY)
    assert balanced(store)["a"].exited == 1
    run(project, ("ada", 12 * DAY))
    assert refusals(store, "ada") == [("a", "again")], "outside, `again` holds"


def test_refresh_keeps_the_enrollment_where_it_is_with_the_new_data(shop, store, run):
    project = shop(a=waits(while_active="refresh"))
    run(project, ("ada", 0))
    (before,) = store.story("ada").enrollments
    run(project, ("ada", DAY))
    (after,) = store.story("ada").enrollments
    assert (after.state, after.visit, after.due_at, after.entered_at) == (
        before.state,
        before.visit,
        before.due_at,
        before.entered_at,
    )
    assert (before.entry.at, after.entry.at) == (START, START + DAY)
    rules = [kept.decision.rule for kept in store.story("ada").decisions]
    assert rules == ["entry", "refreshed"]


def test_a_condition_that_is_waited_for_sees_refreshed_data_at_once(shop, store, run):
    waiting = "steps:\n  - wait_until: { when: days_since(entry.at) < 1 and count(purchased) > 1, timeout: 9 days }\n"
    project = shop(a=head(while_active="refresh") + waiting)
    run(project, ("ada", 0))
    run(project, ("ada", 2 * DAY))
    (enrollment,) = store.story("ada").enrollments
    assert (enrollment.status, enrollment.ended_at) == ("completed", START + 2 * DAY)
    assert [kept.decision.rule for kept in store.story("ada").decisions] == ["entry", "refreshed", "when"]


# Kept out ----------------------------------------------------------------------------------------------------------


def test_held_out_customers_are_exposures_who_are_sent_nothing_and_the_counts_balance(shop, store, run):
    project = shop(a=head("never", holdout="50%") + "steps:\n  - send: hello\n")
    names = [f"c{number}" for number in range(60)]
    run(project, *((name, 0) for name in names))
    (program,) = rules_of(project, store, virtual=False).programs.entering["purchased"]
    out = {name for name in names if is_held_out(program, Facts(external_id=name))}
    assert 15 < len(out) < 45
    counts = balanced(store)["a"]
    assert (counts.entered, counts.exited, counts.completed) == (60, len(out), 60 - len(out))
    assert len(store.sends(100)) == 60 - len(out)
    for name in names:
        story = store.story(name)
        (enrollment,) = story.enrollments
        assert (enrollment.reason == "holdout") is (name in out)
        assert (story.decisions[0].decision.rule == "holdout") is (name in out)
    run(project, *((name, DAY) for name in names))
    assert balanced(store)["a"].entered == 60, "being held out is an entry for `again`"
    assert store.refusal_counts() == [RefusalCount(journey="a", reason="again", count=60)]


# After exit --------------------------------------------------------------------------------------------------------


def test_a_cool_down_after_exit_counts_from_when_the_journey_ended(shop, store, run):
    project = shop(a=waits("after 3 days after exit"))
    run(project, ("ada", 0))
    run(project, ("ada", 0), now=10 * DAY)
    run(project, ("ada", 13 * DAY - 1))
    assert inside(store, "ada") == []
    run(project, ("ada", 13 * DAY))
    assert inside(store, "ada") == ["a"]


def test_an_end_in_the_same_batch_counts_too(shop, store, run):
    body = "exit: [{ event: purchased }]\nsteps:\n  - wait: 10 days\n"
    run(shop(a=head("after 1 hour after exit") + body), ("ada", 0), ("ada", 1), ("ada", 2), ("ada", 1 + HOUR))
    assert [e.entered_at - START for e in store.story("ada").enrollments] == [0, 1 + HOUR]


# What is kept of a refusal -------------------------------------------------------------------------------------------


def test_whoever_asked_and_was_refused_is_kept_with_the_reason_and_whoever_did_not_ask_is_not(shop, store, run):
    project = shop(
        a=waits("never"),
        b=waits(where='"event.total > 900"'),
        c=waits(key='"event.total - 20"', where='"event.total > 0"'),
    )
    run(project, ("ada", 0), ("ada", HOUR))
    assert store.story("ada").refusals == (
        Refusal(customer=1, at=START + HOUR, event="purchased", journey="a", reason="inside"),
        Refusal(customer=1, at=START + HOUR, event="purchased", journey="c", reason="inside"),
    )


def test_an_event_without_the_key_is_refused_as_such(shop, store, run):
    run(shop(a=waits(key="event.total / (event.total - 20)")), ("ada", 0))
    assert refusals(store, "ada") == [("a", "no_key")]


def test_an_event_that_is_too_old_is_refused_where_it_would_have_started_something(shop, store, run):
    run(shop(a=waits(), b=waits(where='"event.total > 900"')), ("ada", 0), now=DAY + 1)
    assert inside(store, "ada") == []
    assert refusals(store, "ada") == [("a", "stale_event")]


def test_a_time_that_lies_ahead_is_told_and_the_event_counts_as_of_now(shop, store, run):
    run(shop(a=waits()), ("ada", 3 * DAY), ("bob", NOTABLY_AHEAD - 1), now=0)
    assert inside(store, "ada") == ["a"]
    (ahead,) = store.story("ada").refusals
    assert (ahead.at, ahead.journey, ahead.event, ahead.reason) == (START, "", "purchased", "future_event")
    assert ahead.detail == "2026-02-28T06:13:20+00:00"
    assert store.story("bob").refusals == (), "clocks differ a little"
