"""The acceptance cases about change: what becomes of those inside, on every store."""

import pytest

from journeyscript.compiler import compile_project
from journeyscript.engine.values import Event
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.changing.applying import apply_plan, outdated
from journeyscript.runtime.changing.planning import plan_change, unplanned
from journeyscript.runtime.intake.records import Incoming
from journeyscript.runtime.session import deployments_of, rules_of
from journeyscript.stores.addresses import digest_of
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Changes
from journeyscript.stores.sqlite import open_sqlite
from tests.projects import lay_out

DAY = 86_400_000
AT = 1_772_452_800_000
"""2026-03-02T12:00 UTC."""

HEAD = "journey: trial\nentry: { event: signed_up, again: never }\n"
COUPON = """
  - send: welcome
  - id: coupon
    wait: 3 days
  - send: reminder
    via: push
"""
OFFER = COUPON.replace("id: coupon", "id: offer")
MIGRATE = "migrate: { from: { coupon: offer } }\n"


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "store.db")
    yield made
    made.close()


class Shop:
    """A project of one journey that changes, over one store, on virtual time."""

    def __init__(self, store, root):
        self.store, self.root, self.now = store, root, AT
        store.note(clock="virtual")

    def write(self, steps, head=HEAD):
        lay_out(self.root, {"journeys/trial.yaml": f"{head}steps:{steps}"})
        self.project = compile_project(self.root)
        assert self.project.diagnostics == ()

    def deploy(self, steps, head=HEAD):
        self.write(steps, head)
        self.store.deploy(deployments_of(self.project), self.now)

    def enter(self, *names):
        records = [
            Incoming(
                customer=name,
                at=self.now,
                event=Event(name="signed_up", at=self.now, properties={"source": "web"}),
                attributes={"email": f"{name}@example.com", "push_token": name},
                consent={"email": True, "push": True},
                source="test",
                source_id=None,
                position="",
            )
            for name in names
        ]
        self.store.commit(advance(self.store, self.rules(), incoming=records, now=self.now))

    def rules(self):
        return rules_of(self.project, self.store, virtual=True)

    def until(self, now):
        self.now = now
        while due := self.store.due(now, 100):
            self.store.commit(advance(self.store, self.rules(), due=due, now=now))

    def plan(self):
        return plan_change(self.project, self.store, self.now)

    def apply(self):
        planned = self.plan()
        apply_plan(self.store, planned, self.now)
        return planned

    def inside(self, name):
        return next(one for one in self.store.story(name).enrollments if one.status == "active")

    def messages(self, name):
        return [send.message for send in self.store.story(name).sends]


@pytest.fixture
def shop(store, tmp_path):
    return Shop(store, tmp_path / "project")


def lines_of(planned):
    return [(line.step, line.people, line.fate, line.to) for one in planned.plan.journeys for line in one.lines]


def test_case_22_an_occupied_step_that_is_gone_blocks_the_plan_with_the_number_of_people(shop):
    shop.deploy(COUPON)
    shop.enter("ada", "bob", "eve")
    shop.write("\n  - send: welcome\n  - wait: 1 day\n  - { send: reminder, via: push }\n")
    planned = shop.plan()
    assert planned.blocked
    assert [(found.code, found.message) for found in planned.findings] == [
        ("JS801", "`coupon` is gone, and 3 people are at it")
    ]
    assert [(one.step, one.people) for one in unplanned(shop.project, shop.store)] == [("coupon", 3)]
    with pytest.raises(ValueError, match="blocked"):
        apply_plan(shop.store, planned, shop.now)


def test_a_change_that_leaves_everybody_a_step_keeps_them_where_they_are(shop):
    shop.deploy(COUPON)
    shop.enter("ada")
    shop.write(COUPON + "  - wait: 1 day\n  - { id: last, send: reminder, via: push }\n")
    planned = shop.plan()
    assert (planned.blocked, planned.findings) == (False, ())
    assert lines_of(planned) == [("coupon", 1, "stay", "coupon")]
    assert unplanned(shop.project, shop.store) == ()
    before = shop.inside("ada")
    shop.apply()
    assert shop.inside("ada") == before
    shop.until(AT + 10 * DAY)
    assert shop.messages("ada") == ["welcome", "reminder"]


def test_a_step_under_another_name_is_told_as_such(shop):
    shop.deploy(COUPON)
    shop.enter("ada")
    shop.write(OFFER)
    found = shop.plan().findings
    assert [one.code for one in found] == ["JS802"]
    assert found[0].help == "write `migrate: { from: { coupon: offer } }`"


