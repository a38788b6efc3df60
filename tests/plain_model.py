"""What must happen to the customers of three journeys, written down plainly: no machine, no store, no engine.

A world takes records, merges, erasures and the passing of time, and knows at every moment who stands where and which
messages were asked for. Slow and naive on purpose; shares no code with the program.
"""

from dataclasses import dataclass, field

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
GRACE = 5 * MINUTE
OLDEST = DAY

WELCOME = """
journey: welcome
entry: {{ event: signed_up, again: never }}
exit: [{{ event: closed }}]
steps:
  - send: hello
    via: post
  - wait: {wait}
  - send: mail
    via: email
"""
ORDER = """
journey: order
entry: { event: ordered, key: event.number, again: always }
steps:
  - wait_for: paid
    where: event.number == entry.event.number
    timeout: 2 hours
    then:
      - emit: thanked
      - exit: paid
    else:
      - send: reminder
        via: post
      - set: { level: '"late"' }
"""
THANKS = """
journey: thanks
entry: { event: thanked, again: after 1 day, while_active: restart }
goal: { event: ordered, exit: true }
exit: [{ when: '(customer.level ?? "none") == "late"' }]
steps:
  - wait: 6 hours
  - send: thanks
    via: post
"""
FILES = {
    "journeyscript.yaml": "name: shop\n",
    "catalog/customer.yaml": """
attributes:
  email: { type: string, optional: true }
  level: { type: string, optional: true }
""",
    "catalog/events.yaml": """
events:
  signed_up: {}
  closed: {}
  ordered: { properties: { number: { type: integer } } }
  paid: { properties: { number: { type: integer } } }
  thanked: {}
""",
    "channels/post/channel.yaml": "adapter: file\nmedium: text\nconsent: none\nretry: { attempts: 4 }\n",
    "channels/post/hello.txt": "Hello",
    "channels/post/reminder.txt": "Please pay",
    "channels/post/thanks.txt": "Thank you",
    "channels/email/channel.yaml": "adapter: file\nmedium: email\nconsent: opt_in\nsender: shop@shop.example\n"
    "unsubscribe: { mailto: stop@shop.example }\non_unknown: retry\n",
    "channels/email/mail.md": "---\nsubject: Hello\n---\nHello again\n",
    "journeys/order.yaml": ORDER,
    "journeys/thanks.yaml": THANKS,
}
VARIANTS = {1: DAY, 2: 2 * DAY}
"""How long `welcome` waits in each of its two versions."""


def project_files(variant):
    """Return the files of the project in one of its variants."""
    wait = WELCOME.format(wait=f"{VARIANTS[variant] // HOUR} hours")
    return {**FILES, "journeys/welcome.yaml": wait}


