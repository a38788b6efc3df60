"""Messages for a person at a terminal: a short block of text for each.

Takes rendered messages and writes them to a text stream. A message holds what customers wrote, so whatever could
steer a terminal is taken out.
"""

import re
import sys
from collections.abc import Sequence
from typing import TextIO

from journeyscript.channels.outgoing import Answer, Deferred, Outgoing, Refused, Sent
from journeyscript.channels.render import one_line

# Everything below a blank but the tab and the line end, and the second set of controls: no escape sequence survives.
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class ConsoleAdapter:
    """Writes each message to a stream, by default to what is standard output at that moment."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    async def deliver(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """Write the messages; a stream that is gone defers those it did not take."""
        stream = self._stream if self._stream is not None else sys.stdout
        answers: list[Answer] = []
        for outgoing in batch:
            try:
                stream.write(_writable(_block(outgoing), stream))
                stream.flush()
            except (OSError, ValueError) as error:
                answers.append(Deferred(detail=f"cannot write to the console: {error}"))
            except Exception as error:  # noqa: BLE001 - one bad message holds no other one up
                answers.append(Refused(detail=f"the message cannot be written: {type(error).__name__}"))
            else:
                answers.append(Sent())
        return answers

    def hurry(self, seconds: float) -> None:
        """Do nothing: it does not take long."""

    async def close(self) -> None:
        """Do nothing: the stream belongs to whoever gave it."""


def _block(outgoing: Outgoing) -> str:
    rendered = outgoing.rendered
    who = outgoing.address or outgoing.customer
    head = f"--- {outgoing.channel}: {outgoing.message} to {who} ({outgoing.customer}, {outgoing.key})"
    lines = [one_line(head)]
    if rendered.subject is not None:
        lines.append(f"subject: {one_line(rendered.subject)}")
    body = _STEERING.sub("", rendered.text.rstrip())
    lines += [f"    {line}".rstrip() for line in body.split("\n")]
    return "\n".join(lines) + "\n\n"


def _writable(text: str, stream: TextIO) -> str:
    """Return the text with characters that the stream's encoding does not have replaced."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
