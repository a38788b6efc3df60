"""Addresses on the list are never written to, whoever has them and whenever they came onto it, on every store."""

from contextlib import closing

import pytest

from journeyscript.channels.outgoing import Refused, Sent
from journeyscript.cli.init import scaffold
from journeyscript.runtime.operating.orders import Erase, Merge, Suppress, Unsuppress, carry_out
from journeyscript.stores.addresses import digest_of
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite
from tests.answering import Answering
from tests.worlds import DAY, HOUR, MINUTE, NOON, WELCOME, World, outbox, signed_up

LETTER = "journey: letter\nentry: { event: signed_up, again: always }\nsteps: [{ send: welcome, via: email }]\n"
SUPPRESSED = ("skipped", "suppressed")


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    with closing(MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "store.db")) as made:
        yield made


@pytest.fixture
def make_world(tmp_path, store):
    folder = tmp_path / "project"
    folder.mkdir()

    def make(letter=LETTER, files=()):
        return World(folder, {"letter": letter}, store, files)

    return make


def listed(world, *addresses, now=NOON, off=False):
    digests = tuple(map(digest_of, addresses))
    order = Unsuppress(digests=digests) if off else Suppress(digests=digests)
    return carry_out(world.store, order, now, world.rules)


def comes(customer, email, at=NOON):
    return signed_up(at, customer=customer, attributes={"email": email})


def outcomes(world, customer):
    return [(send.status, send.reason) for send in world.store.story(customer).sends]


def test_somebody_who_appears_later_under_an_address_of_the_list_is_not_written_to(make_world):
    world = make_world()
    listed(world, "ADA@example.com")
    world.at(NOON, comes("ada", "ada@example.com"), comes("bo", " Ada@Example.com "), comes("cy", "cy@example.com"))
    assert [outcomes(world, name) for name in ("ada", "bo", "cy")] == [[SUPPRESSED], [SUPPRESSED], [("pending", None)]]


def test_whoever_changes_to_an_address_of_the_list_is_not_written_to_from_then_on(make_world):
    world = make_world()
    listed(world, "old@example.com")
    world.at(NOON, comes("ada", "ada@example.com"))
    world.at(NOON + MINUTE, {"customer": "ada", "attributes": {"email": "old@example.com"}, "time": NOON + MINUTE},
             signed_up(NOON + MINUTE, attributes={}))  # fmt: skip
    world.at(NOON + HOUR, comes("ada", "new@example.com", NOON + HOUR))
    assert outcomes(world, "ada") == [("pending", None), SUPPRESSED, ("pending", None)]


WRITES = LETTER.replace("steps: [", "steps: [{ set: { email: '\"old@example.com\"' } }, ")
TEXT = {
    "channels/text/channel.yaml": "adapter: file\nmedium: text\naddress: id\nconsent: none\n",
    "channels/text/welcome.txt": "Welcome",
}


def test_an_address_that_a_step_writes_is_asked_for_before_it_is_written_to(make_world):
    world = make_world(WRITES)
    listed(world, "old@example.com")
    world.at(NOON, comes("ada", "ada@example.com"))
    assert outcomes(world, "ada") == [SUPPRESSED], "as soon as it is decided"
    channel = Answering()
    with outbox(world, channel) as opened:
        opened.deliver(NOON)
    assert channel.given == []


def test_where_a_step_writes_an_address_of_the_list_the_next_channel_carries_the_message(make_world):
    world = make_world(WRITES.replace("via: email", "via: [email, text]"), TEXT)
    listed(world, "OLD@example.com")
    world.at(NOON, comes("ada", "ada@example.com"))
    (send,) = world.store.story("ada").sends
    assert (send.status, send.channel, send.address) == ("pending", "text", "ada")
    assert world.store.story("ada").customer.attributes["email"] == "old@example.com"


def test_where_a_step_writes_an_address_of_the_list_and_no_other_is_left_the_else_is_taken(make_world):
    world = make_world(WRITES.replace("via: email", "via: [email, text], else: [{ wait: 1 hour }]"), TEXT)
    listed(world, "old@example.com", "ada")
    world.at(NOON, comes("ada", "ada@example.com"), comes("bo", "bo@example.com"))
    assert outcomes(world, "ada") == [SUPPRESSED]
    assert [one.state for one in world.store.story("ada").enrollments] == ["wait"]
    assert [send.channel for send in world.store.story("bo").sends] == ["text"]


def test_of_several_addresses_that_one_walk_writes_each_is_asked_for(make_world):
    steps = [
        f"{{ set: {{ email: '\"{n}@example.com\"' }} }}, {{ send: welcome, id: s{n}, via: email }}" for n in range(4)
    ]
    world = make_world(f"journey: letter\nentry: {{ event: signed_up, again: always }}\nsteps: [{', '.join(steps)}]\n")
    listed(world, "1@example.com", "2@example.com")
    world.at(NOON, comes("ada", "ada@example.com"))
    assert outcomes(world, "ada") == [("pending", None), SUPPRESSED, SUPPRESSED, ("pending", None)]
    assert len(world.store.story("ada").enrollments) == 1


