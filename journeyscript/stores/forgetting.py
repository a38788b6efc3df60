"""What is left of a customer who was erased; the same for every store.

Takes records with personal data and gives them without: what counts stays, what names somebody goes. Also says whether
an input that was refused speaks of somebody. Keeps nothing.
"""

import re
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from journeyscript.engine.values import Enrollment, Event
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Customer, KeptSend, Rejected

ERASED = "the customer was erased"
"""What stands in the place of a reason that could name somebody."""


def forgotten_enrollment(enrollment: Enrollment, at: Instant) -> Enrollment:
    """Return an enrollment that says nothing of its customer; an active one ends."""
    bare = replace(enrollment, key="", held=None, entry=Event(name=enrollment.entry.name, at=enrollment.entry.at))
    if enrollment.status != "active":
        return bare
    return replace(bare, status="exited", reason="deleted", due_at=None, until=None, ended_at=max(at, enrollment.since))


def forgotten_send(send: KeptSend, at: Instant) -> KeptSend:
    """Return a send that says nothing of its customer; one that was not settled is now.

    What became of one that was being sent is not known, and will not be asked: it failed.
    """
    bare = replace(send, address="", locale="", data="{}", detail=None, provider_id=None)
    match send.status:
        case "pending":
            return replace(bare, status="skipped", reason="deleted", settled_at=at)
        case "sending":
            return replace(bare, status="failed", reason="deleted", settled_at=at)
        case _:
            return bare


def words_of(customer: Customer, names: Iterable[str], sends: Iterable[KeptSend]) -> frozenset[str]:
    """Return what a refused input could name the customer by: their names and their addresses."""
    addresses = (send.address for send in sends)
    return frozenset(word for word in (customer.external_id, *names, *addresses, *customer.suppressed) if word.strip())


def speaks_of(rejected: Rejected, words: frozenset[str]) -> bool:
    """Return whether an input names somebody: as a value where it is JSON, as a word where it is not.

    It may be somebody else's: a number that is a customer's name can also be a price. Better one input too many.
    """
    try:
        waiting = [msgspec.json.decode(rejected.raw)]
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", rejected.raw) for word in words)
    while waiting:
        match waiting.pop():
            case dict() as inner:
                waiting += inner.values()
            case list() as inner:
                waiting += inner
            case str() as text if text.strip() in words:
                return True
            case bool():
                pass
            case int() as number if str(number) in words:
                return True
            case _:
                pass
    return False


def forgotten_rejected(rejected: Rejected) -> Rejected:
    """Return a refused input of which only the place is left."""
    return replace(rejected, reason=ERASED, raw="")
