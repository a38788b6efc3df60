"""Of whom a condition is true at an instant: the rule that every way of asking it of many goes by.

Pure: takes what is known of one customer, gives yes or no.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property

from journeyscript.engine.calendar import resolve_zone
from journeyscript.engine.evaluate import Evaluator, compile_expression
from journeyscript.engine.values import Event, Facts
from journeyscript.machine.needs import nodes
from journeyscript.semantics import typed
from journeyscript.semantics.types import Instant, Value


class Audience:
    """All customers of whom a condition is true at `now`; with `zones`, only those whose clock is one of these.

    `timezone` is the project's, for customers without their own.
    """

    def __init__(
        self,
        condition: typed.Expression,
        timezone: str,
        now: Instant,
        zones: frozenset[str] | None = None,
    ) -> None:
        self.condition, self.timezone, self.now, self.zones = condition, timezone, now, zones

    def as_of(self, now: Instant, zones: frozenset[str] | None) -> "Audience":
        """Return the audience of the same condition at another instant, which is not compiled again."""
        _ = self._holds
        other = copy(self)
        other.now, other.zones = now, zones
        return other

    @cached_property
    def _holds(self) -> Evaluator:
        return compile_expression(self.condition, self.timezone)

    @cached_property
    def asks_history(self) -> bool:
        """Whether the condition looks at past events."""
        return any(isinstance(node, typed.History) for node in nodes(self.condition))

    def on_the_clock(self, written: Value) -> bool:
        """Return whether a customer with this zone goes by one of the clocks."""
        return self.zones is None or resolve_zone(written, self.timezone)[0] in self.zones

    def has(
        self,
        external_id: str,
        attributes: Mapping[str, Value],
        consent: Mapping[str, bool],
        history: Mapping[str, Sequence[Event]],
    ) -> bool:
        """Return whether a customer belongs to it."""
        facts = Facts(external_id=external_id, attributes=attributes, consent=consent, history=history)
        return self.on_the_clock(attributes.get("timezone")) and self._holds(facts, None, None, self.now) is True
