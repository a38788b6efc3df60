"""The laws of the runtime hold whatever happens in whatever order, crashes included; a plain model says what must come.

Two stores go through the same: the one in memory, undisturbed, and SQLite, whose process dies again and again.
`LAWS=1000` looks at that many histories instead of a few.
"""

import functools
import hashlib
import os
import tempfile
from collections import Counter
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from journeyscript.channels.outgoing import Deferred, Refused, Sent, Unknown
from journeyscript.compiler import compile_project
from journeyscript.machine.canonical import version_of
from journeyscript.runtime.delivery.outbox import Carrier, Outbox
from journeyscript.runtime.doctor import findings
from journeyscript.runtime.identity import take_in
from journeyscript.runtime.intake import Intake
from journeyscript.runtime.keeping import Arrival
from journeyscript.runtime.orders import Pause, Resume, Stop, carry_out
from journeyscript.runtime.session import deployments_of, rules_of
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import MergeError
from journeyscript.stores.sqlite import open_sqlite
from tests.plain_model import DAY, HOUR, MINUTE, SECOND, VARIANTS, World, project_files

START = 1_772_000_000_000
JOURNEYS = ("welcome", "order", "thanks")
NAMES = ("ada", "bo", "cy", "visitor")
PASSING = (0, 1, 999, SECOND, 90 * SECOND, HOUR, 2 * HOUR, 2 * HOUR + 4 * MINUTE, 7 * HOUR, DAY, 3 * DAY)
AGO = (0, 0, 0, 1, 90 * SECOND, 2 * HOUR, 23 * HOUR, DAY + 1, 5 * DAY, -1, -HOUR)
"""How long before now an event happened; some lie ahead."""

FAST = Path("/dev/shm")
"""Where files live in memory: what a disk takes its time for is not what this is about."""

PROJECTS = {}

EVENTS = st.one_of(
    st.fixed_dictionaries({"event": st.sampled_from(["signed_up", "closed", "thanked"])}),
    st.fixed_dictionaries(
        {
            "event": st.sampled_from(["ordered", "paid"]),
            "properties": st.fixed_dictionaries({"number": st.integers(1, 2)}),
        }
    ),
    st.just({}),
)
PROFILE = st.fixed_dictionaries(
    {},
    optional={
        "attributes": st.fixed_dictionaries(
            {},
            optional={
                "email": st.sampled_from(["one@shop.example", "two@shop.example"]),
                "level": st.sampled_from(["late", "good"]),
            },
        ),
        "consent": st.fixed_dictionaries({"email": st.booleans()}),
    },
)
RECORDS = st.tuples(
    st.sampled_from(NAMES), EVENTS, PROFILE, st.sampled_from(AGO), st.none() | st.integers(1, 12).map(str)
).map(lambda drawn: {"customer": drawn[0], **drawn[1], **drawn[2], "ago": drawn[3], "id": drawn[4]})


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


class Fickle:
    """A channel's other side that says something else each time, and the same in every world."""

    async def deliver(self, batch):
        return [self._answer(one.key) for one in batch]

    def __init__(self):
        self._asked = Counter()

    def _answer(self, key):
        self._asked[key] += 1
        drawn = hashlib.sha256(f"{key} {self._asked[key]}".encode()).digest()[0]
        if drawn < 120:
            return Sent(provider_id=None)
        if drawn < 180:
            return Deferred(detail="not now")
        return Unknown(detail="who knows") if drawn < 220 else Refused(detail="never", suppress=False)

    def hurry(self, seconds):
        pass

    async def close(self):
        pass


class Site:
    """A store, the journeys over it and the channels behind it: what a process has."""

    def __init__(self, store, adapters):
        self.store, self.adapters = store, adapters
        self.rules = self.outbox = None

    def deploy(self, project, now):
        self.store.deploy(deployments_of(project), now)
        self.project = project
        self.rules = rules_of(project, self.store, virtual=False)
        kept, _ = self.store.deployments()
        contents = {digest: text for one in kept.values() for digest, text in one.contents.items()}
        carriers = {n: Carrier(config=c, adapter=self.adapters[n]) for n, c in project.channels.items()}
        if self.outbox is not None:
            self.outbox.close()
        self.outbox = Outbox(self.store, carriers, contents, virtual=False)

    def take(self, arrivals, now):
        take_in(self.store, self.rules, arrivals, due=self.store.due(now, 1_000), now=now)

    def die(self):
        """Leave the file as a process does that is gone: in the middle of whatever it was, and unlocked."""
        self.outbox.close()
        self.store._connection.close()
        self.store._lock.release()


