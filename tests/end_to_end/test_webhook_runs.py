"""A live run that posts its messages to a real endpoint: at its rate, again after a loss, and quick to end."""

import pytest

from tests.channels.peer import SECRET, Peer, serving

CHANNEL = """
adapter: webhook
medium: text
consent: none
retry: {{ attempts: 5, first: 1 second, longest: 1 second }}
webhook: {{ url: "{url}", secret: "${{HOOK_SECRET}}", allow_private: true, timeout: 600 }}
{more}
"""
ENVIRONMENT = {"HOOK_SECRET": SECRET}


@pytest.fixture
def peer():
    with serving(Peer()) as one:
        yield one


@pytest.fixture
def posting(make_shop, peer):
    def make(more=""):
        return make_shop({"channels/post/channel.yaml": CHANNEL.format(url=peer.url, more=more)})

    return make


def keys(peer):
    return [one["key"] for one in peer.received]


def test_a_stop_does_not_wait_for_an_endpoint_that_is_silent_and_the_next_run_posts_the_same_key(
    posting, peer, record, until
):
    peer.answers = ["silence"]
    shop = posting()
    (shop.root / "events.jsonl").write_text(record("ada", "signed_up"))
    run = shop.start("--follow", shop.root / "events.jsonl", environment=ENVIRONMENT)
    until(lambda: peer.received)
    shop.stop(run)  # within a minute; the time-out is ten
    (waiting, *_) = shop.sends()
    assert (waiting.status, waiting.attempts) == ("pending", 1)
    run = shop.start("--follow", shop.root / "events.jsonl", environment=ENVIRONMENT)
    until(lambda: shop.sends()[0].status == "sent")
    shop.stop(run)
    # The later message may be due by then as well, and nobody promises which of the two goes first.
    assert keys(peer)[0] == waiting.key
    assert keys(peer).count(waiting.key) == 2
    assert peer.unverified == 0


def test_the_rate_of_a_channel_holds_over_a_restart(posting, peer, record, until):
    shop = posting("rate: { messages: 3, per: 1 hour }")
    events = shop.root / "events.jsonl"
    events.write_text("".join(record(f"c{n}", "signed_up") for n in range(8)))
    for people in (9, 11):
        run = shop.start("--follow", events, environment=ENVIRONMENT)
        until(lambda: sum(send.status == "sent" for send in shop.sends()) == 3)
        for taken in (people, people + 1):  # The second is taken in once the round of the first is over.
            with events.open("a") as file:
                file.write(record(f"c{taken}", "signed_up"))
            until(lambda taken=taken: shop.events() == taken)
        shop.stop(run)
    assert len(keys(peer)) == len(set(keys(peer))) == 3
    assert {send.attempts for send in shop.sends() if send.status == "pending"} == {0}