def test_case_23_renamed_with_migrate_nobody_receives_a_message_again(shop):
    shop.deploy(COUPON)
    shop.enter("ada", "bob")
    shop.until(AT + DAY)
    due_at = shop.inside("ada").due_at
    shop.write(OFFER, HEAD + MIGRATE)
    planned = shop.apply()
    assert lines_of(planned) == [("coupon", 2, "move", "offer")]
    assert planned.findings == ()
    assert [line.again for one in planned.plan.journeys for line in one.lines] == [()]
    moved = shop.inside("ada")
    assert (moved.state, moved.visit, moved.due_at, moved.since) == ("offer", 3, due_at, AT)
    assert shop.store.journey_counts()[0].version == planned.plan.versions["trial"]
    assert unplanned(shop.project, shop.store) == ()
    shop.until(AT + 10 * DAY)
    for name in ("ada", "bob"):
        assert shop.messages(name) == ["welcome", "reminder"]
    keys = [send.key for send in shop.store.sends(100)]
    assert len(keys) == len(set(keys)) == 4
    assert [kept.decision.rule for kept in shop.store.story("ada").decisions] == [
        "entry", "send email", f"moved from {deployed(planned)}", "timer", "send push"
    ]  # fmt: skip


def deployed(planned):
    (version,) = planned.plan.deployed
    return version


def test_a_message_that_would_be_received_again_is_told_and_then_received(shop):
    shop.deploy(COUPON)
    shop.enter("ada", "bob")
    shop.write(
        "\n  - id: offer\n    wait: 3 days\n  - send: welcome\n", HEAD + "migrate: { from: { coupon: offer } }\n"
    )
    (journey,) = shop.plan().plan.journeys
    assert [(one.message, one.people) for one in journey.lines[0].again] == [("welcome", 2)]
    shop.apply()
    shop.until(AT + 4 * DAY)
    assert shop.messages("ada") == ["welcome", "welcome"]


SPLIT = """
  - id: rest
    wait: 1 day
  - split: first_offer
    arms:
      - { arm: short, weight: %s, steps: [{ id: one, wait: 1 day }] }
      - { arm: long, weight: %s, steps: [{ id: two, wait: 2 days }] }
  - { send: reminder, via: push }
"""


def test_case_24_nobody_already_assigned_moves_to_another_arm(shop):
    names = [f"customer-{number}" for number in range(200)]
    shop.deploy(SPLIT % (50, 50))
    shop.enter(*names[:100])
    shop.until(AT + DAY)
    before = {name: shop.inside(name) for name in names[:100]}
    shop.write(SPLIT % (60, 40))
    planned = shop.apply()
    assert planned.findings == ()
    assert {line.fate for one in planned.plan.journeys for line in one.lines} == {"stay"}
    assert {name: shop.inside(name) for name in names[:100]} == before
    shop.enter(*names[100:])
    shop.until(AT + 2 * DAY)
    drawn = [shop.inside(name).state for name in names[100:]]
    assert drawn.count("one") > drawn.count("two") > 0


def test_case_24_those_who_are_moved_while_they_wait_in_an_arm_stay_in_it(shop):
    names = [f"customer-{number}" for number in range(100)]
    shop.deploy(SPLIT % (50, 50))
    shop.enter(*names)
    shop.until(AT + DAY)
    before = {name: shop.inside(name).state for name in names}
    shop.write(SPLIT % (60, 40), HEAD + "migrate: { timer: keep }\n")
    shop.apply()
    assert {name: shop.inside(name).state for name in names} == before


SHORTER = COUPON.replace("3 days", "1 day")


def test_case_25_with_recompute_overdue_people_move_once(shop):
    shop.deploy(COUPON)
    shop.enter("ada")
    shop.now = AT + 2 * DAY
    shop.enter("bob")
    shop.write(SHORTER, HEAD + "migrate: { timer: recompute }\n")
    planned = shop.apply()
    (line,) = planned.plan.journeys[0].lines
    assert (line.people, line.retimed, line.due) == (2, 2, 1)
    assert shop.inside("bob").due_at == AT + 3 * DAY
    shop.until(shop.now)
    assert shop.messages("ada") == ["welcome", "reminder"]
    assert shop.messages("bob") == ["welcome"]
    shop.until(AT + 30 * DAY)
    assert shop.messages("ada") == shop.messages("bob") == ["welcome", "reminder"]


