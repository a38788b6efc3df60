"""How many messages a customer can get, which a frequency cap takes, and what quiet hours make of them."""

import pytest
from msgspec.structs import replace

from journeyscript.checks.journey import check_policies, check_sending
from journeyscript.checks.worst_case import search
from journeyscript.checks.worst_case.combined import combined_cap
from journeyscript.checks.worst_case.figures import figures
from journeyscript.checks.worst_case.times import Sending, elapsed, longest, longest_stretch, shortest
from journeyscript.checks.worst_case.together import lengths_of, together
from journeyscript.diagnostics import Span
from journeyscript.engine.chance import draw_arm
from journeyscript.machine.model import After, AtTime, CalendarDays, Due, On, State, Transition, Within
from journeyscript.syntax.duration import DAY, HOUR, WEEK
from journeyscript.syntax.policies import FrequencyCap, Policies, QuietWindow
from tests.projects import compile_text, steps_of, surroundings

NIGHT = (QuietWindow(start=21 * 60, end=8 * 60),)


def compiled_of(steps, head="entry: { event: signed_up, again: never }", name="trial"):
    compiled, findings = compile_text(steps_of(steps, head).replace("journey: trial", f"journey: {name}"))
    assert compiled is not None, findings
    return compiled


def under(*caps, quiet=()):
    return Sending(channels=surroundings().channels, policies=Policies(caps=caps, quiet_hours=quiet))


def a_cap(messages, per=DAY, channel=None):
    return FrequencyCap(messages=messages, per=per, channel=channel)


def found(steps, *caps, quiet=()):
    return [(one.code, one.step) for one in check_sending(compiled_of(steps), under(*caps, quiet=quiet))]


def counted(steps, **question):
    """Return least and most in all, in a day and in a week."""
    channel, kind = question.get("channel"), question.get("kind")
    for row in figures(compiled_of(steps), under(), lengths_of([])):
        if (row.question.channel, row.question.kind) == (channel, kind):
            return [(one.least, one.most) for one in (row.in_all, *row.within.values())]
    return None


EMAIL = "- send: welcome\n  via: email\n"


def test_a_way_with_fewer_messages_makes_the_least():
    steps = (
        EMAIL + "- wait: 2 days\n- branch:\n    - if: customer.vip\n      steps: [{ send: reminder }]\n    - else: []\n"
    )
    assert counted(steps) == [(1, 2), (1, 1), (2, 2)]


def test_a_send_of_several_channels_counts_for_each_that_it_may_take_and_once_in_all():
    steps = "- send: reminder\n  via: [push, email]\n"
    assert counted(steps) == [(1, 1)] * 3
    assert counted(steps, channel="push", kind="marketing") == [(0, 1)] * 3
    assert counted(steps, channel="email", kind="marketing") == [(0, 1)] * 3
    assert counted(steps, channel="sms", kind="marketing") is None


def test_classes_are_counted_by_themselves():
    steps = EMAIL + "- send: reminder\n  class: transactional\n"
    assert counted(steps, kind="transactional")[0] == (1, 1)
    assert counted(steps)[0] == (2, 2)


def test_a_loop_counts_as_often_as_it_may_go_round():
    steps = "- repeat: { times: 5, until: customer.vip }\n  steps:\n    - wait: 1 day\n    - send: reminder\n"
    assert counted(steps) == [(0, 5), (1, 1), (5, 5)]


def test_loops_inside_loops_multiply():
    inner = (
        "    - repeat: { times: 3 }\n      id: inner\n      steps:\n        - wait: 1 hour\n        - send: reminder\n"
    )
    steps = f"- repeat: {{ times: 4 }}\n  steps:\n    - wait: 1 day\n      id: day\n{inner}"
    assert counted(steps) == [(12, 12), (3, 3), (12, 12)]


def test_what_comes_after_the_longest_life_does_not_count():
    steps = EMAIL + "- wait: 10 days\n- send: reminder\n"
    head = "entry: { event: signed_up, again: never }\nmax_lifetime: 5 days"
    (row, *_) = figures(compiled_of(steps, head), under(), (DAY,))
    assert row.in_all.most == 1
    assert row.in_all.path == ("send.welcome",)


