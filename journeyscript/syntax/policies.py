"""What holds for all journeys at once: frequency caps, quiet hours, and how old a message may get.

Plain data with its defaults, read from nodes whose shape was already checked. Policies are live: a change holds at once
for everybody inside, so they are no part of a machine.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

from journeyscript.source.nodes import Mapping, Node, Scalar, Sequence
from journeyscript.syntax.duration import DAY, MINUTE, parse_duration, parse_time_of_day

Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DAY_GROUPS: dict[str, tuple[Weekday, ...]] = {"weekdays": WEEKDAYS[:5], "weekend": WEEKDAYS[5:]}


class QuietWindow(Struct, frozen=True, kw_only=True):
    """A window of the customer's day in which no marketing message goes out, in minutes after midnight.

    `end` at or before `start` runs over midnight; the day is the one on which the window starts.
    """

    start: int
    end: int
    days: tuple[Weekday, ...] = WEEKDAYS


class FrequencyCap(Struct, frozen=True, kw_only=True):
    """At most `messages` marketing messages to one customer in any `per` milliseconds: on a channel, or on all."""

    messages: int
    per: int
    channel: str | None = None


class Policies(Struct, frozen=True, kw_only=True):
    """What holds for every send. All lengths in milliseconds.

    `release_over` is how long the messages that waited for the end of quiet hours are scattered over, `max_age` how old
    a message may get before it is not sent any more, where its step says nothing else. `grace` is how long behind the
    deadline of a wait an event from before it may come in and still count.
    """

    caps: tuple[FrequencyCap, ...] = ()
    quiet_hours: tuple[QuietWindow, ...] = ()
    release_over: int = 15 * MINUTE
    max_age: int = DAY
    grace: int = 5 * MINUTE


def read_policies(node: Mapping) -> Policies:
    """Return the policies that a node of the right shape says.

    Raises:
        DurationProblem: a length is no duration.
    """
    lengths = {
        key: _length(value) for key in ("release_over", "max_age", "grace") if (value := node.get(key)) is not None
    }
    return Policies(
        caps=tuple(_cap(item) for item in _listed(node.get("caps")) if isinstance(item, Mapping)),
        quiet_hours=read_quiet_hours(node.get("quiet_hours")) or (),
        **lengths,
    )


def read_quiet_hours(node: Node | None) -> tuple[QuietWindow, ...] | None:
    """Return the windows that are written, one or a list of them; none for the word `none`, `None` for nothing."""
    if node is None:
        return None
    windows = (item for item in _listed(node) if isinstance(item, Mapping))
    return tuple(_window(window) for window in windows)


def read_days(node: Node | None) -> tuple[Weekday, ...]:
    """Return the days of the week that are written, in the week's order; all where none are."""
    match node:
        case None:
            return WEEKDAYS
        case Scalar(text=text):
            return _DAY_GROUPS.get(text) or tuple(day for day in WEEKDAYS if day == text)
        case Sequence(items=items):
            written = {item.text for item in items if isinstance(item, Scalar)}
            return tuple(day for day in WEEKDAYS if day in written)
        case _:
            raise AssertionError("the schema lets no other form of `days` come here")


def _cap(node: Mapping) -> FrequencyCap:
    messages, per, channel = node.get("messages"), node.get("per"), node.get("channel")
    assert isinstance(messages, Scalar)
    assert per is not None
    return FrequencyCap(
        messages=int(messages.text), per=_length(per), channel=channel.text if isinstance(channel, Scalar) else None
    )


def _window(node: Mapping) -> QuietWindow:
    between = node.get("between")
    assert isinstance(between, Sequence)
    start, end = (parse_time_of_day(item.text) for item in between.items if isinstance(item, Scalar))
    assert start is not None, "the schema lets no other text than a time of day come here"
    assert end is not None
    return QuietWindow(start=start, end=end, days=read_days(node.get("days")))


def _listed(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else () if node is None else (node,)


def _length(node: Node) -> int:
    assert isinstance(node, Scalar)
    return parse_duration(node.text).elapsed
