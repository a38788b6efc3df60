"""How a live run behaves with many people waiting: throughput, restart, lateness of timers, latency, memory.

A store is filled with customers of the welcome workload who wait for their second message; everything else is measured
over that store and over an empty one in the same run. Run it as

    python benchmarks/operating.py --waiting 1000000

Lateness and latency are read from what a real `journeyscript run` leaves in its store: when a timer was due,
when an event was written to the pipe and when its message had been handed over.
"""

import argparse
import contextlib
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from welcome import DAY, drive, make_project, records

from journeyscript.compiler import Project
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.intake.records import Incoming
from journeyscript.runtime.live import wall_clock
from journeyscript.runtime.session import For, Session
from journeyscript.stores.sqlite import open_sqlite

BATCH = 1_000
MEASURED = 20_000
SECONDS = 10
COUNT = "SELECT count(*) FROM enrollments WHERE status = 'active'"


def fill(project: Project, path: Path, waiting: int, per_second: int) -> int:
    """Let customers sign up so that their day is over from some seconds on, so many a second; return when that is."""
    begin = wall_clock() + 1_000 * (20 + waiting // 4_000)
    first = begin - DAY
    with contextlib.closing(open_sqlite(path)) as store:
        store.note(clock="wall")
        with Session(project, store, virtual=True, delivery=For.NOTHING, at=first, environment=os.environ) as session:
            signed = [one for one in records(waiting) if one.event is not None and one.event.name == "signed_up"]
            for start in range(0, waiting, BATCH):
                part = [
                    _moved(one, first + 1_000 * ((start + offset) // per_second))
                    for offset, one in enumerate(signed[start : start + BATCH])
                ]
                store.commit(advance(store, session.rules, incoming=part, now=part[-1].at))
                while session.outbox.deliver(part[-1].at):
                    pass
    return begin


def _moved(one: Incoming, at: int) -> Incoming:
    assert one.event is not None
    event = msgspec.structs.replace(one.event, at=at)
    return msgspec.structs.replace(one, customer=f"waiting-{one.customer}", at=at, event=event)


def throughput(project: Project, path: Path) -> float:
    """Return how many new customers a second go through the journey, over whatever is in the store."""
    with contextlib.closing(open_sqlite(path)) as store:
        incoming = records(MEASURED)
        return MEASURED / drive(project, store, incoming, BATCH, deliver=False)


def live(folder: Path, path: Path, until: float, lines: Sequence[tuple[float, str]] = ()) -> tuple[float, float]:
    """Run the real command over a store; return seconds until it ran, and the most memory it took, in MiB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "journeyscript", "run", "--store", str(path)],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    while not process.stderr.readline().startswith("Running"):
        assert process.poll() is None, "the run ended at once"
    ready = time.perf_counter() - started
    for pause, line in lines:
        time.sleep(pause)
        process.stdin.write(line.replace('"now"', str(wall_clock())) + "\n")
        process.stdin.flush()
    while time.time() < until:
        time.sleep(0.1)
    status = Path(f"/proc/{process.pid}/status")
    memory = 0.0
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        memory = int(peak.split()[1]) / 1024
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    return ready, memory


def percentiles(values: Sequence[float]) -> str:
    """Return median, 99th percentile and maximum in words."""
    ordered = sorted(values)
    if not ordered:
        return "nothing was measured"
    middle, high = ordered[len(ordered) // 2], ordered[min(len(ordered) * 99 // 100, len(ordered) - 1)]
    return f"median {middle:,.0f} ms, p99 {high:,.0f} ms, most {ordered[-1]:,.0f} ms, of {len(ordered):,}"


def lateness(path: Path, since: int, until: int) -> list[float]:
    """Return how long after a timer was due (on a whole second) its message had been handed over, in milliseconds."""
    due = f"(e.entered_at + {DAY} + 999) / 1000 * 1000"
    with contextlib.closing(sqlite3.connect(path)) as store:
        return [
            late
            for (late,) in store.execute(
                f"SELECT s.settled_at - {due} FROM sends AS s JOIN enrollments AS e ON e.id = s.enrollment"
                f" WHERE s.message <> 'welcome' AND s.status = 'sent' AND {due} BETWEEN ? AND ?",
                (since, until),
            )
        ]


def latency(path: Path) -> list[float]:
    """Return how long after an event its first message had been handed over, in milliseconds."""
    with contextlib.closing(sqlite3.connect(path)) as store:
        return [
            settled - entered
            for settled, entered in store.execute(
                "SELECT s.settled_at, e.entered_at FROM sends AS s JOIN enrollments AS e ON e.id = s.enrollment"
                " JOIN customers AS c ON c.number = s.customer"
                " WHERE c.external_id LIKE 'live-%' AND s.message = 'welcome' AND s.status = 'sent'"
            )
        ]


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    arguments.add_argument("--waiting", type=int, default=100_000, help="customers who wait meanwhile")
    arguments.add_argument("--due", type=int, default=1_000, help="timers that become due a second")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = make_project(folder / "project")
        few, many = folder / "few.db", folder / "many.db"
        print(f"{chosen.waiting:,} customers waiting, {chosen.due:,} timers due a second")
        throughput(project, folder / "warm.db")
        alone = throughput(project, folder / "alone.db")
        started = time.perf_counter()
        begin = fill(project, many, chosen.waiting, chosen.due)
        print(f"  filled in {time.perf_counter() - started:,.0f} s, {many.stat().st_size / 2**20:,.0f} MiB")
        line = {"event": "signed_up", "time": "now", "attributes": {"email": "a@example.com"}}
        lines = [(0.1, json.dumps({**line, "customer": f"live-{n}"})) for n in range(100)]
        _, memory_few = live(folder / "project", few, 0, lines)
        fast = latency(few)
        ready, memory = live(folder / "project", many, begin / 1_000 + SECONDS)
        print(f"  latency, event to message handed over:  {percentiles(fast)}")
        print(
            f"  lateness of timers:                     {percentiles(lateness(many, begin, begin + SECONDS * 1_000))}"
        )
        print(f"  start of a run over them:               {ready:.1f} s")
        print(f"  most memory of a run:                   {memory:,.0f} MiB beside {memory_few:,.0f} MiB with few")
        crowded = throughput(project, many)
        print(f"  throughput: {crowded:,.0f} customers/s beside {alone:,.0f} with none waiting, {crowded / alone:.2f}")
        print(f"  (this script itself: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB)")


if __name__ == "__main__":
    main()
