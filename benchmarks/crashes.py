"""Kills a live run again and again, starts it again each time, and counts what came of everybody.

A file of events grows while `journeyscript run` follows it; mails go to an SMTP server and messages to a webhook, both
real and both here. At random moments the run is killed (SIGKILL). The last run is left alone until nothing is due.
Then every event must have been taken in once, every entry accounted for, every key sent once, and the receivers must
have got per key what their channel promises. Run it as

    python benchmarks/crashes.py --kills 300

It ends with 1, and says what is wrong, where anything is. The seed decides the moments, but not what the machine is
doing at them.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from aiosmtpd.smtp import SMTP

SECRET = "whsec_bm9ib2R5IGNoZWNrcyB0aGlzIG9uZSEh"
NEEDED = [
    "apscheduler.schedulers.background",
    "journeyscript.channels.smtp",
    "journeyscript.channels.webhook",
    "journeyscript.cli.running.living",
    "journeyscript.cli.main",
    "journeyscript.compiler",
]
PATIENCE = 60.0

FILES = {
    "journeyscript.yaml": "name: shop\npolicies: { grace: 1 second }\n",
    "catalog/customer.yaml": "attributes:\n  email: { type: string, optional: true }\n",
    "catalog/events.yaml": """
events:
  signed_up: {}
  purchased: { properties: { total: { type: money } } }
  welcomed: {}
""",
    "channels/email/channel.yaml": """
adapter: smtp
medium: email
consent: none
sender: shop@shop.example
unsubscribe: { mailto: stop@shop.example }
on_unknown: assume_sent
retry: { attempts: 1000, first: 1 second, longest: 1 second }
smtp: { host: 127.0.0.1, port: SMTP_PORT, tls: none }
""",
    "channels/hook/channel.yaml": """
adapter: webhook
medium: text
consent: none
on_unknown: retry
retry: { attempts: 1000, first: 1 second, longest: 1 second }
webhook: { url: "http://127.0.0.1:HOOK_PORT/in", secret: "${HOOK_SECRET}", allow_private: true }
""",
    "channels/email/welcome.md": "---\nsubject: Welcome\n---\nWelcome, {{ customer.id }}\n",
    "channels/hook/bought.txt": "Thank you",
    "channels/hook/reminder.txt": "Come back",
    "channels/hook/greeted.txt": "Somebody was welcomed",
    "journeys/welcome.yaml": """
journey: welcome
entry: { event: signed_up, again: never }
steps:
  - send: welcome
    via: email
  - wait_for: purchased
    lookback: since entry
    timeout: 2 seconds
    then: [{ send: bought, via: hook }]
    else: [{ send: reminder, via: hook }]
  - emit: welcomed
""",
    "journeys/greeting.yaml": """
journey: greeting
entry: { event: welcomed, again: never }
steps:
  - wait: 1 second
  - send: greeted
    via: hook
