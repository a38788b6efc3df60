"""A journey that has changed, with those who are inside of its older versions.

Takes machines and numbers of people; knows no store. Every rule about changes asks the same two questions of it: who is
inside, and where they go.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from journeyscript.diagnostics import Span
from journeyscript.machine.graph import reachable
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import About, Machine, Migration, State

Fate: TypeAlias = Literal["stay", "move", "exit", "stranded"]


class Occupied(Struct, frozen=True, kw_only=True):
    """An older version with people inside: how many stand at each state, and how many test customers beside them."""

    version: str
    machine: Machine
    about: About
    people: Mapping[str, int]
    test: Mapping[str, int] = {}

    @property
    def states(self) -> dict[str, State]:
        """The states by name."""
        return {state.id: state for state in self.machine.states}

    def before(self, names: Collection[str]) -> int:
        """Return how many people may still come to one of these states."""
        return sum(
            count for state, count in self.people.items() if not reachable(self.machine, [state]).isdisjoint(names)
        )


class Change(Struct, frozen=True, kw_only=True):
    """A journey that is another one now, or none (`after`), and its older versions with people inside.

    `migration` is what holds for them: as the file says it, or read backwards from the version that is deployed.
    """

    journey: str
    version: str
    after: Compiled | None
    migration: Migration | None
    inside: tuple[Occupied, ...]

    @property
    def people(self) -> int:
        """How many people are inside."""
        return sum(sum(one.people.values()) for one in self.inside)

    @property
    def test(self) -> int:
        """How many test customers are inside."""
        return sum(sum(one.test.values()) for one in self.inside)

    @property
    def steps(self) -> frozenset[str]:
        """The names of the steps that there are now."""
        return frozenset() if self.after is None else frozenset(state.id for state in self.after.machine.states)

    def fate(self, state: str) -> tuple[Fate, str]:
        """Return what becomes of those at a state, and where they are then.

        A journey that is taken away keeps nobody from going on in the version they are in.
        """
        if self.after is None:
            return "stay", state
        if self.migration is not None and state in self.migration.moves:
            target = self.migration.moves[state]
            return ("exit", "") if target is None else ("move", target)
        if state not in self.steps:
            return "stranded", ""
        return ("stay" if self.migration is None else "move"), state

    def stranded(self) -> dict[str, tuple[int, int]]:
        """Return how many people, and test customers, stand at each step that is gone, and have nowhere to go."""
        people: Counter[str] = Counter()
        tests: Counter[str] = Counter()
        for one in self.inside:
            people.update(one.people)
            tests.update(one.test)
        steps = dict.fromkeys((*people, *tests))
        return {step: (people[step], tests[step]) for step in steps if self.fate(step)[0] == "stranded"}

    @property
    def place(self) -> Span:
        """Where the journey is written: what it says of those inside, else its name."""
        about = self.inside[0].about if self.after is None else self.after.about
        if about.migrate is not None and about.migrate.span is not None and self.after is not None:
            return about.migrate.span
        return about.place if about.place is not None and self.after is not None else Span(path=about.path)


def counted(people: int, test: int = 0) -> str:
    """Return a number of people, and of test customers beside them, in words, with the verb."""
    return f"{crowd(people, test)} {'is' if people + test == 1 else 'are'}"


def crowd(people: int, test: int = 0) -> str:
    """Return a number of people, and of test customers beside them, in words."""
    persons = "1 person" if people == 1 else f"{people:,} people"
    tests = "1 test customer" if test == 1 else f"{test:,} test customers"
    if not test:
        return persons
    return f"{persons} and {tests}" if people else tests
