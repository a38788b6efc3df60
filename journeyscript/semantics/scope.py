"""What an expression may name where it stands, and what is known there.

A `Scope` is frozen; a guard gives a new one in which more is known. A path that is known (`customer.phone`) was
checked on the way here and no wait has passed since.
"""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from journeyscript.diagnostics import Span
from journeyscript.semantics.catalog import Catalog, EventDefinition
from journeyscript.syntax.expression import Chain, Name, Tree, Unary

Place = Callable[[int, int], Span]
"""From an offset and a length within an expression's text to where that stands in the file."""


class Lapse(Struct, frozen=True, kw_only=True):
    """Where something stopped being known: at which step, and why."""

    step: str
    span: Span
    why: str


class Scope(Struct, frozen=True, kw_only=True):
    """What can be named. `event`: the event in hand; `entry`: the one that starts the journey, where there is one.

    `lapsed` says of paths that were known where that ended; it only helps to explain.
    """

    catalog: Catalog
    event: EventDefinition | None = None
    entry: EventDefinition | None = None
    in_journey: bool = False
    known: frozenset[str] = frozenset()
    segments: tuple[str, ...] = ()
    lapsed: tuple[tuple[str, Lapse], ...] = ()

    def knowing(self, paths: frozenset[str]) -> "Scope":
        """Return this scope with more known."""
        return msgspec.structs.replace(self, known=self.known | paths)

    def at_event(self, event: EventDefinition | None) -> "Scope":
        """Return this scope with another event in hand; what was known of the last one is forgotten."""
        known = frozenset(path for path in self.known if not path.startswith("event."))
        return msgspec.structs.replace(self, event=event, known=known)

    def after_wait(self, lapse: Lapse | None = None) -> "Scope":
        """Return this scope as it is after a wait: only what is frozen at entry is still known."""
        return self.forgetting(frozenset(path for path in self.known if not path.startswith("entry.")), lapse)

    def forgetting(self, paths: frozenset[str], lapse: Lapse | None) -> "Scope":
        """Return this scope with less known, and where that ended."""
        gone = () if lapse is None else tuple((path, lapse) for path in sorted(paths & self.known))
        return msgspec.structs.replace(self, known=self.known - paths, lapsed=(*self.lapsed, *gone))

    def lapse_of(self, path: str) -> Lapse | None:
        """Return where a path stopped being known, the last time that it did."""
        return next((lapse for name, lapse in reversed(self.lapsed) if name == path), None)


def known_if_true(tree: Tree) -> frozenset[str]:
    """Return the paths that must be known where the condition came out true."""
    match tree:
        case Unary(op="known", of=Name(parts=parts)):
            return frozenset({".".join(parts)})
        case Unary(op="not", of=inner):
            return _known_if_false(inner)
        case Chain(op="and", parts=parts):
            return frozenset().union(*map(known_if_true, parts))
        case Chain(op="or", parts=parts):
            return frozenset.intersection(*map(known_if_true, parts))
        case _:
            return frozenset()


def known_if_not_true(tree: Tree) -> frozenset[str]:
    """Return the paths that must be known where the condition came out false or unknown."""
    match tree:
        case Unary(op="unknown", of=Name(parts=parts)):
            return frozenset({".".join(parts)})
        case Unary(op="not", of=Unary(op="known" | "unknown") as inner):
            return known_if_true(inner)
        case Chain(op="or", parts=parts):
            return frozenset().union(*map(known_if_not_true, parts))
        case Chain(op="and", parts=parts):
            return frozenset.intersection(*map(known_if_not_true, parts))
        case _:
            return frozenset()


def _known_if_false(tree: Tree) -> frozenset[str]:
    match tree:
        case Unary(op="unknown", of=Name(parts=parts)):
            return frozenset({".".join(parts)})
        case Unary(op="not", of=inner):
            return known_if_true(inner)
        case Chain(op="or", parts=parts):
            return frozenset().union(*map(_known_if_false, parts))
        case Chain(op="and", parts=parts):
            return frozenset.intersection(*map(_known_if_false, parts))
        case _:
            return frozenset()
