"""What keeps a run, live or replayed, from starting on journeys that leave somebody inside without a step.

Takes a project and the store that is to be run on; ends the command, or does nothing.
"""

from journeyscript.checks.changes.change import crowd
from journeyscript.cli.shared import cannot
from journeyscript.compiler import Project
from journeyscript.runtime.changing.planning import unplanned
from journeyscript.stores.records import Store


def refuse_to_strand(project: Project, store: Store) -> None:
    """End the command where people stand at steps that are gone: a plan says what becomes of them."""
    left = unplanned(project, store)
    if left:
        first, more = left[0], len(left) - 1
        others = f", and so it is at {more} other step{'s' if more > 1 else ''}" if more else ""
        stand = f"{crowd(first.people, first.test)} {'stands' if first.people + first.test == 1 else 'stand'}"
        cannot(
            f"`{first.step}` of `{first.journey}` is gone, and {stand} at it{others}",
            "`journeyscript plan` says what becomes of them, and `journeyscript apply` does it",
        )
