"""The two stores give the same answers, whatever happens to them."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from msgspec.structs import replace

from journeyscript.engine.values import Decision, Enrollment, Event
from journeyscript.stores.addresses import digest_of
from journeyscript.stores.lanes import Turns
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import (
    ENROLLMENTS_PER_CUSTOMER,
    Changes,
    KeptDecision,
    KeptEvent,
    KeptSend,
    Membership,
    Refusal,
    Rejected,
    Settlement,
)
from journeyscript.stores.sqlite import open_sqlite
from journeyscript.stores.taken import and_also

NAMES = st.sampled_from(["ada", "bob", "ada\0", "Ådam", "7"])
EVENTS = st.sampled_from(["signed_up", "purchased", "page_viewed"])
TIMES = st.integers(0, 20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
# Text that can be written at all: no lone surrogates, which no JSON input can carry.
VALUES = VALUES.filter(lambda value: "\\ud" not in ascii(value))
ADDRESSES = st.lists(st.sampled_from(["ada@example.com", "+49 151-2", "ada", "7"]) | st.text(max_size=5), max_size=3)
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "ü"]), VALUES, max_size=2)


class Twins(RuleBasedStateMachine):
    """Does everything to both stores at once and compares every answer."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "store.db"
        self.sqlite = open_sqlite(self.path)
        self.memory = MemoryStore()
        self.batches = 0

    def teardown(self):
        self.sqlite.close()
        self.folder.cleanup()

    def both(self, verb, *args, **kwargs):
        """Return the answer of both stores, or the fact that both refused."""
        answers = []
        for store in (self.memory, self.sqlite):
            try:
                answers.append(getattr(store, verb)(*args, **kwargs))
            except ValueError as error:
                answers.append(type(error))
        assert answers[0] == answers[1], (verb, answers)
        return answers[0]

    @initialize()
    def deploy_first(self):
        self.both("deploy", [self.make.deployment("v1"), self.make.deployment("w1", "winback")], 0)

    @rule(history=st.lists(EVENTS, max_size=1), again=st.booleans())
    def deploy(self, history, again):
        version = f"v-{'-'.join(history)}"
        deployments = [self.make.deployment(version, history=history)]
        self.both("deploy", deployments + ([self.make.deployment("v1")] if again else []), self.batches)
        self.both("deployments")

    @rule(numbers=st.lists(st.integers(0, 6), max_size=6), strange=st.booleans())
    def switch(self, numbers, strange):
        """Deploy a version, and move those in it who are active in the journey's others."""
        loaded = self.both("load", [], numbers, history=False)
        moved = [
            replace(one, version="v9" if strange else "v3", visit=one.visit + 1)
            for customer in loaded.values()
            for one in customer.enrollments
            if one.journey == "welcome"
        ]
        self.both("switch", [self.make.deployment("v3")], self.batches, Changes(enrollments=moved))
        self.both("deployments")
        self.both("received", numbers)

    @rule(data=st.data(), names=st.lists(NAMES, max_size=4), numbers=st.lists(st.integers(0, 6), max_size=3))
    def take_in_a_batch(self, data, names, numbers):
        self.batches += 1
        loaded = self.both("load", names, numbers, history=True, memberships=True)
        changes = Changes(positions={"file": str(self.batches)})
        for customer in loaded.values():
            self.change(data, customer, changes)
        if data.draw(st.booleans()):
            changes.rejected.append(
                Rejected(source="file", position=str(self.batches), received_at=0, reason="bad", raw="\0")
            )
        for customer in loaded.values():
            for segment in data.draw(st.sets(st.sampled_from(["vip@1", "idle@2"]))):
                changes.memberships.append(
                    Membership(
                        customer=customer.number,
                        segment=segment,
                        inside=data.draw(st.booleans()),
                        at=self.batches,
                        look_at=data.draw(st.none() | TIMES),
                    )
                )
            if data.draw(st.booleans()):
                journey = data.draw(st.sampled_from(["welcome", "winback", ""]))
                reason = data.draw(st.sampled_from(["inside", "again"]))
                changes.refusals.append(
                    Refusal(
                        customer=customer.number,
                        at=self.batches,
                        event="signed_up",
                        journey=journey,
                        reason=reason,
                        test=data.draw(st.booleans()),
                    )
                )
        self.both("commit", changes)

    @rule(after=st.integers(0, 4), limit=st.integers(1, 3))
    def list_the_customers(self, after, limit):
        self.both("numbers", after, limit)

    @rule(segment=st.sampled_from(["vip@1", "idle@2"]))
    def forget_a_segment(self, segment):
        self.both("forget_segment", segment)

    @rule()
    def count_who_is_inside(self):
        self.both("active", ["welcome", "winback", "unheard_of"])
        self.both("refusal_counts")
        for test in (False, True):
            self.both("journey_counts", test=test)
            self.both("send_counts", test=test)

    def change(self, data, customer, changes):
        if customer.new or data.draw(st.booleans()):
            customer.attributes = data.draw(OBJECTS)
            customer.consent = data.draw(st.dictionaries(st.sampled_from(["email", "sms"]), st.booleans()))
            for told in data.draw(st.lists(st.integers(0, 40).map(str), max_size=10)):
                customer.taken = and_also(customer.taken, "crm", told) or customer.taken
            changes.customers.append(customer)
        for _ in range(data.draw(st.integers(0, 2))):
            event = Event(name=data.draw(EVENTS), at=data.draw(TIMES), properties=data.draw(OBJECTS))
            changes.events.append(
                KeptEvent(
                    customer=customer.number,
                    event=event,
                    received_at=self.batches,
                    source=data.draw(st.sampled_from(["http", "crm"])),
                    source_id=data.draw(st.none() | st.integers(0, 30).map(str)),
                    needed=data.draw(st.booleans()),
                )
            )
        for enrollment in [*customer.enrollments, *([None] if data.draw(st.booleans()) else [])]:
            self.move(data, customer, enrollment, changes)

    def move(self, data, customer, enrollment, changes):
        version = data.draw(st.sampled_from(["v1", "v1", "w1"]))
        before = enrollment or Enrollment(
            id=customer.number * ENROLLMENTS_PER_CUSTOMER + customer.next_enrollment,
            customer=customer.number,
            journey="welcome" if version == "v1" else "winback",
            version=version,
            key=data.draw(st.sampled_from(["", "k"])),
            state="a",
            visit=0,
            entered_at=data.draw(TIMES),
            test=data.draw(st.booleans()),
            since=0,
            entry=Event(name="signed_up", at=0, properties=data.draw(OBJECTS)),
        )
        status = data.draw(st.sampled_from(["active", "active", "completed", "exited", "failed"]))
        after = replace(
            before,
            status=status,
            ended_at=None if status == "active" else data.draw(TIMES),
            state=data.draw(st.sampled_from(["a", "b"])),
            visit=before.visit + 1,
            due_at=data.draw(st.none() | TIMES) if status == "active" else None,
            until=data.draw(st.none() | TIMES) if status == "active" else None,
            reason=None if status == "active" else data.draw(st.sampled_from([None, "", "x"])),
            laps=data.draw(st.dictionaries(st.just("r"), st.integers(1, 3))),
        )
        changes.enrollments.append(after)
        decision = Decision(visit=after.visit, state="a", at=self.batches, rule="timer", values=(("x", 1),))
        changes.decisions.append(KeptDecision(enrollment=after.id, decision=decision))
        if data.draw(st.booleans()):
            visit = data.draw(st.sampled_from([after.visit, after.visit, after.visit, 1]))
            changes.sends.append(self.send(data, after, visit))

    def send(self, data, enrollment, visit):
        return KeptSend(
            enrollment=enrollment.id,
            customer=enrollment.customer,
            visit=visit,
            key=f"{enrollment.id}/{visit}",
            journey=enrollment.journey,
            test=enrollment.test,
            step="a",
            message="hello",
            kind="marketing",
            channel=data.draw(st.sampled_from(["email", "sms"])),
            status=data.draw(st.sampled_from(["pending", "pending", "skipped"])),
            reason=data.draw(st.sampled_from([None, "no_consent"])),
            created_at=self.batches,
            available_at=data.draw(TIMES),
        )

    @rule(data=st.data(), now=TIMES, limit=st.integers(0, 3), room=st.none() | st.integers(0, 2))
    def deliver(self, data, now, limit, room):
        self.both("claim", now, limit, {} if room is None else {"email": room})
        settlements = [
            Settlement(
                enrollment=send.enrollment,
                visit=send.visit,
                status=data.draw(st.sampled_from(["sent", "failed", "pending", "skipped"])),
                at=now,
                reason=data.draw(st.sampled_from([None, "permanent"])),
                available_at=data.draw(st.none() | TIMES),
                suppress=data.draw(st.sampled_from([None, (send.customer, "ada@example.com")])),
                uncounted=data.draw(st.booleans()),
            )
            for send in self.both("unsettled")
            if data.draw(st.booleans())
        ]
        self.both("settle", settlements)

    @rule(enrollment=st.integers(0, 3).map(lambda number: number * ENROLLMENTS_PER_CUSTOMER), visit=st.integers(1, 3))
    def settle_anything(self, enrollment, visit):
        self.both("settle", [Settlement(enrollment=enrollment, visit=visit, status="sent", at=0)])

    @rule(until=TIMES, limit=st.integers(0, 4))
    def ask(self, until, limit):
        self.both("due", until, limit)
        self.both("handed_over", "email", limit)
        self.both("put_off", "email")
        self.both("permissions", range(6))
        self.both("load", (), range(6), history=False, recent_since=until - limit, waiting_at=until)
        self.both("left", [number * ENROLLMENTS_PER_CUSTOMER for number in range(6)])
        self.both("next_available", {"email"})
        self.both("totals", until)
        self.both("rejected", limit)
        page = self.both("sends", limit)
        if page:
            self.both("sends", limit, (page[-1].enrollment, page[-1].visit))
        self.both("seen", [(source, str(number)) for source in ("http", "crm") for number in range(31)])

    @rule(addresses=ADDRESSES, off=st.booleans())
    def list_addresses(self, addresses, off):
        self.both("unsuppress" if off else "suppress", [digest_of(one) for one in addresses])
        self.both("suppressions")
        self.both("suppressed", ["ADA@example.com", "+49 (151) 2", "7", "ada", *addresses])

    @rule(name=NAMES)
    def tell(self, name):
        self.both("story", name)

    @rule(name=NAMES, into=NAMES, at=TIMES)
    def merge(self, name, into, at):
        before = self.both("journey_counts")
        self.both("merge", name, into, at)
        after = self.both("journey_counts")
        assert sum(one.count for one in before) == sum(one.count for one in after)
        self.both("survivors", ["ada", "bob", "7", "nobody"])

    @rule(name=NAMES, at=TIMES)
    def erase(self, name, at):
        before = self.both("journey_counts")
        self.both("erase", name, at)
        after = self.both("journey_counts")
        assert sum(one.count for one in before) == sum(one.count for one in after)
        assert self.both("story", name) is None

    @rule(
        before=TIMES,
        keep=st.dictionaries(EVENTS, st.none() | TIMES, max_size=2),
    )
    def prune(self, before, keep):
        counts = [self.both(verb) for verb in ("journey_counts", "send_counts")], self.both("reached", "welcome")
        expected = self.both("prune", before, keep, dry=True)
        assert self.both("prune", before, keep) == expected
        assert counts == (
            [self.both(verb) for verb in ("journey_counts", "send_counts")],
            self.both("reached", "welcome"),
        )
        again = self.both("prune", before, keep, dry=True)
        assert (again.enrollments, again.decisions, again.sends, again.events) == (0, 0, 0, 0)

    @rule(at=TIMES)
    def try_again(self, at):
        failed = self.both("find_sends", 10, status="failed")
        self.both("requeue", [(send.enrollment, send.visit) for send in failed[:2]], at)
        self.both("find_sends", 3, journey="welcome", channel="sms")
        self.both("requeue", [(ENROLLMENTS_PER_CUSTOMER, 1)], at)

    @rule(journey=st.sampled_from(["welcome", "winback"]), at=TIMES, after=st.integers(0, 3), limit=st.integers(0, 3))
    def pause_or_stop(self, journey, at, after, limit):
        self.both("pause" if at % 4 else "stop", journey, at * 1_000)
        self.both("inside", journey, after, limit)
        self.both("passages", journey, at)
        self.both("happened_to", range(1, limit + 1))

    @rule(
        journey=st.sampled_from(["welcome", "winback"]),
        at=TIMES,
        overdue=st.sampled_from(["fire", "recompute", "skip_stale"]),
    )
    def resume(self, journey, at, overdue):
        self.both("resume", journey, at * 1_000, overdue)

    @rule(name=NAMES)
    def tell_everything(self, name):
        self.both("dossier", name)

    @invariant()
    def they_agree_on_what_comes_next(self):
        self.both("reached", "welcome")
        for verb in ("controls", "next_due", "next_available", "positions", "journey_counts", "send_counts"):
            self.both(verb)

    @invariant()
    def rows_point_at_rows(self):
        found = self.sqlite.inspect(0)
        assert (found.damage, found.dangling, found.missing.count) == ((), (), 0)
        assert all(one.entered == one.accounted for one in found.balances)

    @rule()
    def restart(self):
        waiting = self.memory._numbers._waiting
        self.memory._outbox._turns = Turns()  # whose turn it is starts anew as well
        self.sqlite.close()
        self.sqlite = open_sqlite(self.path)
        # Newcomers who were never kept are forgotten by a restart; the twin forgets them too.
        waiting.clear()
        self.memory._numbers._next = max(self.memory._profiles, default=0) + 1


def test_random_histories_get_the_same_answers_from_both_stores(make):
    Twins.make = make
    run_state_machine_as_test(
        Twins,
        settings=settings(
            max_examples=60,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
