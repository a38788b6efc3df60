"""Two stores that go through the same: one in memory, undisturbed, and SQLite, whose process dies again and again.

What the state machines over the runtime have in common: the sites, how records and time reach them, and the laws that
hold whatever the journeys are. What must come of it, each machine asks its own plain model.
"""

import os
import tempfile
from collections import Counter
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant

from journeyscript.compiler import compile_project
from journeyscript.runtime.advancing.identity import merge, take_in
from journeyscript.runtime.advancing.keeping import Arrival
from journeyscript.runtime.advancing.memberships import prepare
from journeyscript.runtime.delivery.outbox import Carrier, Outbox
from journeyscript.runtime.intake.records import Intake
from journeyscript.runtime.operating.orders import Pause, Resume, Stop, carry_out
from journeyscript.runtime.reporting.doctor import findings
from journeyscript.runtime.session import deployments_of, quiet_of, rules_of
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import MergeError
from journeyscript.stores.sqlite import open_sqlite

START = 1_772_000_000_000

FAST = Path("/dev/shm")
"""Where files live in memory: what a disk takes its time for is not what this is about."""


def assert_same(found, said):
    """Make sure that a store has as often what the model says it has; tell the difference."""
    found, said = Counter(found), Counter(said)
    assert found == said, f"only in the store: {dict(found - said)}; only in the model: {dict(said - found)}"


