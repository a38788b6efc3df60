"""The laws of the runtime hold whatever happens in whatever order, crashes included; a plain model says what must come.

Two stores go through the same: the one in memory, undisturbed, and SQLite, whose process dies again and again.
`LAWS=1000` looks at that many histories instead of a few.
"""

import functools
import hashlib
from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from journeyscript.channels.outgoing import Deferred, Refused, Sent, Unknown
from journeyscript.machine.canonical import version_of
from journeyscript.runtime.changing.applying import apply_plan
from journeyscript.runtime.changing.planning import plan_change
from tests.plain_model import VARIANTS, World, project_files
from tests.plain_people import DAY, HOUR, MINUTE, SECOND
from tests.sites import TwoSites, histories, project_of

JOURNEYS = ("welcome", "order", "thanks")
NAMES = ("ada", "bo", "cy", "visitor")
PASSING = (0, 1, 999, SECOND, 90 * SECOND, HOUR, 2 * HOUR, 2 * HOUR + 4 * MINUTE, 7 * HOUR, DAY, 3 * DAY)
AGO = (0, 0, 0, 1, 90 * SECOND, 2 * HOUR, 23 * HOUR, DAY + 1, 5 * DAY, -1, -HOUR)
"""How long before now an event happened; some lie ahead."""

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


class Runtime(TwoSites):
    """Records, time, edits, merges, erasures, deliveries and crashes, in any order."""

    names = NAMES

    def __init__(self):
        super().__init__(World(), _adapters)

    @initialize()
    def open(self):
        self.deploy(_project(1))

    @rule(records=st.lists(RECORDS, max_size=6), passing=st.sampled_from(PASSING), dies_at=st.integers(0, 40))
    def records(self, records, passing, dies_at):
        self.now += passing
        self.take(records, dies_at)

    @rule(passing=st.sampled_from(PASSING))
    def time_passes(self, passing):
        self.now += passing
        self.fire()

    @rule()
    def deliver(self):
        for site in self.sites:
            site.outbox.deliver(self.now)

    @rule(some=st.integers(1, 5))
    def die_while_sending(self, some):
        for site in self.sites:
            site.store.claim(self.now, some)
        self.start_again()
        for site in self.sites:
            site.outbox.recover(self.now)

    @rule(name=st.sampled_from(NAMES), into=st.sampled_from(NAMES), twice=st.booleans())
    def merge(self, name, into, twice):
        self.unite(name, into, twice=twice)

    @rule(name=st.sampled_from(NAMES))
    def erase(self, name):
        self.forget(name)

    @rule(variant=st.sampled_from(sorted(VARIANTS)))
    def edit(self, variant):
        self.world.edit(variant, None, self.now)
        self.deploy(_project(variant))

    @rule(variant=st.sampled_from(sorted(VARIANTS)), timer=st.sampled_from(["keep", "recompute"]))
    def edit_and_move(self, variant, timer):
        project = _project(variant, timer)
        self.world.edit(variant, timer, self.now)
        for site in self.sites:
            planned = plan_change(project, site.store, self.now)
            apply_plan(site.store, planned, self.now)
            site.go_on(project, self.now)
        self.fire()

    @rule(journey=st.sampled_from(JOURNEYS))
    def pause(self, journey):
        super().pause(journey)

    @rule(journey=st.sampled_from(JOURNEYS), overdue=st.sampled_from(["fire", "recompute", "skip_stale"]))
    def resume(self, journey, overdue):
        super().resume(journey, overdue)

    @rule(journey=st.sampled_from(JOURNEYS), leave=st.booleans())
    def stop(self, journey, leave):
        super().stop(journey, leave)

    @rule()
    def die(self):
        self.start_again()

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
        for site in self.sites:
            counts = Counter()
            for count in site.store.journey_counts():
                counts[count.journey, versions[count.version], count.status] += count.count
            assert counts == Counter((e.journey, e.variant, e.status) for e in self.world.all_entries())

    def come_to_the_end(self):
        for journey in JOURNEYS:
            self.resume(journey, "fire")
        for _ in range(60):
            self.now += DAY
            self.fire()
            for site in self.sites:
                while site.outbox.deliver(self.now):
                    pass
        self.everybody_stands_where_the_model_says()
        self.assert_all_has_ended()
        assert all(site.store.next_due() is None for site in self.sites)


def _adapters():
    return {"post": Fickle(), "email": Fickle()}


@functools.cache
def _project(variant, timer=None):
    return project_of(project_files(variant, timer))


@functools.cache
def _versions():
    """Return the variant of each version; a journey that is the same in both counts as the first."""
    found = {}
    for variant in sorted(VARIANTS, reverse=True):
        for compiled in _project(variant).journeys.values():
            found[version_of(compiled.machine)] = variant
    return found


TestRuntime = Runtime.TestCase
TestRuntime.settings = histories(50)