def test_an_address_of_the_list_that_a_move_writes_on_its_way_is_not_written_to(shop):
    shop.deploy(COUPON)
    shop.enter("ada", "bob")
    shop.store.suppress([digest_of("ada's")])
    writes = 'id: own\n    set: { push_token: customer.first_name ?? "x" }'
    shop.write(COUPON.replace("id: coupon\n    wait: 3 days", writes), HEAD + "migrate: { from: { coupon: own } }\n")
    profiles = shop.store.load(["ada"], (), history=False)
    for customer in profiles.values():
        customer.attributes["first_name"] = "ada's"
    shop.store.commit(Changes(customers=list(profiles.values())))
    planned = shop.apply()
    (line,) = planned.plan.journeys[0].lines
    assert (line.people, line.sent) == (2, 1), "the plan tells what happens"
    assert [(send.status, send.reason) for send in shop.store.story("ada").sends][-1] == ("skipped", "suppressed")
    assert [send.address for send in shop.store.story("bob").sends][-1] == "x"


def test_case_25_with_keep_nobody_moves(shop):
    shop.deploy(COUPON)
    shop.enter("ada")
    shop.now = AT + 2 * DAY
    shop.write(SHORTER, HEAD + "migrate: { timer: keep }\n")
    planned = shop.apply()
    (line,) = planned.plan.journeys[0].lines
    assert (line.retimed, line.due) == (0, 0)
    shop.until(AT + 3 * DAY - 1000)
    assert shop.messages("ada") == ["welcome"]
    shop.until(AT + 3 * DAY)
    assert shop.messages("ada") == ["welcome", "reminder"]


def test_a_wait_that_changes_without_a_word_about_those_who_wait_is_told(shop):
    shop.deploy(COUPON)
    shop.enter("ada")
    shop.write(SHORTER)
    assert [one.code for one in shop.plan().findings] == ["JS803"]
    assert not shop.plan().blocked


@pytest.mark.parametrize(
    ("steps", "head", "there", "back"),
    [
        pytest.param(OFFER, HEAD + MIGRATE, ("coupon", "offer"), ("offer", "coupon"), id="23"),
        pytest.param(
            SHORTER, HEAD + "migrate: { timer: recompute }\n", ("coupon", "coupon"), ("coupon", "coupon"), id="25"
        ),
    ],
)
def test_case_26_a_revert_is_the_same_projection_backwards(shop, steps, head, there, back):
    shop.deploy(COUPON)
    shop.enter("ada", "bob")
    first = {name: shop.inside(name) for name in ("ada", "bob")}
    shop.write(steps, head)
    assert lines_of(shop.apply()) == [(there[0], 2, "move", there[1])]
    shop.write(COUPON)
    planned = shop.apply()
    assert lines_of(planned) == [(back[0], 2, "move", back[1])]
    assert planned.findings == ()
    for name, before in first.items():
        now = shop.inside(name)
        assert (now.version, now.state, now.since, now.due_at) == (
            before.version, before.state, before.since, before.due_at
        )  # fmt: skip
        assert now.visit == before.visit + 2, "no name of a send is ever used twice"
    shop.until(AT + 10 * DAY)
    assert shop.messages("ada") == ["welcome", "reminder"]


