"""Records to rows and back; JSON columns are compact text, and `NULL` where there is nothing in them.

Takes and gives tuples in the order of the columns in the `.sql` files. Knows no connection and no rules.
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from journeyscript.engine.values import Decision, Enrollment, Event, Held, HeldReason
from journeyscript.machine.canonical import canonical_json, machine_from_json
from journeyscript.machine.model import About
from journeyscript.semantics.types import Instant, Value
from journeyscript.stores.records import (
    ENROLLMENTS_PER_CUSTOMER,
    Customer,
    Deployment,
    KeptDecision,
    KeptEvent,
    KeptSend,
    Refusal,
    Rejected,
    Settlement,
)

Row: TypeAlias = tuple[Any, ...]


class _Entry(Struct, frozen=True, gc=False):
    name: str
    at: Instant
    properties: dict[str, Any]


class _Held(Struct, frozen=True, gc=False):
    reason: HeldReason
    given: dict[str, Any] = {}


_encode = msgspec.json.Encoder().encode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_decode_consent = msgspec.json.Decoder(dict[str, bool]).decode
_decode_strings = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_taken = msgspec.json.Decoder(tuple[int, ...]).decode
_decode_laps = msgspec.json.Decoder(dict[str, int]).decode
_decode_held = msgspec.json.Decoder(_Held).decode
_decode_entry = msgspec.json.Decoder(_Entry).decode
_decode_values = msgspec.json.Decoder(tuple[tuple[str, Any], ...]).decode
_decode_about = msgspec.json.Decoder(About).decode


def numbers_text(numbers: Iterable[int]) -> str:
    """Return integers as the JSON text that the statements take."""
    return _encode(sorted(numbers)).decode()


def strings_text(strings: list[str]) -> str:
    """Return strings as the JSON text that the statements take; none may hold a NUL, at which SQLite cuts off."""
    return _encode(strings).decode()


def customer_row(customer: Customer) -> Row:
    """Return the row of a customer."""
    return (
        customer.number,
        customer.external_id,
        _encode(customer.attributes).decode(),
        _encode(customer.consent).decode() if customer.consent else None,
        suppressed_text(customer.suppressed),
        _encode(customer.taken).decode() if customer.taken else None,
    )


def customer_record(row: Row) -> Customer:
    """Return a customer without enrollments and history."""
    number, external_id, attributes, consent, suppressed, taken = row
    return Customer(
        number=number,
        external_id=external_id,
        new=False,
        attributes=_decode_object(attributes),
        consent=consent_of(consent),
        suppressed=suppressed_of(suppressed),
        enrollments=[],
        last_entries={},
        next_enrollment=0,
        history={},
        taken=_decode_taken(taken) if taken else (),
    )


def suppressed_text(addresses: frozenset[str]) -> str | None:
    """Return suppressed addresses as a column."""
    return _encode(sorted(addresses)).decode() if addresses else None


def consent_of(text: str | None) -> dict[str, bool]:
    """Return the consent of a column."""
    return _decode_consent(text) if text else {}


def suppressed_of(text: str | None) -> frozenset[str]:
    """Return the suppressed addresses of a column."""
    return frozenset(_decode_strings(text)) if text else frozenset()


def event_row(kept: KeptEvent, names: dict[str, int], needed: set[str]) -> Row:
    """Return the row of an event; what some version asked for is needed, whatever the record says."""
    event = kept.event
    return (
        kept.customer,
        names[event.name],
        event.at,
        kept.received_at,
        names[kept.source],
        kept.source_id,
        properties_text(event.properties),
        kept.needed or event.name in needed,
    )


def properties_text(properties: dict[str, Value]) -> str | None:
    """Return the properties of an event as a column."""
    return _encode(properties).decode() if properties else None


def event_record(name: str, at: Instant, properties: str | None) -> Event:
    """Return an event of a customer's history."""
    return Event(name=name, at=at, properties=_decode_object(properties) if properties else {})


def enrollment_row(enrollment: Enrollment, versions: dict[str, int]) -> Row:
    """Return the row of an enrollment."""
    return (
        enrollment.id,
        versions[enrollment.version],
        enrollment.key,
        enrollment.status,
        enrollment.state,
        enrollment.visit,
        enrollment.entered_at,
        enrollment.since,
        enrollment.due_at,
        _encode(enrollment.entry).decode(),
        _encode(enrollment.laps).decode() if enrollment.laps else None,
        enrollment.goal_at,
        enrollment.ended_at,
        enrollment.reason,
        _encode(enrollment.held).decode() if enrollment.held else None,
        enrollment.deadline,
        enrollment.until,
        enrollment.test,
    )


