"""Messages as files: one JSON line for each, or one `.eml` file for each.

Takes rendered messages and writes them below a folder. JSON lines are appended, a batch at a time, whole or not at
all; a mail is put in place in one step under a name made from its key, so that a retry replaces it. Sends nothing.
"""

import asyncio
import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import msgspec

from journeyscript.channels.mime import build_email, email_headers, is_address
from journeyscript.channels.outgoing import Answer, Deferred, Outgoing, Refused, Sent
from journeyscript.syntax.config import ChannelConfig

_LONGEST_STEM = 100


def _now() -> datetime:
    return datetime.now(UTC)


class JsonLinesAdapter:
    """Appends each message to `<folder>/<channel>.jsonl`."""

    def __init__(self, config: ChannelConfig, folder: Path) -> None:
        self._config = config
        self._file = folder / f"{config.name}.jsonl"

    async def deliver(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """Append the messages; where the file cannot be written, none of them was."""
        lines = [self._line(outgoing) for outgoing in batch]
        answer: Answer = Sent()
        try:
            await asyncio.to_thread(_append, self._file, b"".join(line for line in lines if isinstance(line, bytes)))
        except OSError as error:
            answer = Deferred(detail=f"cannot write `{self._file.name}`: {error.strerror}")
        return [answer if isinstance(line, bytes) else line for line in lines]

    def hurry(self, seconds: float) -> None:
        """Do nothing: it does not take long."""

    async def close(self) -> None:
        """Do nothing: no file stays open between batches."""

    def _line(self, outgoing: Outgoing) -> bytes | Refused:
        try:
            return self._encoded(outgoing)
        except Exception as error:  # noqa: BLE001 - one bad message holds no other one up
            return Refused(detail=f"the message cannot be written: {type(error).__name__}")

    def _encoded(self, outgoing: Outgoing) -> bytes:
        rendered = outgoing.rendered
        sent_as_email = self._config.medium == "email" and self._config.sender is not None
        record = {
            "key": outgoing.key,
            "channel": outgoing.channel,
            "message": outgoing.message,
            "customer": outgoing.customer,
            "to": outgoing.address,
            "subject": rendered.subject,
            "text": rendered.text,
            "html": rendered.html,
            "headers": email_headers(outgoing, self._config) if sent_as_email else {},
        }
        return msgspec.json.encode(record) + b"\n"


class EmlAdapter:
    """Writes each mail to `<folder>/<channel>/<key>.eml`, as it would go over the wire."""

    def __init__(self, config: ChannelConfig, folder: Path, *, clock: Callable[[], datetime] = _now) -> None:
        self._config = config
        self._folder = folder / config.name
        self._clock = clock

    async def deliver(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """Write the mails, each on its own."""
        return await asyncio.to_thread(lambda: [self._write(outgoing) for outgoing in batch])

    def hurry(self, seconds: float) -> None:
        """Do nothing: it does not take long."""

    async def close(self) -> None:
        """Do nothing: no file stays open between batches."""

    def _write(self, outgoing: Outgoing) -> Answer:
        if not is_address(outgoing.address):
            return Refused(detail="the address is not a valid e-mail address")
        try:
            message = build_email(outgoing, self._config, date=self._clock())
            _replace(self._folder / f"{file_stem(outgoing.key)}.eml", message.as_bytes())
        except OSError as error:
            return Deferred(detail=f"cannot write into `{self._folder.name}`: {error.strerror}")
        except Exception as error:  # noqa: BLE001 - one bad message holds no other one up
            return Refused(detail=f"the message cannot be written as e-mail: {type(error).__name__}")
        return Sent(provider_id=str(message["Message-ID"]))


def file_stem(key: str) -> str:
    """Return a file name for a key: readable, safe on every system, and different for different keys."""
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", key).strip("._-")[:_LONGEST_STEM]
    return f"{readable}-{sha256(key.encode()).hexdigest()[:12]}"


def _append(file: Path, lines: bytes) -> None:
    """Append the lines; after a failure the file is as it was."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab+", buffering=0) as target:
        size = target.seek(0, os.SEEK_END)
        if size:
            # A process that was killed while writing may have left half a line.
            target.seek(size - 1)
            if target.read(1) != b"\n":
                lines = b"\n" + lines
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[target.write(rest) :]
        except OSError:
            target.truncate(size)
            raise


def _replace(file: Path, content: bytes) -> None:
    """Put the content in place in one step: a reader sees all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