def test_case_26_weights_taken_back_move_nobody_there_nor_back(shop):
    names = [f"customer-{number}" for number in range(300)]
    shop.deploy(SPLIT % (50, 50))
    shop.enter(*names[:100])
    shop.until(AT + DAY)
    first = {name: shop.inside(name) for name in names[:100]}
    shop.write(SPLIT % (60, 40))
    shop.apply()
    shop.enter(*names[100:200])
    shop.until(AT + DAY + DAY // 2)
    shop.write(SPLIT % (50, 50))
    planned = shop.apply()
    assert {line.fate for one in planned.plan.journeys for line in one.lines} == {"stay"}
    assert planned.findings == ()
    assert {name: shop.inside(name) for name in names[:100]} == first
    shop.enter(*names[200:])
    versions = [{shop.inside(name).version for name in names[part : part + 100]} for part in (0, 100, 200)]
    assert versions[0] == versions[2], "it is the version that was there before"
    assert versions[1].isdisjoint(versions[0]), "whoever entered in between finishes in theirs"
    shop.until(AT + 30 * DAY)
    assert all(shop.messages(name) == ["reminder"] for name in names)


def test_case_26_what_was_never_applied_has_nothing_to_take_back(shop):
    shop.deploy(COUPON)
    shop.enter("ada")
    shop.write("\n  - send: welcome\n  - wait: 1 day\n  - { send: reminder, via: push }\n")
    assert shop.plan().blocked
    shop.write(COUPON)
    assert shop.plan().plan.journeys == ()


def test_what_was_decided_with_a_version_is_not_asked_again(shop):
    shop.deploy(COUPON)
    shop.enter("ada")
    shop.write(SHORTER)
    assert lines_of(shop.apply()) == [("coupon", 1, "stay", "coupon")]
    assert shop.plan().plan.journeys == ()
    shop.write(SHORTER, HEAD + "migrate: { timer: recompute }\n")
    assert lines_of(shop.plan()) == [("coupon", 1, "move", "coupon")], "the same version, and people in an older one"
    shop.apply()
    assert shop.plan().plan.journeys == ()
    assert shop.inside("ada").due_at == AT + DAY


def test_a_journey_that_is_taken_away_keeps_those_inside_on_their_way(shop):
    shop.deploy(COUPON)
    shop.enter("ada")
    (shop.root / "journeys" / "trial.yaml").unlink()
    shop.project = compile_project(shop.root)
    planned = shop.plan()
    assert [one.code for one in planned.findings] == ["JS812"]
    assert lines_of(planned) == [("coupon", 1, "stay", "coupon")]
    assert unplanned(shop.project, shop.store) == ()
    shop.store.deploy([], shop.now)
    assert shop.plan().plan.journeys == (), "it is gone already"
    shop.until(AT + 4 * DAY)
    assert shop.messages("ada") == ["welcome", "reminder"]


def test_who_is_sent_out_leaves_as_migrated_and_may_be_counted(shop):
    shop.deploy(COUPON)
    shop.enter("ada", "bob")
    shop.write("\n  - send: welcome\n", HEAD + "migrate: { from: { coupon: exit } }\n")
    planned = shop.apply()
    assert lines_of(planned) == [("coupon", 2, "exit", "")]
    (left,) = shop.store.story("ada").enrollments
    assert (left.status, left.reason, left.due_at) == ("exited", "migrated", None)
    counts = {(one.status, one.reason): one.count for one in shop.store.journey_counts()}
    assert counts == {("exited", "migrated"): 2}


def test_what_the_file_ignores_lets_people_finish_in_their_version(shop):
    shop.deploy(COUPON)
    shop.enter("ada")
    shop.write("\n  - send: welcome\n", "# journeyscript: ignore[JS801]\n" + HEAD)
    planned = shop.plan()
    assert planned.findings == ()
    assert unplanned(shop.project, shop.store) == ()
    shop.apply()
    shop.until(AT + 10 * DAY)
    assert shop.messages("ada") == ["welcome", "reminder"]


def test_a_saved_plan_holds_while_more_come_to_the_steps_that_it_speaks_of(shop):
    shop.deploy(COUPON)
    shop.enter("ada")
    shop.write(OFFER, HEAD + MIGRATE)
    saved = shop.plan().plan
    assert outdated(saved, shop.plan().plan) is None
    old = compile_project(lay_out(shop.root.parent / "old", {"journeys/trial.yaml": f"{HEAD}steps:{COUPON}"}))
    new, shop.project = shop.project, old
    shop.enter("bob")
    shop.project = new
    assert outdated(saved, shop.plan().plan) is None
    shop.project = old
    shop.deploy(COUPON + "  - id: later\n    wait: 1 day\n  - { id: last, send: reminder, via: push }\n")
    shop.project = new
    assert outdated(saved, shop.plan().plan) == "other versions were deployed to the store since the plan was made"


def test_a_saved_plan_does_not_hold_for_somebody_at_a_step_that_it_does_not_speak_of(shop):
    two = COUPON + "  - id: later\n    wait: 1 day\n  - { id: last, send: reminder, via: push }\n"
    shop.deploy(two)
    shop.enter("ada")
    old = shop.project
    shop.write(two.replace("id: coupon", "id: offer"), HEAD + MIGRATE)
    saved, new = shop.plan().plan, shop.project
    shop.project = old
    shop.until(AT + 3 * DAY)
    shop.project = new
    why = outdated(saved, shop.plan().plan)
    assert why == "somebody stands at `later` of `trial` now, and the plan says nothing of them"


def test_a_saved_plan_does_not_hold_for_other_journeys(shop):
    shop.deploy(COUPON)
    shop.enter("ada")
    shop.write(OFFER, HEAD + MIGRATE)
    saved = shop.plan().plan
    shop.write(OFFER.replace("3 days", "4 days"), HEAD + MIGRATE)
    assert outdated(saved, shop.plan().plan) == "the plan is for other journeys than the files say now: `trial`"
    shop.write(OFFER, HEAD + "migrate: { from: { coupon: exit } }\n")
    assert outdated(saved, shop.plan().plan) == "those at `coupon` of `trial` would go elsewhere now than the plan says"
