"""The figures of several journeys as those of one customer who enters each of them once, at whatever time."""

from collections.abc import Iterable, Sequence

from journeyscript.checks.worst_case.figures import Figure, Figures
from journeyscript.syntax.duration import DAY, WEEK


def together(journeys: Sequence[Sequence[Figures]]) -> list[Figures]:
    """Return the figures of all journeys together, for each question that one of them answers, in the same order.

    Messages in all add up. What can fall into one stretch of time adds up at most, and is for sure what it is in one
    journey.
    """
    questions = dict.fromkeys(one.question for figures in journeys for one in figures)
    answers = []
    for question in sorted(questions, key=lambda asked: (asked.channel or "", asked.kind or "")):
        own = [one for figures in journeys for one in figures if one.question == question]
        lengths = tuple(own[0].within)
        answers.append(
            Figures(
                question=question,
                in_all=Figure(least=_sum(one.in_all.least for one in own), most=_sum(one.in_all.most for one in own)),
                within={
                    length: Figure(
                        least=max((one.within[length].least or 0 for one in own), default=0),
                        most=_sum(one.within[length].most for one in own),
                    )
                    for length in lengths
                },
            )
        )
    return answers


def lengths_of(caps: Iterable[int]) -> tuple[int, ...]:
    """Return the lengths in milliseconds that figures are given for: a day, a week, and that of each cap."""
    return tuple(sorted({DAY, WEEK, *caps}))


def _sum(numbers: Iterable[int | None]) -> int | None:
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total
