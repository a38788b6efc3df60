"""One history in two versions: where the two ways part, in which respects they differ, and how that is told.

Takes two ways of one enrollment; gives words without anything of the customer's profile. Knows no store.
"""

from collections.abc import Iterator
from itertools import zip_longest

from journeyscript.checks.changes.histories import Shown
from journeyscript.engine.calendar import local_text
from journeyscript.engine.values import Decision
from journeyscript.machine.model import Migration
from journeyscript.machine.wording import refusal_in_words, rule_in_words
from journeyscript.runtime.backtest.comparison import NOTABLE
from journeyscript.runtime.changing.histories.passage import Way

KINDS = ("messages", "branch", "entered", "step", "times")
"""In which ways two histories differ; the first of them is what an example shows best."""


class Comparison:
    """The same history in two versions."""

    def __init__(self, migration: Migration | None, zone: str) -> None:
        self._migration, self._zone = migration, zone

    def kinds(self, was: Way, comes: Way) -> tuple[str, ...] | None:
        """Return in which of `KINDS` the ways differ; `None` where they are the same.

        To come to the same at another time is a difference only of messages, and of where somebody stands by that.
        """
        if comes.refused is not None and was.refused is None:
            return ("entered",)
        kinds = tuple(self._kinds(was, comes))
        return kinds if kinds or self._parts_at(was, comes, timely=False) is not None else None

    def _kinds(self, was: Way, comes: Way) -> Iterator[str]:
        if self._branched(was, comes):
            yield "branch"
        sent, goes = sorted(was.messages), sorted(comes.messages)
        if [name for name, _ in sent] != [name for name, _ in goes]:
            yield "messages"
        elif any(abs(one[1] - other[1]) > NOTABLE for one, other in zip(sent, goes, strict=True)):
            yield "times"
        stood, stands = was.enrollment, comes.enrollment
        if (stood.status, stood.reason) != (stands.status, stands.reason) or (
            stood.status == "active" and not self._called(was, stood.state, comes, stands.state)
        ):
            yield "step"

    def shown(self, customer: str, was: Way, comes: Way) -> Shown:
        """Return what there is to tell of a customer, without anything of their profile."""
        entry = was.decisions[0]
        entered = f"{rule_in_words(was.machine, None, entry.rule)} at {local_text(entry.at, self._zone)}"
        if comes.refused is not None and was.refused is None:
            return Shown(
                customer=customer,
                entered=entered,
                before=self._tell(was, 0),
                now=f"stays out: {refusal_in_words(comes.refused)}",
            )
        place = self._parts_at(was, comes, timely=False)
        if place is None:
            place = self._parts_at(was, comes) or 0
        sent = [", ".join(f"`{name}`" for name, _ in way.messages) or "nothing" for way in (was, comes)]
        words = [f"; is sent {names}" if sent[0] != sent[1] else "" for names in sent]
        return Shown(
            customer=customer,
            entered=entered,
            before=self._tell(was, place) + words[0],
            now=self._tell(comes, place) + words[1],
        )

    def _tell(self, way: Way, place: int) -> str:
        if place < len(way.decisions):
            one = way.decisions[place]
            left = way.decisions[place - 1].state if place else None
            return f"{local_text(one.at, self._zone)} {one.state}: {rule_in_words(way.machine, left, one.rule)}"
        stands = way.enrollment
        if stands.status == "active":
            return f"still at {stands.state}"
        return f"{stands.status} ({stands.reason})" if stands.reason else stands.status

    def _parts_at(self, was: Way, comes: Way, *, timely: bool = True) -> int | None:
        """Return the first decision that is another one, or made at another time where that counts."""
        for place, (one, other) in enumerate(zip_longest(was.decisions, comes.decisions)):
            if one is None or other is None or not self._same(was, one, comes, other, timely=timely):
                return place
        return None

    def _same(self, was: Way, one: Decision, comes: Way, other: Decision, *, timely: bool) -> bool:
        return (
            (not timely or abs(one.at - other.at) <= NOTABLE)
            and self._called(was, one.state, comes, other.state)
            and (one.rule == other.rule or (_chosen(one) and _chosen(other)))
        )

    def _branched(self, was: Way, comes: Way) -> bool:
        """Return whether another branch is taken: one with another number may do the same, or the same one more."""
        choices = ([one for one in way.decisions if _chosen(one)] for way in (was, comes))
        return any(
            one.rule != other.rule and not self._called(was, one.state, comes, other.state)
            for one, other in zip(*choices, strict=False)
        )

    def _called(self, was: Way, one: str, comes: Way, other: str) -> bool:
        """Return whether two steps are the same, by name, by what the file says, or as neither side knows the other."""
        migration = self._migration
        if one == other or (migration is not None and migration.moves.get(one) == other):
            return True
        before = {state.id: state.step for state in was.machine.states}
        now = {state.id: state.step for state in comes.machine.states}
        return one not in now and other not in before and before.get(one) == now.get(other)


def _chosen(decision: Decision) -> bool:
    """Return whether a decision took one of several ways; by which number of the file does not matter."""
    return decision.rule.partition(" ")[0] in {"if", "else", "arm"}
