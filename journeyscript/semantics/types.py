"""The static types of values: what an attribute, a property or an expression can be.

Takes and gives plain data. At run time every value is a JSON value: a timestamp is an `Instant` (whole
milliseconds since 1970 in UTC, so that no instant is ever naive), a duration is whole milliseconds, a date is
its ISO 8601 text (`2026-03-29`, which sorts as dates do), money is a number in the currency's unit.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

Instant: TypeAlias = int
"""Milliseconds since 1970-01-01T00:00Z."""

Milliseconds: TypeAlias = int
"""A length of time."""

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"
"""What an attribute or a property holds at run time; `None` is unknown."""

Kind: TypeAlias = Literal[
    "string", "integer", "number", "boolean", "timestamp", "date", "duration", "money", "enum", "list", "object", "any"
]

KINDS: tuple[Kind, ...] = (
    "string", "integer", "number", "boolean", "timestamp", "date", "duration", "money", "enum", "list", "object",
)  # fmt: skip


class Type(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The type of a value; `values` belongs to an enum, `items` to a list."""

    kind: Kind
    values: tuple[str, ...] = ()
    items: "Type | None" = None

    def __str__(self) -> str:
        """Return the type as a person would write it."""
        match self.kind:
            case "enum":
                return "one of " + ", ".join(self.values)
            case "list" if self.items is not None:
                return f"list of {self.items}"
            case kind:
                return kind


STRING = Type(kind="string")
INTEGER = Type(kind="integer")
NUMBER = Type(kind="number")
BOOLEAN = Type(kind="boolean")
TIMESTAMP = Type(kind="timestamp")
DATE = Type(kind="date")
DURATION = Type(kind="duration")
MONEY = Type(kind="money")
ANY = Type(kind="any")
