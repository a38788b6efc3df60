"""What must become of the messages of three journeys under caps and quiet hours, written down plainly.

A `Mailroom` knows of every message that a step asked for whether it waits, is on its way, or has ended, and why. What
the other sides answer, it is told. Shares no code with the program.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.plain_people import DAY, GRACE, HOUR, LONGEST_LIFE, MINUTE, SECOND, Inside, People, next_second

FILES = {
    "journeyscript.yaml": """
name: shop
policies:
  caps:
    - { messages: 2, per: 24 hours }
    - { messages: 1, per: 6 hours, channel: email }
  quiet_hours: { between: ["21:00", "08:00"] }
  release_over: 1 second
""",
    "catalog/customer.yaml": """
attributes:
  email: { type: string, optional: true }
  timezone: { type: string, optional: true }
  level: { type: string, optional: true }
""",
    "catalog/events.yaml": """
events:
  asked: { properties: { number: { type: integer } } }
  subscribed: {}
  opened: {}
  closed: {}
""",
    "channels/email/channel.yaml": """
adapter: file
medium: email
consent: opt_in
sender: shop@shop.example
unsubscribe: { mailto: stop@shop.example }
on_unknown: retry
retry: { attempts: 2, first: 1 minute, longest: 1 hour }
""",
    "channels/text/channel.yaml": """
adapter: file
medium: text
consent: opt_out
quiet_hours: none
retry: { attempts: 2, first: 1 minute, longest: 1 hour }
""",
    "channels/email/news.md": "---\nsubject: News\n---\nNews\n",
    "channels/text/news.txt": "News",
    "channels/text/offer.txt": "An offer",
    "channels/email/digest.md": "---\nsubject: This week\n---\nThis week\n",
    "channels/text/receipt.txt": "---\nclass: transactional\n---\nThank you",
    "journeys/digest.yaml": """
journey: digest
entry: { event: subscribed, again: always }
exit: [{ when: '(customer.level ?? "none") == "done"' }]
steps:
  - wait_for: opened
    timeout: 2 hours
  - send: digest
    via: email
    when_capped: { delay: 10 hours }
    max_age: 16 hours
  - wait: 1 hour
  - send: receipt
    via: text
""",
    "journeys/news.yaml": """
journey: news
entry: { event: asked, key: event.number, again: always }
exit: [{ event: closed }]
steps:
  - send: news
    via: [email, text]
    max_age: 12 hours
""",
    "journeys/offer.yaml": """
journey: offer
entry: { event: asked, again: always }
steps:
  - send: offer
    via: text