def test_an_arm_that_nobody_falls_into_does_not_count():
    arms = "    - { arm: a, weight: 100, steps: [] }\n    - { arm: b, weight: 0, steps: [{ send: reminder }] }\n"
    assert counted(f"{EMAIL}- split: colour\n  arms:\n{arms}")[0] == (1, 1)


def test_times_of_day_keep_messages_apart():
    steps = '- repeat: { times: 3 }\n  steps:\n    - wait_until: { time: "09:00", days: [mon] }\n    - send: reminder\n'
    assert counted(steps) == [(3, 3), (1, 1), (1, 2)], "once a year a week has an hour less"


def test_a_machine_with_too_many_ways_is_not_guessed_at(monkeypatch):
    monkeypatch.setattr(search, "MOST_MOVES", 1)
    steps = EMAIL + "- wait: 1 hour\n- send: reminder\n- wait: 1 hour\n  id: second\n- send: welcome\n  id: last\n"
    assert counted(steps)[0] == (None, None)
    assert found(steps, a_cap(1)) == []


def test_a_loop_of_too_many_laps_is_not_guessed_at():
    inner = "    - repeat: { times: 1000 }\n      id: inner\n      steps: [{ wait: 1 hour }, { send: reminder }]\n"
    steps = f"- repeat: {{ times: 1000 }}\n  steps:\n    - wait: 1 hour\n      id: outer\n{inner}"
    assert counted(steps) == [(None, None)] * 3


