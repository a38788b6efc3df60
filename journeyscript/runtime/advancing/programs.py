"""Every version that anybody is in, made ready to run, and which of them take new entries."""

from collections.abc import Collection, Mapping

from journeyscript.engine.program import Program, link
from journeyscript.machine.model import When
from journeyscript.runtime.advancing.memberships import segments_of
from journeyscript.semantics.catalog import Catalog
from journeyscript.stores.records import Deployment


class Programs:
    """The machines of a store, linked once.

    `entering` gives the current ones that an event may start, in the order in which they are tried. `current` is in the
    order of the journeys' files.
    """

    def __init__(
        self, deployments: Mapping[str, Deployment], current: Collection[str], catalog: Catalog | None = None
    ) -> None:
        """Link all that is deployed; what the catalog calls sensitive stays out of what any version records.

        Without a catalog nothing is sensitive: so it is where customers are invented, and where nothing is kept.
        """
        self._programs = {version: link(d.machine, version, catalog) for version, d in deployments.items()}
        self.entering: dict[str, tuple[Program, ...]] = {}
        newest = [self._programs[version] for version in current]
        ordered = sorted(newest, key=lambda program: -program.machine.entry.priority)
        for program in ordered:
            if program.machine.entry.trigger is not None:
                continue
            name = program.machine.entry.event
            self.entering[name] = (*self.entering.get(name, ()), program)
        self.started = {program.machine.journey: program for program in newest}
        """The current program of each journey that takes new entries."""
        self.dated = tuple(program for program in newest if program.date is not None)
        """Those that start by a date of the customer."""
        self.groups = {p.machine.journey: p.machine.entry.group for p in (*self._programs.values(), *newest)}
        """The exclusive group of each journey, as its current version has it; empty where it has none."""
        self.bounded = frozenset(p.machine.journey for p in newest if p.machine.entry.max_active is not None)
        """Journeys that only so many can be in."""
        self.segments = segments_of(ordered)
        """Segments that current ones are entered by."""
        needs = [program.machine.needs for program in self._programs.values()]
        self.history = frozenset(name for need in needs for name in need.history)
        """Names of the events that some machine asks the history of."""
        self._moved_by = {version: _moved_by(program) for version, program in self._programs.items()}

    def __getitem__(self, version: str) -> Program:
        """Return the program of a version."""
        return self._programs[version]

    def may_move(self, version: str, event: str) -> bool:
        """Return whether an event of this name can change anything for those inside a version."""
        names = self._moved_by[version]
        return names is None or event in names

    def may_change(self, version: str) -> bool:
        """Return whether a change of the profile alone can change anything for those inside a version."""
        return self._moved_by[version] is None


def _moved_by(program: Program) -> frozenset[str] | None:
    """Return the names of the events that matter to a program; `None` where every event does."""
    machine = program.machine
    watches = any(rule.event is None for rule in machine.exits) or any(
        isinstance(t.trigger, When) for state in machine.states for t in state.transitions
    )
    return None if watches else frozenset(machine.needs.events)
