"""The functions of the expression language: what they take, what they give, and what they mean.

`now` and the customer's zone come from the engine; nothing here reads a clock.
"""

from msgspec import Struct

from journeyscript.semantics.types import INTEGER, STRING, Kind, Type

NUMERIC: tuple[Kind, ...] = ("integer", "number", "money")
TEXTUAL: tuple[Kind, ...] = ("string", "enum")


class Function(Struct, frozen=True, kw_only=True):
    """A function: `takes` lists the kinds each argument may have; without `gives` it gives the argument's type."""

    name: str
    takes: tuple[tuple[Kind, ...], ...]
    gives: Type | None
    meaning: str


FUNCTIONS = {
    function.name: function
    for function in (
        Function(
            name="days_since",
            takes=(("timestamp", "date"),),
            gives=INTEGER,
            meaning="whole days from a moment to now; days on the calendar for a date",
        ),
        Function(
            name="days_until",
            takes=(("timestamp", "date"),),
            gives=INTEGER,
            meaning="whole days from now to a moment; days on the calendar for a date",
        ),
        Function(
            name="hours_since", takes=(("timestamp",),), gives=INTEGER, meaning="whole hours from a moment to now"
        ),
        Function(name="lower", takes=(TEXTUAL,), gives=STRING, meaning="the text in lower case"),
        Function(name="upper", takes=(TEXTUAL,), gives=STRING, meaning="the text in capitals"),
        Function(
            name="length",
            takes=((*TEXTUAL, "list"),),
            gives=INTEGER,
            meaning="how many characters or items there are",
        ),
        Function(name="round", takes=(NUMERIC,), gives=INTEGER, meaning="the nearest whole number, halves to even"),
        Function(name="abs", takes=((*NUMERIC, "duration"),), gives=None, meaning="the value without its sign"),
    )
}

CONSTANTS = ("timestamp", "date")
"""`timestamp("2026-03-01T09:00+01:00")` and `date("2026-03-01")` write a constant, not a call."""
