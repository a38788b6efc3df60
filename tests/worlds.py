"""Projects of a few journeys on the wall clock, told what happens one batch at a time; and those of the documents.

Takes a store of either kind. What is true of a live run, and of none that is replayed, is shown with these.
"""

import contextlib
import re

import msgspec

from journeyscript.cli.init import scaffold
from journeyscript.compiler import compile_project
from journeyscript.runtime.advancing.identity import take_in
from journeyscript.runtime.advancing.keeping import Arrival
from journeyscript.runtime.delivery.outbox import Carrier, Outbox
from journeyscript.runtime.intake.records import Intake
from journeyscript.runtime.session import For, Session, quiet_of, requests_of

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOON = 1_777_636_800_000
"""2026-05-01T12:00Z."""
GRACE = 5 * MINUTE

BOTH = {"email": "ada@example.com"}, {"email": True}

SHOWN_ON_PURPOSE = ("JS211", "JS214", "JS218", "JS701", "JS702")
"""Findings of examples that show on purpose what a journey would better not do, or that live in one project."""

WELCOME = """
journey: welcome
entry: { event: signed_up, again: never }
steps:
  - send: welcome
  - wait_for: purchased
    timeout: 1 day
    then: [{ exit: converted }]
  - wait: 1 hour
  - send: reminder
    via: email
"""


def examples(text):
    """Return the journeys of the document that have tests, with these: (name, journey, tests, policies)."""
    found, policies = [], ""
    for title, block in re.findall(r"^#+ (.*)$|^```yaml\n((?:.|\n)*?)^```$", text, re.MULTILINE):
        if title:
            policies = ""  # they hold for the rest of their section
        elif block.startswith(("policies:", "test_customers:")):
            policies = block
        elif block.startswith("journey: "):
            found.append([block.split("\n", 1)[0].removeprefix("journey: "), block, "", policies])
        elif block.startswith("# channels/"):
            continue  # it is for a run
        elif block.startswith("run:\n"):
            while found and not found[-1][2]:
                found.pop()
        else:
            assert block.startswith("tests:\n"), "an example is a journey, its tests, or a run"
            assert not found[-1][2], "a journey has one block of tests"
            found[-1][2] = f"journey: {found[-1][0]}\n{block}"
    return [tuple(example) for example in found]


def write_project(folder, journeys=None, files=()):
    """Write the project that `init` writes, with these journeys in the place of its own: text by name.

    `files` maps paths to texts that take the place of others.
    """
    for path, text in {**scaffold("example"), **dict(files)}.items():
        if not (journeys is not None and path.startswith("journeys/")):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    (folder / "journeys").mkdir(parents=True, exist_ok=True)
    for name, text in (journeys or {}).items():
        (folder / "journeys" / f"{name}.yaml").write_text(text)


class World:
    """A project on the wall clock over a store."""

    def __init__(self, folder, journeys, store, files=()):
        write_project(folder, journeys, files)
        self.project = compile_project(folder)
        assert self.project.sound, self.project.diagnostics
        self.store = store
        with Session(self.project, self.store, virtual=False, delivery=For.NOTHING, at=NOON, environment={}) as session:
            self.rules = session.rules
        self.received = 0

    def at(self, now, *records):
        """Take records in at a moment, with every timer that is due; each is (event, time) or a whole record."""
        intake = Intake(self.project.catalog, requests_of(self.project))
        arrivals = []
        for record in records:
            self.received += 1
            taken = intake.record(record, "test", str(self.received), now)
            arrivals.append(Arrival(record=taken, reader="", position=str(self.received)))
        while True:
            due = self.store.due(now, 100)
            if not due and not arrivals:
                return
            take_in(self.store, self.rules, arrivals, due=due, now=now)
            arrivals = []

    @property
    def enrollments(self):
        return self.store.story("ada").enrollments

    @property
    def messages(self):
        return [(send.message, send.created_at) for send in self.store.story("ada").sends]


def signed_up(time, **more):
    attributes, consent = BOTH
    properties = {"source": "web"}
    return {
        "customer": "ada",
        "event": "signed_up",
        "time": time,
        "properties": properties,
        "attributes": attributes,
        "consent": consent,
        **more,
    }


def purchased(time):
    return {"customer": "ada", "event": "purchased", "time": time, "properties": {"total": 20}}


@contextlib.contextmanager
def outbox(world, adapter, **changes):
    """Open the outbox of a world whose e-mail goes to an adapter."""
    config = msgspec.structs.replace(world.project.channels["email"], **changes)
    contents = {digest: text for d in world.store.deployments()[0].values() for digest, text in d.contents.items()}
    carriers = {"email": Carrier(config=config, adapter=adapter)}
    opened = Outbox(world.store, carriers, contents, virtual=False, quiet=quiet_of(world.project))
    with contextlib.closing(opened):
        yield opened
