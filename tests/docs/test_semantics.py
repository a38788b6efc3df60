"""The examples of `docs/semantics.md` are run; what no journey test can show is shown here."""

import ast
import contextlib
import re
from itertools import pairwise

import msgspec
import pytest

from journeyscript.channels.outgoing import Deferred, Sent
from journeyscript.cli.init import scaffold
from journeyscript.compiler import compile_project
from journeyscript.runtime.batch import advance
from journeyscript.runtime.delivery.outbox import Carrier, Outbox
from journeyscript.runtime.intake import Intake
from journeyscript.runtime.session import For, Session
from journeyscript.stores.memory import MemoryStore
from tests.answering import Answering

DOCUMENT = "docs/semantics.md"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOON = 1_777_636_800_000
"""2026-05-01T12:00Z."""
GRACE = 5 * MINUTE

BOTH = {"email": "ada@example.com"}, {"email": True}


# The document -----------------------------------------------------------------------------------------------------


def examples(text):
    """Return the journeys of the document with their tests: (name, journey, tests, policies)."""
    found, policies = [], ""
    for title, block in re.findall(r"^#+ (.*)$|^```yaml\n((?:.|\n)*?)^```$", text, re.MULTILINE):
        if title:
            policies = ""  # they hold for the rest of their section
        elif block.startswith("policies:"):
            policies = block
        elif block.startswith("journey: "):
            found.append([block.split("\n", 1)[0].removeprefix("journey: "), block, "", policies])
        else:
            assert block.startswith("tests:\n"), "an example is a journey or its tests"
            assert not found[-1][2], "a journey has one block of tests"
            found[-1][2] = f"journey: {found[-1][0]}\n{block}"
    return [tuple(example) for example in found]


def sections(text):
    """Return what stands below each heading that has no heading below itself: text by title."""
    parts = re.split(r"^(##+) (.+)\n", text, flags=re.MULTILINE)[1:]
    levels, titles, bodies = parts[::3], parts[1::3], parts[2::3]
    following = [*levels[1:], "##"]
    return {
        title: body
        for level, title, body, after in zip(levels, titles, bodies, following, strict=True)
        if after <= level
    }


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


SHOWN_ON_PURPOSE = ("JS211", "JS214", "JS218", "JS701", "JS702")


def test_every_example_is_a_sound_project_and_does_what_the_document_says(document, tmp_path, say):
    found = examples(document(DOCUMENT).text)
    names = [name for name, *_ in found]
    assert len(set(names)) == len(names) > 20
    assert all(tests for _, _, tests, _ in found)
    weights = ", ".join(f'{code}: "off"' for code in SHOWN_ON_PURPOSE)
    for number, policies in enumerate({policies: None for *_, policies in found}):
        folder = tmp_path / str(number)
        chosen = [(name, journey, tests) for name, journey, tests, under in found if under == policies]
        write_project(
            folder, {k: v for name, text, tests in chosen for k, v in ((name, text), (f"{name}.test", tests))}
        )
        # Some examples show on purpose what a journey would better not do, and they live in one project.
        with (folder / "journeyscript.yaml").open("a") as project:
            project.write(f"{policies}rules: {{ {weights} }}\n")
        assert say("journeyscript validate", folder=folder).endswith("no findings\n")
        assert " 0 failed" in say("journeyscript test", folder=folder)


def test_every_answer_has_an_example_or_names_its_test(document):
    unproved = [
        title
        for title, body in sections(document(DOCUMENT).text).items()
        if "```yaml\ntests:" not in body and "::test_" not in body
    ]
    assert unproved == ["Decided, not there yet"]


def test_every_test_that_is_named_is_there(document, root):
    named = re.findall(r"`(tests/[\w/.]+)::(test_\w+)`", document(DOCUMENT).text)
    assert named
    for path, name in named:
        functions = {
            node.name for node in ast.parse((root / path).read_text()).body if isinstance(node, ast.FunctionDef)
        }
        assert name in functions, f"{path} has no {name}"


# What the examples cannot show -------------------------------------------------------------------------------------


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


class World:
    """A project on the wall clock over a memory store, told what happens one batch at a time."""

    def __init__(self, folder, journeys, store=None, files=()):
        write_project(folder, journeys, files)
        self.project = compile_project(folder)
        assert self.project.sound, self.project.diagnostics
        self.store = store or MemoryStore()
        with Session(self.project, self.store, virtual=False, delivery=For.NOTHING, at=NOON, environment={}) as session:
            self.rules = session.rules
        self.received = 0

    def at(self, now, *records):
        """Take records in at a moment, with every timer that is due; each is (event, time) or a whole record."""
        intake = Intake(self.project.catalog)
        incoming = []
        for record in records:
            self.received += 1
            incoming.append(intake.record(record, "test", str(self.received), now))
        while True:
            due = self.store.due(now, 100)
            if not due and not incoming:
                return
            self.store.commit(advance(self.store, self.rules, incoming=incoming, due=due, now=now))
            incoming = []

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


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, {"welcome": WELCOME})


