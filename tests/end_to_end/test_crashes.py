"""A run that is killed, at random or between two certain writes, loses nothing and does nothing twice."""

import itertools
import multiprocessing
import os
import signal
import threading
from collections import Counter
from contextlib import closing

import pytest

from benchmarks.crashes import NEEDED, crash
from journeyscript.compiler import compile_project
from journeyscript.runtime.intake.sources import open_source
from journeyscript.runtime.live import Live, wall_clock
from journeyscript.runtime.session import For, Session
from journeyscript.stores.sqlite import open_sqlite
from tests.dying import run_until

KILLS = int(os.environ.get("KILLS", "12"))
"""So many times the run is killed; `KILLS=300` tries it for as long as it takes to believe it."""


def test_a_run_that_is_killed_again_and_again_loses_nothing_and_does_nothing_twice(tmp_path):
    customers = max(480, 20 * KILLS)
    for seed in range(7, 12):
        (tmp_path / str(seed)).mkdir()
        proof = crash(tmp_path / str(seed), kills=KILLS, customers=customers, seed=seed)
        assert proof.kills == KILLS
        assert proof.entered == 2 * customers
        assert proof.lines > proof.events - customers, "some events came twice"
        if proof.while_sending:  # It is for chance to say what a run is doing when it is killed.
            return
    pytest.fail("none of the kills came at a bad moment")


DYING = {
    "channels/post/channel.yaml": """
adapter: file
medium: text
consent: none
path: outbox
on_unknown: retry
retry: { attempts: 3, first: 1 second, longest: 1 second }
""",
    "channels/email/welcome.md": "---\nsubject: Hello\n---\nHello\n",
    "journeys/welcome.yaml": """
journey: welcome
entry: { event: signed_up, again: always }
steps:
  - send: welcome
    via: email
  - send: later
    via: post
""",
}
CHANNEL = """
adapter: smtp
medium: email
consent: none
sender: shop@shop.example
unsubscribe: {{ mailto: stop@shop.example }}
on_unknown: assume_sent
smtp: {{ host: 127.0.0.1, port: {port}, tls: none }}
"""


@pytest.fixture
def dying_shop(make_shop, record):
    """Make a project whose run may be ended at any write, in a folder of its own."""

    def make(root, port):
        root.mkdir()
        shop = make_shop({**DYING, "channels/email/channel.yaml": CHANNEL.format(port=port)}, root)
        people = (record(name, "signed_up", id=name, attributes={"email": f"{name}@example.com"}) for name in "ab")
        (root / "events.jsonl").write_text("".join(people))
        return shop

    return make


def end(shop, number):
    """Run until the write of this number; return how the process ended."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(NEEDED)
    process = context.Process(target=run_until, args=(str(shop.root), number), daemon=True)
    process.start()
    process.join()
    return process.exitcode


def go_on(shop):
    """Go on where the run was ended, and let the time pass that lies between two attempts."""
    with closing(open_sqlite(shop.store_path)) as store:
        for ahead in (0, 5_000):
            project = compile_project(shop.root)
            with Session(
                project, store, virtual=False, delivery=For.REAL, at=wall_clock(), environment=os.environ
            ) as session:
                wake = threading.Event()
                live = Live(session, wake, clock=lambda ahead=ahead: wall_clock() + ahead)
                source = open_source(str(shop.root / "events.jsonl"), store.positions(), wake.set, whole=True)
                live.run([source], once=True)


def test_whichever_write_a_run_is_killed_before_a_message_is_sent_as_its_channel_promises(
    dying_shop, mail_server, tmp_path
):
    whole = dying_shop(tmp_path / "whole", mail_server.port)
    assert end(whole, 0) == 0, (whole.root / "run.log").read_text()
    assert int((whole.root / "writes").read_text()) > 15
    seen = Counter()
    for number in itertools.count(1):
        mail_server.mails.clear()
        shop = dying_shop(tmp_path / str(number), mail_server.port)
        ended = end(shop, number)
        if ended == 0:
            break  # It has come to its end, and does not write as often.
        assert ended == -signal.SIGKILL
        go_on(shop)
        assert shop.events() == 2
        counts = shop.ask(lambda store: store.journey_counts())
        assert [(count.status, count.count) for count in counts] == [("completed", 2)]
        sends = shop.sends()
        assert len({send.key for send in sends}) == len(sends) == 4, number
        assert {send.status for send in sends} == {"sent"}
        mails = Counter(mail["X-JourneyScript-Key"] for _, _, mail in mail_server.mails)
        posts = Counter(message["key"] for message in shop.outbox())
        for send in sends:
            if send.channel == "post":
                assert posts[send.key] >= 1, "tried again until it was there"
                seen["again"] += posts[send.key] > 1
            elif send.reason == "assumed":
                assert mails[send.key] <= 1
                seen["assumed, there" if mails[send.key] else "assumed, not there"] += 1
            else:
                assert mails[send.key] == 1
        assert {*mails, *posts} <= {send.key for send in sends}
    assert number > 15
    assert all(seen[case] for case in ("again", "assumed, there", "assumed, not there")), seen
