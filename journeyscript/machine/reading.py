"""Reads the texts inside a journey (expressions, durations, names) and collects what is wrong with them.

One `Reader` serves one journey. Where a text is wrong it notes the finding and gives a value that lets the
compiler go on, so that all findings of a file come at once.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from journeyscript.diagnostics import Diagnostic
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import Catalog, EventDefinition, suggestion
from journeyscript.semantics.checker import check_condition, check_expression
from journeyscript.semantics.names import Checked
from journeyscript.semantics.scope import Scope, known_if_not_true, known_if_true
from journeyscript.semantics.types import BOOLEAN, Milliseconds, Type
from journeyscript.source.nodes import Mapping as MappingNode
from journeyscript.source.nodes import Node, Scalar, plain
from journeyscript.syntax.duration import (
    DAY,
    Duration,
    DurationProblem,
    duration_of,
    parse_duration,
    parse_time_of_day,
)
from journeyscript.syntax.expression import Tree

UNREADABLE = typed.Literal(value=None, type=BOOLEAN)
"""Stands where a text could not be read; a journey with an error gives no machine, so it never runs."""

PER_PERCENT = 10_000
"""Shares are whole parts per million."""


class Reader:
    """Turns scalars of one journey into values, and notes findings."""

    def __init__(self, journey: str, findings: list[Diagnostic]) -> None:
        self.journey = journey
        self.step: str | None = None
        self._findings = findings

    def note(self, code: str, message: str, scalar: Node, help_text: str | None = None) -> None:
        """Note a finding about a whole value."""
        self._findings.append(finding(code, message, scalar.span, help=help_text, journey=self.journey, step=self.step))

    def expression(self, scalar: Scalar | None, scope: Scope) -> typed.Expression | None:
        """Return a typed expression, or `None` where nothing is written."""
        return None if scalar is None else self.checked(scalar, scope)[0].node

    def checked(self, scalar: Scalar, scope: Scope) -> tuple[Checked, Tree | None]:
        """Return a typed expression with its type and tree."""
        checked, tree, findings = check_expression(scalar.text, scope, scalar.part)
        self._take(findings)
        return checked or Checked(UNREADABLE, Type(kind="any")), tree

    def condition(self, scalar: Scalar | None, scope: Scope) -> typed.Expression | None:
        """Return a typed condition, or `None` where nothing is written."""
        return None if scalar is None else self.guard(scalar, scope)[0]

    def guard(self, scalar: Scalar | None, scope: Scope) -> tuple[typed.Expression | None, frozenset[str]]:
        """Return a condition and what is known where it holds."""
        condition, known, _ = self.fork(scalar, scope)
        return condition, known

    def fork(
        self, scalar: Scalar | None, scope: Scope
    ) -> tuple[typed.Expression | None, frozenset[str], frozenset[str]]:
        """Return a condition, what is known where it holds, and what is known where it does not."""
        if scalar is None:
            return None, frozenset(), frozenset()
        checked, tree, findings = check_condition(scalar.text, scope, scalar.part)
        self._take(findings)
        if checked is None or tree is None:
            return UNREADABLE, frozenset(), frozenset()
        return checked.node, known_if_true(tree), known_if_not_true(tree)

    def date(self, scalar: Scalar, scope: Scope) -> typed.Expression:
        """Return an expression that gives a date or a timestamp; optional values may stand in it unguarded."""
        everything = {f"customer.{name}" for name in scope.catalog.attributes}
        for root, event in (("event", scope.event), ("entry.event", scope.entry)):
            everything |= {f"{root}.{name}" for name in event.properties} if event is not None else set()
        checked, _ = self.checked(scalar, scope.knowing(frozenset(everything)))
        if checked.type.kind not in ("date", "timestamp", "any"):
            self.note("JS303", f"this is {checked.type}, not a date or a timestamp", scalar)
        return checked.node

    def literal_fits(self, node: typed.Expression, kind: Type, scalar: Scalar) -> None:
        """Note a constant that is none of an enum's values."""
        if kind.kind == "enum" and isinstance(node, typed.Literal) and node.value not in kind.values:
            self.note(
                "JS307", f"`{node.value}` is not one of the values", scalar, suggestion(str(node.value), kind.values)
            )

    def event(self, scalar: Scalar, catalog: Catalog) -> EventDefinition | None:
        """Return the definition of an event named by the file."""
        definition = catalog.events.get(scalar.text)
        if definition is None:
            self.note("JS103", f"there is no event `{scalar.text}`", scalar, suggestion(scalar.text, catalog.events))
        return definition

    def segment(self, scalar: Scalar, catalog: Catalog) -> None:
        """Check the name of a segment."""
        if scalar.text not in catalog.segments:
            self.note(
                "JS106", f"there is no segment `{scalar.text}`", scalar, suggestion(scalar.text, catalog.segments)
            )

    def duration(self, node: Node) -> Duration:
        """Return a duration, written as text or as a mapping of units."""
        try:
            if isinstance(node, MappingNode):
                fields = plain(node)
                assert isinstance(fields, Mapping)
                return duration_of({name: int(str(n)) for name, n in fields.items()})
            assert isinstance(node, Scalar)
            return parse_duration(node.text)
        except DurationProblem as problem:
            self.note("JS408" if problem.ambiguous else "JS005", problem.message, node, problem.help_text)
            return Duration(milliseconds=DAY)

    def milliseconds(self, node: Node) -> Milliseconds:
        """Return a duration as elapsed time; a calendar day counts as 24 hours here."""
        return self.duration(node).elapsed

    def lookback(self, scalar: Scalar | None) -> Milliseconds | Literal["entry"] | None:
        """Return how far back a wait looks: not at all, to the entry, or for a time."""
        if scalar is None:
            return None
        return "entry" if scalar.text.split() == ["since", "entry"] else self.milliseconds(scalar)

    def again(self, scalar: Scalar) -> tuple[Milliseconds | None, Literal["entry", "exit"]]:
        """Return the cool-down that `again` says (`None` for never, 0 for always), and what it counts from."""
        match scalar.text.split():
            case ["never"]:
                return None, "entry"
            case ["always"]:
                return 0, "entry"
            case ["after", *words, "after", "exit"] if words:
                return self._cool_down(scalar, words), "exit"
            case ["after", *words] if words:
                return self._cool_down(scalar, words), "entry"
            case _:
                self.note("JS005", f"`{scalar.text}` is no rule for entering again", scalar, _AGAIN)
                return None, "entry"

    def _cool_down(self, scalar: Scalar, words: list[str]) -> Milliseconds:
        length = " ".join(words)
        return self.milliseconds(Scalar(span=scalar.span, value=length, text=length))

    def share(self, scalar: Scalar) -> int:
        """Return a share written in percent as parts per million."""
        share = Decimal(scalar.text.removesuffix("%")) * PER_PERCENT
        if not 0 < share < 100 * PER_PERCENT:
            self.note("JS005", f"`{scalar.text}` is not between 0% and 100%", scalar, _SHARE)
        elif share != int(share):
            self.note("JS005", f"`{scalar.text}` has more than four decimals", scalar, _SHARE)
        return int(share)

    def minute(self, node: Node) -> int:
        """Return a time of day in minutes after midnight."""
        assert isinstance(node, Scalar)
        minute = parse_time_of_day(node.text)
        if minute is None:
            self.note("JS005", f"`{node.text}` is no time of day", node, 'write it as `"09:00"`')
            return 0
        return minute

    def _take(self, findings: list[Diagnostic]) -> None:
        for found in findings:
            # What is found in an expression does not know its step, where the way of a witness ends.
            witness = (*found.witness, self.step) if found.witness and self.step is not None else found.witness
            self._findings.append(msgspec.structs.replace(found, journey=self.journey, step=self.step, witness=witness))


_AGAIN = "write `never`, `always`, or a cool-down such as `after 30 days` or `after 30 days after exit`"
_SHARE = "write a share such as `5%` or `0.5%`"