def next_second(at):
    return -(-at // SECOND) * SECOND


@dataclass
class Entry:
    """Somebody's way through a journey. `due` is when their time is up, `deadline` until when a payment counts."""

    journey: str
    key: str
    variant: int
    at: int
    since: int
    due: int | None = None
    deadline: int | None = None
    status: str = "active"
    reason: str | None = None
    asked: list = field(default_factory=list)

    def end(self, status, reason=None):
        self.status, self.reason, self.due, self.deadline = status, reason, None, None


@dataclass
class Person:
    """A customer. `entries` are in the order of their trial; `entered` says when each place was entered last."""

    name: str
    attributes: dict = field(default_factory=dict)
    consent: dict = field(default_factory=dict)
    entries: list = field(default_factory=list)
    entered: dict = field(default_factory=dict)
    ids: set = field(default_factory=set)

    def inside(self, journey, key=""):
        return next((e for e in self.entries if (e.journey, e.key, e.status) == (journey, key, "active")), None)


class World:
    """Everybody, and what happens to them."""

    def __init__(self):
        self.people, self.aliases, self.variant = {}, {}, 1
        self.paused, self.stopped, self.stale_before = set(), set(), {}
        self.gone = []
        """The entries of those who were erased: they count, and belong to nobody."""

    # What comes from outside ----------------------------------------------------------------------------------------

    def take(self, records, now):
        """Take in a batch: records in the order of their time, then the timers of those who had one up before."""
        waiting = [person for person in self.people.values() if self._ready(person, now)]
        for record in sorted(records, key=lambda one: one["time"]):
            told = record.get("id") if "event" in record else None
            if told is not None and any(told in one.ids for one in self.people.values()):
                continue
            person = self.person(record["customer"])
            if told is not None:
                person.ids.add(told)
            self._record(person, record, now)
        for person in waiting:
            self._timers(person, now, None)

    def person(self, name):
        name = self.aliases.get(name, name)
        return self.people.setdefault(name, Person(name))

    def merge(self, name, into):
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
        else:
            kept = into_person
            self._unite(kept, self.people.pop(name))
        for alias, owner in self.aliases.items():
            if owner == name:
                self.aliases[alias] = kept.name
        self.aliases[name] = kept.name
        return True

    def _unite(self, stays, leaves):
        for one in leaves.entries:
            other = stays.inside(one.journey, one.key)
            if one.status == "active" and other is not None:
                (other if one.at < other.at else one).end("exited", "merged")
        stays.entries += leaves.entries
        stays.ids |= leaves.ids
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
        self.gone += person.entries
        self.aliases = {alias: owner for alias, owner in self.aliases.items() if owner != person.name}

    def resume(self, journey, overdue, now):
        """Let a journey go on that was paused or stopped."""
        if journey in self.paused and overdue == "skip_stale":
            self.stale_before[journey] = now
        self.paused.discard(journey)
        self.stopped.discard(journey)

    def stop(self, journey, *, leave):
        """Let nobody into a journey any more; with `leave`, everybody inside goes out."""
        self.stopped.add(journey)
        for person in self.people.values() if leave else ():
            for one in person.entries:
                if (one.journey, one.status) == (journey, "active"):
                    one.end("exited", "stopped")

    def _closed(self, journey):
        return journey in self.paused or journey in self.stopped

    # What comes of it -------------------------------------------------------------------------------------------------

    def _record(self, person, record, now):
        at = min(record["time"], now)
        self._timers(person, at - 1, at)
        person.attributes.update(record.get("attributes", {}))
        person.consent.update(record.get("consent", {}))
        if "event" in record:
            number = record.get("properties", {}).get("number")
            self._happen(person, [(record["event"], number, at)], may_start=at >= now - OLDEST)
        else:
            for one in person.entries:
                if one.status == "active" and at >= one.at:
                    self._leaves(person, one)

    def _ready(self, person, until):
        due = [e for e in person.entries if e.due is not None and e.due <= until]
        return [e for e in due if e.journey not in self.paused]

    def _timers(self, person, until, at):
        while ready := self._ready(person, until):
            first = min(ready, key=lambda e: (e.due, person.entries.index(e)))
            moment = max(first.due, until if at is None else at)
            self._happen(person, self._fire(person, first, moment), may_start=True)

    def _happen(self, person, events, *, may_start):
        for name, number, at in events:
            for one in list(person.entries):
                if one.status == "active" and at >= one.at:
                    events += self._move(person, one, name, number, at)
            if may_start:
                self._enter(person, name, number, at)

    def _leaves(self, person, one):
        """Whether the customer as they are is let out of a journey."""
        if one.journey == "thanks" and person.attributes.get("level") == "late":
            one.end("exited", "condition 1")
            return True
        return False

    def _move(self, person, one, name, number, at):
        """Let an event move somebody who is inside; return the events that come of it."""
        if self._leaves(person, one):
            return []
        match one.journey, name:
            case "welcome", "closed":
                one.end("exited", "closed")
            case "thanks", "ordered":
                one.end("exited", "goal")
            case "order", "paid" if one.key == repr(number) and one.since <= at <= one.deadline:
                one.end("exited", "paid")
                return [("thanked", None, max(at, one.since))]
            case _:
                pass
        return []

    def _fire(self, person, one, moment):
        """Let the time of somebody be up."""
        late = moment - one.due > DAY or one.due < self.stale_before.get(one.journey, one.due)
        if self._leaves(person, one):
            return []
        match one.journey:
            case "welcome":
                one.asked.append(("mail", "stale" if late else self._stopped(person)))
            case "order":
                one.asked.append(("reminder", "stale" if late else None))
                person.attributes["level"] = "late"
            case "thanks":
                one.asked.append(("thanks", "stale" if late else None))
        one.end("completed")
        return []

    def _stopped(self, person):
        """Return why a mail cannot go out."""
        if not person.attributes.get("email"):
            return "no_address"
        return None if person.consent.get("email") is True else "no_consent"

    def _enter(self, person, name, number, at):
        match name:
            case "signed_up" if ("welcome", "") not in person.entered and not self._closed("welcome"):
                one = self._begin(person, "welcome", "", at)
                one.due = next_second(at + VARIANTS[one.variant])
                one.asked.append(("hello", None))
            case "ordered" if person.inside("order", repr(number)) is None and not self._closed("order"):
                one = self._begin(person, "order", repr(number), at)
                one.deadline = next_second(at + 2 * HOUR)
                one.due = one.deadline + GRACE
            case "thanked":
                self._thank(person, at)
            case _:
                pass

    def _thank(self, person, at):
        inside = person.inside("thanks")
        if self._closed("thanks"):
            return
        if inside is not None:
            if at < inside.at:
                return
            inside.end("exited", "restarted")
        elif at - person.entered.get(("thanks", ""), at - DAY) < DAY:
            return
        self._begin(person, "thanks", "", at).due = next_second(at + 6 * HOUR)

    def _begin(self, person, journey, key, at):
        variant = self.variant if journey == "welcome" else 1
        one = Entry(journey, key, variant, at, at)
        person.entries.append(one)
        person.entered[journey, key] = at
        return one
