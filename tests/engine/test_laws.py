"""The laws of `step`, over random journeys, customers and timelines; `driving` asserts them at every single step."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeyscript.engine.step import step
from journeyscript.engine.values import EmitEvent, EnterJourney, Event, Outcome, SendMessage, SkipMessage, TimerFired
from journeyscript.machine.graph import reachable
from tests.engine.driving import DAY, START, Drive, program_of, signed_up
from tests.expressions import CATALOG, records
from tests.strategies import journeys, text_of

EVENTS = ("purchased", "page_viewed", "app_installed", "account_closed", "signed_up", "never_declared")


@st.composite
def timelines(draw, *, wrong=False):
    """Draw events in the order of time, some at one instant, some on whole seconds."""
    at, timeline = START, []
    gaps = st.sampled_from([0, 1, 999, 1_000, 90_000, 5_400_000, DAY, 3 * DAY]) | st.integers(0, 20 * DAY)
    for gap in draw(st.lists(gaps, max_size=8)):
        at += gap
        name = draw(st.sampled_from(EVENTS))
        definition = CATALOG.events.get(name)
        properties = {} if definition is None else draw(records(definition.properties, wrong=wrong))
        timeline.append(Event(name=name, at=at, properties=properties))
    return timeline


@st.composite
def customers(draw, *, wrong=False):
    """Draw a customer's attributes and consent."""
    best = draw(st.sampled_from([{}, {"best_time": "09:00"}, {"best_time": "02:30"}]))
    return {
        "attributes": {**draw(records(CATALOG.attributes, wrong=wrong)), **best},
        "consent": draw(st.dictionaries(st.sampled_from(CATALOG.channels), st.booleans())),
        "suppressed": frozenset(draw(st.lists(st.sampled_from(["DE", "AT", "web"]), max_size=1))),
    }


def lived(journey, customer, timeline):
    drive = Drive(program_of(text_of(journey)), **customer).enter(signed_up())
    for event in timeline:
        drive.happen(event)
    return drive


SLOW = settings(
    max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None
)


@SLOW
@given(journeys(), customers(), timelines())
def test_every_enrollment_obeys_the_laws_and_ends(journey, customer, timeline):
    drive = lived(journey, customer, timeline).finish()
    assert len(set(drive.keys)) == len(drive.keys)
    assert drive.path == [state for state in drive.path if state in reachable(drive.program.machine)]
    visits = [decision.visit for decision in drive.trace]
    assert visits == sorted(visits)
    assert drive.current.status in ("completed", "exited")
    assert drive.current.ended_at is not None
    assert drive.current.ended_at <= drive.current.entered_at + drive.program.machine.lifetime + 1_000


@SLOW
@given(journeys(), customers(wrong=True), timelines(wrong=True))
def test_data_of_any_type_never_stop_a_customer(journey, customer, timeline):
    lived(journey, customer, timeline).finish()


@SLOW
@given(journeys(), customers(), timelines(), st.integers(-3, 3))
def test_an_ended_enrollment_and_a_stale_timer_change_nothing(journey, customer, timeline, off):
    drive = lived(journey, customer, timeline)
    now = drive.current.since + DAY
    if off:
        stale = TimerFired(visit=drive.current.visit + off)
        assert step(drive.program, drive.current, stale, drive.facts, now) == Outcome(enrollment=drive.current)
    early = Event(name="account_closed", at=drive.current.entered_at - 1)
    assert step(drive.program, drive.current, early, drive.facts, now) == Outcome(enrollment=drive.current)
    drive.finish()
    for name in EVENTS:
        event = Event(name=name, at=now)
        assert step(drive.program, drive.current, event, drive.facts, now) == Outcome(enrollment=drive.current)
    fired = TimerFired(visit=drive.current.visit)
    assert step(drive.program, drive.current, fired, drive.facts, now) == Outcome(enrollment=drive.current)


@SLOW
@given(journeys(), customers(), timelines())
def test_a_timer_that_fires_before_it_is_due_moves_nobody(journey, customer, timeline):
    drive = lived(journey, customer, timeline)
    before = drive.current
    if before.due_at is None:
        return
    outcome = step(drive.program, before, TimerFired(visit=before.visit), drive.facts, before.due_at - 1)
    exits = [rule for rule in (decision.rule for decision in outcome.trace) if rule.startswith("exit")]
    expired = before.due_at - 1 >= before.entered_at + drive.program.machine.lifetime
    assert outcome.enrollment == before or exits or expired


@SLOW
@given(journeys(), customers(), timelines())
def test_every_message_that_a_step_asks_for_is_sent_or_has_a_reason(journey, customer, timeline):
    drive = lived(journey, customer, timeline).finish()
    asked = [
        (decision.visit, decision.state)
        for decision in drive.trace
        if drive.program.steps[decision.state].state.step == "send"
        and not decision.rule.startswith(("exit", "goal", "expired"))
    ]
    answered = {(effect.visit, effect.step) for effect in drive.sends}
    left = {decision.visit for decision in drive.trace if decision.rule.startswith("exit")}
    assert {entry for entry in asked if entry[0] not in left} <= answered <= set(asked)
    for effect in drive.sends:
        match effect:
            case SendMessage(channel=channel, address=address):
                assert address not in drive.facts.suppressed
                assert address.strip() == address != ""
                if effect.kind == "marketing":
                    assert drive.facts.consent.get(channel, channel == "push")
            case SkipMessage(reason=reason, tried=tried):
                assert reason == tried[0][1]


@SLOW
@given(journeys(), customers(), timelines())
def test_what_a_step_emits_or_asks_for_carries_the_time_of_the_step(journey, customer, timeline):
    drive = lived(journey, customer, timeline).finish()
    moments = {decision.at for decision in drive.trace}
    for effect in drive.effects:
        if isinstance(effect, EmitEvent | EnterJourney):
            assert effect.event.at in moments


def test_linking_twice_gives_programs_that_decide_alike():
    text = "{journey: trial, entry: {event: signed_up, again: never}, steps: [{wait: 1 day}, {send: welcome}]}"
    drives = [Drive(program_of(text), attributes={"email": "a@b.c"}, consent={"email": True}) for _ in range(2)]
    first, second = (drive.enter(signed_up()).finish() for drive in drives)
    assert first.trace == second.trace
    assert first.effects == second.effects
