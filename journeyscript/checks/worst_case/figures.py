"""The most messages that one enrollment can ask for: in all, and in any stretch of a length.

Takes a compiled journey and the policies, gives figures, and says where nobody knows. Exits, and people who cannot be
reached, make it fewer; entering again begins anew.
"""

from collections.abc import Callable, Iterator
from functools import partial

from msgspec import Struct

from journeyscript.checks.worst_case.search import (
    Counting,
    Reached,
    TooManyWays,
    at_latest,
    at_soonest,
    names,
    way_of,
)
from journeyscript.checks.worst_case.times import Sending
from journeyscript.checks.worst_case.ways import Place, Ways, unroll
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import MessageClass, Send
from journeyscript.semantics.types import Milliseconds
from journeyscript.syntax.duration import DAY, show_duration


class Question(Struct, frozen=True, kw_only=True):
    """Which messages are counted: on a channel or on all, of a class or of both."""

    channel: str | None = None
    kind: MessageClass | None = None

    def may(self, place: Place) -> bool:
        """Return whether the message of a place may be one of them: each channel that it may take counts."""
        send = place.state.action
        return isinstance(send, Send) and self._kind(send) and (self.channel is None or self.channel in send.via)

    def must(self, place: Place) -> bool:
        """Return whether the message of a place is one of them, wherever it goes out."""
        send = place.state.action
        return isinstance(send, Send) and self._kind(send) and (self.channel is None or send.via == (self.channel,))

    def _kind(self, send: Send) -> bool:
        return self.kind is None or send.kind == self.kind


class Figure(Struct, frozen=True, kw_only=True):
    """How many messages: `None` where nobody knows. `path`: the states of a way on which it may be the most.

    In all, nobody who goes to an end is asked to get fewer than `least`. Within a stretch, `least` fall into one for
    sure on some way. Nobody gets more than `most`.
    """

    least: int | None
    most: int | None
    path: tuple[str, ...] = ()


class Figures(Struct, frozen=True, kw_only=True):
    """The answer to a question: in all, and in any stretch of each length in milliseconds."""

    question: Question
    in_all: Figure
    within: dict[Milliseconds, Figure]


def length_in_words(milliseconds: Milliseconds) -> str:
    """Return the length of a stretch of time as people say it where it rolls: 24 hours rather than a day."""
    return "24 hours" if milliseconds == DAY else show_duration(milliseconds)


def figures(compiled: Compiled, sending: Sending, lengths: tuple[Milliseconds, ...]) -> list[Figures]:
    """Return the figures of a journey: of all its messages first, then of each class, each channel, each of both."""
    machine = compiled.machine
    sends = [state.action for state in machine.states if isinstance(state.action, Send)]
    channels = sorted({channel for send in sends for channel in send.via})
    classes = sorted({send.kind for send in sends})
    questions = [
        Question(channel=channel, kind=kind)
        for channel in (None, *channels)
        for kind in ((None, *classes) if channel is None else classes)
        if channel is kind is None
        or any(Question(channel=channel, kind=kind).may(Place(state=s, onward=())) for s in machine.states)
    ]
    ways = unroll(machine, sending)
    return [_answer(question, ways, machine.lifetime, lengths) for question in questions]


def _answer(
    question: Question, ways: Ways | None, lifetime: Milliseconds, lengths: tuple[Milliseconds, ...]
) -> Figures:
    if ways is None:
        unknown = Figure(least=None, most=None)
        return Figures(question=question, in_all=unknown, within=dict.fromkeys(lengths, unknown))
    return Figures(
        question=question,
        in_all=_known(partial(_in_all, question, ways, lifetime)),
        within={length: _known(partial(_within, question, ways, length)) for length in lengths},
    )


def _known(ask: Callable[[], Figure]) -> Figure:
    try:
        return ask()
    except TooManyWays:
        return Figure(least=None, most=None)


def _in_all(question: Question, ways: Ways, lifetime: Milliseconds) -> Figure:
    best = _best(at_soonest(ways, question.may, lifetime + 1, starts=(0,)))
    return Figure(least=_fewest(question.must, ways), most=best.count, path=_path(best, ways))


def _within(question: Question, ways: Ways, length: Milliseconds) -> Figure:
    most = _best(at_soonest(ways, question.may, length))
    least = _best(at_latest(ways, question.must, length))
    return Figure(least=least.count, most=most.count, path=_path(most, ways))


def _path(best: Reached, ways: Ways) -> tuple[str, ...]:
    return names(way_of(best, ways)) if best.count else ()


def _best(reached: Iterator[Reached]) -> Reached:
    best = Reached(count=0, time=0, place=0)
    for one in reached:
        if one.count > best.count:
            best = one
    return best


def _fewest(counts: Counting, ways: Ways) -> int:
    """Return the fewest messages on a way to an end of the journey."""
    fewest: list[int | None] = [None] * len(ways)
    for number in range(len(ways) - 1, -1, -1):
        place = ways[number]
        behind = [left for onward in place.onward if (left := fewest[onward.target]) is not None]
        if place.state.final is not None or behind:
            fewest[number] = counts(place) + min(behind, default=0)
    return fewest[0] or 0
