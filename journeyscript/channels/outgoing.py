"""What a channel is given and what it answers: the contract every adapter keeps.

An adapter takes rendered messages and answers one outcome for each, in order. It never raises for something the
other side did, never decides who may be written to, and knows no journey and no store.
"""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct


class Rendered(Struct, frozen=True, kw_only=True):
    """A message as its receiver will see it; `html` and `subject` only where the medium has them."""

    text: str
    subject: str | None = None
    html: str | None = None


class Outgoing(Struct, frozen=True, kw_only=True):
    """One rendered message on its way. `key` names the send for ever: a retry carries the same one."""

    key: str
    channel: str
    message: str
    customer: str
    address: str
    kind: str
    rendered: Rendered
    unsubscribe_url: str | None = None
    unsubscribe_mailto: str | None = None


class Sent(Struct, frozen=True, kw_only=True):
    """The other side took it; `provider_id` is its own name for it."""

    provider_id: str | None = None


class Refused(Struct, frozen=True, kw_only=True):
    """The other side said no for good. `suppress`: this address should not be tried again by any journey."""

    detail: str
    suppress: bool = False


class Deferred(Struct, frozen=True, kw_only=True):
    """Not now, or not reached: the other side has not taken it, try again later with the same key.

    `wait` is how long the other side asks to be left alone, in milliseconds. One that was not `begun` is no attempt.
    """

    detail: str
    wait: int | None = None
    begun: bool = True


NOT_BEGUN = Deferred(detail="the run is stopping", begun=False)
"""The answer for what is left of a batch when there is no time to go on."""


class Unknown(Struct, frozen=True, kw_only=True):
    """Nobody knows whether the other side took it: the answer was lost after the message went out."""

    detail: str


Answer: TypeAlias = Sent | Refused | Deferred | Unknown


class Adapter(Protocol):
    """Something that can carry messages."""

    async def deliver(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """Hand over the messages; return one answer for each, in the same order.

        Whatever goes wrong with one of them is its answer. Should this raise all the same, nothing of the batch was
        handed over.
        """

    def hurry(self, seconds: float) -> None:
        """Begin no other message; what is under way may take so many more seconds. Called inside the event loop."""

    async def close(self) -> None:
        """Let go of connections and files."""