@pytest.mark.parametrize(
    ("timer", "least", "most"),
    [
        (After(duration=HOUR), HOUR, HOUR + 1_000),
        (CalendarDays(days=1), 21 * HOUR, 27 * HOUR + 1_000),
        (AtTime(minute=540), 0, 27 * HOUR + 1_000),
        (AtTime(minute=540, days=("mon", "wed")), 0, 5 * DAY + 3 * HOUR + 1_000),
        (AtTime(minute=540, days=("sun",), spread=HOUR), 0, 7 * DAY + 4 * HOUR + 1_000),
        (Within(start=540, end=1080), 0, 18 * HOUR + 1_000),
        (Within(start=120, end=150), 0, 2 * DAY + 2 * HOUR + HOUR // 2 + 1_000),
        (None, 0, None),
    ],
)
def test_a_wait_takes_so_long_at_least_and_at_most(timer, least, most):
    assert (shortest(timer), longest(timer)) == (least, most)


def test_a_wait_for_an_event_is_a_little_longer_as_the_event_may_be_on_its_way():
    due, on = Transition(trigger=Due(), target="b"), Transition(trigger=On(event="x"), target="b")
    state = State(id="a", step="wait_for", timer=After(duration=HOUR), transitions=(on, due))
    assert elapsed(state, due, 5_000) == (HOUR, HOUR + 6_000)
    assert elapsed(state, on, 5_000) == (0, HOUR + 6_000)
    assert elapsed(replace(state, transitions=(due,)), due, 5_000) == (HOUR, HOUR + 1_000)


def test_quiet_windows_that_touch_are_one_stretch():
    assert longest_stretch(NIGHT) == 11 * 60
    assert longest_stretch((*NIGHT, QuietWindow(start=8 * 60, end=10 * 60))) == 13 * 60
    assert longest_stretch((QuietWindow(start=0, end=0, days=("sat", "sun")),)) == 48 * 60
    assert longest_stretch((QuietWindow(start=0, end=0),)) == 7 * 24 * 60
    assert longest_stretch(NIGHT, 15) == 11 * 60 + 15


# Frequency caps ----------------------------------------------------------------------------------------------------

TWO = EMAIL + "- wait: 4 hours\n- send: reminder\n"


def test_a_message_over_the_cap_is_lost():
    assert found(TWO, a_cap(1)) == [("JS502", "send.reminder")]
    assert found(TWO, a_cap(2)) == []
    assert found(TWO, a_cap(1, 4 * HOUR)) == [], "when it comes, the first one counts no longer"
    assert found(TWO, a_cap(1, 4 * HOUR + 1)) == [("JS503", "send.reminder")], "the timer may be a second late"


def test_each_cap_is_told_by_itself():
    assert found(TWO, a_cap(1), a_cap(1, WEEK), a_cap(3)) == [("JS502", "send.reminder")] * 2


def test_a_cap_of_a_channel_takes_for_sure_only_what_goes_out_there_for_sure():
    assert found(TWO, a_cap(1, channel="email")) == [("JS503", "send.reminder")]
    assert found(TWO + "  via: email\n", a_cap(1, channel="email")) == [("JS502", "send.reminder")]
    assert found(TWO, a_cap(1, channel="sms")) == []


def test_transactional_messages_count_against_no_cap():
    assert found(TWO + "  class: transactional\n", a_cap(1)) == []


def test_a_message_that_waits_for_room_is_lost_only_where_it_waits_too_short():
    assert found(TWO + "  when_capped: { delay: 20 hours }\n", a_cap(1)) == []
    assert found(TWO + "  when_capped: { delay: 19 hours }\n", a_cap(1)) == [("JS502", "send.reminder")]
    too_old = "  when_capped: { delay: 7 days }\n"
    assert found(TWO + too_old, a_cap(1, WEEK)) != [], "a message gets 24 hours old and no older"
    assert found(TWO + too_old + "  max_age: 7 days\n", a_cap(1, WEEK)) == []


def test_quiet_hours_make_a_loss_less_certain():
    assert found(TWO, a_cap(1, 10 * HOUR), quiet=NIGHT) == [("JS503", "send.reminder")]


def test_a_wait_that_an_event_may_end_makes_a_loss_possible():
    steps = EMAIL + "- wait_for: purchased\n  timeout: 3 days\n- send: reminder\n"
    assert found(steps, a_cap(1)) == [("JS503", "send.reminder")]
    assert found(steps, a_cap(1, WEEK)) == [("JS502", "send.reminder")]


def test_a_date_of_which_nothing_is_known_makes_a_loss_possible():
    steps = EMAIL + "- wait_until: { date: customer.birthday, if_missing: continue }\n- send: reminder\n"
    assert found(steps, a_cap(1, WEEK)) == [("JS503", "send.reminder")]


@pytest.mark.parametrize(
    ("second", "lost"),
    [("customer.vip", ["JS502"]), ("not customer.vip", []), ('customer.country == "DE"', ["JS502"])],
)
def test_messages_that_no_customer_gets_both_of_are_not_added_up(second, lost):
    def one(condition, message):
        return f"    - if: {condition}\n      steps: [{{ send: {message} }}]\n    - else: []\n"

    steps = f"- id: a\n  branch:\n{one('customer.vip', 'welcome')}- id: b\n  branch:\n{one(second, 'reminder')}"
    assert [code for code, _ in found(steps, a_cap(1))] == lost


def test_arms_of_one_experiment_that_exclude_each_other_are_not_added_up():
    def split(number, first, second):
        return (
            f"- id: s{number}\n  split: colour\n  arms:\n    - {{ arm: a, weight: 50, steps: [{first}] }}\n"
            f"    - {{ arm: b, weight: 50, steps: [{second}] }}\n"
        )

    assert found(split(1, "{ send: welcome }", "") + split(2, "", "{ send: reminder }"), a_cap(1)) == []
    assert found(split(1, "{ send: welcome }", "") + split(2, "{ send: reminder }", ""), a_cap(1)) != []


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ((50, 50, 0), (60, 40, 0), False),
        ((50, 50, 0), (40, 60, 0), True),
        ((45, 45, 10), (50, 45, 5), False),
        ((45, 45, 10), (5, 50, 45), True),
        ((45, 45, 10), (40, 40, 20), False),
    ],
)
def test_arm_a_here_and_arm_b_there_are_for_one_customer_only_where_b_gained_on_a(first, second, both):
    def split(number, weights, sending, message):
        arms = "".join(
            f"    - {{ arm: {arm}, weight: {weight}, steps: [{f'{{ send: {message} }}' if arm == sending else ''}] }}\n"
            for arm, weight in zip("abc", weights, strict=True)
        )
        return f"- id: s{number}\n  split: colour\n  arms:\n{arms}"

    steps = split(1, first, "a", "welcome") + split(2, second, "b", "reminder")
    assert (found(steps, a_cap(1)) != []) == both
    arms = [list(zip("abc", weights, strict=True)) for weights in (first, second)]
    drawn = {tuple(draw_arm(one, "colour", f"customer-{number}") for one in arms) for number in range(2_000)}
    assert (("a", "b") in drawn) == both


