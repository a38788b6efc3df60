"""What the compiler says without running a journey is put to the engine: random customers never prove it wrong."""

import json
from itertools import pairwise

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from journeyscript.checks.facts import flow
from journeyscript.checks.journey import check_journey
from journeyscript.engine.evaluate import compile_expression
from journeyscript.engine.program import link
from journeyscript.engine.values import Facts
from journeyscript.machine.canonical import version_of
from journeyscript.machine.model import If, On, When
from journeyscript.semantics import typed
from journeyscript.semantics.show import show
from journeyscript.syntax.policies import FrequencyCap, Policies, QuietWindow
from tests.engine.driving import DAY, Drive, purchased, signed_up
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


WHERES = ("event.total >= 100", "event.total > 50", "event.total <= 50", "event.items > 1 and event.total > 50")
ENTRIES = (
    "customer.visits > 3",
    "customer.vip and customer.score > 1.5",
    'event.source == "web"',
    "not did(purchased)",
    'event.source != "import" and customer.status == "active"',
)
CONDITIONS = st.sampled_from(COMPARED) | st.lists(st.sampled_from(COMPARED), min_size=2, max_size=3, unique=True).map(
    lambda parts: " and ".join(f"({part})" for part in parts)
)
BETWEEN = (
    {"wait": "2 days"},
    {"wait_until": {"between": ["00:00", "12:00"]}},
    {"wait_until": {"date": "customer.seen_at", "if_missing": "continue"}},
    {"wait_until": {"when": "customer.visits > 3", "timeout": "1 day"}},
    {"set": {"visits": "customer.visits + 1"}},
    {"set": {"visits": 2}},
    {"set": {"status": '"active"', "vip": True}},
    {"emit": "app_installed"},
    {"stage": "active"},
    {"enter": "other"},
    {"send": "reminder"},
    {"send": "reminder", "when_capped": {"delay": "12 hours"}},
)


@st.composite
def branches(draw, name, depth=2):
    """Draw a branch whose conditions often shadow or exclude each other, and those of the branches inside it."""
    alternatives = []
    for number, condition in enumerate(draw(st.lists(CONDITIONS, min_size=1, max_size=3))):
        taken = {"id": f"taken{name}_{number}", "set": {"balance": number}}
        alternatives.append({"if": condition, "steps": [taken, *draw(inner(f"{name}_{number}", depth))]})
    wait = {"id": f"waited{name}", "wait": "2 days"}
    reached = draw(st.lists(st.sampled_from([wait, {"id": f"left{name}", "exit": "left"}]), max_size=1))
    return {"id": f"chosen{name}", "branch": [*alternatives, {"else": [*reached, *draw(inner(f"{name}_e", depth))]}]}


@st.composite
def inner(draw, name, depth):
    """Draw what stands inside an alternative: nothing, or something that may end what is known, and another branch."""
    if depth == 0 or draw(st.booleans()):
        return []
    between = [{"id": f"between{name}", **draw(st.sampled_from(BETWEEN))}] if draw(st.booleans()) else []
    return [*between, draw(branches(name, depth - 1) | cases(name))]


@st.composite
def cases(draw, name):
    """Draw a wait for several events, of which some are taken before they get their turn."""
    events = []
    for number, where in enumerate(draw(st.lists(st.sampled_from([*WHERES, None]), min_size=1, max_size=3))):
        steps = [{"id": f"case{name}_{number}", "set": {"balance": number}}]
        events.append({"event": "purchased", "steps": steps, **({"where": where} if where else {})})
    back = draw(st.sampled_from([{}, {}, {"lookback": "since entry"}, {"lookback": "90 days"}]))
    return {"id": f"several{name}", "wait_for": events, "timeout": draw(st.sampled_from(["1 day", "9 days"])), **back}


@st.composite
def suspects(draw):
    """Draw a journey about which there is much to say."""
    journey = draw(journeys())
    steps = journey["steps"]
    for number in range(draw(st.integers(1, 3))):
        steps.insert(draw(st.integers(0, len(steps))), draw(branches(str(number)) | cases(str(number))))
    if draw(st.booleans()):
        steps.insert(draw(st.integers(0, len(steps))), {"id": "gone", "exit": "gone"})
    if draw(st.booleans()):
        journey["entry"]["where"] = draw(st.sampled_from(ENTRIES))
    if draw(st.integers(0, 3)) == 0:
        journey["exit"].append({"event": "purchased", "where": draw(st.sampled_from(WHERES))})
    return journey


