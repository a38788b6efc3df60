"""What a dotted name means where it stands: an attribute, a property, a consent, or a finding that says what is near.

The first half of the type checker: it resolves names against the catalog and holds optional values to their guards.
Everything that is built from names is in `checker`.
"""

from collections.abc import Iterable
from typing import NamedTuple

from journeyscript.diagnostics import Diagnostic, Label
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import AttributeDefinition, EventDefinition, suggestion
from journeyscript.semantics.scope import Place, Scope
from journeyscript.semantics.types import BOOLEAN, STRING, TIMESTAMP, Type
from journeyscript.syntax.expression import HistoryCall, Name, Tree, WrittenWindow
from journeyscript.syntax.wording import meant

ROOTS = ("customer", "event", "entry", "consent", "journey")


class Checked(NamedTuple):
    """A typed expression with its type."""

    node: typed.Expression
    type: Type


class Rejected(Exception):
    """Carries a finding out of the recursion."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class NameChecker:
    """Checks names, and makes findings at their place."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def fail(self, code: str, message: str, tree_start: int, tree_end: int, help_text: str | None = None) -> Rejected:
        """Return a finding about a stretch of the text."""
        return Rejected(finding(code, message, self.place(tree_start, tree_end - tree_start), help=help_text))

    def reject(self, code: str, message: str, tree: Tree | WrittenWindow, help_text: str | None = None) -> Rejected:
        """Return a finding about a part of the tree."""
        return self.fail(code, message, tree.start, tree.end, help_text)

    def name(self, tree: Name, scope: Scope, *, guarded: bool) -> Checked:
        """Return what a dotted name means; `guarded` where a missing value is what is asked about."""
        root, rest = tree.parts[0], tree.parts[1:]
        match root, rest:
            case "customer", (attribute,):
                return self.attribute(tree, attribute, scope, guarded=guarded)
            case "event", (name,):
                if scope.event is None:
                    raise self.reject(
                        "JS311",
                        "no event is in hand here",
                        tree,
                        "use `entry.event.…`, or a history function such as `last(…)`",
                    )
                found = self.property(tree, name, scope.event)
                self.require_known(tree, found, scope, guarded=guarded)
                return Checked(typed.Property(name=name, type=found.type), found.type)
            case "entry", ("at",) if scope.entry is not None:
                return Checked(typed.EntryProperty(name="at", type=TIMESTAMP), TIMESTAMP)
            case "entry", ("event", name) if scope.entry is not None:
                found = self.property(tree, name, scope.entry)
                self.require_known(tree, found, scope, guarded=guarded)
                return Checked(typed.EntryProperty(name=name, type=found.type), found.type)
            case "consent", (channel,):
                if channel not in scope.catalog.channels:
                    raise self.unknown(
                        "JS104", f"there is no channel `{channel}`", tree, channel, scope.catalog.channels
                    )
                return Checked(typed.Consent(channel=channel), BOOLEAN)
            case "journey", ("name",) if scope.in_journey:
                return Checked(typed.JourneyFact(name="name"), STRING)
            case "journey", ("entered_at",) if scope.in_journey:
                return Checked(typed.JourneyFact(name="entered_at"), TIMESTAMP)
            case _:
                raise self.unnamed(tree, scope)

    def attribute(self, tree: Name, name: str, scope: Scope, *, guarded: bool) -> Checked:
        """Return an attribute of the customer."""
        found = scope.catalog.attribute(name)
        if found is None:
            raise self.unknown(
                "JS301",
                f"customers have no attribute `{name}`",
                tree,
                name,
                scope.catalog.attributes,
                prefix="customer.",
            )
        self.require_known(tree, found, scope, guarded=guarded)
        return Checked(typed.Attribute(name=name, type=found.type), found.type)

    def property(self, tree: Name | HistoryCall, name: str, event: EventDefinition) -> AttributeDefinition:
        """Return the definition of an event's property."""
        found = event.property(name)
        if found is None:
            raise self.unknown("JS302", f"`{event.name}` has no property `{name}`", tree, name, event.properties)
        return found

    def require_known(self, tree: Name, found: AttributeDefinition, scope: Scope, *, guarded: bool) -> None:
        """Refuse an optional value that no guard in front has shown to be there."""
        path = ".".join(tree.parts)
        if not found.optional or guarded or path in scope.known:
            return
        lapse = scope.lapse_of(path)
        labels = [] if lapse is None else [Label(span=lapse.span, text=lapse.why)]
        before = [] if lapse is None else [f"has {path}", lapse.step]
        raise Rejected(
            finding(
                "JS304",
                f"`{path}` may be missing here",
                self.place(tree.start, tree.end - tree.start),
                help=f"add `has {path} and` in front, or give a default: `{path} ?? …`",
                labels=labels,
                witness=[*before, f"{path} is unknown" if lapse is None else f"{path} is removed meanwhile"],
            )
        )

    def unnamed(self, tree: Name, scope: Scope) -> Rejected:
        """Return why a name means nothing, with the nearest one that does."""
        written = ".".join(tree.parts)
        root = tree.parts[0]
        if root not in ROOTS:
            names = [f"customer.{name}" for name in scope.catalog.attributes]
            near = meant(f"customer.{written}", names) or meant(root, ROOTS)
            advice = f"did you mean `{near}`?" if near else 'a text needs quotes: `"…"`'
            return self.reject("JS301", f"`{written}` names nothing", tree, advice)
        if root == "entry" and scope.entry is None:
            return self.reject("JS311", "no journey was entered where this stands", tree)
        forms = {
            "customer": "`customer.ATTRIBUTE`",
            "event": "`event.PROPERTY`",
            "entry": "`entry.event.PROPERTY` or `entry.at`",
            "consent": "`consent.CHANNEL`",
            "journey": "`journey.name` or `journey.entered_at`, within a journey",
        }
        return self.reject("JS301", f"`{written}` names nothing", tree, f"write {forms[root]}")

    def unknown(
        self, code: str, message: str, tree: Tree, name: str, known: Iterable[str], prefix: str = ""
    ) -> Rejected:
        """Return a finding with a suggestion."""
        return self.reject(code, message, tree, suggestion(name, known, prefix))
