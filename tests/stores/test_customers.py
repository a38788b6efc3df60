"""Loading and keeping customers, the same for every store."""

import pytest

from journeyscript.stores.records import Changes

ODD_IDS = [
    "",
    " ",
    "007",
    "7",
    "7.0",
    "1e3",
    "null",
    "Ada",
    "ada",
    "ada\0",
    "ada\0lovelace",
    "ada ",
    "Ångström",
    "A\u030angström",
    "名前",
    "😀" * 300,
    'quote"and\\slash',
    "'; DROP TABLE customers; --",
    "line\nbreak",
    "\u2028\u202e",
    "%_*?",
    "x" * 5000,
]


def test_unknown_customers_get_numbers_in_order_of_arrival(store):
    loaded = store.load(["b", "a", "b"], [], history=False)
    assert [(one.number, one.external_id, one.new) for one in loaded.values()] == [(1, "b", True), (2, "a", True)]
    newcomer = loaded[1]
    assert (newcomer.attributes, newcomer.consent, newcomer.suppressed) == ({}, {}, frozenset())
    assert (newcomer.enrollments, newcomer.last_entries, newcomer.history) == ([], {}, {})
    assert newcomer.next_enrollment == 0


def test_a_newcomer_loaded_again_before_being_kept_has_the_same_number(store):
    store.load(["a"], [], history=False)
    assert {one.number for one in store.load(["b", "a"], [], history=False).values()} == {1, 2}
    assert store.totals(0).customers == 0


def test_a_kept_customer_comes_back_as_it_was(store, make):
    attributes = {
        "name": "Zoë 😀",
        "age": 36,
        "score": 1.0,
        "big": 2**63 + 1,
        "bigger": -(2**80),
        "vip": True,
        "none": None,
        "tags": ["a", 1, 2.5, None, {"deep": [True]}],
        "nul": "a\0b",
    }
    ada = make.customer(1, "ada", attributes=attributes, consent={"email": True, "sms": False})
    ada.suppressed = frozenset({"old@example.com", "älter@example.com"})
    ada.taken = (7, -(2**63), 2**63 - 1)
    store.commit(Changes(customers=[ada]))
    loaded = store.load(["ada"], [], history=True)[1]
    assert loaded.attributes == attributes
    assert [type(value) for value in loaded.attributes.values()] == [type(value) for value in attributes.values()]
    assert loaded.consent == {"email": True, "sms": False}
    assert loaded.suppressed == {"old@example.com", "älter@example.com"}
    assert loaded.taken == (7, -(2**63), 2**63 - 1)
    assert store.load([], [1], history=False)[1].taken == loaded.taken
    assert not loaded.new


def test_changes_replace_what_was_kept_of_a_customer(filled, make):
    filled.commit(Changes(customers=[make.customer(1, attributes={"a": 1}, consent={"email": True}, taken=(1, 2))]))
    filled.commit(Changes(customers=[make.customer(1, attributes={"b": 2}, taken=(2, 3))]))
    loaded = filled.load([], [1], history=False)[1]
    assert (loaded.attributes, loaded.consent, loaded.taken) == ({"b": 2}, {}, (2, 3))


def test_any_text_is_an_external_id_and_meets_nobody_else(store, make):
    numbers = {one.external_id: one.number for one in store.load(ODD_IDS, [], history=False).values()}
    assert len(set(numbers.values())) == len(ODD_IDS)
    store.commit(Changes(customers=[make.customer(number, one) for one, number in numbers.items()]))
    for external_id in ODD_IDS:
        (loaded,) = store.load([external_id], [], history=False).values()
        assert (loaded.number, loaded.external_id, loaded.new) == (numbers[external_id], external_id, False)
        assert store.story(external_id).customer.number == numbers[external_id]
    assert len(store.load(ODD_IDS, [], history=False)) == len(ODD_IDS)