class Claim(Struct, frozen=True, kw_only=True):
    """A finding, with the condition that it is about where it is about one."""

    code: str
    step: str | None
    number: int
    message: str
    witness: tuple[str, ...]


def judged(journey):
    """Return the machine's program and what is claimed of it."""
    compiled, _ = compile_text(text_of(journey))
    assert compiled is not None
    places = {span: name for name, span in compiled.about.conditions.items()}
    claims = []
    for found in check_journey(compiled, surroundings().channels):
        number = places.get(found.span, "/0").rpartition("/")[2]
        claims.append(
            Claim(
                code=found.code,
                step=found.step,
                number=int(number) if number.isdigit() else 0,
                message=found.message,
                witness=tuple(found.witness),
            )
        )
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


def admits(program, customer, event):
    """Return whether somebody enters; the drive takes everybody in."""
    where = program.machine.entry.where
    given = {name: customer[name] for name in ("attributes", "consent")}
    facts = Facts(external_id="ada", history={event.name: [event]}, **given)
    return where is None or compile_expression(where, program.machine.timezone)(facts, event, None, event.at) is True


def lived(program, customer, timeline, changes, drive=Drive):
    """Take a customer through a journey while their profile changes."""
    assume(admits(program, customer, signed_up()))
    drive = drive(program, **customer).enter(signed_up())
    for event, attributes in zip(timeline, changes, strict=False):
        drive.fire_until(event.at - 1)
        drive.facts = replace(drive.facts, attributes=attributes)
        drive.happen(event)
    return drive.finish()


SLOW = settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
POLICIES = (
    Policies(),
    Policies(quiet_hours=(QuietWindow(start=0, end=15 * 60),), grace=300_000),
    Policies(caps=(FrequencyCap(messages=1, per=DAY),)),
)


@st.composite
def people(draw):
    """Draw a customer of whom some are held by their sends."""
    return {**draw(customers()), "policies": draw(st.sampled_from(POLICIES))}


CHANGES = st.lists(records(CATALOG.attributes, wrong=False), min_size=8, max_size=8)


@SLOW
@given(suspects(), people(), timelines(), CHANGES)
def test_what_is_claimed_never_or_always_to_happen_does_so(journey, customer, timeline, changes):
    program, claims = judged(journey)
    drive = lived(program, customer, timeline, changes)
    moved = moves(drive)
    for claim in claims:
        holds(claim, program, drive, moved)


def holds(claim, program, drive, moved):
    """Hold a claim against what has happened."""
    rules = [rule for left, rule, _ in moved if left == claim.step]
    state = None if claim.step is None else program.steps[claim.step].state
    trigger = None if state is None or not claim.number else state.transitions[claim.number - 1].trigger
    match claim.code, trigger:
        case "JS201", _:
            assert claim.step not in drive.path
        case "JS206", If():
            assert f"if {claim.number}" not in rules
        case "JS206", On(event=event):
            target = state.transitions[claim.number - 1].target
            if [transition.target for transition in state.transitions].count(target) == 1:
                assert (claim.step, f"event {event}", target) not in moved
        case "JS207", If(condition=condition) if claim.message.startswith(f"`{show(condition)}` is"):
            if "never" in claim.message:
                assert f"if {claim.number}" not in rules
            else:
                earlier = {f"if {n}" for n in range(1, claim.number + 1)}
                assert all(rule in earlier or rule.startswith(("exit", "goal")) for rule in rules)
        case "JS207", When(condition=condition) if claim.message.startswith(f"`{show(condition)}` is always"):
            assert "timer" not in rules
        case "JS211", _:
            assert (claim.step, "timer") not in {(left, rule) for left, rule, _ in moved}
        case "JS214", _:
            assert drive.current.goal_at is None
        case "JS218", _:
            assert {reached for left, _, reached in moved if left == claim.step} <= {"end"}
        case _:
            pass


@st.composite
def narrow(draw):
    """Draw a short journey that is all conditions."""
    entry = {"event": "signed_up", "again": "never", "where": draw(st.sampled_from(ENTRIES))}
    steps = [draw(branches("0", 1)), {"id": "pause", "wait": "1 day"}, draw(branches("1", 1))]
    return {"journey": "trial", "entry": entry, "steps": steps}


@SLOW
@given(narrow(), people(), timelines(), CHANGES)
def test_what_is_said_to_change_nothing_changes_nothing(journey, customer, timeline, changes):
    program, claims = judged(journey)
    claims = [claim for claim in claims if claim.code == "JS314" and claim.step is not None]
    machine = program.machine
    for claim in claims:
        machine = without(machine, claim)
    shorter = link(machine, version_of(machine))
    one, other = (lived(taken, customer, timeline, changes) for taken in (program, shorter))
    assert one.path == other.path
    assert one.rules == other.rules


