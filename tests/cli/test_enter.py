"""`journeyscript enter` and `run --enrol-existing`, as somebody at a terminal meets them."""

from contextlib import closing

import pytest

from journeyscript.runtime.operating.letterbox import Letterbox
from journeyscript.runtime.operating.requests import Enter
from journeyscript.stores.sqlite import open_sqlite

OFFER = {
    "journeys/offer.yaml": """
journey: offer
entry: { api: { coupon: { type: string } }, where: event.coupon != "NONE", again: never }
steps:
  - send: welcome
  - wait: 100 days
  - send: later
"""
}
RUN = ("run", "--once")


@pytest.fixture
def open_shop(make_shop, run_once, record):
    """A shop with a journey that can be asked for, whose store was made by a run."""
    shop = make_shop(OFFER)
    run_once(shop, record("ada", "signed_up"))
    return shop


def sent(shop, journey):
    """Return the messages of a journey that were sent."""
    with closing(open_sqlite(shop.store_path, read_only=True)) as store:
        return [send.message for send in store.sends(100) if send.journey == journey and send.status == "sent"]


def test_a_customer_enters_and_the_next_run_sends(open_shop, in_process):
    ran = in_process(open_shop, "enter", "offer", "ada", "-p", "coupon=MAY")
    assert (ran.exit_code, ran.stdout) == (0, "`ada` entered `offer`, and is at `wait`\n")
    assert sent(open_shop, "offer") == []
    open_shop.run(*RUN, stdin="")
    assert sent(open_shop, "offer") == ["welcome"]


def test_whoever_is_not_let_in_is_told_why(open_shop, in_process):
    in_process(open_shop, "enter", "offer", "ada", "-p", "coupon=MAY")
    again = in_process(open_shop, "enter", "offer", "ada", "-p", "coupon=MAY")
    assert again.exit_code == 1
    assert again.stderr.startswith("`ada` was not let into `offer`: ")
    none = in_process(open_shop, "enter", "offer", "eve", "-p", 'coupon="NONE"')
    assert (none.exit_code, none.stderr) == (1, "`eve` was not let into `offer`: the entry's condition does not hold\n")


def test_a_request_of_one_name_is_taken_in_once(open_shop, in_process):
    request = ("enter", "offer", "ada", "-p", "coupon=MAY", "--id", "r1")
    assert in_process(open_shop, *request).exit_code == 0
    ran = in_process(open_shop, *request)
    assert (ran.exit_code, ran.stderr) == (3, "a request of this id was taken in before\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("welcome", "ada"), "no journey `welcome` can be asked for"),
        (("ofer", "ada"), "no journey `ofer` can be asked for; did you mean `offer`?"),
        (("offer", "ada"), "`offer` needs the property `coupon`"),
        (("offer", "ada", "-p", "coupon"), "`coupon` is no property"),
    ],
)
def test_what_cannot_be_asked_ends_with_2(open_shop, in_process, arguments, said):
    ran = in_process(open_shop, "enter", *arguments)
    assert ran.exit_code == 2
    assert said in ran.stderr


def test_a_request_that_was_left_waits_for_whoever_knows_the_journeys(open_shop, in_process):
    letterbox = Letterbox(open_shop.store_path)
    letterbox.drop(Enter(journey="offer", customer="ada", name="r1", properties={"coupon": "MAY"}))
    assert in_process(open_shop, "pause", "welcome").exit_code == 0
    assert len(list(letterbox.folder.glob("*.order"))) == 1
    assert open_shop.run(*RUN, stdin="").returncode == 0
    assert sent(open_shop, "offer") == ["welcome"]
    assert list(letterbox.folder.glob("*.order")) == []


def test_a_replay_lets_nobody_in_on_request(open_shop, in_process):
    with closing(open_sqlite(open_shop.store_path)) as store:
        store.note(clock="virtual")
    ran = in_process(open_shop, "enter", "offer", "ada", "-p", "coupon=MAY")
    assert (ran.exit_code, "takes no orders for journeys" in ran.stderr) == (2, True)


def test_a_run_takes_the_request_as_a_record(open_shop, in_process):
    line = '{"type": "enter", "journey": "offer", "customer": "ada", "properties": {"coupon": "MAY"}}\n'
    assert open_shop.run(*RUN, stdin=line).returncode == 0
    assert "entered on request" in in_process(open_shop, "explain", "ada").stdout


def test_those_who_were_there_before_are_counted_first_and_asked_when_that_is_said(make_shop, record):
    shop = make_shop({})
    assert shop.run(*RUN, stdin=record("ada", "signed_up") + record("eve", "signed_up")).returncode == 0
    (shop.root / "journeys/thanks.yaml").write_text(
        "journey: thanks\nentry: { event: signed_up, again: never, enrol: existing }\nsteps: [{ send: welcome }]\n"
    )
    told = shop.run(*RUN, stdin="").stderr
    assert "`thanks` is for 2 customers who were there before it; --enrol-existing asks them." in told
    assert sent(shop, "thanks") == []
    asked = shop.run(*RUN, "--enrol-existing", stdin="").stderr
    assert "`thanks` asks 2 customers who were there before it." in asked
    assert sent(shop, "thanks") == ["welcome", "welcome"]
    assert "thanks" not in shop.run(*RUN, "--enrol-existing", stdin="").stderr
