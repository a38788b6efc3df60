"""Journey tests: what they take from a file, what happens in them, and how they tell what went wrong."""

import pytest

from journeyscript.compiler import compile_project
from journeyscript.runtime.trials.trial import Trial
from journeyscript.source.nodes import Mapping
from journeyscript.source.yaml import read_yaml
from journeyscript.stores.memory import MemoryStore
from journeyscript.syntax.structure import check_structure
from journeyscript.syntax.trial_file import read_tests

FILES = {
    "journeyscript.yaml": "name: small\ntimezone: Europe/Berlin\n",
    "catalog/customer.yaml": """
attributes:
  email: { type: string, optional: true }
  phone: { type: string, optional: true }
  level: { type: enum, values: [silver, gold], optional: true }
  points: { type: integer, optional: true }
  birthday: { type: date, optional: true }
""",
    "catalog/events.yaml": """
events:
  signed_up:
    properties:
      source: { type: enum, values: [web, import] }
  purchased:
    properties:
      total: { type: money }
      coupon: { type: string, optional: true }
  app_installed: {}
  became_gold: {}
""",
    "channels/email/channel.yaml": """
adapter: console
address: email
consent: opt_in
unsubscribe: { mailto: stop@shop.example }
""",
    "channels/email/hello.md": "---\nsubject: Hello\n---\nHello.\n",
    "channels/email/thanks.md": "---\nsubject: Thank you\n---\nThank you.\n",
    "channels/email/reminder.md": "---\nsubject: Still there?\n---\nStill there?\n",
    "channels/sms/channel.yaml": "adapter: console\naddress: phone\nconsent: opt_in\n",
    "channels/sms/hello.txt": "Hello.",
    "journeys/first.yaml": """
journey: first
entry: { event: signed_up, where: event.source == "web", again: never }
goal: { event: purchased, exit: false }
exit:
  - event: app_installed
steps:
  - send: hello
  - set: { points: "10" }
  - wait_for: purchased
    timeout: 2 calendar days
    then:
      - branch:
          - if: sum(purchased.total) > 100
            steps: [{ set: { level: '"gold"' }, id: set.gold }, { emit: became_gold }, { send: thanks }]
          - else: []
      - exit: bought
    else: [{ send: reminder }]
""",
    "journeys/second.yaml": """
journey: second
entry: { event: became_gold, again: never }
steps:
  - send: hello
""",
}
ADA = "customer: { email: ada@example.com, timezone: Europe/Berlin, consent: { email: true } }"
WEB = "{ event: signed_up, properties: { source: web } }"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("small")
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    compiled = compile_project(root)
    assert compiled.sound, compiled.diagnostics
    return compiled


@pytest.fixture
def run(project):
    """Return a way to try one test, given as the lines below its name."""

    def try_out(text, journey="first"):
        lines = "".join(f"    {line}\n" for line in text.strip("\n").splitlines())
        whole = f"journey: {journey}\ntests:\n  - name: this one\n{lines}"
        node, findings = read_yaml("journeys/x.test.yaml", whole)
        assert not findings
        assert isinstance(node, Mapping)
        assert check_structure("test", node) == []
        (test,) = read_tests("journeys/x.test.yaml", node).tests
        return Trial(project, journey).run(test, MemoryStore())

    return try_out


def expectation(run, written, timeline=f"[{WEB}, {{ after: 10 days }}]", customer=ADA):
    """Return the failures of one expectation; what is expected starts in line 8, behind `expect: `."""
    verdict = run(f"{customer}\nat: 2026-03-27T20:00+01:00\ntimeline: {timeline}\nexpect:\n  {written}")
    assert verdict.findings == ()
    assert verdict.passed == (not verdict.failures)
    return verdict.failures


# What happens ------------------------------------------------------------------------------------------------------


def test_a_story_without_a_beginning_begins_on_a_monday_at_nine_utc(run):
    verdict = run(f"{ADA}\ntimeline: [{WEB}]\nexpect: {{ sends: [{{ message: hello, at: 2026-01-05T09:00Z }}] }}")
    assert verdict.passed


