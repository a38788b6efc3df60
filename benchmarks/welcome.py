"""Durable customers a second on the welcome workload, beside raw `sqlite3` writing the same rows in the same run.

Each customer signs up and is sent a message; half of them buy within the day; after a day a timer takes everybody down
one of two branches to a second message, and the journey ends. Run it as

    python benchmarks/welcome.py --customers 50000

Figures drift from run to run and machine to machine: quote the ratios, which are taken inside one run.
"""

import argparse
import contextlib
import gc
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from journeyscript.compiler import Project, compile_project
from journeyscript.engine.values import Event
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.intake.records import Incoming
from journeyscript.runtime.session import For, Session
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Store
from journeyscript.stores.sqlite import open_sqlite

DAY = 86_400_000
START = 1_772_438_400_000
FILES = {
    "journeyscript.yaml": "name: benchmark\n",
    "catalog/customer.yaml": "attributes: { email: { type: string } }\n",
    "catalog/events.yaml": "events:\n  signed_up: {}\n  purchased: { properties: { total: { type: money } } }\n",
    "channels/email/channel.yaml": "adapter: file\nmedium: text\naddress: email\nconsent: none\n",
    "channels/email/welcome.txt": "Welcome",
    "channels/email/thanks.txt": "Thank you",
    "channels/email/offer.txt": "An offer",
    "journeys/welcome.yaml": """
journey: welcome
entry: { event: signed_up, again: never }
steps:
  - send: welcome
  - wait: 1 day
  - branch:
      - if: did(purchased, since entry)
        steps: [{ send: thanks }]
      - else: [{ send: offer }]
""",
}
# What a customer leaves behind, in the order in which rows refer to each other.
TABLES = ("customers", "events", "enrollments", "decisions", "sends")


def make_project(folder: Path) -> Project:
    """Return the project of the workload."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return compile_project(folder)


def records(customers: int) -> list[Incoming]:
    """Return the events in the order of time: a sign-up a second, every other customer buying an hour later."""
    found = []
    for number in range(customers):
        at = START + number
        found.append(_record(number, "signed_up", at, {}))
        if number % 2:
            found.append(_record(number, "purchased", at + 3_600_000, {"total": 20}))
    return sorted(found, key=lambda record: record.at)


def _record(number: int, name: str, at: int, properties: dict[str, int]) -> Incoming:
    first = name == "signed_up"
    return Incoming(
        customer=f"customer-{number:08}",
        at=at,
        event=Event(name=name, at=at, properties=dict(properties)),
        attributes={"email": f"{number}@example.com"} if first else {},
        consent={},
        source="benchmark",
        source_id=None,
        position="",
    )


def drive(project: Project, store: Store, incoming: Sequence[Incoming], batch: int, *, deliver: bool) -> float:
    """Take everybody through the journey; return the seconds it took."""
    with Session(project, store, virtual=True, delivery=For.NOTHING, at=START, environment=os.environ) as session:
        started = time.perf_counter()
        for first in range(0, len(incoming), batch):
            part = incoming[first : first + batch]
            store.commit(advance(store, session.rules, incoming=part, now=part[-1].at))
        end = incoming[-1].at + 2 * DAY
        while due := store.due(end, batch):
            store.commit(advance(store, session.rules, due=due, now=end))
        while deliver and session.outbox.deliver(end):
            pass
        return time.perf_counter() - started


def raw(source: Path, target: Path, customers: int, batch: int) -> float:
    """Write the rows of a store into an empty one of the same schema with plain `sqlite3`; return the seconds."""
    with contextlib.closing(open_sqlite(target)):
        pass
    with contextlib.closing(sqlite3.connect(source)) as reading:
        rows = {table: reading.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
        for table in ("names", "machines", "contents"):
            with contextlib.suppress(sqlite3.OperationalError):
                rows[table] = reading.execute(f"SELECT * FROM {table}").fetchall()
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as writing:
        writing.execute("PRAGMA synchronous=NORMAL")
        writing.execute("PRAGMA wal_autocheckpoint=16000")
        rounds = -(-customers // batch)
        started = time.perf_counter()
        for number in range(rounds):
            writing.execute("BEGIN IMMEDIATE")
            for part, table in _parts(rows, number, rounds):
                marks = ",".join("?" * len(part[0]))
                writing.executemany(f"INSERT INTO {table} VALUES ({marks})", part)
            writing.execute("COMMIT")
        return time.perf_counter() - started


def _parts(rows: dict[str, list[tuple[object, ...]]], number: int, rounds: int) -> Iterator[tuple[list, str]]:
    for table, all_rows in rows.items():
        size = -(-len(all_rows) // rounds)
        if part := all_rows[number * size : (number + 1) * size]:
            yield part, table


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description="Durable customers a second on the welcome workload.")
    arguments.add_argument("--customers", type=int, default=20_000)
    arguments.add_argument("--batch", type=int, default=1_000, help="records or due customers a commit")
    chosen = arguments.parse_args()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)  # as `journeyscript run` does
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = make_project(folder / "project")
        incoming = records(chosen.customers)

        def durable(path: Path, *, deliver: bool) -> float:
            with contextlib.closing(open_sqlite(path)) as store:
                return drive(project, store, incoming, chosen.batch, deliver=deliver)

        measures: dict[str, Callable[[], float]] = {
            "in memory, nothing durable": lambda: drive(project, MemoryStore(), incoming, chosen.batch, deliver=False),
            "durable": lambda: durable(folder / "a.db", deliver=False),
            "durable, with delivery to a channel that withholds": lambda: durable(folder / "b.db", deliver=True),
            "raw sqlite3, the same rows": lambda: raw(folder / "a.db", folder / "c.db", chosen.customers, chosen.batch),
        }
        figures = {label: chosen.customers / measure() for label, measure in measures.items()}
    print(f"{chosen.customers:,} customers, {chosen.batch:,} a commit")
    for label, figure in figures.items():
        print(f"  {label:<52} {figure:>9,.0f} customers/s")
    ratio = figures["durable"] / figures["raw sqlite3, the same rows"]
    print(f"  durable / raw {ratio:.2f}")


if __name__ == "__main__":
    main()
