"""Caps, quiet hours, held and aging messages: in whatever order things happen, each ends as the plain model says.

Consent, addresses and zones change between hold and release; addresses come onto the list of those that nobody is
written to at, and off it; journeys pause and go on; customers whose messages wait are merged and erased; the other
sides refuse, put off or stay silent; the process dies. `LAWS=1000` looks at that many histories instead of a few.
"""

import functools
from collections import Counter, defaultdict
from contextlib import closing

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from journeyscript.channels.outgoing import Deferred, Refused, Sent, Unknown
from journeyscript.runtime.advancing.keeping import Arrival
from journeyscript.runtime.intake.records import Intake
from journeyscript.runtime.operating.orders import Suppress, Unsuppress
from journeyscript.stores.addresses import digest_of
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite
from tests.plain_people import DAY, HOUR, MINUTE, SECOND
from tests.plain_sending import CAPS, FILES, FIRST_RETRY, STEPS, Mailroom
from tests.sites import START, Site, TwoSites, assert_same, histories, project_of

SIX = 1_771_999_200_000
"""A morning at six in UTC: what lies hours apart from it hits the edges of quiet hours."""

NAMES = ("ada", "bo", "visitor")
JOURNEYS = st.sampled_from(sorted(STEPS))
PASSING = st.sampled_from([0, 1, 999, SECOND, 61 * SECOND, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 10 * HOUR, DAY])
AGO = (0, 0, 0, 0, 1, MINUTE, 3 * HOUR, DAY + 1)
"""How long before now an event happened."""

ANSWERS = {
    "sent": Sent(provider_id=None),
    "refused": Refused(detail="never", suppress=True),
    "deferred": Deferred(detail="not now"),
    "unknown": Unknown(detail="who knows"),
}
LIKELY = ["sent", "sent", *ANSWERS]

EVENTS = st.sampled_from(
    [
        {"event": "asked", "properties": {"number": 1}},
        {"event": "asked", "properties": {"number": 2}},
        {"event": "subscribed"},
        {"event": "subscribed"},
        {"event": "opened"},
        {"event": "closed"},
        {},
    ]
)
EMAILS = st.sampled_from(["one@shop.example", "One@Shop.example", "two@shop.example"])
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "email": EMAILS,
        "timezone": st.sampled_from(["America/New_York", "Asia/Tokyo"]),
        "level": st.sampled_from(["new", "new", "new", "done"]),
    },
)
CONSENT = st.fixed_dictionaries({}, optional={"email": st.booleans(), "text": st.booleans()})
RECORDS = st.tuples(
    st.sampled_from(NAMES), EVENTS, st.fixed_dictionaries({}, optional={"attributes": ATTRIBUTES, "consent": CONSENT}),
    st.sampled_from(AGO),
).map(lambda drawn: {"customer": drawn[0], **drawn[1], **drawn[2], "ago": drawn[3]})  # fmt: skip

SOME = st.lists(RECORDS, min_size=1, max_size=5)


class OtherSide:
    """Both channels' other sides; all they are handed gets the answer that was given last."""

    def __init__(self):
        self.answer = "sent"

    async def deliver(self, batch):
        return [ANSWERS[self.answer] for _ in batch]

    def hurry(self, seconds):
        pass

    async def close(self):
        pass


def _adapters():
    both = OtherSide()
    return {"email": both, "text": both}


@functools.cache
def _project():
    return project_of(FILES)