def test_time_passes_in_hours_in_calendar_days_and_up_to_a_moment(run):
    verdict = run(
        f"""
{ADA}
at: 2026-03-28T20:00+01:00
timeline:
  - {WEB}
  - after: 1 calendar day
  - {{ after: 1 day, attributes: {{ points: 1 }} }}
  - {{ at: 2026-03-31T09:00+02:00, consent: {{ email: false }} }}
expect: {{ sends: [{{ message: hello }}, {{ message: reminder, at: 2026-03-30T20:00+02:00 }}] }}
"""
    )
    assert verdict.passed
    assert [line.at for line in verdict.lines if line.what == "the customer"] == [
        "2026-03-30T20:00:00+02:00",
        "2026-03-31T09:00:00+02:00",
    ]


def test_what_is_due_after_the_last_moment_does_not_happen(run):
    due = "2026-03-29T20:00:00+02:00"
    for end, sends in (("2026-03-29T19:59:59+02:00", 1), (due, 2)):
        wanted = "[" + ", ".join(["{ message: hello }", "{ message: reminder }"][:sends]) + "]"
        assert expectation(run, f"sends: {wanted}", f"[{WEB}, {{ at: {end} }}]") == ()


def test_only_the_tested_journey_is_there(run):
    timeline = f"[{WEB}, {{ event: purchased, properties: {{ total: 200 }} }}]"
    assert expectation(run, "sends: [{ message: hello }, { message: thanks }]", timeline) == ()


def test_a_journey_that_starts_on_an_emitted_event_is_tested_by_that_event(run):
    verdict = run(f"{ADA}\ntimeline: [{{ event: became_gold }}]\nexpect: {{ sends: [{{ message: hello }}] }}", "second")
    assert verdict.passed


def test_the_same_event_id_is_the_same_event(run):
    timeline = (
        f"[{WEB}, {{ event: purchased, id: a, properties: {{ total: 60 }} }},"
        " { event: purchased, id: a, properties: { total: 60 } }]"
    )
    verdict = run(f"{ADA}\ntimeline: {timeline}\nexpect: {{ not_sent: [{{ message: thanks }}] }}")
    assert verdict.passed
    assert "is ignored: an event of this id was taken in before" in [line.why for line in verdict.lines]


# What is expected -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "holds",
    [
        "sends: [{ message: hello, channel: email, because: signed_up }, { message: reminder, because: timer }]",
        "sends: [{ message: hello, because: entry }, { message: reminder, at: 2026-03-29T20:00+02:00 }]",
        "not_sent: [{ message: thanks }]",
        "path: [send.hello, set, wait_for.purchased, send.reminder, end]",
        "path: [wait_for, end]",
        "state: completed",
        "state: end",
        "goal: false",
        "attributes: { points: 10, level: null }",
    ],
)
def test_an_expectation_that_is_met_says_nothing(run, holds):
    assert expectation(run, holds) == ()


