"""Whom journeys that start on one event let in: whether one of them takes everybody that another takes.

Decided by `regions` on one customer of each kind; where there are too many kinds, nothing is said.
"""

from collections.abc import Iterator, Mapping
from itertools import islice, permutations

from journeyscript.checks.places import place_of_condition
from journeyscript.checks.regions import survey
from journeyscript.diagnostics import Diagnostic, Label
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import Machine
from journeyscript.machine.needs import nodes
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.types import BOOLEAN

MOST_PAIRS = 500
"""So many pairs of journeys that start on one event are held against each other."""

_EVERYBODY = typed.Literal(value=True, type=BOOLEAN)


def audience_subsumed(group: Mapping[str, Compiled]) -> Iterator[Diagnostic]:
    """JS706: whoever one journey lets in is let in by another one too; of each journey the first such is told."""
    told: set[str] = set()
    for wide, narrow in islice(permutations(group, 2), MOST_PAIRS):
        # Of two that let in the same customers only the later one is told.
        if narrow in told or wide in told:
            continue
        customer = _within(group[narrow].machine, group[wide].machine)
        if customer is None:
            continue
        told.add(narrow)
        yield finding(
            "JS706",
            f"whoever enters `{narrow}` enters `{wide}` too",
            place_of_condition(group[narrow], "entry"),
            help="let one of them leave out whom the other takes, or make them one journey",
            labels=(Label(span=place_of_condition(group[wide], "entry"), text=f"lets them into `{wide}`"),),
            journey=narrow,
            witness=(group[narrow].machine.entry.event, *customer, f"enters `{narrow}` and `{wide}`"),
        )


def _within(narrow: Machine, wide: Machine) -> tuple[str, ...] | None:
    """Return somebody whom both let in, where the wide one lets in everybody whom the narrow one does."""
    # A condition on something else cannot be implied; most pairs are told apart by that.
    if not _asked(wide) <= _asked(narrow):
        return None
    found = survey([narrow.entry.where or _EVERYBODY, wide.entry.where or _EVERYBODY], narrow.timezone)
    inside = [] if found is None else [row for row in found.rows if row.holds[0]]
    if found is None or not inside or not all(row.holds[1] for row in inside):
        return None
    return found.customer(inside[0])


def _asked(machine: Machine) -> frozenset[typed.Expression]:
    """Return the values that an entry's condition looks at."""
    where = machine.entry.where
    kinds = typed.Attribute | typed.Property | typed.Consent | typed.History
    return frozenset() if where is None else frozenset(node for node in nodes(where) if isinstance(node, kinds))
