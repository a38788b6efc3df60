"""Two customers who are one, and a customer who is to be forgotten."""

import pytest
from msgspec.structs import replace

from journeyscript.engine.values import Event, Held
from journeyscript.stores.records import ENROLLMENTS_PER_CUSTOMER, Changes, MergeError, Refusal
from journeyscript.stores.sqlite import open_sqlite
from journeyscript.stores.taken import REMEMBERED

ADA, ANON = "customer-1", "customer-2"


@pytest.fixture
def both_inside(filled, make):
    """Ada and an anonymous visitor are in the same journey; the visitor came first."""
    filled.commit(
        Changes(
            customers=[
                make.customer(
                    1, new=False, attributes={"name": "Ada", "city": None}, consent={"email": True, "sms": True}
                ),
                make.customer(
                    2,
                    new=False,
                    attributes={"name": "?", "city": "Bath", "page": "shoes"},
                    consent={"email": False, "push": True},
                    suppressed=frozenset({"old@example.com"}),
                ),
            ],
            events=[
                make.event(customer=1, at=make.at + 3, source_id="a1", name="purchased", needed=True),
                make.event(customer=2, at=make.at + 1, source_id="v1", name="purchased", needed=True, total=3),
                make.event(customer=2, at=make.at + 2, source_id="v2", name="page_viewed"),
            ],
            enrollments=[
                make.enrollment(1, 0, entered_at=make.at + 10, due_at=make.at + 5_000),
                make.enrollment(2, 0, entered_at=make.at + 5, due_at=make.at + 7_000),
                make.enrollment(2, 1, key="order-7", status="completed", ended_at=make.at + 9),
            ],
            decisions=[make.decision(1), make.decision(2, values=(("x", 1),)), make.decision(2, 1)],
            sends=[make.send(1), make.send(2, visit=2), make.send(2, number=1, status="sent", settled_at=make.at)],
            refusals=[Refusal(customer=2, at=make.at, event="signed_up", journey="welcome", reason="again")],
        )
    )
    return filled


def test_who_stays_keeps_the_older_enrollment_and_takes_over_the_others(both_inside, make):
    merged = both_inside.merge(ANON, ADA, make.at + 100)
    assert (merged.customer, merged.taken_over, merged.ended) == (1, 2, 1)
    story = both_inside.story(ADA)
    assert [(one.id % ENROLLMENTS_PER_CUSTOMER, one.key, one.status, one.reason) for one in story.enrollments] == [
        (2, "order-7", "completed", None),
        (1, "", "active", None),
        (0, "", "exited", "merged"),
    ]
    ended = story.enrollments[-1]
    assert (ended.due_at, ended.ended_at) == (None, make.at + 100)
    assert both_inside.next_due() == make.at + 7_000
    assert both_inside.due(make.at + 9_000, 5) == [1]
    assert {one.customer for one in story.enrollments} == {1}
    assert len(story.decisions) == 3
    assert [one.reason for one in story.refusals] == ["again"]