@pytest.mark.parametrize(
    ("written", "expected", "happened"),
    [
        ("sends: [{ message: hello }]", "sent, in this order: `hello`", "sent: `hello`, `reminder`"),
        (
            "sends: [{ message: reminder }, { message: hello }]",
            "sent, in this order: `reminder`, `hello`",
            "sent: `hello`, `reminder`",
        ),
        (
            "sends: [{ message: hello, channel: sms }, { message: reminder }]",
            "`hello` by sms",
            "`hello` by email",
        ),
        (
            "sends: [{ message: hello }, { message: reminder, at: 2026-03-29T19:00Z }]",
            "`reminder` at 2026-03-29T21:00:00+02:00",
            "`reminder` at 2026-03-29T20:00:00+02:00",
        ),
        (
            "sends: [{ message: hello }, { message: reminder, because: purchased }]",
            "`reminder` because of `purchased`",
            "`reminder` because of `timer`",
        ),
        (
            "sends: [{ message: hello, because: timer }, { message: reminder }]",
            "`hello` because of `timer`",
            "`hello` because of `signed_up`, on which the customer entered",
        ),
        (
            "not_sent: [{ message: hello }]",
            "`hello` not sent",
            (
                "`hello` was sent by email at 2026-03-27T20:00:00+01:00,"
                " because of `signed_up`, on which the customer entered"
            ),
        ),
        (
            "not_sent: [{ message: thanks, reason: no_consent }]",
            "`thanks` skipped for the reason `no_consent`",
            "`thanks` was never asked for: `send.thanks` was not reached, the customer has completed at `end`",
        ),
        (
            "path: [wait_for.purchased, branch, end]",
            "reached, in this order: `wait_for.purchased`, `branch`, `end`",
            "reached: `send.hello`, `set`, `wait_for.purchased`, `send.reminder`, `end`",
        ),
        ("path: [end, set]", "reached, in this order: `end`, `set`", None),
        ("state: active", "state `active`", "the customer has completed at `end`"),
        ("state: wait_for", "state `wait_for`", "the customer has completed at `end`"),
        ("state: not_entered", "state `not_entered`", "the customer has completed at `end`"),
        ("reason: bought", "ended for the reason `bought`", "the customer has completed at `end`"),
        ("goal: true", "the goal reached", "it was not"),
        ("attributes: { points: 11 }", "`points` is `11`", "`points` is `10`"),
        ("attributes: { level: gold }", "`level` is `gold`", "`level` is missing"),
    ],
)
def test_an_expectation_that_is_not_met_says_what_happened_at_its_line(run, written, expected, happened):
    (failure,) = expectation(run, written)
    assert failure.expected == expected
    assert happened is None or failure.happened == happened
    assert failure.span.path == "journeys/x.test.yaml"
    assert failure.span.line == 8


def test_the_place_of_a_failed_send_is_the_first_that_differs(run):
    (failure,) = expectation(run, "sends: [{ message: hello }, { message: thanks }]")
    assert (failure.span.line, failure.span.column) == (8, 35)
    assert failure.why == (
        "`thanks` was never asked for: `send.thanks` was not reached, the customer has completed at `end`",
        "`reminder` was sent by email at 2026-03-29T20:00:00+02:00, because of `timer`",
    )


@pytest.mark.parametrize(
    ("written", "step", "line", "why"),
    [
        ("sends: [{ message: hello }, { message: thanks }]", "branch", 13, "no condition held"),
        ("path: [wait_for.purchased, send.reminder]", "wait_for.purchased", 10, "`purchased` happened"),
        ("state: set.gold", "branch", 13, "no condition held"),
        ("reason: app_installed", "branch", 13, "no condition held"),
        ("sends: [{ message: hello, because: timer }]", "entry", 3, "entered on `signed_up`"),
    ],
)
def test_a_failure_names_the_step_that_decided(run, written, step, line, why):
    timeline = f"[{WEB}, {{ after: 1 day, event: purchased, properties: {{ total: 20 }} }}, {{ after: 9 days }}]"
    (failure,) = expectation(run, written, timeline)
    assert (failure.decided.step, failure.decided.why) == (step, why)
    assert (failure.decided.span.path, failure.decided.span.line) == ("journeys/first.yaml", line)


def test_what_conditions_saw_at_the_step_that_decided_is_told(run):
    timeline = f"[{WEB}, {{ after: 1 day, event: purchased, properties: {{ total: 20 }} }}]"
    (failure,) = expectation(run, "sends: [{ message: hello }, { message: thanks }]", timeline)
    assert failure.decided.values == (("sum(purchased.total)", 20),)