def told(store):
    """Return everything a store says of everybody, as bytes."""
    stories = {name: store.story(name) for name in NAMES}
    whole = {
        "stories": stories,
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


class Runtime(RuleBasedStateMachine):
    """Records, time, edits, merges, erasures, deliveries and crashes, in any order."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=FAST if FAST.is_dir() else None)
        self.path = Path(self.folder.name) / "store.db"
        self.world, self.now, self.position = World(), START, 0
        self.memory = Site(MemoryStore(), _adapters())
        self.sqlite = Site(open_sqlite(self.path), _adapters())
        self.entered = Counter()

    @property
    def sites(self):
        return self.memory, self.sqlite

    @initialize()
    def open(self):
        for site in self.sites:
            site.deploy(_project(1), self.now)

    @rule(records=st.lists(RECORDS, max_size=6), passing=st.sampled_from(PASSING), dies_at=st.integers(0, 40))
    def records(self, records, passing, dies_at):
        self.now += passing
        records = [{**record, "time": self.now - record.pop("ago")} for record in (dict(one) for one in records)]
        arrivals = self._arrivals(records)
        self.memory.take(arrivals, self.now)
        self._take_or_die(arrivals, dies_at)
        self.world.take(records, self.now)
        self._fire()

    @rule(passing=st.sampled_from(PASSING))
    def time_passes(self, passing):
        self.now += passing
        self._fire()

    @rule()
    def deliver(self):
        for site in self.sites:
            site.outbox.deliver(self.now)

    @rule(some=st.integers(1, 5))
    def die_while_sending(self, some):
        for site in self.sites:
            site.store.claim(self.now, some)
        self._start_again()
        for site in self.sites:
            site.outbox.recover(self.now)

    @rule(name=st.sampled_from(NAMES), into=st.sampled_from(NAMES), twice=st.booleans())
    def merge(self, name, into, twice):
        possible = self.world.merge(name, into)
        for site in (*self.sites, *self.sites) if twice else self.sites:
            try:
                site.store.merge(name, into, self.now)
                assert possible
            except MergeError:
                assert not possible
        self._fire()

    @rule(name=st.sampled_from(NAMES))
    def erase(self, name):
        for site in self.sites:
            site.store.erase(name, self.now)
        self.world.erase(name)

    @rule(variant=st.sampled_from(sorted(VARIANTS)))
    def edit(self, variant):
        self.world.variant = variant
        for site in self.sites:
            site.deploy(_project(variant), self.now)

    @rule(journey=st.sampled_from(JOURNEYS))
    def pause(self, journey):
        self._order(Pause(journey=journey))
        self.world.paused.add(journey)

    @rule(journey=st.sampled_from(JOURNEYS), overdue=st.sampled_from(["fire", "skip_stale"]))
    def resume(self, journey, overdue):
        self._order(Resume(journey=journey, overdue=overdue))
        self.world.resume(journey, overdue, self.now)
        self._fire()

    @rule(journey=st.sampled_from(JOURNEYS), leave=st.booleans())
    def stop(self, journey, leave):
        self._order(Stop(journey=journey, leave=leave))
        self.world.stop(journey, leave=leave)

    def _order(self, order):
        for site in self.sites:
            carry_out(site.store, order, self.now, site.rules)

    @rule()
    def die(self):
        self._start_again()

    def _arrivals(self, records):
        intake, arrivals = Intake(_project(1).catalog), []
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
            self._start_again()
            done = int(self.sqlite.store.positions().get("test", "0"))
            self.sqlite.take([one for one in arrivals if int(one.position) > done], self.now)
        else:
            if dies_at:
                store._connection = store._connection._connection

    def _start_again(self):
        project, adapters = self.sqlite.project, self.sqlite.adapters
        self.sqlite.die()
        self.sqlite = Site(open_sqlite(self.path), adapters)
        self.sqlite.deploy(project, self.now)
        self.memory.deploy(project, self.now)

    def _fire(self):
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

    # What must hold -------------------------------------------------------------------------------------------------

    @invariant()
    def everybody_stands_where_the_model_says(self):
        versions = _versions()
        for name in NAMES:
            story = self.memory.store.story(name)
            person = self.world.people.get(self.world.aliases.get(name, name))
            assert (story is None) == (person is None)
            if story is None:
                continue
            assert {k: v for k, v in story.customer.attributes.items() if v is not None} == person.attributes
            assert story.customer.consent == person.consent
            stands = Counter(
                (e.journey, e.key, versions[e.version], e.status, e.reason, e.entered_at, e.due_at)
                for e in story.enrollments
            )
            assert stands == Counter(
                (e.journey, e.key, e.variant, e.status, e.reason, e.at, e.due) for e in person.entries
            )
            asked = Counter((s.journey, s.message) for s in story.sends)
            assert asked == Counter((e.journey, message) for e in person.entries for message, _ in e.asked)
            self._assert_skips(story, person)

    def _assert_skips(self, story, person):
        later = {"cancelled", "deleted", "stale", "no_consent", "no_address", "suppressed"}
        skipped = Counter((s.message, s.reason) for s in story.sends if s.status == "skipped")
        for entry in person.entries:
            for message, reason in entry.asked:
                if reason is not None:
                    assert skipped[message, reason] > 0
                    skipped[message, reason] -= 1
        assert {reason for (_, reason), count in skipped.items() if count} <= later, "only what may change since"

    @invariant()
    def entered_is_active_and_completed_and_exited_and_failed(self):
        versions = _versions()
        everybody = [*self.world.gone, *(e for person in self.world.people.values() for e in person.entries)]
        for site in self.sites:
            counts = Counter()
            for count in site.store.journey_counts():
                counts[count.journey, versions[count.version], count.status] += count.count
            assert counts == Counter((e.journey, e.variant, e.status) for e in everybody)

    @invariant()
    def whoever_is_inside_has_a_way_out(self):
        for name in NAMES:
            story = self.memory.store.story(name)
            for enrollment in () if story is None else story.enrollments:
                assert (enrollment.status != "active") == (enrollment.due_at is None)

    @invariant()
    def both_stores_tell_the_same_byte_for_byte(self):
        assert told(self.memory.store) == told(self.sqlite.store)

    @invariant()
    def nobody_asks_twice_for_a_message(self):
        sends = self.memory.store.sends(10_000)
        assert len({send.key for send in sends}) == len(sends)
        assert len({(send.enrollment, send.visit) for send in sends}) == len(sends)

    def teardown(self):
        try:
            if self.memory.outbox is not None and self.sqlite.outbox is not None:
                self._come_to_the_end()
        finally:
            for site in self.sites:
                if site.outbox is not None:
                    site.outbox.close()
                site.store.close()
            self.folder.cleanup()

    def _come_to_the_end(self):
        """In the end nobody is inside, and every message is sent, skipped or failed."""
        for journey in JOURNEYS:
            self.resume(journey, "fire")
        for _ in range(60):
            self.now += DAY
            self._fire()
            for site in self.sites:
                while site.outbox.deliver(self.now):
                    pass
        self.both_stores_tell_the_same_byte_for_byte()
        self.everybody_stands_where_the_model_says()
        for site in self.sites:
            assert {send.status for send in site.store.sends(10_000)} <= {"sent", "skipped", "failed"}
            assert {count.status for count in site.store.journey_counts()} <= {"completed", "exited"}
            assert site.store.next_due() is None
            assert site.store.next_available() is None
        store = self.sqlite.store
        inspected = store.inspect(self.now, quick=False)
        found = findings(inspected, *store.deployments(), store.controls(), self.now, virtual=False)
        assert [one for one in found if one.weight == "problem"] == []


def _adapters():
    return {"post": Fickle(), "email": Fickle()}


def _project(variant):
    """Return the project in one of its variants, compiled once."""
    if variant not in PROJECTS:
        with tempfile.TemporaryDirectory() as name:
            for path, text in project_files(variant).items():
                (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(name) / path).write_text(text, encoding="utf-8")
            project = compile_project(Path(name))
        assert project.sound, project.diagnostics
        PROJECTS[variant] = project
    return PROJECTS[variant]


@functools.cache
def _versions():
    """Return the variant of each version; a journey that is the same in both counts as the first."""
    found = {}
    for variant in sorted(VARIANTS, reverse=True):
        for compiled in _project(variant).journeys.values():
            found[version_of(compiled.machine)] = variant
    return found


TestRuntime = Runtime.TestCase
TestRuntime.settings = settings(
    max_examples=int(os.environ.get("LAWS", "30")),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