def test_messages_keep_their_keys_and_those_of_the_ended_double_are_cancelled(both_inside, make):
    before = {send.key for send in both_inside.sends(10)}
    both_inside.merge(ANON, ADA, make.at + 100)
    sends = both_inside.sends(10)
    assert {send.key for send in sends} == before
    assert {(send.customer, send.enrollment // ENROLLMENTS_PER_CUSTOMER) for send in sends} == {(1, 1)}
    assert sorted((send.status, send.reason or "") for send in sends) == [
        ("pending", ""), ("sent", ""), ("skipped", "cancelled"),
    ]  # fmt: skip
    assert [send.visit for send in both_inside.claim(make.at + 100, 10)] == [2], "the older enrollment still speaks"


@pytest.fixture
def both_held(filled, make):
    """Ada and an anonymous visitor are in the same journey, each with a message that waits."""
    held = Held(reason="quiet_hours", given={})
    filled.commit(
        Changes(
            enrollments=[
                make.enrollment(1, entered_at=make.at + 10, due_at=make.at + 5_000, held=held),
                make.enrollment(2, entered_at=make.at + 5, due_at=make.at + 7_000, held=held),
            ]
        )
    )
    return filled


def test_the_message_that_the_ended_double_waited_with_is_kept_as_cancelled(both_held, make):
    both_held.merge(ANON, ADA, make.at + 100)
    (send,) = both_held.story(ADA).sends
    (ended,) = (one for one in both_held.story(ADA).enrollments if one.status == "exited")
    assert (send.enrollment, send.message, send.status, send.reason) == (ended.id, "welcome", "skipped", "cancelled")
    assert (send.created_at, send.settled_at, send.key) == (
        make.at + 100,
        make.at + 100,
        f"welcome/{ENROLLMENTS_PER_CUSTOMER}/send.welcome/1",
    )


def test_the_message_that_somebody_erased_waited_with_is_kept_as_deleted(both_held, make):
    both_held.erase(ADA, make.at + 100)
    (send,) = both_held.sends(10)
    assert (send.message, send.status, send.reason, send.data) == ("welcome", "skipped", "deleted", "{}")
    both_held.erase(ADA, make.at + 200)
    assert len(both_held.sends(10)) == 1


def test_profile_consent_suppressions_and_history_come_together(both_inside, make):
    both_inside.merge(ANON, ADA, make.at + 100)
    (ada,) = both_inside.load([ADA], [], history=True).values()
    assert ada.attributes == {"name": "Ada", "city": "Bath", "page": "shoes"}
    assert ada.consent == {"email": False, "sms": True, "push": True}, "a recorded no outlives a yes"
    assert ada.suppressed == {"old@example.com"}
    assert [event.at for event in ada.history["purchased"]] == [make.at + 1, make.at + 3]
    assert ada.next_enrollment == 3
    assert both_inside.totals(make.at).customers == 2
    both_inside.deploy([make.deployment("v2", history=["page_viewed"])], make.at)
    (ada,) = both_inside.load([ADA], [], history=True).values()
    assert [event.at for event in ada.history["page_viewed"]] == [make.at + 2], "asked for only later"


def test_a_later_record_of_the_name_that_was_given_up_reaches_who_stays(both_inside, make):
    both_inside.merge(ANON, ADA, make.at)
    both_inside.merge(ADA, "customer-3", make.at)
    assert both_inside.survivors([ANON, ADA, "customer-3", "nobody"]) == {ANON: "customer-3", ADA: "customer-3"}
    assert [one.number for one in both_inside.load([ANON, ADA], [], history=False).values()] == [3]
    assert both_inside.story(ANON) == both_inside.story("customer-3")
    assert both_inside.dossier(ADA).names == (ADA, ANON)
    assert len(both_inside.dossier(ADA).events) == 3


def test_merging_twice_or_with_oneself_changes_nothing(both_inside, make):
    both_inside.merge(ANON, ADA, make.at)
    before = both_inside.story(ADA)
    assert both_inside.merge(ANON, ADA, make.at + 1) is None
    assert both_inside.merge(ADA, ANON, make.at + 1) is None
    assert both_inside.merge(ADA, ADA, make.at + 1) is None
    assert both_inside.story(ADA) == before


def test_a_name_that_leads_to_somebody_is_not_given_to_somebody_else(both_inside, make):
    both_inside.merge("device-9", ADA, make.at)
    with pytest.raises(MergeError, match="`device-9` is `customer-1` already, and cannot be `customer-3` as well"):
        both_inside.merge("device-9", "customer-3", make.at)
    assert both_inside.survivors(["device-9"]) == {"device-9": ADA}


def test_names_may_be_joined_before_anything_else_is_known_of_them(store, make):
    assert store.merge("visitor", "ada", make.at).customer == 1
    assert [one.number for one in store.load(["visitor", "ada"], [], history=False).values()] == [1]
    store.merge("bo", "device", make.at)
    assert store.merge("device", "bo-at-shop", make.at).customer == 2
    assert store.survivors(["bo", "device"]) == {"bo": "bo-at-shop", "device": "bo-at-shop"}
    assert store.totals(0).customers == 2


def test_counts_are_the_same_before_and_after_apart_from_the_double(both_inside, make):
    entered = sum(one.count for one in both_inside.journey_counts())
    both_inside.merge(ANON, ADA, make.at)
    counts = both_inside.journey_counts()
    assert sum(one.count for one in counts) == entered
    assert [one.count for one in counts if one.reason == "merged"] == [1]
    assert both_inside.active(["welcome"]) == {"welcome": 1}


@pytest.fixture
def personal(filled, make):
    """Ada has left traces in every table."""
    load = {"total": 19, "note": "SECRET-event"}
    filled.commit(
        Changes(
            customers=[
                make.customer(1, new=False, attributes={"name": "SECRET-name"}, suppressed=frozenset({"SECRET@old"}))
            ],
            events=[make.event(source_id="SECRET-id", name="purchased", needed=True, **load)],
            enrollments=[
                make.enrollment(
                    1,
                    key="SECRET-key",
                    due_at=make.at + 1_000,
                    entry=Event(name="signed_up", at=make.at, properties={"plan": "SECRET-plan"}),
                    held=Held(reason="capped", given={"x": "SECRET-held"}),
                ),
                make.enrollment(1, 1, status="completed", ended_at=make.at),
            ],
            decisions=[make.decision(1, values=(("event.plan", "SECRET-value"),))],
            sends=[
                make.send(1, address="SECRET@now", data='{"name":"SECRET-data"}'),
                make.send(1, visit=2, status="sending", available_at=make.at),
                make.send(1, 1, status="failed", reason="permanent", detail="no SECRET@now", provider_id="SECRET-p"),
            ],
            rejected=[
                replace(make.rejected("1"), raw='{"customer":"customer-1","x":"SECRET-raw"}', reason="no SECRET-r"),
                replace(make.rejected("2"), raw="half a line of SECRET@now, SECRET-line"),
                replace(make.rejected("3"), raw='{"customer":"customer-11"}'),
            ],
            refusals=[
                Refusal(customer=1, at=make.at, event="signed_up", journey="w", reason="again", detail="SECRET-d")
            ],
        )
    )
    filled.merge("SECRET-device", ADA, make.at)
    return filled


def test_an_erased_customer_leaves_counts_and_nothing_else(personal, make):
    before = personal.journey_counts()
    erased = personal.erase(ADA, make.at + 50)
    assert (erased.ended, erased.enrollments, erased.sends, erased.events, erased.rejected) == (1, 2, 3, 1, 2)
    counts = personal.journey_counts()
    assert sum(one.count for one in counts) == sum(one.count for one in before)
    assert [(one.status, one.reason) for one in counts] == [("completed", None), ("exited", "deleted")]
    assert personal.next_due() is None
    assert personal.next_available() is None
    assert personal.unsettled() == []
    assert sorted((send.status, send.reason) for send in personal.sends(5)) == [
        ("failed", "deleted"), ("failed", "permanent"), ("skipped", "deleted"),
    ]  # fmt: skip
    assert personal.totals(make.at).customers == 2
    assert personal.totals(make.at).events == 1
    assert personal.seen([("http", "SECRET-id")]) == set()
    assert [one.raw for one in personal.rejected(5)] == ['{"customer":"customer-11"}', "", ""]
    everything = [personal.sends(9), personal.rejected(9), personal.load([], [1], history=True)]
    assert "SECRET" not in repr(everything)
    assert "customer-1'" not in repr(everything)


def test_nobody_is_found_by_the_names_of_somebody_erased_and_who_comes_by_them_is_new(personal, make):
    personal.erase("SECRET-device", make.at)
    assert personal.story(ADA) is None
    assert personal.dossier("SECRET-device") is None
    assert personal.survivors(["SECRET-device"]) == {}
    assert personal.erase(ADA, make.at) is None
    (newcomer,) = personal.load([ADA], [], history=True).values()
    assert (newcomer.new, newcomer.number, newcomer.last_entries) == (True, 4, {})
    personal.commit(Changes(customers=[newcomer], enrollments=[make.enrollment(4)]))
    assert len(personal.story(ADA).enrollments) == 1


def test_the_number_of_somebody_erased_is_never_given_again(store, make):
    (newcomer,) = store.load(["ada"], [], history=False).values()
    store.commit(Changes(customers=[newcomer]))
    store.erase("ada", make.at)
    assert store.load(["bo"], [], history=False).keys() == {2}


def test_no_byte_of_a_person_is_left_in_the_file(tmp_path, make):
    path = tmp_path / "store.db"
    store = open_sqlite(path)
    store.deploy([make.deployment()], make.at)
    for number in range(1, 400):
        store.load([f"customer-{number}"], [], history=False)
        long = {"bio": f"SECRET-{number} " * 900, "name": f"SECRET-{number}"}
        store.commit(Changes(customers=[make.customer(number, attributes=long)]))
        store.commit(Changes(customers=[make.customer(number, attributes={"name": f"SECRET-{number}"}, new=False)]))
    store.erase("customer-77", make.at)
    store.compact()
    store.close()
    content = path.read_bytes()
    assert b"SECRET-77 " not in content
    assert b'SECRET-77"' not in content
    assert b"customer-77" not in content
    assert b'SECRET-78"' in content
    assert [file.name for file in tmp_path.iterdir() if file.name.endswith("-wal")] == []


def test_a_dossier_has_everything_of_one_person_and_nothing_of_others(both_inside, make):
    both_inside.commit(Changes(rejected=[replace(make.rejected("1"), raw='{"customer":"customer-1"}')]))
    dossier = both_inside.dossier(ADA)
    assert [kept.source_id for kept in dossier.events] == ["a1"]
    assert len(dossier.rejected) == 1
    both_inside.merge(ANON, ADA, make.at)
    dossier = both_inside.dossier(ADA)
    assert [kept.source_id for kept in dossier.events] == ["v1", "v2", "a1"]
    assert {kept.customer for kept in dossier.events} == {1}
    assert dossier.names == (ANON,)
    assert both_inside.dossier("nobody") is None


def test_who_stays_takes_over_the_latest_changes_of_both_that_were_taken_in(filled, make):
    both = {1: tuple(range(100, 100 + REMEMBERED)), 2: tuple(range(200, 200 + REMEMBERED))}
    filled.commit(Changes(customers=[make.customer(number, taken=taken) for number, taken in both.items()]))
    filled.merge("customer-2", "customer-1", make.at)
    taken = filled.load(["customer-2"], [], history=False)[1].taken
    half = REMEMBERED // 2
    assert sorted(taken) == [*both[1][-half:], *both[2][-half:]]
    assert taken[-1] == both[1][-1], "what was told of the one who stays is forgotten last"


def test_a_change_that_both_were_told_takes_one_place(filled, make):
    taken = tuple(range(REMEMBERED))
    filled.commit(Changes(customers=[make.customer(number, taken=taken) for number in (1, 2)]))
    filled.merge("customer-2", "customer-1", make.at)
    assert filled.load([], [1], history=False)[1].taken == taken


@pytest.mark.parametrize("gone", ["merged", "erased"])
def test_of_who_is_gone_no_change_is_remembered(filled, make, gone):
    filled.commit(Changes(customers=[make.customer(1, taken=(1,))]))
    if gone == "merged":
        filled.merge("customer-1", "customer-2", make.at)
    else:
        filled.erase("customer-1", make.at)
    assert filled.load([], [1], history=False)[1].taken == ()


def test_pruning_forgets_no_change_that_was_taken_in(filled, make):
    filled.commit(Changes(customers=[make.customer(1, taken=(1, 2))], events=[make.event(source_id="1")]))
    filled.prune(make.at + 1, {})
    assert filled.load([], [1], history=False)[1].taken == (1, 2)