def test_an_exit_is_what_decided_where_somebody_left_by_it(run):
    timeline = f"[{WEB}, {{ after: 1 hour, event: app_installed }}, {{ after: 9 days }}]"
    (failure,) = expectation(run, "sends: [{ message: hello }, { message: reminder }]", timeline)
    assert (failure.decided.step, failure.decided.why) == ("wait_for.purchased", "exit app_installed")
    assert failure.decided.span.line == 6


def test_a_message_that_was_skipped_is_told_with_every_channels_reason(run):
    nobody = "customer: { phone: '+49151123', consent: { sms: false } }"
    (failure,) = expectation(run, "sends: [{ message: hello }, { message: reminder }]", customer=nobody)
    assert failure.happened == "sent: nothing"
    assert failure.why == (
        "`hello` was skipped at 2026-03-27T20:00:00+01:00: no_address (email: no_address, sms: no_consent)",
        "`reminder` was skipped at 2026-03-29T20:00:00+02:00: no_address (email: no_address)",
    )


def test_skipped_for_another_reason_is_a_failure_and_for_this_one_it_is_none(run):
    customer = "customer: { email: ada@example.com }"
    assert expectation(run, "not_sent: [{ message: reminder, reason: no_consent }]", customer=customer) == ()
    (failure,) = expectation(run, "not_sent: [{ message: reminder, reason: no_address }]", customer=customer)
    assert failure.happened == "`reminder` was skipped at 2026-03-29T20:00:00+02:00: no_consent (email: no_consent)"


@pytest.mark.parametrize("because", ["purchased", "if 1", "if"])
def test_a_message_may_be_due_to_the_condition_that_held(run, because):
    timeline = f"[{WEB}, {{ after: 1 day, event: purchased, properties: {{ total: 200 }} }}]"
    sends = f"sends: [{{ message: hello }}, {{ message: thanks, because: {because} }}]"
    failures = expectation(run, sends, timeline)
    assert failures == () if because != "if" else failures[0].happened.startswith("`thanks` because of `if 1` (")


def test_somebody_who_never_entered_is_told_why(run):
    imported = "[{ event: signed_up, properties: { source: import } }]"
    assert expectation(run, "state: not_entered", imported) == ()
    (failure,) = expectation(run, "state: active", imported)
    assert failure.happened == "the customer never entered: the condition of `entry` does not hold"
    (failure,) = expectation(run, "state: active", "[{ event: app_installed }]")
    assert failure.happened == "the customer never entered: nothing that starts the journey happened"


def test_of_several_enrollments_the_last_one_stands_for_the_state(run):
    verdict = run(f"{ADA}\ntimeline: [{WEB}, {{ after: 10 days, {WEB[2:]}]\nexpect: {{ state: completed }}")
    assert verdict.passed
    assert verdict.lines[-1].what == "not entered"
    assert verdict.lines[-1].why == "`again` does not let the customer enter anew yet"


def test_what_happened_is_told_in_the_customers_time_with_rules_and_values(run):
    timeline = f"[{WEB}, {{ after: 1 day, event: purchased, properties: {{ total: 200 }} }}]"
    verdict = run(
        f"{ADA.replace('Europe/Berlin', 'Asia/Tokyo')}\nat: 2026-03-27T20:00+01:00\ntimeline: {timeline}\n"
        "expect: { state: exited, reason: bought, goal: true, attributes: { level: gold } }"
    )
    assert verdict.passed
    assert verdict.zone == "Asia/Tokyo"
    assert [(line.at[:16], line.what, line.why) for line in verdict.lines] == [
        ("2026-03-28T04:00", "signed_up", "happens"),
        ("2026-03-28T04:00", "send.hello", "entered on `signed_up`"),
        ("2026-03-28T04:00", "set", "sent by email"),
        ("2026-03-28T04:00", "wait_for.purchased", "done"),
        ("2026-03-29T04:00", "purchased", "happens"),
        ("2026-03-29T04:00", "wait_for.purchased", "goal"),
        ("2026-03-29T04:00", "branch", "`purchased` happened"),
        ("2026-03-29T04:00", "set.gold", "because sum(purchased.total) > 100"),
        ("2026-03-29T04:00", "emit.became_gold", "done"),
        ("2026-03-29T04:00", "send.thanks", "done"),
        ("2026-03-29T04:00", "exit.bought", "sent by email"),
    ]
    assert dict(verdict.lines[7].values) == {"sum(purchased.total)": 200}


