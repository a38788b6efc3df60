"""What is found between journeys that are each in order."""

import pytest

from journeyscript.checks import competing
from journeyscript.checks.competing import competing_entry
from journeyscript.checks.cycles import trigger_cycle
from tests.projects import machine_of


def journeys(**texts):
    return {name: machine_of(f"journey: {name}\n{text}") for name, text in texts.items()}


def journey(entry, *steps):
    return f"entry: {entry}\nsteps:\n" + "".join(f"  - {step}\n" for step in steps)


WELCOME = "send: welcome"


def on(event, where=None, again="never"):
    condition = "" if where is None else f", where: '{where}'"
    return f"{{ event: {event}{condition}, again: {again} }}"


# Journeys that start together -------------------------------------------------------------------------------------


def test_two_journeys_that_send_at_once_to_one_customer_compete():
    (found,) = competing_entry(
        journeys(
            first=journey(on("purchased", "event.total > 10"), WELCOME),
            second=journey(on("purchased", "event.total < 12"), "send: reminder"),
        )
    )
    assert found.journey == "second"
    assert found.witness == ("purchased", "event.total = 11.0", "first: send.welcome", "second: send.reminder")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (journey(on("purchased", "event.total > 10"), WELCOME), journey(on("purchased", "event.total <= 10"), WELCOME)),
        (journey(on("purchased"), WELCOME), journey(on("signed_up"), WELCOME)),
        (journey(on("purchased"), WELCOME), journey(on("purchased"), "wait: 1 minute", WELCOME)),
        (journey(on("purchased"), "{ send: welcome, via: sms }"), journey(on("purchased"), "send: reminder")),
        # Whether anybody is in both is more than can be decided here.
        (
            journey(on("purchased", "days_since(customer.joined) > 9"), WELCOME),
            journey(on("purchased", "days_since(customer.joined) > 99"), WELCOME),
        ),
    ],
)
def test_journeys_that_nobody_is_sent_both_of_do_not_compete(first, second):
    assert not list(competing_entry(journeys(first=first, second=second)))


def test_what_a_branch_asks_in_front_of_the_send_counts():
    guarded = "branch: [{ if: not customer.vip, steps: [{ send: reminder }] }, { else: [] }]"
    second = journey(on("purchased"), guarded)
    assert list(competing_entry(journeys(first=journey(on("purchased"), WELCOME), second=second)))
    vip = journey(on("purchased", "customer.vip"), WELCOME)
    assert not list(competing_entry(journeys(first=vip, second=second)))


def test_of_a_group_that_lets_a_customer_into_one_journey_nobody_competes():
    grouped = "exclusive_group: one\n" + journey(on("purchased"), WELCOME)
    assert not list(competing_entry(journeys(first=grouped, second=grouped)))
    assert list(competing_entry(journeys(first=grouped, second=journey(on("purchased"), WELCOME))))


def many(where, number=60):
    return journeys(**{f"j{n}": journey(on("purchased", where.format(n)), WELCOME) for n in range(number)})


@pytest.mark.parametrize(
    "where",
    [
        '(event.category ?? "none") == "c{}"',
        "customer.vip and event.items in [{}, 1{0}00]",
        'event.order_id == "o{}" and event.total > {}',
    ],
)
def test_journeys_that_ask_for_constants_of_their_own_are_told_apart_without_deciding(where, monkeypatch):
    monkeypatch.setattr(competing, "MOST_DECIDED", 0)
    assert not list(competing_entry(many(where.replace("{}", "{0}"))))


def test_equal_entries_are_decided_once(monkeypatch):
    monkeypatch.setattr(competing, "MOST_DECIDED", 1)
    found = list(competing_entry(many("customer.vip")))
    assert [item.journey for item in found] == [f"j{n}" for n in range(1, 60)]
    assert {item.witness[-2] for item in found} == {"j0: send.welcome"}


def test_of_too_many_pairs_it_is_said_that_they_were_not_looked_at(monkeypatch):
    bands = many("event.items >= {0}0 and event.items < {0}1", 12)
    assert not list(competing_entry(bands))
    monkeypatch.setattr(competing, "MOST_DECIDED", 10)
    (found,) = competing_entry(bands)
    assert found.journey == "j5"
    assert found.message == "`purchased` starts more journeys, from this one on, than can be held against each other"
    assert found.witness == ("purchased", "10 pairs of conditions were looked at")


