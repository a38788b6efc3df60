"""What the compiler says without running a journey is put to the engine: random customers never prove it wrong."""

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeyscript.checks.facts import flow
from journeyscript.checks.journey import check_journey
from journeyscript.engine.program import link
from journeyscript.engine.values import Event
from journeyscript.machine.canonical import version_of
from tests.engine.driving import Drive, signed_up
from tests.engine.test_laws import customers, timelines
from tests.expressions import CATALOG, records
from tests.projects import compile_text, surroundings
from tests.strategies import journeys, text_of

COMPARED = (
    "customer.visits > 3",
    "customer.visits >= 4",
    "customer.visits <= 3",
    "customer.visits > 3 and customer.visits < 2",
    "customer.visits in [1, 2, 3] or customer.score > 1.5",
    "customer.score > 1.5",
    "(customer.age ?? 0) >= 18",
    "has customer.age",
    "customer.age is unknown",
    "customer.age is unknown or (customer.age ?? 1) > 0 or (customer.age ?? 1) <= 0",
    "customer.vip",
    "not customer.vip",
    "customer.vip or not customer.vip",
    "not did(purchased, since entry)",
    "count(purchased, since entry) >= 1",
    "count(purchased, since entry) >= 2 and not did(purchased, since entry)",
    'customer.status == "active"',
    'customer.status != "active"',
    'customer.status in ["active", "blocked"]',
    'customer.country in ["DE", "AT"]',
    'customer.country == "DE"',
    'customer.joined < date("2020-01-01")',
    'customer.joined <= date("2019-12-31")',
    'customer.registered_at > timestamp("2024-01-01T00:00Z")',
    "customer in segment loyal",
    "count(purchased, last 365 days) > 2",
    "consent.sms",
    "has customer.phone and consent.sms",
    "days_since(customer.joined) > 30",
    "customer.visits > customer.score",
)


@st.composite
def branches(draw, number):
    """Draw a branch whose conditions often shadow or exclude each other."""
    conditions = draw(st.lists(st.sampled_from(COMPARED), min_size=1, max_size=4))
    alternatives = [
        {"if": condition, "steps": [{"id": f"taken{number}_{n}", "set": {"balance": n}}]}
        for n, condition in enumerate(conditions)
    ]
    wait = {"id": f"waited{number}", "wait": "2 days"}
    reached = draw(st.lists(st.sampled_from([wait, {"id": f"left{number}", "exit": "left"}]), max_size=1))
    return {"id": f"chosen{number}", "branch": [*alternatives, {"else": reached}]}


@st.composite
def suspects(draw):
    """Draw a journey about which there is much to say."""
    journey = draw(journeys())
    steps = journey["steps"]
    for number in range(draw(st.integers(1, 3))):
        steps.insert(draw(st.integers(0, len(steps))), draw(branches(number)))
    if draw(st.booleans()):
        steps.insert(draw(st.integers(0, len(steps))), {"id": "gone", "exit": "gone"})
    return journey


def judged(journey):
    """Return the machine's program, its facts, and what is claimed of it: (code, step, transition, message)."""
    compiled, _ = compile_text(text_of(journey))
    assert compiled is not None
    places = {span: name for name, span in compiled.about.conditions.items()}
    claims = []
    for found in check_journey(compiled, surroundings().channels):
        number = places.get(found.span, "/0").rpartition("/")[2]
        claims.append((found.code, found.step, int(number) if number.isdigit() else 0, found.message))
    return link(compiled.machine, version_of(compiled.machine)), claims


def moves(drive):
    """Return every move: the state that was left, the rule, the state that was reached."""
    reached = {}
    for decision in drive.trace:
        if decision.visit not in reached:
            reached[decision.visit] = decision
    return [
        (reached[visit - 1].state, reached[visit].rule, reached[visit].state)
        for visit in reached
        if visit - 1 in reached
    ]


def lived(program, customer, timeline, changes):
    """Take a customer through a journey while their profile changes."""
    drive = Drive(program, **customer).enter(signed_up())
    for event, attributes in zip(timeline, changes, strict=False):
        drive.fire_until(event.at - 1)
        drive.facts = msgspec.structs.replace(drive.facts, attributes=attributes)
        drive.happen(event)
    return drive.finish()


