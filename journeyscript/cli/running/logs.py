"""How a run speaks to standard error: sentences for people, or one line of JSON each for programs that collect logs.

Sets up the standard library's logging once for a command. An exception is told by its kind and where it came up: its
text could show what a customer's record says.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Literal

LogFormat = Literal["text", "json"]

_SAID = logging.getLogger("journeyscript.run")


class Sentences(logging.Formatter):
    """A line for people; behind it where an exception came up, and its kind."""

    def formatException(self, ei: Any) -> str:  # noqa: ANN401, N802 - the standard library's
        """Return the traceback without the exception's own text."""
        kind: type[BaseException] = ei[0]
        return "".join(traceback.format_tb(ei[2])) + kind.__name__


class JsonLines(logging.Formatter):
    """One object a line: `at`, `level`, `logger`, `message`; of an exception `exception` and `where`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, object] = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            frames = traceback.extract_tb(record.exc_info[2])
            fields["exception"] = record.exc_info[0].__name__
            fields["where"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(fields, ensure_ascii=False)


def set_up(log_format: LogFormat) -> None:
    """Let everything that is logged go to standard error, as it is at this moment."""
    line = logging.StreamHandler(sys.stderr)
    bare = logging.StreamHandler(sys.stderr)
    if log_format == "json":
        line.setFormatter(JsonLines())
        bare.setFormatter(JsonLines())
    else:
        line.setFormatter(Sentences("%(levelname)s %(name)s: %(message)s"))
        bare.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[line], force=log_format == "json")
    _SAID.handlers, _SAID.propagate = [bare], False
    _SAID.setLevel(logging.INFO)
    # A tick that comes late is no news: timers say themselves how late they are.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def say(sentence: str) -> None:
    """Let a run say something of itself: that it has begun, stands by, has ended."""
    _SAID.info("%s", sentence)