# What is wrong with the test itself --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "message", "place"),
    [
        (
            "customer: { emial: a }\ntimeline: [{ after: 1 day }]",
            "JS301",
            "customers have no attribute `emial`",
            (4, 17),
        ),
        (
            "customer: { points: many }\ntimeline: [{ after: 1 day }]",
            "JS303",
            "`points`: 'many' is not integer",
            (4, 25),
        ),
        (
            "customer: { level: bronze }\ntimeline: [{ after: 1 day }]",
            "JS307",
            "`level`: 'bronze' is not one of silver, gold",
            (4, 24),
        ),
        (
            "customer: { birthday: 2027-02-29 }\ntimeline: [{ after: 1 day }]",
            "JS303",
            "`birthday`: '2027-02-29' is no date; write it as `2026-03-01`",
            (4, 27),
        ),
        (
            "customer: { consent: { fax: true } }\ntimeline: [{ after: 1 day }]",
            "JS104",
            "there is no channel `fax`",
            (4, 28),
        ),
        ("timeline: [{ event: signed_in }]", "JS103", "there is no event `signed_in`", (4, 25)),
        ("timeline: [{ event: purchased }]", "JS004", "`purchased` needs the property `total`", (4, 25)),
        (
            "timeline: [{ event: purchased, properties: { total: 1, sum: 2 } }]",
            "JS302",
            "`purchased` has no property `sum`",
            (4, 60),
        ),
        (
            "timeline: [{ event: purchased, properties: { total: lots } }]",
            "JS303",
            "`total`: 'lots' is not a number",
            (4, 57),
        ),
        ("timeline: [{ after: 1 month }]", "JS408", "`1 month` could mean several lengths", (4, 25)),
        ("timeline: [{ after: soon }]", "JS005", "`soon` is not a duration", (4, 25)),
        (
            "at: 2026-03-02T09:00Z\ntimeline: [{ at: 2026-03-01T09:00Z }]",
            "JS005",
            "this is before what stands above it, and time only goes on",
            (5, 22),
        ),
        ("at: 2026-02-30T09:00Z\ntimeline: [{ after: 1 day }]", "JS005", None, (4, 9)),
    ],
)
def test_a_story_that_cannot_be_lived_is_a_finding_at_its_place(run, text, code, message, place):
    verdict = run(f"{text}\nexpect: {{ state: not_entered }}")
    assert not verdict.passed
    assert verdict.lines == ()
    (found,) = verdict.findings
    assert found.code == code
    assert message is None or found.message == message
    assert (found.span.line, found.span.column) == place


@pytest.mark.parametrize(
    ("expect", "code", "message"),
    [
        ("sends: [{ message: helo }]", "JS105", "journey `first` has no message `helo`"),
        ("not_sent: [{ message: vip }]", "JS105", "journey `first` has no message `vip`"),
        ("sends: [{ message: hello, channel: fax }]", "JS104", "there is no channel `fax`"),
        ("state: wait_for.order", "JS101", "journey `first` has no step `wait_for.order`"),
        ("attributes: { size: 3 }", "JS301", "customers have no attribute `size`"),
        ("attributes: { points: many }", "JS303", "`points`: 'many' is not integer"),
        ("sends: [{ message: hello, at: 2026-02-30T09:00Z }]", "JS005", None),
    ],
)
def test_an_expectation_that_nothing_could_meet_is_a_finding(run, expect, code, message):
    verdict = run(f"timeline: [{WEB}]\nexpect: {{ {expect} }}")
    (found,) = verdict.findings
    assert found.code == code
    assert message is None or found.message == message
    assert found.span.line == 5
