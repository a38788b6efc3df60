"""A channel that lets nothing out: for a dry run, which decides everything and sends nothing."""

from collections.abc import Sequence

from journeyscript.channels.outgoing import Answer, Outgoing, Sent


class WithheldAdapter:
    """Takes messages, counts them as sent, and keeps them to itself."""

    async def deliver(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """Return an answer for each message as if it had gone out."""
        return [Sent() for _ in batch]

    def hurry(self, seconds: float) -> None:
        """Do nothing: it does not take long."""

    async def close(self) -> None:
        """Nothing is open."""
