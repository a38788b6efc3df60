"""The typed expression tree: what a checked expression means, without where it was written.

Gives the closed family of nodes that a machine carries and that every back end reads (generated Python today).
Nodes hold resolved names only; they know nothing of text, spans or stores. `None` is the unknown value, and
`and`, `or`, `not` and comparisons follow SQL's three-valued logic over it.
"""

from typing import Literal as Lit
from typing import TypeAlias

from msgspec import Struct

from journeyscript.semantics.types import Milliseconds, Type

CompareOp: TypeAlias = Lit["==", "!=", "<", "<=", ">", ">=", "contains", "starts with", "ends with"]
ArithmeticOp: TypeAlias = Lit["+", "-", "*", "/"]
Aggregate: TypeAlias = Lit["did", "count", "sum", "average", "min", "max", "first", "last"]


class Node(Struct, frozen=True, kw_only=True, tag_field="is", omit_defaults=True):
    """Any node; `tag_field` makes the JSON form say which."""


class Literal(Node, tag="literal", frozen=True, kw_only=True):
    """A constant of the text."""

    value: str | int | float | bool | None
    type: Type


class Items(Node, tag="list", frozen=True, kw_only=True):
    """A list of expressions."""

    items: tuple["Expression", ...]


class Attribute(Node, tag="customer", frozen=True, kw_only=True):
    """A live attribute of the customer; unknown where it is missing."""

    name: str
    type: Type


class Property(Node, tag="event", frozen=True, kw_only=True):
    """A property of the event in scope: the one that happened, or the one a history function looks at.

    The name `at` is the event's own time.
    """

    name: str
    type: Type


class EntryProperty(Node, tag="entry", frozen=True, kw_only=True):
    """A property of the event that started the enrollment, frozen at entry; the name `at` is the entry's time."""

    name: str
    type: Type


class JourneyFact(Node, tag="journey", frozen=True, kw_only=True):
    """What the enrollment knows of itself: `name`, `entered_at`."""

    name: Lit["name", "entered_at"]


class Consent(Node, tag="consent", frozen=True, kw_only=True):
    """Whether the customer agreed to a channel; false where nothing is recorded."""

    channel: str


class Known(Node, tag="known", frozen=True, kw_only=True):
    """Whether a value is there: `has x`, `x is known`."""

    of: "Expression"


class Not(Node, tag="not", frozen=True, kw_only=True):
    """Three-valued negation."""

    of: "Expression"


class And(Node, tag="and", frozen=True, kw_only=True):
    """Three-valued conjunction."""

    items: tuple["Expression", ...]


class Or(Node, tag="or", frozen=True, kw_only=True):
    """Three-valued disjunction."""

    items: tuple["Expression", ...]


class Compare(Node, tag="compare", frozen=True, kw_only=True):
    """A comparison; unknown where either side is."""

    op: CompareOp
    left: "Expression"
    right: "Expression"


class In(Node, tag="in", frozen=True, kw_only=True):
    """Membership of a list; unknown where either side is."""

    left: "Expression"
    right: "Expression"


class Arithmetic(Node, tag="arithmetic", frozen=True, kw_only=True):
    """A sum, difference, product or quotient; unknown where either side is, or on division by zero."""

    op: ArithmeticOp
    left: "Expression"
    right: "Expression"
    type: Type


class Coalesce(Node, tag="default", frozen=True, kw_only=True):
    """The left value, or the right one where the left is unknown."""

    left: "Expression"
    right: "Expression"


class InSegment(Node, tag="segment", frozen=True, kw_only=True):
    """Whether the customer is in a segment; its condition is carried along, so that a machine stands alone."""

    name: str
    condition: "Expression"


class Window(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far back a history function looks; all fields empty: as far as there is history.

    `last` counts back from now, in milliseconds; `since_entry` starts at the enrollment's entry, which counts.
    """

    last: Milliseconds | None = None
    since_entry: bool = False
    start: "Expression | None" = None
    end: "Expression | None" = None


class History(Node, tag="history", frozen=True, kw_only=True):
    """A question about the customer's past events: `count(order, last 30 days)`.

    `property` names what is summed, or what is read of the first or last one (`at` for its time).
    """

    function: Aggregate
    event: str
    type: Type
    property: str | None = None
    where: "Expression | None" = None
    window: Window = Window()


class Call(Node, tag="call", frozen=True, kw_only=True):
    """A function of the language applied to arguments."""

    function: str
    arguments: tuple["Expression", ...]
    type: Type


Expression: TypeAlias = (
    Literal
    | Items
    | Attribute
    | Property
    | EntryProperty
    | JourneyFact
    | Consent
    | Known
    | Not
    | And
    | Or
    | Compare
    | In
    | Arithmetic
    | Coalesce
    | InSegment
    | History
    | Call
)
