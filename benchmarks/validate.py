"""How long `validate` takes: a thousand journeys cold and unchanged, and the CPU of the commands people wait for most.

The project is made up from a seed: journeys with sends, waits, branches, splits, loops and tests, no two alike. Every
figure is of the real command in a process of its own. Run it as

    python benchmarks/validate.py --journeys 1000
"""

import argparse
import itertools
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import yaml

Step: TypeAlias = dict[str, Any]

FILES = {
    "journeyscript.yaml": "name: benchmark\ntimezone: Europe/Berlin\n",
    "catalog/customer.yaml": """
attributes:
  email: { type: string, optional: true }
  phone: { type: string, optional: true }
  first_name: { type: string, optional: true }
  country: { type: enum, values: [DE, AT, CH, FR] }
  points: { type: integer }
  vip: { type: boolean }
  birthday: { type: date, optional: true }
""",
    "catalog/events.yaml": """
events:
  purchased: { properties: { total: { type: money }, category: { type: string, optional: true } } }
  page_viewed: { properties: { url: { type: string } } }
  account_closed: {}
""",
    "catalog/segments.yaml": 'segments: { loyal: { when: "count(purchased, last 365 days) >= 3" } }\n',
    "channels/email/channel.yaml": """
adapter: console
consent: opt_in
unsubscribe: { url: "https://shop.example/stop/{{ customer.id }}" }
""",
    "channels/sms/channel.yaml": "adapter: console\naddress: phone\nconsent: opt_in\n",
}
START = "{ properties: { source: { type: string } } }"
RIVALS = 4
"""So many journeys start on the same event, each for another source of it."""
MESSAGES = 40
CONDITIONS = (
    "customer.points > {n}",
    'customer.country in ["DE", "AT"] and customer.points >= {n}',
    "did(purchased, last {n} days)",
    "count(page_viewed, last {n} days) >= 2",
    "customer in segment loyal and not customer.vip",
    "has customer.birthday and days_since(customer.birthday) > {n}",
    "sum(purchased.total, last 365 days) > {n}",
)


def make_project(folder: Path, journeys: int, seed: int) -> None:
    """Write a project of so many journeys, each with a test, and a few dozen messages."""
    chance = random.Random(seed)
    files = dict(FILES)
    files["catalog/events.yaml"] += "".join(f"  started_{n}: {START}\n" for n in range(-(-journeys // RIVALS)))
    for number in range(MESSAGES):
        body = f"Hello {{{{ customer.first_name | default: 'you' }}}}, this is number {number}."
        files[f"channels/email/message_{number}.md"] = f"---\nsubject: Number {number}\n---\n{body}\n"
        files[f"channels/sms/message_{number}.txt"] = f"Number {number}\n"
    for number in range(journeys):
        name = f"journey_{number:04}"
        files[f"journeys/{name}.yaml"] = _journey(name, chance)
        files[f"journeys/{name}.test.yaml"] = _test(name)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def _journey(name: str, chance: random.Random) -> str:
    numbers = itertools.count()
    steps = [step for _ in range(chance.randint(2, 6)) for step in _steps(chance, numbers, 0)]
    entry = {"event": _start(name), "where": f'event.source == "{name}"', "again": "after 30 days"}
    document = {
        "journey": name,
        "title": f"Number {name[-4:]}",
        "entry": entry,
        "exit": [{"event": "account_closed"}],
        "steps": [*steps, _send(chance, numbers)],
    }
    return yaml.safe_dump(document, sort_keys=False)


def _start(name: str) -> str:
    return f"started_{int(name.removeprefix('journey_')) // RIVALS}"


def _steps(chance: random.Random, numbers: Iterator[int], depth: int) -> list[Step]:
    """Return a step and what belongs around it, so that no two messages follow each other without a pause."""
    kind = chance.choice(["send", "until", "event", "branch", "split", "repeat"] if depth < 2 else ["send"])
    own = {"id": f"step_{next(numbers)}"}
    pause: Step = {"wait": f"{chance.randint(1, 9)} days", "id": f"step_{next(numbers)}"}
    inner = [] if kind == "send" else [*_steps(chance, numbers, depth + 1), *_steps(chance, numbers, 2)]
    match kind:
        case "until":
            return [_send(chance, numbers), {"wait_until": {"time": "10:00", "days": "weekdays"}, **own}]
        case "event":
            return [{"wait_for": "purchased", **own, "timeout": pause["wait"], "then": inner}]
        case "branch":
            condition = chance.choice(CONDITIONS).format(n=chance.randint(1, 90))
            return [{"branch": [{"if": condition, "steps": inner}, {"else": []}], **own}, pause]
        case "split":
            arms = [{"arm": "a", "weight": 50, "steps": inner}, {"arm": "b", "weight": 50, "steps": []}]
            return [{"split": f"try_{next(numbers)}", "arms": arms, **own}, pause]
        case "repeat":
            return [{"repeat": {"times": 3}, **own, "steps": [*inner, pause]}]
        case _:
            return [_send(chance, numbers), pause]


def _send(chance: random.Random, numbers: Iterator[int]) -> Step:
    return {"send": f"message_{chance.randrange(MESSAGES)}", "id": f"step_{next(numbers)}"}


def _test(name: str) -> str:
    moment = {"event": _start(name), "properties": {"source": "web"}}
    customer = {"email": "ada@example.com", "consent": {"email": True}}
    test = {"name": "somebody signs up", "customer": customer, "at": "2026-03-02T10:00+01:00", "timeline": [moment]}
    return yaml.safe_dump({"journey": name, "tests": [{**test, "expect": {"state": "active"}}]}, sort_keys=False)


def measured(folder: Path, *arguments: str) -> tuple[float, float]:
    """Return the seconds that a command took, and the seconds of CPU."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "journeyscript", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 1), done.stderr
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journeys", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        many, one = Path(place) / "many", Path(place) / "one"
        make_project(many, arguments.journeys, arguments.seed)
        make_project(one, 1, arguments.seed)
        measured(one, "--help")  # Writes what Python keeps of modules, which no user waits for twice.
        validate = ("validate", "--output-format", "concise")
        print(f"{arguments.journeys} journeys")
        print(f"  validate, cold          {measured(many, *validate)[0]:6.2f} s")
        print(f"  validate, unchanged     {measured(many, *validate)[0]:6.2f} s")
        with (many / "journeys" / "journey_0000.yaml").open("a", encoding="utf-8") as file:
            file.write("# changed\n")
        print(f"  validate, one changed   {measured(many, *validate)[0]:6.2f} s")
        print("one journey")
        print(f"  --help                  {measured(one, '--help')[1]:6.2f} s of CPU")
        print(f"  validate, cold          {measured(one, *validate)[1]:6.2f} s of CPU")
        print(f"  validate, unchanged     {measured(one, *validate)[1]:6.2f} s of CPU")


if __name__ == "__main__":
    main()
