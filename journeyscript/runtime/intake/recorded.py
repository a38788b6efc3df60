"""Recorded events, in our own form or a foreign one, to records in the order of time.

Takes a file and, for a foreign form, a mapping of its columns; gives what the intake makes of each row. A row that
cannot be read is a rejection with its place, like any other.
"""

import csv
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TextIO, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from journeyscript.runtime.intake.records import Intake, Record
from journeyscript.runtime.intake.sources import LONGEST_LINE
from journeyscript.runtime.intake.values import milliseconds_of, shown, within_calendar
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Rejected
from journeyscript.syntax.mapping import FileMapping

Row: TypeAlias = dict[str, str]
Progress = Callable[[int], None]
"""Told how many rows were read since it was last told."""

_TOLD_EVERY = 5_000


class UnreadableFileError(Exception):
    """A file of events cannot be read at all; the text says which and why."""


def read_recorded(
    path: Path, mapping: FileMapping | None, intake: Intake, received_at: Instant, progress: Progress | None = None
) -> list[Record]:
    """Return every row of a file, in the order of time; rows of the same time keep their order.

    Positions are counted anew in that order, from 1, so that a replay that was interrupted can go on. Rejections
    stand in front.

    Raises:
        UnreadableFileError: the file is absent, no text, or has not the columns that the mapping names; or the mapping
            names a time zone that there is not.
    """
    source = source_of(path, mapping)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            records = list(_told(_records(file, mapping, intake, source, received_at), progress))
    except UnicodeDecodeError:
        raise UnreadableFileError(f"`{path}` cannot be read: it is not UTF-8 text") from None
    except csv.Error as problem:
        raise UnreadableFileError(f"`{path}` cannot be read as a table: {problem}") from None
    except OSError as problem:
        raise UnreadableFileError(f"`{path}` cannot be read: {problem.strerror}") from None
    rejected = [item for item in records if isinstance(item, Rejected)]
    accepted = sorted((item for item in records if not isinstance(item, Rejected)), key=lambda item: item.at)
    ordered: list[Record] = [*rejected, *accepted]
    return [msgspec.structs.replace(item, position=str(number)) for number, item in enumerate(ordered, 1)]


def source_of(path: Path, mapping: FileMapping | None) -> str:
    """Return the name of a recorded source: the same for the same content read in the same way."""
    digest = sha256(b"" if mapping is None else msgspec.json.encode(mapping))
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as problem:
        raise UnreadableFileError(f"`{path}` cannot be read: {problem.strerror}") from None
    return f"recorded:{digest.hexdigest()[:16]}"


def _records(
    file: TextIO, mapping: FileMapping | None, intake: Intake, source: str, received_at: Instant
) -> Iterator[Record]:
    if mapping is None:
        for number, line in enumerate(_lines(file), 1):
            if line.strip():
                yield intake.line(line.rstrip("\r\n"), source, str(number), received_at, recorded=True)
        return
    zone = _zone(mapping.time.timezone)
    for number, row in _rows(file, mapping):
        position = str(number)
        try:
            record = _record(row, mapping, zone)
        except (KeyError, ValueError) as problem:
            reason = f"the column `{problem.args[0]}` is missing" if isinstance(problem, KeyError) else str(problem)
            raw = msgspec.json.encode(row, enc_hook=str).decode()
            yield Rejected(source=source, position=position, received_at=received_at, reason=reason, raw=raw)
            continue
        yield intake.record(record, source, position, received_at)


def _lines(file: TextIO) -> Iterator[str]:
    """Yield the lines; one that is too long is cut, as in a live run, and its parts are refused for what they are."""
    while line := file.readline(LONGEST_LINE):
        yield line


def _rows(file: TextIO, mapping: FileMapping) -> Iterator[tuple[int, Row]]:
    match mapping.format:
        case "jsonl":
            for number, line in enumerate(_lines(file), 1):
                if line.strip():
                    yield number, _flat(line)
            return
        case "whitespace":
            table: Iterator[list[str]] = (line.split() for line in file)
        case "csv":
            table = csv.reader(file)
        case "tsv":
            table = csv.reader(file, delimiter="\t")
    columns = mapping.columns
    if not mapping.header:
        _require_columns(columns, mapping)
    for number, cells in enumerate(table, 1):
        if not cells:
            continue
        if mapping.header and number == 1:
            columns = columns or tuple(cells)
            _require_columns(columns, mapping)
        else:
            yield number, dict(zip(columns, cells, strict=False))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnreadableFileError(f"there is no time zone `{name}`, which the mapping names") from None


def _flat(line: str) -> Row:
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return {"": line}
    return value if isinstance(value, dict) else {"": line}


def _require_columns(columns: tuple[str, ...], mapping: FileMapping) -> None:
    needed = {mapping.customer, mapping.time.column, *mapping.properties.values(), *mapping.attributes.values()}
    needed |= {name for name in (mapping.id, mapping.event.column) if name is not None}
    missing = sorted(needed - set(columns))
    if missing:
        listed, known = ", ".join(f"`{name}`" for name in missing), ", ".join(f"`{name}`" for name in columns)
        raise UnreadableFileError(f"the file has no column {listed}; it has {known}")


def _record(row: Row, mapping: FileMapping, zone: ZoneInfo) -> dict[str, object]:
    event = mapping.event.constant if mapping.event.column is None else row[mapping.event.column]
    return {
        "customer": row[mapping.customer],
        "event": event,
        "time": _time(row[mapping.time.column], mapping.time.format, zone),
        "id": None if mapping.id is None else row[mapping.id],
        "properties": {name: _cell(row[column]) for name, column in mapping.properties.items()},
        "attributes": {name: _cell(row[column]) for name, column in mapping.attributes.items()},
    }


def _time(text: str, form: str | None, zone: ZoneInfo) -> int:
    try:
        moment = datetime.fromisoformat(text) if form is None else datetime.strptime(text, form)  # noqa: DTZ007
    except (ValueError, TypeError):
        raise ValueError(f"{shown(text)} is no time of the form `{form or 'ISO 8601'}`") from None
    # A column without a zone of its own means the zone that the mapping names.
    return within_calendar(milliseconds_of(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)))


def _cell(text: object) -> object:
    """Return what a cell says; an empty one says nothing."""
    return None if text == "" else text


def _told(items: Iterator[Record], progress: Progress | None) -> Iterator[Record]:
    for number, item in enumerate(items, 1):
        if progress is not None and number % _TOLD_EVERY == 0:
            progress(_TOLD_EVERY)
        yield item
