"""Versions of journeys, and the store's own facts."""


def test_a_version_comes_back_with_its_machine_and_its_contents(store, make):
    one = make.deployment("v1", history=["purchased"], digests=("c1", "c2"))
    store.deploy([one], make.at)
    assert store.deployments() == ({"v1": one}, frozenset({"v1"}))


def test_older_versions_are_kept_and_journeys_left_out_take_no_new_entries(store, make):
    first, other = make.deployment("v1"), make.deployment("w1", "winback", digests=())
    second = make.deployment("v2", digests=("c1", "c9"))
    store.deploy([first, other], make.at)
    assert store.deployments()[1] == {"v1", "w1"}
    store.deploy([second], make.at + 1)
    assert store.deployments() == ({"v1": first, "w1": other, "v2": second}, frozenset({"v2"}))
    store.deploy([], make.at + 2)
    assert store.deployments()[1] == frozenset()


def test_an_old_version_deployed_again_is_current_with_its_new_title(store, make):
    store.deploy([make.deployment("v1")], make.at)
    store.deploy([make.deployment("v2")], make.at)
    store.deploy([make.deployment("v1", title="Hello")], make.at)
    kept, current = store.deployments()
    assert current == {"v1"}
    assert kept["v1"] == make.deployment("v1", title="Hello")
    assert kept["v2"] == make.deployment("v2")


def test_nothing_deployed_is_no_versions(store):
    assert store.deployments() == ({}, frozenset())


def test_the_store_keeps_facts_about_itself(store):
    assert store.settings() == {}
    store.note(clock="virtual", self="odd")
    store.note(clock="wall", replayed="a.jsonl")
    assert store.settings() == {"clock": "wall", "self": "odd", "replayed": "a.jsonl"}


def test_an_empty_store_is_empty(store, make):
    assert store.load([], [], history=True) == {}
    assert (store.due(make.at, 10), store.next_due()) == ([], None)
    assert (store.claim(make.at, 10), store.unsettled(), store.next_available()) == ([], [], None)
    assert (store.journey_counts(), store.send_counts(), store.sends(10)) == ([], [], [])
    totals = store.totals(make.at)
    assert (totals.customers, totals.events, totals.rejected, totals.overdue) == (0, 0, 0, 0)