def without(machine, claim):
    """Return a machine in which a condition lacks the part that is said to change nothing."""

    def shorter(condition):
        kept = tuple(item for item in condition.items if claim.message != f"`{show(item)}` changes nothing here")
        assert len(kept) < len(condition.items)
        return typed.And(items=kept) if len(kept) > 1 else kept[0]

    (state,) = (state for state in machine.states if state.id == claim.step)
    transition = state.transitions[claim.number - 1]
    trigger = transition.trigger
    if isinstance(trigger, On):
        trigger = replace(trigger, where=shorter(trigger.where))
    else:
        trigger = replace(trigger, condition=shorter(trigger.condition))
    transitions = list(state.transitions)
    transitions[claim.number - 1] = replace(transition, trigger=trigger)
    changed = replace(state, transitions=tuple(transitions))
    return replace(machine, states=tuple(changed if each is state else each for each in machine.states))


@SLOW
@given(suspects(), people(), timelines(), CHANGES)
def test_an_enrollment_in_a_machine_without_errors_never_gets_stuck(journey, customer, timeline, changes):
    program, claims = judged(journey)
    if not {claim.code for claim in claims} & {"JS202", "JS203", "JS208", "JS210"}:
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
                    since = signed_up().at if fact.state is None else self.visited[fact.state]
                    self.holds(kind, name, since)

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
    lived(program, customer, timeline, changes, Watched)


# What is said to go wrong for somebody: the somebody is made, and sent through ----------------------------------------

ACTIVE = {"attributes": {"status": "active", "visits": 5, "email": "ada@example.com"}, "consent": {"email": True}}
CHECKS = {
    "not_bought": {"branch": [{"if": "did(purchased)", "steps": [{"exit": "bought"}]}, {"else": []}]},
    "active": {"branch": [{"if": 'customer.status == "active"', "steps": []}, {"else": [{"exit": "inactive"}]}]},
    "frequent": {"branch": [{"if": "customer.visits > 3", "steps": []}, {"else": [{"exit": "rare"}]}]},
}
LINE = (
    *CHECKS.values(),
    {"wait": "2 days"},
    {"wait": "1 calendar day"},
    {"wait_until": {"time": "09:00"}},
    {"wait_until": {"when": "did(purchased)", "timeout": "1 day"}},
    {"wait_for": "purchased", "timeout": "1 day", "then": [{"exit": "thanks"}]},
    {"wait_for": "app_installed", "timeout": "1 day"},
    {"set": {"status": '"active"'}},
    {"send": "reminder"},
    {"send": "welcome", "via": "email"},
)


@st.composite
def lines(draw):
    """Draw a journey that goes straight on for an active customer who buys nothing."""
    entry = {"event": "signed_up", "again": "never"}
    where = draw(st.sampled_from([None, 'customer.status == "active"', "not did(purchased) and customer.visits > 1"]))
    watched = draw(
        st.lists(st.sampled_from([{"event": "purchased"}, {"when": 'customer.status == "blocked"'}]), max_size=1)
    )
    steps = [
        {"id": f"s{n}", **step} for n, step in enumerate(draw(st.lists(st.sampled_from(LINE), min_size=3, max_size=9)))
    ]
    return {"journey": "trial", "entry": entry | ({"where": where} if where else {}), "exit": watched, "steps": steps}


@SLOW
@given(lines())
def test_a_message_that_relies_on_what_is_stale_goes_to_somebody_of_whom_it_is_no_longer_true(journey):
    program, claims = judged(journey)
    for claim in claims:
        if claim.code != "JS317":
            continue
        drive = Drive(program, **ACTIVE).enter(signed_up())
        happens = next(line for line in claim.witness if line.endswith(" meanwhile"))
        wait = claim.witness[claim.witness.index(happens) - 1]
        while drive.current.state != wait:
            drive.fire_until(drive.current.due_at)
        if happens == "purchased meanwhile":
            drive.happen(purchased(drive.current.since + 1))
        else:
            drive.facts = replace(drive.facts, attributes={**drive.facts.attributes, "status": "blocked"})
        drive.finish()
        assert claim.step in [effect.step for effect in drive.sends]


OPTIONAL = {
    "guard": {"branch": [{"if": "has customer.age", "steps": []}, {"else": [{"exit": "ageless"}]}]},
    "wait": {"wait": "2 days"},
    "set": {"set": {"age": 30}},
    "other": {"set": {"visits": 1}},
    "use": {"branch": [{"if": "customer.age > 18", "steps": []}, {"else": []}]},
    "default": {"branch": [{"if": "(customer.age ?? 0) > 18", "steps": []}, {"else": []}]},
}


