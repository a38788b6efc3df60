"""A plan carried out: exactly what it said, in one transaction, or not at all.

Takes a saved plan and one made just now of the same project and store. It holds where the journeys and what is deployed
are the same, and where everybody who is inside now stands at a step that the plan speaks of, with the same fate. That
others stand there than at the time, or more of them, changes nothing of it.
"""

from journeyscript.runtime.changing.planning import JourneyPlan, Line, Plan, Planned
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Store


def outdated(saved: Plan, now: Plan) -> str | None:
    """Return why a saved plan does not hold any more, or `None` where it does."""
    if saved.versions != now.versions:
        changed = sorted(name for name, version in now.versions.items() if saved.versions.get(name) != version)
        names = ", ".join(f"`{name}`" for name in changed or sorted(saved.versions.keys() - now.versions.keys()))
        return f"the plan is for other journeys than the files say now: {names}"
    if saved.deployed != now.deployed:
        return "other versions were deployed to the store since the plan was made"
    said = {(one.journey, line.version, line.step): line for one in saved.journeys for line in one.lines}
    for journey in now.journeys:
        for line in journey.lines:
            why = _differs(said.get((journey.journey, line.version, line.step)), line, journey)
            if why is not None:
                return why
    return None


def apply_plan(store: Store, planned: Planned, at: Instant) -> None:
    """Deploy the journeys and move those inside, as of `at`, in one transaction.

    Raises:
        ValueError: the plan is blocked.
    """
    if planned.blocked:
        raise ValueError("a blocked plan cannot be applied")
    store.switch(planned.deployments, at, planned.changes)


def _differs(said: Line | None, line: Line, journey: JourneyPlan) -> str | None:
    where = f"`{line.step}` of `{journey.journey}`"
    if said is None:
        return f"somebody stands at {where} now, and the plan says nothing of them"
    if (said.fate, said.to, said.timer) != (line.fate, line.to, line.timer):
        return f"those at {where} would go elsewhere now than the plan says"
    more = {one.message for one in line.again} - {one.message for one in said.again}
    if more:
        return f"somebody at {where} would receive `{min(more)}` again now, and the plan says nothing of it"
    return None
