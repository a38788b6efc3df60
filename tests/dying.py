"""A live run that kills itself (SIGKILL) just before its n-th write: what a test starts in a process of its own.

A write is a statement that the store sends to SQLite, or a batch that is handed to a channel.
"""

import os
import signal
import sys
from pathlib import Path

READING = ("SELECT", "PRAGMA", "WITH")


def run_until(folder: str, number: int) -> None:
    """Do what there is to do, up to the write of this number; with 0, do all and note how many there were."""
    os.chdir(folder)
    sys.stderr = open("run.log", "a", encoding="utf-8", buffering=1)  # noqa: PTH123, SIM115
    from journeyscript.channels.file import JsonLinesAdapter
    from journeyscript.channels.smtp import SmtpAdapter
    from journeyscript.cli.main import cli
    from journeyscript.runtime.live import Live

    written = 0

    def write(statement: str) -> None:
        nonlocal written
        if not statement.lstrip().upper().startswith(READING):
            written += 1
            if written == number:
                os.kill(os.getpid(), signal.SIGKILL)

    run = Live.run

    def counted_run(self, *arguments, **options):
        self._session.store._connection.set_trace_callback(write)
        run(self, *arguments, **options)
        self._session.store._connection.set_trace_callback(None)

    def counted(deliver):
        async def delivering(self, batch):
            write("deliver")
            return await deliver(self, batch)

        return delivering

    Live.run = counted_run
    for adapter in (SmtpAdapter, JsonLinesAdapter):
        adapter.deliver = counted(adapter.deliver)
    try:
        cli(["run", "--once", "--follow", "events.jsonl"], standalone_mode=False)
    finally:
        Path("writes").write_text(str(written))
