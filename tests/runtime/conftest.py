"""A project compiled once, records for it, and replays of them into stores."""

import msgspec
import pytest

from journeyscript.compiler import compile_project
from journeyscript.runtime.intake.records import Intake
from journeyscript.runtime.replay import Replay
from journeyscript.runtime.session import For, Session
from tests.runtime.sends import outbox_of, put_sends

START = 1_772_000_000_000
"""An instant in February 2026, in milliseconds."""

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

FILES = {
    "journeyscript.yaml": "name: shop\ntimezone: Europe/Berlin\n",
    "catalog/customer.yaml": """
attributes:
  email: { type: string, optional: true }
  level: { type: string, optional: true }
  points: { type: integer, optional: true }
""",
    "catalog/events.yaml": """
events:
  signed_up: { properties: { plan: { type: string, optional: true } } }
  purchased: { properties: { total: { type: money } } }
  became_vip: {}
  closed: {}
""",
    "channels/post/channel.yaml": "adapter: file\nmedium: text\nconsent: none\n",
    "channels/post/hello.txt": 'Hello {{ customer.level | default: "you" }}',
    "channels/post/vip.txt": "You are a vip, {{ customer.id }}",
    "channels/post/missed.txt": "We miss you",
    "channels/email/channel.yaml": "adapter: file\nmedium: email\nconsent: opt_in\nsender: shop@shop.example\n"
    "unsubscribe: { mailto: stop@shop.example }\n",
    "channels/email/mail.md": "---\nsubject: Hello\n---\nHello\n",
    "journeys/welcome.yaml": """
journey: welcome
entry: { event: signed_up, again: never }
goal: { event: purchased, within: 2 days, exit: false }
exit:
  - event: closed
steps:
  - send: hello
  - wait_for: purchased
    timeout: 1 day
    then:
      - set: { level: '"silver"' }
      - send: hello
        id: send.second
      - exit: bought
  - send: mail
    via: email
""",
    "journeys/winback.yaml": """
journey: winback
entry: { event: purchased, again: always }
steps:
  - wait_for: purchased
    timeout: 3 days
    then: [{ exit: bought_again }]
  - send: missed
""",
    "journeys/vip.yaml": """
journey: vip
entry: { event: purchased, where: "sum(purchased.total, last 10 days) > 100", again: after 5 days }
steps:
  - set: { level: '"gold"' }
  - emit: became_vip
""",
    "journeys/vip_greeting.yaml": """
journey: vip_greeting
entry: { event: became_vip, again: never }
steps:
  - send: vip
  - wait: 1 hour
  - send: hello
""",
}


@pytest.fixture
def build(tmp_path):
    """Compile a project of the usual files and of those that the test is about; `None` takes one away."""

    def compiled(files=None, *, usual=True):
        for name, text in {**(FILES if usual else {}), **(files or {})}.items():
            path = tmp_path / name
            if text is None:
                path.unlink(missing_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        project = compile_project(tmp_path)
        assert project.sound, project.diagnostics
        return project

    return compiled


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """The usual project, compiled once for all tests of a module that do not change it."""
    root = tmp_path_factory.mktemp("shop")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    project = compile_project(root)
    assert project.sound, project.diagnostics
    return project


@pytest.fixture(scope="module")
def take_in():
    """Make records of a project: (customer, milliseconds after the start, event, more fields)."""

    def taken(project, rows, source="test", received_at=0):
        intake = Intake(project.catalog)
        records = []
        for customer, at, event, *more in rows:
            fields = {"customer": customer, "event": event, "time": START + at, **(more[0] if more else {})}
            records.append(intake.record(fields, source, "", received_at))
        records.sort(key=lambda item: getattr(item, "at", 0))
        return [msgspec.structs.replace(item, position=str(n)) for n, item in enumerate(records, 1)]

    return taken


@pytest.fixture(scope="module")
def replay():
    """Replay records into a store; return whether it came to the end. `stop_after` commits it is stopped."""

    def replayed(project, store, records, *, batch=50, stop_after=None, until=None):
        commits = 0

        def told(_count, now):
            nonlocal commits
            commits += now > 0
            if commits == stop_after:
                running.stop()

        with Session(project, store, virtual=True, delivery=For.NOTHING, at=START, environment={}) as session:
            running = Replay(session, told, batch=batch)
            return running.run(records, until)

    return replayed


@pytest.fixture(scope="module")
def contents():
    """Return everything a store tells of its journeys, to be compared with another store's."""

    def told(store):
        sends = store.sends(100_000)
        names = {f"c{n}" for n in range(100)}
        stories = {name: story for name in sorted(names) if (story := store.story(name)) is not None}
        return {
            "sends": sends,
            "counts": store.journey_counts(),
            "totals": store.totals(0),
            "positions": store.positions(),
            "enrollments": {name: story.enrollments for name, story in stories.items()},
            "decisions": {name: story.decisions for name, story in stories.items()},
            "profiles": {name: story.customer for name, story in stories.items()},
        }

    return told


@pytest.fixture
def make_outbox(usual):
    """Make an outbox over a store; see `outbox_of`."""
    made = []

    def make(*answers, **how):
        parts = outbox_of(usual, answers, **how)
        made.append(parts[1])
        return parts

    yield make
    for outbox in made:
        outbox.close()


@pytest.fixture
def pend(usual):
    """Put sends into a store, as a batch does; see `put_sends`."""

    def put(store, count=1, **how):
        put_sends(usual, store, count, **how)

    return put