def test_customers_are_loaded_by_external_id_and_by_number_together(filled):
    loaded = filled.load(["customer-2", "unknown"], [2, 3, 99], history=True)
    assert {number: one.external_id for number, one in loaded.items()} == {
        2: "customer-2",
        3: "customer-3",
        4: "unknown",
    }


def test_only_active_enrollments_are_loaded_but_every_last_entry_counts(filled, make):
    ended = make.enrollment(1, 0, status="completed", ended_at=make.at + 9, entered_at=make.at)
    again = make.enrollment(1, 1, status="exited", entered_at=make.at + 10, reason="converted")
    keyed = make.enrollment(1, 2, key="order-7", entered_at=make.at + 20)
    inside = make.enrollment(1, 3, entered_at=make.at + 5)
    other = make.enrollment(2, 0)
    filled.commit(Changes(enrollments=[inside, ended, other, keyed, again]))
    loaded = filled.load(["customer-1", "customer-3"], [], history=False)
    assert loaded[1].enrollments == [keyed, inside]
    assert loaded[1].last_entries == {("welcome", ""): make.at + 10, ("welcome", "order-7"): make.at + 20}
    assert loaded[1].next_enrollment == 4
    assert (loaded[3].enrollments, loaded[3].last_entries, loaded[3].next_enrollment) == ([], {}, 0)


def test_the_neighbours_of_a_customer_keep_their_enrollments_apart(filled, make):
    last = make.enrollment(1, (1 << 20) - 1)
    first = make.enrollment(2, 0)
    filled.commit(Changes(enrollments=[last, first]))
    loaded = filled.load([], [1, 2, 3], history=False)
    assert [loaded[number].enrollments for number in (1, 2, 3)] == [[last], [first], []]


def test_a_caller_cannot_change_the_store_by_changing_a_record(filled, make):
    given = make.customer(1, attributes={"tags": ["a"]}, consent={"email": True})
    filled.commit(Changes(customers=[given], enrollments=[make.enrollment(1)], events=[make.event(needed=True)]))
    given.attributes["tags"].append("b")
    given.attributes["new"] = 1
    given.consent["email"] = False
    loaded = filled.load([], [1], history=True)[1]
    loaded.attributes["tags"].append("c")
    loaded.attributes["newer"] = 1
    loaded.consent["sms"] = True
    loaded.enrollments.clear()
    loaded.last_entries.clear()
    loaded.history["signed_up"].clear()
    fresh = filled.load([], [1], history=True)[1]
    assert (fresh.attributes, fresh.consent) == ({"tags": ["a"]}, {"email": True})
    assert fresh.enrollments == [make.enrollment(1)]
    assert fresh.last_entries == {("welcome", ""): make.at}
    assert len(fresh.history["signed_up"]) == 1


def test_two_numbers_for_one_external_id_are_refused(filled, make):
    with pytest.raises(ValueError, match="already keeps something else"):
        filled.commit(Changes(customers=[make.customer(4, "customer-1")]))
    with pytest.raises(ValueError, match="already keeps something else"):
        filled.commit(Changes(customers=[make.customer(4, "same"), make.customer(5, "same")]))
    assert filled.totals(0).customers == 3


@pytest.mark.parametrize("what", ["events", "enrollments", "sends"])
def test_changes_about_a_customer_nobody_kept_are_refused(filled, make, what):
    filled.load(["waiting"], [], history=False)
    about = {"events": make.event, "enrollments": make.enrollment, "sends": make.send}[what]
    for number in (4, 77):
        with pytest.raises(ValueError, match=f"number {number} is not in the store"):
            filled.commit(Changes(**{what: [about(customer=number)]}))


def test_a_customer_and_what_they_did_are_kept_by_one_commit(filled, make):
    (newcomer,) = filled.load(["dora"], [], history=False).values()
    filled.commit(
        Changes(customers=[newcomer], events=[make.event(customer=4)], enrollments=[make.enrollment(newcomer.number)])
    )
    assert filled.load(["dora"], [], history=False)[4].enrollments == [make.enrollment(4)]
