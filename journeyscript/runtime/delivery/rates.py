"""How many messages each channel may be handed, and when there is room for more.

Takes what is handed over and when; gives room and instants. What went out before the program started, or was put off
then, is asked of the store, so that a restart gives nobody more than the rate. Reads no clock: instants come in, on the
wall or virtual.
"""

from collections.abc import Mapping
from heapq import heapify, heappush, heappushpop, nlargest

from journeyscript.runtime.delivery.settling import attempted_by
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Store
from journeyscript.syntax.config import ChannelConfig, RateConfig


class Window:
    """The latest messages of one channel, as many as its rate allows at once.

    A further one may go as soon as the earliest of them is `per` old: whatever the order they came in, no `per` holds
    more than the rate.
    """

    def __init__(self, rate: RateConfig, handed_over: list[Instant]) -> None:
        self._rate = rate
        self._latest = handed_over
        heapify(self._latest)

    def free_at(self, moment: Instant) -> Instant:
        """Return when, at `moment` or later, one more may be handed over."""
        if len(self._latest) < self._rate.messages:
            return moment
        return max(moment, self._latest[0] + self._rate.per)

    def room(self, now: Instant) -> int:
        """Return how many may be handed over now."""
        return self._rate.messages - sum(at > now - self._rate.per for at in self._latest)

    def take(self, moment: Instant) -> None:
        """Count one that was handed over."""
        if len(self._latest) < self._rate.messages:
            heappush(self._latest, moment)
        else:
            heappushpop(self._latest, moment)


class Rates:
    """The windows of all channels that have a rate."""

    def __init__(self, store: Store, channels: Mapping[str, ChannelConfig]) -> None:
        self._store, self._channels = store, channels
        self._rates = {name: channel.rate for name, channel in channels.items() if channel.rate is not None}
        self._windows: dict[str, Window] = {}

    def room(self, now: Instant) -> dict[str, int]:
        """Return for each channel that has a rate how many messages it may be handed now."""
        return {channel: self._window(channel, rate, now).room(now) for channel, rate in self._rates.items()}

    def full(self, now: Instant) -> dict[str, Instant]:
        """Return the channels that have no room now, and when they have some again."""
        freed = {channel: self._window(channel, rate, now).free_at(now) for channel, rate in self._rates.items()}
        return {channel: at for channel, at in freed.items() if at > now}

    def free_at(self, channel: str, moment: Instant) -> Instant:
        """Return when, at `moment` or later, a channel may be handed one more."""
        rate = self._rates.get(channel)
        return moment if rate is None else self._window(channel, rate, moment).free_at(moment)

    def take(self, channel: str, moment: Instant) -> None:
        """Count a message that a channel was handed."""
        rate = self._rates.get(channel)
        if rate is not None:
            self._window(channel, rate, moment).take(moment)

    def _window(self, channel: str, rate: RateConfig, now: Instant) -> Window:
        window = self._windows.get(channel)
        if window is None:
            config = self._channels[channel]
            # What waits for a morning was attempted long before, and nothing later than now.
            tried = [min(at, now) for send in self._store.put_off(channel) for at in attempted_by(send, config)]
            latest = nlargest(rate.messages, self._store.handed_over(channel, rate.messages) + tried)
            window = self._windows[channel] = Window(rate, latest)
        return window