""",
}
EACH = {"welcome": 2, "greeting": 1}
"""How many messages one enrollment of a journey asks for."""


class Wrong(Exception):
    """Something was lost, or done twice. The text says what."""


@dataclass
class Proof:
    """What a run of kills came to."""

    kills: int = 0
    while_starting: int = 0
    while_sending: int = 0
    """Kills that left messages of which nobody knew what had become of them."""
    left_unknown: int = 0
    """How many such messages there were in all."""
    lines: int = 0
    events: int = 0
    entered: int = 0
    mails: int = 0
    mails_assumed: int = 0
    mails_assumed_and_never_there: int = 0
    hooks: int = 0
    hooks_more_than_once: int = 0
    startup_milliseconds: float = 0.0
    seconds: float = 0.0


class Peers:
    """A mail server and a webhook's receiver on the loopback interface, which count what they get by its key."""

    def __init__(self) -> None:
        self.mails: Counter[str] = Counter()
        self.hooks: Counter[str] = Counter()
        self._talks: list[SMTP] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp")
        self._thread.start()
        self._mail = asyncio.run_coroutine_threadsafe(
            self._loop.create_server(self._talk, "127.0.0.1", 0), self._loop
        ).result(10)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _receiver(self.hooks))
        self._http_thread = threading.Thread(target=self._http.serve_forever, name="hook")
        self._http_thread.start()

    def _talk(self) -> SMTP:
        self._talks.append(SMTP(self, hostname="mx.shop.example", loop=self._loop))
        return self._talks[-1]

    @property
    def ports(self) -> dict[str, int]:
        """Where they listen, by the words that stand for it in the project."""
        return {"SMTP_PORT": self._mail.sockets[0].getsockname()[1], "HOOK_PORT": self._http.server_address[1]}

    async def handle_DATA(self, _server, _session, envelope):  # noqa: ANN001, ANN201, N802 - aiosmtpd's name for it
        """Count a mail."""
        mail = message_from_bytes(envelope.original_content)
        self.mails[mail["X-JourneyScript-Key"]] += 1
        return "250 OK"

    def close(self) -> None:
        """Stop listening, once what has come is counted."""
        self._http.shutdown()
        self._http.server_close()
        self._http_thread.join()
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _hang_up(self) -> None:
        self._mail.close()
        for talk in self._talks:
            if talk.transport is not None:
                talk.transport.close()
        await asyncio.sleep(0.05)


def _receiver(counted: "Counter[str]") -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:
                self.close_connection = True
                return  # the sender was killed in the middle of it
            key = unquote(self.headers["idempotency-key"])
            if json.loads(body)["key"] == key:
                with lock:
                    counted[key] += 1
            self.send_response(204)
            self.send_header("content-length", "0")
            self.end_headers()

        def handle(self) -> None:
            # A peer that was killed is what this is about.
            with contextlib.suppress(ConnectionError):
                super().handle()

        def log_message(self, *_: object) -> None:
            pass

    return Receiver


def live(folder: str, log: str) -> None:
    """Be `journeyscript run` in a process of its own, until killed or told to stop."""
    os.chdir(folder)
    os.environ["HOOK_SECRET"] = SECRET
    with open(log, "a", encoding="utf-8", buffering=1) as said:  # noqa: PTH123 - as short as it may be
        os.dup2(said.fileno(), 2)
        sys.stderr = said
        from journeyscript.cli.main import cli

        cli(["run", "--follow", "events.jsonl"])


