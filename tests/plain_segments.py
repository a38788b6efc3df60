"""Who must be in which of five journeys that segments, places and groups let people into, written down plainly.

A `Town` asks every condition anew, of the whole history, whenever something happens and whenever a purchase falls out
of a window. Shares no code with the program.
"""

from collections import Counter

from tests.plain_people import DAY, Inside, People, next_second

FILES = {
    "journeyscript.yaml": "name: town\n",
    "catalog/customer.yaml": "attributes:\n  level: { type: string, optional: true }\n",
    "catalog/events.yaml": "events:\n  purchased: {}\n  reserved: {}\n",
    "catalog/segments.yaml": """
segments:
  gold: { when: 'has customer.level and customer.level == "gold"' }
  regular: { when: "count(purchased, last 30 days) >= 2" }
  silent: { when: "not did(purchased, last 90 days)" }
""",
    "journeys/club.yaml": """
journey: club
entry: { segment: gold, again: after 10 days }
exclusive_group: offers
steps:
  - wait: 2 days
""",
    "journeys/lost.yaml": """
journey: lost
entry: { segment: regular, on: leave, again: always }
steps:
  - wait: 10 days
""",
    "journeys/seat.yaml": """
journey: seat
entry: { event: reserved, again: always, max_active: 1 }
exclusive_group: offers
steps:
  - wait: 4 days
""",
    "journeys/thanks.yaml": """
journey: thanks
entry: { segment: regular, again: after 20 days }
exclusive_group: offers
steps:
  - wait: 3 days
""",
    "journeys/win_back.yaml": """
journey: win_back
entry: { segment: silent, again: always }
exclusive_group: offers
priority: 1
exit: [{ event: purchased }]
steps:
  - wait: 5 days
""",
}
MONTH, SILENCE = 30 * DAY, 90 * DAY
LASTS = {"club": 2 * DAY, "lost": 10 * DAY, "seat": 4 * DAY, "thanks": 3 * DAY, "win_back": 5 * DAY}
AGAIN = {"club": 10 * DAY, "thanks": 20 * DAY}
PLACES = {"seat": 1}
OFFERS = {"club", "seat", "thanks", "win_back"}
STARTS = {("silent", True): "win_back", ("gold", True): "club", ("regular", False): "lost", ("regular", True): "thanks"}
"""Which journey begins by coming into a segment (`True`) or leaving it, those tried first before the others."""


def segments(person, at):
    """Return the segments that somebody is in, as of an instant; a window has both its ends in it."""
    bought = [when for name, _, when in person.history if name == "purchased"]
    found = {"gold"} if person.attributes.get("level") == "gold" else set()
    if sum(at - MONTH <= when <= at for when in bought) >= 2:
        found.add("regular")
    if not any(at - SILENCE <= when <= at for when in bought):
        found.add("silent")
    return found


class Town(People):
    """Everybody, the segments they are in, and the journeys."""

    def __init__(self):
        super().__init__()
        self.inside, self.looked = {}, {}
        self.refused = {}

    # When time alone changes something -------------------------------------------------------------------------------

    def _changes(self, person):
        """Return the first whole second at which a purchase falls out of a window and changes something, or `None`."""
        bought = [when for name, _, when in person.history if name == "purchased"]
        ends = sorted(next_second(when + window + 1) for when in bought for window in (MONTH, SILENCE))
        later = (end for end in ends if end > self.looked[person.name])
        return next((end for end in later if segments(person, end) != self.inside[person.name]), None)

    def first_due(self, person):
        moments = [super().first_due(person), self._changes(person)]
        return min((moment for moment in moments if moment is not None), default=None)

    def fire_first(self, person, until, at):
        first = self.first_due(person)
        if first is None or first > until:
            return False
        moment = max(first, until if at is None else at)
        ends = [one for one in person.entries if one.due == first and one.journey not in self.paused]
        if ends:
            ends[0].end("completed")
        self._look(person, moment)
        return True

    # What happens ---------------------------------------------------------------------------------------------------

    def happen(self, person, name, properties, at, *, may_start):
        person.history.append((name, properties, at))
        for one in person.active():
            if name == "purchased" and one.journey == "win_back" and at >= one.at:
                one.end("exited", "purchased")
        if name == "reserved":
            self._ask(person, "seat", at, may_start=may_start)
        self._look(person, at if may_start else self.now, may_start=may_start)

    def changed(self, person, at):
        self._look(person, at)

    def _look(self, person, at, *, may_start=True):
        """Find which segments somebody has come into or left, and ask the journeys that begin by it."""
        before, now = self.inside.get(person.name, set()), segments(person, at)
        self.inside[person.name], self.looked[person.name] = now, at
        for (segment, enters), journey in STARTS.items():
            if (segment in now) is enters and (segment in before) is not enters:
                self._ask(person, journey, at, may_start=may_start)

    def _ask(self, person, journey, at, *, may_start):
        reason = self._refusal(person, journey, at, may_start=may_start)
        if reason is not None:
            self.refused.setdefault(person.name, Counter())[journey, reason] += 1
            return
        person.entries.append(Inside(journey, "", 1, at, at, due=next_second(at + LASTS[journey])))
        person.entered[journey] = at

    def _refusal(self, person, journey, at, *, may_start):
        """Return why a journey does not let somebody in."""
        last = person.entered.get(journey)
        if not may_start:
            return "stale_event"
        if person.inside(journey) is not None:
            return "inside"
        if journey in OFFERS and any(one.journey in OFFERS for one in person.active()):
            return "exclusive_group"
        if last is not None and at - last < AGAIN.get(journey, 0):
            return "again"
        if self.closed(journey):
            return "paused" if journey in self.paused else "stopped"
        if sum(one.status == "active" for one in self.everybody_in(journey)) >= PLACES.get(journey, 1_000):
            return "max_active"
        return None

    # Who is who -----------------------------------------------------------------------------------------------------

    def unite(self, stays, leaves):
        super().unite(stays, leaves)
        refused = self.refused.get(leaves.name, Counter())
        self._forget(leaves.name)
        self.refused.setdefault(stays.name, Counter()).update(refused)

    def united(self, person, now):
        """A merge leads somebody to where they are, and starts nothing."""
        self.inside[person.name], self.looked[person.name] = segments(person, now), now

    def renamed(self, before, after):
        self.refused[after] = self.refused.get(before, Counter())
        self._forget(before)

    def erase(self, name):
        self._forget(self.aliases.get(name, name))
        super().erase(name)

    def _forget(self, name):
        for kept in (self.inside, self.looked, self.refused):
            kept.pop(name, None)