@SLOW
@given(st.lists(st.sampled_from(["guard", "wait", "set", "other", "use"]), min_size=2, max_size=8), st.booleans())
def test_a_value_may_be_missing_exactly_where_the_compiler_says_so(names, guarded):
    entry = {"event": "signed_up", "again": "never", **({"where": "has customer.age"} if guarded else {})}
    steps = [{"id": f"s{n}", **OPTIONAL[name]} for n, name in enumerate(names)]
    _, findings = compile_text(text_of({"journey": "trial", "entry": entry, "steps": steps}))
    said = {found.step for found in findings if found.code == "JS304"}
    mended = [{"id": f"s{n}", **OPTIONAL["default" if name == "use" else name]} for n, name in enumerate(names)]
    program, _ = judged({"journey": "trial", "entry": entry, "steps": mended})
    used = {f"s{n}" for n, name in enumerate(names) if name == "use"}
    missing = set()
    for lost in range(-1, names.count("wait")):
        drive = Drive(program, attributes={"age": 20} if guarded or lost >= 0 else {}).enter(signed_up())
        for number in range(names.count("wait")):
            if drive.current.status == "active":
                if number == lost:
                    drive.facts = replace(drive.facts, attributes={})
                drive.fire_until(drive.current.due_at)
        missing |= {left for left, _, _, values in valued_moves(drive) if ("customer.age", None) in values} & used
    assert said == missing


def valued_moves(drive):
    """Return every move with the values that decided it."""
    return [
        (one.state, two.rule, two.state, two.values) for one, two in pairwise(drive.trace) if two.visit == one.visit + 1
    ]


@st.composite
def ranges(draw):
    """Draw branches of ranges, one inside another, in a journey that asks for a range itself."""
    comparison = st.builds(
        lambda name, op, number: f"customer.{name} {op} {number}",
        st.sampled_from(["visits", "score"]), st.sampled_from(["<", "<=", ">", ">="]), st.integers(1, 4),
    )  # fmt: skip
    condition = comparison | st.lists(comparison, min_size=2, max_size=2).map(" and ".join)

    def branch(name, depth):
        items = []
        for number, text in enumerate(draw(st.lists(condition, min_size=1, max_size=3))):
            inside = [branch(f"{name}_{number}", depth - 1)] if depth and draw(st.booleans()) else []
            items.append({"if": text, "steps": inside})
        return {"id": name, "branch": [*items, {"else": []}]}

    where = {"where": draw(condition)} if draw(st.booleans()) else {}
    return {"journey": "trial", "entry": {"event": "signed_up", "again": "never", **where}, "steps": [branch("b", 2)]}


@SLOW
@given(ranges())
def test_who_is_said_to_fit_two_alternatives_takes_the_first_and_fits_the_second(journey):
    program, claims = judged(journey)
    for claim in claims:
        if claim.code != "JS205":
            continue
        attributes = {}
        for line in claim.witness[:-1]:
            name, known, value = line.removeprefix("customer.").partition(" = ")
            if known:
                attributes[name] = json.loads(value)
        assert admits(program, {"attributes": attributes, "consent": {}}, signed_up())
        drive = Drive(program, attributes=attributes).enter(signed_up())
        first = int(claim.witness[-1].removeprefix("takes alternative "))
        assert (claim.step, f"if {first}") in {(left, rule) for left, rule, _ in moves(drive)}
        second = program.steps[claim.step].state.transitions[claim.number - 1].trigger.condition
        assert compile_expression(second, program.machine.timezone)(drive.facts, None, None, 0) is True


def test_the_random_journeys_are_worth_judging():
    found = set()

    @settings(max_examples=60, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(suspects())
    def collect(journey):
        found.update(claim.code for claim in judged(journey)[1])

    collect()
    assert {"JS201", "JS206", "JS207", "JS211", "JS218", "JS314"} <= found


def test_a_claim_would_be_proved_wrong_by_a_customer():
    steps = [{"id": "chosen", "branch": [{"if": "customer.vip", "steps": []}, {"else": []}]}]
    journey = {"journey": "trial", "entry": {"event": "signed_up", "again": "never"}, "steps": steps}
    program, _ = judged(journey)
    drive = Drive(program, attributes={"vip": True}).enter(signed_up())
    assert ("chosen", "if 1", "end") in moves(drive)