def enrollment_record(row: Row, journey: str, version: str) -> Enrollment:
    """Return an enrollment."""
    (
        number,
        _,
        key,
        status,
        state,
        visit,
        entered_at,
        since,
        due_at,
        entry,
        laps,
        goal_at,
        ended_at,
        reason,
        held,
        deadline,
        until,
        test,
    ) = row
    event = _decode_entry(entry)
    return Enrollment(
        id=number,
        customer=number // ENROLLMENTS_PER_CUSTOMER,
        journey=journey,
        version=version,
        key=key,
        status=status,
        state=state,
        visit=visit,
        entered_at=entered_at,
        since=since,
        due_at=due_at,
        entry=Event(name=event.name, at=event.at, properties=event.properties),
        laps=_decode_laps(laps) if laps else {},
        held=_held(held) if held else None,
        deadline=deadline,
        until=until,
        goal_at=goal_at,
        ended_at=ended_at,
        reason=reason,
        test=bool(test),
    )


def _held(text: str) -> Held:
    held = _decode_held(text)
    return Held(reason=held.reason, given=held.given)


def decision_rows(kept: Iterable[KeptDecision]) -> Iterator[Row]:
    """Yield the rows of a batch's decisions; the statement numbers those of one visit at one instant."""
    for one in kept:
        decision = one.decision
        values = _encode(decision.values).decode() if decision.values else None
        yield one.enrollment, decision.visit, decision.at, decision.state, decision.rule, values


def decision_record(row: Row) -> KeptDecision:
    """Return a decision."""
    enrollment, visit, at, state, rule, values = row
    decision = Decision(visit=visit, state=state, at=at, rule=rule, values=_decode_values(values) if values else ())
    return KeptDecision(enrollment=enrollment, decision=decision)


send_row = msgspec.structs.astuple
"""Return the row of a send: its fields in order."""

_SEND_FIELDS = KeptSend.__struct_fields__[:-1]


def send_record(row: Row) -> KeptSend:
    """Return a send."""
    *fields, test = row
    return KeptSend(**dict(zip(_SEND_FIELDS, fields, strict=True)), test=bool(test))


def settlement_row(settlement: Settlement) -> Row:
    """Return what the statement `settle` takes; a send that is pending again is not settled."""
    return (
        settlement.enrollment,
        settlement.visit,
        settlement.status,
        settlement.reason,
        settlement.detail,
        settlement.provider_id,
        None if settlement.status == "pending" else settlement.at,
        settlement.available_at,
        settlement.uncounted,
    )


def refusal_row(refusal: Refusal) -> Row:
    """Return the row of a refusal."""
    return msgspec.structs.astuple(refusal)


def refusal_record(row: Row) -> Refusal:
    """Return a refusal."""
    *fields, test = row
    return Refusal(**dict(zip(Refusal.__struct_fields__[:-1], fields, strict=True)), test=bool(test))


def rejected_row(rejected: Rejected) -> Row:
    """Return the row of an input that could not be taken in."""
    return rejected.source, rejected.position, rejected.received_at, rejected.reason, rejected.raw


def rejected_record(row: Row) -> Rejected:
    """Return an input that could not be taken in."""
    source, position, received_at, reason, raw = row
    return Rejected(source=source, position=position, received_at=received_at, reason=reason, raw=raw)


def machine_row(deployment: Deployment, at: Instant) -> Row:
    """Return the row of a version; message contents are kept apart, once for all versions."""
    return (
        deployment.version,
        deployment.machine.journey,
        canonical_json(deployment.machine).decode(),
        _encode(deployment.about).decode(),
        _encode(sorted(deployment.contents)).decode(),
        at,
    )


def deployment_record(row: Row, contents: dict[str, str]) -> Deployment:
    """Return a version.

    Raises:
        msgspec.DecodeError: it was written by a program that knows other machines.
    """
    version, machine, about, digests, _ = row
    return Deployment(
        version=version,
        machine=machine_from_json(machine),
        about=_decode_about(about),
        contents={digest: contents[digest] for digest in _decode_strings(digests)},
    )
