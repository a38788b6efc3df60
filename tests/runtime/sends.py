"""Sends as a batch decides them, and an outbox that delivers them to channels which the test answers for."""

import msgspec

from journeyscript.engine.values import Enrollment, Event
from journeyscript.runtime.delivery.outbox import Carrier, Outbox
from journeyscript.runtime.delivery.rechecking import NO_QUIET
from journeyscript.runtime.session import deployments_of
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Changes, KeptSend
from journeyscript.syntax.config import ChannelConfig, RetryConfig
from tests.answering import Answering

NOW = 1_772_000_000_000


def outbox_of(
    project,
    answers,
    *,
    store=None,
    adapter=None,
    channel="post",
    more=None,
    attempts=3,
    virtual=False,
    quiet=NO_QUIET,
    **changes,
):
    """Return a store, an outbox over it, and its channel; `more` are further ones by name, `changes` of their file."""
    if store is None:
        store = MemoryStore()
        store.deploy(deployments_of(project), NOW)
    config = ChannelConfig(
        name="post", adapter="file", medium="text", address=None, consent="none",
        retry=RetryConfig(attempts=attempts, first=10_000, longest=15_000),
    )  # fmt: skip
    config = msgspec.structs.replace(config, **changes)
    contents = {d: text for one in deployments_of(project) for d, text in one.contents.items()}
    adapter = adapter or Answering(*answers)
    adapters = {channel: adapter, **(more or {})}
    carriers = {name: Carrier(config=config, adapter=one) for name, one in adapters.items()}
    return store, Outbox(store, carriers, contents, virtual=virtual, quiet=quiet), adapter


def put_sends(project, store, count=1, *, customer="c1", channels=None, data=None, **changes):
    """Put sends of one customer into a store, as a batch does; some fields may differ from send to send."""
    (kept,) = store.load([customer], [], history=False).values()
    machine = project.journeys["welcome"].machine
    digest = next(c.digest for c in machine.contents if c.message == "hello")
    version = next(d.version for d in deployments_of(project) if d.machine.journey == "welcome")
    enrollment = Enrollment(
        id=kept.number << 20, customer=kept.number, journey="welcome", version=version, state="send.hello",
        visit=count, entered_at=NOW, since=NOW, entry=Event(name="signed_up", at=NOW),
    )  # fmt: skip
    usual = f'{{"customer":{{"id":"{customer}","level":"gold"}}}}'
    sends = [
        KeptSend(
            enrollment=enrollment.id, customer=kept.number, visit=visit,
            key=f"welcome/{kept.number}/send.hello/{visit}", journey="welcome", step="send.hello", message="hello",
            kind="marketing", channel="post" if channels is None else channels[visit - 1], address="here",
            content=digest, data=usual if data is None else data if isinstance(data, str) else data[visit - 1],
            status="pending", created_at=NOW, available_at=NOW,
        )
        for visit in range(1, count + 1)
    ]  # fmt: skip
    sends = [msgspec.structs.replace(send, **changes) for send in sends]
    store.commit(Changes(customers=[kept], enrollments=[enrollment], sends=sends))
