"""How an operator's orders reach the process that holds the store: a folder beside it, a file for each order.

A command drops an order and waits for the answer; the run takes orders out between two batches, the oldest first. An
order's file goes when it is carried out, so nothing about anybody stays behind; a process that is killed in between
carries it out again, which changes nothing. Knows orders only as something to be carried out.
"""

import contextlib
import logging
import os
import time
from pathlib import Path

import msgspec

from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.operating.orders import Answer, Order, carry_out
from journeyscript.runtime.operating.requests import Enter
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Changes, Rejected, Store, StoreError

SOURCE = "orders"
"""The source of orders that were refused, where the store keeps what it could not take in."""

KEPT_SECONDS = 3_600
"""How long an answer waits for a command that has stopped waiting for it."""

LOOK_SECONDS = 0.05
"""How often a command looks for its answer."""

log = logging.getLogger(__name__)


class Letterbox:
    """The folder of orders beside a store."""

    def __init__(self, store: Path) -> None:
        """Take the store's file; the folder is made with the first order."""
        self.folder = store.with_name(f"{store.name}.orders")

    def drop(self, order: Order) -> str:
        """Leave an order; return its name.

        Raises:
            OSError: the folder may not be written to.
        """
        self.folder.mkdir(mode=0o700, exist_ok=True)
        name = f"{time.time_ns():020d}-{os.getpid()}"
        written = self.folder / f"{name}.tmp"
        written.write_bytes(msgspec.json.encode(order))
        written.replace(self.folder / f"{name}.order")
        return name

    def wait(self, name: str, seconds: float) -> Answer | None:
        """Return what came of an order, or `None` where nobody has carried it out in that time."""
        path, end = self.folder / f"{name}.answer", time.monotonic() + seconds
        while not path.exists():
            if time.monotonic() >= end:
                return None
            time.sleep(LOOK_SECONDS)
        answer = msgspec.json.decode(path.read_bytes(), type=Answer)
        path.unlink(missing_ok=True)
        return answer

    def work(self, store: Store, now: Instant, rules: Rules | None = None) -> int:
        """Carry out the orders that wait, the oldest first; return how many. For `rules` see `carry_out`."""
        waiting = sorted(self.folder.glob("*.order"))
        if not waiting:
            return 0
        if not os.access(self.folder, os.W_OK | os.X_OK):
            log.warning("orders in %s are left alone: this user may not write there", self.folder)
            return 0
        done = 0
        for path in waiting:
            answer = self._carried_out(store, path, now, rules)
            if answer is not None:
                self._answer(path, answer)
                path.unlink()
                done += 1
        self._forget_answers()
        return done

    def _carried_out(self, store: Store, path: Path, now: Instant, rules: Rules | None) -> Answer | None:
        """Return what came of an order; `None` where it waits for somebody who knows the journeys as they run."""
        try:
            order = msgspec.json.decode(path.read_bytes(), type=Order)
            if isinstance(order, Enter) and rules is None:
                return None
            answer = carry_out(store, order, now, rules)
        except (msgspec.MsgspecError, OSError) as problem:
            answer = Answer(kind="refused", said=f"this is no order: {problem}")
        except StoreError:
            raise
        except Exception as problem:  # noqa: BLE001 - an order that fails would end every run that reads it
            log.error("an order cannot be carried out (%s)", type(problem).__name__)  # noqa: TRY400 - it may name somebody
            answer = Answer(kind="refused", said=f"it could not be done: {problem}")
        if answer.kind == "refused":
            log.warning("an order was refused, and kept with the reason")
            store.commit(Changes(rejected=[_refused(path, answer.said, now)]))
        return answer

    def _answer(self, path: Path, answer: Answer) -> None:
        written = path.with_suffix(".tmp")
        written.write_bytes(msgspec.json.encode(answer))
        written.replace(path.with_suffix(".answer"))

    def _forget_answers(self) -> None:
        oldest = time.time() - KEPT_SECONDS
        for path in self.folder.glob("*.answer"):
            # The command that waited for it may take it away at this moment.
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()


def _refused(path: Path, reason: str, now: Instant) -> Rejected:
    try:
        raw = path.read_bytes().decode(errors="backslashreplace")
    except OSError:
        raw = ""
    return Rejected(source=SOURCE, position=path.stem, received_at=now, reason=reason, raw=raw)
