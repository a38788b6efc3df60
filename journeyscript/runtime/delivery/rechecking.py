"""What may have changed since a message was decided: consent, suppressed addresses, an exit, the hour of the day.

Takes sends that are about to be attempted; gives what becomes of those that no longer are, or not now. Asks the store
once for all of a batch.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from journeyscript.engine.calendar import quiet_until, resolve_zone
from journeyscript.engine.sending import permitted, scatter
from journeyscript.runtime.delivery import settling
from journeyscript.semantics.types import Instant, Milliseconds
from journeyscript.stores.records import KeptSend, Permission, Settlement, Store
from journeyscript.syntax.config import ChannelConfig
from journeyscript.syntax.policies import QuietWindow

LATER = 60_000
"""How many milliseconds after its decision a first attempt is late enough to ask again."""

_NOTHING_SAID = Permission(consent={}, suppressed=frozenset())


class QuietHours(Struct, frozen=True, kw_only=True):
    """The quiet hours of each channel, and the zone of those who have none.

    What waited for their end is scattered over `release_over`, in milliseconds.
    """

    windows: Mapping[str, tuple[QuietWindow, ...]] = {}
    timezone: str = "UTC"
    release_over: Milliseconds = 0

    def over(self, channel: str, timezone: str | None, moment: Instant) -> Instant | None:
        """Return when the quiet hours are over that `moment` lies in on a customer's clock, `None` outside of them."""
        windows = self.windows.get(channel)
        if not windows:
            return None
        zone, _ = resolve_zone(timezone, self.timezone)
        return quiet_until(moment, windows, zone)

    def held_back(self, send: KeptSend, over: Instant, now: Instant) -> Settlement:
        """Return that a send waits until a little after its customer's quiet hours, or is too old by then."""
        if send.expires_at is not None and over > send.expires_at:
            return settling.skipped(send, now, "quiet_expired", None)
        # Nobody's scatter makes a message too old.
        room = self.release_over if send.expires_at is None else min(self.release_over, send.expires_at - over)
        return settling.put_back(send, now, until=over + scatter(room, send.key), reason="quiet_hours")


NO_QUIET = QuietHours()
"""Every hour is as good as any other."""


def is_late(send: KeptSend, moment: Instant) -> bool:
    """Return whether so much may have changed at the moment of an attempt that it is asked again."""
    return send.attempts > 1 or moment - send.created_at >= LATER


class Recheck:
    """What a store says, at the moment of the attempt, about the sends of one batch."""

    def __init__(
        self,
        store: Store,
        sends: Iterable[tuple[KeptSend, Instant]],
        channels: Mapping[str, ChannelConfig],
        quiet: QuietHours,
    ) -> None:
        """Take the sends, each with the latest moment at which it may be attempted in this batch.

        The list of addresses that must not be written to is asked for every one of them, however fresh.
        """
        sends = list(sends)
        self._channels, self._quiet = channels, quiet
        self._listed = store.suppressed({send.address for send, _ in sends if send.address})
        late = [send for send, latest in sends if is_late(send, latest)]
        self._permissions = store.permissions(send.customer for send in late) if late else {}
        self._left = store.left(send.enrollment for send in late) if late else set()

    def stopped(self, send: KeptSend, moment: Instant) -> Settlement | None:
        """Return what becomes of a send that is not attempted at this moment, `None` where it may be."""
        late = is_late(send, moment)
        if late and send.enrollment in self._left:
            return settling.skipped(send, moment, "cancelled", "the customer left the journey before it went out")
        if send.address in self._listed:
            return settling.skipped(send, moment, "suppressed", None)
        return self._not_permitted(send, moment) if late else None

    def _not_permitted(self, send: KeptSend, moment: Instant) -> Settlement | None:
        permission = self._permissions.get(send.customer, _NOTHING_SAID)
        if send.address and send.address in permission.suppressed:
            return settling.skipped(send, moment, "suppressed", None)
        channel = self._channels.get(send.channel)
        if channel and not permitted(send.kind, channel.consent, permission.consent.get(send.channel)):
            return settling.skipped(send, moment, "no_consent", None)
        if send.kind != "marketing":
            return None
        over = self._quiet.over(send.channel, permission.timezone, moment)
        return None if over is None else self._quiet.held_back(send, over, moment)
