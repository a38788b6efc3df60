"""Segments, places and groups: who is let in, by an event, by coming into a segment, by leaving it, by time alone.

"Silent for 90 days" comes true when nothing happens; a merge and imported history lead people elsewhere and start
nothing; a journey has so many places, and a group lets one journey in. Whatever the order, and on both stores, all is
as the plain model says. `LAWS=1000` looks at that many histories instead of a few.
"""

import functools
from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from tests.plain_people import DAY, HOUR, SECOND
from tests.plain_segments import FILES, LASTS, MONTH, PLACES, SILENCE, Town
from tests.sites import TwoSites, assert_same, histories, project_of

NAMES = ("ada", "bo", "cy", "visitor")
JOURNEYS = st.sampled_from(sorted(LASTS))
PASSING = st.sampled_from([0, SECOND, HOUR, DAY, DAY, 2 * DAY, 5 * DAY, 5 * DAY, 11 * DAY, MONTH, SILENCE])
"""Whole seconds: what time alone changes is seen in no finer steps."""

RECORDS = st.one_of(
    st.fixed_dictionaries({"event": st.sampled_from(["purchased", "purchased", "purchased", "reserved"])}),
    st.fixed_dictionaries({"event": st.just("purchased"), "ago": st.sampled_from([25 * HOUR, MONTH - DAY, 85 * DAY])}),
    st.fixed_dictionaries({"attributes": st.fixed_dictionaries({"level": st.sampled_from(["gold", "blue"])})}),
)
SOME = st.lists(
    st.tuples(st.sampled_from(NAMES), RECORDS).map(lambda drawn: {"customer": drawn[0], **drawn[1]}),
    min_size=1,
    max_size=5,
)


@functools.cache
def _project():
    return project_of(FILES)


class Segments(TwoSites):
    """Purchases, silence and everything else that leads people into segments and out of them."""

    names = NAMES

    def __init__(self):
        super().__init__(Town(), dict)

    @initialize()
    def open(self):
        self.deploy(_project())

    def pass_time(self, until):
        """Let a run go on that wakes whenever something is due."""
        while (due := self.memory.store.next_due()) is not None and due <= until:
            self.now = max(due, self.now)
            self.fire()
        self.now = until

    @rule(records=SOME, passing=PASSING, dies_at=st.integers(0, 40))
    def records(self, records, passing, dies_at):
        self.pass_time(self.now + passing)
        self.take(records, dies_at)

    @rule(passing=PASSING)
    def time_passes(self, passing):
        self.pass_time(self.now + passing)

    @rule(window=st.sampled_from([MONTH, SILENCE]), offset=st.sampled_from([-SECOND, 0, SECOND]))
    def a_purchase_is_about_to_leave_a_window(self, window, offset):
        bought = [when for person in self.world.people.values() for _, _, when in person.history]
        edges = [when + window + offset for when in bought]
        self.pass_time(min((edge for edge in edges if edge >= self.now), default=self.now))

    @rule(names=st.permutations(NAMES))
    def merge(self, names):
        self.unite(*names[:2])

    @rule(name=st.sampled_from(NAMES))
    def erase(self, name):
        self.forget(name)

    @rule(journey=JOURNEYS, records=SOME, passing=PASSING, overdue=st.sampled_from(["fire", "recompute"]))
    def pause_and_resume(self, journey, records, passing, overdue):
        self.pause(journey)
        self.pass_time(self.now + passing)
        self.take(records, 0)
        self.resume(journey, overdue)

    @rule(journey=JOURNEYS, leave=st.booleans(), records=SOME)
    def stop_and_open_again(self, journey, leave, records):
        self.stop_for_a_while(journey, leave, records)

    @rule()
    def die(self):
        self.start_again()

    # What must hold -------------------------------------------------------------------------------------------------

    @invariant()
    def everybody_is_in_the_journeys_and_segments_that_the_model_says(self):
        for person in self.world.people.values():
            story = self.memory.store.story(person.name)
            assert_same(
                [(e.journey, e.status, e.reason, e.entered_at, e.due_at) for e in story.enrollments],
                [(e.journey, e.status, e.reason, e.at, e.due) for e in person.entries],
            )
            kept = story.customer.memberships
            inside = {segment.split("@")[0] for segment, one in kept.items() if one.inside}
            assert inside == self.world.inside[person.name]
            refused = Counter((one.journey, one.reason) for one in story.refusals)
            assert_same(refused, self.world.refused.get(person.name, Counter()))

    @invariant()
    def entered_is_active_and_completed_and_exited_and_failed(self):
        entries = Counter((one.journey, one.status) for one in self.world.all_entries())
        for site in self.sites:
            counts = Counter()
            for one in site.store.journey_counts():
                counts[one.journey, one.status] += one.count
            assert counts == entries

    @invariant()
    def no_journey_has_more_inside_than_places(self):
        for site in self.sites:
            inside = site.store.active(PLACES)
            assert all(inside[journey] <= most for journey, most in PLACES.items())

    def come_to_the_end(self):
        self.pass_time(self.now + 120 * DAY)
        self.everybody_is_in_the_journeys_and_segments_that_the_model_says()
        self.assert_all_has_ended()


TestSegments = Segments.TestCase
TestSegments.settings = histories(50)
