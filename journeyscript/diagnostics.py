"""The one value for everything that is wrong in a user's file.

Takes nothing and knows nothing of rules, YAML or journeys: a `Diagnostic` says what is true, where it is,
and what to do about it. Lines and columns count from 1, in code points; an end is exclusive.
"""

from enum import StrEnum

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


class Diagnostic(Struct, frozen=True, kw_only=True):
    """A finding: what is true (`message`), where (`span`), and what to do (`help`)."""

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


def in_reading_order(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Return the findings without repetitions: errors first, then by path, line and column."""
    weight = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
    unique = {(d.code, d.span, d.message): d for d in diagnostics}
    return sorted(unique.values(), key=lambda d: (weight[d.severity], d.span, d.code))