def test_the_witness_is_the_way_and_the_label_the_first_message():
    (one,) = check_sending(compiled_of(TWO), under(a_cap(1)))
    assert one.witness == ("send.welcome", "wait", "send.reminder")
    assert [label.text for label in one.labels] == ["the first one"]
    assert one.help is not None
    assert "`when_capped: { delay: 24 hours }`" in one.help
    (one,) = check_sending(compiled_of(TWO), under(a_cap(1, WEEK)))
    assert one.help is not None
    assert one.help.endswith("`when_capped: { delay: 7 days }` and `max_age: 7 days`")


# Several journeys --------------------------------------------------------------------------------------------------


def journeys_of(**heads):
    return {name: compiled_of("- wait: 1 hour\n- send: reminder\n", head, name) for name, head in heads.items()}


OPEN = "entry: { event: signed_up, again: never }"
BUSY = "entry: { event: signed_up, where: customer.visits > 3, again: never }"
CALM = "entry: { event: signed_up, where: customer.visits <= 3, again: never }"


def test_journeys_go_over_a_cap_together():
    (one,) = combined_cap(journeys_of(a=OPEN, b=BUSY), under(a_cap(1)))
    assert (one.code, one.journey) == ("JS702", "b")
    assert one.witness == ("signed_up", "customer.visits = 4", "a: 1", "b: 1")
    assert list(combined_cap(journeys_of(a=OPEN, b=BUSY), under(a_cap(2)))) == []


def test_journeys_that_no_customer_is_let_into_together_do_not():
    assert list(combined_cap(journeys_of(a=CALM, b=BUSY), under(a_cap(1)))) == []
    (one,) = combined_cap(journeys_of(a=CALM, b=BUSY, c=OPEN), under(a_cap(1)))
    assert len(one.witness) == 4


def test_journeys_of_one_group_count_by_the_largest():
    group = "\nexclusive_group: hello"
    assert list(combined_cap(journeys_of(a=OPEN + group, b=BUSY + group), under(a_cap(1)))) == []
    assert len(list(combined_cap(journeys_of(a=OPEN + group, b=BUSY + group, c=OPEN), under(a_cap(1))))) == 1


def test_a_journey_that_goes_over_the_cap_alone_is_told_only_there():
    alone = {"a": compiled_of(TWO, OPEN, "a"), **journeys_of(b=OPEN)}
    assert list(combined_cap(alone, under(a_cap(1)))) == []


def test_figures_of_several_journeys_add_up():
    one, other = (figures(compiled_of(steps), under(), (DAY,)) for steps in (TWO, EMAIL + "- wait: 2 days\n"))
    row = together([one, other])[0]
    assert (row.in_all.least, row.in_all.most) == (3, 3)
    assert (row.within[DAY].least, row.within[DAY].most) == (2, 3)


def test_policies_are_asked_for_where_marketing_goes_out_without_them():
    place = Span(path="journeyscript.yaml")
    journeys = journeys_of(a=OPEN)
    assert [one.code for one in check_policies(journeys, under(), place)] == ["JS504", "JS507"]
    assert list(check_policies(journeys, under(a_cap(1), quiet=NIGHT), place)) == []
    calm = {name: replace(channel, quiet_hours=()) for name, channel in surroundings().channels.items()}
    sending = Sending(channels=calm, policies=Policies(caps=(a_cap(1),)))
    assert list(check_policies(journeys, sending, place)) == [], "`quiet_hours: none` is a decision"
    plain = {"a": compiled_of("- send: reminder\n  class: transactional\n")}
    assert list(check_policies(plain, under(), place)) == []
