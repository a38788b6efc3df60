"""From `entry:` as written to what starts a journey: an event, a segment, a schedule, a date or a request.

Takes the written entry and a reader; gives the event that expressions may look at, what is known wherever the entry's
condition holds, and the machine's `Entry`. Knows no steps.
"""

from datetime import UTC, datetime
from typing import Literal

from cronsim import CronSim, CronSimError
from msgspec import Struct
from msgspec.structs import replace

from journeyscript.machine.model import ENTERED, ByApi, ByDate, BySchedule, BySegment, Entry, EntryTrigger
from journeyscript.machine.reading import Reader
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import AttributeDefinition, Catalog, EventDefinition
from journeyscript.semantics.scope import Scope
from journeyscript.semantics.types import Kind, Type
from journeyscript.source.nodes import Mapping, Scalar
from journeyscript.syntax.journey import Journey, WrittenEntry

_CRON = 'write five fields: minute, hour, day of the month, month, day of the week, such as `"0 9 * * mon"`'

FIELDS = 5
"""A cron expression has no seconds and no year."""

_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)

_KINDS: dict[str, Kind] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "timestamp": "timestamp",
    "date": "date",
    "duration": "duration",
    "money": "money",
}


class Start(Struct, frozen=True, kw_only=True):
    """What starts a journey: the event in hand then, what is known wherever its conditions hold, and the entry."""

    event: EventDefinition
    known: frozenset[str]
    entry: Entry


def lower_entry(journey: Journey, reader: Reader, catalog: Catalog) -> Start:
    """Return what starts the journey."""
    written = journey.entry
    event = _event(written, reader, catalog)
    scope = Scope(catalog=catalog, event=event)
    trigger, known = _trigger(written, reader, scope)
    where, also = reader.guard(written.where, scope.knowing(known))
    known |= also
    if written.enrol is not None and _says(written.enrol, "existing") and _says(written.on, "leave"):
        reader.note("JS005", "nobody is there already who leaves a segment", written.enrol, "take `enrol` out")
    again, again_from = reader.again(written.again)
    entry = Entry(
        event=event.name,
        where=where,
        trigger=trigger,
        enrol="existing" if _says(written.enrol, "existing") else "future",
        again=again,
        again_from=again_from,
        key=reader.expression(written.key, scope.knowing(known)),
        while_active=_while_active(written),
        holdout=0 if written.holdout is None else reader.share(written.holdout),
        max_active=None if written.max_active is None else int(str(written.max_active.value)),
        priority=0 if journey.priority is None else int(str(journey.priority.value)),
        group="" if journey.group is None else journey.group.text,
    )
    return Start(event=event, known=known, entry=entry)


def _says(scalar: Scalar | None, word: str) -> bool:
    return scalar is not None and scalar.text == word


def _while_active(written: WrittenEntry) -> Literal["ignore", "restart", "refresh"]:
    if _says(written.while_active, "restart"):
        return "restart"
    return "refresh" if _says(written.while_active, "refresh") else "ignore"


def _event(written: WrittenEntry, reader: Reader, catalog: Catalog) -> EventDefinition:
    """Return the event that expressions see: that of the catalog, or the one of an entry that none starts."""
    if written.event is not None:
        found = reader.event(written.event, catalog)
        return found or EventDefinition(name=written.event.text, properties={})
    properties: dict[str, AttributeDefinition] = {}
    for pair in () if written.api is None else written.api.pairs:
        name, node = pair.key.text, pair.value
        kind = node.get("type") if isinstance(node, Mapping) else None
        optional = node.get("optional") if isinstance(node, Mapping) else None
        properties[name] = AttributeDefinition(
            name=name,
            type=Type(kind=_KINDS[kind.text] if isinstance(kind, Scalar) else "any"),
            optional=isinstance(optional, Scalar) and optional.value is True,
        )
    return EventDefinition(name=ENTERED, properties=properties)


def _trigger(written: WrittenEntry, reader: Reader, scope: Scope) -> tuple[EntryTrigger | None, frozenset[str]]:
    """Return what starts the journey where no event does, and what is known of the customer then."""
    if written.schedule is not None:
        assert written.audience is not None, "the schema lets no schedule without an audience come here"
        audience, known = reader.guard(written.audience, replace(scope, event=None))
        assert audience is not None
        cron = _cron(written.schedule, reader)
        own = _says(written.zone, "customer")
        return BySchedule(cron=cron, audience=audience, zone="customer" if own else "project"), known
    if written.date is not None:
        return _date(written, written.date, reader, replace(scope, event=None)), frozenset()
    if written.api is not None:
        properties = (scope.event or EventDefinition(name=ENTERED, properties={})).properties
        return ByApi(
            properties={name: one.type for name, one in properties.items()},
            optional=tuple(name for name, one in properties.items() if one.optional),
        ), frozenset()
    if written.segment is not None:
        return _segment(written, written.segment, reader, replace(scope, event=None)), frozenset()
    return None, frozenset()


def _cron(written: Scalar, reader: Reader) -> str:
    """Return a cron expression with one blank between its fields."""
    fields = written.text.split()
    cron = " ".join(fields)
    try:
        next(CronSim(cron if len(fields) == FIELDS else "", _ANY_DAY))
    except (CronSimError, StopIteration):
        reader.note("JS005", f"`{written.text}` is no cron expression", written, _CRON)
    return cron


def _date(written: WrittenEntry, date: Scalar, reader: Reader, scope: Scope) -> ByDate:
    moment = reader.date(date, scope)
    minute = 0 if written.time is None else reader.minute(written.time)
    if written.every is None:
        return ByDate(moment=moment, minute=minute)
    shift = 0
    # An anniversary is that of the day itself: three days before a birthday on 1 March is not always 26 February.
    while isinstance(moment, typed.Arithmetic) and moment.op in ("+", "-") and isinstance(moment.right, typed.Literal):
        if not isinstance(moment.right.value, int):
            break
        shift += moment.right.value if moment.op == "+" else -moment.right.value
        moment = moment.left
    return ByDate(moment=moment, shift=shift, minute=minute, every="year")


def _segment(written: WrittenEntry, name: Scalar, reader: Reader, scope: Scope) -> BySegment:
    reader.segment(name, scope.catalog)
    condition: typed.Expression = typed.Literal(value=None, type=Type(kind="boolean"))
    if name.text in scope.catalog.segments:
        test = Scalar(span=name.span, value=None, text=f"customer in segment {name.text}", block=True)
        checked, _ = reader.checked(test, scope)
        condition = checked.node.condition if isinstance(checked.node, typed.InSegment) else checked.node
    return BySegment(name=name.text, condition=condition, on="leave" if _says(written.on, "leave") else "enter")
