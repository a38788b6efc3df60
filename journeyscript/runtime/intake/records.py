"""One record from outside to something the runtime can act on, or to a rejection that keeps the record.

A record is `{customer, event, time, id, properties, attributes, consent}`; without an event it only updates the
profile. `{type: merge, customer, previous}` says that a name belongs to a customer, `{type: erase, customer}` that
they are to be forgotten; Segment's words for these do as well. Records that the catalog does not know are kept with
the reason: nothing is lost.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from journeyscript.engine.values import Event
from journeyscript.runtime.intake.values import BadValue, parse_instant, shortened, shown, typed_values
from journeyscript.semantics.catalog import Catalog, EventDefinition
from journeyscript.semantics.types import Instant, Value
from journeyscript.stores.records import Rejected
from journeyscript.syntax.wording import meant

LONGEST_NAME = 512
"""A customer's name or an event's id of more characters than this is a mistake of the sender."""

NO_REQUESTS: Mapping[str, EventDefinition] = MappingProxyType({})


class Incoming(Struct, frozen=True, kw_only=True, gc=False):
    """A record that was taken in. `at` is the event's own time; `position` says where in its source it stood.

    `enters` is the journey that a request to enter names; its event is the request.
    """

    customer: str
    at: Instant
    event: Event | None
    attributes: dict[str, Value]
    consent: dict[str, bool]
    source: str
    source_id: str | None
    position: str
    enters: str = ""

    def refused(self, reason: str, received_at: Instant) -> Rejected:
        """Return the record as one that could not be taken in, written anew as JSON."""
        event = self.event
        fields = {
            "customer": self.customer,
            "event": None if event is None else event.name,
            "time": self.at,
            "id": self.source_id,
            "properties": {} if event is None else event.properties,
            "attributes": self.attributes,
            "consent": self.consent,
        }
        raw = _as_text({name: value for name, value in fields.items() if value not in (None, {})})
        return _rejected(self.source, self.position, received_at, reason, raw)


class Merge(Struct, frozen=True, kw_only=True, gc=False):
    """A record that says who somebody is: `anonymous` is a name that `customer` went by until now."""

    customer: str
    anonymous: str
    at: Instant
    source: str
    position: str
    raw: str

    def refused(self, reason: str, received_at: Instant) -> Rejected:
        """Return the record as one that could not be taken in."""
        return Rejected(
            source=self.source, position=self.position, received_at=received_at, reason=reason, raw=self.raw
        )


class Erasure(Struct, frozen=True, kw_only=True, gc=False):
    """A record that asks for a customer to be forgotten."""

    customer: str
    at: Instant
    source: str
    position: str

    def refused(self, reason: str, received_at: Instant) -> Rejected:
        """Return the record as one that could not be taken in, written anew as JSON."""
        raw = _as_text({"type": "erase", "customer": self.customer, "time": self.at})
        return _rejected(self.source, self.position, received_at, reason, raw)


Record: TypeAlias = Incoming | Merge | Erasure | Rejected


class BadRecord(ValueError):
    """A record cannot be taken in; the text is one plain sentence."""


class Intake:
    """Turns records into `Incoming`, by the catalog, and by what the journeys that can be asked for take."""

    def __init__(self, catalog: Catalog, requests: Mapping[str, EventDefinition] = NO_REQUESTS) -> None:
        self._catalog, self._requests = catalog, requests
        self._decoder = msgspec.json.Decoder()

    def line(self, raw: str, source: str, position: str, received_at: Instant, *, recorded: bool = False) -> Record:
        """Return what a line of JSON says; one that was `recorded` must say when it was."""
        try:
            record = self._decoder.decode(raw)
        except RecursionError:
            return _rejected(source, position, received_at, "lists and objects lie too deep in each other", raw)
        except msgspec.ValidationError:
            return _rejected(source, position, received_at, "a number does not fit into 64 bits", raw)
        except (msgspec.DecodeError, UnicodeEncodeError) as problem:
            return _rejected(source, position, received_at, f"not JSON: {problem}", raw)
        if recorded and isinstance(record, dict) and record.get("time") is None:
            reason = "`time` is missing, and a recorded event cannot do without"
            return _rejected(source, position, received_at, reason, raw)
        return self.record(record, source, position, received_at, raw=raw)

    def record(
        self, record: object, source: str, position: str, received_at: Instant, *, raw: str | None = None
    ) -> Record:
        """Return what a record says; one without a time happened when it was received."""
        try:
            match record:
                case dict() if record.get("type") in ("merge", "alias"):
                    return _merge(record, source, position, received_at, _as_text(record) if raw is None else raw)
                case dict() if record.get("type") in ("erase", "delete"):
                    return _erasure(record, source, position, received_at)
                case dict() if record.get("type") == "enter":
                    return self._request(record, source, position, received_at)
                case _:
                    return self._take(record, source, position, received_at)
        except (BadRecord, BadValue) as problem:
            return _rejected(source, position, received_at, str(problem), _as_text(record) if raw is None else raw)

    def _take(self, record: object, source: str, position: str, received_at: Instant) -> Incoming:
        if not isinstance(record, dict):
            raise BadRecord("a record is an object with `customer` and `event`")
        customer = _name(record.get("customer"), "customer")
        if not customer:
            raise BadRecord("`customer` is missing")
        at = _time(record, received_at)
        name = record.get("event")
        return Incoming(
            customer=customer,
            at=at,
            event=None if name is None else self._event(name, at, _object(record, "properties")),
            attributes=typed_values(_object(record, "attributes"), self._catalog.attributes),
            consent=self._consent(_object(record, "consent")),
            source=source,
            source_id=_name(record.get("id"), "id") or None,
            position=position,
        )

    def _request(self, record: dict[str, Any], source: str, position: str, received_at: Instant) -> Incoming:
        """Return a request to enter a journey: everything that an event has, and the journey in the event's place."""
        taken = self._take({**record, "event": None}, source, position, received_at)
        journey = _name(record.get("journey"), "journey")
        if not journey:
            raise BadRecord("`journey` is missing")
        request = self._requests.get(journey)
        if request is None:
            near = meant(journey, self._requests)
            raise BadRecord(
                f"no journey `{shortened(journey)}` can be asked for" + (f"; did you mean `{near}`?" if near else "")
            )
        properties = _checked(journey, request, _object(record, "properties"))
        return replace(taken, event=Event(name=request.name, at=taken.at, properties=properties), enters=journey)

    def _event(self, name: object, at: Instant, properties: dict[str, object]) -> Event:
        definition = self._catalog.events.get(name) if isinstance(name, str) else None
        if definition is None:
            if not isinstance(name, str):
                raise BadRecord(f"`event` is a name, not {shown(name)}")
            near = meant(name, self._catalog.events)
            raise BadRecord(f"there is no event `{shortened(name)}`" + (f"; did you mean `{near}`?" if near else ""))
        return Event(name=definition.name, at=at, properties=_checked(definition.name, definition, properties))

    def _consent(self, given: dict[str, object]) -> dict[str, bool]:
        consent: dict[str, bool] = {}
        for channel, answer in given.items():
            if channel not in self._catalog.channels:
                raise BadRecord(f"consent is given for `{shortened(channel)}`, which is no channel")
            if not isinstance(answer, bool):
                raise BadRecord(f"consent for `{channel}` is true or false")
            consent[channel] = answer
        return consent