""",
}


@dataclass(frozen=True)
class Letter:
    """A message that a step asks for; `delay` is how long it waits where a cap stops it."""

    name: str
    via: tuple[str, ...]
    marketing: bool = True
    max_age: int = DAY
    delay: int = 0


@dataclass(frozen=True)
class Wait:
    """A time to wait; one that waits for an event is patient beyond its end."""

    lasts: int
    event: str | None = None


STEPS = {
    "digest": (
        Wait(2 * HOUR, "opened"),
        Letter("digest", ("email",), max_age=16 * HOUR, delay=10 * HOUR),
        Wait(HOUR),
        Letter("receipt", ("text",), marketing=False),
    ),
    "news": (Letter("news", ("email", "text"), max_age=12 * HOUR),),
    "offer": (Letter("offer", ("text",)),),
}
CAPS = ((2, 24 * HOUR, None), (1, 6 * HOUR, "email"))
"""How many in what time on which channel, `None` for all together."""

ATTEMPTS, FIRST_RETRY = 2, MINUTE
ASKED_AGAIN = MINUTE
"""From so long after its decision on, a message is asked for again before it is handed over."""


def quiet_until(now, zone):
    """Return when the night is over that `now` lies in, or `None` by day."""
    local = datetime.fromtimestamp(now // SECOND, ZoneInfo(zone))
    if 8 <= local.hour < 21:
        return None
    day = local.date() + timedelta(days=local.hour >= 21)
    return int(datetime(day.year, day.month, day.day, 8, tzinfo=ZoneInfo(zone)).timestamp()) * SECOND


@dataclass(eq=False)
class Message:
    """A message from the decision on. `available` is `None` until it is known when it is tried again."""

    letter: Letter
    journey: str
    channel: str
    created: int
    expires: int | None
    status: str
    reason: str | None = None
    available: int | None = None
    attempts: int = 0
    settled: int | None = None
    address: str | None = None

    def end(self, status, reason, now):
        self.status, self.reason, self.settled = status, reason, now

    def counts_at(self, now):
        """Return when it counts against the caps: once it was sent, until then as of now."""
        return self.settled if self.status == "sent" else max(self.available, now)


@dataclass
class Way(Inside):
    """A way through a journey: `position` is the step, `held` why its message waits, `planned` since when."""

    position: int = 0
    held: str | None = None
    planned: int = 0
    messages: list = field(default_factory=list)

    def move(self, lasted):
        super().move(lasted)
        if self.held is not None:
            self.since += lasted
            self.planned += lasted


class Mailroom(People):
    """Everybody's messages, and the list of addresses that nobody is written to at."""

    def __init__(self):
        super().__init__()
        self.listed = set()

    def list_address(self, address):
        self.listed.add(address.lower())

    def unlist_address(self, address):
        self.listed.discard(address.lower())
        for person in self.people.values():
            person.suppressed = {one for one in person.suppressed if one.lower() != address.lower()}

    def suppressed_of(self, person):
        """Return what a store tells of somebody: what refused, and their address where it is on the list."""
        address = person.attributes.get("email")
        return person.suppressed | ({address} if self._is_listed(address) else set())

    def _is_listed(self, address):
        return address is not None and address.lower() in self.listed

    def happen(self, person, name, properties, at, *, may_start):
        for one in person.active():
            if at >= one.at and not self._leaves(person, one, name):
                step, waits = STEPS[one.journey][one.position], one.held is None
                if waits and isinstance(step, Wait) and step.event == name and one.since <= at <= one.deadline:
                    one.position += 1
                    self._go(person, one, at, at)
        if may_start and name == "subscribed":
            self._enter(person, "digest", "", at)
        if may_start and name == "asked":
            self._enter(person, "news", repr(properties["number"]), at)
            self._enter(person, "offer", "", at)

    def changed(self, person, at):
        for one in person.active():
            if at >= one.at:
                self._leaves(person, one)

    def fire(self, person, one, moment):
        if self._leaves(person, one):
            return
        if one.held is None:
            one.position += 1
            self._go(person, one, moment, one.due)
        elif self._decided(person, one, moment):
            one.position += 1
            self._go(person, one, moment, moment)

    def _enter(self, person, journey, key, at):
        if person.inside(journey, key) is None and not self.closed(journey):
            one = Way(journey, key, 1, at, at)
            person.entries.append(one)
            person.entered[journey, key] = at
            self._go(person, one, at, at)

    def _leaves(self, person, one, event=None):
        """Let somebody leave whom their journey lets go; whether it did."""
        if one.journey == "news" and event == "closed":
            one.end("exited", "closed")
        elif one.journey == "digest" and person.attributes.get("level") == "done":
            one.end("exited", "condition 1")
        else:
            return False
        self.cancel(one, "cancelled", on_its_way=False)
        return True

    def cancel(self, one, reason, *, on_its_way):
        if one.held is not None:
            self._skip(one, reason, 0)
        for message in one.messages if on_its_way else ():
            if message.status == "pending":
                message.end("skipped", reason, 0)

    # Sending --------------------------------------------------------------------------------------------------------

    def _go(self, person, one, now, planned):
        """Take somebody on from their step; `planned` is when they should have come to it."""
        while True:
            one.since, one.due, one.deadline, one.held, one.planned = now, None, None, None, planned
            if one.position == len(STEPS[one.journey]):
                one.end("completed")
                return
            step = STEPS[one.journey][one.position]
            if isinstance(step, Wait):
                one.due = next_second(now + step.lasts)
                if step.event is not None:
                    one.deadline, one.due = one.due, one.due + GRACE
                return
            if self._leaves(person, one) or not self._decided(person, one, now):
                return
            one.position += 1

    def _decided(self, person, one, now):
        """Send the message of somebody's step, or not, or let it wait; whether it is decided."""
        letter = STEPS[one.journey][one.position]
        latest = next_second(one.planned + letter.max_age)
        if one.journey in self.paused:
            return self._hold(one, "paused", one.at + LONGEST_LIFE)
        if one.planned < self.stale_before.get(one.journey, one.planned):
            return self._skip(one, "stale", now)
        if now > latest:
            return self._skip(one, "quiet_expired" if one.held == "quiet" else "stale", now)
        channel, reason = self._channel(person, letter)
        if channel is None:
            return self._skip(one, reason, now)
        night = quiet_until(now, person.attributes.get("timezone") or "UTC")
        if letter.marketing and channel == "email" and night is not None:
            if now == latest:
                return self._skip(one, "quiet_expired", now)
            return self._hold(one, "quiet", min(night, latest))
        free = self._room_again(person, channel, now)
        if letter.marketing and free > now:
            last = next_second(one.planned + letter.delay)
            if now >= last or not letter.delay:
                return self._skip(one, "capped", now)
            return self._hold(one, "capped", min(free, last))
        address = person.attributes.get("email") if channel == "email" else None
        message = Message(letter, one.journey, channel, now, latest, "pending", None, now, address=address)
        one.messages.append(message)
        one.held = None
        return True

    def _hold(self, one, reason, until):
        one.held, one.due = reason, next_second(until)
        return False

    def _skip(self, one, reason, now):
        letter = STEPS[one.journey][one.position]
        one.messages.append(Message(letter, one.journey, "", now, None, "skipped", reason))
        one.held = None
        return True

    def _channel(self, person, letter):
        """Return the first channel that may be used, or why the first one may not."""
        reasons = []
        for channel in letter.via:
            address = person.attributes.get("email") if channel == "email" else None
            reason = self._barred(person, channel, address, marketing=letter.marketing)
            if channel == "email" and not address:
                reason = "no_address"
            if reason is None:
                return channel, None
            reasons.append(reason)
        return None, reasons[0]

    def _barred(self, person, channel, address, *, marketing):
        if self._is_listed(address) or (address is not None and address in person.suppressed):
            return "suppressed"
        answer = person.consent.get(channel)
        may = answer is True if channel == "email" else answer is not False
        return None if may or not marketing else "no_consent"

    def _room_again(self, person, channel, now):
        """Return when no cap stops another message on a channel."""
        messages = [m for one in person.entries for m in one.messages]
        counted = [m for m in messages if m.letter.marketing and m.status in {"pending", "sent"}]
        free = now
        for most, per, only in CAPS:
            if only in {None, channel}:
                moments = sorted(m.counts_at(self.now) for m in counted if only in {None, m.channel})
                within = [at for at in moments if at > now - per]
                if len(within) >= most:
                    free = max(free, within[-most] + per)
        return free

    # What becomes of what is on its way -----------------------------------------------------------------------------

    def waiting(self, now):
        """Return what may be handed over now, with whose it is."""
        return [
            (person, one, message)
            for person in self.people.values()
            for one in person.entries
            for message in one.messages
            if message.status == "pending" and message.available <= now and one.journey not in self.paused
        ]

    def deliver(self, answer, now):
        """Hand over what waits; the other sides give all of it this answer."""
        handed = []
        for person, one, message in self.waiting(now):
            late = message.attempts or now - message.created >= ASKED_AGAIN
            listed = "suppressed" if self._is_listed(message.address) else None
            reason = self._withdrawn(person, one, message) if late else listed
            if now > message.expires:
                tried = message.attempts > 0
                message.end("failed" if tried else "skipped", "gave_up" if tried else "stale", now)
            elif reason is not None:
                message.end("skipped", reason, now)
            elif late and (morning := self._night_of(person, message, now)) is not None:
                if morning > message.expires:
                    message.end("skipped", "quiet_expired", now)
                else:
                    message.available, message.reason = morning, "quiet_hours"
            else:
                handed.append((person, message))
        for person, message in handed:
            self._answered(person, message, answer, now)

    def died_while_sending(self, now):
        """Let nobody know what became of all that waits."""
        for person, _, message in self.waiting(now):
            self._answered(person, message, "unknown", now)

    def _night_of(self, person, message, now):
        """Return when the night is over that keeps a message back, where one does."""
        if not message.letter.marketing or message.channel != "email":
            return None
        return quiet_until(now, person.attributes.get("timezone") or "UTC")

    def _withdrawn(self, person, one, message):
        if one.status == "exited" and one.reason in {"closed", "condition 1", "stopped"}:
            return "cancelled"
        return self._barred(person, message.channel, message.address, marketing=message.letter.marketing)

    def _answered(self, person, message, answer, now):
        message.attempts += 1
        if answer == "sent":
            message.end("sent", None, now)
        elif answer == "refused":
            message.end("failed", "permanent", now)
            if message.address is not None:
                person.suppressed.add(message.address)
                self.list_address(message.address)
        elif answer == "unknown" and message.channel == "text":
            message.end("sent", "assumed", now)
        elif message.attempts == ATTEMPTS:
            message.end("failed", "gave_up", now)
        else:
            message.available, message.reason = None, "deferred"

    def resumed(self, one, overdue, paused_at, now):
        if one.status == "active" and one.held == "paused":
            one.due = min(one.due, next_second(now))
        for message in one.messages:
            if message.status == "pending" and overdue == "recompute":
                message.expires += max(0, now - max(paused_at, message.created))
            if message.status == "pending" and overdue == "skip_stale":
                message.end("skipped", "stale", now)
