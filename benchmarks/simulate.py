"""Simulated customers a second on the welcome workload, beside the same inputs through the bare batches in one run.

The workload is that of `benchmarks/welcome.py`: a sign-up and a message, half of the customers buy an hour later, a
timer after a day, a second message. Here sign-ups and purchases are drawn, and the purchase is a reaction to the first
message. All of it is on one core. Run it as

    python benchmarks/simulate.py --customers 20000 [--profile [--lived]]

Figures drift from run to run and machine to machine: quote the ratio, which is taken inside one run.
"""

import argparse
import cProfile
import gc
import pstats
import tempfile
import time
from pathlib import Path

from welcome import drive, make_project, records

from journeyscript.compiler import Project, compile_project
from journeyscript.runtime.simulation.reading import read_population
from journeyscript.runtime.simulation.run import simulate
from journeyscript.stores.memory import MemoryStore

POPULATION = """
population: benchmark
for: 10 days
customers:
  number: {number}
  arrive: {{ over: 1 day }}
  event: signed_up
  attributes: {{ email: {{ text: "{{customer}}@example.com" }} }}
behaviour:
  - after: {{ message: welcome }}
    event: purchased
    chance: 50%
    within: {{ fixed: 1 hour }}
    properties: {{ total: 20 }}
"""


def simulated(project: Project, *, shared: bool = True) -> float:
    """Simulate the project's population; return the seconds it took, reading it included.

    `shared`: who goes a way that others went is counted by it; else everybody is lived.
    """
    started = time.perf_counter()
    (node,) = project.simulations.values()
    population, findings = read_population(project, node)
    assert population is not None, findings
    tally = simulate(project, population, shared=shared)
    assert sum(tally.sent.values()) == 2 * tally.customers
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description="Simulated customers a second on the welcome workload.")
    arguments.add_argument("--customers", type=int, default=20_000)
    arguments.add_argument("--profile", action="store_true", help="print where the time of the simulation goes")
    arguments.add_argument("--lived", dest="shared", action="store_false", help="profile lives instead of shortcuts")
    chosen = arguments.parse_args()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)  # as the command does
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_project(folder)
        (folder / "simulations").mkdir()
        (folder / "simulations/benchmark.yaml").write_text(POPULATION.format(number=chosen.customers))
        project = compile_project(folder)
        if chosen.profile:
            with cProfile.Profile() as profile:
                simulated(project, shared=chosen.shared)
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
            return
        incoming = records(chosen.customers)
        figures = {
            "simulation": chosen.customers / simulated(project),
            "simulation, every customer lived": chosen.customers / simulated(project, shared=False),
            "the same inputs through the batches, in memory": chosen.customers
            / drive(project, MemoryStore(), incoming, 1_000, deliver=False),
        }
    print(f"{chosen.customers:,} customers")
    for label, figure in figures.items():
        print(f"  {label:<52} {figure:>9,.0f} customers/s")
    bare = figures["the same inputs through the batches, in memory"]
    print(f"  simulation / batches {figures['simulation'] / bare:.2f}")
    print(
        f"  simulation / every customer lived {figures['simulation'] / figures['simulation, every customer lived']:.2f}"
    )


if __name__ == "__main__":
    main()
