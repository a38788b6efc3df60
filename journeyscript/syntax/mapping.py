"""A mapping file as written: which column of a foreign file is the customer, the event, the time, the properties."""

from typing import Literal

import msgspec
from msgspec import Struct

from journeyscript.source.nodes import Mapping as MappingNode
from journeyscript.source.nodes import plain


class EventColumn(Struct, frozen=True, kw_only=True):
    """The event's name: the same in every row, or in a column."""

    constant: str | None = None
    column: str | None = None


class TimeColumn(Struct, frozen=True, kw_only=True):
    """The column of the time; without a `format` it is ISO 8601, without a zone in it `timezone` is meant."""

    column: str
    format: str | None = None
    timezone: str = "UTC"


class FileMapping(Struct, frozen=True, kw_only=True):
    """`mapping.yaml`. `columns` names the columns of a file that has no header."""

    format: Literal["whitespace", "csv", "tsv", "jsonl"]
    customer: str
    event: EventColumn
    time: TimeColumn
    id: str | None = None
    header: bool = True
    columns: tuple[str, ...] = ()
    properties: dict[str, str] = {}
    attributes: dict[str, str] = {}


def read_mapping(node: MappingNode) -> FileMapping:
    """Return the mapping that a node of the right shape says."""
    return msgspec.convert(plain(node), FileMapping)