def _rejected(source: str, position: str, received_at: Instant, reason: str, raw: str) -> Rejected:
    # What came is kept as it was; half of a surrogate pair, which no store can hold, as `\udc80`.
    kept = raw.encode(errors="backslashreplace").decode()
    return Rejected(source=source, position=position, received_at=received_at, reason=reason, raw=kept)


def _checked(name: str, definition: EventDefinition, properties: dict[str, object]) -> dict[str, Value]:
    """Return the properties in their types, all that must be there included."""
    values = typed_values(properties, definition.properties)
    for expected in definition.properties.values():
        if not expected.optional and values.get(expected.name) is None:
            raise BadRecord(f"`{name}` needs the property `{expected.name}`")
    return values


def _merge(record: dict[str, Any], source: str, position: str, received_at: Instant, raw: str) -> Merge:
    """Return what a record says of two names; Segment calls them `userId` and `previousId`."""
    return Merge(
        customer=_either(record, "customer", "userId"),
        anonymous=_either(record, "previous", "previousId"),
        at=_time(record, received_at),
        source=source,
        position=position,
        raw=raw,
    )


def _erasure(record: dict[str, Any], source: str, position: str, received_at: Instant) -> Erasure:
    return Erasure(
        customer=_either(record, "customer", "userId"),
        at=_time(record, received_at),
        source=source,
        position=position,
    )


def _either(record: dict[str, Any], key: str, other: str) -> str:
    """Return the name under one of two keys."""
    name = _name(record.get(key), key) or _name(record.get(other), other)
    if not name:
        raise BadRecord(f"`{key}` is missing")
    return name


def _time(record: dict[str, Any], received_at: Instant) -> Instant:
    return parse_instant(record["time"]) if record.get("time") is not None else received_at


def _as_text(record: object) -> str:
    try:
        return msgspec.json.encode(record, enc_hook=str).decode()
    except (UnicodeEncodeError, OverflowError, RecursionError, TypeError, ValueError):
        return repr(record)


def _name(value: object, key: str) -> str:
    match value:
        case None:
            return ""
        case bool():
            raise BadRecord(f"`{key}` is a text or a number")
        case str() | int():
            text = str(value).strip()
        case _:
            raise BadRecord(f"`{key}` is a text or a number")
    if len(text) > LONGEST_NAME:
        raise BadRecord(f"`{key}` is longer than {LONGEST_NAME} characters")
    if "\x00" in text:
        raise BadRecord(f"`{key}` has a NUL character in it")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise BadRecord(f"`{key}` is not valid Unicode")
    return text


def _object(record: dict[str, object], key: str) -> dict[str, object]:
    value = record.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRecord(f"`{key}` is an object of names and values")
    return value
