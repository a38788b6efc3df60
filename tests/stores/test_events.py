"""Taking in events: history, duplicates, positions, what was rejected."""

import pytest

from journeyscript.stores.records import Changes


def history(store, number=1):
    return store.load([], [number], history=True)[number].history


def test_history_is_what_was_needed_oldest_first(filled, make):
    later = make.event("purchased", make.at + 2, needed=True, total=3)
    early = make.event("purchased", make.at + 1, needed=True, total=2)
    signed = make.event("signed_up", make.at, needed=True)
    idle = make.event("page_viewed", make.at, needed=False)
    other = make.event("purchased", make.at, customer=2, needed=True)
    filled.commit(Changes(events=[later, idle, signed]))
    filled.commit(Changes(events=[early, other]))
    assert history(filled) == {"purchased": [early.event, later.event], "signed_up": [signed.event]}
    assert history(filled, 2) == {"purchased": [other.event]}


def test_events_of_one_instant_keep_the_order_of_arrival(filled, make):
    events = [make.event("purchased", make.at, needed=True, place=place) for place in range(5)]
    filled.commit(Changes(events=[make.event("purchased", make.at + 1, needed=True, place=9)]))
    filled.commit(Changes(events=events[:3]))
    filled.commit(Changes(events=events[3:]))
    assert [event.properties["place"] for event in history(filled)["purchased"]] == [0, 1, 2, 3, 4, 9]


def test_properties_come_back_as_they_were(filled, make):
    properties = {"title": "Zoë\0😀", "big": 2**70, "price": 1.0, "items": [{"sku": "a", "n": None}], "": False}
    filled.commit(Changes(events=[make.event("purchased", needed=True, **properties)]))
    assert history(filled)["purchased"][0].properties == properties


def test_loading_without_history_leaves_it_out(filled, make):
    filled.commit(Changes(events=[make.event(needed=True)]))
    assert filled.load(["customer-1"], [], history=False)[1].history == {}


def test_history_that_a_later_version_needs_is_made_ready(filled, make):
    early, late = make.event("purchased", make.at + 1), make.event("purchased", make.at + 2)
    filled.commit(Changes(events=[late, make.event("page_viewed")]))
    filled.commit(Changes(events=[early]))
    assert history(filled) == {}
    filled.deploy([make.deployment("v2", history=["purchased"])], make.at)
    assert history(filled) == {"purchased": [early.event, late.event]}


def test_once_an_event_was_needed_all_of_its_name_are_history(filled, make):
    filled.deploy([make.deployment("v2", history=["purchased"])], make.at)
    filled.deploy([make.deployment("v3")], make.at)
    event = make.event("purchased", needed=False)
    filled.commit(Changes(events=[event]))
    filled.deploy([make.deployment("v2", history=["purchased"])], make.at)
    assert history(filled) == {"purchased": [event.event]}


def test_a_source_s_own_id_is_seen_once_for_ever(filled, make):
    odd = "a\0b"
    filled.commit(Changes(events=[make.event(source_id="1"), make.event(source="crm", source_id=odd)]))
    asked = [("http", "1"), ("http", "2"), ("http", odd), ("crm", "1"), ("crm", odd), ("crm", "a"), ("new", "1")]
    assert filled.seen(asked) == {("http", "1"), ("crm", odd)}
    assert filled.seen(iter(asked)) == {("http", "1"), ("crm", odd)}
    assert filled.seen([]) == set()


def test_the_same_event_of_a_source_is_never_kept_twice(filled, make):
    filled.commit(Changes(events=[make.event(source_id="1")]))
    for again in ([make.event(source_id="1")], [make.event(source_id="2"), make.event(source_id="2")]):
        with pytest.raises(ValueError, match="already keeps something else"):
            filled.commit(Changes(events=[make.event(source_id="9"), *again]))
    assert filled.seen([("http", "1"), ("http", "2"), ("http", "9")]) == {("http", "1")}
    assert filled.totals(0).events == 1


def test_events_without_an_id_are_never_taken_for_duplicates(filled, make):
    filled.commit(Changes(events=[make.event(), make.event()]))
    filled.commit(Changes(events=[make.event()]))
    assert filled.totals(0).events == 3


def test_positions_move_with_the_batch(filled, make):
    assert filled.positions() == {}
    filled.commit(Changes(positions={"file:a": "10", "file:b": "1"}))
    filled.commit(Changes(events=[make.event()], positions={"file:a": "20"}))
    assert filled.positions() == {"file:a": "20", "file:b": "1"}


def test_what_was_rejected_is_kept_with_its_reason_latest_first(filled, make):
    filled.commit(Changes(rejected=[make.rejected("1"), make.rejected("2")]))
    filled.commit(Changes(rejected=[make.rejected("3", "no customer")]))
    assert filled.rejected(2) == [make.rejected("3", "no customer"), make.rejected("2")]
    assert len(filled.rejected(10)) == 3
    assert filled.rejected(0) == []
    assert filled.totals(0).rejected == 3


def test_everything_that_happened_comes_back_in_the_order_of_arrival_a_part_at_a_time(filled, make):
    late, early = make.event("purchased", make.at + 9, source_id="1", total=3), make.event("purchased", make.at + 1)
    other = make.event("page_viewed", make.at, customer=2, source="crm")
    filled.commit(Changes(events=[late, early]))
    filled.commit(Changes(events=[other]))
    first = filled.happened(0, 2)
    rest = filled.happened(first[-1][0], 2)
    assert [one for _, one in (*first, *rest)] == [late, early, other]
    assert filled.happened(rest[-1][0], 2) == []


def test_what_happened_to_a_customer_who_was_merged_belongs_to_who_they_are_now(filled, make):
    filled.commit(Changes(events=[make.event(customer=number, plan="a") for number in (1, 2, 3)]))
    filled.merge("customer-1", "customer-2", make.at)
    filled.merge("customer-2", "customer-3", make.at)
    assert [one.customer for _, one in filled.happened(0, 10)] == [3, 3, 3]
    filled.erase("customer-3", make.at)
    assert [one.event.properties for _, one in filled.happened(0, 10)] == [{}] * 3, "an erased one says nothing"


def test_all_that_happened_to_some_is_told_in_the_order_of_time_after_merges_as_well(filled, make):
    filled.commit(
        Changes(
            events=[
                make.event("purchased", at=make.at + 9),
                make.event(at=make.at + 5, customer=2, total=3),
                make.event(at=make.at + 1, customer=3),
            ]
        )
    )
    filled.commit(Changes(events=[make.event("page_viewed", at=make.at + 7)]))
    assert [(one.customer, one.event.name) for one in filled.happened_to([1])] == [(1, "page_viewed"), (1, "purchased")]
    filled.merge("customer-2", "customer-1", make.at + 20)
    told = filled.happened_to([1, 2])
    assert [(one.customer, one.event.at - make.at) for one in told] == [(1, 5), (1, 7), (1, 9)]
    assert told[0].event.properties == {"total": 3}
    assert filled.happened_to([]) == []