SLOW = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
CHANGES = st.lists(records(CATALOG.attributes, wrong=False), min_size=8, max_size=8)


@SLOW
@given(suspects(), customers(), timelines(), CHANGES)
def test_what_is_claimed_never_or_always_to_happen_does_so(journey, customer, timeline, changes):
    program, claims = judged(journey)
    drive = lived(program, customer, timeline, changes)
    for code, step, number, message in claims:
        match code:
            case "JS201":
                assert step not in drive.path
            case "JS206":
                assert (step, f"if {number}") not in {(left, rule) for left, rule, _ in moves(drive)}
            case "JS207" if step is not None and program.steps[step].state.step in ("branch", "repeat"):
                rules = [rule for left, rule, _ in moves(drive) if left == step]
                if "never" in message:
                    assert f"if {number}" not in rules
                else:
                    earlier = {f"if {n}" for n in range(1, number + 1)}
                    assert all(rule in earlier or rule.startswith(("exit", "goal")) for rule in rules)
            case "JS211":
                assert (step, "timer") not in {(left, rule) for left, rule, _ in moves(drive)}
            case "JS214":
                assert drive.current.goal_at is None
            case "JS218":
                reached = {state for left, _, state in moves(drive) if left == step}
                assert reached <= {"end"}
            case _:
                pass


@SLOW
@given(suspects(), customers(), timelines(), CHANGES)
def test_an_enrollment_in_a_machine_without_errors_never_gets_stuck(journey, customer, timeline, changes):
    program, claims = judged(journey)
    if not {code for code, *_ in claims} & {"JS202", "JS203", "JS208", "JS210"}:
        drive = lived(program, customer, timeline, changes)
        assert drive.current.status in ("completed", "exited")


class Watched(Drive):
    """A drive in which each decision is held against what is said to be known where it was made."""

    def __init__(self, program, **facts):
        super().__init__(program, **facts)
        self.known, self.visited = flow(program.machine), {}

    def check(self, after, outcome, before, now):
        super().check(after, outcome, before, now)
        for decision in outcome.trace:
            self.visited[decision.state] = decision.at
            # What ends an enrollment is noted at the state that it stands in, which it reached earlier.
            if before is not None and decision.visit <= before.visit:
                continue
            for (kind, name), fact in self.known.get(decision.state, {}).items():
                if fact.stale is None:
                    self.holds(kind, name, self.visited[fact.state])

    def holds(self, kind, name, since):
        match kind:
            case "has":
                assert self.facts.attributes.get(name) is not None
            case "consent":
                assert self.facts.consent.get(name) is True
            case "absent":
                assert not [event for event in self.facts.history.get(name, ()) if event.at > since]


@SLOW
@given(suspects(), customers(), timelines(), CHANGES)
def test_what_is_known_at_a_state_is_true_of_whoever_reaches_it(journey, customer, timeline, changes):
    program, _ = judged(journey)
    drive = Watched(program, **customer).enter(signed_up())
    for event, attributes in zip(timeline, changes, strict=False):
        drive.fire_until(event.at - 1)
        drive.facts = msgspec.structs.replace(drive.facts, attributes=attributes)
        drive.happen(event)
    drive.finish()


def test_the_random_journeys_are_worth_judging():
    found = set()

    @settings(max_examples=150, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(suspects())
    def collect(journey):
        found.update(code for code, *_ in judged(journey)[1])

    collect()
    assert {"JS201", "JS206", "JS207", "JS211", "JS218"} <= found


def test_a_claim_would_be_proved_wrong_by_a_customer():
    steps = [{"id": "chosen", "branch": [{"if": "customer.vip", "steps": []}, {"else": []}]}]
    journey = {"journey": "trial", "entry": {"event": "signed_up", "again": "never"}, "steps": steps}
    program, _ = judged(journey)
    drive = lived(program, {"attributes": {"vip": True}}, [Event(name="purchased", at=signed_up().at + 1)], [{}])
    assert ("chosen", "if 1", "end") in moves(drive)
