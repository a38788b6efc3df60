"""What every batch goes by: the journeys as they run, the channels, the policies, and what an operator has ordered."""

from collections.abc import Mapping

from msgspec import Struct

from journeyscript.engine.evaluate import Evaluator
from journeyscript.engine.values import (
    UNCONTROLLED,
    ChannelPolicy,
    Control,
    Facts,
)
from journeyscript.runtime.advancing.listed import Listed
from journeyscript.runtime.advancing.programs import Programs
from journeyscript.semantics.types import Instant
from journeyscript.syntax.policies import Policies


class Rules(Struct, frozen=True, kw_only=True):
    """What every batch goes by. `max_event_age` in milliseconds; an older event starts nothing."""

    programs: Programs
    channels: Mapping[str, ChannelPolicy]
    policies: Policies = Policies()
    max_event_age: int
    virtual: bool
    """On virtual time a timer fires when it is due, however late the batch; else when the clock says."""
    controls: Mapping[str, Control] = {}
    """What an operator has ordered of journeys; each batch asks its store for it."""
    listed: Listed | None = None
    """Which addresses must not be written to, whoever has them; each batch asks its store. `None`: there are none."""
    test_customers: Evaluator | None = None
    """Whom the project takes for a test customer; `None`: nobody."""

    def is_test(self, facts: Facts, at: Instant) -> bool:
        """Return whether a customer is a test customer, as of `at`; who cannot be told is none."""
        return self.test_customers is not None and self.test_customers(facts, None, None, at) is True

    def paused(self, journey: str) -> bool:
        """Return whether a journey stands still."""
        return bool(self.controls) and self.controls.get(journey, UNCONTROLLED).paused_at is not None

    def recent_since(self, now: Instant) -> Instant | None:
        """Return from when on the sends of a customer count against the caps of a batch; `None` where there are none.

        A batch decides as of the past where an event comes late; on virtual time nobody knows how far.
        """
        if not self.policies.caps:
            return None
        longest = max(cap.per for cap in self.policies.caps)
        return 0 if self.virtual else now - longest - self.max_event_age

    def waiting_at(self, now: Instant) -> Instant:
        """Return when those messages go out at the earliest that are decided and not sent, in a batch at `now`.

        On virtual time each goes out when it was decided.
        """
        return 0 if self.virtual else now
