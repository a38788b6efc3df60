"""Customers, and what happens to them whatever the journeys are: records, time, merges, erasures, pauses.

A `People` is what a model of journeys is built on: it takes records and the passing of time, brings them into the order
in which they count, and asks the model what comes of each. No machine, no store, no engine: it shares no code with the
program.
"""

from dataclasses import dataclass, field

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
GRACE = 5 * MINUTE
OLDEST = DAY
LONGEST_LIFE = 365 * DAY


def next_second(at):
    return -(-at // SECOND) * SECOND


@dataclass
class Inside:
    """Somebody's way through a journey. `due` is when their time is up, `since` when they came to where they stand."""

    journey: str
    key: str
    variant: int
    at: int
    since: int
    due: int | None = None
    deadline: int | None = None
    status: str = "active"
    reason: str | None = None

    def end(self, status, reason=None):
        self.status, self.reason, self.due, self.deadline = status, reason, None, None

    def move(self, lasted):
        """Let a pause not have been: all that was due is due as much later, in whole seconds."""
        self.due += next_second(lasted)
        if self.deadline is not None:
            self.deadline += next_second(lasted)


@dataclass
class Person:
    """A customer. `entries` are in the order of their trial; `entered` says when each place was entered last."""

    name: str
    attributes: dict = field(default_factory=dict)
    consent: dict = field(default_factory=dict)
    suppressed: set = field(default_factory=set)
    entries: list = field(default_factory=list)
    entered: dict = field(default_factory=dict)
    ids: set = field(default_factory=set)
    changes: set = field(default_factory=set)
    """The ids of records that only changed the profile; of so few that none of them is forgotten."""
    history: list = field(default_factory=list)
    """What happened, in no order, as (event, properties, when)."""

    def inside(self, journey, key=""):
        return next((e for e in self.entries if (e.journey, e.key, e.status) == (journey, key, "active")), None)

    def active(self):
        return [one for one in self.entries if one.status == "active"]


class People:
    """Everybody, and what happens to them. A model says what events, timers and changes of a profile do."""

    def __init__(self):
        self.people, self.aliases = {}, {}
        self.paused, self.stopped, self.stale_before = {}, set(), {}
        self.now = 0
        self.gone = []
        """The entries of those who were erased: they count, and belong to nobody."""

    # What a model says ----------------------------------------------------------------------------------------------

    def happen(self, person, name, properties, at, *, may_start):
        """Let an event happen to somebody at its time."""
        raise NotImplementedError

    def changed(self, person, at):
        """Let somebody be looked at whose profile has changed."""
        raise NotImplementedError

    def fire(self, person, one, moment):
        """Let the time of somebody be up."""
        raise NotImplementedError

    def cancel(self, one, reason, *, on_its_way):
        """Let go of what somebody who has left still had to be sent; `on_its_way`: also of what was decided."""

    def fire_first(self, person, until, at):
        """Fire what is due first, at `at` or when it is due, whichever is later; return whether anything was."""
        due = [e for e in person.entries if e.due is not None and e.due <= until and e.journey not in self.paused]
        if not due:
            return False
        first = min(due, key=lambda e: (e.due, person.entries.index(e)))
        self.fire(person, first, max(first.due, until if at is None else at))
        return True

    def first_due(self, person):
        """Return when somebody's time is up next, or `None`."""
        return min((e.due for e in person.entries if e.due is not None and e.journey not in self.paused), default=None)

    # What comes from outside ----------------------------------------------------------------------------------------

    def take(self, records, now):
        """Take in a batch: records in the order of their time, then the timers of those who had one up before."""
        self.now = now
        waiting = [p for p in self.people.values() if (due := self.first_due(p)) is not None and due <= now]
        waiting.sort(key=self.first_due)
        for record in sorted(records, key=lambda one: one["time"]):
            if not self._seen(record):
                self._record(self.person(record["customer"]), record, now)
        for person in waiting:
            self._timers(person, now, None)

    def _seen(self, record):
        """Whether a record of this id was taken in before: one with an event by anybody, others by their customer."""
        told = record.get("id")
        changes = record.get("attributes") or record.get("consent")
        if told is None or ("event" not in record and not changes):
            return False
        if "event" not in record:
            known = self.person(record["customer"]).changes
            before = told in known
            known.add(told)
            return before
        if any(told in one.ids for one in self.people.values()):
            return True
        self.person(record["customer"]).ids.add(told)
        return False

    def person(self, name):
        name = self.aliases.get(name, name)
        return self.people.setdefault(name, Person(name))

    def _record(self, person, record, now):
        at = min(record["time"], now)
        self._timers(person, at - 1, at)
        person.attributes.update(record.get("attributes", {}))
        person.consent.update(record.get("consent", {}))
        if "event" in record:
            self.happen(person, record["event"], record.get("properties", {}), at, may_start=at >= now - OLDEST)
        else:
            self.changed(person, at)

    def _timers(self, person, until, at):
        while self.fire_first(person, until, at):
            pass

    # Who is who -----------------------------------------------------------------------------------------------------

    def merge(self, name, into, now):
        """Let `name` be `into` from now on; return whether that is possible."""
        into_person = self.people.get(self.aliases.get(into, into))
        person = self.people.get(self.aliases.get(name, name))
        if name == into or (person is not None and person is into_person):
            return True
        if person is not None and person.name != name:
            return person.name == into
        if person is None:
            kept = into_person or self.person(into)
        elif into_person is None:
            kept = self.people[into] = self.people.pop(name)
            kept.name = into
            self.renamed(name, into)
        else:
            kept = into_person
            self.unite(kept, self.people.pop(name))
        for alias, owner in self.aliases.items():
            if owner == name:
                self.aliases[alias] = kept.name
        self.aliases[name] = kept.name
        self.united(kept, now)
        return True

    def united(self, person, now):
        """Look at somebody who goes by another name now."""

    def renamed(self, before, after):
        """Know somebody by another name."""

    def unite(self, stays, leaves):
        for one in leaves.active():
            other = stays.inside(one.journey, one.key)
            if other is not None:
                younger = other if one.at < other.at else one
                younger.end("exited", "merged")
                self.cancel(younger, "cancelled", on_its_way=True)
        stays.entries += leaves.entries
        stays.history += leaves.history
        stays.ids |= leaves.ids
        stays.changes |= leaves.changes
        stays.suppressed |= leaves.suppressed
        known = {name: value for name, value in stays.attributes.items() if value is not None}
        stays.attributes = {**leaves.attributes, **known}
        for channel, answer in leaves.consent.items():
            stays.consent[channel] = stays.consent.get(channel, answer) and answer
        for place, at in leaves.entered.items():
            stays.entered[place] = max(at, stays.entered.get(place, at))

    def erase(self, name):
        person = self.people.pop(self.aliases.get(name, name), None)
        if person is None:
            return
        for one in person.entries:
            if one.status == "active":
                one.end("exited", "deleted")
            self.cancel(one, "deleted", on_its_way=True)
        self.gone += person.entries
        self.aliases = {alias: owner for alias, owner in self.aliases.items() if owner != person.name}

    # What an operator orders ----------------------------------------------------------------------------------------

    def pause(self, journey, now):
        self.paused.setdefault(journey, now)

    def resume(self, journey, overdue, now):
        """Let a journey go on that was paused or stopped."""
        paused_at = self.paused.pop(journey, None)
        self.stopped.discard(journey)
        if paused_at is None:
            return
        if overdue == "skip_stale":
            self.stale_before[journey] = now
        for one in self.everybody_in(journey):
            if overdue == "recompute" and one.status == "active":
                one.move(max(0, now - max(paused_at, one.since)))
            self.resumed(one, overdue, paused_at, now)

    def resumed(self, one, overdue, paused_at, now):
        """Let what an entry still had to be sent go on, too."""

    def stop(self, journey, *, leave):
        """Let nobody into a journey any more; with `leave`, everybody inside goes out."""
        self.stopped.add(journey)
        for one in self.everybody_in(journey) if leave else ():
            if one.status == "active":
                one.end("exited", "stopped")
                self.cancel(one, "cancelled", on_its_way=False)

    def everybody_in(self, journey):
        return [one for person in self.people.values() for one in person.entries if one.journey == journey]

    def closed(self, journey):
        return journey in self.paused or journey in self.stopped

    def all_entries(self):
        return [*self.gone, *(one for person in self.people.values() for one in person.entries)]
