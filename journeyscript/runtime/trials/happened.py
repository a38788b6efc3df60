"""What came of an invented customer's story, as the store tells it, ready to be compared with what was expected.

Takes a `Story` and the machine it was lived through; gives sends, path and standing in order and in words. Judges
nothing.
"""

from collections.abc import Iterable

from msgspec import Struct

from journeyscript.diagnostics import Span
from journeyscript.engine.calendar import local_text
from journeyscript.engine.values import Enrollment
from journeyscript.machine.model import About, Machine
from journeyscript.machine.wording import refusal_in_words
from journeyscript.semantics.types import Value
from journeyscript.stores.records import KeptSend, Story


class Decided(Struct, frozen=True, kw_only=True):
    """The decision that made the difference: the step that was left by it, its place, the rule, the values it saw."""

    step: str
    span: Span | None
    why: str
    values: tuple[tuple[str, Value], ...] = ()


class Failure(Struct, frozen=True, kw_only=True):
    """One expectation that was not met: what was expected, what happened, and what explains it.

    `decided` is the decision that it comes down to, where there is one.
    """

    span: Span
    expected: str
    happened: str
    why: tuple[str, ...] = ()
    decided: Decided | None = None


class Happened(Struct, frozen=True, kw_only=True):
    """What came of a story. `refused` is why the last event that could have started the journey did not."""

    machine: Machine
    about: About
    story: Story
    zone: str
    refused: str | None

    @property
    def last(self) -> Enrollment | None:
        """The enrollment that was entered last."""
        return self.story.enrollments[-1] if self.story.enrollments else None

    @property
    def sent(self) -> list[KeptSend]:
        """The messages that were decided to be sent, in order."""
        return _in_order(send for send in self.story.sends if send.status != "skipped")

    @property
    def skipped(self) -> list[KeptSend]:
        """The messages that nobody could be sent, in order."""
        return _in_order(send for send in self.story.sends if send.status == "skipped")

    @property
    def path(self) -> list[str]:
        """The ids of the states that were reached, in order."""
        reached: dict[tuple[int, int], str] = {}
        for kept in self.story.decisions:
            reached.setdefault((kept.enrollment, kept.decision.visit), kept.decision.state)
        # Who is held out comes to no state.
        return [state for state in reached.values() if state]


def standing(happened: Happened) -> str:
    """Return how the last enrollment stands, as the end of a sentence about the customer."""
    last = happened.last
    if last is None:
        refused = happened.refused
        reason = "nothing that starts the journey happened" if refused is None else refusal_in_words(refused)
        return f"never entered: {reason}"
    reason = "" if last.reason is None else f" ({last.reason})"
    if last.status == "active":
        due = "" if last.over_at is None else f" until {local_text(last.over_at, happened.zone)}"
        return f"is active at `{last.state}`{due}"
    place = f" at `{last.state}`" if last.state else ""
    return f"has {last.status}{place}{reason}"


def is_named(state: str, written: str) -> bool:
    """Return whether a state is meant by an id, or by the beginning of one: `exit` means `exit.converted` too."""
    return state == written or state.startswith(f"{written}.")


def listed(names: Iterable[str]) -> str:
    """Return names in backticks with commas between them."""
    return ", ".join(f"`{name}`" for name in names) or "nothing"


def _in_order(sends: Iterable[KeptSend]) -> list[KeptSend]:
    return sorted(sends, key=lambda send: (send.created_at, send.enrollment, send.visit))
