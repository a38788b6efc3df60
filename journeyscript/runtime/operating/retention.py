"""What may be taken away after a while: what ended before then, and events that no journey looks at any more.

Takes the versions that a store keeps; says from when on each event is still looked at. Takes nothing away itself.
"""

from collections.abc import Iterable, Mapping

from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Deployment, Store

SHORTEST = 30 * 86_400_000
"""Milliseconds for which everything is kept at least: repeated inputs and frequency caps look back that far."""


def looked_at(store: Store, now: Instant) -> dict[str, Instant | None]:
    """Return, for each event that somebody may still look at, since when; `None`: always.

    Somebody is every version that takes entries, or that somebody is still inside of.
    """
    deployments, current = store.deployments()
    everybody = (*store.journey_counts(), *store.journey_counts(test=True))
    inside = {one.version for one in everybody if one.status == "active"}
    return reach([deployments[version] for version in deployments if version in current | inside], now)


def reach(deployments: Iterable[Deployment], now: Instant) -> dict[str, Instant | None]:
    """Return since when these versions look at each event as of `now`; `None`: always."""
    since: dict[str, Instant | None] = {}
    for deployment in deployments:
        history: Mapping[str, int | None] = deployment.machine.needs.history
        for event, back in history.items():
            known = since.get(event, now)
            since[event] = None if back is None or known is None else min(known, now - back)
    return since
