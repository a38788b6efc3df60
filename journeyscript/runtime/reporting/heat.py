"""How many stand at each state of a journey, went on from it, or ended there: what a heat map shows.

Takes a store, counts all versions together, since a step keeps its id over versions. Knows nothing of pictures' forms.
"""

from collections import Counter

from journeyscript.machine.pictures.picture import Heat
from journeyscript.stores.records import Store


def heat_of(store: Store, journey: str) -> dict[str, Heat]:
    """Return the counts of every state at which an enrollment of the journey ever was, in any version."""
    here: Counter[str] = Counter()
    left: Counter[str] = Counter()
    reached: Counter[str] = Counter()
    for one in store.journey_counts():
        if one.journey == journey:
            (here if one.status == "active" else left)[one.state] += one.count
    for states in store.reached(journey).values():
        reached.update(states)
    return heat(here, left, reached)


def heat(here: Counter[str], left: Counter[str], reached: Counter[str]) -> dict[str, Heat]:
    """Return the heat of states by how many stand there, ended there, and ever came there."""
    return {
        state: Heat(here=here[state], passed=max(0, reached[state] - here[state] - left[state]), left=left[state])
        for state in sorted(here | left | reached)
    }
