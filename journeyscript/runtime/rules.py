"""What every batch goes by: the journeys as they run, the channels, the policies, and what an operator has ordered."""

from collections.abc import Mapping

from msgspec import Struct

from journeyscript.engine.values import (
    UNCONTROLLED,
    ChannelPolicy,
    Control,
)
from journeyscript.runtime.programs import Programs
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
