"""What may have changed since a message was decided: consent, suppressed addresses, an exit from its journey.

Takes sends that are about to be attempted; gives the reasons why some no longer are. Asks
the store once for all of them.
"""

from collections.abc import Mapping, Sequence

from journeyscript.engine.sending import permitted
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import KeptSend, Permission, Store
from journeyscript.syntax.config import ChannelConfig

LATER = 60_000
"""How many milliseconds after its decision a first attempt is late enough to ask again."""

_NOTHING_SAID = Permission(consent={}, suppressed=frozenset())


def withdrawn(
    store: Store, sends: Sequence[KeptSend], channels: Mapping[str, ChannelConfig], moments: Mapping[str, Instant]
) -> dict[str, tuple[str, str | None]]:
    """Return why sends are not to be attempted any more, reason and detail by key. `moments` is when each would be.

    The list of addresses that must not be written to is asked for every one of them, however fresh.
    """
    listed = store.suppressed({send.address for send in sends if send.address})
    found: dict[str, tuple[str, str | None]] = {
        send.key: ("suppressed", None) for send in sends if send.address in listed
    }
    asked = [send for send in sends if send.attempts > 1 or moments[send.key] - send.created_at >= LATER]
    if not asked:
        return found
    permissions = store.permissions(send.customer for send in asked)
    left = store.left(send.enrollment for send in asked)
    for send in asked:
        permission = permissions.get(send.customer, _NOTHING_SAID)
        channel = channels.get(send.channel)
        if send.enrollment in left:
            found[send.key] = "cancelled", "the customer left the journey before it went out"
        elif send.key in found or (send.address and send.address in permission.suppressed):
            found[send.key] = "suppressed", None
        elif channel and not permitted(send.kind, channel.consent, permission.consent.get(send.channel)):
            found[send.key] = "no_consent", None
    return found