def test_an_address_that_is_written_behind_a_wait_is_asked_for_as_well(make_world):
    world = make_world(
        WRITES.replace("steps: [", "steps: [{ wait: 1 hour }, ").replace("via: email", "via: [email, text]"), TEXT
    )
    listed(world, "old@example.com")
    world.at(NOON, comes("ada", "ada@example.com"))
    world.at(NOON + HOUR)
    (send,) = world.store.story("ada").sends
    assert (send.status, send.channel) == ("pending", "text")


def test_another_channel_carries_the_message_where_it_may(make_world):
    world = make_world(LETTER.replace("via: email", "via: [email, text]"), TEXT)
    listed(world, "ada@example.com", "bo@example.com", "bo")
    world.at(NOON, comes("ada", "ada@example.com"), comes("bo", "bo@example.com"))
    (send,) = world.store.story("ada").sends
    assert (send.status, send.channel, send.address) == ("pending", "text", "ada")
    assert outcomes(world, "bo") == [SUPPRESSED], "the name itself is the address there"


def test_a_message_that_was_decided_a_moment_ago_is_not_handed_over(make_world):
    world = make_world()
    world.at(NOON, comes("ada", "ada@example.com"), comes("bo", "bo@example.com"))
    listed(world, "ada@example.com")
    channel = Answering(Sent())
    with outbox(world, channel) as opened:
        opened.deliver(NOON)
    assert [given.address for given in channel.given] == ["bo@example.com"]
    assert (outcomes(world, "ada"), outcomes(world, "bo")) == ([SUPPRESSED], [("sent", None)])


def test_a_message_that_quiet_hours_hold_is_not_sent_when_they_end(make_world):
    files = {"journeyscript.yaml": scaffold("example")["journeyscript.yaml"].split("policies")[0]
             + "policies: { quiet_hours: { between: ['09:00', '18:00'] } }\n"}  # fmt: skip
    world = make_world(LETTER.replace("via: email", "via: email, class: marketing"), files)
    world.at(NOON, comes("ada", "ada@example.com"))
    assert outcomes(world, "ada") == []
    listed(world, "ada@example.com")
    world.at(NOON + DAY // 2)
    assert outcomes(world, "ada") == [SUPPRESSED]


def test_not_even_a_transactional_message_goes_to_an_address_of_the_list(make_world):
    world = make_world(LETTER.replace("via: email", "via: email, class: transactional"))
    listed(world, "ada@example.com")
    world.at(NOON, comes("ada", "ada@example.com"))
    assert outcomes(world, "ada") == [SUPPRESSED]


def test_an_address_that_refuses_for_good_is_closed_to_everybody_who_has_it(make_world):
    world = make_world()
    world.at(NOON, comes("ada", "ada@example.com"))
    with outbox(world, Answering(Refused(detail="550 no such user", suppress=True))) as opened:
        opened.deliver(NOON)
    world.at(NOON + HOUR, comes("bo", "Ada@example.com", NOON + HOUR))
    assert (outcomes(world, "ada"), outcomes(world, "bo")) == ([("failed", "permanent")], [SUPPRESSED])
    assert listed(world, "ada@example.com", off=True).count == 1
    later = NOON + 2 * HOUR
    world.at(later, comes("ada", "ada@example.com", later), comes("bo", "ada@example.com", later))
    assert (outcomes(world, "ada")[-1], outcomes(world, "bo")[-1]) == (("pending", None), ("pending", None))


def test_the_list_knows_nobody_so_erasing_and_merging_leave_it_as_it_is(make_world):
    world = make_world()
    listed(world, "ada@example.com")
    world.at(NOON, comes("ada", "ada@example.com"), comes("bo", "bo@example.com"))
    carry_out(world.store, Merge(customer="bo", previous="ada"), NOON, world.rules)
    carry_out(world.store, Erase(customer="bo"), NOON, world.rules)
    world.at(NOON + HOUR, comes("ada", "ada@example.com", NOON + HOUR))
    assert (world.store.suppressions(), outcomes(world, "ada")) == (1, [SUPPRESSED])


def test_an_order_carried_out_twice_changes_nothing_more(make_world):
    world = make_world(WELCOME.replace("welcome\n", "letter\n", 1))
    assert listed(world, "ada@example.com", "bo@example.com").said == "put on the list: 2 addresses"
    assert listed(world, "ada@example.com").said == "put on the list: 0 addresses"
    assert listed(world, "ada@example.com", off=True).said == "taken off the list: 1 address"
    assert listed(world, "ada@example.com", off=True).kind == "nothing"