class Sending(TwoSites):
    """Whatever may happen between a step that asks for a message and the message's end."""

    names = NAMES
    start = SIX

    def __init__(self):
        super().__init__(Mailroom(), _adapters)
        self.united = set()

    @initialize()
    def open(self):
        self.deploy(_project())
        known = [
            {"customer": name, "attributes": {"email": "one@shop.example"}, "consent": {"email": True}}
            for name in NAMES[:2]
        ]
        self.take(known, 0)

    @rule(records=SOME, passing=PASSING, dies_at=st.integers(0, 40), answer=st.none() | st.sampled_from(LIKELY))
    def records(self, records, passing, dies_at, answer):
        self.now += passing
        self.take(records, dies_at)
        if answer is not None:
            self.deliver(answer)

    @rule(passing=PASSING)
    def time_passes(self, passing):
        self.now += passing
        self.fire()

    @rule(hour=st.sampled_from([8, 21]), offset=st.sampled_from([-SECOND, -1, 0]), records=SOME)
    def an_edge_of_the_night_comes(self, hour, offset, records):
        edge = self.now - self.now % DAY + hour * HOUR + offset
        self.now = edge if edge >= self.now else edge + DAY
        self.take(records, 0)

    @rule(cap=st.sampled_from(CAPS), offset=st.sampled_from([-1, 0, 1]), event=st.sampled_from(["asked", "subscribed"]))
    def somebody_comes_at_the_edge_of_a_cap(self, cap, offset, event):
        edges = [
            (send.settled_at + cap[1] + offset, name)
            for name, _, send in self._sends()
            if send.status == "sent" and send.settled_at + cap[1] + offset >= self.now
        ]
        if edges:
            self.now, name = min(edges)
            properties = {"properties": {"number": 3}} if event == "asked" else {}
            self.take([{"customer": name, "event": event, **properties}], 0)
            self.deliver("sent")

    @rule(answer=st.sampled_from(LIKELY))
    def deliver(self, answer):
        for site in self.sites:
            for side in site.adapters.values():
                side.answer = answer
            site.outbox.deliver(self.now)
        self.world.deliver(answer, self.now)
        self._learn_when_to_try_again()

    @rule()
    def die_while_sending(self):
        for site in self.sites:
            site.store.claim(self.now, 1_000)
        self.start_again()
        for site in self.sites:
            site.outbox.recover(self.now)
        self.world.died_while_sending(self.now)
        self._learn_when_to_try_again()

    @rule()
    def die(self):
        self.start_again()

    @rule(name=st.sampled_from(NAMES), into=st.sampled_from(NAMES))
    def merge(self, name, into):
        self.united |= {name, into}
        self.unite(name, into)

    @rule(address=EMAILS)
    def an_address_comes_onto_the_list(self, address):
        self.order(Suppress(digests=(digest_of(address),)))
        self.world.list_address(address)

    @rule(address=EMAILS)
    def an_address_goes_off_the_list(self, address):
        self.order(Unsuppress(digests=(digest_of(address),)))
        self.world.unlist_address(address)

    @rule(name=st.sampled_from(NAMES))
    def erase(self, name):
        self.forget(name)

    @rule(journey=JOURNEYS, records=SOME, passing=PASSING, overdue=st.sampled_from(["fire", "recompute", "skip_stale"]))
    def pause_and_resume(self, journey, records, passing, overdue):
        self.pause(journey)
        self.now += passing
        self.take(records, 0)
        self.everybody_stands_where_the_model_says()
        self.resume(journey, overdue)

    @rule(journey=JOURNEYS, leave=st.booleans(), records=SOME)
    def stop_and_open_again(self, journey, leave, records):
        self.stop_for_a_while(journey, leave, records)

    def _learn_when_to_try_again(self):
        """Tell the model when what was put off is tried again: that is drawn, up to a quarter behind the first wait."""
        kept = defaultdict(list)
        for name, key, send in self._sends():
            if send.status == "pending" and send.attempts:
                kept[name, send.journey, key, send.created_at].append(send.available_at)
        tried = [
            (kept[person.name, one.journey, one.key, message.created], message)
            for person in self.world.people.values()
            for one in person.entries
            for message in one.messages
            if message.status == "pending" and message.attempts
        ]
        for moments, message in tried:
            if message.available is not None:
                moments.remove(message.available)
        for moments, message in tried:
            if message.available is None:
                message.available = moments.pop()
                assert self.now + FIRST_RETRY <= message.available < self.now + FIRST_RETRY * 5 // 4

    def _sends(self):
        """Yield the sends of everybody who is known, with their name and the key of their entry."""
        for person in self.world.people.values():
            story = self.memory.store.story(person.name)
            keys = {one.id: one.key for one in story.enrollments}
            for send in story.sends:
                yield person.name, keys[send.enrollment], send

    # What must hold -------------------------------------------------------------------------------------------------

    @invariant()
    def everybody_stands_where_the_model_says(self):
        for person in self.world.people.values():
            story = self.memory.store.story(person.name)
            assert story.customer.suppressed == self.world.suppressed_of(person)
            assert_same(
                [
                    (e.journey, e.key, e.status, e.reason, e.entered_at, e.due_at, e.held is not None)
                    for e in story.enrollments
                ],
                [(e.journey, e.key, e.status, e.reason, e.at, e.due, e.held is not None) for e in person.entries],
            )

    @invariant()
    def entered_is_active_and_completed_and_exited_and_failed(self):
        entries = Counter((one.journey, one.status) for one in self.world.all_entries())
        for site in self.sites:
            counts = Counter()
            for one in site.store.journey_counts():
                counts[one.journey, one.status] += one.count
            assert counts == entries

    @invariant()
    def every_message_is_where_the_model_says(self):
        assert_same(
            [
                (name, key, s.message, _state(s, s.created_at, s.available_at), s.channel, s.reason, s.expires_at)
                for name, key, s in self._sends()
            ],
            [
                (p.name, e.key, m.letter.name, _state(m, m.created, m.available), m.channel, m.reason, m.expires)
                for p in self.world.people.values()
                for e in p.entries
                for m in e.messages
            ],
        )

    @invariant()
    def no_message_that_was_asked_for_is_lost(self):
        asked = [(m.letter.name, m.status) for one in self.world.all_entries() for m in one.messages]
        assert_same([(send.message, send.status) for send in self.memory.store.sends(10_000)], asked)

    @invariant()
    def nobody_gets_more_than_a_cap_allows_in_any_stretch_of_time(self):
        for name in set(self.world.people) - self.united:
            story = self.memory.store.story(name)
            sent = [send for send in story.sends if send.status == "sent" and send.kind == "marketing"]
            for most, per, only in CAPS:
                moments = sorted(send.settled_at for send in sent if only in {None, send.channel})
                assert all(late - early >= per for early, late in zip(moments, moments[most:], strict=False))

    def come_to_the_end(self):
        for _ in range(20):
            self.now += DAY // 2
            self.fire()
            self.deliver("sent")
        self.every_message_is_where_the_model_says()
        self.no_message_that_was_asked_for_is_lost()
        self.nobody_gets_more_than_a_cap_allows_in_any_stretch_of_time()
        self.assert_all_has_ended()


def _state(message, created, available):
    """Return a status, with when the message was decided where it went on its way, how often it was tried and when."""
    match message.status:
        case "skipped":
            return "skipped"
        case "pending":
            return "pending", created, message.attempts, available
        case _:
            return message.status, created


def test_what_waits_to_be_sent_keeps_its_place_under_the_caps_however_long_it_waits(tmp_path):
    records = [
        {"customer": "bo", "event": "asked", "properties": {"number": 1}, "time": START + at} for at in (0, 2 * DAY)
    ]
    for store in (MemoryStore(), open_sqlite(tmp_path / "store.db")):
        with closing(store):
            site = Site(store, _adapters())
            site.deploy(_project(), START)
            for record in records:
                taken = Intake(_project().catalog).record(record, "test", "", record["time"])
                site.take([Arrival(record=taken, reader="", position="")], record["time"])
            site.outbox.close()
            assert [(send.message, send.status, send.reason) for send in store.story("bo").sends] == [
                ("news", "pending", None),
                ("offer", "pending", None),
                ("news", "skipped", "capped"),
                ("offer", "skipped", "capped"),
            ]


TestSending = Sending.TestCase
TestSending.settings = histories(50)