# Journeys that start each other -----------------------------------------------------------------------------------

PAGE = "{{ emit: page_viewed, properties: {{ url: '\"{}\"' }} }}"
INSTALLED = "emit: app_installed"


def rounds(**texts):
    return [found.message for found in trigger_cycle(journeys(**texts))]


def test_journeys_that_start_each_other_go_round_for_ever():
    found = rounds(
        a=journey(on("app_installed", again="always"), PAGE.format("/")),
        b=journey(on("page_viewed", again="always"), "wait: 30 days", INSTALLED),
    )
    assert found == ["`a` and `b` start each other for ever"]


def test_a_journey_can_start_itself():
    assert rounds(a=journey(on("app_installed", again="always"), "wait: 1 day", INSTALLED)) == [
        "`a` starts itself for ever"
    ]


def test_a_cool_down_anywhere_holds_the_round_back():
    for again in ("never", "after 1 hour"):
        assert not rounds(
            a=journey(on("app_installed", again="always"), PAGE.format("/")),
            b=journey(on("page_viewed", again=again), INSTALLED),
        )


def test_properties_that_never_fit_break_the_round():
    first = journey(on("app_installed", again="always"), PAGE.format("/a"))
    for where, count in (('event.url == "/b"', 0), ('event.url == "/a"', 1), ("customer.vip", 1)):
        assert len(rounds(a=first, b=journey(on("page_viewed", where, "always"), INSTALLED))) == count


def asked(again="always", where=None):
    condition = "" if where is None else f", where: '{where}'"
    return f"{{ api: {{ round: {{ type: integer }} }}{condition}, again: {again} }}"


def enter(name, number=1):
    return f"{{{{ enter: {name}, with: {{{{ round: {number} }}}} }}}}".format()


def test_a_step_that_enters_a_journey_starts_it_like_an_event():
    assert rounds(a=journey(asked(), enter("b")), b=journey(asked(), "wait: 1 day", enter("a"))) == [
        "`a` and `b` start each other for ever"
    ]
    assert rounds(a=journey(asked(), enter("a"))) == ["`a` starts itself for ever"]
    assert rounds(
        a=journey(on("app_installed", again="always"), enter("b")), b=journey(asked(), "wait: 1 day", INSTALLED)
    ) == ["`a` and `b` start each other for ever"]


def test_what_holds_back_an_event_holds_back_a_step_that_enters():
    for again in ("never", "after 1 hour"):
        assert not rounds(a=journey(asked(), enter("b")), b=journey(asked(again), enter("a")))
    assert not rounds(a=journey(asked(), enter("b", 3)), b=journey(asked(where="event.round < 3"), enter("a")))
    assert not rounds(a=journey(asked(), enter("a"), "wait: 1 day", WELCOME)), "refused, as it is inside"


def test_two_rounds_are_told_apart():
    found = rounds(
        a=journey(on("app_installed", again="always"), INSTALLED),
        b=journey(on("page_viewed", again="always"), PAGE.format("/")),
        c=journey(on("signed_up", again="always"), INSTALLED, PAGE.format("/")),
    )
    assert found == ["`a` starts itself for ever", "`b` starts itself for ever"]


def test_a_journey_that_is_still_going_on_ends_the_round():
    lingering = journey(on("app_installed", again="always"), PAGE.format("/"), "wait: 3 days", WELCOME)
    for steps, count in (([INSTALLED], 0), (["wait: 1 day", INSTALLED], 1)):
        assert len(rounds(a=lingering, b=journey(on("page_viewed", again="always"), *steps))) == count
    assert not rounds(a=journey(on("app_installed", again="always"), INSTALLED, "wait: 1 day", WELCOME))


def test_a_journey_that_starts_anew_while_it_is_going_on_does_not_end_the_round():
    anew = "{ event: app_installed, again: always, while_active: restart }"
    assert rounds(a=journey(anew, INSTALLED, "wait: 1 day", WELCOME)) == ["`a` starts itself for ever"]