def test_an_old_event_is_history_and_starts_nothing(tmp_path):
    world = World(tmp_path, {"welcome": WELCOME.replace("signed_up,", "signed_up, where: did(purchased),")})
    world.at(NOON, purchased(NOON - 9 * DAY), signed_up(NOON - DAY - 1))
    assert world.enrollments == ()
    assert world.store.story("ada").customer.attributes["email"] == "ada@example.com"
    world.at(NOON, signed_up(NOON - DAY))
    assert world.messages == [("welcome", NOON - DAY)]


def test_an_event_of_the_future_happened_when_it_came(world):
    world.at(NOON, signed_up(NOON + 9 * DAY))
    (enrollment,) = world.enrollments
    assert enrollment.entered_at == NOON


def test_what_cannot_be_taken_in_is_kept_and_holds_up_nobody(world):
    world.at(NOON, {"customer": "ada", "event": "signed_in"}, signed_up(NOON))
    (rejected,) = world.store.rejected(10)
    assert rejected.reason == "there is no event `signed_in`; did you mean `signed_up`?"
    assert len(world.enrollments) == 1


def test_an_event_behind_a_fired_timer_rewinds_nothing(world):
    world.at(NOON, signed_up(NOON))
    world.at(NOON + DAY + 5 * MINUTE)
    world.at(NOON + DAY + 6 * MINUTE, purchased(NOON + DAY - 1))
    late = [
        kept.decision.values for kept in world.store.story("ada").decisions if kept.decision.rule == "late purchased"
    ]
    assert late == [(("seconds", 5 * 60),)]
    world.at(NOON + 2 * DAY)
    (enrollment,) = world.enrollments
    assert (enrollment.status, [name for name, _ in world.messages]) == ("completed", ["welcome", "reminder"])


def test_an_event_on_its_way_at_the_deadline_takes_its_path(world):
    world.at(NOON, signed_up(NOON), signed_up(NOON, customer="bo"))
    world.at(NOON + DAY + 4 * MINUTE, purchased(NOON + DAY), {**purchased(NOON + DAY + 1), "customer": "bo"})
    (ada,), (bo,) = world.enrollments, world.store.story("bo").enrollments
    assert (ada.status, ada.reason) == ("exited", "converted")
    assert (bo.status, bo.state) == ("active", "wait_for.purchased"), "an event behind the deadline is too late"
    world.at(NOON + DAY + 5 * MINUTE)
    assert world.store.story("bo").enrollments[0].state == "wait"


def test_an_event_before_the_deadline_wins_over_the_timer_of_the_same_batch(world):
    world.at(NOON, signed_up(NOON))
    world.at(NOON + DAY + HOUR, purchased(NOON + DAY))
    (enrollment,) = world.enrollments
    assert (enrollment.status, enrollment.reason) == ("exited", "converted")


