"""The one value for everything that is wrong in a user's file.

Takes nothing and knows nothing of rules, YAML or journeys: a `Diagnostic` says what is true, where it is,
and what to do about it. Lines and columns count from 1, in code points; an end is exclusive.
"""

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct


class Severity(StrEnum):
    """How much a finding weighs: an error stops a deployment, a warning is shown, information is off by default."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Span(Struct, frozen=True, kw_only=True, order=True):
    """A stretch of one file, from (line, column) up to and not including (end_line, end_column)."""

    path: str
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1

    def within(self, offset: int, length: int) -> "Span":
        """Return the part `length` code points long that starts `offset` code points into this one-line span."""
        column = self.column + offset
        return Span(
            path=self.path, line=self.line, column=column, end_line=self.line, end_column=column + max(length, 1)
        )


class Label(Struct, frozen=True, kw_only=True):
    """A second place that helps to understand a finding, with what there is to see."""

    span: Span
    text: str


class Fix(Struct, frozen=True, kw_only=True):
    """A replacement of one span that settles the finding without changing anything else."""

    title: str
    span: Span
    replacement: str


Known: TypeAlias = tuple[tuple[str, str | int | float | bool | None], ...]
"""What is so, as a condition would name it: `customer.visits`, `consent.sms`, `event.total`; `None` is unknown."""


class Occasion(Struct, frozen=True, kw_only=True):
    """Something that happens while a customer rests at a step.

    An event, an attribute that gets another value or none, consent to a channel that is taken back. `lasts`: so many
    milliseconds pass as well.
    """

    step: str
    lasts: int = 0
    event: str | None = None
    properties: Known = ()
    attribute: str | None = None
    consent: str | None = None


class Situation(Struct, frozen=True, kw_only=True):
    """A witness that can be lived through: what is so of the customer, steps on their way in order, what happens."""

    customer: Known = ()
    path: tuple[str, ...] = ()
    timeline: tuple[Occasion, ...] = ()


class Diagnostic(Struct, frozen=True, kw_only=True):
    """A finding: what is true (`message`), where (`span`), and what to do (`help`).

    `witness` shows it in words, `situation` so that it can be lived through; not every witness can.
    """

    code: str
    name: str
    severity: Severity
    message: str
    span: Span
    help: str | None = None
    labels: tuple[Label, ...] = ()
    journey: str | None = None
    step: str | None = None
    witness: tuple[str, ...] = ()
    fix: Fix | None = None
    situation: Situation | None = None


def in_reading_order(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Return the findings without repetitions: errors first, then by path, line and column."""
    weight = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
    unique = {(d.code, d.span, d.message): d for d in diagnostics}
    return sorted(unique.values(), key=lambda d: (weight[d.severity], d.span, d.code))
