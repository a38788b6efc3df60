"""Records to put into stores, and the stores to put them into."""

import msgspec
import pytest

from journeyscript.engine.values import Decision, Enrollment, Event
from journeyscript.machine.model import (
    MACHINE_FORMAT,
    About,
    After,
    Content,
    Due,
    Entry,
    Final,
    If,
    Machine,
    Needs,
    Send,
    State,
    Transition,
)
from journeyscript.semantics.typed import Compare, History, Literal, Window
from journeyscript.semantics.types import INTEGER
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import (
    ENROLLMENTS_PER_CUSTOMER,
    Changes,
    Customer,
    Deployment,
    KeptDecision,
    KeptEvent,
    KeptSend,
    Rejected,
    Settlement,
)
from journeyscript.stores.sqlite import open_sqlite

AT = 1_774_728_000_000


class Make:
    """Makes records of which a test names only what it is about."""

    at = AT

    def machine(self, journey="welcome", history=(), digests=("c1",)):
        bought = Compare(
            op=">=",
            left=History(function="count", event="purchased", type=INTEGER, window=Window(last=86_400_000)),
            right=Literal(value=2, type=INTEGER),
        )
        states = (
            State(
                id="send.welcome",
                step="send.welcome",
                action=Send(message="welcome", via=("email",)),
                timer=After(duration=86_400_000),
                transitions=(
                    Transition(trigger=If(condition=bought), target="done"),
                    Transition(trigger=Due(), target="done"),
                ),
            ),
            State(id="done", step="done", final=Final(status="completed")),
        )
        return Machine(
            format=MACHINE_FORMAT,
            journey=journey,
            timezone="Europe/Berlin",
            entry=Entry(event="signed_up"),
            initial="send.welcome",
            states=states,
            lifetime=31_536_000_000,
            contents=tuple(Content(message="welcome", channel="email", digest=digest) for digest in digests),
            needs=Needs(events=("signed_up",), history=dict.fromkeys(history)),
        )

    def deployment(self, version="v1", journey="welcome", history=(), title="Welcome", digests=("c1",)):
        return Deployment(
            version=version,
            machine=self.machine(journey, history, digests),
            about=About(title=title, owner="lifecycle@shop.example"),
            contents={digest: f'{{"body":"{digest}"}}' for digest in digests},
        )

    def customer(self, number=1, external_id=None, **fields):
        record = Customer(
            number=number,
            external_id=f"customer-{number}" if external_id is None else external_id,
            new=True,
            attributes={},
            consent={},
            suppressed=frozenset(),
            enrollments=[],
            last_entries={},
            next_enrollment=0,
            history={},
        )
        return msgspec.structs.replace(record, **fields)

    def event(self, name="signed_up", at=AT, customer=1, source="http", source_id=None, needed=False, **properties):
        return KeptEvent(
            customer=customer,
            event=Event(name=name, at=at, properties=properties),
            received_at=at + 5,
            source=source,
            source_id=source_id,
            needed=needed,
        )

    def enrollment(self, customer=1, number=0, journey="welcome", version="v1", **fields):
        record = Enrollment(
            id=customer * ENROLLMENTS_PER_CUSTOMER + number,
            customer=customer,
            journey=journey,
            version=version,
            state="send.welcome",
            visit=1,
            entered_at=AT,
            since=AT,
            entry=Event(name="signed_up", at=AT),
        )
        return msgspec.structs.replace(record, **fields)

    def decision(self, customer=1, number=0, visit=1, at=AT, rule="entry", values=()):
        return KeptDecision(
            enrollment=customer * ENROLLMENTS_PER_CUSTOMER + number,
            decision=Decision(visit=visit, state="send.welcome", at=at, rule=rule, values=values),
        )

    def send(self, customer=1, number=0, visit=1, **fields):
        enrollment = customer * ENROLLMENTS_PER_CUSTOMER + number
        record = KeptSend(
            enrollment=enrollment,
            customer=customer,
            visit=visit,
            key=f"welcome/{enrollment}/send.welcome/{visit}",
            journey="welcome",
            step="send.welcome",
            message="welcome",
            kind="marketing",
            channel="email",
            address="ada@example.com",
            content="c1",
            status="pending",
            created_at=AT,
            available_at=AT,
        )
        return msgspec.structs.replace(record, **fields)

    def settlement(self, customer=1, number=0, visit=1, **fields):
        record = Settlement(
            enrollment=customer * ENROLLMENTS_PER_CUSTOMER + number, visit=visit, status="sent", at=AT + 100
        )
        return msgspec.structs.replace(record, **fields)

    def rejected(self, position="1", reason="not JSON"):
        return Rejected(source="file", position=position, received_at=AT, reason=reason, raw='{"\x00 …')


@pytest.fixture(scope="session")
def make():
    return Make()


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    kept = MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "store.db")
    yield kept
    kept.close()


@pytest.fixture
def filled(store, make):
    """A store with the journey `welcome` deployed and three customers in it."""
    store.deploy([make.deployment()], make.at)
    store.load(["customer-1", "customer-2", "customer-3"], [], history=False)
    store.commit(Changes(customers=[make.customer(number) for number in (1, 2, 3)]))
    return store