def test_a_timer_missed_by_a_standstill_fires_late_and_says_so(world):
    world.at(NOON, signed_up(NOON))
    started = NOON + 3 * DAY
    world.at(started)
    (enrollment,) = world.enrollments
    assert (enrollment.state, enrollment.due_at) == ("wait", started + HOUR)
    assert world.store.story("ada").decisions[-1].decision.values == (("late_seconds", 2 * 86_400 - GRACE // 1_000),)


def test_whoever_is_inside_stays_in_the_version_they_entered(tmp_path):
    first = World(tmp_path, {"welcome": WELCOME})
    first.at(NOON, signed_up(NOON))
    second = World(tmp_path, {"welcome": WELCOME.replace("timeout: 1 day", "timeout: 9 days")}, first.store)
    second.at(NOON + HOUR, signed_up(NOON + HOUR, customer="bo"))
    (ada,), (bo,) = second.enrollments, second.store.story("bo").enrollments
    assert ada.version != bo.version
    second.at(NOON + DAY + GRACE)
    second.at(NOON + DAY + GRACE + HOUR)
    (ada,), (bo,) = second.enrollments, second.store.story("bo").enrollments
    assert (ada.status, bo.state) == ("completed", "wait_for.purchased")


def test_comments_and_formatting_change_no_version(tmp_path):
    written = (
        "# why\njourney: welcome\nentry:\n  event: signed_up # a comment\n  again: 'never'\n"
        + WELCOME.split("never }\n")[1]
    )
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = (World(tmp_path / n, {"welcome": text}) for n, text in (("a", WELCOME), ("b", written)))
    assert one.store.deployments()[1] == other.store.deployments()[1]


CIRCLE = """
journey: circle
entry: { event: account_closed, again: always }
steps:
  - emit: account_closed
"""


def test_journeys_that_start_each_other_are_cut_off(tmp_path, monkeypatch):
    # The compiler refuses the circle; journeys of several versions can still make one.
    monkeypatch.setattr("journeyscript.compiler.check_journeys", lambda _journeys: ())
    world = World(tmp_path, {"circle": CIRCLE})
    world.at(NOON, {"customer": "ada", "event": "account_closed", "time": NOON}, purchased(NOON))
    (cut,) = world.store.rejected(10)
    assert "journeys start each other" in cut.reason
    assert len(world.enrollments) == 101
    assert world.store.totals(NOON).events == 102


# Messages on their way ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def outbox(world, adapter, **changes):
    """Open the outbox of a world whose e-mail goes to an adapter."""
    config = msgspec.structs.replace(world.project.channels["email"], **changes)
    contents = {digest: text for d in world.store.deployments()[0].values() for digest, text in d.contents.items()}
    opened = Outbox(world.store, {"email": Carrier(config=config, adapter=adapter)}, contents, virtual=False)
    with contextlib.closing(opened):
        yield opened


def test_a_message_put_off_is_tried_again_later_each_time_and_then_given_up(world):
    world.at(NOON, signed_up(NOON))
    channel = Answering(*[Deferred(detail="later")] * 6)
    attempts = []
    with outbox(world, channel) as opened:
        while (moment := world.store.next_available()) is not None:
            attempts.append(moment)
            assert opened.deliver(moment) == 1
    waits = [later - sooner for sooner, later in pairwise(attempts)]
    for minutes, wait in zip([1, 2, 4, 8, 16], waits, strict=True):
        assert minutes * MINUTE <= wait <= minutes * MINUTE * 5 // 4
    assert len({outgoing.key for outgoing in channel.given}) == 1
    (send,) = world.store.story("ada").sends
    assert (send.status, send.reason, send.attempts) == ("failed", "gave_up", 6)


@pytest.mark.parametrize(("on_unknown", "status"), [("assume_sent", "sent"), ("retry", "pending")])
def test_what_was_being_sent_when_the_process_ended_is_settled_as_the_channel_says(world, on_unknown, status):
    world.at(NOON, signed_up(NOON))
    world.store.claim(NOON, 10)
    with outbox(world, Answering(), on_unknown=on_unknown) as opened:
        assert opened.recover(NOON + HOUR) == 1
    (send,) = world.store.story("ada").sends
    assert send.status == status


def test_a_message_too_old_after_a_standstill_is_skipped(world):
    world.at(NOON, signed_up(NOON))
    world.at(NOON + DAY + GRACE)
    world.at(NOON + 3 * DAY)
    (enrollment,) = world.enrollments
    skipped = world.store.story("ada").sends[-1]
    assert (enrollment.status, skipped.message, skipped.status, skipped.reason) == (
        "completed", "reminder", "skipped", "stale",
    )  # fmt: skip


def test_a_message_too_old_in_the_outbox_is_skipped(world):
    world.at(NOON, signed_up(NOON))
    channel = Answering()
    with outbox(world, channel) as opened:
        assert opened.deliver(NOON + DAY + 1) == 1
    (send,) = world.store.story("ada").sends
    assert (send.status, send.reason, channel.given) == ("skipped", "stale", [])


def test_a_message_says_what_was_true_when_it_was_decided(tmp_path):
    world = World(tmp_path, {"welcome": WELCOME})
    attributes = {"email": "ada@example.com", "first_name": "Ada", "locale": "de-AT"}
    world.at(NOON, signed_up(NOON, attributes=attributes))
    letter = "channels/email/welcome.md"
    rewritten = scaffold("example")[letter].replace("Hello", "Changed")
    later = World(tmp_path, {"welcome": WELCOME}, world.store, {letter: rewritten})
    assert world.store.deployments()[1] != frozenset(world.store.deployments()[0])
    changed = {"first_name": "Changed", "email": "changed@example.com"}
    later.at(NOON + 1, {"customer": "ada", "time": NOON + 1, "attributes": changed})
    channel = Answering(Sent())
    with outbox(later, channel) as opened:
        opened.deliver(NOON + HOUR)
    (outgoing,) = channel.given
    assert outgoing.address == "ada@example.com"
    assert "Hello Ada" in outgoing.rendered.text


# Two clocks --------------------------------------------------------------------------------------------------------


def test_a_replay_ends_with_its_last_event_unless_told_to_go_on(tmp_path, say):
    write_project(tmp_path, {"welcome": WELCOME})
    (tmp_path / "events.jsonl").write_bytes(msgspec.json.encode(signed_up("2026-05-01T12:00Z")) + b"\n")
    assert "1 at wait_for.purchased" in say("journeyscript run --events events.jsonl", folder=tmp_path)
    assert "1 at wait_for.purchased" not in say(
        "journeyscript run --events events.jsonl --until 2026-06-01", folder=tmp_path
    )


def test_a_replay_and_a_live_run_refuse_each_other_s_store(tmp_path, say):
    write_project(tmp_path)
    say("journeyscript run --events samples/events.jsonl", folder=tmp_path)
    said = say("journeyscript run --once --store .journeyscript/replay.db", folder=tmp_path, code=2)
    assert "was filled by a replay" in said
    say("journeyscript run --once", folder=tmp_path)
    said = say(
        "journeyscript run --events samples/events.jsonl --store .journeyscript/store.db", folder=tmp_path, code=2
    )
    assert "belongs to live runs" in said
