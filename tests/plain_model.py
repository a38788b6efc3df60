"""What must happen to the customers of three journeys, written down plainly: no machine, no store, no engine.

A world takes records, merges, erasures and the passing of time, and knows at every moment who stands where and which
messages were asked for. Slow and naive on purpose; shares no code with the program.
"""

from dataclasses import dataclass, field

from tests.plain_people import DAY, GRACE, HOUR, Inside, People, next_second

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


def project_files(variant, timer=None):
    """Return the files of the project in one of its variants; `timer` is what its `migrate` says, where it has one."""
    text = WELCOME.format(wait=f"{VARIANTS[variant] // HOUR} hours")
    migrate = f"migrate: {{ timer: {timer} }}\n" if timer else ""
    return {**FILES, "journeys/welcome.yaml": text + migrate}


@dataclass
class Entry(Inside):
    """`asked` are the messages that were asked for, each with why it was not sent, as far as that is known at once."""

    asked: list = field(default_factory=list)


class World(People):
    """Everybody, in the three journeys."""

    def __init__(self):
        super().__init__()
        self.variant = 1

    def edit(self, variant, timer, now):
        """Let `welcome` be another version; `timer` says what comes of the time of those inside, `None`: they stay."""
        self.variant = variant
        for one in self.everybody_in("welcome") if timer else ():
            if one.status == "active" and one.variant != variant:
                one.variant = variant
                if timer == "recompute":
                    one.due = next_second(max(one.since + VARIANTS[variant], now))

    def happen(self, person, name, properties, at, *, may_start):
        events = [(name, properties.get("number"), at)]
        for event, number, moment in events:
            for one in list(person.entries):
                if one.status == "active" and moment >= one.at:
                    events += self._move(person, one, event, number, moment)
            if may_start:
                self._enter(person, event, number, moment)

    def changed(self, person, at):
        for one in person.active():
            if at >= one.at:
                self._leaves(person, one)

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

    def fire(self, person, one, moment):
        late = moment - one.due > DAY or one.due < self.stale_before.get(one.journey, one.due)
        if self._leaves(person, one):
            return
        match one.journey:
            case "welcome":
                one.asked.append(("mail", "stale" if late else self._stopped(person)))
            case "order":
                one.asked.append(("reminder", "stale" if late else None))
                person.attributes["level"] = "late"
            case "thanks":
                one.asked.append(("thanks", "stale" if late else None))
        one.end("completed")

    def _stopped(self, person):
        """Return why a mail cannot go out."""
        if not person.attributes.get("email"):
            return "no_address"
        return None if person.consent.get("email") is True else "no_consent"

    def _enter(self, person, name, number, at):
        match name:
            case "signed_up" if ("welcome", "") not in person.entered and not self.closed("welcome"):
                one = self._begin(person, "welcome", "", at)
                one.due = next_second(at + VARIANTS[one.variant])
                one.asked.append(("hello", None))
            case "ordered" if person.inside("order", repr(number)) is None and not self.closed("order"):
                one = self._begin(person, "order", repr(number), at)
                one.deadline = next_second(at + 2 * HOUR)
                one.due = one.deadline + GRACE
            case "thanked":
                self._thank(person, at)
            case _:
                pass

    def _thank(self, person, at):
        inside = person.inside("thanks")
        if self.closed("thanks"):
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