def histories(few: int) -> settings:
    """Return settings for a machine that looks at a few histories; `LAWS` says how many else."""
    return settings(
        max_examples=int(os.environ.get("LAWS", str(few))),
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


def project_of(files):
    """Return a project compiled from texts by path, which must be without mistakes."""
    with tempfile.TemporaryDirectory() as name:
        for path, text in files.items():
            (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(name) / path).write_text(text, encoding="utf-8")
        project = compile_project(Path(name))
    assert project.sound, [(one.code, one.message) for one in project.diagnostics]
    return project


class Died(BaseException):
    """The process ended here."""


class Dying:
    """A connection that lets its process die at the n-th statement; until then it is the connection itself."""

    def __init__(self, connection, statements):
        self._connection, self._left = connection, statements

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def execute(self, *arguments):
        self._count()
        return self._connection.execute(*arguments)

    def executemany(self, *arguments):
        self._count()
        return self._connection.executemany(*arguments)

    def _count(self):
        self._left -= 1
        if not self._left:
            raise Died


class Site:
    """A store, the journeys over it and the channels behind it: what a process has."""

    def __init__(self, store, adapters):
        self.store, self.adapters = store, adapters
        self.rules = self.outbox = None

    def deploy(self, project, now):
        self.store.deploy(deployments_of(project), now)
        self.go_on(project, now)

    def go_on(self, project, now):
        """Work with what is deployed."""
        self.project = project
        self.rules = rules_of(project, self.store, virtual=False)
        prepare(self.store, self.rules.programs.segments, now)
        kept, _ = self.store.deployments()
        contents = {digest: text for one in kept.values() for digest, text in one.contents.items()}
        carriers = {n: Carrier(config=c, adapter=self.adapters[n]) for n, c in project.channels.items()}
        if self.outbox is not None:
            self.outbox.close()
        self.outbox = Outbox(self.store, carriers, contents, virtual=False, quiet=quiet_of(project))

    def take(self, arrivals, now):
        take_in(self.store, self.rules, arrivals, due=self.store.due(now, 1_000), now=now)

    def die(self):
        """Leave the file as a process does that is gone: in the middle of whatever it was, and unlocked."""
        self.outbox.close()
        self.store._connection.close()
        self.store._lock.release()


def told(store, names):
    """Return everything a store says of everybody, as bytes."""
    whole = {
        "stories": {name: store.story(name) for name in names},
        "sends": store.sends(10_000),
        "counts": store.journey_counts(),
        "totals": store.totals(0),
        "positions": store.positions(),
        "refusals": store.refusal_counts(),
    }
    return repr(_plain(whole)).encode()


def _plain(value):
    """Return a value whose text depends on nothing but what is in it."""
    match value:
        case msgspec.Struct():
            return [type(value).__name__, *(_plain(getattr(value, name)) for name in value.__struct_fields__)]
        case dict():
            return sorted((repr(name), _plain(inner)) for name, inner in value.items())
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case set() | frozenset():
            return sorted(value)
        case _:
            return value


class TwoSites(RuleBasedStateMachine):
    """Both sites and the model beside them. A machine says who the customers are, and brings project and channels."""

    names: tuple[str, ...] = ()
    start = START

    def __init__(self, world, adapters):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=FAST if FAST.is_dir() else None)
        self.path = Path(self.folder.name) / "store.db"
        self.world, self.now, self.position = world, self.start, 0
        self.memory = Site(MemoryStore(), adapters())
        self.sqlite = Site(open_sqlite(self.path), adapters())

    @property
    def sites(self):
        return self.memory, self.sqlite

    def deploy(self, project):
        for site in self.sites:
            site.deploy(project, self.now)

    # What happens to them ------------------------------------------------------------------------------------------

    def take(self, drawn, dies_at):
        """Take in records, each of which says how long ago it happened; the process may die in between."""
        records = [{**record, "time": self.now - record.pop("ago", 0)} for record in (dict(one) for one in drawn)]
        arrivals = self._arrivals(records)
        self.memory.take(arrivals, self.now)
        self._take_or_die(arrivals, dies_at)
        self.world.take(records, self.now)
        self.fire()

    def fire(self):
        """Fire what is due, round after round, as a live run does."""
        for _ in range(50):
            due = [site.store.due(self.now, 1_000) for site in self.sites]
            assert due[0] == due[1]
            if not due[0]:
                return
            for site in self.sites:
                site.take([], self.now)
            self.world.take([], self.now)
        raise AssertionError("timers are due for ever")

    def order(self, order):
        for site in self.sites:
            carry_out(site.store, order, self.now, site.rules)

    def pause(self, journey):
        self.order(Pause(journey=journey))
        self.world.pause(journey, self.now)

    def resume(self, journey, overdue):
        self.order(Resume(journey=journey, overdue=overdue))
        self.world.resume(journey, overdue, self.now)
        self.fire()

    def stop(self, journey, leave):
        self.order(Stop(journey=journey, leave=leave))
        self.world.stop(journey, leave=leave)

    def stop_for_a_while(self, journey, leave, records):
        """Stop a journey, take in records meanwhile, and open it again."""
        self.stop(journey, leave)
        self.take(records, 0)
        self.resume(journey, "fire")

    def unite(self, name, into, *, twice=False):
        possible = self.world.merge(name, into, self.now)
        for site in (*self.sites, *self.sites) if twice else self.sites:
            try:
                merge(site.store, site.rules, name, into, self.now)
                assert possible
            except MergeError:
                assert not possible
        self.fire()

    def forget(self, name):
        for site in self.sites:
            site.store.erase(name, self.now)
        self.world.erase(name)

    def start_again(self):
        """Let the process of the store on disk die, and another one go on."""
        project, adapters = self.sqlite.project, self.sqlite.adapters
        self.sqlite.die()
        self.sqlite = Site(open_sqlite(self.path), adapters)
        self.deploy(project)

    def _arrivals(self, records):
        intake, arrivals = Intake(self.memory.project.catalog), []
        for record in records:
            self.position += 1
            taken = intake.record(record, "test", str(self.position), self.now)
            arrivals.append(Arrival(record=taken, reader="test", position=str(self.position)))
        return arrivals

    def _take_or_die(self, arrivals, dies_at):
        store = self.sqlite.store
        if dies_at:
            store._connection = Dying(store._connection, dies_at)
        try:
            self.sqlite.take(arrivals, self.now)
        except Died:
            store._connection = store._connection._connection
            self.start_again()
            done = int(self.sqlite.store.positions().get("test", "0"))
            self.sqlite.take([one for one in arrivals if int(one.position) > done], self.now)
        else:
            if dies_at:
                store._connection = store._connection._connection

    # What must hold ------------------------------------------------------------------------------------------------

    @invariant()
    def whoever_is_inside_has_a_way_out(self):
        for name in self.names:
            story = self.memory.store.story(name)
            for enrollment in () if story is None else story.enrollments:
                assert (enrollment.status != "active") == (enrollment.due_at is None)

    @invariant()
    def both_stores_tell_the_same_byte_for_byte(self):
        assert told(self.memory.store, self.names) == told(self.sqlite.store, self.names)

    @invariant()
    def nobody_asks_twice_for_a_message(self):
        sends = self.memory.store.sends(10_000)
        assert len({send.key for send in sends}) == len(sends)
        assert len({(send.enrollment, send.visit) for send in sends}) == len(sends)

    def teardown(self):
        try:
            if self.memory.outbox is not None and self.sqlite.outbox is not None:
                self.come_to_the_end()
        finally:
            for site in self.sites:
                if site.outbox is not None:
                    site.outbox.close()
                site.store.close()
            self.folder.cleanup()

    def come_to_the_end(self):
        """Let everything end."""
        raise NotImplementedError

    def assert_all_has_ended(self):
        """In the end nobody is inside, every message is sent, skipped or failed, and a doctor finds nothing."""
        self.both_stores_tell_the_same_byte_for_byte()
        for site in self.sites:
            assert {send.status for send in site.store.sends(10_000)} <= {"sent", "skipped", "failed"}
            assert {count.status for count in site.store.journey_counts()} <= {"completed", "exited"}
            assert site.store.next_available() is None
        store = self.sqlite.store
        inspected = store.inspect(self.now, quick=False)
        found = findings(inspected, *store.deployments(), store.controls(), self.now, virtual=False)
        assert [one for one in found if one.weight == "problem"] == []