class Shop:
    """A project in a folder, its growing file of events, and its store as seen from outside."""

    def __init__(self, folder: Path, peers: Peers, chance: random.Random) -> None:
        self.folder, self._chance = folder, chance
        self.customers = self.lines = 0
        self.written: list[str] = []
        for name, text in FILES.items():
            for word, port in peers.ports.items():
                text = text.replace(word, str(port))  # noqa: PLW2901
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        (folder / "events.jsonl").touch()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(NEEDED)

    def grow(self, customers: int) -> None:
        """Let so many more people sign up, half of them buy, and some lines come twice."""
        lines = []
        for number in range(self.customers, self.customers + customers):
            name = f"c{number}"
            address = {"email": f"{name}@shop.example"}
            lines.append({"customer": name, "event": "signed_up", "id": f"s{number}", "attributes": address})
            if number % 2:
                lines.append({"customer": name, "event": "purchased", "id": f"p{number}", "properties": {"total": 5}})
        self.customers += customers
        texts = [json.dumps(line) for line in lines]
        self.written += texts
        again = self._chance.choices(self.written, k=len(texts) // 10)
        with (self.folder / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write("".join(text + "\n" for text in [*texts, *again]))
        self.lines += len(texts) + len(again)

    def start(self) -> multiprocessing.process.BaseProcess:
        """Start a live run."""
        self.said.write_text("", encoding="utf-8")
        run = self._context.Process(target=live, args=(str(self.folder), str(self.said)), daemon=True)
        run.start()
        return run

    @property
    def said(self) -> Path:
        """What the run that was started last has written to standard error."""
        return self.folder / "run.log"

    @property
    def running(self) -> bool:
        """Whether the run that was started last has come so far as to answer signals."""
        return "Ctrl-C stops" in self.said.read_text(encoding="utf-8")

    def ask(self, statement: str) -> list[tuple]:
        """Return what the store has at this moment; nothing where there is none yet."""
        path = self.folder / ".journeyscript" / "store.db"
        if not path.exists():
            return []
        try:
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                return connection.execute(statement).fetchall()
        except sqlite3.OperationalError:
            return []  # killed before the first table was made

    def number(self, statement: str) -> int:
        """Return the one number that the store answers with; none is 0."""
        found = self.ask(statement)
        return found[0][0] or 0 if found else 0

    def standing(self) -> str:
        """Return in short how far everybody has come."""
        people = self.number("SELECT count(*) FROM customers")
        inside = dict(self.ask("SELECT status, count(*) FROM enrollments GROUP BY status"))
        sends = dict(self.ask("SELECT channel || ' ' || status, count(*) FROM sends GROUP BY 1"))
        return f"{people} of {self.customers} customers, enrollments {inside}, messages {sends}"

    def quiet(self) -> bool:
        """Whether everything that can happen has happened."""
        return (
            self.number("SELECT count(*) FROM customers") == self.customers
            and self.number("SELECT count(*) FROM enrollments WHERE status = 'active'") == 0
            and self.number("SELECT count(*) FROM sends WHERE status IN ('pending', 'sending')") == 0
        )


def crash(
    folder: Path, *, kills: int, customers: int, seed: int, told: Callable[[str], None] = lambda _: None
) -> Proof:
    """Take customers through the journeys with so many kills on the way; return what it came to.

    Raises:
        Wrong: something was lost, or done twice.
    """
    chance, proof, began = random.Random(seed), Proof(), time.monotonic()
    with _peers() as peers:
        shop = Shop(folder, peers, chance)
        startup = _startup(shop)
        longest = startup + 0.6
        proof.startup_milliseconds = startup * 1000
        while proof.kills < kills:
            shop.grow(customers // (2 * kills))
            run = shop.start()
            moment = chance.uniform(0, longest)
            time.sleep(moment / 2)
            shop.grow(customers // (2 * kills))
            time.sleep(moment / 2)
            run.kill()
            run.join()
            if run.exitcode != -signal.SIGKILL:
                raise Wrong(f"a run ended by itself with {run.exitcode}: {shop.said.read_text(encoding='utf-8')}")
            proof.kills += 1
            proof.while_starting += not shop.running
            unknown = shop.number("SELECT count(*) FROM sends WHERE status = 'sending'")
            proof.while_sending += unknown > 0
            proof.left_unknown += unknown
            if proof.kills % 50 == 0:
                told(f"  {proof.kills} kills, {shop.customers:,} customers")
        shop.grow(max(0, customers - shop.customers))
        _finish(shop)
        _check(shop, peers, proof)
    proof.seconds = time.monotonic() - began
    return proof


@contextlib.contextmanager
def _peers() -> Iterator[Peers]:
    peers = Peers()
    try:
        yield peers
    finally:
        peers.close()


def _startup(shop: Shop) -> float:
    """Return how many seconds a run takes here until it answers signals; the second start counts."""
    for _ in range(2):
        began = time.monotonic()
        run = shop.start()
        _wait(lambda: shop.running, shop)
        took = time.monotonic() - began
        _stop(run, shop)
    return took


def _finish(shop: Shop) -> None:
    run = shop.start()
    _wait(lambda: shop.quiet() or not run.is_alive(), shop)
    _stop(run, shop)


def _stop(run: multiprocessing.process.BaseProcess, shop: Shop) -> None:
    if run.is_alive():
        os.kill(run.pid or 0, signal.SIGTERM)
    run.join(30)
    if run.exitcode != 0:
        raise Wrong(f"a run ended with {run.exitcode}: {shop.said.read_text(encoding='utf-8')}")


def _wait(holds: Callable[[], bool], shop: Shop) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise Wrong(f"nothing happens any more: {shop.standing()}; {shop.said.read_text(encoding='utf-8')}")
        time.sleep(0.05)


def _check(shop: Shop, peers: Peers, proof: Proof) -> None:
    """Make sure of everything that must hold, and count what was found.

    Raises:
        Wrong: it does not hold.
    """
    _must(shop.ask("PRAGMA integrity_check") == [("ok",)], "the store's file is damaged")
    proof.lines = shop.lines
    _check_events(shop, proof)
    sends = shop.ask("SELECT key, channel, status, reason, journey FROM sends")
    _must(len({key for key, *_ in sends}) == len(sends), "a key is in the store twice")
    for journey, each in EACH.items():
        count = sum(one[4] == journey for one in sends)
        _must(count == each * shop.customers, f"`{journey}` asked for {count} messages, not {each * shop.customers}")
    _must({status for _, _, status, *_ in sends} <= {"sent"}, "not every message is settled as sent")
    _must({key for key, *_ in sends} >= {*peers.mails, *peers.hooks}, "a receiver got a key that the store never had")
    _check_mails(sends, peers.mails, proof)
    for key, channel, *_ in sends:
        if channel == "hook":
            _must(peers.hooks[key] >= 1, "a message of a channel that tries again never came to its receiver")
            proof.hooks += 1
            proof.hooks_more_than_once += peers.hooks[key] > 1


def _check_events(shop: Shop, proof: Proof) -> None:
    told = shop.number("SELECT count(*) FROM events WHERE source_id IS NOT NULL")
    distinct = shop.number("SELECT count(DISTINCT source_id) FROM events")
    expected = len(set(shop.written))
    _must(told == distinct == expected, f"{expected} events were written, {distinct} are kept, in {told} rows")
    proof.events = shop.number("SELECT count(*) FROM events")
    _must(proof.events == expected + shop.customers, "an event that a journey emits is lost, or there twice")
    _must(shop.number("SELECT count(*) FROM rejected") == 0, "a good record was refused")
    counts = dict(shop.ask("SELECT status, count(*) FROM enrollments GROUP BY status"))
    proof.entered = sum(counts.values())
    _must(counts == {"completed": 2 * shop.customers}, f"{2 * shop.customers} entries, and they stand as {counts}")


def _check_mails(sends: list[tuple], received: "Counter[str]", proof: Proof) -> None:
    for key, channel, _, reason, _ in sends:
        if channel != "email":
            continue
        proof.mails += 1
        if reason == "assumed":
            proof.mails_assumed += 1
            proof.mails_assumed_and_never_there += received[key] == 0
            _must(received[key] <= 1, "a mail that was assumed to be sent came twice")
        else:
            _must(received[key] == 1, f"a mail that was sent came {received[key]} times")


def _must(holds: bool, otherwise: str) -> None:  # noqa: FBT001
    if not holds:
        raise Wrong(otherwise)


def main() -> None:
    """Kill, check and print."""
    arguments = argparse.ArgumentParser(description="Kill a live run again and again, and count what came of it.")
    arguments.add_argument("--kills", type=int, default=100)
    arguments.add_argument("--customers", type=int, default=3_000)
    arguments.add_argument("--seed", type=int, default=1)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        try:
            proof = crash(Path(name), kills=chosen.kills, customers=chosen.customers, seed=chosen.seed, told=print)
        except Wrong as wrong:
            sys.exit(f"wrong: {wrong}")
    print(f"{proof.kills} kills over {chosen.customers:,} customers, seed {chosen.seed}; nothing lost, nothing twice")
    for label, figure in asdict(proof).items():
        print(f"  {label.replace('_', ' '):<32} {figure:>10,.0f}")


if __name__ == "__main__":
    main()
