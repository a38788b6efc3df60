"""The list of addresses that must not be written to: kept as digests, the same in every store."""

from contextlib import closing

import pytest

from journeyscript.stores.addresses import digest_of, normalised
from journeyscript.stores.records import Changes
from journeyscript.stores.sqlite import open_sqlite


@pytest.fixture
def outbox(filled, make):
    """A store with a message each to two customers."""
    filled.commit(Changes(enrollments=[make.enrollment(1), make.enrollment(2)], sends=[make.send(1), make.send(2)]))
    return filled


def digests(*addresses):
    return [digest_of(address) for address in addresses]


@pytest.mark.parametrize(
    ("written", "same"),
    [
        (" Ada@Example.COM ", "ada@example.com"),
        ("+49 (151) 234-5/6.7", "+49151234567"),
        ("0151 234", "0151 234"),
        ("Device-Token", "Device-Token"),
        ("+49 151 ext. 3", "+49 151 ext. 3"),
    ],
)
def test_an_address_counts_in_one_form(written, same):
    assert normalised(written) == same
    assert digest_of(written) == digest_of(same)


def test_a_lone_surrogate_can_be_looked_up_like_any_text(store):
    assert store.suppress(digests("\ud800@example.com")) == 1
    assert store.suppressed(["\ud800@example.com", "@example.com"]) == {"\ud800@example.com"}


def test_an_empty_list_forbids_nothing(store):
    assert not store.suppresses()
    assert store.suppressions() == 0
    assert store.suppressed(["ada@example.com"]) == frozenset()
    assert store.suppress([]) == store.unsuppress([]) == store.unsuppress(digests("ada@example.com")) == 0


def test_what_is_on_the_list_is_found_however_it_is_written(store):
    assert store.suppress(digests("ada@example.com", "+49 151 2345")) == 2
    assert store.suppress(digests("ADA@example.com", "bob@example.com")) == 1
    assert (store.suppresses(), store.suppressions()) == (True, 3)
    asked = ["Ada@example.com", "ada@example.com", "+491512345", "cy@example.com"]
    assert store.suppressed(asked) == {"Ada@example.com", "ada@example.com", "+491512345"}


def test_an_address_taken_off_the_list_is_free_for_those_it_refused_as_well(outbox, make):
    outbox.settle([make.settlement(1, status="failed", suppress=(1, "Ada@example.com"))])
    outbox.settle([make.settlement(2, status="failed", suppress=(2, "bob@example.com"))])
    assert outbox.unsuppress(digests("ada@example.com", "nobody@example.com")) == 1
    loaded = outbox.load((), [1, 2], history=False)
    assert (loaded[1].suppressed, loaded[2].suppressed) == (frozenset(), {"bob@example.com"})
    assert outbox.suppressed(["ada@example.com", "bob@example.com"]) == {"bob@example.com"}


def test_an_address_that_refused_for_good_is_on_the_list_for_everybody(outbox, make):
    outbox.settle([make.settlement(1, status="failed", suppress=(1, "Ada@example.com"))])
    assert outbox.suppressed(["ada@example.com", "bob@example.com"]) == {"ada@example.com"}


def test_what_is_told_of_a_customer_names_their_addresses_that_are_on_the_list(store, make):
    attributes = {"email": "Ada@example.com ", "phone": "+49 151", "level": 3, "name": "", "list": ["bob@example.com"]}
    store.commit(Changes(customers=[make.customer(1, attributes=attributes)]))
    external_id = store.load((), [1], history=False)[1].external_id
    store.suppress(digests("ada@example.com", "bob@example.com", external_id, ""))
    assert store.story(external_id).customer.suppressed == {"Ada@example.com", external_id}
    assert store.dossier(external_id).story.customer.suppressed == {"Ada@example.com", external_id}
    assert store.load((), [1], history=False)[1].suppressed == frozenset()


def test_the_list_outlives_the_customer_who_is_erased_and_no_address_stands_in_the_file(tmp_path, make):
    path = tmp_path / "store.db"
    with closing(open_sqlite(path)) as store:
        store.commit(Changes(customers=[make.customer(1, attributes={"email": "SECRET@example.com"})]))
        store.suppress(digests("SECRET@example.com"))
        store.erase(store.load((), [1], history=False)[1].external_id, 5)
    assert b"secret" not in path.read_bytes().lower()
    with closing(open_sqlite(path, read_only=True)) as store:
        assert store.suppressed(["secret@example.com"]) == {"secret@example.com"}
