"""JS805: what is recorded of people would have gone another way through a journey as it is now.

Takes what a replay of histories came to, counted; gives the finding with the customer who shows it. Replays nothing.
"""

from collections.abc import Iterator

from msgspec import Struct

from journeyscript.checks.changes.change import Change
from journeyscript.diagnostics import Diagnostic
from journeyscript.rules import finding


class Shown(Struct, frozen=True, kw_only=True):
    """One customer whose way parts: how they came in, and what follows from where it does, on either side."""

    customer: str
    entered: str
    before: str
    now: str


class Histories(Struct, frozen=True, kw_only=True):
    """What came of replaying histories of a journey: how many there are, and how many of them were taken.

    A history is an enrollment that goes on, or ended lately. Left out are those who were `moved` between versions,
    those that go otherwise than recorded (`unlike`) even in their own version, and what was `pruned`. Of those that are
    left, `different` go another way: they would not have `entered`, or would have taken another `branch`, got other
    `messages`, or these at other `times`, or would stand at another `step` now; one may be in several.
    """

    journey: str
    there: int
    taken: int
    pruned: int = 0
    moved: int = 0
    unlike: int = 0
    different: int = 0
    entered: int = 0
    branch: int = 0
    messages: int = 0
    times: int = 0
    step: int = 0
    shown: Shown | None = None

    @property
    def compared(self) -> int:
        """How many were replayed through both versions."""
        return self.taken - self.moved - self.unlike

    def in_words(self) -> str:
        """Return what is different, and for how many."""
        counted = (
            (self.entered, "would not have come in"),
            (self.branch, "by another branch"),
            (self.messages, "with other messages"),
            (self.times, "with messages at another time"),
            (self.step, "to another step"),
        )
        return ", ".join(f"{count:,} {words}" for count, words in counted if count)


def history_diverges(change: Change, histories: Histories) -> Iterator[Diagnostic]:
    """JS805: recorded histories go another way through the new version."""
    if not histories.different or histories.shown is None:
        return
    shown, words = histories.shown, histories.in_words()
    of = f"{histories.different:,} of {histories.compared:,} recorded {_histories(histories.compared)}"
    yield finding(
        "JS805",
        f"{of} would have gone another way" + (f": {words}" if words else ""),
        change.place,
        help=f"see whether that is meant; `journeyscript explain CUSTOMER {change.journey}` tells what happened to one",
        journey=change.journey,
        witness=(f"{shown.customer} {shown.entered}", f"before {shown.before}", f"now {shown.now}"),
    )


def _histories(count: int) -> str:
    return "history" if count == 1 else "histories"
